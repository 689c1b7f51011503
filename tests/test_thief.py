"""Somebody who may write every file of the locker, and holds no key of it.

He works with plain SQLite, guards dropped and put back, and with what anybody can know: HPKE asks for
nothing but the reader's public key, and the ledger names that. Whatever he puts there, nothing may be
wrapped to him, nothing sealed under keys of his, and no note signed with them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from custody.anchor.test_authority import TestAuthority
from custody.crypto import envelopes, public_keys, sealing, wrapping
from custody.crypto.keys import CustodianKeys
from custody.errors import CheckFailed, CustodyError
from custody.format import contexts, entry, merkle
from custody.format.entry import Entry, Subject
from custody.format.envelope import ENTRY_TYPE, Envelope
from custody.keys import keyfile, recovery
from custody.procedure import access, cases, check, custodians, export, seal, trust
from custody.procedure.check import Checked
from custody.procedure.keyring import wrap_for
from custody.procedure.locker import Desk, Locker
from custody.procedure.setup import Recovery
from custody.verify.report import Outcome
from tests import desks, packages
from tests.packages import Forger

LEDGER, ERASABLE = "ledger.sqlite", "erasable.sqlite"
EXHIBIT = "A-1"
WALL = "2026-03-04T05:06:07.890Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A closed locker and its owner's key, in one folder."""

    folder: Path
    case: str
    sheet: str
    root: bytes

    @property
    def locker(self) -> Path:
        return self.folder / "L"

    def desk(self, key: str = "first") -> Desk:
        """The next command of somebody with a key."""
        own = keyfile.open_(self.folder / "keys" / key, desks.PASSPHRASE, random=os.urandom)
        return Desk(Locker(self.locker), own, desks.make_rim())

    def put(self, name: str, data: bytes = b"more") -> Path:
        return desks.put(self.folder / name, {f"{name}.txt": data})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two items of one exhibit, an authority, a recovery sheet, a colleague without rights, one note."""
    folder = tmp_path_factory.mktemp("made")
    clock = desks.Clock()
    sheet = recovery.new_sheet(os.urandom(32))
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(folder, how=Recovery(sheet=sheet), tsa=[named], clock=clock)
        case = cases.open_case(desk, "REF-1")
        evidence = desks.put(folder / "in", {"a.txt": b"first", "b.txt": b"second"})
        desks.take_in(desk, case, evidence, exhibit=EXHIBIT)
        desks.add_person(desk, folder / "keys" / "second")
        seal.seal(desk)
        access.consult(desk, case, what="names", exhibits=None, purpose=desks.WHY)  # work for the next note
    desk.locker.close()
    return Place(folder=folder, case=case, sheet=sheet.keys.sign.key_id, root=named.roots[0])


@pytest.fixture
def place(made: Place, tmp_path: Path) -> Place:
    """A copy of all that, to break into."""
    shutil.copytree(made.folder, tmp_path / "copy")
    return replace(made, folder=tmp_path / "copy")


# What the thief can do


@contextlib.contextmanager
def files_of(place: Place, name: str) -> Iterator[sqlite3.Connection]:
    """A plain connection to a database of the locker, its guards dropped, and put back at the end."""
    with contextlib.closing(sqlite3.connect(place.locker / name)) as db:
        guards = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for guard, _ in guards:
            db.execute(f"DROP TRIGGER {guard}")
        yield db
        for _, sql in guards:
            db.execute(sql)
        db.commit()


def what_all_may_read(place: Place) -> list[Entry]:
    """Every entry: they lie in clear."""
    with contextlib.closing(sqlite3.connect(place.locker / LEDGER)) as db:
        rows = db.execute("SELECT envelope FROM entry ORDER BY seq").fetchall()
    return [entry.read(row[0], where="entry")[0] for row in rows]


def insert(
    place: Place,
    kind: str,
    subject: Subject,
    *,
    case: str | None = None,
    public: Mapping[str, Any] | None = None,
    sealed: Mapping[str, str] | None = None,
    approvals: tuple[Any, ...] = (),
    actor: str | None = None,
    signed: CustodianKeys | None = None,
) -> None:
    """Append an entry with all that needs no key right: place, root, history, tree; signed by no key of ours.

    ``subject`` has a number and a prev of its own only where it is new. The actor is the owner, where it
    is not said; ``signed`` are keys of the thief's own.
    """
    entries = what_all_may_read(place)
    with files_of(place, LEDGER) as db:
        nodes = {(level, at): digest for level, at, digest in db.execute("SELECT * FROM node")}
        size = len(entries)
        history = [(e, nodes[0, e.seq]) for e in entries if e.subject.id == subject.id]
        if history:
            last, leaf = history[-1]
            subject = replace(subject, type=last.subject.type, n=last.subject.n + 1, prev=leaf.hex())
        body = Entry(
            ledger=entries[0].ledger,
            seq=size,
            root=merkle.root(size, lambda level, at: nodes[level, at]).hex(),
            kind=kind,
            actor=actor or entries[0].actor,
            subject=subject,
            case=case,
            group=None,
            time=entries[-1].time,
            public=public or {},
            sealed=sealed or {},
            approvals=approvals,
        )
        outer = Envelope(
            payload_type=ENTRY_TYPE, payload=body.to_bytes(), key_id=body.actor, signature=bytes(64)
        )
        if signed is not None:
            by_him = envelopes.sign(ENTRY_TYPE, body.to_bytes(), signed.sign)
            outer = replace(by_him, key_id=body.actor)
        stored = outer.to_bytes()
        row = (size, uuid.UUID(subject.id).bytes, subject.n, stored)
        db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", row)
        for level, at, digest in merkle.new_nodes(
            size, merkle.leaf_hash(stored), lambda level, at: nodes[level, at]
        ):
            db.execute("INSERT INTO node VALUES (?, ?, ?)", (level, at, digest))


def about(subject: str, subject_type: str = "ledger") -> Subject:
    return Subject(type=subject_type, id=subject, n=0, prev=None)


def add_himself(place: Place, thief: CustodianKeys, **how: Any) -> None:
    """`custodian.added` for his own public key file: all cases, to read."""
    file = public_keys.make(thief, WALL)
    keys = json.loads(file.payload)
    insert(
        place,
        "custodian.added",
        about(what_all_may_read(place)[0].subject.id),
        public={
            "sign_key": keys["sign_key"],
            "wrap_key": keys["wrap_key"],
            "rights": ["read"],
            "all_cases": True,
            "unattended": False,
            "recovery": False,
        },
        sealed={"identity": "0" * 64},
        approvals=(file.to_value(),),
        **how,
    )


Keys = dict[str, bytes]


def exchange(place: Place, subject: str, use: str = "keys", *, only: str | None = None) -> Keys:
    """Put keys of the thief's own in the place of those that are wrapped to the owner; gives his.

    ``only``: one class alone, so that nothing else is there to be compared.
    """
    locker = Locker(place.locker)
    with locker.ledger.reading() as view:
        owner = locker.rights().custodians[view.entry(0).read().actor]
    (old,) = locker.erasable.wraps(recipient=owner.key_id, subject=subject, use=use)
    keys = {name: os.urandom(32) for name in old.classes if only in (None, name)}
    new = wrap_for(locker.origin, subject, use, keys, owner, keys)
    locker.close()
    assert new is not None
    where = (uuid.UUID(subject).bytes, bytes.fromhex(owner.key_id), use)
    with files_of(place, ERASABLE) as db:
        changed = db.execute(
            "UPDATE wrap SET classes = ?, message = ? WHERE subject = ? AND recipient = ? AND use = ?",
            (",".join(new.classes), new.message, *where),
        )
        assert changed.rowcount == 1
    return keys


def exchange_items(place: Place) -> dict[str, Keys]:
    """The same for the items of a batch: its wrap, and the row of every item under it."""
    locker = Locker(place.locker)
    origin, rows = locker.origin, list(locker.erasable.all_item_keys())
    locker.close()
    (batch,) = {row.batch for row in rows}
    batch_keys = exchange(place, batch, "batch")
    found: dict[str, Keys] = {}
    with files_of(place, ERASABLE) as db:
        for row in rows:
            found[row.subject] = {name: os.urandom(32) for name in sealing.CLASSES}
            for name, key in found[row.subject].items():
                context = contexts.row(origin, batch, row.subject, name)
                wrapped = wrapping.wrap_row(wrapping.RowKey(batch_keys[name]), context, key, os.urandom(12))
                db.execute(
                    f"UPDATE item_keys SET {name} = ? WHERE subject = ?",
                    (wrapped, uuid.UUID(row.subject).bytes),
                )
    return found


# What must not have come of it


def failures(place: Place, *, key: bool = True) -> str:
    """What `check` finds wrong, with the owner's key or without any; it may refuse as a whole."""
    try:
        if key:
            desk = place.desk()
            found: Checked = check.check(desk.locker, desk)
            desk.locker.close()
        else:
            locker = Locker(place.locker)
            found = check.check(locker)
            locker.close()
    except CheckFailed as error:
        return error.message
    assert not found.passed
    return "\n".join(
        f"{f.check}: {f.text} ({f.where})" for f in found.findings if f.outcome is Outcome.FAILED
    )


