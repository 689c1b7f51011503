"""Changes of packages.

By somebody who has the package and no key of the record (*package*: single changes and, marked so, all lists
rebuilt and the statement signed with a key of his own), or by somebody with every key of the locker (*keys*).
`tests/test_verify_attacks.py` has a hundred more by the second.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace

from custody.anchor.authority import make_request
from custody.anchor.test_authority import TestAuthority
from custody.crypto import notes
from custody.crypto.keys import LogKeys
from custody.format import entry
from custody.format import package as formats
from custody.format.note import LogNote
from custody.format.trust import Trust
from tests import desks, packages, zip_faults
from tests.packages import Files, Forger, put_together, rebag, resign, take_apart
from tests.tamper.rows import package
from tests.tamper.world import flipped, world

FILE, MANIFEST, ENTRY, NOTE = "package: content", "package: lists", "package: entry", "package: log note"
TOKEN, PROOF, CONSISTENCY = "package: token", "package: proof", "package: consistency proof"
PART, KEY, STATEMENT = "package: sealed part", "package: shown key", "package: statement"
ZIP, WHOLE = "zip", "package: whole"
Made = tuple[bytes, Trust, Trust]


def held(data: bytes) -> Made:
    """With what two readers hold: origin and authority; the same and the older package."""
    return data, world().trust, world().older


def files() -> Files:
    """The newer package's files."""
    return take_apart(world().second)


def of(kind: str, nth: int = 0) -> str:
    """The nth path with a beginning, in order."""
    return sorted(path for path in files() if path.startswith(kind))[nth]


def edit(change: Callable[[Files], None]) -> Made:
    """Nothing is rebuilt."""
    changed = files()
    change(changed)
    return held(put_together(changed))


def rebuilt(change: Callable[[Files], None]) -> Made:
    """All lists that need no key are made anew; the statement is signed with a key of his own."""
    changed = files()
    change(changed)
    return held(put_together(resign(changed, desks.new_keys().sign)))


def exporters(change: Callable[[Files], None]) -> Made:
    """All lists made anew and signed by the exporter himself."""
    changed = files()
    change(changed)
    own = world().own()
    return held(put_together(resign(changed, own.keys.sign)))


def bit(path: str, at: int = 0) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        f[path] = flipped(f[path], at)

    return change


def gone(path: str) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        del f[path]

    return change


def moved(path: str, to: str) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        f[to] = f.pop(path)

    return change


def copied(path: str, to: str) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        f[to] = f[path]

    return change


def exchanged(a: str, b: str) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        f[a], f[b] = f[b], f[a]

    return change


def cut(path: str) -> Callable[[Files], None]:
    def change(f: Files) -> None:
        f[path] = f[path][:-1]

    return change


def lines(path: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Files], None]:
    def edited(f: Files) -> None:
        f[path] = b"".join(change(f[path].splitlines(keepends=True)))

    return edited


# Contents


@package(FILE, "flip", "one bit", "content differs from what is listed", promise=1)
def content_bit() -> Made:
    return edit(bit(of("data/"), 3))


@package(
    FILE,
    "flip",
    "one bit, all lists rebuilt and signed with a key of his own",
    "the record does not name",
    promise=1,
)
def content_bit_rebuilt() -> Made:
    return rebuilt(bit(of("data/"), 3))


@package(
    FILE, "flip", "one bit, all lists rebuilt and signed by the exporter", "content: ", promise=1, who="keys"
)
def content_bit_signed() -> Made:
    return exporters(bit(of("data/"), 3))


@package(FILE, "remove", "a file", "file missing", promise=4)
def content_removed() -> Made:
    return edit(gone(of("data/")))


@package(
    FILE, "remove", "a file, all lists rebuilt and signed by the exporter", "content: ", promise=4, who="keys"
)
def content_removed_signed() -> Made:
    return exporters(gone(of("data/")))


@package(FILE, "add", "a file", "file added", promise=9)
def content_added() -> Made:
    return edit(copied(of("data/"), "data/A-1/99.txt"))


@package(
    FILE, "add", "a file, all lists rebuilt and signed by the exporter", "file added", promise=9, who="keys"
)
def content_added_signed() -> Made:
    return exporters(copied(of("data/"), "data/A-1/99.txt"))


