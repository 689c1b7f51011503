"""Addresses of Solana, the XRP ledger, Monero and TON."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from custody.evidence.blockchain import caip
from custody.evidence.blockchain.encodings import base58, edwards, hashes, monero58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Network, Reading

_X_PREFIXES: dict[bytes, Network] = {b"\x05\x44": "main", b"\x04\x93": "test"}
_MONERO: dict[int, tuple[str, Network]] = {
    18: ("standard", "main"),
    19: ("integrated", "main"),
    42: ("subaddress", "main"),
    53: ("standard", "test"),
    54: ("integrated", "test"),
    63: ("subaddress", "test"),
    24: ("standard", "test"),
    25: ("integrated", "test"),
    36: ("subaddress", "test"),
}
_STAGE = (24, 25, 36)
_TON_TAGS = {0x11: "bounceable", 0x51: "non_bounceable"}


def possible(text: str) -> Iterator[Reading]:
    """What the text can be on these chains, sound or not."""
    yield from _solana(text)
    yield from _xrp(text)
    yield from _monero(text)
    yield from _ton(text)


def _bad(
    chain: str, text: str, fault: Undecoded, *, script_type: str | None = None, network: Network | None = None
) -> Reading:
    flag = "checksum_bad" if fault.checksum or fault.position is None else "bad_character"
    return Reading(
        kind="address",
        chains=(chain,),
        network=network,
        canonical=text,
        script_type=script_type,
        level=None,
        checksum="bad",
        position=fault.position,
        reason=fault.what,
        flags=(flag,),
    )


def _solana(text: str) -> Iterator[Reading]:
    """Thirty-two bytes and no checksum; the same form is that of a block's hash."""
    if not re.fullmatch("[1-9A-HJ-NP-Za-km-z]{32,44}", text):
        return
    raw = base58.decode(text)
    if len(raw) != 32:
        return
    # off the curve no key exists: an account that a program owns
    script_type = "on_curve" if edwards.is_point(raw) else "program_derived"
    yield Reading(
        kind="address",
        chains=("solana",),
        origin="inferred_unique",
        canonical=text,
        script_type=script_type,
        payload_hex=raw.hex(),
        level="form_ok",
        checksum="none",
        flags=("no_checksum",),
    )


def _xrp(text: str) -> Iterator[Reading]:
    tagged = re.fullmatch("(r[0-9A-Za-z]{24,34})[:-]([0-9]{1,10})", text)
    if tagged or re.fullmatch("r[0-9A-Za-z]{24,34}", text):
        address = tagged[1] if tagged else text
        tag = tagged[2] if tagged else None
        try:
            body = base58.decode_check(address, base58.RIPPLE)
            if len(body) != 21 or body[0] != 0:
                raise Undecoded("this is not the form of an XRP address")
            if tag is not None and (int(tag) > 0xFFFFFFFF or tag != str(int(tag))):
                raise Undecoded("a destination tag is a whole number below 2^32")
        except Undecoded as fault:
            yield _bad("xrp", text, fault)
            return
        yield _of_xrp(body[1:], tag, "classic", None)
    elif re.fullmatch("[XT][0-9A-Za-z]{45,47}", text):
        network: Network = "main" if text[0] == "X" else "test"
        try:
            body = base58.decode_check(text, base58.RIPPLE)
            if len(body) != 31 or body[:2] not in _X_PREFIXES:
                raise Undecoded("this is not the form of an X-address")
            kind, tag_bytes = body[22], body[23:]
            if kind == 0 and any(tag_bytes):
                raise Undecoded("this X-address says that it has no tag, and has one")
            if kind == 1 and any(tag_bytes[4:]):
                raise Undecoded("the tag of this X-address is longer than a tag is")
        except Undecoded as fault:
            yield _bad("xrp", text, fault, script_type="x_address", network=network)
            return
        tag = str(int.from_bytes(tag_bytes[:4], "little")) if kind == 1 else None
        reserved = ("tag_unsupported",) if kind > 1 else ()
        yield _of_xrp(body[2:22], tag, "x_address", _X_PREFIXES[body[:2]], reserved)