def wrapped_to(place: Place, thief: CustodianKeys) -> list[Any]:
    locker = Locker(place.locker)
    found = locker.erasable.wraps(recipient=thief.sign.key_id)
    locker.close()
    return found


def sealed_for_him(place: Place, subject: str, keys: Keys, *, his: int = 0) -> list[str]:
    """Parts about a subject that open with the thief's keys, those that he made himself (``his``) left out."""
    locker = Locker(place.locker)
    found = []
    for part in locker.erasable.parts():
        key = keys.get(sealing.class_of(part.compartment))
        if part.subject == subject and key is not None:
            place_of = (locker.origin, subject, part.n, part.compartment)
            own = sealing.compartment_key(key, *place_of)
            if sealing.commits(own, contexts.compartment(*place_of), part.sealed[:56]):
                found.append(f"{part.compartment} of {part.n}")
    locker.close()
    return found[his:]


def exhibit_of(place: Place) -> str:
    return next(e.subject.id for e in what_all_may_read(place) if e.subject.type == "exhibit")


def ledger_of(place: Place) -> str:
    return what_all_may_read(place)[0].subject.id


# 1. An entry that nobody signed says who may read

OWN_KEYS = desks.new_keys()
SIGNATURES: dict[str, Callable[[], dict[str, Any]]] = {
    "zeros, in the owner's name": dict,
    "his own, in the owner's name": lambda: {"signed": OWN_KEYS},
    "his own, in his own name": lambda: {"signed": OWN_KEYS, "actor": OWN_KEYS.sign.key_id},
}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_the_next_command_refuses_a_custodian_whom_nobody_added(place: Place, signature: str) -> None:
    add_himself(place, OWN_KEYS, **SIGNATURES[signature]())
    with pytest.raises(CheckFailed, match="sign"):
        place.desk()
    assert not wrapped_to(place, OWN_KEYS)
    assert "sign" in failures(place, key=False)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_desk_that_is_open_wraps_nothing_to_him_either(place: Place, signature: str) -> None:
    desk = place.desk()
    size = len(what_all_may_read(place))
    add_himself(place, OWN_KEYS, **SIGNATURES[signature]())
    with pytest.raises(CheckFailed, match="sign"):
        desks.take_in(desk, place.case, place.put("secret", b"TOP SECRET"))
    with pytest.raises(CustodyError):
        cases.open_case(desk, "REF-2")
    desk.locker.close()
    assert not wrapped_to(place, OWN_KEYS)
    assert len(what_all_may_read(place)) == size + 1


