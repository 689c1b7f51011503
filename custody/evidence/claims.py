"""Who claims an item: every reader is asked, and a fault in one of them neither hides the others nor itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from custody.errors import CustodyError, InputRefused
from custody.evidence.export import Export
from custody.evidence.reading import Detected

CLAIM = 50
"""A score below this is no claim."""


_HINT = "please report it; the item itself is whole"


class ReaderFault(InputRefused):
    """A reader of ours had a fault while it looked at an item: it may be of its format, and nobody knows."""


class Reads(Protocol):
    """What is asked of a reader here."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def detect(self) -> Callable[[Export], Detected | None]:
        """Tells its format."""
        ...


Reader = TypeVar("Reader", bound=Reads)


def look(reader: Reads, export: Export) -> Detected | None:
    """What one reader says of an export. ReaderFault for a fault of ours; our own errors come through."""
    try:
        return reader.detect(export)
    except CustodyError:
        raise
    except Exception as error:  # whatever it is: the file came from outside
        told = f"a fault in custody kept the reader {reader.name} from looking ({type(error).__name__})"
        raise ReaderFault(told, hint=_HINT) from error


def claims(readers: Sequence[Reader], export: Export) -> list[tuple[Reader, Detected]]:
    """The readers that claim an export, the surest first.

    A reader that has a fault while it looks is passed over; the reasons of those that claim say so. ReaderFault
    where nobody else claims it: it may be of their formats. Our own errors come through.
    """
    found: list[tuple[Reader, Detected]] = []
    faults: list[str] = []
    for reader in readers:
        try:
            detected = look(reader, export)
        except ReaderFault as error:
            faults.append(error.what)
            continue
        if detected is not None and detected.score >= CLAIM:
            found.append((reader, detected))
    if faults:
        told = "; ".join(faults)
        if not found:
            raise ReaderFault(told, hint=_HINT)
        found = [(reader, replace(one, reasons=(*one.reasons, told))) for reader, one in found]
    return sorted(found, key=lambda one: (-one[1].score, one[0].name))


def surest(readers: Sequence[Reader], export: Export) -> tuple[Reader, Detected] | None:
    """The one reader whose claim is surer than all others'; None where nobody claims it, or two alike."""
    found = claims(readers, export)
    if not found or (len(found) > 1 and found[0][1].score == found[1][1].score):
        return None
    return found[0]
