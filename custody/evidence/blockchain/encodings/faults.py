"""What is wrong with a text that does not decode, and at which character where that can be told."""

from __future__ import annotations

from custody.errors import FormatError


class Undecoded(FormatError):
    """A text that is not in an encoding.

    ``position``: the character that can't stand there, counted from 0, or None where it can't be told.
    ``checksum``: everything decodes, and only the checksum does not match what it is of: a slip of
    somebody's hand, or a changed text.
    """

    def __init__(self, what: str, *, position: int | None = None, checksum: bool = False) -> None:
        self.position = position
        self.checksum = checksum
        where = None if position is None else f"character {position + 1}"
        super().__init__(what, where=where)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.what, self.position, self.checksum))


def _rebuild(what: str, position: int | None, checksum: bool) -> Undecoded:
    return Undecoded(what, position=position, checksum=checksum)