def test_a_grant_that_nobody_made_gives_a_colleague_nothing(place: Place) -> None:
    """The same for an entry about a case, in favour of somebody who is a custodian, by his own hand."""
    second = keyfile.open_(place.folder / "keys" / "second", desks.PASSPHRASE, random=os.urandom)
    public = {"key_id": second.key_id, "rights": ["read"], "classes": list(sealing.CLASSES)}
    insert(place, "access.granted", about(place.case, "case"), case=place.case, public=public)
    with pytest.raises(CheckFailed, match="sign"):
        place.desk()
    assert not wrapped_to(place, second.keys)


def test_a_colleague_who_signs_his_own_grant_is_refused(place: Place) -> None:
    """He has a key of the record, and no right to this: his signature holds, his entry does not."""
    second = keyfile.open_(place.folder / "keys" / "second", desks.PASSPHRASE, random=os.urandom)
    public = {"key_id": second.key_id, "rights": ["read"], "classes": list(sealing.CLASSES)}
    how: dict[str, Any] = {"actor": second.key_id, "signed": second.keys}
    insert(place, "access.granted", about(place.case, "case"), case=place.case, public=public, **how)
    with pytest.raises(CheckFailed, match="no right to admin"):
        place.desk()
    assert not wrapped_to(place, second.keys)