@package(FILE, "rename", "a file", "file missing", promise=9)
def content_renamed() -> Made:
    return edit(moved(of("data/"), "data/A-1/99.txt"))


@package(FILE, "swap", "the contents of two files", "content differs from what is listed", promise=1)
def contents_swapped() -> Made:
    return edit(exchanged(of("data/"), of("data/", 1)))


@package(
    FILE, "swap", "the contents of two files, signed by the exporter", "content: ", promise=1, who="keys"
)
def contents_swapped_signed() -> Made:
    return exporters(exchanged(of("data/"), of("data/", 1)))


@package(FILE, "truncate", "the last byte of a file", "content differs from what is listed", promise=1)
def content_cut() -> Made:
    return edit(cut(of("data/")))


@package(
    FILE, "duplicate", "a file in a second exhibit, lists rebuilt", "the record does not name", promise=9
)
def content_twice() -> Made:
    return rebuilt(copied(of("data/"), "data/C-1/01.txt"))


# Lists


@package(MANIFEST, "flip", "one bit of a manifest", "manifest-sha256", promise=9)
def manifest_bit() -> Made:
    return edit(bit("manifest-sha256.txt", 3))


@package(MANIFEST, "remove", "a manifest", "manifest-sha512", promise=9)
def manifest_removed() -> Made:
    return edit(gone("manifest-sha512.txt"))


@package(MANIFEST, "remove", "both lists of the lists", "tagmanifest", promise=9)
def tag_manifests_removed() -> Made:
    def change(f: Files) -> None:
        del f["tagmanifest-sha256.txt"], f["tagmanifest-sha512.txt"]

    return edit(change)


@package(MANIFEST, "add", "a line for a file that is not there", "manifest", promise=9)
def manifest_line_added() -> Made:
    return edit(lines("manifest-sha256.txt", lambda x: [*x, b"0" * 64 + b"  data/A-1/99.txt\n"]))


@package(MANIFEST, "rename", "a manifest of another algorithm's name", "manifest", promise=9)
def manifest_renamed() -> Made:
    return edit(moved("manifest-sha512.txt", "manifest-md5.txt"))


@package(MANIFEST, "reorder", "the lines of a manifest", "manifest-sha256", promise=9)
def manifest_reordered() -> Made:
    return edit(lines("manifest-sha256.txt", lambda x: list(reversed(x))))


@package(
    MANIFEST, "flip", "a word of READ-ME-FIRST, lists rebuilt without the statement", "statement: ", promise=9
)
def readme_changed() -> Made:
    changed = files()
    changed["READ-ME-FIRST.txt"] = changed["READ-ME-FIRST.txt"].replace(b"package", b"parcels", 1)
    return held(put_together(rebag(changed)))


# Entries


ENTRIES = "custody/entries/"


@package(ENTRY, "flip", "one bit of an entry", "content differs from what is listed")
def shipped_entry_bit() -> Made:
    return edit(bit(of(ENTRIES, 3), 200))


@package(ENTRY, "flip", "one bit of an entry, signed by the exporter", "entries: ", who="keys")
def shipped_entry_bit_signed() -> Made:
    return exporters(bit(of(ENTRIES, 3), 200))


@package(ENTRY, "remove", "an entry, signed by the exporter", "entry missing", promise=4, who="keys")
def shipped_entry_removed() -> Made:
    return exporters(gone(of(ENTRIES, 3)))


@package(
    ENTRY, "remove", "an entry with its proof, signed by the exporter", "histories: ", promise=4, who="keys"
)
def shipped_entry_and_proof_removed() -> Made:
    seq = read_seq()

    def change(f: Files) -> None:
        del f[f"{ENTRIES}{seq}.json"]
        f[formats.PROOFS] = b"".join(
            line
            for line in f[formats.PROOFS].splitlines(keepends=True)
            if not line.startswith(b'{"index":%d,' % seq)
        )

    return exporters(change)


def read_seq() -> int:
    """The entry of the first reading."""
    for path, data in files().items():
        if path.startswith(ENTRIES) and entry.read(data, where=path)[0].kind == "item.accessed":
            return int(path.removeprefix(ENTRIES).removesuffix(".json"))
    raise AssertionError("no reading is in the package")


