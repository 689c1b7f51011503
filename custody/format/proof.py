"""Proofs as files: inclusion lines and consistency files (docs/format/tree-and-note.md).

`proofs.jsonl` has one line an entry, {index, path}; the log note that they lead to stands once beside
them. `consistency/<m>.txt` has the shape of a C2SP add-checkpoint body: ``old m``, the hashes in
base64, an empty line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from custody.errors import FormatError
from custody.format import canonical, merkle
from custody.format.note import Checkpoint, parse_size
from custody.format.text import from_base64, to_base64

MAX_HASHES = 64


def inclusion_lines(proofs: Iterable[tuple[int, Sequence[bytes]]]) -> bytes:
    """The bytes of `proofs.jsonl` from (index, path) in the order of the indexes."""
    lines = [
        canonical.encode({"index": index, "path": [to_base64(digest) for digest in path]}) + b"\n"
        for index, path in proofs
    ]
    return b"".join(lines)


def read_inclusion_lines(lines: Iterable[bytes], *, where: str) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    """(index, path) of each line (without its end), growing; FormatError names the line."""
    last = -1
    for number, line in enumerate(lines, 1):
        place = f"{where}, line {number}"
        value = canonical.check_fields(
            canonical.decode(line, where=place), where=place, required={"index", "path"}
        )
        index = value["index"]
        if type(index) is not int or index <= last:
            raise FormatError("not in the order of the entries", where=place)
        last = index
        yield index, read_hashes(value["path"], where=place)


def read_hashes(value: object, *, where: str) -> tuple[bytes, ...]:
    """At most 64 hashes of 32 bytes from base64 texts."""
    if not isinstance(value, list) or len(value) > MAX_HASHES:
        raise FormatError("not a proof", where=where, expected=f"at most {MAX_HASHES} hashes")
    found = []
    for text in value:
        digest = from_base64(text, where=where) if isinstance(text, str) else b""
        if len(digest) != 32:
            raise FormatError("not a hash", where=where, expected="32 bytes in base64")
        found.append(digest)
    return tuple(found)


def consistency_text(first: int, hashes: Sequence[bytes]) -> bytes:
    """The bytes of `consistency/<first>.txt`."""
    return "".join([f"old {first}\n", *(to_base64(digest) + "\n" for digest in hashes), "\n"]).encode()


def read_consistency(data: bytes, *, where: str) -> tuple[int, tuple[bytes, ...]]:
    """(old size, hashes) in their one spelling, or FormatError."""
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("not a consistency proof", where=where) from error
    if len(lines) < 3 or lines[-2:] != ["", ""] or not lines[0].startswith("old "):
        raise FormatError("not a consistency proof", where=where, expected="old m, hashes, an empty line")
    return parse_size(lines[0][4:], where=where), read_hashes(lines[1:-2], where=where)


def check_inclusion(
    entry: bytes, index: int, path: Sequence[bytes], checkpoint: Checkpoint
) -> tuple[bytes, bytes]:
    """(leaf, root of the tree before the entry) once the entry's bytes are proven to be in the tree.

    Takes the bytes and a checkpoint whose note was checked, never a bare hash and a bare size: an
    inner node under a false size would pass for a leaf. Raises ProofError.
    """
    leaf = merkle.leaf_hash(entry)
    root, before = merkle.root_from_inclusion(leaf, index, checkpoint.size, path)
    if root != checkpoint.root:
        raise merkle.ProofError(
            "the entry is not in the record that the note describes", where=f"entry {index}"
        )
    return leaf, before


def check_consistency(old: Checkpoint, new: Checkpoint, hashes: Sequence[bytes]) -> None:
    """Raise ProofError unless the newer record begins with the older one."""
    merkle.check_consistency(old.size, old.root, new.size, new.root, hashes)