# 1b. An entry that took his rights is gone


@dataclass(frozen=True, slots=True)
class Former:
    """A colleague who could read the case until an entry took that from him; he still holds his key."""

    keys: CustodianKeys
    end: int
    """The number of that entry."""


def former_colleague(place: Place, *, more_after: bool) -> Former:
    desk = place.desk()
    own, person = desks.add_person(desk, place.folder / "keys" / "former", name="F. Former")
    custodians.grant(desk, person, place.case, rights=["read"], classes=list(sealing.CLASSES))
    custodians.revoke(desk, person, place.case, rights=["read"], classes=list(sealing.CLASSES))
    if more_after:
        consult(place, desk)
    desk.locker.close()
    end = next(e.seq for e in what_all_may_read(place) if e.kind == "access.revoked")
    return Former(own.keys, end)


def given_later(place: Place, former: Former) -> list[str]:
    """What the owner's next collecting wraps to him."""
    before = {(w.subject, w.use) for w in wrapped_to(place, former.keys)}
    with contextlib.suppress(CustodyError):
        desk = place.desk()
        desks.take_in(desk, place.case, place.put("secret", b"TOP SECRET"))
        desk.locker.close()
    return [w.use for w in wrapped_to(place, former.keys) if (w.subject, w.use) not in before]


@pytest.mark.parametrize("more_after", [True, False], ids=["amid others", "the last"])
def test_a_former_colleague_is_given_nothing(place: Place, more_after: bool) -> None:
    assert not given_later(place, former_colleague(place, more_after=more_after))


@pytest.mark.parametrize(
    ("how", "more_after"),
    [
        pytest.param("deleted", True, id="deleted, amid others"),
        pytest.param("deleted", False, id="deleted, the last of its case"),
        pytest.param("hidden", True, id="hidden, amid others"),
        pytest.param("hidden", False, id="hidden, the last of its case"),
    ],
)
def test_nor_when_the_entry_that_ended_his_rights_is_out_of_the_way(
    place: Place, how: str, more_after: bool
) -> None:
    """Hidden: the column by which a case's entries are found says another subject."""
    former = former_colleague(place, more_after=more_after)
    if not more_after:
        # Something of another subject stands behind it, so that the record is as long as it was.
        desk = place.desk()
        cases.open_case(desk, "REF-9")
        desk.locker.close()
    with files_of(place, LEDGER) as db:
        if how == "deleted":
            db.execute("DELETE FROM entry WHERE seq = ?", (former.end,))
        else:
            db.execute("UPDATE entry SET subject = ? WHERE seq = ?", (os.urandom(16), former.end))
    assert not given_later(place, former)
    assert failures(place, key=False)


def hide(place: Place, seq: int) -> None:
    """The column by which an entry is found says another subject."""
    with files_of(place, LEDGER) as db:
        assert db.execute("UPDATE entry SET subject = ? WHERE seq = ?", (os.urandom(16), seq)).rowcount == 1


def last_of(place: Place, kind: str) -> int:
    return next(e.seq for e in reversed(what_all_may_read(place)) if e.kind == kind)


def as_an_older_custody_left_it(own: keyfile.KeyFile) -> None:
    """The key file with size and root of its heads, and no digest of histories."""
    inside = own._inside
    heads = {tag: replace(head, histories=None) for tag, head in inside.heads.items()}
    lock = own._lock
    assert lock is not None
    own.path.write_bytes(keyfile._encode(replace(inside, heads=heads), lock, os.urandom, "key file"))


def test_a_key_file_of_an_older_custody_reads_all_once_and_remembers_more_from_then_on(place: Place) -> None:
    desk = place.desk()
    as_an_older_custody_left_it(desk.key_file)
    desk.locker.close()
    desk = place.desk()
    assert desk.key_file.head(desk.origin) is not None
    assert desk.key_file.histories(desk.origin) is None
    consult(place, desk)
    desk.locker.close()
    assert place.desk().key_file.histories(desk.origin) is not None
    hide(place, last_of(place, "case.consulted"))
    as_an_older_custody_left_it(desk.key_file)
    with pytest.raises(CheckFailed, match="columns"):
        place.desk()


