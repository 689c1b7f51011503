"""Changes of the erasable store, the vault, the key file and what lies beside them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import uuid

from custody.crypto import wrapping
from custody.format import contexts
from tests import desks, test_thief
from tests.tamper.ledger_rows import bodies, item_id, plain
from tests.tamper.rows import locker
from tests.tamper.world import ERASABLE, LEDGER, WORK, Place, flipped, put_row, unguarded

PART, WRAP, ITEM_KEYS, LOOKUP = (
    "store: sealed part",
    "store: wrapped keys",
    "store: item keys",
    "store: look-up",
)
SECRET, ORIGIN, SCHEMA, FILE = "store: secret", "store: origin", "store: tables", "store: file"
OBJECT, KEY, BESIDE = "vault: object", "key file", "beside"


def part(db: sqlite3.Connection, subject: bytes, name: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(
        "SELECT * FROM part WHERE subject = ? AND n = 0 AND compartment = ?", (subject, name)
    ).fetchone()
    return row


def put_part(db: sqlite3.Connection, subject: bytes, name: str, sealed: bytes) -> None:
    sql = "UPDATE part SET sealed = ? WHERE subject = ? AND n = 0 AND compartment = ?"
    assert db.execute(sql, (sealed, subject, name)).rowcount == 1


# Sealed parts


@locker(PART, "flip", "one bit of an item's `content`", "is not what was logged", promise=1)
def part_bit(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        subject = item_id(place)
        put_part(db, subject, "content", flipped(bytes(part(db, subject, "content")["sealed"]), 90))


@locker(PART, "remove", "an item's `name`", "is missing", promise=1)
def part_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        db.execute("DELETE FROM part WHERE subject = ? AND compartment = 'name'", (item_id(place),))


@locker(
    PART, "add", "a part that no entry names", "that no entry names", promise=None, check=0, key=0, next=0,
    why="the same as a crash leaves; listed as a leftover, opens nothing",
)  # fmt: skip
def part_added(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        put_row(db, "part", {**dict(part(db, item_id(place), "name")), "n": 77})


@locker(PART, "rename", "an item's `name` stands as its `source`", "is missing", promise=1)
def part_renamed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        sql = "UPDATE part SET compartment = 'source' WHERE subject = ? AND compartment = 'name'"
        db.execute(sql, (item_id(place),))


@locker(PART, "swap", "the names of two items", "is not what was logged", promise=1)
def parts_swapped(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        a, b = item_id(place), item_id(place, 1)
        first, second = (bytes(part(db, x, "name")["sealed"]) for x in (a, b))
        put_part(db, a, "name", second)
        put_part(db, b, "name", first)


@locker(PART, "truncate", "the last byte of a part", "is not what was logged", promise=1)
def part_cut(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        put_part(db, item_id(place), "name", bytes(part(db, item_id(place), "name")["sealed"])[:-1])


@locker(
    PART, "duplicate", "a part once more under another name", "that no entry names", promise=None,
    check=0, key=0, next=0, why="no entry names it; listed as a leftover, opens nothing",
)  # fmt: skip
def part_twice(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        put_row(db, "part", {**dict(part(db, item_id(place), "name")), "compartment": "source"})


@locker(
    PART,
    "re-sign",
    "an exhibit's first part, sealed under a key of his own",
    "is not what was logged",
    promise=1,
)
def part_resealed(place: Place) -> None:
    from custody.crypto import sealing

    exhibit = next(e for e in bodies(place) if e.kind == "exhibit.acquired")
    with unguarded(place, ERASABLE) as db:
        for name in exhibit.sealed:
            sealed = sealing.seal_compartment(
                os.urandom(32), exhibit.ledger, exhibit.subject.id, 0, name, {"tool": "x"}
            )
            put_part(db, uuid.UUID(exhibit.subject.id).bytes, name, sealed)


# Wrapped keys


def own_wrap(db: sqlite3.Connection, place: Place, subject: bytes, use: str) -> sqlite3.Row:
    row: sqlite3.Row = db.execute(
        "SELECT * FROM wrap WHERE subject = ? AND use = ? AND recipient = ?",
        (subject, use, bytes.fromhex(place.own().key_id)),
    ).fetchone()
    return row


def put_message(db: sqlite3.Connection, row: sqlite3.Row, message: bytes) -> None:
    sql = "UPDATE wrap SET message = ? WHERE subject = ? AND use = ? AND recipient = ?"
    assert db.execute(sql, (message, row["subject"], row["use"], row["recipient"])).rowcount == 1


@locker(
    WRAP, "flip", "one bit of a wrapped key of the case", "keys: ", promise=1, check=0,
    why="only the key's owner can tell whether a wrap opens",
)  # fmt: skip
def wrap_bit(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        row = own_wrap(db, place, uuid.UUID(place.case).bytes, "keys")
        put_message(db, row, flipped(bytes(row["message"]), -20))


@locker(WRAP, "remove", "the wrapped keys of a batch", "missing", promise=1, next=12)
def batch_wrap_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        batch = db.execute("SELECT batch FROM item_keys ORDER BY subject LIMIT 1").fetchone()[0]
        db.execute("DELETE FROM wrap WHERE use = 'batch' AND subject = ?", (batch,))


@locker(
    WRAP, "add", "keys wrapped to somebody whom the record does not name", "wrapped keys that no entry names",
    promise=None, check=0, key=0, next=0,
    why="the same as a crash leaves while a custodian is added; listed. Who can make it has the keys already",
)  # fmt: skip
def wrap_added(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        row = own_wrap(db, place, uuid.UUID(place.case).bytes, "keys")
        put_row(db, "wrap", {**dict(row), "recipient": os.urandom(32)})


@locker(WRAP, "rename", "the classes that a wrap is said to hold", "keys: ", promise=1, check=1)
def wrap_renamed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        row = own_wrap(db, place, uuid.UUID(place.case).bytes, "keys")
        sql = (
            "UPDATE wrap SET classes = 'record,identity' WHERE subject = ? AND use = 'keys' AND recipient = ?"
        )
        db.execute(sql, (row["subject"], row["recipient"]))


@locker(WRAP, "swap", "the wrapped keys of two exhibits", "keys: ", promise=1, check=0)
def wraps_swapped(place: Place) -> None:
    exhibits = [e for e in bodies(place) if e.kind == "exhibit.acquired" and e.case == place.case]
    with unguarded(place, ERASABLE) as db:
        first, second = (own_wrap(db, place, uuid.UUID(e.subject.id).bytes, "keys") for e in exhibits[:2])
        put_message(db, first, second["message"])
        put_message(db, second, first["message"])


@locker(
    WRAP, "re-sign", "keys of the thief's own, wrapped to the owner, for a case", "somebody exchanged them",
    promise=5, check=0, why="without a key nobody can tell; nothing is sealed under them",
)  # fmt: skip
def wrap_exchanged(place: Place) -> None:
    test_thief.exchange(place, place.case)  # type: ignore[arg-type]


@locker(
    WRAP, "re-sign", "log keys of the thief's own, wrapped to the owner", "somebody exchanged them",
    promise=5, check=0, why="without a key nobody can tell; no note is signed with them",
)  # fmt: skip
def log_keys_exchanged(place: Place) -> None:
    test_thief.exchange(place, bodies(place)[0].subject.id, "log")  # type: ignore[arg-type]


# Item keys


@locker(ITEM_KEYS, "flip", "one bit of an item's wrapped object key", "keys: ", promise=1, check=0)
def item_keys_bit(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        old = bytes(
            db.execute("SELECT object FROM item_keys WHERE subject = ?", (item_id(place),)).fetchone()[0]
        )
        db.execute("UPDATE item_keys SET object = ? WHERE subject = ?", (flipped(old, 30), item_id(place)))


@locker(ITEM_KEYS, "remove", "an item's row", "wrapped keys are missing", promise=1, next=12)
def item_keys_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        db.execute("DELETE FROM item_keys WHERE subject = ?", (item_id(place),))


@locker(
    ITEM_KEYS, "add", "a row of an item that is not in the record", "that no entry names", promise=None,
    check=0, key=0, next=0, why="the same as a crash leaves; it opens nothing and is swept",
)  # fmt: skip
def item_keys_added(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        row = dict(db.execute("SELECT * FROM item_keys LIMIT 1").fetchone())
        put_row(db, "item_keys", {**row, "subject": os.urandom(16)})


@locker(ITEM_KEYS, "swap", "the rows of two items", "keys: ", promise=1, check=0)
def item_keys_swapped(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        for old, new in (
            (item_id(place), b"x" * 16),
            (item_id(place, 1), item_id(place)),
            (b"x" * 16, item_id(place, 1)),
        ):
            db.execute("UPDATE item_keys SET subject = ? WHERE subject = ?", (new, old))


@locker(
    ITEM_KEYS, "re-sign", "another object key, wrapped by somebody who has the batch's keys",
    "not those that its object was sealed under", promise=1, who="keys", check=0,
)  # fmt: skip
def object_key_exchanged(place: Place) -> None:
    desk = place.desk()
    item = desk.locker.work.items()[0]
    row = desk.locker.erasable.item_keys(item.id)
    assert row is not None
    key = desk.ring.batch_keys(row.batch)["object"]
    context = contexts.row(desk.origin, row.batch, item.id, "object")
    wrapped = wrapping.wrap_row(wrapping.RowKey(key), context, os.urandom(32), os.urandom(12))
    desk.locker.close()
    with unguarded(place, ERASABLE) as db:
        db.execute("UPDATE item_keys SET object = ? WHERE subject = ?", (wrapped, uuid.UUID(item.id).bytes))


# Look-ups, secret, origin, tables, file

_DERIVED = "found again from the entries by nobody: a duplicate may be missed, or a file be called known; no evidence"


@locker(LOOKUP, "flip", "one bit of a look-up", "", promise=None, check=0, key=0, next=0, why=_DERIVED)
def lookup_bit(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        tag = bytes(db.execute("SELECT tag FROM lookup LIMIT 1").fetchone()[0])
        db.execute("UPDATE lookup SET tag = ? WHERE tag = ?", (flipped(tag, 3), tag))


@locker(LOOKUP, "remove", "all look-ups", "", promise=None, check=0, key=0, next=0, why=_DERIVED)
def lookups_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        db.execute("DELETE FROM lookup")


@locker(
    LOOKUP, "swap", "a look-up names another item", "", promise=None, check=0, key=0, next=0, why=_DERIVED
)
def lookup_swapped(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        sql = "UPDATE OR REPLACE lookup SET subject = ? WHERE subject = ?"
        db.execute(sql, (item_id(place), item_id(place, 1)))


@locker(
    SECRET, "flip", "one bit of the locker secret", "", promise=None, check=0, key=0, next=0,
    why="it hides boot times and opens nothing; sessions after it can't be compared with those before",
)  # fmt: skip
def secret_bit(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        old = bytes(db.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0])
        db.execute("UPDATE meta SET value = ? WHERE name = 'secret'", (flipped(old, 0),))


@locker(
    SECRET,
    "remove",
    "the locker secret",
    "secret is missing",
    promise=None,
    next=0,
    why="a command needs it only where the machine has a boot clock",
)
def secret_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        db.execute("DELETE FROM meta WHERE name = 'secret'")


@locker(ORIGIN, "flip", "the origin", "of two different lockers", promise=1)
def origin_changed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        old = db.execute("SELECT origin FROM origin").fetchone()[0]
        db.execute("UPDATE origin SET origin = ?", (old[:-1] + ("b" if old[-1] == "a" else "a"),))


@locker(ORIGIN, "remove", "the origin", "does not know its ledger", promise=1)
def origin_removed(place: Place) -> None:
    with unguarded(place, ERASABLE) as db:
        db.execute("DELETE FROM origin")


@locker(
    SCHEMA,
    "add",
    "a trigger that drops what is written",
    "trigger that custody did not make: helper",
    promise=2,
)
def store_trigger_added(place: Place) -> None:
    with plain(place, ERASABLE) as db:
        db.execute(
            "CREATE TRIGGER helper AFTER INSERT ON part BEGIN DELETE FROM part WHERE subject = NEW.subject; END"
        )


@locker(SCHEMA, "add", "a table", "table that custody did not make: diary", promise=2)
def store_table_added(place: Place) -> None:
    with plain(place, ERASABLE) as db:
        db.execute("CREATE TABLE diary (text TEXT)")


@locker(FILE, "older state", "`erasable.sqlite` as it was before", "missing", promise=1)
def older_store(place: Place) -> None:
    for old in place.locker.glob(f"{ERASABLE}*"):
        old.unlink()
    for old in (place.folder / "old" / "L").glob(f"{ERASABLE}*"):
        shutil.copy(old, place.locker / old.name)


@locker(FILE, "truncate", "the second half of the file", "malformed", promise=1)
def store_cut(place: Place) -> None:
    path = place.locker / ERASABLE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@locker(FILE, "swap", "the store of another locker", "of two different lockers", promise=1)
def store_swapped(place: Place) -> None:
    desks.new_locker(place.folder / "other").locker.close()
    shutil.copy(place.folder / "other" / "L" / ERASABLE, place.locker / ERASABLE)


@locker(FILE, "remove", "the file", "can't be read", promise=1, check=5, key=5, next=5)
def store_removed(place: Place) -> None:
    for path in place.locker.glob(f"{ERASABLE}*"):
        path.unlink()


# The vault


def objects(place: Place) -> list[str]:
    """Names of the case's objects, the first that is read in a day's work first."""
    found = [
        e.public["object"]["id"] for e in bodies(place) if e.kind == "item.collected" and e.public["object"]
    ]
    return [str(name) for name in found]


def object_path(place: Place, nth: int = 0):  # type: ignore[no-untyped-def]
    return place.locker / "vault" / objects(place)[nth]


@locker(OBJECT, "flip", "one bit of an object", "the object is not what was stored", promise=1)
def object_bit(place: Place) -> None:
    path = object_path(place)
    path.write_bytes(flipped(path.read_bytes(), 60))


@locker(OBJECT, "remove", "an object", "missing from the vault", promise=1)
def object_removed(place: Place) -> None:
    object_path(place).unlink()


@locker(
    OBJECT, "add", "an object that no entry names", "leftovers", promise=None, check=0, key=0, next=0,
    why="the same as a crash leaves; listed, not evidence",
)  # fmt: skip
def object_added(place: Place) -> None:
    (place.locker / "vault" / ("0" * 64)).write_bytes(b"x")


@locker(OBJECT, "add", "a file that is no object", "a file in the vault that is no object", promise=1, next=0)
def stranger_added(place: Place) -> None:
    (place.locker / "vault" / "notes.txt").write_bytes(b"x")


@locker(OBJECT, "rename", "an object", "missing from the vault", promise=1)
def object_renamed(place: Place) -> None:
    object_path(place).rename(place.locker / "vault" / ("0" * 64))


@locker(OBJECT, "swap", "two objects", "another size than was logged", promise=1)
def objects_swapped(place: Place) -> None:
    first, second = object_path(place), object_path(place, 1)
    a, b = first.read_bytes(), second.read_bytes()
    first.write_bytes(b)
    second.write_bytes(a)


@locker(OBJECT, "truncate", "the last byte of an object", "another size than was logged", promise=1)
def object_cut(place: Place) -> None:
    path = object_path(place)
    path.write_bytes(path.read_bytes()[:-1])


@locker(
    OBJECT, "duplicate", "an object under another name", "leftovers", promise=None, check=0, key=0, next=0,
    why="no entry names it; listed, not evidence",
)  # fmt: skip
def object_twice(place: Place) -> None:
    shutil.copy(object_path(place), place.locker / "vault" / ("1" * 64))


@locker(OBJECT, "swap", "a link to a file elsewhere in an object's place", "no object", promise=1, next=0)
def object_linked(place: Place) -> None:
    path = object_path(place, 2)
    shutil.move(path, place.folder / "elsewhere")
    path.symlink_to(place.folder / "elsewhere")


@locker(
    OBJECT,
    "re-sign",
    "other content, sealed under another key, with the name that it has then",
    "missing from the vault",
    promise=1,
)
def object_resealed(place: Place) -> None:
    import hashlib

    from custody.crypto import sealing

    sealed = sealing.seal(os.urandom(32), b"x", bytes(64))
    object_path(place).unlink()
    (place.locker / "vault" / hashlib.sha256(sealed).hexdigest()).write_bytes(sealed)


# The key file


def key_fields(place: Place) -> dict[str, object]:
    value: dict[str, object] = json.loads(place.key.read_bytes())
    return value


@locker(
    KEY,
    "flip",
    "one bit of the sealed keys",
    "does not open with this passphrase",
    promise=1,
    check=0,
    key=12,
    next=12,
)
def key_bit(place: Place) -> None:
    data = place.key.read_bytes()
    at = data.index(b'"sealed":"') + 40
    place.key.write_bytes(data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :])


@locker(KEY, "remove", "the key file", "there is no key file", promise=1, check=0, key=4, next=4)
def key_removed(place: Place) -> None:
    place.key.unlink()


@locker(KEY, "add", "a field that the format does not have", "field", promise=1, check=0, key=4, next=4)
def key_field_added(place: Place) -> None:
    from custody.format import canonical

    place.key.write_bytes(canonical.encode({**key_fields(place), "zzz": 1}))


@locker(KEY, "rename", "a field", "field", promise=1, check=0, key=4, next=4)
def key_field_renamed(place: Place) -> None:
    place.key.write_bytes(place.key.read_bytes().replace(b'"nonce":', b'"once":', 1))


@locker(KEY, "reorder", "the fields", "not a key file", promise=1, check=0, key=4, next=4)
def key_reordered(place: Place) -> None:
    fields = dict(reversed(key_fields(place).items()))
    place.key.write_bytes(json.dumps(fields, separators=(",", ":")).encode())


@locker(KEY, "truncate", "the last byte", "not a key file", promise=1, check=0, key=4, next=4)
def key_cut(place: Place) -> None:
    place.key.write_bytes(place.key.read_bytes()[:-1])


@locker(KEY, "duplicate", "a field twice", "not a key file", promise=1, check=0, key=4, next=4)
def key_field_twice(place: Place) -> None:
    place.key.write_bytes(place.key.read_bytes()[:-1] + b',"v":1}')


@locker(KEY, "swap", "the key file of somebody whom the record does not name", "not one of the locker's custodians",
    promise=5, check=0, key=12, next=12)  # fmt: skip
def key_swapped(place: Place) -> None:
    place.key.unlink()
    desks.new_key_file(place.key)


@locker(
    KEY, "older state", "the key file as it was before", "", promise=None, check=0, key=0, next=0,
    why="it remembers an older end; only together with an older locker does that hide anything",
)  # fmt: skip
def older_key(place: Place) -> None:
    shutil.copy(place.folder / "old" / "keys" / "first", place.key)


@locker(KEY, "re-sign", "made anew under a passphrase of his, with keys of his", "does not open with this passphrase",
    promise=5, check=0, key=12, next=12)  # fmt: skip
def key_remade(place: Place) -> None:
    from custody.keys import keyfile

    place.key.unlink()
    keyfile.create(
        place.key, b"another passphrase", desks.new_keys(), now=desks.make_rim().wall(), random=os.urandom,
        params=desks.SMALL,
    )  # fmt: skip


# Beside


@locker(
    BESIDE, "flip", "`work.sqlite` says that the case has no items", "", promise=None, check=0, key=0, next=0,
    why="derived: nothing that is proven rests on it, and `check` makes it anew",
)  # fmt: skip
def work_changed(place: Place) -> None:
    path = place.locker / WORK
    if path.exists():
        for left in place.locker.glob(f"{WORK}*"):
            left.unlink()
        path.write_bytes(b"garbage")


@locker(
    BESIDE, "remove", "`lock` and `work.sqlite`", "", promise=None, check=0, key=0, next=0, why="made anew"
)
def beside_removed(place: Place) -> None:
    for path in (place.locker / "lock", *place.locker.glob(f"{WORK}*")):
        path.unlink(missing_ok=True)


assert LEDGER  # both files are named by the rows of this module and the ledger's
