"""The reader of captured answers: one row a transaction, every byte claimed, look-alikes told over the whole file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from custody.evidence.blockchain.captures import esplora, evm, tron
from custody.evidence.blockchain.captures.shape import Coin, Shape, chains_of
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.lookalikes import lookalikes
from custody.evidence.chat.json_slices import Element, Slices
from custody.evidence.chat.json_text import LARGEST, load_bytes
from custody.evidence.export import Export, Member, cut
from custody.evidence.reading import Decided, Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_HEAD = 256 << 10
_MOST_ADDRESSES = 20_000
_DUST = 1_000
"""Smallest units of a coin; below that a payment from a look-alike is no payment."""
_BLANK = re.compile(rb"[ \t\r\n]*")

FLAGS: Mapping[str, str] = {
    "caller_is_not_owner": "whoever signed asked a contract to move somebody else's tokens",
    "chain_ambiguous": "which of several chains is meant does not stand in it: somebody has to say",
    "counterfeit_token": "it calls itself as a known token does, and its contract is another",
    "possible_poisoning": "nothing or next to nothing from an address that looks like another one of this file",
    "signer_is_not_owner": "signed by another key than the sender's own: its owner may have allowed that",
    "transaction_failed": "the answer says that it failed: nothing was paid by it",
    "transaction_unconfirmed": "the answer says that no block held it yet",
    "zero_transfer": "a transfer of nothing, as poisoners make them",
}


def _detect(shape: Shape) -> Callable[[Export], Detected | None]:
    keys = [
        re.compile(
            rb'"(?:' + b"|".join(re.escape(one.encode()) for one in key.split("|")) + rb')"[ \t\r\n]{0,20}:'
        )
        for key in shape.keys
    ]

    def detect(export: Export) -> Detected | None:
        if export.zipped:
            return None
        head = export.members[0].head(_HEAD)
        if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            return None
        if not all(key.search(head) for key in keys):
            return None
        return Detected(score=90, reasons=(f"the keys of: {shape.title}",))

    return detect


def _read(shape: Shape) -> Callable[[Export, Detected, Settings], Iterator[Record]]:
    def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
        for at in detected.members:
            yield from _File(shape, export.members[at], settings).records()

    return read


class _File:
    """One captured answer. It is walked twice: for the addresses and the chain, then for the rows."""

    def __init__(self, shape: Shape, member: Member, settings: Settings) -> None:
        self._shape = shape
        self._member = member
        stated = (settings.mapping or {}).get("chain")
        self._stated = stated if stated in CHAINS else None
        self._unknown = stated if stated not in CHAINS else None
        self._chain = shape.chain
        self._origin: str | None = "in_value" if shape.chain else None
        self._alike: dict[str, tuple[str, ...]] = {}

    def records(self) -> Iterator[Record]:
        """Everything, in the order of the bytes."""
        yield from self._survey()
        whole = self._whole()
        if whole is None:
            yield from self._listed()
        else:
            yield from self._one(*whole)

    # --- chain and look-alikes ---------------------------------------------------------------------------

    def _survey(self) -> Iterator[Record]:
        at = self._member.index
        addresses: dict[str, None] = {}
        for value, _ in self._values():
            coin = self._shape.read(value, None)
            for address in () if coin is None else coin.addresses():
                if len(addresses) < _MOST_ADDRESSES:
                    addresses.setdefault(address)
        if len(addresses) >= _MOST_ADDRESSES:
            yield Notice(
                "many_addresses",
                f"only the first {_MOST_ADDRESSES} addresses were compared with each other",
                at,
            )
        for group in lookalikes(addresses):
            for one in group.addresses:
                self._alike[one] = tuple(other for other in group.addresses if other != one)
        if self._alike:
            text = f"{len(self._alike)} addresses look like others of this file and are not the same"
            yield Notice("lookalikes", text, at)
        yield from self._settle(list(addresses))

    def _settle(self, addresses: list[str]) -> Iterator[Record]:
        at = self._member.index
        if self._unknown is not None:
            yield Notice("chain_not_known", f"a chain that is not known here: {self._unknown[:60]}", at)
        if self._chain is not None:
            yield Decided("chain", self._chain, "decided", (f"the form belongs to {self._chain}",), at)
            return
        fitting = chains_of(addresses)
        if self._stated is not None:
            self._chain, self._origin = self._stated, "stated"
            yield Decided("chain", self._stated, "stated", (), at)
            if fitting and self._stated not in fitting:
                yield Notice("chain_contradicted", "the addresses are not of the chain that was stated", at)
        elif len(fitting) == 1:
            (self._chain,) = fitting
            self._origin = "inferred_unique"
            yield Decided("chain", self._chain, "decided", ("all addresses are of this chain alone",), at)
        else:
            known = ", ".join(sorted(fitting)) or "none that is known here"
            reason = f"it does not stand in the file; the addresses fit: {known}"
            yield Decided("chain", None, "open", (reason,), at)

    def _values(self) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
        whole = self._whole()
        if whole is not None:
            yield whole[0], whole[1]
            return
        for piece in self._slices():
            if type(piece) is Element and isinstance(piece.value, dict):
                yield piece.value, piece.flags

    def _slices(self) -> Slices:
        return Slices(
            self._member.open(),
            self._shape.lists,
            like=lambda value: self._shape.read(value, None) is not None,
        )

    def _whole(self) -> tuple[Mapping[str, Any], tuple[str, ...]] | None:
        """The one transaction of a file that is no list."""
        if self._member.size > LARGEST or not self._shape.single:
            return None
        data = self._member.open().read(0, self._member.size)
        if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return None
        value, flags = load_bytes(data.removeprefix(b"\xef\xbb\xbf"))
        for way in self._shape.single:
            inner = value
            for key in way:
                inner = inner.get(key) if isinstance(inner, dict) else None
            if isinstance(inner, dict) and self._shape.read(inner, self._chain) is not None:
                return inner, flags
        return None

    # --- rows -------------------------------------------------------------------------------------------

    def _one(self, value: Mapping[str, Any], flags: tuple[str, ...]) -> Iterator[Record]:
        at, size = self._member.index, self._member.size
        data = self._member.open().read(0, size)
        start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
        if start:
            yield Range(at, 0, start, "header")
        blank = _BLANK.match(data, start)
        first = start if blank is None else blank.end()
        last = first + len(data[first:].rstrip(b" \t\r\n"))
        if first > start:
            yield Range(at, start, first, "blank")
        yield self._row(value, flags, first, last, "the whole answer")
        if last < size:
            yield Range(at, last, size, "blank")

    def _listed(self) -> Iterator[Record]:
        at = self._member.index
        slices = self._slices()
        for piece in slices:
            if type(piece) is Element:
                place = f"{piece.array}/{piece.number}"
                if isinstance(piece.value, dict):
                    yield self._row(piece.value, piece.flags, piece.start, piece.end, place)
                else:
                    yield Row(
                        at, piece.start, piece.end, cut(self._member.open(), piece.start, piece.end), "unknown",
                        place=place, flags=("row_not_split",),
                    )  # fmt: skip
                continue
            what = getattr(piece, "what", "metadata")
            yield Range(at, piece.start, piece.end, what, getattr(piece, "text", None))
            if what == "unread":
                yield Notice("unread_bytes", "bytes that are no JSON were kept, and not read", at)
        if not slices.whole:
            yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", at)

    def _row(self, value: Mapping[str, Any], flags: tuple[str, ...], start: int, end: int, place: str) -> Row:
        raw = cut(self._member.open(), start, end)
        coin = self._shape.read(value, self._chain)
        found = {"json_repaired", "doubled_key"} & set(flags)
        if coin is None:
            return Row(
                self._member.index, start, end, raw, "unknown", place=place,
                flags=tuple(sorted({"row_not_split", *found})),
            )  # fmt: skip
        coin.flags |= found
        if self._chain is None:
            coin.flags.add("chain_ambiguous")
        coin.flags |= {"failed": {"transaction_failed"}, "unconfirmed": {"transaction_unconfirmed"}}.get(
            coin.status, set()
        )
        self._compare(coin)
        values = coin.values(self._origin)
        return Row(
            self._member.index, start, end, raw, "coin", place=place, when=coin.when, values=values,
            flags=tuple(sorted(coin.flags)),
        )  # fmt: skip

    def _compare(self, coin: Coin) -> None:
        """Mark addresses that look like others, and what poisoners do with them."""
        for one in coin.transfers:
            marked = False
            for end in ("from", "to"):
                others = self._alike.get(one.get(end, ""))
                if others:
                    one[f"{end}_flags"] = [f"lookalike_of:{other}" for other in others[:5]]
                    marked = True
            units = one.get("amount_units")
            if marked and units is not None and int(units) <= _DUST:
                one["flags"] = sorted({*one.get("flags", ()), "possible_poisoning"})
                coin.flags.add("possible_poisoning")


def reader(shape: Shape) -> RecordReader:
    """The registered reader of a shape."""
    return RecordReader(
        name=shape.name,
        version=1,
        title=shape.title,
        recorder="capture",
        zone=shape.zone,
        detect=_detect(shape),
        read=_read(shape),
        contains=shape.contains,
        never=(*shape.never, "who owns an address"),
        asks=() if shape.chain else ("mapping",),
        flags={
            **FLAGS,
            "doubled_key": "a key stands twice in the object: the later value was taken",
            "json_repaired": "no JSON as it stands; read by mending one kind of slip",
        },
        shows_raw=False,
    )


SHAPES = (esplora.SHAPE, evm.ETHERSCAN, evm.NODE, tron.NODE, tron.SCAN)
READERS = tuple(reader(shape) for shape in SHAPES)