def test_what_a_colleague_wrote_since_can_not_be_hidden_either(place: Place) -> None:
    """The owner's key remembers nothing of it: the bodies are read."""
    desk = place.desk()
    own, _ = desks.add_person(desk, place.folder / "keys" / "admin", rights=["admin"])
    person = desk.rights.custodians[own.key_id]
    custodians.grant(desk, person, place.case, rights=["read"], classes=list(sealing.CLASSES))
    other = desks.sit_down(desk, own)
    custodians.revoke(other, person, place.case, rights=["read"], classes=list(sealing.CLASSES))
    other.locker.close()
    desk.locker.close()
    place.desk().locker.close()
    hide(place, last_of(place, "access.revoked"))
    with pytest.raises(CheckFailed, match="columns"):
        place.desk()


def test_a_desk_that_is_open_counts_on_by_what_it_read(place: Place) -> None:
    """Hidden while somebody works: his next entry about the case does not take the hidden one's number."""
    desk = place.desk()
    hidden = last_of(place, "case.consulted")
    hide(place, hidden)
    consult(place, desk)
    desk.locker.close()
    bodies = what_all_may_read(place)
    assert bodies[-1].subject.n == bodies[hidden].subject.n + 1
    with pytest.raises(CheckFailed):
        place.desk()


def test_no_package_is_made_without_a_reading_that_somebody_hid(place: Place) -> None:
    """The next reading takes its number, so that the item's history has no gap: an export asks the bodies."""
    desk = place.desk()
    read(place, desk)
    desk.locker.close()
    hide(place, last_of(place, "item.accessed"))
    desk = place.desk()
    read(place, desk)
    with pytest.raises(CheckFailed, match="columns"):
        export_all(place, desk)
    desk.locker.close()
    assert not (place.folder / "out.zip").exists()
    assert "columns" in failures(place, key=False)


def test_a_list_of_cases_that_somebody_shortened_is_made_anew(place: Place) -> None:
    place.desk().locker.close()
    with contextlib.closing(sqlite3.connect(place.locker / "work.sqlite")) as db:
        assert db.execute("DELETE FROM cases").rowcount == 1
        db.commit()
    desk = place.desk()
    assert [case.id for case in desk.locker.work.cases()] == [place.case]
    assert place.case in desk.rights.cases


# 2. Wraps exchanged: keys of the thief's own

EXCHANGED = "somebody exchanged them"
Write = Callable[[Place, Desk], object]


def consult(place: Place, desk: Desk) -> None:
    access.consult(desk, place.case, what="names", exhibits=None, purpose=desks.WHY)


def export_all(place: Place, desk: Desk) -> None:
    export.export(
        desk, export.Choice(case=place.case), place.folder / "out.zip", purpose="disclosure", plain=True
    )


def read(place: Place, desk: Desk) -> None:
    access.open_item(desk, desk.locker.work.items(place.case)[0], purpose=desks.WHY)


def close_case(place: Place, desk: Desk) -> None:
    cases.close_case(desk, place.case, note="Mariana is found")


def collect(place: Place, desk: Desk) -> None:
    desks.take_in(desk, place.case, place.put("more"), exhibit=EXHIBIT)


def add_somebody(place: Place, desk: Desk) -> None:
    desks.add_person(desk, place.folder / "keys" / "third", name="C. Witness")


def report_a_key(place: Place, desk: Desk) -> None:
    second = next(c for c in desk.rights.custodians.values() if not c.rights)
    custodians.compromised(desk, second, since=desks.START, note="stolen from his car")


CASE_WRITES: dict[str, Write] = {
    "consult": consult, "export": export_all, "close the case": close_case, "collect": collect,
}  # fmt: skip
EXHIBIT_WRITES: dict[str, Write] = {"read": read, "collect": collect, "export": export_all}
ROSTER_WRITES: dict[str, Write] = {"add a custodian": add_somebody, "report a key": report_a_key}
ITEM_WRITES: dict[str, Write] = {"read": read, "export": export_all}


def refused(place: Place, write: Write) -> None:
    desk = place.desk()
    with pytest.raises(CheckFailed, match=EXCHANGED):
        write(place, desk)
    desk.locker.close()
    assert not (place.folder / "out.zip").exists()


@pytest.mark.parametrize("write", CASE_WRITES)
def test_nothing_is_sealed_under_keys_of_a_case_that_are_his(place: Place, write: str) -> None:
    keys = exchange(place, place.case)
    refused(place, CASE_WRITES[write])
    assert not sealed_for_him(place, place.case, keys)
    assert EXCHANGED in failures(place)


