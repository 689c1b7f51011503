"""Lightning invoices (BOLT-11), read by our own decoder. An invoice asks for a payment; it does not show one.

What it does show, by its signature: that who holds the payee's key asked for this amount at that time.
Without the field ``n`` the key is computed from the signature, so any changed invoice gives some other key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from custody.evidence.blockchain.encodings import bech32, bits
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Network

LONGEST = 7089
"""The most characters that a QR code holds; an invoice has some hundreds."""

_NETWORKS: dict[str, Network] = {"bc": "main", "tb": "test", "tbs": "test", "bcrt": "regtest"}
_MILLISATOSHI_PER_COIN = 10**11
_MULTIPLIERS = {"": 1, "m": 10**3, "u": 10**6, "n": 10**9, "p": 10**12}
_SIGNATURE = 104  # groups of five bits: 64 bytes and the number that recovers the key
_TIME = 7
_LENGTHS = {"p": 52, "h": 52, "s": 52, "n": 53}
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_DEFAULT_EXPIRY = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What an invoice says.

    ``amount``: in thousandths of a satoshi, or None where the payer chooses. ``asked``: the payee's time,
    UTC, RFC 3339; ``expires`` by the same clock. ``payee``: the key as hexadecimal; ``payee_stated``
    whether it stood in the invoice, so that its signature could be checked against it. ``other``: the
    letters of the fields that are not read here.
    """

    network: Network
    amount: int | None
    asked: str
    expires: str | None
    payment_hash: str
    payment_secret: str
    description: str | None
    description_hash: str | None
    payee: str
    payee_stated: bool
    features: str | None
    fallbacks: tuple[str, ...]
    other: tuple[str, ...]


def parse(text: str) -> Invoice:
    """Read an invoice, in either case and without ``lightning:``; Undecoded where it breaks a rule of BOLT-11."""
    found = bech32.decode(text, longest=LONGEST)
    if found.variant != "bech32":
        raise Undecoded("the checksum is bech32m's, not bech32's", checksum=True)
    head = re.fullmatch("ln(bcrt|bc|tbs|tb)(?:([0-9]+)([a-z]?))?", found.prefix)
    if head is None:
        raise Undecoded("this is not how an invoice begins")
    amount = None if head[2] is None else _amount(head[2], head[3])
    if len(found.fives) < _TIME + _SIGNATURE:
        raise Undecoded("this is too short for an invoice")
    fives, signature = found.fives[:-_SIGNATURE], found.fives[-_SIGNATURE:]
    seconds = _number(fives[:_TIME])
    fields = _fields(fives[_TIME:])
    for letter, name in (("p", "payment hash"), ("s", "payment secret")):
        if letter not in fields:
            raise Undecoded(f"the {name} is missing")
    if "d" not in fields and "h" not in fields:
        raise Undecoded("neither a description nor its digest is there")
    stated = fields.get("n")
    payee = _payee(found.prefix, fives, signature, None if stated is None else _raw(stated[0]))
    expiry = _number(fields["x"][0]) if "x" in fields else _DEFAULT_EXPIRY
    return Invoice(
        network=_NETWORKS[head[1]],
        amount=amount,
        asked=_instant(seconds) or "",
        expires=_instant(seconds + expiry),
        payment_hash=_raw(fields["p"][0]).hex(),
        payment_secret=_raw(fields["s"][0]).hex(),
        description=_description(fields),
        description_hash=_raw(fields["h"][0]).hex() if "h" in fields else None,
        payee=payee.hex(),
        payee_stated=stated is not None,
        features=format(_number(fields["9"][0]), "x") if "9" in fields else None,
        fallbacks=tuple(f"{one[0]}:{_raw(one[1:]).hex()}" for one in fields.get("f", []) if one),
        other=tuple(sorted(letter for letter in fields if letter not in "pshdnx9f")),
    )


def _amount(digits: str, multiplier: str) -> int:
    if multiplier not in _MULTIPLIERS:
        raise Undecoded("the amount ends in a letter that means nothing")
    if digits.startswith("0") or len(digits) > 20:
        raise Undecoded("the amount is not a plain whole number")
    whole, rest = divmod(int(digits) * _MILLISATOSHI_PER_COIN, _MULTIPLIERS[multiplier])
    if rest:
        raise Undecoded("the amount is finer than a thousandth of a satoshi")
    return whole


def _fields(fives: tuple[int, ...]) -> dict[str, list[tuple[int, ...]]]:
    """The tagged fields by their letter. Those of known letters in a wrong length are skipped, as the rules say."""
    out: dict[str, list[tuple[int, ...]]] = {}
    at = 0
    while at < len(fives):
        if len(fives) - at < 3:
            raise Undecoded("the last field is cut off")
        letter = bits.CHARSET[fives[at]]
        size = fives[at + 1] << 5 | fives[at + 2]
        value = fives[at + 3 : at + 3 + size]
        if len(value) != size:
            raise Undecoded("the last field is cut off")
        at += 3 + size
        if _LENGTHS.get(letter, size) == size:
            out.setdefault(letter, []).append(value)
    return out


def _payee(
    prefix: str, fives: tuple[int, ...], signature_fives: tuple[int, ...], stated: bytes | None
) -> bytes:
    import coincurve

    signature = bits.to_bytes(signature_fives)
    spare = -len(fives) * 5 % 8
    number = _number(fives) << spare
    digest = hashlib.sha256(prefix.encode() + number.to_bytes((len(fives) * 5 + spare) // 8, "big")).digest()
    if stated is not None and int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise Undecoded("the signature is not in its one spelling")
    if signature[64] > 3:
        raise Undecoded("no key follows from the signature")
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None).format()
    except ValueError as error:
        raise Undecoded("no key follows from the signature") from error
    if stated is not None and key != stated:
        raise Undecoded("the signature is not by the payee who is named")
    return bytes(key)


def _description(fields: dict[str, list[tuple[int, ...]]]) -> str | None:
    if "d" not in fields:
        return None
    try:
        return _raw(fields["d"][0]).decode()
    except UnicodeDecodeError as error:
        raise Undecoded("the description is no UTF-8 text") from error


def _raw(fives: tuple[int, ...]) -> bytes:
    """The whole bytes of a field; its last bits are filling, whatever they are."""
    return (_number(fives) >> len(fives) * 5 % 8).to_bytes(len(fives) * 5 // 8, "big")


def _number(fives: tuple[int, ...]) -> int:
    number = 0
    for five in fives:
        number = number << 5 | five
    return number


def _instant(seconds: int) -> str | None:
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:  # an expiry of thousands of years: no calendar says when
        return None
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year >= 1000 else None
