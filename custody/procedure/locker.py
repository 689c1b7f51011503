"""A locker: one ledger, one vault, one erasable store; and the desk, where a custodian works at it.

The one place that knows the write order. In: objects durable, then the erasable store commits, then
the ledger commits, all under the locker's lock; then the key file remembers the newest head. Two
databases are never one transaction, so what may be left after a crash is keys without an entry, which
are nothing, and never an entry without its keys.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto import derive, sealing
from custody.crypto.keys import LogKeys, SignKey
from custody.errors import CheckFailed, CustodyError, MachineError, NoLocker, NoRight
from custody.format import entry as entries
from custody.format.note import LogNote
from custody.keys import erasable
from custody.keys.keyfile import KeyFile
from custody.ledger import histories
from custody.ledger import store as ledgers
from custody.ledger import work as works
from custody.ledger.histories import Histories
from custody.ledger.volumes import Closed, Record, Volume
from custody.procedure import place
from custody.procedure.keyring import KeyRing, SealedPart
from custody.procedure.rim import Rim
from custody.vault import store as vaults
from custody.verify import replay
from custody.verify.rights import Rights

LOCK_NAME = "lock"
UNFINISHED = "unfinished"
"""A mark in a folder that `restore` is still building: it is no locker yet."""


class Locker:
    """The files of one locker, opened. Needs no secret; the `Desk` does."""

    def __init__(self, path: Path, *, unfinished: bool = False) -> None:
        if (path / UNFINISHED).exists() and not unfinished:
            raise NoLocker(
                "a restore that was cut short, not a locker",
                where=str(path),
                hint="delete this folder, and run custody restore again: the backup is as it was",
            )
        if not (path / ledgers.FILE_NAME).is_file():
            raise NoLocker(
                "no locker here",
                where=str(path),
                hint="name it with --locker DIR or CUSTODY_LOCKER, or make one with: custody init DIR",
            )
        self.path = path
        self.ledger = ledgers.Ledger(path / ledgers.FILE_NAME)
        self.erasable = erasable.ErasableStore(path / erasable.FILE_NAME)
        self.vault = vaults.Vault(path / vaults.DIRECTORY)
        self._work: works.Work | None = None
        with self.ledger.reading() as view:
            stored = view.entry(0)
        genesis = stored.read()
        self.origin = genesis.ledger
        self.ledger_id = genesis.subject.id
        self.genesis_leaf = stored.leaf
        self.closed = Closed(path, genesis)
        self.ledger.base = self.closed.size
        origins = (*(volume.origin for volume in self.closed.volumes), self.origin)
        if self.erasable.origins != origins:
            raise CheckFailed(
                "ledger and erasable store are of two different lockers",
                where=str(path),
                expected=self.origin,
                found=self.erasable.origin,
                hint="put the files of one locker back together; nothing was changed",
            )

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """All volumes, the one that is written last: as large as it is now."""
        with self.ledger.reading() as view:
            newest = Volume(
                number=len(self.closed.volumes) + 1,
                path=self.ledger.path,
                origin=self.origin,
                ledger=self.ledger_id,
                base=self.ledger.base,
                size=view.size,
                root=view.root(),
                genesis_leaf=self.genesis_leaf,
            )
        return (*self.closed.volumes, newest)

    @contextlib.contextmanager
    def record(self) -> Iterator[Record]:
        """The record over all volumes as it stands now."""
        with self.closed.reading() as closed, self.ledger.reading() as view:
            yield Record(closed, view)

    def history(self, subject: str) -> list[ledgers.Stored]:
        """All entries about a subject, over all volumes."""
        with self.record() as record:
            return record.history(subject)

    @property
    def work(self) -> works.Work:
        """The projection, up to date."""
        if self._work is None:
            self._work = works.Work(self.path / works.FILE_NAME)
        with self.record() as record:
            self._work.catch_up(record)
        return self._work

    @functools.cached_property
    def misplaced(self) -> place.Misplaced | None:
        """What speaks against the folder that the locker lies in, or was moved into; looked at once."""
        return place.misplaced(self.path)

    def made(self, entries_made: Sequence[entries.Entry], root: str) -> None:
        """Tell the projection what was just appended, where it is open; else it reads it when it is asked."""
        if self._work is not None:
            self._work.take_made(self.closed.size, entries_made, root)

    def histories(self, record: Record) -> Histories:
        """All entries about the ledger and about each case."""
        return histories.histories_of(record, [case.id for case in self.work.cases()])

    def rights(self) -> Rights:
        """Who may do what, after all entries."""
        with self.record() as record:
            return histories.rights_of(self.histories(record))

    def lock(self) -> contextlib.AbstractContextManager[object]:
        """The locker's lock: held from the erasable commit to the ledger commit."""
        return machine.locked(self.path / LOCK_NAME)

    def close(self) -> None:
        """Let go of all files."""
        self.ledger.close()
        self.closed.close()
        self.erasable.close()
        if self._work is not None:
            self._work.close()