@pytest.mark.parametrize("write", EXHIBIT_WRITES)
def test_nothing_is_sealed_under_keys_of_an_exhibit_that_are_his(place: Place, write: str) -> None:
    exhibit = exhibit_of(place)
    keys = exchange(place, exhibit)
    refused(place, EXHIBIT_WRITES[write])
    assert not sealed_for_him(place, exhibit, keys)
    assert EXCHANGED in failures(place)


@pytest.mark.parametrize("write", ROSTER_WRITES)
def test_nothing_is_sealed_under_keys_of_the_roster_that_are_his(place: Place, write: str) -> None:
    ledger = ledger_of(place)
    keys = exchange(place, ledger)
    refused(place, ROSTER_WRITES[write])
    assert not sealed_for_him(place, ledger, keys)
    assert EXCHANGED in failures(place)


@pytest.mark.parametrize("write", ITEM_WRITES)
def test_nothing_is_sealed_under_keys_of_an_item_that_are_his(place: Place, write: str) -> None:
    found = exchange_items(place)
    refused(place, ITEM_WRITES[write])
    for item, keys in found.items():
        assert not sealed_for_him(place, item, keys)
    assert EXCHANGED in failures(place)


def test_a_wrap_of_a_batch_alone_opens_no_row(place: Place) -> None:
    locker = Locker(place.locker)
    (batch,) = {row.batch for row in locker.erasable.all_item_keys()}
    locker.close()
    exchange(place, batch, "batch")
    desk = place.desk()
    with pytest.raises(wrapping.WrapBroken):
        read(place, desk)
    desk.locker.close()
    assert failures(place)


def test_a_wrap_with_the_one_class_that_nothing_tells_of_is_refused(place: Place) -> None:
    """A case begins with no note, so nothing says what its `note` key was: the rest of it is missing then."""
    keys = exchange(place, place.case, only="note")
    desk = place.desk()
    with contextlib.suppress(CustodyError):
        close_case(place, desk)
    desk.locker.close()
    assert not sealed_for_him(place, place.case, keys)
    assert failures(place)


def test_to_take_away_what_the_keys_are_compared_with_does_not_help(place: Place) -> None:
    keys = exchange(place, place.case)
    with files_of(place, ERASABLE) as db:
        gone = db.execute("DELETE FROM part WHERE subject = ? AND n = 0", (uuid.UUID(place.case).bytes,))
        assert gone.rowcount > 0
    desk = place.desk()
    with contextlib.suppress(CustodyError):
        consult(place, desk)
    desk.locker.close()
    assert not sealed_for_him(place, place.case, keys)
    assert failures(place)


def test_an_entry_of_his_about_an_exhibit_is_no_witness_for_his_keys(place: Place) -> None:
    """The first entry exchanged for one that names a part of his: the stored tree hashes stay as they were."""
    exhibit = exhibit_of(place)
    keys = exchange(place, exhibit)
    first = next(e for e in what_all_may_read(place) if e.subject.id == exhibit)
    parts = {
        name: sealing.seal_compartment(
            keys[sealing.class_of(name)], first.ledger, exhibit, 0, name, {"tool": "x"}
        )
        for name in first.sealed
    }
    digests = {name: hashlib.sha256(sealed).hexdigest() for name, sealed in parts.items()}
    lie = replace(first, sealed=digests)
    outer = Envelope(payload_type=ENTRY_TYPE, payload=lie.to_bytes(), key_id=first.actor, signature=bytes(64))
    with files_of(place, LEDGER) as db:
        db.execute("UPDATE entry SET envelope = ? WHERE seq = ?", (outer.to_bytes(), first.seq))
    with files_of(place, ERASABLE) as db:
        for name, sealed in parts.items():
            row = (sealed, uuid.UUID(exhibit).bytes, name)
            db.execute("UPDATE part SET sealed = ? WHERE subject = ? AND n = 0 AND compartment = ?", row)
    desk = place.desk()
    with contextlib.suppress(CustodyError):
        collect(place, desk)
    desk.locker.close()
    assert not sealed_for_him(place, exhibit, keys, his=len(parts))
    assert failures(place)


