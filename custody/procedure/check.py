"""Checking a locker against itself: entries, tree, guards, notes, tokens, objects, sealed parts, keys.

Everything is recomputed. Without a key, structure is checked; with one, every wrap that is made to it
is tried, and one commitment of every subject compared, which opens nothing. `deep` opens every content
and compares it with its logged digest; that is an access, so it is logged first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from custody import machine
from custody.crypto import notes, sealing
from custody.errors import CheckFailed, CustodyError
from custody.format import contexts, merkle, names
from custody.format import entry as entries
from custody.format.entry import Entry, NewerVersion
from custody.format.note import LogNote
from custody.keys.erasable import ItemKeys
from custody.ledger.store import Row, View
from custody.ledger.volumes import Volume
from custody.ledger.work import Beside, ItemRow
from custody.procedure import access
from custody.procedure.check_claims import Claims
from custody.procedure.check_disposed import Disposed
from custody.procedure.check_shown import Shown
from custody.procedure.check_volumes import Place
from custody.procedure.locker import Desk, Locker
from custody.procedure.read_ahead import Sound, read_ahead
from custody.procedure.seal import unsealed
from custody.verify import replay
from custody.verify.clocks import Clocks
from custody.verify.report import Finding, Findings, Outcome
from custody.verify.rights import Custodian, Rights
from custody.verify.times import Proven, Times
from custody.verify.token import check_token

_STEP = 250
"""Entries whose sealed parts are looked up at once."""

Progress = Callable[[str, int, int], None]
"""(what is being checked, how many done, how many in all)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result. ``pending`` is work to do, never a failure."""

    findings: tuple[Finding, ...]
    pending: tuple[str, ...]
    entries: int
    items: int
    objects: int
    bytes: int
    deep: bool
    with_key: bool

    @property
    def passed(self) -> bool:
        """True only if something was checked and nothing failed."""
        outcomes = {finding.outcome for finding in self.findings} - {Outcome.NOTED}
        return bool(outcomes) and Outcome.FAILED not in outcomes

    @property
    def skipped(self) -> tuple[Finding, ...]:
        """What nobody chose to leave out and could not be checked: by another key, or a newer custody, it can."""
        wanted = {"entries", "packages"} | ({"contents"} if self.deep else set())
        return tuple(f for f in self.findings if f.outcome is Outcome.NOT_CHECKED and f.check in wanted)

    @property
    def first_failure(self) -> Finding | None:
        """The first thing that is wrong."""
        return next((f for f in self.findings if f.outcome is Outcome.FAILED), None)


@dataclass(slots=True)
class _State:
    """What one pass over the entries gathers."""

    rights: Rights = field(default_factory=Rights)
    leaves: list[bytes] = field(default_factory=list)
    heads: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    stamped: list[tuple[int, int, str]] = field(default_factory=list)
    """(entry, size of the note, SHA-256 of the token) of every `checkpoint.timestamped`."""
    subjects: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Type and case by subject, as its first entry has them."""
    checked: int = 0
    parts: int = 0
    objects: int = 0
    bytes: int = 0