class Desk:
    """A custodian at a locker: the unlocked key, the rights, the keys that are wrapped to it."""

    def __init__(self, locker: Locker, key_file: KeyFile, rim: Rim, *, older: bool = False) -> None:
        """``older``: the locker may be older than the key remembers, as a backup is; nothing is written then."""
        self.locker = locker
        self.key_file = key_file
        self.keys = key_file.keys
        self.key_id = key_file.keys.sign.key_id
        self.rim = rim
        self.ring = KeyRing(locker.origin, locker.erasable, self.keys, self._first_parts, self._first_origin)
        self._session = self._session_clock()
        self._older_allowed = older
        self._check_not_rolled_back()
        self._check_files()
        self._read_rights()
        if self.key_id not in self.rights.custodians:
            raise NoRight(
                "this key is not one of the locker's custodians",
                where=str(key_file.path),
                found=self.key_id[:16],
                hint="give your public key file to an administrator of the locker: custody custodian add FILE",
            )

    @property
    def origin(self) -> str:
        """The origin of the locker's ledger."""
        return self.locker.origin

    def log_keys(self) -> LogKeys:
        """The log's signing keys, or NoRight; CheckFailed when they are not those that the record names."""
        log_keys = self.ring.log_keys(self.locker.ledger_id)
        if log_keys.public != self.rights.log_keys:
            raise CheckFailed(
                "the log keys that are wrapped to you are not the ledger's: somebody exchanged them",
                where=str(self.locker.path),
                hint="seal nothing here; compare this locker with a backup, and run custody check",
            )
        return log_keys

    def _first_parts(self, subject: str) -> list[SealedPart]:
        """The sealed parts of a subject's first entry, which somebody of the record has signed.

        CheckFailed where one is missing or changed: what keys are compared with must be whole.
        """
        with self.locker.record() as record:
            first = record.first(subject)
            if first is None:
                return []
            view, stored = first
            where = f"entry {stored.position}"
            if view.node(0, stored.seq) != stored.leaf:
                raise CheckFailed("an entry is not the one that the tree has", where=where)
        entry, outer = entries.read(stored.envelope, where=where)
        if (entry.subject.id, entry.seq) != (subject, stored.seq):
            raise CheckFailed("the table's columns are not what the entry says", where=where)
        replay.check_signature(self.rights, outer, where=where)
        found = []
        for name, digest in entry.sealed.items():
            sealed = self.locker.erasable.part(entry.ledger, subject, 0, name)
            if sealed is None or hashlib.sha256(sealed).hexdigest() != digest:
                raise CheckFailed(f"the sealed part “{name}” is missing or not what was logged", where=where)
            found.append((entry.ledger, 0, name, sealed))
        return found

    def _first_origin(self, subject: str) -> str | None:
        """The origin of the volume in which a subject began, under which its look-ups are made."""
        with self.locker.record() as record:
            first = record.first(subject)
        return None if first is None else first[1].read().ledger

    def _check_files(self) -> None:
        """Refuse to work in files whose tables or guards are not ours: a trigger acts in what is written."""
        for store in (self.locker.ledger, self.locker.erasable):
            for problem in store.strangers():
                raise CheckFailed(
                    problem,
                    where=store.path.name,
                    hint="write nothing more here; run custody check, and compare with a backup",
                )

    def _check_not_rolled_back(self) -> None:
        with self.locker.closed.reading() as closed:
            for volume, view in closed:
                known = self.key_file.head(volume.origin)
                # More than a closed volume has was lost with what was lost; `restore` said so.
                if known is not None and known[0] <= view.size and view.root(known[0]).hex() != known[1]:
                    raise CheckFailed(
                        "an earlier volume of this record was changed since your key last signed in it",
                        where=str(volume.path),
                        hint="keep this copy as it is, and compare it with another copy or an older package",
                    )
        remembered = self.key_file.head(self.locker.origin)
        if remembered is None:
            return
        size, root = remembered
        with self.locker.ledger.reading() as view:
            found = view.size
            same = found >= size and view.root(size).hex() == root
        if found < size and self._older_allowed:
            return
        if found < size:
            raise CheckFailed(
                "this locker is older than what your key has already signed: it was rolled back",
                where=str(self.locker.path),
                expected=f"at least {size} entries",
                found=f"{found}",
                hint="find the newer copy; an older one can't be continued as it is",
            )
        if not same:
            raise CheckFailed(
                "this locker's record was changed since your key last signed in it",
                where=str(self.locker.path),
                expected=f"the first {size} entries as they were",
                hint="keep this copy as it is, and compare it with another copy or an older package",
            )

    def _read_rights(self) -> None:
        """Rights, and the heads of the histories that they came from."""
        with self.locker.record() as record:
            found = self._histories(record)
            self.rights = histories.rights_of(found)
            here = {
                subject: [one for one in some if one.base == record.base] for subject, some in found.items()
            }
            self._older = histories.heads_of(found, record.base)
            self._last = histories.last_of(found, record.base)
            self._heads = histories.heads_of(here)
            self._rights_size = record.newest.size
        self._stale = False

    def _digest(self) -> str:
        """What the key file remembers of where the histories end."""
        return histories.heads_digest({**self._older, **self._heads})

    def _histories(self, record: Record) -> Histories:
        """The histories that say who may do what, compared with what the key file remembers of them.

        What was appended since is read whole: a column could hide the last entry of a history
        (decision 0022). A key that remembers nothing here can't tell, as it can't tell a shorter record.
        """
        found = self.locker.histories(record)
        remembered = self.key_file.head(self.origin)
        if remembered is None or self._older_allowed:
            return found
        size, digest = record.base + remembered[0], self.key_file.histories(self.origin)
        if digest is not None and histories.heads_digest(histories.heads_of(found, size)) != digest:
            # The list of cases is derived, from a file that anybody may delete or write.
            self.locker.work.rebuild(record)
            found = self.locker.histories(record)
            if histories.heads_digest(histories.heads_of(found, size)) != digest:
                raise CheckFailed(
                    "histories in this locker end elsewhere than your key remembers: entries were hidden or changed",
                    where=str(self.locker.path),
                    hint="write nothing more here; run custody check, and compare with a backup",
                )
        # A key file of an older custody remembers no digest: then everything is read, once.
        histories.check_none_hidden(record, found, 0 if digest is None else size)
        return found

    def _session_clock(self) -> tuple[str, int] | None:
        """(session tag, offset in ms): deltas within a boot stay exact, the boot itself stays unknown."""
        clock = self.rim.boot_clock()
        if clock is None:
            return None
        secret = self.locker.erasable.secret
        session = derive.tag(secret, b"session\0" + clock[0])[:16].hex()
        offset = int.from_bytes(derive.tag(secret, b"offset\0" + clock[0]), "big") % 2**53
        return session, offset

    def time(self) -> entries.Time:
        """The device's clocks now, as an entry states them."""
        clock = self.rim.boot_clock()
        if self._session is None or clock is None:
            return entries.Time(wall=self.rim.wall(), session=None, mono=None)
        return entries.Time(
            wall=self.rim.wall(), session=self._session[0], mono=str(clock[1] + self._session[1])
        )

    @contextlib.contextmanager
    def write(self) -> Iterator[Writer]:
        """Append under the locker's lock; at the end all is durable, after an exception nothing is left.

        InputRefused in a network folder.

        A disk that fails is a MachineError. Where it fails in the very commit nobody can say whether that
        took place: `Writer.unsure` tells, and the next command sees.
        """
        place.check_writable(self.locker.path, self.locker.misplaced)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.locker.lock())
            if self._stale:
                self._read_rights()
            try:
                earlier = self.locker.closed if self.locker.closed.volumes else None
                with self.locker.ledger.append(
                    rights=self.rights, clock=self.time, earlier=earlier
                ) as append:
                    self._refresh(append)
                    begun = append.size
                    writer = Writer(append, origin=self.origin, sign_key=self.keys.sign)
                    yield writer
                    append.flush()
                    machine.at_point("before erasable commit")
                    writer.rows.span = (begun, append.size)
                    self.locker.erasable.add(writer.rows)
                    machine.at_point("after erasable commit")
                    root = append.root().hex()
                    machine.at_point("before ledger commit")
                    writer.unsure = True
                machine.at_point("after ledger commit")
            except BaseException as error:
                # The rights may have taken in entries that were never committed.
                self._stale = True
                with contextlib.suppress(CustodyError):
                    self._read_rights()
                if isinstance(error, OSError):
                    raise _failed_disk(error) from error
                raise
            self._rights_size = append.size
            self._heads |= append.moved
        self.key_file.remember(self.origin, append.size, root, self._digest())
        machine.at_point("after key file")
        self.locker.made(append.made, root)

    def _refresh(self, append: ledgers.Append) -> None:
        """Take in what others appended since the rights were read."""
        if append.size > self._rights_size:
            for stored in append.entries(self._rights_size):
                subject = histories.take_in(self.rights, stored)
                if subject is not None:
                    self._heads[subject.id] = ledgers.Head(subject.n, stored.leaf)
            self._rights_size = append.size
        append.know(self._heads)
        append.know_earlier(self._last)

    def need(self, right: str, case: str | None, *, what: str) -> None:
        """Raise NoRight unless this custodian has the right."""
        if not self.rights.holds(self.key_id, right, case):
            raise NoRight(
                f"not allowed: your key has no right to {right}",
                where=what,
                hint="custody custodian list shows who may do what; an administrator can grant it",
            )


