"""What is known of names: how programs name pictures, what editors and capture tools call themselves, screen sizes.

All of it only ever makes a hint. It is from observation of others and from makers' published screen sizes; programs
change their habits without telling.
"""

from __future__ import annotations

import re

MESSENGER_NAMES = (
    ("WhatsApp on Android", re.compile(r"IMG-[0-9]{8}-WA[0-9]{4,}\b")),
    ("WhatsApp on a computer", re.compile(r"WhatsApp Image [0-9]{4}-[0-9]{2}-[0-9]{2} at ")),
    ("Telegram Desktop", re.compile(r"photo_(?:[0-9]{4}(?:-[0-9]{2}){2}_[0-9]{2}(?:-[0-9]{2}){2}|[0-9]+@[0-9]{2}-)")),
    ("Viber", re.compile(r"viber_image|IMG-[0-9a-f]{32}-V\b|0-02-0[0-9a-f]-[0-9a-f]{64}")),
    ("Facebook Messenger", re.compile(r"received_[0-9]{10,}")),
    ("Facebook", re.compile(r"FB_IMG_[0-9]{10,}|[0-9]{6,}_[0-9]{8,}_[0-9]{8,}_[a-z]\.")),
    ("Signal", re.compile(r"signal-[0-9]{4}-[0-9]{2}-[0-9]{2}-")),
    ("Snapchat", re.compile(r"Snapchat-[0-9]{6,}")),
)  # fmt: skip
SCREENSHOT_NAME = re.compile(
    r"screen[ _-]?shot|screencapture|bildschirmfoto|capture d.?[ée]cran|captura de pantalla|"
    r"снимок экрана|snimak[ _-]ekrana|zrzut ekranu",
    re.IGNORECASE,
)
SCREENSHOT_SOFTWARE = re.compile(
    r"screenshot|flameshot|sharex|greenshot|lightshot|spectacle|snipping ?tool|snagit|ksnip|\b(?:maim|scrot)\b",
    re.IGNORECASE,
)
EDITOR = re.compile(
    r"photoshop|lightroom|\bgimp\b|snapseed|picsart|paint\.net|pixelmator|affinity|canva|facetune|faceapp|vsco|"
    r"imagemagick|paintshop|krita|inkscape|photoscape|remini|polarr|afterlight",
    re.IGNORECASE,
)
GENERATOR_TEXTS = {
    "parameters": "Stable Diffusion programs write the prompt there",
    "prompt": "ComfyUI writes its prompt there",
    "workflow": "ComfyUI writes its workflow there",
    "sd-metadata": "InvokeAI writes its prompt there",
    "invokeai_metadata": "InvokeAI writes its prompt there",
    "Dream": "InvokeAI writes its prompt there",
    "generation_data": "programs that make pictures write their settings there",
}
GENERATED_SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia")

LONG_EDGES = {
    960: "Facebook Messenger",
    1280: "Telegram, older WhatsApp",
    1600: "WhatsApp, Signal",
    2048: "Facebook, WhatsApp",
}
"""Longest edges in pixels to which messengers were seen to shrink photographs."""

IPHONE_SCREENS = {
    (640, 1136), (750, 1334), (828, 1792), (1125, 2436), (1170, 2532), (1179, 2556), (1206, 2622),
    (1242, 2208), (1242, 2688), (1284, 2778), (1290, 2796), (1320, 2868),
}  # fmt: skip
ANDROID_SCREENS = {
    (720, 1280), (720, 1520), (720, 1560), (720, 1600), (1080, 1920), (1080, 2160), (1080, 2220), (1080, 2280),
    (1080, 2340), (1080, 2400), (1080, 2408), (1080, 2412), (1440, 2560), (1440, 2960), (1440, 3040),
    (1440, 3088), (1440, 3120), (1440, 3200),
}  # fmt: skip