def _of_xrp(
    account: bytes, tag: str | None, script_type: str, network: Network | None, flags: tuple[str, ...] = ()
) -> Reading:
    classic = base58.encode_check(b"\x00" + account, base58.RIPPLE)
    found = caip.account_id("xrp", classic if tag is None else f"{classic}-{tag}")
    main = network == "main" and found is not None
    more = {*flags}
    if tag is None and not flags:
        more.add("no_tag")
    if network == "test":
        more.add("test_network")
    return Reading(
        kind="address",
        chains=("xrp",),
        origin="in_value" if network else "inferred_unique",
        network=network,
        canonical=classic,
        script_type=script_type,
        payload_hex=account.hex(),
        level="checksum_ok",
        checksum="ok",
        tag=tag,
        caip=(str(found),) if main else (),
        flags=tuple(sorted(more)),
    )


def _monero(text: str) -> Iterator[Reading]:
    if not re.fullmatch("[45789AB][0-9A-Za-z]{94}|[45A][0-9A-Za-z]{105}", text):
        return
    try:
        body = monero58.decode_check(text)
        of = _MONERO.get(body[0])
        if of is None or len(body) != (73 if of[0] == "integrated" else 65):
            raise Undecoded("this is not the form of a Monero address")
    except Undecoded as fault:
        yield _bad("monero", text, fault)
        return
    script_type, network = of
    points = edwards.is_point(body[1:33]) and edwards.is_point(body[33:65])
    account = caip.account_id("monero", text)
    flags: set[str] = set() if points else {"key_not_a_point"}
    if network == "test":
        flags.add("test_network")
    facts = [("spend_key", body[1:33].hex()), ("view_key", body[33:65].hex())]
    if network == "test":
        facts.append(("test_network", "stagenet" if body[0] in _STAGE else "testnet"))
    yield Reading(
        kind="address",
        chains=("monero",),
        origin="in_value",
        network=network,
        canonical=text,
        script_type=script_type,
        payload_hex=body[1:].hex(),
        level="checksum_ok" if points else None,
        checksum="ok",
        reason=None if points else "the checksum matches, and the keys in it are no points of the curve",
        tag=body[65:].hex() if script_type == "integrated" else None,
        caip=(str(account),) if network == "main" and points and account else (),
        flags=tuple(sorted(flags)),
        facts=tuple(facts),
    )


def _ton(text: str) -> Iterator[Reading]:
    """EQ… and UQ… are one account: its canonical text is the raw form."""
    raw_form = re.fullmatch("(-?[1-9][0-9]{0,9}|0):([0-9a-fA-F]{64})", text)
    if raw_form:
        workchain = int(raw_form[1])
        if -(2**31) <= workchain < 2**31:
            yield _of_ton(workchain, bytes.fromhex(raw_form[2]), "raw", None)
        return
    if not re.fullmatch("[A-Za-z0-9+/_-]{48}", text):
        return
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return
    kind = _TON_TAGS.get(raw[0] & 0x7F)
    if kind is None:
        return
    if hashes.crc16_xmodem(raw[:34]) != raw[34:]:
        yield _bad("ton", text, Undecoded("the checksum does not match", checksum=True), script_type=kind)
        return
    network: Network = "test" if raw[0] & 0x80 else "main"
    yield _of_ton(int.from_bytes(raw[1:2], "big", signed=True), raw[2:34], kind, network)


def _of_ton(workchain: int, account: bytes, script_type: str, network: Network | None) -> Reading:
    raw = script_type == "raw"
    flags = ("no_checksum",) if raw else ("test_network",) if network == "test" else ()
    return Reading(
        kind="address",
        chains=("ton",),
        origin="in_value" if network else "inferred_unique",
        network=network,
        canonical=f"{workchain}:{account.hex()}",
        script_type=script_type,
        payload_hex=account.hex(),
        level="form_ok" if raw else "checksum_ok",
        checksum="none" if raw else "ok",
        flags=flags,
    )
