"""The Merkle tree of RFC 6962 over SHA-256: roots and proofs (RFC 9162, section 2.1).

Nodes are the perfect subtrees: (level, index) is the hash of the leaves
[index · 2^level, (index + 1) · 2^level). An append adds the new leaf and the subtrees that it
completes, never changes one, and reads at most log2(size) of them: so do proofs.

The functions on raw hashes are for `custody.format.proof`, which takes entry bytes and a log note:
a hash alone could be an inner node passed off as a leaf, under a false size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from custody.errors import CheckFailed

EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int]
"""(level, index)"""

ReadNode = Callable[[int, int], bytes]
"""Gives the 32-byte hash of the perfect subtree (level, index)."""


class ProofError(CheckFailed):
    """A proof does not connect what it claims to connect."""


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of a stored entry: SHA-256 of a zero byte and the envelope's bytes."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The parent of two subtrees: SHA-256 of a one byte and both hashes."""
    return sha256(b"\1" + left + right).digest()


def new_nodes(size: int, leaf: bytes, read: ReadNode) -> list[tuple[int, int, bytes]]:
    """The rows (level, index, hash) that appending ``leaf`` to a tree of ``size`` adds, leaf first."""
    rows = [(0, size, leaf)]
    level, index, digest = 0, size, leaf
    while index & 1:
        digest = node_hash(read(level, index - 1), digest)
        level, index = level + 1, index >> 1
        rows.append((level, index, digest))
    return rows


def peaks(size: int) -> list[Node]:
    """The perfect subtrees that make up a tree of ``size``, from left to right."""
    found, start = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


def fold_peaks(hashes: Sequence[bytes]) -> bytes:
    """The root of a tree whose peaks, from left to right, are ``hashes``."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for peak in hashes[-2::-1]:
        root = sha256(b"\1" + peak + root).digest()  # `node_hash`, eight times for each entry
    return root


def push(peaks: list[bytes], size: int, leaf: bytes) -> None:
    """Add a leaf to the peaks of a tree of ``size``, as `fold_peaks` takes them."""
    # A new leaf merges as many peaks as the old size has trailing one bits.
    while size & 1:
        leaf = node_hash(peaks.pop(), leaf)
        size >>= 1
    peaks.append(leaf)


def root(size: int, read: ReadNode) -> bytes:
    """The root of the first ``size`` leaves."""
    return fold_peaks([read(*node) for node in peaks(size)])


def _range(low: int, high: int, read: ReadNode) -> bytes:
    """The hash of the leaves [low, high), where low is a multiple of the largest power of two below high - low."""
    width = high - low
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return read(level, low >> level)
    split = 1 << ((width - 1).bit_length() - 1)
    return node_hash(_range(low, low + split, read), _range(low + split, high, read))


def inclusion(index: int, size: int, read: ReadNode) -> list[bytes]:
    """The path from leaf ``index`` to the root of the tree of ``size``, leaf side first."""
    if not 0 <= index < size:
        raise ProofError("no such leaf", expected=f"an index below {size}", found=str(index))
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        split = 1 << ((high - low - 1).bit_length() - 1)
        if index < low + split:
            path.append(_range(low + split, high, read))
            high = low + split
        else:
            path.append(_range(low, low + split, read))
            low += split
    path.reverse()
    return path


def consistency(first: int, second: int, read: ReadNode) -> list[bytes]:
    """The proof that the tree of ``first`` leaves is the beginning of that of ``second`` (RFC 9162, 2.1.4.1)."""
    if not 0 < first <= second:
        raise ProofError("no such pair of trees", found=f"{first} and {second}")
    proof: list[bytes] = []
    low, high, whole = 0, second, True
    target = first
    while target != high - low:
        split = 1 << ((high - low - 1).bit_length() - 1)
        if target <= split:
            proof.append(_range(low + split, high, read))
            high = low + split
        else:
            proof.append(_range(low, low + split, read))
            low += split
            target -= split
            whole = False
    if not whole:
        proof.append(_range(low, high, read))
    proof.reverse()
    return proof


def _check_hashes(path: Sequence[bytes]) -> None:
    if len(path) > 64 or any(len(digest) != 32 for digest in path):
        raise ProofError("a proof is at most 64 hashes of 32 bytes")


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """(root of ``size`` leaves, root of the first ``index`` leaves), both from one inclusion path.

    The left-hand siblings on the path of leaf i are the peaks of the tree of size i: so the ``root``
    that an entry quotes needs no proof of its own (RFC 9162, 2.1.3.2).
    """
    _check_hashes(path)
    if not 0 <= index < size:
        raise ProofError("no such leaf", expected=f"an index below {size}", found=str(index))
    inner, last, digest = index, size - 1, leaf
    left: list[bytes] = []
    for sibling in path:
        if last == 0:
            raise ProofError("an inclusion path that is too long")
        if inner & 1 or inner == last:
            digest = node_hash(sibling, digest)
            left.append(sibling)
            while not inner & 1 and inner:
                inner >>= 1
                last >>= 1
        else:
            digest = node_hash(digest, sibling)
        inner >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("an inclusion path that is too short")
    return digest, fold_peaks(left[::-1])


def check_consistency(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise ProofError unless ``proof`` connects the two trees (RFC 9162, 2.1.4.2)."""
    _check_hashes(proof)
    if not 0 < first <= second:
        raise ProofError("no such pair of trees", found=f"{first} and {second}")
    if first == second:
        if proof or first_root != second_root:
            raise ProofError("two roots for one size")
        return
    steps = list(proof)
    if first & (first - 1) == 0:
        steps.insert(0, first_root)
    if not steps:
        raise ProofError("an empty consistency proof")
    inner, last = first - 1, second - 1
    while inner & 1:
        inner >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise ProofError("a consistency proof that is too long")
        if inner & 1 or inner == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not inner & 1 and inner:
                inner >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        inner >>= 1
        last >>= 1
    if last != 0:
        raise ProofError("a consistency proof that is too short")
    if old != first_root or new != second_root:
        raise ProofError(f"the record of {second} entries does not begin with the record of {first} entries")
