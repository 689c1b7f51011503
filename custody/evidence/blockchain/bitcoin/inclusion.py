"""Which transactions a block holds, by its header: a partial tree (merkleblock, gettxoutproof) or a whole block.

What is refused, and why:

- two equal halves (CVE-2012-2459): the tree doubles an odd last one, so equal halves let two lists have one root;
- a pair of hashes that can also be read as a transaction of 64 bytes (CVE-2017-12842), and such a transaction:
  whoever made one could hang any "transaction" below it;
- bits, hashes or bytes that are left over or missing: a proof has one spelling.

The number of transactions stands in a partial tree but not under the header's root: it is only stated, and with it the
place of a transaction in its block.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.blockchain.bitcoin.header import SIZE, Header, read_header
from custody.evidence.blockchain.bitcoin.transaction import (
    LONGEST,
    Transaction,
    read_transaction,
    take_transaction,
)
from custody.evidence.blockchain.cursor import Cursor, from_hex
from custody.evidence.blockchain.encodings.hashes import sha256d

MOST_TRANSACTIONS = 4_000_000 // 240
"""A block's weight over that of the smallest transaction, as Bitcoin Core bounds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """A header, and the transactions (ids in shown form) that the block below it holds, for certain.

    ``stated_count``: how many transactions the proof says there are; only a whole block proves it (``whole``).
    An empty ``txids`` fits the header and proves nothing.
    """

    header: Header
    txids: tuple[str, ...]
    stated_count: int
    whole: bool


def read_merkleblock(data: bytes | str, *, where: str = "merkleblock") -> Inclusion:
    """Read a partial tree behind its header and work out its root; InputRefused unless it is the header's."""
    raw = from_hex(data, where, most=LONGEST)
    if len(raw) < SIZE:
        raise InputRefused("shorter than a header of 80 bytes", where=where, found=f"{len(raw)} bytes")
    header = read_header(raw[:SIZE], where=f"{where}, header")
    cursor = Cursor(raw, where)
    cursor.take(SIZE, "the header")
    count = cursor.number(4, "the number of transactions")
    if not 0 < count <= MOST_TRANSACTIONS:
        raise cursor.refuse(
            "no block has that many transactions", expected=f"1 to {MOST_TRANSACTIONS}", found=str(count)
        )
    hashes = [cursor.take(32, "a hash") for _ in range(cursor.count("the number of hashes", 32))]
    if len(hashes) > count:
        raise cursor.refuse(
            "more hashes than transactions", expected=f"at most {count}", found=str(len(hashes))
        )
    flags = cursor.take(cursor.compact("the number of bytes of bits"), "the bits")
    cursor.end()
    tree = _PartialTree(count, hashes, flags, where)
    root = tree.root()
    if root != header.merkle_root:
        raise InputRefused(
            "the tree's root is not the header's",
            where=where,
            expected=header.merkle_root[::-1].hex(),
            found=root[::-1].hex(),
        )
    return Inclusion(
        header=header, txids=tuple(one[::-1].hex() for one in tree.matched), stated_count=count, whole=False
    )


class _PartialTree:
    """Walks the tree from its root, depth first, taking a bit a node and a hash where it does not go further."""

    def __init__(self, count: int, hashes: list[bytes], flags: bytes, where: str) -> None:
        self.count, self.hashes, self.flags, self.where = count, hashes, flags, where
        self.bit = self.hash = 0
        self.matched: list[bytes] = []

    def refuse(self, what: str) -> InputRefused:
        return InputRefused(what, where=self.where)

    def root(self) -> bytes:
        height = (self.count - 1).bit_length()
        root = self.node(height, 0)
        if self.hash != len(self.hashes):
            raise self.refuse("hashes are left over")
        if (self.bit + 7) // 8 != len(self.flags) or int.from_bytes(self.flags, "little") >> self.bit:
            raise self.refuse("bits are left over")
        return root

    def node(self, height: int, place: int) -> bytes:
        if self.bit >= 8 * len(self.flags):
            raise self.refuse("too few bits")
        on_path = self.flags[self.bit // 8] >> (self.bit % 8) & 1
        self.bit += 1
        if not height or not on_path:
            if self.hash >= len(self.hashes):
                raise self.refuse("too few hashes")
            found = self.hashes[self.hash]
            self.hash += 1
            if not height and on_path:
                self.matched.append(found)
            return found
        left = self.node(height - 1, 2 * place)
        right = left
        if 2 * place + 1 < (self.count + (1 << (height - 1)) - 1) >> (height - 1):
            right = self.node(height - 1, 2 * place + 1)
            if right == left:
                raise self.refuse("two halves of the tree are equal (CVE-2012-2459)")
        return _pair(left, right, self.where)


def _pair(left: bytes, right: bytes, where: str) -> bytes:
    if could_be_transaction(left + right):
        raise InputRefused(
            "two hashes of the tree can be read as a transaction of 64 bytes (CVE-2017-12842)", where=where
        )
    return sha256d(left + right)


def could_be_transaction(pair: bytes) -> bool:
    """Whether 64 bytes of a tree also read as a transaction that a block may hold. By chance: once in 2^42 pairs."""
    if pair[4] != 1:  # the number of inputs; 64 bytes have room for one only
        return False
    try:
        return "value_out_of_range" not in read_transaction(pair).problems
    except InputRefused:
        return False


def read_block(data: bytes | str, *, where: str = "block") -> tuple[Inclusion, tuple[Transaction, ...]]:
    """Read a whole block, every byte, and work out its root; InputRefused unless it is the header's."""
    raw = from_hex(data, where, most=LONGEST)
    if len(raw) < SIZE:
        raise InputRefused("shorter than a header of 80 bytes", where=where, found=f"{len(raw)} bytes")
    header = read_header(raw[:SIZE], where=f"{where}, header")
    cursor = Cursor(raw, where)
    cursor.take(SIZE, "the header")
    found = tuple(take_transaction(cursor) for _ in range(cursor.count("the number of transactions", 60)))
    cursor.end()
    if not found:
        raise InputRefused("no transactions", where=where)
    root = _root([bytes.fromhex(one.txid)[::-1] for one in found], where)
    if root != header.merkle_root:
        raise InputRefused(
            "the transactions' root is not the header's",
            where=where,
            expected=header.merkle_root[::-1].hex(),
            found=root[::-1].hex(),
        )
    inclusion = Inclusion(
        header=header, txids=tuple(one.txid for one in found), stated_count=len(found), whole=True
    )
    return inclusion, found


def _root(row: list[bytes], where: str) -> bytes:
    while len(row) > 1:
        for at in range(0, len(row) - 1, 2):
            if row[at] == row[at + 1]:
                raise InputRefused("two halves of the tree are equal (CVE-2012-2459)", where=where)
        if len(row) % 2:
            row.append(row[-1])
        row = [_pair(row[at], row[at + 1], where) for at in range(0, len(row), 2)]
    return row[0]