def check(
    locker: Locker,
    desk: Desk | None = None,
    *,
    deep: bool = False,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Checked:
    """Check everything that can be; ``desk`` adds the keys, ``deep`` (with a desk) the contents.

    ``workers``: processes beside this one that read the entries, see `read_ahead`.
    """
    run = _Run(locker, desk, progress or (lambda _what, _done, _total: None), workers)
    with machine.few_collections():
        return run.run(deep=deep)


class _VolumeFindings(Findings):
    """Findings that say of which volume they are, where a record has several."""

    volume: str | None = None

    def passed(self, check: str, text: str, **facts: str | None) -> None:
        """As in `Findings`."""
        facts.setdefault("where", self.volume)
        super().passed(check, text, **facts)


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


class _Run:
    def __init__(self, locker: Locker, desk: Desk | None, progress: Progress, workers: int | None) -> None:
        self.locker = locker
        self._workers = workers
        self.desk = desk
        self.progress = progress
        self.findings = _VolumeFindings()
        self.state = _State()
        self._levels: list[list[bytes]] = []
        self._volume = Place(origin=locker.origin, ledger=locker.ledger_id)
        self._claims = Claims(self.findings, locker.ledger_id)
        self._shown, self._disposed = Shown(self.findings), Disposed(self.findings)
        self._granted: set[str] = set()
        """Key ids that somebody granted rights in a case."""
        self._clocks, self._times = Clocks(), Times()
        self._beside = Beside()
        self._wanted: list[tuple[str, Entry]] = []
        """Entries whose sealed parts are still to be looked at, and how findings name them."""
        self._leftovers: list[str] = []
        self._orphans: list[str] = []
        self._unnamed = 0
        self._readers: dict[str, dict[str, frozenset[str]]] = {}

    def run(self, *, deep: bool) -> Checked:
        if deep and self.desk is not None:
            self._log_start(self.desk)
        self._files()
        with self.locker.record() as record:
            size = record.size
            for volume, view in zip(self.locker.volumes, record.views, strict=True):
                self.findings.volume = f"volume {volume.number}" if record.closed else None
                self._one_volume(volume, view)
            self.findings.volume = None
        self._disposed.parts()
        self._times.index()
        self._clocks.conclude(self._times, self.findings, lambda seq: f"entry {seq}")
        try:
            items = self._items()
        except CustodyError as error:
            # An entry that can't be read: its finding stands above; without a list there is no more to look at.
            self.findings.error("entries", error)
            return self._result(size, (), deep=False)
        self._disposed.conclude(self.locker, items)
        items = self._disposed.kept(items)
        self._objects(items)
        self._strangers()
        self._wraps()
        if self.desk is None:
            self.findings.not_checked("keys", "wrapped keys were not tried: no key was given (--key)")
        else:
            self._keys(self.desk, items)
        if deep and self.desk is not None:
            self._contents(self.desk, items)
        else:
            self.findings.not_checked(
                "contents", "contents were not opened: that is for check --deep, and is logged"
            )
        self._derived(items)
        return self._result(size, items, deep=deep)

    def _derived(self, items: Sequence[ItemRow]) -> None:
        derived = sum(item.parent is not None for item in items)
        if derived:
            self.findings.not_checked(
                "derived",
                f"whether what was derived ({_count(derived, 'item', 'items')}) says what its originals say: custody"
                " derive ITEM makes it again, to compare",
            )

    def _result(self, size: int, items: Sequence[ItemRow], *, deep: bool) -> Checked:
        return Checked(
            findings=self.findings.all(),
            pending=tuple(self._pending()) if items or not self.findings.has_failed("entries") else (),
            entries=size,
            items=len(items),
            objects=self.state.objects,
            bytes=self.state.bytes,
            deep=deep,
            with_key=self.desk is not None,
        )

    @staticmethod
    def _log_start(desk: Desk) -> None:
        with desk.write() as writer:
            public = {"size": writer.append.size, "root": writer.append.root().hex(), "result": "started"}
            writer.add("ledger.checked", "ledger", desk.locker.ledger_id, public=public)

    def _one_volume(self, volume: Volume, view: View) -> None:
        """One volume of the record, with the rights that the ones before it left."""
        self._volume = self._volume.begin(origin=volume.origin, ledger=volume.ledger)
        state = self.state
        state.leaves, state.heads, state.stamped, state.checked, state.parts = [], {}, [], 0, 0
        self._claims = Claims(self.findings, volume.ledger)
        self._shown.begin(volume.ledger)
        self._entries(view, view.size)
        self._shown.end(state.heads)
        self._nodes(view, view.size)
        self._notes(view, view.size)
        self._claims.conclude(view, view.notes())
        root = self._root_at(len(state.leaves)) if state.leaves else b""
        self._volume = self._volume.end(state.heads, len(state.leaves), root, view.newest_note())

    def _files(self) -> None:
        if self.locker.misplaced is not None:
            self.findings.noted("place", self.locker.misplaced.advice)
        for ledger in (*self.locker.closed.files, self.locker.ledger):
            for problem in ledger.file_checks():
                self.findings.failed("ledger file", problem, where=ledger.path.name)
        for problem in self.locker.erasable.strangers():
            self.findings.failed("erasable store", problem, where=self.locker.erasable.path.name)
        for problem in self.locker.erasable.integrity():
            self.findings.failed("erasable store", f"SQLite: {problem}", where=self.locker.erasable.path.name)
        try:
            _ = self.locker.erasable.secret
        except CustodyError as error:
            self.findings.error("erasable store", error)
        if not self.findings.has_failed():
            self.findings.passed("ledger file", "the databases are sound and all guards are in place")

    # Entries

    def _entries(self, view: View, size: int) -> None:
        peaks: list[bytes] = []
        seen = 0
        for stored, sound in read_ahead(view.rows(), size, self._sign_keys, self._workers):
            root = merkle.fold_peaks(peaks)
            if stored.seq != seen:
                self.findings.failed("entries", "an entry is missing", where=f"entry {view.base + seen}")
                break
            leaf = stored.leaf if sound is None else sound[1]
            self._entry(stored, sound, leaf, root)
            self.state.leaves.append(leaf)
            merkle.push(peaks, seen, leaf)
            seen += 1
            if seen % _STEP == 0:
                self._parts()
                self.progress("entries", seen, size)
        self._parts()
        if seen != size and not self.findings.has_failed("entries"):
            self.findings.failed(
                "entries", "entries are missing at the end", expected=str(size), found=str(seen)
            )
        if not self.findings.has_failed("entries", "rights", "parts"):
            self.findings.passed(
                "entries",
                f"{self.state.checked} of {seen} entries: signed, in their place, allowed, no history with a gap",
            )
        if not self.findings.has_failed("entries", "rights", "parts") and not self._disposed.missing:
            self.findings.passed(
                "parts", f"the {self.state.parts} sealed parts of these are there and are what was logged"
            )

    def _sign_keys(self) -> dict[str, bytes]:
        return {key_id: one.sign_key for key_id, one in self.state.rights.custodians.items()}

    def _entry(
        self,
        stored: Row,
        sound: Sound | None,
        leaf: bytes,
        root: bytes,
    ) -> None:
        position = stored.position
        where, outer = f"entry {position}", None
        try:
            if sound is None:
                body, outer = entries.read(stored.envelope, where=where)
            else:
                body = sound[0]
            self._beside.take(position, body)
            where = f"entry {position} ({body.kind})"
            self._place(body, stored, leaf, root, where)
            if body.subject.type in ("ledger", "case"):
                replay.admit(self.state.rights, body, outer, where=where)
            else:
                replay.hold(self.state.rights, body, outer, where=where)
            self._claims.take(body, self.state.heads, where)
            self._disposed.take(body)
            self._shown.take(body, self.state.heads, where)
            self._clocks.take(position, body)
            if body.kind == "access.granted":
                self._granted.add(body.public["key_id"])
            self.state.checked += 1
            self._wanted.append((where, body))
        except NewerVersion as error:
            self._beside.take(position, None)
            self.findings.not_checked("entries", error.what, where=where)
        except CustodyError as error:
            self.findings.error("entries", error)

    def _place(
        self,
        body: Entry,
        stored: Row,
        leaf: bytes,
        root: bytes,
        where: str,
    ) -> None:
        subject = body.subject
        if (stored.subject.hex(), stored.n) != (subject.id.replace("-", ""), subject.n):
            raise CheckFailed("the table's columns are not what the entry says", where=where)
        if body.seq != stored.seq or body.ledger != self._volume.origin:
            raise CheckFailed("an entry of another place or ledger", where=where)
        if body.root != root.hex():
            raise CheckFailed(
                "the record before this entry is not the one it was made on",
                where=where,
                expected=body.root,
                found=root.hex(),
            )
        if self.state.subjects.setdefault(subject.id, (subject.type, body.case)) != (subject.type, body.case):
            raise CheckFailed("another type or case than its subject has", where=where)
        known = self.state.heads.get(subject.id)
        expected = (0, None) if known is None else (known[0] + 1, known[1].hex())
        if (subject.n, subject.prev) != expected:
            raise CheckFailed(
                "the history of its subject has a gap", where=where, expected=f"number {expected[0]}"
            )
        self._volume.check_links(body, where)
        self.state.heads[subject.id] = (subject.n, leaf)
        if body.kind == "checkpoint.timestamped":
            self.state.stamped.append((body.seq, body.public["size"], body.public["token"]))

    def _parts(self) -> None:
        """The sealed parts of the entries since the last time."""
        wanted, self._wanted = self._wanted, []
        asked = [(body.subject.id, body.subject.n) for _, body in wanted if body.sealed]
        found = self.locker.erasable.part_digests(self._volume.origin, asked)
        for where, body in wanted:
            for name, digest in body.sealed.items():
                stored = found.get((body.subject.id, body.subject.n, name))
                self._unnamed -= stored is not None
                if stored is None:
                    self._disposed.missing.append((where, name, body.subject.id))
                elif stored != digest:
                    self.findings.failed(
                        "parts", f"the sealed part “{name}” is not what was logged", where=where
                    )
                self.state.parts += 1

    def _nodes(self, view: View, size: int) -> None:
        level: list[bytes] = self.state.leaves
        levels = [level]
        while len(level) > 1:
            level = [merkle.node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            levels.append(level)
        expected = sum(map(len, levels))
        found = 0
        for height, position, digest in view.nodes():
            found += 1
            if height >= len(levels) or position >= len(levels[height]) or levels[height][position] != digest:
                self.findings.failed(
                    "tree", "a stored hash of the tree is wrong", where=f"node {height}/{position}"
                )
        if found != expected:
            self.findings.failed(
                "tree", "hashes of the tree are missing or too many", expected=str(expected), found=str(found)
            )
        if not self.findings.has_failed("tree"):
            self.findings.passed("tree", f"all {found} hashes of the tree, recomputed")
        self._levels = levels

    def _root_at(self, size: int) -> bytes:
        return merkle.root(size, lambda level, position: self._levels[level][position])

    def _notes(self, view: View, size: int) -> None:
        stored_notes, tokens = view.notes(), view.tokens()
        try:
            certificates = tuple(view.root_certificates().values())
        except CheckFailed:
            certificates = ()  # told by what asks for them by name
        for at, stored in stored_notes.items():
            where = f"note {at}"
            try:
                note = LogNote.from_bytes(stored, where=where)
                checkpoint = notes.verify(
                    note, self.state.rights.log_keys, origin=self._volume.origin, where=where
                )
                if (
                    checkpoint.size != at
                    or at > len(self.state.leaves)
                    or checkpoint.root != self._root_at(at)
                ):
                    self.findings.failed("notes", "a log note is not about this record", where=where)
            except CustodyError as error:
                self.findings.error("notes", error)
        if witnesses := view.count_witnesses():
            self.findings.not_checked(
                "witnesses", f"{witnesses} witness files: this version does not check them"
            )
        kept = {(at, hashlib.sha256(tsr).hexdigest()) for at, tsr in tokens}
        for seq, at, digest in self.state.stamped:
            if (at, digest) not in kept or at not in stored_notes:
                self.findings.failed(
                    "tokens", "a token that was logged is missing, or its note", where=f"entry {seq}"
                )
        logged = {(at, digest): seq for seq, at, digest in self.state.stamped}
        for at, _ in sorted(kept - logged.keys()):
            self.findings.failed("tokens", "a token that no entry names", where=f"token over note {at}")
        for at in view.misnamed_tokens():
            self.findings.failed(
                "tokens", "a token that is kept under another digest", where=f"token over note {at}"
            )
        unknown = tests = 0
        for at, tsr in tokens:
            try:
                token = check_token(tsr, stored_notes.get(at, b""), roots=certificates, now=None)
                unknown += token.root_sha256 is None
                tests += token.test
                place = logged.get((at, token.tsr_sha256))
                self._times.tokens.append(
                    Proven(
                        size=view.base + at,
                        token=token,
                        logged_at=None if place is None else view.base + place,
                        accepted=token.root_sha256 is not None,
                    )
                )
            except CustodyError as error:
                self.findings.failed(
                    "tokens",
                    error.what,
                    where=f"token over note {at}",
                    expected=error.expected,
                    found=error.found,
                )
        if not self.findings.has_failed("notes", "tokens"):
            more = [f"{unknown} of authorities not known"] * bool(unknown)
            more += [f"{tests} of a test authority, not for court"] * bool(tests)
            detail = f" ({'; '.join(more)})" if more else ""
            counted = " and ".join(
                f"{count} {what}" + "s" * (count != 1)
                for count, what in ((len(stored_notes), "log note"), (len(tokens), "token"))
            )
            self.findings.passed("notes", f"{counted} fit{detail}")

    # Objects

    def _items(self) -> list[ItemRow]:
        work = self.locker.work
        with self.locker.record() as record:
            work.rebuild(record, self._beside)  # what is derived can't be trusted to be whole
        return work.items()

    def _objects(self, items: list[ItemRow]) -> None:
        for place, item in enumerate(items, 1):
            if item.object is None or item.size is None:
                continue
            where = f"object of {item.label}"
            size = self.locker.vault.size_of(item.object)
            if size is None:
                self.findings.failed(
                    "objects", "the object is missing from the vault", where=where, found=item.object[:16]
                )
                continue
            if size != sealing.sealed_size(item.size):
                self.findings.failed("objects", "the object has another size than was logged", where=where)
                continue
            try:
                self.state.bytes += self.locker.vault.scrub(item.object)
                self.state.objects += 1
            except CustodyError as error:
                self.findings.failed("objects", error.what, where=f"{where} ({item.object[:16]})")
            self.progress("objects", place, len(items))
        if not self.findings.has_failed("objects"):
            self.findings.passed("objects", f"all {self.state.objects} objects are what was stored")

    def _strangers(self) -> None:
        self._leftovers, others = self.locker.vault.strangers()
        for name in others:
            self.findings.failed("objects", "a file in the vault that is no object", where=name)
        wanted = {item.object for item in self.locker.work.items()}
        self._orphans = [name for name in self.locker.vault.objects() if name not in wanted]

    # Keys

    def _keys(self, desk: Desk, items: list[ItemRow]) -> None:
        tried = 0
        for wrap in self.locker.erasable.wraps(recipient=desk.key_id):
            try:
                desk.ring.open_wrap(wrap)
                tried += 1
            except CustodyError as error:
                self.findings.failed("keys", error.what, where=f"{wrap.use} of {names.short(wrap.subject)}")
        self._subject_keys(desk)
        with_rows = 0
        for item in items:
            with_rows += self._item_keys(desk, item)
        if not self.findings.has_failed("keys"):
            self.findings.passed(
                "keys", f"all {tried} wraps to your key open; {with_rows} items' keys fit what is sealed"
            )

    def _subject_keys(self, desk: Desk) -> None:
        """The class keys of the ledger, the cases and the exhibits fit what was sealed first about each."""
        work = self.locker.work
        subjects = [volume.ledger for volume in self.locker.volumes]
        for case in work.cases():
            subjects += [case.id, *(row.id for row in work.exhibits(case.id))]
        for subject in subjects:
            try:
                desk.ring.class_keys(subject)
            except CustodyError as error:
                self.findings.error("keys", error)
        if desk.rights.holds(desk.key_id, "seal", None):
            try:
                desk.log_keys()
            except CustodyError as error:
                self.findings.error("keys", error)

    def _due(self, key_id: str) -> dict[tuple[str, str], set[str]]:
        """The keys that must be wrapped to a custodian by the record: (subject, use) to classes.

        A row that is gone would be noticed only when the keys are needed, years later.
        """
        due: dict[tuple[str, str], set[str]] = {}
        rights, ledger = self.state.rights, self.locker.ledger_id
        if any(one.key_id == key_id for one in rights.sealers()):
            due[ledger, "log"] = {"ed25519", "ml-dsa-44"}
        # Who may export only in a case that he opened himself waits for an administrator to wrap the names to him.
        if any(one.key_id == key_id for one in rights.roster_readers() if self._given_names(one)):
            due |= {(one.ledger, "keys"): set(sealing.OTHER_CLASSES) for one in self.locker.volumes}
        work = self.locker.work
        for case in work.cases():
            classes = self._classes(key_id, case.id)
            if classes:
                for subject in (case.id, *(row.id for row in work.exhibits(case.id))):
                    due[subject, "keys"] = set(classes & set(sealing.OTHER_CLASSES))
        return due

    def _given_names(self, one: Custodian) -> bool:
        """True for who was to be given the roster's keys by whoever gave him the right to it."""
        everywhere = one.all_cases and one.rights & {"read", "export"}
        return "admin" in one.rights or bool(everywhere) or one.key_id in self._granted

    def _classes(self, key_id: str, case: str) -> frozenset[str]:
        """The classes of keys that a custodian must have in a case."""
        if case not in self._readers:
            readers = self.state.rights.readers(case)
            self._readers[case] = {custodian.key_id: classes for custodian, classes in readers}
        return self._readers[case].get(key_id, frozenset())

    def _wraps(self) -> None:
        """Every wrap that the record asks for is there, for everybody. Whether it opens, its owner's key tells.

        A row that is gone would be noticed only when the keys are needed: a recovery sheet's, years later.
        """
        have: dict[tuple[str, str, str], set[str]] = {}
        self._unnamed += self.locker.erasable.count_parts()
        for wrap in self.locker.erasable.wraps():
            have.setdefault((wrap.recipient, wrap.subject, wrap.use), set()).update(wrap.classes)
            self._unnamed += wrap.recipient not in self.state.rights.custodians
        batches: dict[str, set[str]] = {}
        # Each question to the list brings it up to date, at 2 ms: one for each row took 30 s for 12,000 items.
        listed = {item.id: item for item in self.locker.work.items()}
        keyless = {
            item.id: item.label for item in self._disposed.kept(listed.values()) if item.object is not None
        }
        later: list[ItemKeys] = []
        for row in self.locker.erasable.all_item_keys():
            if row.subject not in listed:
                later.append(row)
                continue
            keyless.pop(row.subject, None)
            batches.setdefault(listed[row.subject].case, set()).add(row.batch)
        if later:  # a neighbour's items, come since; or nobody's
            work = self.locker.work
            for row in later:
                item = work.item(row.subject)
                if item is None:
                    self._unnamed += 1
                else:
                    batches.setdefault(item.case, set()).add(row.batch)
        for label in keyless.keys() - {subject for _, subject, _ in have}:
            self.findings.failed("wraps", "an item's wrapped keys are missing", where=keyless[label])
        due_all = 0
        for custodian in self.state.rights.custodians.values():
            if custodian.wrap_key is None or not custodian.in_force:
                continue
            due = self._due(custodian.key_id)
            for case, ids in batches.items():
                classes = self._classes(custodian.key_id, case)
                due |= {(batch, "batch"): set(classes) for batch in ids if classes}
            for (subject, use), classes_due in due.items():
                due_all += 1
                missing = classes_due - have.get((custodian.key_id, subject, use), set())
                if missing:
                    self.findings.failed(
                        "wraps",
                        "wrapped keys that the record asks for are missing",
                        where=f"{use} of {names.short(subject)} for key {custodian.key_id[:12]}",
                        expected=", ".join(sorted(missing)),
                    )
        if not self.findings.has_failed("wraps"):
            self.findings.passed(
                "wraps", f"all {due_all} wraps that the record asks for are there, for every key"
            )

    def _item_keys(self, desk: Desk, item: ItemRow) -> int:
        where = f"keys of {item.label}"
        try:
            row = self.locker.erasable.item_keys(item.id)
            if row is None:
                self.findings.failed("keys", "the item's wrapped keys are missing", where=where)
                return 0
            keys = desk.ring.item_keys(item.id)
        except CustodyError as error:
            self.findings.failed("keys", error.what, where=where)
            return 0
        missing = self._classes(desk.key_id, item.case) - set(keys)
        if missing:
            self.findings.failed(
                "keys",
                "your rights say that you can open this item, and your key can't",
                where=where,
                expected=", ".join(sorted(missing)),
            )
        if not keys:
            return 0
        if "object" in keys and item.object is not None:
            head = self.locker.vault.head(item.object, sealing.OVERHEAD)
            object_key = sealing.object_key(keys["object"], item.ledger, item.id)
            # A missing object is told where objects are looked at.
            if head and not sealing.commits(object_key, contexts.object_(item.ledger, item.id), head):
                self.findings.failed(
                    "keys", "the item's keys are not those that its object was sealed under", where=where
                )
        sealed = self.locker.erasable.part(item.ledger, item.id, 0, "content")
        if sealed is None or "record" not in keys:
            return 1
        key = sealing.compartment_key(keys["record"], item.ledger, item.id, 0, "content")
        if not sealing.commits(key, contexts.compartment(item.ledger, item.id, 0, "content"), sealed[:56]):
            self.findings.failed(
                "keys", "the item's keys are not those that its parts were sealed under", where=where
            )
        return 1

    def _contents(self, desk: Desk, items: list[ItemRow]) -> None:
        opened = skipped = 0
        for place, item in enumerate(items, 1):
            if item.object is None:
                continue
            try:
                if "object" not in desk.ring.item_keys(item.id):
                    skipped += 1
                    continue
                access.check_content(desk, item)
                opened += 1
            except CustodyError as error:
                self.findings.failed(
                    "contents", error.what, where=item.label, expected=error.expected, found=error.found
                )
            self.progress("contents", place, len(items))
        if skipped:
            self.findings.not_checked("contents", f"{skipped} items are not for your key to open")
        if not self.findings.has_failed("contents"):
            self.findings.passed(
                "contents", f"{opened} contents, opened and compared with their logged digest"
            )

    def _pending(self) -> list[str]:
        work = self.locker.work
        found = []
        with self.locker.ledger.reading() as view:
            count = unsealed(view)
        if count:
            found.append(f"{_count(count, 'entry is', 'entries are')} not sealed yet: custody seal")
        last = {row.exhibit: row for row in work.acquisitions()}
        # What a closed volume left open is gone on with by a later one of the same exhibit.
        unfinished = [
            row
            for row in work.acquisitions()
            if row.ended is None and (row.ledger == self.locker.origin or row == last[row.exhibit])
        ]
        if unfinished:
            text = _count(len(unfinished), "acquisition is", "acquisitions are")
            found.append(f"{text} not finished: collect the same paths again")
        copies = work.open_copies()
        if copies:
            text = _count(len(copies), "readable copy was", "readable copies were")
            found.append(f"{text} written and not reported as gone: custody read --done ITEM")
        if self._leftovers or self._orphans:
            found.append(
                f"{len(self._leftovers) + len(self._orphans)} leftovers of work that was cut short lie in the vault; "
                "they are not evidence"
            )
        if self._unnamed > 0:
            found.append(
                f"{self._unnamed} sealed parts or wrapped keys that no entry names lie in the erasable store: "
                "work that was cut short left them, or somebody put them there; they are not evidence"
            )
        return found