def test_an_exhibit_of_his_making_gets_nothing_into_it(place: Place) -> None:
    """Whole by itself: entry, part and wrap are all his, and only the signature is not there."""
    locker = Locker(place.locker)
    with locker.ledger.reading() as view:
        owner = locker.rights().custodians[view.entry(0).read().actor]
    origin = locker.origin
    locker.close()
    exhibit = exhibit_of(place)[:-12] + os.urandom(6).hex()
    keys = {name: os.urandom(32) for name in sealing.OTHER_CLASSES}
    part = sealing.seal_compartment(keys["record"], origin, exhibit, 0, "capture", {"tool": "x"})
    wrap = wrap_for(origin, exhibit, "keys", keys, owner, keys)
    assert wrap is not None
    like = next(e for e in what_all_may_read(place) if e.kind == "exhibit.acquired")
    insert(
        place,
        like.kind,
        about(exhibit, "exhibit"),
        case=place.case,
        public={**like.public, "label": "B-7"},
        sealed={"capture": hashlib.sha256(part).hexdigest()},
    )
    subject = uuid.UUID(exhibit).bytes
    with files_of(place, ERASABLE) as db:
        db.execute("INSERT INTO part VALUES (?, 0, 0, 'capture', ?)", (subject, part))
        row = (subject, bytes.fromhex(owner.key_id), ",".join(wrap.classes), wrap.message)
        db.execute("INSERT INTO wrap VALUES (?, ?, 'keys', ?, ?, 0, 0)", row)
    desk = place.desk()
    with contextlib.suppress(CustodyError):
        desks.take_in(desk, place.case, place.put("more"), exhibit="B-7")
    desk.locker.close()
    assert not sealed_for_him(place, exhibit, keys, his=1)
    assert "sign" in failures(place, key=False)


# 3. The log's keys


def notes_of(place: Place) -> dict[int, bytes]:
    locker = Locker(place.locker)
    with locker.ledger.reading() as view:
        found = view.notes()
    locker.close()
    return found


def test_no_note_is_signed_with_log_keys_of_his(place: Place) -> None:
    exchange(place, ledger_of(place), "log")
    before = notes_of(place)
    desk = place.desk()
    with pytest.raises(CheckFailed, match="not the ledger's"):
        seal.seal(desk)
    with pytest.raises(CheckFailed, match="not the ledger's"):
        seal.seal(desk, renew=True)
    # Nor are they handed on to the next one who is to seal.
    with pytest.raises(CheckFailed, match="not the ledger's"):
        desks.add_person(desk, place.folder / "keys" / "third", rights=["seal"])
    desk.locker.close()
    assert notes_of(place) == before
    assert "not the ledger's" in failures(place)


# 4. A root certificate under the digest of another


def test_a_root_certificate_of_his_is_believed_nowhere(place: Place) -> None:
    made = x509.load_pem_x509_certificate(TestAuthority(clock=desks.Clock()).root_pem)
    his = made.public_bytes(Encoding.DER)
    with files_of(place, LEDGER) as db:
        assert db.execute("UPDATE root_certificate SET der = ?", (his,)).rowcount == 1
    locker = Locker(place.locker)
    with pytest.raises(CheckFailed, match="root certificate"):
        trust.from_locker(locker)
    locker.close()
    desk = place.desk()
    with pytest.raises(CheckFailed, match="root certificate"):
        seal.seal(desk)
    desk.locker.close()
    assert "root certificate" in failures(place)
    assert "root certificate" in failures(place, key=False)


def test_a_root_certificate_of_his_beside_ours_is_in_no_policy(place: Place) -> None:
    made = x509.load_pem_x509_certificate(TestAuthority(clock=desks.Clock()).root_pem)
    his = made.public_bytes(Encoding.DER)
    with files_of(place, LEDGER) as db:
        db.execute("INSERT INTO root_certificate VALUES (?, ?)", (hashlib.sha256(his).digest(), his))
    locker = Locker(place.locker)
    (authority,) = trust.from_locker(locker).authorities
    locker.close()
    assert authority.roots == (place.root,)


# 5. A kind that nobody knows is signed all the same


@pytest.mark.parametrize("actor", [None, "ab" * 32])
@pytest.mark.parametrize("kind", ["foo.bar", "item.accessed2"])
def test_check_believes_no_unknown_kind_without_a_signature(
    place: Place, kind: str, actor: str | None
) -> None:
    insert(place, kind, about(exhibit_of(place)), case=place.case, actor=actor, sealed={"capture": "0" * 64})
    entries_line = failures(place, key=False)
    assert "entries: " in entries_line
    assert "sign" in entries_line


