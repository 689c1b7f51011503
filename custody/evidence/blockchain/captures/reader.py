"""The reader of captured answers: one row a transaction, every byte claimed, look-alikes told over the whole file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from custody.evidence.blockchain.captures import (
    bitcoin_node,
    coin_bytes,
    esplora,
    etherscan,
    evm_node,
    flags,
    marks,
    tron,
    tronscan,
)
from custody.evidence.blockchain.captures.chain import Survey
from custody.evidence.blockchain.captures.shape import Shape, doubled
from custody.evidence.chat.json_slices import Element, Slices, pattern
from custody.evidence.chat.json_text import LARGEST, has_doubled, load_bytes
from custody.evidence.export import Export, Held, Member, cut
from custody.evidence.reading import Detected, Notice, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_HEAD = 256 << 10
_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_TRIED = 3
"""Elements of a list that are looked at to tell its form."""
_BLANK = re.compile(rb"[ \t\r\n]*+")
_OF_JSON = frozenset({"after_damage", "broken_characters", "doubled_key", "json_repaired", "too_deep"})
_OF_STATUS = {
    "failed": "transaction_failed",
    "unconfirmed": "transaction_unconfirmed",
    "in_block": "outcome_not_told",
}


def _detect(shape: Shape) -> Callable[[Export], Detected | None]:
    keys = [
        re.compile(
            rb'"(?:' + b"|".join(re.escape(one.encode()) for one in key.split("|")) + rb')"[ \t\r\n]{0,20}:'
        )
        for key in (*shape.keys, *shape.near)
    ]

    def detect(export: Export) -> Detected | None:
        if export.zipped:
            return None
        member = export.members[0]
        head = member.head(_HEAD)
        if not head.removeprefix(_MARK).lstrip(_SPACE).startswith((b"{", b"[")):
            return None
        if not all(key.search(head) for key in keys):
            return None
        if not (_first(shape, head) or (member.size > _HEAD and _first(shape, member.head(LARGEST)))):
            return None
        return Detected(score=shape.score, reasons=(f"its first objects are: {shape.title}",))

    return detect


def _first(shape: Shape, head: bytes) -> bool:
    """Whether one of the first objects, where this form has them, is of this form."""
    whole = _whole(shape, head)
    if whole is not None:
        return _fits(shape, whole[0])
    tried = 0
    for piece in Slices(Held(head), shape.lists):
        if type(piece) is Element:
            if isinstance(piece.value, dict) and _fits(shape, piece.value):
                return True
            tried += 1
            if tried >= _TRIED:
                break
    return False


def _fits(shape: Shape, value: Mapping[str, Any]) -> bool:
    """Strict: a key is a word that anybody may use; with all of them and an id of the right form it is no chance."""
    if not all(any(one in value for one in key.split("|")) for key in shape.keys):
        return False
    coin = shape.read(value, None)
    return coin is not None and "txid_form_unknown" not in coin.flags


def _whole(shape: Shape, data: bytes) -> tuple[Mapping[str, Any], tuple[str, ...]] | None:
    """The one transaction of a file that is no list, and what is to be said of its JSON."""
    if len(data) > LARGEST or not shape.single:
        return None
    data = data.removeprefix(_MARK)
    if not data.lstrip(_SPACE).startswith(b"{"):
        return None
    value, found = load_bytes(data)
    if not isinstance(value, dict) or any(_holds(value, pattern(one)) for one in shape.lists):
        return None  # one transaction on top must not hide a list of them
    for way in shape.single:
        inner: Any = value
        for key in way:
            inner = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and shape.read(inner, None) is not None:
            return inner, found
    return None


def _judged(piece: Element) -> tuple[Any, tuple[str, ...]]:
    """An element's value and flags. How deep is too deep must not depend on how high somebody set the stack."""
    try:
        has_doubled(piece.value)
    except RecursionError:
        return None, (*piece.flags, "too_deep")
    return piece.value, piece.flags


