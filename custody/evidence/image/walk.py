"""What a walk over a picture's container collects, with a full account of its bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from custody.evidence.image.model import Part, Statement, Thumbnail, Unread
from custody.evidence.image.window import Ranges, Window

MAX_PARTS = 2_000
"""Parts that are listed; what comes after them is told as one, with how many there were."""
MAX_STEPS = 100_000
"""Chunks, segments, blocks or boxes that are walked at most: the rest is accounted for as not walked."""
MAX_UNREAD = 200
MAX_STATEMENTS = 2_000
MAX_BLOCKS = 8
"""Blocks of EXIF, XMP, IPTC, claims or indexes that are read, of each kind; a sound file has one or two."""
MAX_UNPACKED = 8 << 20
"""Bytes of packed texts of one file that are unpacked at most."""


class Parts:
    """An account of the file from its beginning on: what is added must not go back, what is left out is named."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: list[Part] = []
        self.end = 0
        self.steps = 0

    def add(self, end: int, name: str, about: str) -> None:
        """The bytes from where the last part ended to ``end``."""
        end = min(end, self._size)
        if end <= self.end:
            return
        self.steps += 1
        last = self._parts[-1] if self._parts else None
        if last is not None and (last.name, last.about) == (name, about):
            self._parts[-1] = Part(last.start, end, name, about, last.count + 1)
        elif last is not None and len(self._parts) >= MAX_PARTS:
            self._parts[-1] = Part(last.start, end, "…", "not listed", last.count + 1)
        else:
            self._parts.append(Part(self.end, end, name, about))
        self.end = end

    def all(self) -> tuple[Part, ...]:
        """The account, whole only once it was added up to the file's size."""
        return tuple(self._parts)

    @property
    def full(self) -> bool:
        """Whether so much was walked that the walk must stop."""
        return self.steps >= MAX_STEPS

    @property
    def shortened(self) -> bool:
        """Whether some parts are not listed each by itself."""
        return bool(self._parts) and self._parts[-1].about == "not listed"


@dataclass(slots=True, kw_only=True)
class Walk:
    """What was met on the way. ``end``: where the picture ends, None where it does not (then it is cut off).

    ``exif``: TIFF structures with EXIF; ``xmp``: packets; ``extended``: XMP's continuation by (GUID, offset);
    ``claims``: JUMBF of content credentials; ``mpf``: indexes of JPEG's multi-picture format; ``pages``: whether
    the directories of the EXIF are the picture itself (TIFF), so that the second is no thumbnail.
    """

    window: Window
    parts: Parts
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    orientation: int | None = None
    end: int | None = None
    exif: list[Ranges] = field(default_factory=list)
    xmp: list[Ranges] = field(default_factory=list)
    extended: list[tuple[bytes, int, int, int]] = field(default_factory=list)
    claims: list[Ranges] = field(default_factory=list)
    mpf: list[Ranges] = field(default_factory=list)
    iptc: list[Ranges] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    thumbnails: list[Thumbnail] = field(default_factory=list)
    announced: list[tuple[int, int, str]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    unpacked: int = 0
    pages: bool = False
    raw_times: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def over(cls, window: Window) -> Walk:
        """A walk that has not begun."""
        return cls(window=window, parts=Parts(window.size))

    def fault(
        self, start: int, end: int, reason: str, *, what: str = "container", flag: str = "damaged"
    ) -> None:
        """A range that was not understood, and the flag for it."""
        self.flags.add(flag)
        if len(self.unread) < MAX_UNREAD:
            start = max(0, min(start, self.window.size))
            self.unread.append(Unread(start, max(start, min(end, self.window.size)), what, reason))

    def block(self, blocks: list[Ranges], ranges: Sequence[tuple[int, int]] | Ranges) -> None:
        """A block of metadata to be read after the walk."""
        one = ranges if isinstance(ranges, Ranges) else Ranges.of(self.window, ranges)
        if len(blocks) < MAX_BLOCKS:
            blocks.append(one)
        else:
            start, end = one.place(0, one.size)
            self.fault(start, end, "more blocks of one kind than are read", flag="too_many_parts")

    def says(self, origin: str, name: str, value: str, start: int, end: int) -> None:
        """A statement of the file."""
        if value and len(self.statements) >= MAX_STATEMENTS:
            self.flags.add("too_many_parts")
        elif value:
            self.statements.append(
                Statement(
                    origin=origin, name=name, value=value[:1000], start=start, end=end, cut=len(value) > 1000
                )
            )
