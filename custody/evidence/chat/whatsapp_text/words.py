"""The words and signs that a phone puts into a line's date and time. Facts of CLDR 48, and nothing else."""

from __future__ import annotations

# Bytes of UTF-8, ready to stand in a pattern.
SPACE = rb"(?: |\xc2\xa0|\xe2\x80[\x89\xaf])"
"""U+0020, U+00A0, U+2009, U+202F."""
MARK = rb"(?:\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c|\xef\xbb\xbf)"
"""Signs without width that steer the direction of writing: U+200E, U+200F, U+202A to 202E, U+2066 to 2069,
U+061C; and U+FEFF."""
DIGIT = (
    rb"(?:[0-9]|\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9]|\xe0\xa5[\xa6-\xaf]|\xe0\xa7[\xa6-\xaf]|\xe1\x81[\x80-\x89])"
)
"""ASCII, Arabic-Indic, Persian, Devanagari, Bengali, Burmese."""

MARKS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
SPACES = "\u00a0\u2009\u202f"
_ZEROS = "\u0660\u06f0\u0966\u09e6\u1040"

PLAIN: dict[int, str | None] = {
    **dict.fromkeys(map(ord, MARKS)),
    **dict.fromkeys(map(ord, SPACES), " "),
    **{ord(zero) + at: str(at) for zero in _ZEROS for at in range(10)},
}
"""For str.translate: no marks, plain spaces, plain digits."""

BARE: dict[int, str | None] = {**dict.fromkeys(map(ord, MARKS)), **dict.fromkeys(map(ord, SPACES), " ")}
"""For str.translate: no marks, plain spaces."""

AM, PM, NOON = "am", "pm", "noon"

# Before noon, after noon. Spaces inside stand for any of SPACE, or none. One-letter forms but the Arabic
# ones are left out: phones do not write them in a time.
_PAIRS = """\
AM PM|a.m. p.m.|a. m. p. m.|ص م|صباحًا مساءً|صباحا مساء
上午 下午|上昼 下昼|上晝 下晝|午前 午後|오전 오후|ÖÖ ÖS|öö ös|SA CH
ق.ظ. ب.ظ.|قبل‌ازظهر بعدازظهر|πμ μμ|π.μ. μ.μ.|de. du.|fm em|fm. em.|f.m. e.m.|dop. odp.|dop. pop.|dopoldne popoldne
vm. nm.|vm nm|PG PTG|pagi petang|पूर्वाह्न अपराह्न|ก่อนเที่ยง หลังเที่ยง|පෙ.ව. ප.ව.|পূৰ্বাহ্ন অপৰাহ্ন|পূর্বাহ্ন অপরাহ্ন
p.d. m.d.|paradite pasdite|e paradites e pasdites|prijepodne popodne|прије подне по подне|пре подне по подне
prije podne po podne|pre podne po podne|претпл. попл.|дп пп|ДП ПП|пр.об. сл.об.|pr. p. pop.|priešpiet popiet
priekšp. pēcp.|priekšpusdienā pēcpusdienā|ap. ip.|f.h. e.h.|r.n. i.n.|BN PN|bn pn|ب.ن د.ن|ү.ө. ү.х.|тң тк|TO TK|ТО ТК
GH GD|غ.م غ.و.|صبح شام|ጥዋት ከሰዓት|ກ່ອນທ່ຽງ ຫຼັງທ່ຽງ|နံနက် ညနေ|öň soň|go.öň go.soň|da manhã da tarde|manhã tarde|лв лс
ԿԱ ԿՀ|ਪੂ.ਦੁ. ਬਾ.ਦੁ.|म.पू. म.उ.|முற்பகல் பிற்பகல்|ಪೂರ್ವಾಹ್ನ ಅಪರಾಹ್ನ|לפנה״צ אחה״צ|vorm. nachm.|ព្រឹក ល្ងាច"""
# Of zh and zh-Hant: parts of the day finer than two.
_MORE = {
    AM: ("凌晨", "清晨", "早上", "清早", "半夜", "午夜"),
    PM: ("晚上", "傍晚"),
    NOON: ("中午",),
}


def _halves(pair: str) -> tuple[str, str]:
    words = pair.split(" ")
    half = len(words) // 2 if len(words) != 3 else 2
    return " ".join(words[:half]), " ".join(words[half:])


def squeezed(word: str) -> str:
    """A word of the day's halves as it is looked up: without spaces, in lower case."""
    return word.translate(BARE).replace(" ", "").lower()


MERIDIEM: dict[str, str] = {
    squeezed(word): half
    for pair in _PAIRS.replace("\n", "|").split("|")
    for word, half in zip(_halves(pair), (AM, PM), strict=True)
} | {word: half for half, words in _MORE.items() for word in words}
"""AM, PM or NOON by the squeezed word."""

MERIDIEM_WORDS: tuple[str, ...] = tuple(
    sorted(
        {
            form
            for pair in _PAIRS.replace("\n", "|").split("|")
            for word in _halves(pair)
            for form in (word, word.lower(), word.upper())
        }
        | {word for words in _MORE.values() for word in words},
        key=lambda word: (-len(word), word),
    )
)
"""As they are written, the longest first."""

KOREAN = frozenset({"오전", "오후"})
"""Where these stand, the year is in front even with two digits."""

BETWEEN = (
    "klo",
    "kl.",
    "kl",
    "um",
    "at",
    "à",
    "às",
    "a las",
    "alle",
    "в",
    "о",
    "om",
    "lúc",
    "pukul",
    "jam",
    "ob",
    "u",
)
"""Words that stand between date and time."""

AFTER_TIME = ("ч.", "Uhr", "uur", "WIB", "h")
"""Words that stand behind the time."""

AFTER_YEAR = ("г.", "г", "BE", "B.E.", "พ.ศ.", "AD", "CE", "م", "هـ", "AH", "AP", "ه‍.ش.", "ه.ش.")
"""Words that stand behind the year."""

BUDDHIST_WORDS = frozenset({"BE", "B.E.", "พ.ศ."})
ISLAMIC_WORDS = frozenset({"هـ", "AH"})
PERSIAN_WORDS = frozenset({"AP", "ه‍.ش.", "ه.ش."})

ERAS = {"R": 2018, "令和": 2018, "H": 1988, "平成": 1988}
"""What is to be added to a year of a Japanese era: Reiwa 1 = 2019, Heisei 1 = 1989."""