@package(
    ENTRY,
    "add",
    "an entry under a free number, signed by the exporter",
    "an entry without a proof",
    who="keys",
)
def shipped_entry_added() -> Made:
    return exporters(copied(of(ENTRIES, 3), f"{ENTRIES}9999.json"))


@package(ENTRY, "rename", "an entry under another number", "file missing")
def shipped_entry_renamed() -> Made:
    return edit(moved(of(ENTRIES, 3), f"{ENTRIES}9999.json"))


@package(ENTRY, "swap", "two entries, signed by the exporter", "entries: ", who="keys")
def shipped_entries_swapped() -> Made:
    return exporters(exchanged(of(ENTRIES, 3), of(ENTRIES, 4)))


@package(ENTRY, "truncate", "the last byte of an entry, signed by the exporter", "entries: ", who="keys")
def shipped_entry_cut() -> Made:
    return exporters(cut(of(ENTRIES, 3)))


@package(
    ENTRY, "duplicate", "an entry's bytes in another's place, signed by the exporter", "entries: ", who="keys"
)
def shipped_entry_twice() -> Made:
    return exporters(copied(of(ENTRIES, 3), of(ENTRIES, 4)))


# Notes


def own_note() -> str:
    """The note of the package's own size: the largest."""
    return max((p for p in files() if p.endswith(".note")), key=lambda p: int(p.split("/")[-1].split(".")[0]))


def older_note() -> str:
    return min((p for p in files() if p.endswith(".note")), key=lambda p: int(p.split("/")[-1].split(".")[0]))


@package(NOTE, "flip", "one bit of the package's log note, signed by the exporter", "note: ", who="keys")
def shipped_note_bit() -> Made:
    return exporters(bit(own_note(), -100))


@package(NOTE, "remove", "the package's log note, signed by the exporter", "note", who="keys")
def shipped_note_removed() -> Made:
    return exporters(gone(own_note()))


@package(NOTE, "rename", "a note under another size, signed by the exporter", "consistency: ", who="keys")
def shipped_note_renamed() -> Made:
    return exporters(copied(older_note(), "custody/log/1.note"))


@package(
    NOTE, "swap", "an older note in the place of the package's, signed by the exporter", "note: ", who="keys"
)
def shipped_note_swapped() -> Made:
    return exporters(exchanged(own_note(), older_note()))


@package(NOTE, "truncate", "the second signature taken off, signed by the exporter", "note: ", who="keys")
def shipped_note_cut() -> Made:
    return exporters(lines(own_note(), lambda x: x[:-1]))


@package(NOTE, "re-sign", "with other log keys, signed by the exporter", "note: ", who="keys")
def shipped_note_resigned() -> Made:
    def change(f: Files) -> None:
        checkpoint = LogNote.from_bytes(f[own_note()], where="note").checkpoint
        f[own_note()] = notes.sign(checkpoint, LogKeys(bytes(32), bytes([1]) * 32)).to_bytes()

    return exporters(change)


# Tokens


def tokens() -> list[str]:
    return sorted(path for path in files() if path.endswith(".tsr"))


def first_token() -> str:
    """The token that proves the first items: that of the smallest note."""
    return older_note().removesuffix(".note") + ".tsr"


def on_first_token(change: Callable[[Files], None]) -> Made:
    """Tokens are in no statement, so that later ones can be put beside it: lists rebuilt need no key."""
    changed = files()
    change(changed)
    return held(put_together(rebag(changed)))


@package(TOKEN, "flip", "one bit of every token, lists rebuilt", "time: ", bare=1)
def shipped_token_bit() -> Made:
    def change(f: Files) -> None:
        for path in tokens():
            f[path] = flipped(f[path], -9)

    return on_first_token(change)


@package(TOKEN, "remove", "all tokens, lists rebuilt", "no time was confirmed", bare=6, trust=6)
def shipped_tokens_removed() -> Made:
    def change(f: Files) -> None:
        for path in tokens():
            del f[path]

    return on_first_token(change)


@package(
    TOKEN, "add", "a token of an authority that nobody trusts, lists rebuilt", "authority not known",
    promise=None, bare=6, trust=0,
    why="tokens stand outside the statement, so that later ones can be added; it proves nothing and takes nothing away",
)  # fmt: skip
def shipped_token_added() -> Made:
    def change(f: Files) -> None:
        f[first_token().replace(".tsr", ".2.tsr")] = foreign(f[older_note()])

    return on_first_token(change)


