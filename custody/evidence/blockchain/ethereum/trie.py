"""A proof that a trie with a given root holds a value under a key, or holds none (yellow paper, appendix D).

The nodes are those on the way from the root to the key, in order, as ``eth_getProof`` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

from custody.errors import InputRefused
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import rlp
from custody.evidence.blockchain.ethereum.rlp import Item

EMPTY_ROOT = keccak256(b"\x80")

MOST_NODES = 65
"""A key of 32 bytes has 64 nibbles."""


def prove(root: bytes, key: bytes, nodes: Sequence[bytes], *, where: str = "trie proof") -> bytes | None:
    """The value under ``key`` in the trie of ``root``, or None where the proof shows that there is none.

    InputRefused where a node is not the one that is named above it, is no node, is missing or is not on the way.
    """
    if not nodes and root == EMPTY_ROOT:
        return None
    if len(nodes) > MOST_NODES:
        raise InputRefused(
            "too many nodes", where=where, expected=f"at most {MOST_NODES}", found=str(len(nodes))
        )
    walk = _Walk(nodes, where)
    value = walk.from_reference(root, _nibbles(key))
    if walk.at != len(nodes):
        raise InputRefused(
            "nodes that are not on the way to the key", where=where, found=f"{len(nodes) - walk.at} too many"
        )
    return value


class _Walk:
    def __init__(self, nodes: Sequence[bytes], where: str) -> None:
        self.nodes, self.where, self.at = nodes, where, 0

    def refuse(self, what: str) -> InputRefused:
        return InputRefused(what, where=f"{self.where}, node {self.at}")

    def from_reference(self, reference: Item, path: list[int]) -> bytes | None:
        while True:
            if isinstance(reference, list):  # shorter than a hash: stands in its parent
                if len(rlp.encode(reference)) >= 32:
                    raise self.refuse("a node that should stand by its hash")
                node = reference
            elif not reference:
                return None
            elif len(reference) == 32:
                node = self.next(reference)
            else:
                raise self.refuse("neither a node nor a hash of one")
            if len(node) == 17:
                if not path:
                    return self.value(node[16])
                reference, path = node[path[0]], path[1:]
                continue
            steps, is_leaf = self.steps(node)
            if is_leaf:
                return self.value(node[1]) if steps == path else None
            if not steps or path[: len(steps)] != steps:
                if not steps:
                    raise self.refuse("a step of no length")
                return None
            reference, path = node[1], path[len(steps) :]
            if reference == b"":
                raise self.refuse("a way that leads nowhere")

    def next(self, digest: bytes) -> list[Item]:
        if self.at >= len(self.nodes):
            raise self.refuse("the proof ends before the key does")
        raw = self.nodes[self.at]
        self.at += 1
        if keccak256(raw) != digest:
            raise InputRefused(
                "not the node that the one above it names" if self.at > 1 else "not the node of this root",
                where=f"{self.where}, node {self.at}",
                expected=digest.hex(),
                found=keccak256(raw).hex(),
            )
        item = rlp.decode(raw, where=f"{self.where}, node {self.at}")
        if isinstance(item, bytes) or len(item) not in (2, 17):
            raise self.refuse("not a node")
        return item

    def value(self, item: Item) -> bytes | None:
        if not isinstance(item, bytes):
            raise self.refuse("a list where a value must be")
        return item or None

    def steps(self, node: list[Item]) -> tuple[list[int], bool]:
        if len(node) != 2 or not isinstance(node[0], bytes) or not node[0]:
            raise self.refuse("not a node")
        nibbles = _nibbles(node[0])
        flag = nibbles[0]
        if flag > 3 or (not flag & 1 and nibbles[1]):
            raise self.refuse("not a node's way")
        return nibbles[1 if flag & 1 else 2 :], bool(flag & 2)


def _nibbles(key: bytes) -> list[int]:
    return [part for byte in key for part in (byte >> 4, byte & 15)]
