"""Payment links, as QR codes and the clipboard hold them: BIP-21 and those like it, EIP-681.

Every parameter is kept as it stood. An amount is exact: whole units of the smallest kind or decimal text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

SCHEMES: Mapping[str, str | None] = MappingProxyType(
    {
        "bitcoin": "bitcoin",
        "litecoin": "litecoin",
        "dogecoin": "dogecoin",
        "bitcoincash": "bitcoin-cash",
        "bchtest": "bitcoin-cash",
        "monero": "monero",
        "ethereum": None,
        "tron": "tron",
        "solana": "solana",
        "xrp": "xrp",
        "xrpl": "xrp",
        "ripple": "xrp",
        "ton": "ton",
        "lightning": None,
    }
)
"""The chain that a scheme names; None where it names none: EIP-681 has the chain's number in its path."""

_EVM_BY_NUMBER = {
    "1": "ethereum", "56": "bnb-smart-chain", "137": "polygon", "42161": "arbitrum-one", "10": "optimism",
    "8453": "base",
}  # fmt: skip
_AMOUNTS = {"monero": "tx_amount", "ethereum": "value"}
_IN_UNITS = {"ethereum", "ton"}
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?|\.[0-9]{1,40}")
_SCIENTIFIC = re.compile(r"([0-9]{1,80})(?:\.([0-9]{1,80}))?(?:[eE]\+?([0-9]{1,2}))?")
_MOST_PARAMETERS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A payment link.

    ``target``: the address or invoice in it, as it stands. ``chain``: the one that it names, or None.
    ``amount``: decimal text in whole coins, as BIP-21 has it; ``units``: a whole number of the smallest
    unit, as EIP-681 and TON have it; None where there is none or where it is not understood (then it is
    among the parameters all the same). ``call``: EIP-681's function. ``parameters``: all of them in order,
    (name, value), with percent signs resolved. ``unknown_required``: BIP-21's ``req-…`` that we do not know.
    """

    scheme: str
    target: str
    chain: str | None
    chain_number: str | None
    amount: str | None
    units: str | None
    call: str | None
    parameters: tuple[tuple[str, str], ...]
    unknown_required: tuple[str, ...]


def parse(text: str) -> Link | None:
    """The parts of a payment link; None for a text that is none. Never an error: nothing is lost by not reading."""
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in SCHEMES:
        return None
    path, _, query = rest.partition("?")
    if path.startswith("//"):
        path = path[2:].removeprefix("transfer/") if scheme == "ton" else path[2:]
    parameters = tuple(
        (_plain(name), _plain(value))
        for name, _, value in (part.partition("=") for part in query.split("&", _MOST_PARAMETERS) if part)
    )
    chain, number, call = SCHEMES[scheme], None, None
    if scheme == "ethereum":
        found = re.fullmatch(r"(?:pay-)?([^@/]*)(?:@([0-9]{1,32}))?(?:/([A-Za-z_][A-Za-z0-9_]{0,80}))?", path)
        if found is None:
            return None
        # without a number EIP-681 means whatever chain the wallet is on: that is not for us to guess
        path, number, call = found[1], found[2], found[3]
        chain = _EVM_BY_NUMBER.get(number or "")
    stated = [value for name, value in parameters if name == _AMOUNTS.get(scheme, "amount")]
    value = stated[0] if len(stated) == 1 else None  # twice is once too often to know which
    in_units = scheme in _IN_UNITS
    return Link(
        scheme=scheme,
        target=_plain(path),
        chain=chain,
        chain_number=number,
        amount=value if value is not None and not in_units and _DECIMAL.fullmatch(value) else None,
        units=_units(value) if value is not None and in_units else None,
        call=call,
        parameters=parameters,
        unknown_required=tuple(name for name, _ in parameters if name.startswith("req-")),
    )


def _units(text: str) -> str | None:
    """A whole number of EIP-681's ``2.014e18``: exact, or nothing."""
    found = _SCIENTIFIC.fullmatch(text)
    if found is None:
        return None
    fraction = (found[2] or "").rstrip("0")
    exponent = int(found[3] or 0)
    if len(fraction) > exponent:
        return None
    return str(int(found[1] + fraction) * 10 ** (exponent - len(fraction)))


def _plain(text: str) -> str:
    # bytes that are no UTF-8 are shown as such, never dropped
    return unquote_to_bytes(text).decode("utf-8", "backslashreplace")
