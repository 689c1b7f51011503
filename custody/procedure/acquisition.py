"""An acquisition: the exhibit that items go into, how it begins, ends, and goes on after an interruption."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from custody import __version__
from custody.errors import InputRefused, UsageError
from custody.format import canonical, compartments, names
from custody.format.entry import check_compartment
from custody.format.text import show
from custody.procedure import cases
from custody.procedure.derive import NO_WISH, Wish
from custody.procedure.keyring import lookup, wraps_for_readers
from custody.procedure.locker import Desk, Writer
from custody.procedure.lookups import lookup_tag
from custody.procedure.sources import Found, Refused, folders

MUST_STATE = (
    ("capture", "description"),
    ("capture", "method"),
    ("capture", "collector_role"),
    ("capture", "original_untouched"),
    ("capture", "completeness"),
    ("source", "kind"),
    ("source", "text"),
    ("place", "text"),
    ("legal", "basis"),
)
"""What an acquisition record must say (ISO/IEC 27037, SWGDE, Berkeley Protocol); unsaid ones are listed as such."""

MOST_ITEMS = 999_999
"""As many as the label of an item can number, in one exhibit."""

DIGESTS = ("sha256", "sha512", "sha1", "md5", "sha3_256", "blake2b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person says about an acquisition.

    ``record``: stated fields by compartment (see `compartments.form_fields`); ``handling``: flags;
    ``expect``: the sender's SHA-256 (hex) of the one file; ``digests``: further algorithms; ``again``: also
    what is in from the same source is logged, as received once more; ``register``: digests are logged, the
    content is kept nowhere; ``derive``: how chats among the files are read.
    """

    case: str
    exhibit: str | None = None
    record: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    handling: tuple[str, ...] = ("unassessed",)
    expect: str | None = None
    digests: tuple[str, ...] = ("sha256",)
    act: str = "files"
    seal: bool = True
    again: bool = False
    register: bool = False
    derive: Wish = NO_WISH

    def check(self, files: int) -> None:
        """Raise UsageError or FormatError for what can't be carried out on so many files."""
        for flag in self.handling:
            if flag not in compartments.HANDLING_FLAGS:
                raise UsageError(
                    "not a handling flag",
                    found=show(flag, 40),
                    expected=", ".join(compartments.HANDLING_FLAGS),
                )
        for name in self.digests:
            if name not in DIGESTS:
                raise UsageError("not a digest that is offered", found=show(name, 40))
        if self.exhibit is not None:
            try:
                names.check_exhibit_label(self.exhibit, where="--exhibit")
            except InputRefused as error:
                raise UsageError(
                    error.what,
                    where="--exhibit",
                    expected=error.expected,
                    found=error.found,
                    hint="a label is public: neutral, never a name",
                ) from error
        for part, values in self.record.items():
            check_compartment(part, dict(values), where="acquisition record")
        if self.expect is not None and files != 1:
            raise UsageError("--expect is about one file", found=f"{files} files")

    @property
    def not_stated(self) -> tuple[str, ...]:
        """The fields of `MUST_STATE` that nobody said anything about."""
        return tuple(f"{part}.{name}" for part, name in MUST_STATE if not self.record.get(part, {}).get(name))


@dataclass(slots=True)
class Exhibit:
    """The exhibit that items go into, and the acquisition in it. ``labels``: how many it has given out."""

    id: str
    label: str
    keys: dict[str, bytes]
    acquisition: int
    begun: bool
    new: bool
    labels: int
    continued: bool = False
    to_end: bool = False
    """An earlier volume left it open, with all its items in: it is begun again only to be ended."""

    def check_room(self, more: int) -> None:
        """Raise ExhibitFull where it can't number so many more items."""
        if self.labels + more > MOST_ITEMS:
            raise ExhibitFull(
                f"the exhibit has room for {MOST_ITEMS:,} items: take this into another, with --exhibit"
            )


class ExhibitFull(InputRefused):
    """An exhibit has as many items as their labels can number."""


