"""The recovery sheet: a custodian on paper, for the day when a passphrase or a person is gone.

One 32-byte seed, printed as 24 words and as a QR code; all keys are HKDF outputs of it (formats,
section 3; docs/format/key-file.md). Nothing of it stays on the machine once the file is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from custody.crypto.keys import CustodianKeys
from custody.errors import FormatError
from custody.format import words
from custody.format.names import check_origin
from custody.format.text import check_time, show
from custody.keys import keyfile

WORDS = 24
LEDGER_WORDS = 12
WIDTH = 72
"""Columns of the page: 80 less what a printer takes."""
_MAX_TEXT = 4096
_QR_PREFIX = "custody-recovery:"
_COLUMNS = 4
_ROWS = WORDS // _COLUMNS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySheet:
    """What the sheet holds: the seed (32 bytes) and its 24 words.

    ``origin`` and ``ledger_words`` (12) are known when the sheet was read from its QR code, else None.
    """

    seed: bytes = field(repr=False)
    words: tuple[str, ...] = field(repr=False)
    origin: str | None = None
    ledger_words: tuple[str, ...] | None = None

    @property
    def keys(self) -> CustodianKeys:
        """The custodian that the sheet is."""
        return CustodianKeys.from_recovery_seed(self.seed)

    def fits(self, position: int, typed: str) -> bool:
        """True when ``typed`` is word ``position`` (1 … 24); its first four letters are enough."""
        return _letters(typed)[:4] == self.words[position - 1][:4]


def new_sheet(random32: bytes) -> RecoverySheet:
    """The sheet of 32 random bytes; FormatError for another number of bytes."""
    if len(random32) != 32:
        raise FormatError("not a seed", where="recovery sheet", expected="32 bytes", found=f"{len(random32)}")
    return RecoverySheet(seed=random32, words=words.encode(random32))


def from_words(text: str, *, where: str = "recovery sheet") -> RecoverySheet:
    """The sheet of its 24 words as somebody typed them, or of its QR code's text; FormatError naming the word.

    Capitals, numbering, commas and line ends are forgiven, and a word may be cut to its first four
    letters. A check in the last word finds a wrong or exchanged word 255 times in 256.
    """
    if len(text) > _MAX_TEXT:
        raise FormatError("too long for 24 words", where=where, expected=f"at most {_MAX_TEXT} characters")
    compact = text.strip().lower()
    if not compact.startswith(_QR_PREFIX):
        seed = words.decode(_whole(compact), count=WORDS, where=where)
        return RecoverySheet(seed=seed, words=words.encode(seed))
    fields = compact.removeprefix(_QR_PREFIX).split(":")
    if fields[0] != "1":
        raise FormatError(
            "a recovery code made by a newer custody", where=where, expected="1", found=show(fields[0], 20)
        )
    if len(fields) != 4:
        raise FormatError(
            "not a whole recovery code", where=where, expected="4 parts", found=f"{len(fields)}"
        )
    origin = check_origin(fields[1], where=f"{where}, origin")
    seed = words.decode(_whole(fields[2]), count=WORDS, where=where)
    ledger = words.decode(_whole(fields[3]), count=LEDGER_WORDS, where=f"{where}, the ledger's words")
    return RecoverySheet(
        seed=seed, words=words.encode(seed), origin=origin, ledger_words=words.encode(ledger)
    )


def qr_text(sheet: RecoverySheet, origin: str, ledger_words: tuple[str, ...]) -> str:
    """What the QR code says: prefix, version, origin, 24 words, 12 words, with colons between.

    In capitals and with four letters a word, so that the code needs only its alphanumeric mode: 53
    modules a side in place of 77, which prints and scans better.
    """
    parts = [
        _QR_PREFIX + "1",
        origin,
        *(" ".join(w[:4] for w in part) for part in (sheet.words, ledger_words)),
    ]
    return ":".join(parts).upper()


def render(sheet: RecoverySheet, origin: str, ledger_words: tuple[str, ...], made: str) -> str:
    """The page to print: plain text, at most 72 columns, ending in a line end.

    ``ledger_words`` are the ledger's twelve, ``made`` a UTC time to the millisecond. FormatError when
    they are not what they should be: a sheet that can't be read back is worse than none.
    """
    check_origin(origin, where="recovery sheet, origin")
    check_time(made, where="recovery sheet, made")
    code = qr_text(sheet, origin, ledger_words)
    if from_words(code).seed != sheet.seed or words.encode(sheet.seed) != sheet.words:
        raise FormatError("the words are not those of the seed", where="recovery sheet")
    lines = [
        "RECOVERY SHEET                                            keep it secret",
        "=" * WIDTH,
        "",
        "WHAT THIS IS",
        "Whoever holds this page can open EVERYTHING in the locker named below,",
        "without a passphrase: every case, every file, every name. It is for the",
        "day when the passphrase is forgotten or its owner is gone.",
        "",
        "WHAT TO DO NOW",
        "1. Print this page. Check that all 24 words can be read.",
        "2. Put it into an envelope, seal it, sign and date it across the flap.",
        "3. Lock the envelope away, not beside the computer. Note who may open.",
        "4. Delete the file that you printed it from. Do not photograph the page,",
        "   do not send it, do not keep it in a cloud folder.",
        "",
        "THE 24 WORDS",
        *_grid(sheet.words),
        "",
        "HOW TO USE IT",
        "On a computer with the locker on it, type",
        "    custody custodian recover -o NEW-KEY-FILE",
        "and then the 24 words in the order of their numbers; four letters of",
        "each are enough. Then make a new sheet: an opened one has been seen.",
        "",
        "WHICH LOCKER",
        f"Ledger  {origin}",
        f"Made    {made}",
        "The locker's twelve words, which are no secret:",
        *_lines(ledger_words),
        "",
        "THE SAME FOR A CAMERA (as secret as the words)",
        "",
        *_qr_lines(code),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def write(path: Path, text: str) -> None:
    """Write the page, mode 0600, durably, never over an existing file (InputRefused); else MachineError."""
    keyfile.write_new(path, text.encode("utf-8"))


def questions(random: Callable[[int], bytes]) -> tuple[int, int, int]:
    """Three places 1 … 24, growing, all alike likely: the words to ask back once the sheet is printed."""
    places: set[int] = set()
    while len(places) < 3:
        byte = random(1)[0]
        if byte < 240:  # 10 × 24: beyond it, some places would come more often
            places.add(byte % WORDS + 1)
    first, second, third = sorted(places)
    return first, second, third


def _letters(text: str) -> str:
    return "".join(re.findall(r"[a-z]+", text.lower()))


def _whole(text: str) -> str:
    """Words cut to their first four letters made whole: four letters tell each word from all others."""
    whole = {word[:4]: word for word in words.english()}
    return re.sub(r"[a-z]+", lambda match: whole.get(match[0], match[0]), text)


def _grid(sheet_words: tuple[str, ...]) -> list[str]:
    # Numbers run down the columns, as one reads them out. The longest word has eight letters.
    return [
        "".join(f"  {place + 1:2} {sheet_words[place]:<13}" for place in range(row, WORDS, _ROWS))
        for row in range(_ROWS)
    ]


def _lines(ledger_words: tuple[str, ...]) -> list[str]:
    return ["    " + " ".join(ledger_words[start : start + 6]) for start in (0, 6)]


def _qr_lines(code: str) -> list[str]:
    # Imported here: only `init` and `custodian new` draw one, and start-up is measured.
    import segno

    matrix = segno.make_qr(code, error="m").matrix
    side = len(matrix)
    rows = [*matrix, bytes(side)] if side % 2 else list(matrix)
    # Ink is dark: a full block is a dark module, on white paper. Two rows of modules a line of text.
    blocks = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}
    return [
        "    " + "".join(blocks[bool(up), bool(down)] for up, down in zip(*rows[at : at + 2], strict=True))
        for at in range(0, len(rows), 2)
    ]
