"""How near a picture is to its original: what somebody states, and what the file hints at beside it.

The grade of a copy is a claim of whoever collected it. The file can speak for or against it and never settles it.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.evidence.image.exif import EXPOSURE
from custody.evidence.image.model import Hint, Picture
from custody.format.compartments import COPY_GRADES

_MESSENGER = ("messenger_name", "messenger_size", "facebook_mark")
_SCREENSHOT = ("screenshot_name", "screenshot_software")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """``stated``: one of COPY_GRADES as somebody said, or None ("unknown": nobody said). ``hints``: what the file
    hints at, each as a grade with its reason. ``against``: reasons that speak against what was stated."""

    stated: str | None
    hints: tuple[Hint, ...]
    against: tuple[str, ...]


def hinted(picture: Picture) -> tuple[Hint, ...]:
    """Grades that the file hints at: ``code`` is one of COPY_GRADES."""
    found = [
        Hint("received-through-a-messenger", one.reason) for one in picture.hints if one.code in _MESSENGER
    ]
    exposed = any(one.name in EXPOSURE for one in picture.statements)
    if "photo_of_screen_possible" in picture.flags:
        found.append(
            Hint("photo-of-a-screen", "a camera's exposure is inside, and name or program say screenshot")
        )
    elif not exposed:
        found += [Hint("on-the-device", one.reason) for one in picture.hints if one.code in _SCREENSHOT]
    return tuple(dict.fromkeys(found))


def beside(stated: str | None, picture: Picture) -> Grade:
    """What somebody stated and what the file hints at, beside each other. ``stated``: of COPY_GRADES, or None."""
    hints = hinted(picture)
    exposed = any(one.name in EXPOSURE for one in picture.statements)
    against: list[str] = []
    if stated in ("on-the-device", "exported-by-the-app"):
        against += [
            one.reason for one in hints if one.code in ("received-through-a-messenger", "photo-of-a-screen")
        ]
    elif stated == "photo-of-a-screen" and not exposed:
        against += [one.reason for one in hints if one.code == "on-the-device"]
    known = stated if stated in COPY_GRADES else None
    return Grade(stated=known, hints=hints, against=tuple(against))