class Acquisition:
    """One acquisition of one run, begun with the first batch that has something to log."""

    def __init__(self, desk: Desk, request: Request, found: Found, index_key: bytes | None) -> None:
        self._desk = desk
        self._request = request
        self._found = found
        self._index_key = index_key
        self._offset = _offset(desk.rim.now())
        self._started = desk.rim.wall()
        self.exhibit: Exhibit | None = None
        self.size_after = 0
        """The ledger's size after this run's last batch."""

    @property
    def begun(self) -> bool:
        """True once the record has it."""
        return self.exhibit is not None and self.exhibit.begun

    def ensure(self, writer: Writer) -> Exhibit:
        """The exhibit; its acquisition is begun with this writer where it was not yet."""
        if self.exhibit is None:
            self.exhibit = self._choose()
        exhibit = self.exhibit
        if exhibit.begun and writer.append.size != self.size_after:
            # Somebody else wrote since our last batch, perhaps into this exhibit: labels stay unique.
            exhibit.labels = self._desk.locker.work.count_labels(exhibit.id)
        if not exhibit.begun:
            self._begin(writer, exhibit)
        return exhibit

    def _choose(self) -> Exhibit:
        work, request = self._desk.locker.work, self._request
        exhibits = {row.label: row for row in work.exhibits(request.case)}
        unfinished = self._unfinished()
        wanted = exhibits.get(request.exhibit) if request.exhibit else unfinished
        if wanted is None:
            label = request.exhibit or _next_label(exhibits)
            keys = {name: self._desk.rim.random(32) for name in ("record", "identity", "note")}
            return Exhibit(self._desk.rim.new_id(), label, keys, 0, begun=False, new=True, labels=0)
        keys = cases.need_keys(self._desk, wanted.id, what=f"exhibit {wanted.label}")
        labels = work.count_labels(wanted.id)
        exhibit = Exhibit(wanted.id, wanted.label, keys, 0, begun=False, new=False, labels=labels)
        # Only the same paths under the same record are the same acquisition; all else begins another.
        if unfinished is not None and unfinished.id == wanted.id:
            last = work.acquisitions(wanted.id)[-1]
            exhibit.continued = True
            # Numbers are counted anew in each volume: what an earlier one left open is gone on with in a new one.
            exhibit.begun = last.ended is None and last.ledger == self._desk.origin
            exhibit.acquisition = last.n
        return exhibit

    def find_crashed_at_the_end(self) -> None:
        """Take up an acquisition whose items are all in, and only its end was never logged."""
        wanted = self._unfinished()
        if wanted is None or self._desk.locker.work.acquisitions(wanted.id)[-1].ended is not None:
            return
        keys = cases.need_keys(self._desk, wanted.id, what=f"exhibit {wanted.label}")
        last = self._desk.locker.work.acquisitions(wanted.id)[-1]
        here = last.ledger == self._desk.origin
        self.exhibit = Exhibit(
            wanted.id,
            wanted.label,
            keys,
            last.n,
            begun=here,
            new=False,
            labels=0,
            continued=True,
            to_end=not here,
        )

    def _unfinished(self) -> Any:
        """The exhibit of an acquisition of the same paths by the same custodian that did not end well.

        `--again` means all of it once more, so it goes on with nothing.
        """
        if self._index_key is None or self._request.again:
            return None
        case, work = self._request.case, self._desk.locker.work
        tag = lookup_tag(self._index_key, "paths", self._paths_value())
        subjects = self._desk.locker.erasable.find(case, [tag]).get(tag, [])
        if not subjects:
            return None
        rows = {row.id: row for row in work.exhibits(case)}
        for subject in sorted(subjects, reverse=True):
            if subject in rows:
                last = work.acquisitions(subject)[-1]
                if last.actor == self._desk.key_id and last.ended in (None, "interrupted"):
                    return rows[subject]
        return None

    def _paths_value(self) -> bytes:
        """What tells an acquisition again: who, which paths, what was stated, and whether only digests are kept."""
        paths = b"".join(hashlib.sha256(path).digest() for path in sorted(self._found.given))
        stated = canonical.encode({name: dict(values) for name, values in self._request.record.items()})
        value = self._desk.key_id.encode() + hashlib.sha256(paths).digest() + hashlib.sha256(stated).digest()
        return value + b"register" if self._request.register else value

    def _begin(self, writer: Writer, exhibit: Exhibit) -> None:
        desk, case = self._desk, self._request.case
        exhibit.acquisition = writer.append.next_n(exhibit.id)
        parts = {name: dict(values) for name, values in self._request.record.items() if values}
        capture = parts.setdefault("capture", {})
        capture |= {
            "tool": f"custody {__version__}",
            "started": self._started,
            "offset": self._offset,
            "not_stated": list(self._request.not_stated),
        }
        given = folders(self._found.given, 256)
        if given:
            parts.setdefault("place", {})["folders"] = [compartments.name_value(one) for one in given]
        writer.add(
            "exhibit.acquired",
            "exhibit",
            exhibit.id,
            case=case,
            public={"label": exhibit.label, "act": self._request.act},
            parts=parts,
            keys=exhibit.keys,
        )
        if exhibit.new:
            readers = desk.rights.readers(case)
            writer.rows.wraps += wraps_for_readers(desk.origin, exhibit.id, "keys", exhibit.keys, readers)
        if self._index_key is not None and self._found.sources:
            writer.rows.lookups.append(
                lookup(self._index_key, case, "paths", self._paths_value(), exhibit.id)
            )

    def complete(self, refused: Sequence[Refused], *, interrupted: bool) -> None:
        """Close it: what came in, what was refused and why, whether it was cut short. Nothing where none began."""
        exhibit = self.exhibit
        if exhibit is None or not (exhibit.begun or exhibit.to_end):
            return
        reasons: dict[str, int] = {}
        for one in refused:
            reasons[one.code] = reasons.get(one.code, 0) + 1
        parts: dict[str, dict[str, Any]] = {
            "capture": {"ended": self._desk.rim.wall(), "refused": len(refused), "reasons": reasons}
        }
        if refused:
            parts["note"] = _refused_note(refused)
        with self._desk.write() as writer:
            if not exhibit.begun:
                self._begin(writer, exhibit)
            writer.add(
                "exhibit.completed",
                "exhibit",
                exhibit.id,
                case=self._request.case,
                public={
                    "acquisition": exhibit.acquisition,
                    "items": self._desk.locker.work.count_items(
                        exhibit.id, self._desk.origin, exhibit.acquisition
                    ),
                    "refused": len(refused),
                    "interrupted": interrupted,
                },
                parts=parts,
                keys=exhibit.keys,
            )


def _refused_note(refused: Sequence[Refused]) -> dict[str, Any]:
    """Names of what was refused, for the exhibit's sealed note; cut where it would grow past its limit."""
    listed: list[dict[str, Any]] = []
    size = 0
    for item in refused:
        row = {"name": compartments.name_value(item.path), "reason": item.reason[:400]}
        size += len(item.path) * 2 + len(row["reason"]) * 2
        if size > 256 * 1024 or len(listed) >= 4096:
            break
        listed.append(row)
    note: dict[str, Any] = {"refused": listed}
    if len(listed) < len(refused):
        note["refused_more"] = len(refused) - len(listed)
    return note


def _next_label(taken: Mapping[str, object]) -> str:
    numbers = [int(label[2:]) for label in taken if label.startswith("A-") and label[2:].isdigit()]
    return f"A-{max(numbers, default=0) + 1}"


def _offset(moment: Any) -> str:
    seconds = int(moment.astimezone().utcoffset().total_seconds())
    sign = "+" if seconds >= 0 else "-"
    return f"{sign}{abs(seconds) // 3600:02d}:{abs(seconds) // 60 % 60:02d}"
