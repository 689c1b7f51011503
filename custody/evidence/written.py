"""What the written forms of chats and of records have in common: JSON Lines, counted and covered.

The lines are RFC 8785 JSON each, in the order of the export; the first says what was read and how, the last
holds the account. Nothing here guesses, and nothing of the machine or of now goes in: the same item, reader
and settings give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from custody.errors import CustodyError, MachineError
from custody.evidence.coverage import Coverage, Covered
from custody.evidence.export import Export
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.format import canonical
from custody.format.text import show

FIRST_OF_A_CODE = 5
"""So many notices of one code are written out; the account counts all."""
_QUIET = frozenset({"syntax", "blank"})


class Named(Protocol):
    """A reader, as the first line names it."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def version(self) -> int:
        """Its version."""


class Written:
    """One reading, being written. Who knows the records says how they are read, begun and ended."""

    def __init__(
        self, export: Export, reader: Named, detected: Detected, settings: Settings, *, item: str
    ) -> None:
        self._export = export
        self._named = reader
        self._detected = detected
        self._settings = settings
        self._item = item
        self._coverage = {at: Coverage(export.members[at].size) for at in detected.members}
        self._notices: Counter[str] = Counter()
        self._open: list[str] = []
        self._unread = 0

    def lines(self) -> Iterator[bytes]:
        """All lines, each with its line end."""
        yield line(self._beginning())
        try:
            yield from self._records()
        except MachineError:
            raise  # a full disk says nothing about the item
        except CustodyError as error:
            # Without `where`: there the item's own name can stand, which a package may withhold.
            yield from self._broken_off(error.what if error.found is None else f"{error.what}: {error.found}")
        except Exception as error:  # noqa: BLE001 - struct.error and zlib.error have no other base
            # A fault of ours in a reader must not keep evidence out, nor pass for "there is no more".
            yield from self._broken_off(f"a fault in this reader: {type(error).__name__}")
        for at, coverage in self._coverage.items():
            gap = coverage.finish()
            if gap is not None:
                yield from self._uncovered(at, gap)
        yield from self._after()
        yield line(self._account())

    def _beginning(self) -> dict[str, Any]:
        raise NotImplementedError

    def _records(self) -> Iterator[bytes]:
        raise NotImplementedError

    def _after(self) -> Iterable[bytes]:
        """Lines between the last record and the account."""
        return ()

    def _account(self) -> dict[str, Any]:
        raise NotImplementedError

    def _import(self, schema: str, items: Mapping[int, str], **more: object) -> dict[str, Any]:
        """The first line. ``items``: what files of the export became, by member."""
        settings = self._settings
        stated = {
            "time_zone": settings.time_zone,
            "date_order": settings.date_order,
            "year": settings.year,
            "mapping": None if settings.mapping is None else dict(settings.mapping),
        }
        return without_none(
            {
                **more,
                "record": "import",
                "schema": schema,
                "item": self._item,
                "unpacked": self._export.unpacked,
                "reader": {"name": self._named.name, "version": self._named.version},
                "stated": without_none(stated),
                "detected": {"score": self._detected.score, "reasons": list(self._detected.reasons)},
                "members": [
                    without_none(
                        {
                            "index": member.index,
                            "name": member.name if self._export.zipped else None,
                            "size": member.size,
                            "item": items.get(member.index),
                            "read": member.index in self._coverage,
                        }
                    )
                    for member in self._export.members
                ],
            }
        )

    def _beside(self, record: object) -> Iterator[bytes]:
        """What any reader may give beside its own records; TypeError for anything else."""
        if type(record) is Range:
            yield from self._claim(record.member, record.start, record.end, record.what)
            if record.what not in _QUIET:
                self._unread += record.what == "unread"
                yield line(_range(record))
        elif type(record) is Decided:
            if record.state == "open":
                self._open.append(record.what)
            values = {
                "record": "reading",
                "what": record.what,
                "value": mend(record.value),
                "state": record.state,
                "reasons": mend(list(record.reasons)),
                "member": record.member,
            }
            yield line(without_none(values))
        elif type(record) is Notice:
            yield from self._notice(record)
        else:
            raise TypeError(f"a reader gave a {type(record).__name__}")

    def _claim(self, member: int, start: int, end: int, what: str) -> Iterable[bytes]:
        """Count a range as read; lines about what lies between it and the one before, where nothing was said of it."""
        gap = self._coverage[member].claim(start, end, what)
        return () if gap is None else self._uncovered(member, gap)

    def _uncovered(self, member: int, gap: tuple[int, int]) -> Iterator[bytes]:
        yield line(
            {
                "record": "range",
                "what": "uncovered",
                "source": {"member": member, "start": gap[0], "end": gap[1]},
            }
        )
        yield from self._notice(
            Notice("uncovered_bytes", "bytes that the reader passed over: a fault of ours", member=member)
        )

    def _notice(self, notice: Notice) -> Iterator[bytes]:
        self._notices[notice.code] += 1
        if self._notices[notice.code] <= FIRST_OF_A_CODE:
            values = {
                "record": "notice",
                "code": notice.code,
                "text": mend(notice.text),
                "member": notice.member,
                "place": mend(notice.place),
            }
            yield line(without_none(values))

    def _broken_off(self, why: str) -> Iterator[bytes]:
        yield from self._notice(Notice("broken_off", f"reading ended early: {show(why, 300)}"))

    def _covered(self) -> dict[int, Covered]:
        """Accounts by member that was read."""
        return {at: one.account() for at, one in self._coverage.items()}


def accounts(covered: Mapping[int, Covered]) -> list[dict[str, Any]]:
    """What the last line says of each file that was read."""
    return [
        {
            "member": at,
            "size": one.size,
            "ranges": one.ranges,
            "uncovered": one.uncovered,
            "overlaps": one.overlaps,
        }
        for at, one in covered.items()
    ]


def _range(record: Range) -> dict[str, Any]:
    return without_none(
        {
            "record": "range",
            "what": record.what,
            "source": {"member": record.member, "start": record.start, "end": record.end},
            "text": mend(record.text),
            "place": mend(record.place),
        }
    )


def line(value: dict[str, Any]) -> bytes:
    """A record as a line."""
    return canonical.encode(value, where="record") + b"\n"


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """What is not known is absent."""
    return {name: value for name, value in values.items() if value is not None}


def mend(value: Any) -> Any:
    """A value whose texts hold whole characters only: halves are replaced by U+FFFD."""
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return value
    if isinstance(value, Mapping):
        return {mend(name): mend(one) for name, one in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mend(one) for one in value))
    if isinstance(value, list | tuple):
        return type(value)(mend(one) for one in value)
    return value
