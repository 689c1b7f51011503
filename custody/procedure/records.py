"""Reading records: the rows of one item, or of a whole case in the order of time. Opened like any item, logged first.

Rows come from an item's readable form; from a reference that somebody typed, as the one row that it is; or, of
pictures, from the item itself at the moment of asking.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.errors import InputRefused, NoRight
from custody.evidence.network import network_match
from custody.evidence.reading import Settings
from custody.evidence.records.form import MEDIA_TYPE, Recorded
from custody.format import compartments
from custody.ledger.work import ItemRow
from custody.procedure import access, lists, readable
from custody.procedure.access import OpenedItem, Purpose
from custody.procedure.derive import Deriver
from custody.procedure.intake import Setting
from custody.procedure.locker import Desk
from custody.procedure.readable import Lines
from custody.procedure.typed import IP_REFERENCE, PAYMENT_REFERENCE
from custody.vault.scratch import Scratch

TYPED = {IP_REFERENCE: "ip", PAYMENT_REFERENCE: "coin"}
_ADDRESSES = (
    "ip", "ip_raw", "dest_ip", "dest_ip_raw", "address_from", "address_from_raw", "address_to", "address_to_raw",
    "contract", "contract_raw", "txid", "txid_raw", "block_hash", "canonical",
)  # fmt: skip
_ACCOUNTS = ("account", "subscriber_ref", "session_id", "device")
_LONGEST_ADDRESS = 300
_LAST = "~"
"""Sorts behind every instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are wanted; everything that is stated must hold. Texts are compared without case.

    ``since``, ``until``: RFC 3339 beginnings such as 2022-03-27 or 2022-03-27T21:41, compared with the instant
    of a row where it has one, else with its local time; a row with neither is given, since it may be one.
    ``address``: an IP address, a network (192.0.2.0/24), or a chain's address or id, compared whole.
    ``account``: a part of an account, subscriber, session or device. ``numbers``: rows by their number.
    """

    since: str | None = None
    until: str | None = None
    address: str | None = None
    account: str | None = None
    kind: str | None = None
    flag: str | None = None
    numbers: tuple[int, ...] = ()

    def takes(self, row: Mapping[str, Any]) -> bool:
        """True for a row that is wanted."""
        if self.numbers and row["number"] not in self.numbers:
            return False
        if self.kind is not None and row["kind"] != self.kind:
            return False
        if self.flag is not None and self.flag not in row.get("flags", ()):
            return False
        if self.address is not None and not self._has_address(row):
            return False
        if self.account is not None:
            shown = "\n".join(str(row[name]) for name in _ACCOUNTS if name in row)
            if self.account.casefold() not in shown.casefold():
                return False
        return self._in_time(row)

    def _in_time(self, row: Mapping[str, Any]) -> bool:
        if self.since is None and self.until is None:
            return True
        written = row.get("instant") or row.get("local")
        if written is None:
            return True
        ends = row.get("instant_end") or written
        after = self.since is None or ends >= self.since
        return after and (self.until is None or written[: len(self.until)] <= self.until)

    def _has_address(self, row: Mapping[str, Any]) -> bool:
        assert self.address is not None
        wanted = self.address.strip()
        texts = [str(row[name]) for name in _ADDRESSES if name in row]
        for name in ("ip_embedded", "addresses", "transfers"):
            if name in row:
                texts += _texts(row[name])
        if isinstance(row.get("details"), dict) and "nat_internal" in row["details"]:
            texts.append(str(row["details"]["nat_internal"]))
        if row["kind"] == "network" and (alone := _address(wanted)) is not None:
            seen = {"ip": str(alone), "ip_class": ""}
            return network_match.where(seen, row) == "inside"
        network = _network(wanted)
        if network is None:
            spellings = _spellings(wanted)
            return any(not spellings.isdisjoint(_spellings(text)) for text in texts)
        return any((found := _address(text)) is not None and found in network for text in texts)


@functools.lru_cache(1 << 14)
def _spellings(text: str) -> frozenset[str]:
    """What makes two spellings of one address or id equal; of other texts the text without case."""
    from custody.evidence.blockchain.recognise import recognise

    found = {text.strip().casefold()}
    for reading in recognise(text).readings if len(text) <= _LONGEST_ADDRESS else ():
        found.add(reading.canonical)
        if reading.payload_hex is not None and reading.kind in ("address", "contract"):
            # TRON and EVM write the same key bytes in ways that differ: they are told apart by their chains
            found.add(f"{reading.payload_hex} {','.join(reading.chains)}")
    return frozenset(found)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return []


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def of_item(desk: Desk, item: ItemRow, purpose: Purpose) -> tuple[ItemRow, Lines]:
    """The item or form that the rows come from, and (line, record) of each line of the form `custody.rows/1`.

    Without a form of rows the item itself is opened: some readers make theirs only when somebody asks.

    InputRefused where the item has no rows and no reader makes some.
    """
    for form in readable.each(desk, item, purpose):
        if form.media_type == MEDIA_TYPE:
            return form.row, form.lines
        if readable.is_form(item):
            raise InputRefused("this is a readable form, and not of records", where=item.label)
    opened = access.open_item(desk, item, purpose=purpose)
    if opened.content is None:
        raise InputRefused("only registered: its content was kept nowhere", where=item.label)
    return item, _own(desk, opened)


def _no_rows(item: ItemRow) -> InputRefused:
    return InputRefused(
        "no records were made of this item",
        where=item.label,
        hint=f"custody derive {item.label} makes them where a reader takes it; custody formats lists the readers",
    )


def _own(desk: Desk, opened: OpenedItem) -> Lines:
    content, name = opened.first("content"), opened.first("name")
    if content is None or name is None:
        raise NoRight("your key does not open what is known of this item", where=opened.item.label)
    if content["media_type"] in TYPED:
        return iter([typed_row(opened, TYPED[content["media_type"]])])
    told = compartments.name_bytes(name["name"]).decode("utf-8", "backslashreplace")
    # All that was ever said, also of the same bytes received again; what can't be opened may forbid looking.
    closed = any("handling" in parts.closed for parts in opened.parts)
    handling = () if closed else lists.handling_flags(opened.parts)
    return _asked(desk, opened, told, content["media_type"], handling)


def typed_row(opened: OpenedItem, kind: str) -> tuple[bytes, dict[str, Any]]:
    """A reference that somebody typed, as a row: all its fields, and all its bytes for its place."""
    assert opened.content is not None
    data = b"".join(opened.content())
    fields = {
        name: value
        for name, value in json.loads(data).items()
        if value is not None and value != [] and name != "schema"
    }
    # These two names mean something else in a row.
    renamed = {"kind": "coin_kind", "source": "source_text"}
    row = {
        **{renamed.get(name, name): value for name, value in fields.items()},
        "record": "row",
        "kind": kind,
        "number": 1,
        "source": {"member": 0, "start": 0, "end": len(data), "sha256": hashlib.sha256(data).hexdigest()},
    }
    return data, row


def _asked(desk: Desk, opened: OpenedItem, name: str, media_type: str, handling: tuple[str, ...]) -> Lines:
    from custody.evidence.records import registry

    assert opened.content is not None
    with desk.locker.vault.staging() as staging:
        setting = Setting(
            origin=desk.origin, staging=str(staging.directory), digests=("sha256",), handling=()
        )
        deriver = Deriver(desk.rim, setting)
        with deriver.export(opened.content(), name=name, media_type=media_type) as export:
            chosen = next((one for one in registry.claims(export) if one[0].on_asking), None)
            if chosen is None:
                raise _no_rows(opened.item)
            settings = Settings(handling=handling)
            recorded = Recorded(export, chosen[0], chosen[1], settings, item=opened.item.id)
            for line in recorded.lines():
                yield line.rstrip(b"\n"), json.loads(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRows:
    """What a look over a case found, beside its rows: labels of items with rows, and of those without a look.

    ``not_opened``: (label, why) of items that may have rows and were not read.
    """

    items: list[str]
    not_opened: list[tuple[str, str]]


def of_case(
    desk: Desk, case: str, purpose: Purpose, wanted: Filter, about: CaseRows
) -> Iterator[dict[str, Any]]:
    """All rows of a case in the order of their instants, each with ``item`` (the label of its item).

    One `case.consulted`, then one `item.accessed` for each item with rows. Rows without an instant come last, in
    the order of the items: their place in time is not known. ``about`` is filled on the way. Of an item with
    several forms the newest is read. Pictures are not: `of_item` reads them one by one.
    """
    open_parts = access.consult(desk, case, what="names", exhibits=None, purpose=purpose)
    sources: list[tuple[ItemRow, ItemRow, str]] = []
    for item in desk.locker.work.items(case):
        if readable.is_form(item):
            continue
        for row in [item, *readable.forms(desk, item)]:
            first = next(iter(open_parts(row.id, ("content",))), None)
            media_type = "" if first is None else first.values.get("content", {}).get("media_type", "")
            if media_type in TYPED or media_type == MEDIA_TYPE:
                sources.append((item, row, media_type))
                break
            if not media_type:
                about.not_opened.append((row.label, "your key does not open what is known of it"))
    keys: list[bytes] = []
    with (
        desk.locker.vault.staging() as staging,
        Scratch(
            _found(desk, purpose, sources, wanted, keys, about),
            folder=Path(staging.directory),
            key=desk.rim.random(32),
        ) as rows,
    ):
        keys.sort()
        for key in keys:
            start, size = int.from_bytes(key[-12:-4], "big"), int.from_bytes(key[-4:], "big")
            yield json.loads(rows.read(start, start + size))


def _found(
    desk: Desk,
    purpose: Purpose,
    sources: list[tuple[ItemRow, ItemRow, str]],
    wanted: Filter,
    keys: list[bytes],
    about: CaseRows,
) -> Iterator[bytes]:
    """The wanted rows as JSON, while ``keys`` takes for each: its instant, and where it begins and how long it is."""
    at = 0
    for item, row, media_type in sources:
        try:
            opened = access.open_item(desk, row, purpose=purpose)
        except NoRight as error:
            about.not_opened.append((item.label, error.message))
            continue
        if opened.content is None:
            about.not_opened.append((item.label, "only registered: its content was kept nowhere"))
            continue
        about.items.append(item.label)
        lines: Iterator[dict[str, Any]]
        if media_type in TYPED:
            lines = iter([typed_row(opened, TYPED[media_type])[1]])
        else:
            lines = (json.loads(line) for line in readable.lines_of(opened.content(), row.label))
        for record in lines:
            if record["record"] != "row" or not wanted.takes(record):
                continue
            data = json.dumps({**record, "item": item.label, "id": item.id}).encode()
            # without Z: a second with decimals comes behind the same second without
            moment = str(record.get("instant", _LAST)).rstrip("Z")
            keys.append(moment.encode() + b"\0" + at.to_bytes(8, "big") + len(data).to_bytes(4, "big"))
            at += len(data)
            yield data