def _holds(value: Any, steps: tuple[str, ...]) -> bool:
    for step in steps[:-1]:
        value = value.get(step) if isinstance(value, dict) else None
    return len(steps) > 1 and isinstance(value, list) and any(isinstance(one, dict) for one in value)


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
        self._settings = settings
        self._survey = Survey(member.index, shape.chain)
        self._whole = None
        if member.size <= LARGEST:
            self._whole = _whole(shape, member.open().read(0, member.size))

    def records(self) -> Iterator[Record]:
        """Everything, in the order of the bytes."""
        for value in self._values():
            coin = self._shape.read(value, None)
            if coin is not None:
                self._survey.take(coin)
        yield from self._survey.settle(self._settings)
        if self._whole is None:
            yield from self._listed()
        else:
            yield from self._one(*self._whole)

    def _values(self) -> Iterator[Mapping[str, Any]]:
        if self._whole is not None:
            yield self._whole[0]
            return
        for piece in self._slices():
            if type(piece) is Element and isinstance(value := _judged(piece)[0], dict):
                yield value

    def _slices(self) -> Slices:
        return Slices(
            self._member.open(), self._shape.lists, like=lambda value: self._shape.read(value, None) is not None
        )  # fmt: skip

    def _one(self, value: Mapping[str, Any], found: tuple[str, ...]) -> Iterator[Record]:
        at, size = self._member.index, self._member.size
        data = self._member.open().read(0, size)
        start = len(_MARK) if data.startswith(_MARK) else 0
        if start:
            yield Range(at, 0, start, "header")
        blank = _BLANK.match(data, start)
        first = start if blank is None else blank.end()
        last = len(data.rstrip(_SPACE))
        if first > start:
            yield Range(at, start, first, "blank")
        yield self._row(value, found, first, last, "the whole answer")
        if last < size:
            yield Range(at, last, size, "blank")

    def _listed(self) -> Iterator[Record]:
        at = self._member.index
        slices = self._slices()
        for piece in slices:
            if type(piece) is Element:
                place = f"{piece.array}/{piece.number}"
                yield self._row(*_judged(piece), piece.start, piece.end, place)
                continue
            what = getattr(piece, "what", "metadata")
            yield Range(at, piece.start, piece.end, what, getattr(piece, "text", None))
            if what == "unread":
                yield Notice("unread_bytes", "bytes that are no JSON were kept, and not read", at)
        if not slices.whole:
            yield Notice("not_whole", "the file is not whole JSON from its first to its last byte", at)

    def _row(self, value: Any, found: tuple[str, ...], start: int, end: int, place: str) -> Row:
        raw = cut(self._member.open(), start, end)
        told = _OF_JSON & set(found)
        coin = self._shape.read(value, self._survey.chain) if isinstance(value, dict) else None
        if coin is None:
            return Row(
                self._member.index, start, end, raw, "unknown", place=place,
                flags=tuple(sorted({"row_not_split", *told})),
            )  # fmt: skip
        coin.flags |= told
        if "doubled_key" in told:
            for text in doubled(value):
                coin.contradict(text)
        if coin.chain is None:
            coin.flags.add("chain_ambiguous")
        if coin.status in _OF_STATUS:
            coin.flags.add(_OF_STATUS[coin.status])
        marks.mark(coin, self._survey.alike)
        marks.hide(coin)
        return Row(
            self._member.index, start, end, raw, "coin", place=place, when=coin.when,
            values=coin.values(self._survey.origin), flags=tuple(sorted(coin.flags)),
        )  # fmt: skip


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
        flags=flags.of(shape.flags),
        shows_raw=False,
    )


SHAPES = (esplora.SHAPE, bitcoin_node.SHAPE, etherscan.SHAPE, evm_node.SHAPE, tron.SHAPE, tronscan.SHAPE)
READERS = (*(reader(shape) for shape in SHAPES), coin_bytes.READER)
