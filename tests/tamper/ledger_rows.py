"""Changes of the ledger's file."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from custody.anchor.authority import make_request
from custody.anchor.test_authority import TestAuthority
from custody.crypto import notes
from custody.crypto.keys import LogKeys
from custody.evidence.chat.normalise import MEDIA_TYPE
from custody.format import merkle
from custody.format.note import Checkpoint, LogNote
from tests import desks, test_thief
from tests.forged import forge
from tests.tamper.rows import locker
from tests.tamper.world import LEDGER, Place, flipped, put_row, read, unguarded

ENTRY, NODE, NOTE, TOKEN = "ledger: entry", "ledger: tree hash", "ledger: log note", "ledger: token"
ISSUED, ROOT, WITNESS = "ledger: given out", "ledger: root certificate", "ledger: witness file"
SCHEMA, FILE, WHOLE = "ledger: tables and guards", "ledger: file", "locker: whole"
DERIVED = "ledger: derived item"
MADE_UP = b'{"record":"import"}\n{"messages":0,"events":0,"record":"account"}\n'


def bodies(place: Place) -> list[Any]:
    return test_thief.what_all_may_read(place)  # type: ignore[arg-type]


def seq_of(place: Place, kind: str, nth: int = 0) -> int:
    return int([e.seq for e in bodies(place) if e.kind == kind][nth])


def envelope(db: sqlite3.Connection, seq: int) -> bytes:
    return bytes(db.execute("SELECT envelope FROM entry WHERE seq = ?", (seq,)).fetchone()[0])


def put_envelope(db: sqlite3.Connection, seq: int, data: bytes) -> None:
    assert db.execute("UPDATE entry SET envelope = ? WHERE seq = ?", (data, seq)).rowcount == 1


def retree(db: sqlite3.Connection, envelopes: list[bytes]) -> None:
    """All hashes of the tree, made anew from these entries."""
    db.execute("DELETE FROM node")
    nodes: dict[tuple[int, int], bytes] = {}
    for seq, data in enumerate(envelopes):
        for level, at, digest in merkle.new_nodes(seq, merkle.leaf_hash(data), lambda a, b: nodes[a, b]):
            nodes[level, at] = digest
            put_row(db, "node", {"level": level, "position": at, "hash": digest})


def all_envelopes(db: sqlite3.Connection) -> list[bytes]:
    return [bytes(row[0]) for row in db.execute("SELECT envelope FROM entry ORDER BY seq")]


# Entries


@locker(ENTRY, "flip", "one bit of an entry about an item", "entries: ")
def entry_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        seq = seq_of(place, "item.collected", 1)
        put_envelope(db, seq, flipped(envelope(db, seq), 300))


@locker(ENTRY, "flip", "one bit of an entry about a case", "entries: ")
def case_entry_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        seq = seq_of(place, "case.extended")
        put_envelope(db, seq, flipped(envelope(db, seq), 300))


@locker(ENTRY, "flip", "one bit of a signature", "entries: ")
def signature_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        seq = seq_of(place, "item.collected", 1)
        data = envelope(db, seq)
        put_envelope(db, seq, flipped(data, data.index(b'"sig":"') + 12))


@locker(ENTRY, "remove", "a row in the middle", "an entry is missing", promise=3)
def entry_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM entry WHERE seq = ?", (seq_of(place, "item.accessed"),))


@locker(ENTRY, "remove", "the last row alone", "tree: hashes of the tree are missing or too many")
def last_entry_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")


@locker(
    ENTRY,
    "add",
    "an entry in the owner's name that nobody signed, its tree hashes with it",
    "sign",
    next=0,
    package=1,
)
def entry_added(place: Place) -> None:
    exhibit = next(e for e in bodies(place) if e.subject.type == "exhibit")
    like = next(e for e in bodies(place) if e.kind == "exhibit.completed")
    test_thief.insert(
        place,  # type: ignore[arg-type]
        like.kind, exhibit.subject, case=place.case, public=like.public, sealed={},
    )  # fmt: skip


@locker(ENTRY, "add", "a custodian of the thief's, signed by nobody", "sign")
def custodian_added(place: Place) -> None:
    test_thief.add_himself(place, desks.new_keys())  # type: ignore[arg-type]


@locker(
    ENTRY,
    "rename",
    "the column `subject` of an entry in a case's middle",
    "columns are not what the entry says",
)
def subject_renamed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = (os.urandom(16), seq_of(place, "case.extended"))
        db.execute("UPDATE entry SET subject = ? WHERE seq = ?", row)


@locker(ENTRY, "rename", "the same of a case's last entry", "columns are not what the entry says")
def last_of_case_hidden(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = (os.urandom(16), max(e.seq for e in bodies(place) if e.subject.id == place.case))
        db.execute("UPDATE entry SET subject = ? WHERE seq = ?", row)


@locker(
    ENTRY, "rename", "the same of an item's last entry", "columns are not what the entry says",
    why="until the next export, which reads all bodies, commands give its number away again",
)  # fmt: skip
def last_of_item_hidden(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = (os.urandom(16), max(e.seq for e in bodies(place) if e.kind == "item.accessed"))
        db.execute("UPDATE entry SET subject = ? WHERE seq = ?", row)


@locker(ENTRY, "rename", "the column `n` of an item's entry", "columns are not what the entry says")
def number_changed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("UPDATE entry SET n = 77 WHERE seq = ?", (seq_of(place, "item.collected", 1),))


@locker(ENTRY, "reorder", "two entries about items change places, tree hashes made anew", "another place")
def entries_reordered(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        a, b = seq_of(place, "item.collected", 0), seq_of(place, "item.collected", 1)
        db.execute("UPDATE entry SET seq = -1 WHERE seq = ?", (a,))
        db.execute("UPDATE entry SET seq = ? WHERE seq = ?", (a, b))
        db.execute("UPDATE entry SET seq = ? WHERE seq = -1", (b,))
        retree(db, all_envelopes(db))


@locker(ENTRY, "swap", "the bytes of two entries", "columns are not what the entry says")
def entries_swapped(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        a, b = seq_of(place, "item.collected", 0), seq_of(place, "item.collected", 1)
        first, second = envelope(db, a), envelope(db, b)
        put_envelope(db, a, second)
        put_envelope(db, b, first)


@locker(ENTRY, "truncate", "the last byte of an entry about an item", "entries: ")
def entry_cut(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        seq = seq_of(place, "item.collected", 1)
        put_envelope(db, seq, envelope(db, seq)[:-1])


@locker(
    ENTRY, "truncate", "the end of the record, with all that tells of it", "rolled back", check=0,
    why="without a key the rest is whole by itself: the owner's key file remembers the end",
)  # fmt: skip
def tail_cut(place: Place) -> None:
    cut_to(place, seq_of(place, "package.made") + 1)


def cut_to(place: Place, size: int) -> None:
    with unguarded(place, LEDGER) as db:
        for table, column in (("entry", "seq + 1"), ("note", "size"), ("issued", "size")):
            db.execute(f"DELETE FROM {table} WHERE {column} > ?", (size,))
        retree(db, all_envelopes(db))
        logged = {e.public["token"] for e in bodies_of(db) if e.kind == "checkpoint.timestamped"}
        for row in db.execute("SELECT size, sha256 FROM token").fetchall():
            if bytes(row["sha256"]).hex() not in logged:
                db.execute("DELETE FROM token WHERE sha256 = ?", (row["sha256"],))


def bodies_of(db: sqlite3.Connection) -> list[Any]:
    from custody.format import entry

    return [entry.read(data, where="entry")[0] for data in all_envelopes(db)]


@locker(ENTRY, "duplicate", "an entry once more at the end, its tree hashes with it", "columns are not what")
def entry_twice(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        data = all_envelopes(db)
        put_row(db, "entry", {"seq": len(data), "subject": os.urandom(16), "n": 0, "envelope": data[5]})
        retree(db, [*data, data[5]])


@locker(
    ENTRY,
    "re-sign",
    "all of it, made anew by somebody with keys of his own, under the same origin",
    "changed",
)
def record_of_another(place: Place) -> None:
    """Every entry signed by his key: nobody of the record did."""
    from custody.crypto import envelopes as signing
    from custody.format import entry
    from custody.format.envelope import ENTRY_TYPE

    his = desks.new_keys()
    with unguarded(place, LEDGER) as db:
        made: list[bytes] = []
        for data in all_envelopes(db):
            _, outer = entry.read(data, where="entry")
            made.append(signing.sign(ENTRY_TYPE, outer.payload, his.sign).to_bytes())
        for seq, data in enumerate(made):
            put_envelope(db, seq, data)
        retree(db, made)


@locker(
    ENTRY, "re-sign", "by the owner: the end dropped and written differently, his key file with it",
    "no proof connects",
    who="keys", check=0, key=0, next=0, package=6,
    why="nobody can tell from the locker alone: whoever holds an older package, note or token does",
)  # fmt: skip
def end_rewritten(place: Place) -> None:
    """From the older state on, with its older key file: another end, longer than the first."""
    place.put_back_older()
    shutil.copy(place.folder / "old" / "keys" / "first", place.key)
    desk = place.desk()
    for _ in range(40):
        read(desk, place.case)
    desk.locker.close()


@locker(
    WHOLE, "older state", "all files of the locker as they were before", "rolled back", check=0,
    why="without a key an older state is whole by itself",
)  # fmt: skip
def older_locker(place: Place) -> None:
    place.put_back_older()


@locker(
    WHOLE, "older state", "all files of the locker and the owner's key file as they were before", "older than",
    promise=3, check=0, key=0, next=0, package=6,
    why="who holds an older package, note or token can tell; the machine itself can't",
)  # fmt: skip
def older_locker_and_key(place: Place) -> None:
    place.put_back_older()
    shutil.copy(place.folder / "old" / "keys" / "first", place.key)


@locker(FILE, "older state", "`ledger.sqlite` alone as it was before", "rolled back", check=0)
def older_ledger(place: Place) -> None:
    for old in place.locker.glob(f"{LEDGER}*"):
        old.unlink()
    for old in (place.folder / "old" / "L").glob(f"{LEDGER}*"):
        shutil.copy(old, place.locker / old.name)


# The tree


@locker(
    NODE,
    "flip",
    "one bit of a hash inside the tree",
    "tree: a stored hash of the tree is wrong",
    next=0,
    package=1,
)
def node_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = db.execute("SELECT hash FROM node WHERE level = 1 AND position = 1").fetchone()
        db.execute("UPDATE node SET hash = ? WHERE level = 1 AND position = 1", (flipped(bytes(row[0]), 3),))


@locker(NODE, "remove", "a leaf's hash", "tree: hashes of the tree are missing or too many", next=1)
def leaf_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM node WHERE level = 0 AND position = ?", (seq_of(place, "case.extended"),))


@locker(NODE, "add", "a hash where the tree has none", "tree: a stored hash of the tree is wrong", next=0)
def node_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        put_row(db, "node", {"level": 9, "position": 0, "hash": bytes(32)})


@locker(
    NODE, "swap", "two hashes inside the tree", "tree: a stored hash of the tree is wrong", next=0, package=1
)
def nodes_swapped(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        for old, new in ((0, 900), (1, 0), (900, 1)):
            db.execute("UPDATE node SET position = ? WHERE level = 1 AND position = ?", (new, old))


# Notes


def a_note(db: sqlite3.Connection, nth: int = 0) -> tuple[int, bytes]:
    row = db.execute("SELECT size, note FROM note ORDER BY size LIMIT 1 OFFSET ?", (nth,)).fetchone()
    return row["size"], bytes(row["note"])


def put_note(db: sqlite3.Connection, size: int, data: bytes) -> None:
    assert db.execute("UPDATE note SET note = ? WHERE size = ?", (data, size)).rowcount == 1


@locker(NOTE, "flip", "one bit of the root in a note", "notes: ", next=0)
def note_root_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size, data = a_note(db)
        put_note(db, size, flipped(data, data.index(b"\n", data.index(b"\n") + 1) + 5))


@locker(NOTE, "flip", "one bit of the second (ML-DSA) signature", "notes: ", next=0)
def note_second_signature_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size, data = a_note(db)
        put_note(db, size, flipped(data, -100))


@locker(
    NOTE,
    "remove",
    "a note that an authority stamped",
    "a token that was logged is missing, or its note",
    next=0,
)
def stamped_note_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM note WHERE size = ?", (a_note(db)[0],))


@locker(
    NOTE, "remove", "a note that left nowhere: no token, no package", "",
    promise=None, check=0, key=0, next=0,
    why="no entry tells of it and nobody saw it; the next `seal` signs a newer one",
)  # fmt: skip
def unseen_note_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        assert db.execute(
            "DELETE FROM note WHERE size NOT IN (SELECT size FROM issued) AND size NOT IN (SELECT size FROM token)"
        ).rowcount


@locker(NOTE, "add", "a note of this very record, signed with other log keys", "notes: ", who="files", next=0)
def note_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        origin = LogNote.from_bytes(a_note(db)[1], where="note").checkpoint.origin
        nodes = {(r["level"], r["position"]): bytes(r["hash"]) for r in db.execute("SELECT * FROM node")}
        size = max(at for level, at in nodes if level == 0) + 1
        root = merkle.root(size, lambda level, at: nodes[level, at])
        his = notes.sign(Checkpoint(origin=origin, size=size, root=root), LogKeys(bytes(32), bytes([1]) * 32))
        put_row(db, "note", {"size": size, "note": his.to_bytes()})


@locker(NOTE, "rename", "a note stands under another size", "notes: ", next=0)
def note_renamed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size = a_note(db)[0]
        db.execute("UPDATE note SET size = ? WHERE size = ?", (size - 1, size))


@locker(NOTE, "swap", "two notes", "notes: a log note is not about this record", next=0)
def notes_swapped(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        (a, first), (b, second) = a_note(db), a_note(db, 1)
        put_note(db, a, second)
        put_note(db, b, first)


@locker(NOTE, "truncate", "the second signature is taken off", "notes: ", next=0)
def note_cut(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size, data = a_note(db)
        put_note(db, size, b"\n".join(data.split(b"\n")[:-2]) + b"\n")


@locker(NOTE, "re-sign", "a note signed with other log keys", "notes: ", next=0)
def note_resigned(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size, data = a_note(db)
        checkpoint = LogNote.from_bytes(data, where="note").checkpoint
        put_note(db, size, notes.sign(checkpoint, LogKeys(bytes(32), bytes([1]) * 32)).to_bytes())


# Tokens


def a_token(db: sqlite3.Connection, nth: int = 0) -> sqlite3.Row:
    row: sqlite3.Row = db.execute("SELECT * FROM token ORDER BY size LIMIT 1 OFFSET ?", (nth,)).fetchone()
    return row


def put_token(db: sqlite3.Connection, at: bytes, tsr: bytes, *, name: bool) -> None:
    new = hashlib.sha256(tsr).digest() if name else at
    assert db.execute("UPDATE token SET tsr = ?, sha256 = ? WHERE sha256 = ?", (tsr, new, at)).rowcount == 1


@locker(TOKEN, "flip", "one bit of a token", "tokens: ", next=0, package=0)
def token_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = a_token(db)
        put_token(db, row["sha256"], flipped(bytes(row["tsr"]), -9), name=False)


@locker(TOKEN, "remove", "a token", "tokens: a token that was logged is missing", next=0, package=0)
def token_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM token WHERE sha256 = ?", (a_token(db)["sha256"],))


def token_of_another(note: bytes) -> bytes:
    return TestAuthority(clock=desks.Clock()).answer(make_request(note, 7))


@locker(
    TOKEN, "add", "a token of another authority over a note", "tokens: a token that no entry names", next=0
)
def token_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        size, note = a_note(db)
        tsr = token_of_another(note)
        put_row(db, "token", {"size": size, "sha256": hashlib.sha256(tsr).digest(), "tsr": tsr})


@locker(TOKEN, "rename", "a token stands under another digest", "tokens: ", next=0)
def token_renamed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("UPDATE token SET sha256 = ? WHERE sha256 = ?", (bytes(32), a_token(db)["sha256"]))


@locker(TOKEN, "swap", "the tokens of two notes", "tokens: ", next=0)
def tokens_swapped(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        first, second = a_token(db), a_token(db, 1)
        db.execute("DELETE FROM token WHERE sha256 IN (?, ?)", (first["sha256"], second["sha256"]))
        put_row(db, "token", {**dict(first), "size": second["size"]})
        put_row(db, "token", {**dict(second), "size": first["size"]})


@locker(TOKEN, "truncate", "the last byte of a token", "tokens: ", next=0)
def token_cut(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        row = a_token(db)
        put_token(db, row["sha256"], bytes(row["tsr"])[:-1], name=True)


@locker(TOKEN, "duplicate", "a token of one note stands over another too", "tokens: ", next=0, package=1)
def token_twice(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        put_row(db, "token", {**dict(a_token(db)), "size": a_token(db, 1)["size"]})


@locker(TOKEN, "re-sign", "a token is exchanged for one of another authority", "tokens: ", next=0)
def token_resigned(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        put_token(db, a_token(db)["sha256"], token_of_another(a_note(db)[1]), name=True)


# What was given out


@locker(
    ISSUED,
    "remove",
    "a size that a package left with",
    "a checkpoint that left the locker is not kept",
    next=0,
)
def issued_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM issued WHERE size = ?", (seq_of(place, "package.made") + 1,))


@locker(ISSUED, "add", "a size of which there is no note", "given out and was never signed", next=0)
def issued_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        put_row(db, "issued", {"size": 1})


# Root certificates


def other_root() -> bytes:
    made = x509.load_pem_x509_certificate(TestAuthority(clock=desks.Clock()).root_pem)
    return made.public_bytes(Encoding.DER)


@locker(ROOT, "flip", "one bit of a root certificate", "root certificate")
def root_bit(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        der = bytes(db.execute("SELECT der FROM root_certificate").fetchone()[0])
        db.execute("UPDATE root_certificate SET der = ?", (flipped(der, 60),))


@locker(
    ROOT, "remove", "a root certificate", "a root certificate that the policy names is missing", next=0,
    why="tokens of that authority are kept as *authority not known* from then on",
)  # fmt: skip
def root_removed(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("DELETE FROM root_certificate")


@locker(
    ROOT,
    "add",
    "a root certificate of his under its own digest",
    "root certificate that no policy names",
    next=0,
)
def root_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        der = other_root()
        put_row(db, "root_certificate", {"sha256": hashlib.sha256(der).digest(), "der": der})


@locker(ROOT, "swap", "a root certificate of his under the digest of ours", "root certificate is not the one")
def root_swapped(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        db.execute("UPDATE root_certificate SET der = ?", (other_root(),))


# Tables and guards


@contextlib.contextmanager
def plain(place: Place, name: str) -> Any:
    with contextlib.closing(sqlite3.connect(place.locker / name)) as db:
        yield db
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@locker(SCHEMA, "remove", "a guard", "guard missing or changed: entry_no_update")
def guard_removed(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("DROP TRIGGER entry_no_update")


@locker(SCHEMA, "flip", "a guard that lets everything through", "guard missing or changed: entry_no_delete")
def guard_weakened(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("DROP TRIGGER entry_no_delete")
        db.execute("CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry WHEN 0 BEGIN SELECT 1; END")


@locker(
    SCHEMA,
    "add",
    "a trigger that acts when something is written",
    "trigger that custody did not make: helper",
)
def trigger_added(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("CREATE TRIGGER helper AFTER INSERT ON entry BEGIN SELECT 1; END")


@locker(SCHEMA, "add", "a table", "table that custody did not make: diary")
def table_added(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("CREATE TABLE diary (text TEXT)")


@locker(
    SCHEMA, "add", "a view in a table's name spelled otherwise", "view that custody did not make: entries"
)
def view_added(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("CREATE VIEW entries AS SELECT * FROM entry")


@locker(SCHEMA, "add", "an index", "index that custody did not make: quick")
def index_added(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("CREATE INDEX quick ON entry (n)")


@locker(SCHEMA, "rename", "a table", "no such table")
def table_renamed(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("ALTER TABLE witness RENAME TO witnesses")


@locker(
    SCHEMA, "rename", "a guard is said to be of a table in another spelling", "trigger missing or changed"
)
def guard_of_another(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET tbl_name = 'Entry' WHERE name = 'entry_no_delete'")


@locker(WITNESS, "add", "a witness file", "witness files: this version does not check them", next=0, promise=None,
    check=0, key=0, why="witnesses come later; what is there is reported as not checked")  # fmt: skip
def witness_added(place: Place) -> None:
    with unguarded(place, LEDGER) as db:
        put_row(db, "witness", {"size": a_note(db)[0], "sha256": bytes(32), "cosigned": b"x"})


# What is derived


@locker(DERIVED, "add", "a readable form that says what its item does not, logged and signed like any other",
    "says what its originals say", who="keys", next=0, promise=None, check=0, key=0, package=6,
    why="to read a chat again is not what a check does. It is told as not checked, also by the verifier (which finds"
    " here only that nobody dated the new item), and custody derive makes the form anew")  # fmt: skip
def form_made_up(place: Place) -> None:
    desk = place.desk()
    forge(desk, desk.locker.work.items(place.case)[0], MADE_UP, MEDIA_TYPE)
    desk.locker.close()


# The file


@locker(FILE, "flip", "the mark that says what file it is", "not a custody ledger", check=4, key=4, next=4)
def mark_changed(place: Place) -> None:
    with plain(place, LEDGER) as db:
        db.execute("PRAGMA application_id = 1")


@locker(FILE, "truncate", "the second half of the file", "malformed")
def ledger_cut(place: Place) -> None:
    path = place.locker / LEDGER
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@locker(FILE, "remove", "the file", "no locker here", check=10, key=10, next=10)
def ledger_removed(place: Place) -> None:
    (place.locker / LEDGER).unlink()


@locker(FILE, "swap", "the ledger of another locker", "of two different lockers")
def ledger_swapped(place: Place) -> None:
    other = desks.new_locker(place.folder / "other")
    other.locker.close()
    shutil.copy(place.folder / "other" / "L" / LEDGER, place.locker / LEDGER)


def item_id(place: Place, nth: int = 0) -> bytes:
    """The 16 bytes of an item's id."""
    return uuid.UUID([e.subject.id for e in bodies(place) if e.kind == "item.collected"][nth]).bytes