def _failed_disk(error: OSError) -> MachineError:
    hint = None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, then run the command again: nothing that was reported is lost"
    return MachineError(
        "the locker can't be written", found=(error.strerror or type(error).__name__).lower(), hint=hint
    )


class Writer:
    """Gathers what one write adds, in both databases."""

    def __init__(self, append: ledgers.Append, *, origin: str, sign_key: SignKey) -> None:
        self.append = append
        self.rows = erasable.Rows()
        self.unsure = False
        """True once the ledger's commit was begun: what fails after that may have taken place."""
        self._origin = origin
        self._sign_key = sign_key

    def add(
        self,
        kind: str,
        subject_type: str,
        subject: str,
        *,
        case: str | None = None,
        group: str | None = None,
        public: Mapping[str, Any] | None = None,
        parts: Mapping[str, dict[str, Any]] | None = None,
        keys: Mapping[str, bytes] | None = None,
        approvals: Sequence[Mapping[str, Any]] = (),
    ) -> ledgers.Stored:
        """Append an entry; ``parts`` are sealed under the subject's class ``keys``."""
        n = self.append.next_n(subject)
        sealed: dict[str, str] = {}
        for name, value in (parts or {}).items():
            entries.check_compartment(name, value, where=kind)
            class_name = sealing.class_of(name)
            if keys is None or class_name not in keys:
                raise NoRight(
                    f"you have no key to write the part “{name}” here",
                    where=kind,
                    hint="somebody who may read this case has to do it",
                )
            data = sealing.seal_compartment(keys[class_name], self._origin, subject, n, name, value)
            self.rows.parts.append(
                erasable.Part(origin=self._origin, subject=subject, n=n, compartment=name, sealed=data)
            )
            sealed[name] = hashlib.sha256(data).hexdigest()
        return self.add_sealed(
            kind,
            subject_type,
            subject,
            n=n,
            case=case,
            group=group,
            public=public,
            sealed=sealed,
            approvals=approvals,
        )

    def add_sealed(
        self,
        kind: str,
        subject_type: str,
        subject: str,
        *,
        n: int,
        sealed: Mapping[str, str],
        case: str | None = None,
        group: str | None = None,
        public: Mapping[str, Any] | None = None,
        approvals: Sequence[Mapping[str, Any]] = (),
        fresh: bool = False,
    ) -> ledgers.Stored:
        """Append an entry whose parts were sealed before the lock, for number ``n``."""
        draft = ledgers.Draft(
            kind=kind,
            subject_type=subject_type,
            subject=subject,
            case=case,
            group=group,
            public=public or {},
            sealed=sealed,
            n=n,
            approvals=tuple(approvals),
            fresh=fresh,
        )
        return self.append.add(draft, self._sign_key, self._origin)

    def sign_note(self, log_keys: LogKeys) -> LogNote:
        """Store the log note of exactly the size reached."""
        return self.append.add_note(log_keys, self._origin)
