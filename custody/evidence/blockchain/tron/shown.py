"""What the JSON beside a TRON transaction shows, against what its bytes say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.tron.transaction import Transaction, address_text


class Difference(NamedTuple):
    """``field`` as JSON names it; both values as texts, for people."""

    field: str
    shown: str
    proven: str


def differences(shown: Mapping[str, object], found: Transaction) -> tuple[Difference, ...]:
    """Where a JSON transaction (``txID``, ``raw_data``) shows another thing than its bytes.

    Fields that it leaves out are not judged. Addresses are compared by their bytes: JSON has them in base58 or in
    hexadecimal. Takes any JSON.
    """
    return tuple(_differences(shown, found))


def _differences(shown: Mapping[str, object], found: Transaction) -> Iterator[Difference]:
    yield from _compare("txID", shown.get("txID"), found.txid)
    raw = shown.get("raw_data")
    if not isinstance(raw, Mapping):
        return
    yield from _compare("expiration", raw.get("expiration"), found.expiration)
    yield from _compare("timestamp", raw.get("timestamp"), found.time)
    yield from _compare("fee_limit", raw.get("fee_limit"), found.fee_limit)
    contracts = raw.get("contract")
    if not isinstance(contracts, list) or len(contracts) != 1 or not isinstance(contracts[0], Mapping):
        yield Difference("contract", _text(contracts), "exactly one")
        return
    yield from _compare("type", contracts[0].get("type"), found.kind)
    yield from _compare("Permission_id", contracts[0].get("Permission_id"), found.permission)
    parameter = contracts[0].get("parameter")
    value = parameter.get("value") if isinstance(parameter, Mapping) else None
    if not isinstance(value, Mapping) or not found.understood:
        return
    is_call = found.kind == "TriggerSmartContract"
    yield from _compare_address("owner_address", value.get("owner_address"), found.owner)
    name = "contract_address" if is_call else "to_address"
    yield from _compare_address(name, value.get(name), found.to)
    amount = "call_value" if is_call else "amount"
    yield from _compare(amount, value.get(amount), found.amount)
    if is_call:
        yield from _compare("data", value.get("data"), found.data.hex())


def _compare(field: str, shown: object, proven: object) -> Iterator[Difference]:
    if shown is None:
        return
    same = (
        shown.lower() == proven if isinstance(shown, str) and field in ("data", "txID") else shown == proven
    )
    # Numbers as texts are how some explorers write them; True and a fraction are no 1.
    if isinstance(proven, int) and type(shown) is not int:
        same = isinstance(shown, str) and shown == str(proven)
    if not same:
        yield Difference(field, _text(shown), str(proven))


def _compare_address(field: str, shown: object, proven: bytes | None) -> Iterator[Difference]:
    if shown is None or proven is None:
        return
    if not isinstance(shown, str) or _address(shown) != proven:
        yield Difference(field, _text(shown), address_text(proven))


def _address(text: str) -> bytes | None:
    if len(text) == 42 and all(char in "0123456789abcdefABCDEF" for char in text):
        return bytes.fromhex(text)
    if len(text) > 64:
        return None
    try:
        return base58.decode_check(text)
    except Undecoded:
        return None


def _text(value: object) -> str:
    return ascii(value)[:200]