def foreign(note: bytes) -> bytes:
    """A token of another authority."""
    return TestAuthority(clock=desks.Clock()).answer(make_request(note, 7))


@package(TOKEN, "swap", "the tokens of two notes, lists rebuilt", "time: ", bare=1)
def shipped_tokens_swapped() -> Made:
    a, b = tokens()[:2]
    return on_first_token(exchanged(a, b))


@package(TOKEN, "truncate", "the last byte of a token, lists rebuilt", "time: ", bare=1)
def shipped_token_cut() -> Made:
    return on_first_token(cut(first_token()))


@package(
    TOKEN,
    "re-sign",
    "every token exchanged for one of an authority that nobody trusts",
    "authority not known",
    bare=6,
    trust=6,
)
def shipped_tokens_resigned() -> Made:
    def change(f: Files) -> None:
        for path in tokens():
            f[path] = foreign(f[path.removesuffix(".tsr") + ".note"])

    return on_first_token(change)


# Proofs


@package(PROOF, "flip", "one bit of a proof, signed by the exporter", "entries: ", who="keys")
def shipped_proof_bit() -> Made:
    return exporters(bit(formats.PROOFS, 60))


@package(PROOF, "remove", "a proof, signed by the exporter", "an entry without a proof", who="keys")
def shipped_proof_removed() -> Made:
    return exporters(lines(formats.PROOFS, lambda x: x[:3] + x[4:]))


@package(
    PROOF,
    "add",
    "a proof of an entry that is not shipped, signed by the exporter",
    "entry missing",
    promise=4,
    who="keys",
)
def shipped_proof_added() -> Made:
    return exporters(lines(formats.PROOFS, lambda x: [*x, b'{"index":9999,"path":[]}\n']))


@package(PROOF, "reorder", "the proofs, signed by the exporter", "entries: ", who="keys")
def shipped_proofs_reordered() -> Made:
    return exporters(lines(formats.PROOFS, lambda x: list(reversed(x))))


@package(PROOF, "truncate", "the end of the proofs, signed by the exporter", "entries: ", who="keys")
def shipped_proofs_cut() -> Made:
    return exporters(cut(formats.PROOFS))


@package(PROOF, "duplicate", "a proof twice, signed by the exporter", "entries: ", who="keys")
def shipped_proof_twice() -> Made:
    return exporters(lines(formats.PROOFS, lambda x: [x[0], *x]))


def older_proof() -> str:
    """The consistency proof from the older package's note."""
    size = LogNote.from_bytes(world().older.ledgers[0].notes[0], where="note").checkpoint.size
    return f"custody/consistency/{size}.txt"


@package(CONSISTENCY, "flip", "one bit, signed by the exporter", "consistency: ", who="keys")
def shipped_consistency_bit() -> Made:
    def change(f: Files) -> None:
        data = f[older_proof()]
        at = data.rindex(b"\n", 0, len(data) - 1) + 5
        f[older_proof()] = data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]

    return exporters(change)


@package(
    CONSISTENCY, "remove", "the proof from the note that the reader holds, signed by the exporter",
    "a note without a proof that the record grew from it", who="keys",
)  # fmt: skip
def shipped_consistency_removed() -> Made:
    return exporters(gone(older_proof()))


# Parts and keys


PARTS = "custody/parts/"


@package(PART, "flip", "one bit of a sealed part, signed by the exporter", "parts: ", promise=1, who="keys")
def shipped_part_bit() -> Made:
    return exporters(bit(of(PARTS), 90))


@package(
    PART, "remove", "a sealed part, signed by the exporter", "a sealed part is missing", promise=9, who="keys"
)
def shipped_part_removed() -> Made:
    return exporters(gone(of(PARTS)))


@package(
    PART, "add", "sealed bytes that no key opens, signed by the exporter", "parts: ", promise=6, who="keys"
)
def shipped_part_added() -> Made:
    return exporters(copied(of(PARTS), f"{PARTS}{'0' * 64}"))


