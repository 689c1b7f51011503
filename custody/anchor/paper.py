"""A checkpoint on paper: printed for a letter or a newspaper, typed back years later.

::

    custody checkpoint 1
    record   aeba gbaf aydq qcik bmga 2dqp ca  7K
    entries  412  3Q
    root 1   2b14 b18a 9718 fe0b  X4
    root 2   8f3e 1dd8 c908 5028  0M
    root 3   aa6c dd7f 5da8 fe3e  9T
    root 4   e1d9 f076 30f0 37a8  HC

Nothing is signed here: who believes the paper believes what stands on it. The two characters at the
end of each line are 10 bits of a digest over the line and its label, so that a slip of the finger or two
lines that changed places are told, by name; they protect from nothing else. Pure functions; the
newspaper is the witness.
"""

from __future__ import annotations

import hashlib
import re

from custody.errors import FormatError
from custody.format import names
from custody.format.note import Checkpoint, parse_size
from custody.format.text import show

TITLE = "custody checkpoint 1"
MAX_TYPED = 8192

_LABELS = ("record", "entries", "root 1", "root 2", "root 3", "root 4")
# Crockford's base 32: no letter that is taken for a digit or another letter, however it is typed.
_CHECK = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALIKE = str.maketrans("OIL", "011")
_ROOT_LINE = 16


def lines(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The printed lines, ASCII, without line ends."""
    root = checkpoint.root.hex()
    values = (
        checkpoint.origin.removeprefix("custody/"),
        str(checkpoint.size),
        *(root[at : at + _ROOT_LINE] for at in range(0, len(root), _ROOT_LINE)),
    )
    printed = [TITLE]
    for label, value in zip(_LABELS, values, strict=True):
        groups = value if label == "entries" else " ".join(re.findall(".{1,4}", value))
        printed.append(f"{label:<8} {groups}  {_check(label, value)}")
    return tuple(printed)


def read(text: str, *, where: str) -> Checkpoint:
    """The checkpoint that somebody typed; FormatError names the line that is off.

    Capitals, spaces and dashes are forgiven, a line may be broken into several, and so are words before
    the first line and after the last: people type letters off whole.
    """
    if len(text) > MAX_TYPED:
        raise FormatError(
            "too long for a checkpoint on paper", where=where, expected=f"{MAX_TYPED} characters"
        )
    values = _values(text, where)
    origin = names.check_origin(f"custody/{values['record'].lower()}", where=f"{where}, line “record”")
    size = parse_size(values["entries"], where=f"{where}, line “entries”")
    root = "".join(values[label].lower() for label in _LABELS[2:])
    if not re.fullmatch("[0-9a-f]{64}", root):
        raise FormatError("not 64 digits of a root", where=where, expected="0 to 9 and a to f, 16 a line")
    return Checkpoint(origin=origin, size=size, root=bytes.fromhex(root))


def _values(text: str, where: str) -> dict[str, str]:
    """What stands behind each label, once its two check characters fit."""
    title = _find(TITLE, text, 0)
    at = 0 if title is None else title[1]
    places: list[tuple[int, int]] = []
    for label in _LABELS:
        found = _find(label, text, at)
        if found is None:
            raise FormatError(
                f"the line “{label}” is missing, or stands in another place", where=where, hint=_HINT
            )
        places.append(found)
        at = found[1]
    ends = [*(begin for begin, _ in places[1:]), len(text)]
    return {
        label: _checked(label, text[begin:end], where)
        for label, (_, begin), end in zip(_LABELS, places, ends, strict=True)
    }


_HINT = "type the six lines as they are printed, with their first words and the two characters at their ends"


def _find(label: str, text: str, start: int) -> tuple[int, int] | None:
    """Where a line begins, and where what follows its first words does."""
    pattern = re.compile(
        rf"^[ \t]*{label.replace(' ', '[ ]*')}\b[ \t:]*", re.MULTILINE | re.IGNORECASE | re.ASCII
    )
    match = pattern.search(text, start)
    return None if match is None else match.span()


def _checked(label: str, typed: str, where: str) -> str:
    place = f"{where}, line “{label}”"
    if label == "entries":
        # The number has no fixed length: it and its check are the first two words.
        match = re.match(r"\s*([0-9]{1,16})[\s-]+(\S\S)(?=\s|$)", typed)
        value, check = match.groups() if match is not None else ("", "")
    else:
        wanted = 26 if label == "record" else _ROOT_LINE
        joined = re.sub(r"[\s.·-]", "", typed)
        value, check = joined[:wanted], joined[wanted : wanted + 2]
    if len(check) != 2 or not value:
        raise FormatError("not whole", where=place, found=show(typed.strip(), 40), hint=_HINT)
    if check.upper().translate(_ALIKE) != _check(label, value.lower()):
        raise FormatError(
            "the two characters at the end do not fit: something in this line was typed differently",
            where=place,
            found=show(typed.strip(), 60),
            hint="compare this line with the paper, character by character",
        )
    return value


def _check(label: str, value: str) -> str:
    digest = hashlib.sha256(
        b"custody/1 paper\0" + label.encode() + b"\0" + value.encode("utf-8", "surrogatepass")
    ).digest()
    number = int.from_bytes(digest[:2], "big") >> 6
    return _CHECK[number >> 5] + _CHECK[number & 31]