def test_check_believes_no_unknown_kind_about_a_case_either(place: Place) -> None:
    insert(place, "foo.bar", about(place.case, "case"), case=place.case)
    assert "sign" in failures(place, key=False)
    with pytest.raises(CheckFailed, match="sign"):
        place.desk()


# 6. Wraps that are gone


def test_check_misses_the_wraps_of_the_recovery_sheet_without_any_key(place: Place) -> None:
    with files_of(place, ERASABLE) as db:
        gone = db.execute("DELETE FROM wrap WHERE recipient = ?", (bytes.fromhex(place.sheet),))
        assert gone.rowcount > 3
    found = failures(place, key=False)
    assert "wraps: " in found
    assert place.sheet[:12] in found
    for use in ("keys", "batch"):
        assert f"{use} of" in found


# 7. Whoever holds a stolen key reports it anew


EARLY, LATE, IN_BETWEEN = "2026-03-04T00:00:00.000Z", "2099-01-01T00:00:00.000Z", "2026-06-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "reports", [(EARLY,), (EARLY, LATE), (LATE, EARLY), (EARLY, LATE, IN_BETWEEN)], ids=len
)
def test_a_later_report_of_a_stolen_key_moves_nothing(reports: tuple[str, ...]) -> None:
    forger = Forger(packages.world())
    stolen = forger.world.first.key_id
    for since in reports:
        public = {"key_id": stolen, "since": since}
        forger.lines.append(forger.ledger_line("custodian.compromised", public))
    forger.build()
    found = packages.look(forger.pack(), forger.trust())
    assert found.exit_code == 6, packages.summary(found)
    assert packages.said(found, "compromised keys", "in other hands", Outcome.NOT_CHECKED)


def test_a_key_that_is_reported_for_a_time_to_come_counts_till_then() -> None:
    """That the tests above fail for their report, and for nothing else."""
    forger = Forger(packages.world())
    public = {"key_id": forger.world.first.key_id, "since": LATE}
    forger.lines.append(forger.ledger_line("custodian.compromised", public))
    forger.build()
    found = packages.look(forger.pack(), forger.trust())
    assert not packages.said(found, "compromised keys", "in other hands", Outcome.NOT_CHECKED)


# 8. A subject is of one type and one case, for ever


def test_an_entry_about_an_item_can_not_name_another_case(place: Place) -> None:
    desk = place.desk()
    other = cases.open_case(desk, "REF-2")
    item = desk.locker.work.items(place.case)[0].id
    size = len(what_all_may_read(place))
    public = {"what": "content", "result": "refused", "copy": False, "purpose": "other"}
    with pytest.raises(CheckFailed, match="another type or case"), desk.write() as writer:
        writer.add("item.accessed", "item", item, case=other, public=public)
    # Nor behind one of the same write that names the right one.
    with contextlib.ExitStack() as stack:
        stack.enter_context(pytest.raises(CheckFailed, match="another type or case"))
        writer = stack.enter_context(desk.write())
        writer.add("item.accessed", "item", item, case=place.case, public=public)
        writer.add("item.accessed", "item", item, case=other, public=public)
    desk.locker.close()
    assert len(what_all_may_read(place)) == size


def test_an_entry_about_an_item_can_not_be_of_an_exhibits_kind(place: Place) -> None:
    desk = place.desk()
    item = desk.locker.work.items(place.case)[0].id
    entries = what_all_may_read(place)
    like = next(e for e in entries if e.kind == "exhibit.acquired")
    with pytest.raises(CheckFailed, match="another type or case"), desk.write() as writer:
        writer.add_sealed(
            like.kind, "exhibit", item, n=1, case=place.case, public=like.public, sealed=like.sealed
        )
    desk.locker.close()
    assert len(what_all_may_read(place)) == len(entries)


def test_what_an_older_custody_let_in_is_found_by_check(place: Place) -> None:
    """With the owner's own signature: only the case is not the item's."""
    desk = place.desk()
    other = cases.open_case(desk, "REF-2")
    item = desk.locker.work.items(place.case)[0].id
    desk.locker.close()
    public = {"what": "content", "result": "refused", "copy": False, "purpose": "other"}
    insert(place, "item.accessed", about(item), case=other, public=public, signed=desk.keys)
    assert "another type or case" in failures(place, key=False)