@package(PART, "swap", "two sealed parts, signed by the exporter", "parts: ", promise=1, who="keys")
def shipped_parts_swapped() -> Made:
    return exporters(exchanged(of(PARTS), of(PARTS, 1)))


@package(
    PART,
    "truncate",
    "the last byte of a sealed part, signed by the exporter",
    "parts: ",
    promise=1,
    who="keys",
)
def shipped_part_cut() -> Made:
    return exporters(cut(of(PARTS)))


@package(KEY, "flip", "one bit of a shown key, signed by the exporter", "parts: ", promise=9, who="keys")
def shipped_key_bit() -> Made:
    def change(x: list[bytes]) -> list[bytes]:
        at = x[0].rindex(b'"', 0, x[0].rindex(b'"')) + 3
        return [x[0][:at] + (b"A" if x[0][at : at + 1] != b"A" else b"B") + x[0][at + 1 :], *x[1:]]

    return exporters(lines(formats.KEYS, change))


@package(KEY, "remove", "a shown key, signed by the exporter", "parts: ", promise=9, who="keys")
def shipped_key_removed() -> Made:
    return exporters(lines(formats.KEYS, lambda x: x[1:]))


@package(KEY, "swap", "the keys of two parts, signed by the exporter", "parts: ", promise=9, who="keys")
def shipped_keys_swapped() -> Made:
    def change(x: list[bytes]) -> list[bytes]:
        (a, b), (c, d) = (row.rsplit(b",", 1) for row in x[:2])
        return [a + b"," + d, c + b"," + b, *x[2:]]

    return exporters(lines(formats.KEYS, change))


@package(KEY, "reorder", "the shown keys, signed by the exporter", "parts: ", promise=9, who="keys")
def shipped_keys_reordered() -> Made:
    return exporters(lines(formats.KEYS, lambda x: list(reversed(x))))


@package(KEY, "duplicate", "a shown key twice, signed by the exporter", "parts: ", promise=9, who="keys")
def shipped_key_twice() -> Made:
    return exporters(lines(formats.KEYS, lambda x: [x[0], *x]))


# The statement, the whole


@package(STATEMENT, "flip", "one bit of its signature, lists rebuilt", "statement: ")
def statement_bit() -> Made:
    changed = files()
    data = changed[formats.STATEMENT]
    at = data.index(b'"sig":"') + 12
    changed[formats.STATEMENT] = data[:at] + (b"A" if data[at : at + 1] != b"A" else b"B") + data[at + 1 :]
    return held(put_together(rebag(changed)))


@package(STATEMENT, "remove", "the statement, lists rebuilt", "statement", bare=1)
def statement_removed() -> Made:
    changed = files()
    del changed[formats.STATEMENT]
    return held(put_together(rebag(changed)))


@package(STATEMENT, "older state", "the older package's statement, lists rebuilt", "statement", bare=1)
def statement_older() -> Made:
    changed = files()
    changed[formats.STATEMENT] = take_apart(world().first)[formats.STATEMENT]
    return held(put_together(rebag(changed)))


@package(STATEMENT, "re-sign", "with a key of his own", "the record does not name")
def statement_resigned() -> Made:
    return rebuilt(lambda _: None)


@package(
    WHOLE, "older state", "the older package in the place of the newer", "older than",
    promise=3, bare=6, trust=0, older=6,
    why="by itself it is what it says; who has seen the newer one is told",
)  # fmt: skip
def package_older() -> Made:
    return world().first, world().trust, world().newer


@functools.cache
def _forger() -> Forger:
    made = Forger(packages.world())
    made.build()
    return made


@package(
    WHOLE, "re-sign", "a whole record of his own making, under another origin", "origin", promise=3, bare=6, trust=6,
    why="anybody can make a locker: without a trust file or the twelve words nobody is told whose it is",
)  # fmt: skip
def package_of_another() -> Made:
    return held(put_together(_forger().pack()))


@package(WHOLE, "re-sign", "the record rewritten with all keys, the beginning kept", "the record was changed",
    promise=3, who="keys", bare=6, trust=0, older=1,
    why="who holds every key can rewrite what nobody saw; an older package, note or token finds it")  # fmt: skip
def package_rewritten() -> Made:
    """Two forks of one record, sharing the genesis: the reader has seen the other one."""
    from tests import test_verify_attacks

    data, seen_one = test_verify_attacks.fork_against_older_note()
    assert not isinstance(data, bytes)
    ledger = replace(seen_one.ledgers[0], notes=())
    return put_together(data), replace(seen_one, ledgers=(ledger,)), seen_one


# The zip


def zipped(change: Callable[[list[zip_faults.Entry]], object] | None = None, **options: object) -> Made:
    """The newer package's members written byte by byte, with one fault."""
    members = [
        zip_faults.Entry(
            (path.removeprefix("../") if path.startswith("../") else formats.ROOT + path).encode(), data
        )
        for path, data in files().items()
    ]
    if change is not None:
        change(members)
    return held(zip_faults.build(members, **options))  # type: ignore[arg-type]


@package(
    ZIP, "flip", "a local header says another size than the directory", "differ: size", promise=8, bare=4
)
def zip_local_size() -> Made:
    return zipped(lambda x: x[3].local.update(size=4))


@package(ZIP, "flip", "a member's checksum", "does not match its checksum", promise=9)
def zip_checksum() -> Made:
    return zipped(lambda x: x[3].both.update(crc=1))


@package(ZIP, "flip", "a member is marked as compressed", "is compressed", promise=8, bare=4)
def zip_compressed() -> Made:
    return zipped(lambda x: x[3].both.update(method=8))


@package(ZIP, "flip", "a member is marked as encrypted", "is encrypted", promise=8, bare=4)
def zip_encrypted() -> Made:
    return zipped(lambda x: x[3].both.update(flags=1))


@package(ZIP, "remove", "a member's record in the directory", "holds more than it counts", promise=8, bare=4)
def zip_record_removed() -> Made:
    count = len(files())
    return zipped(end={"here": count - 1, "count": count - 1})


@package(ZIP, "add", "bytes before the first member", "bytes before the first file", promise=8, bare=4)
def zip_head() -> Made:
    return zipped(head=b"MZ\0\0")


@package(ZIP, "add", "bytes behind the end", "bytes behind the end", promise=8, bare=4)
def zip_tail() -> Made:
    return held(world().second + b"\0")


@package(ZIP, "add", "a comment", "has a comment", promise=8, bare=4)
def zip_comment() -> Made:
    return zipped(end={"clen": 5}, tail=b"hello")


@package(
    ZIP,
    "rename",
    "a member leads out of the folder",
    "file name in the package is not allowed",
    promise=8,
    bare=4,
)
def zip_traversal() -> Made:
    return zipped(lambda x: setattr(x[3], "name", b"bag/../../x"))


@package(
    ZIP, "rename", "the local header has another name than the directory", "differ: name", promise=8, bare=4
)
def zip_local_name() -> Made:
    return zipped(lambda x: setattr(x[3], "local_name", x[3].name.swapcase()))


@package(ZIP, "reorder", "`mimetype` is not the first member", "is not mimetype", promise=9, bare=4)
def zip_reordered() -> Made:
    return zipped(lambda x: x.append(x.pop(0)))


@package(
    ZIP,
    "swap",
    "two members' records in the directory",
    "not where the one before it ends",
    promise=8,
    bare=4,
)
def zip_directory_reordered() -> Made:
    order = list(range(len(files())))
    order[2], order[3] = order[3], order[2]
    return zipped(order=order)


@package(ZIP, "truncate", "the last byte of the package", "its end is missing", promise=8, bare=4)
def zip_cut() -> Made:
    return held(world().second[:-1])


@package(ZIP, "truncate", "the second half of the package", "its end is missing", promise=8, bare=4)
def zip_half() -> Made:
    return held(world().second[: len(world().second) // 2])


@package(ZIP, "duplicate", "a member's name twice, with other content", "stands twice", promise=8, bare=4)
def zip_name_twice() -> Made:
    return zipped(lambda x: x.append(zip_faults.Entry(x[3].name, b"another")))


@package(ZIP, "duplicate", "two records for one place", "not where the one before it ends", promise=8, bare=4)
def zip_overlap() -> Made:
    def change(x: list[zip_faults.Entry]) -> None:
        x[4].central["offset"] = 30 + len(x[0].name) + len(x[0].data)

    return zipped(change)
