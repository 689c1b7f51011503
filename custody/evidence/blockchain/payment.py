"""A hand-entered payment on a public chain: what was typed, and whether its form is right.

Forms only: the one verdict that is given here is ``form_ok``. Whether a transaction exists, was confirmed
or paid what is claimed is not checked and not said. Checksums of addresses come with their readers.

Amounts are exact decimal text, and whole numbers of the smallest unit (as text) where the number of
decimals is known; never a float. A token is known by its contract only: anybody can call a token "USDT".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Literal

from custody.errors import InputRefused
from custody.evidence import typed
from custody.evidence.instants import TIME_FLAGS, read_instant

SCHEMA = "custody.payment-reference/1"

_EVM = ("ethereum", "bnb-smart-chain", "polygon")
_HEX64 = ("bitcoin", "litecoin", "bitcoin-cash", "dogecoin", "tron", "monero")

# the coin of each chain and its decimals (bitcoin 8: a satoshi; ethereum 18: a wei; …)
_COINS: dict[str, tuple[tuple[str, ...], int]] = {
    "bitcoin": (("BTC", "XBT"), 8),
    "ethereum": (("ETH",), 18),
    "tron": (("TRX",), 6),
    "litecoin": (("LTC",), 8),
    "bitcoin-cash": (("BCH",), 8),
    "dogecoin": (("DOGE",), 8),
    "bnb-smart-chain": (("BNB",), 18),
    "polygon": (("POL", "MATIC"), 18),
    "solana": (("SOL",), 9),
    "monero": (("XMR",), 12),
    "xrp": (("XRP",), 6),
    "ton": (("TON",), 9),
}
CHAINS = tuple(_COINS)
_ALIASES = {
    **{coin.lower(): chain for chain, (coins, _) in _COINS.items() for coin in coins},
    "bsc": "bnb-smart-chain",
    "bnb-chain": "bnb-smart-chain",
    "bep20": "bnb-smart-chain",
    "erc20": "ethereum",
    "trc20": "tron",
    "bitcoincash": "bitcoin-cash",
    "ripple": "xrp",
}
# EVM contracts in lower case: their addresses are compared by bytes, not by case
_CONTRACTS = {
    ("ethereum", "0xdac17f958d2ee523a2206206994597c13d831ec7"): ("USDT", 6),
    ("ethereum", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"): ("USDC", 6),
    ("tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"): ("USDT", 6),
}

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_B58 = f"[{_BASE58}]"
_BECH32 = "[02-9ac-hj-np-z]"
_ADDRESS_FORMS = {
    "bitcoin": rf"[13mn2]{_B58}{{25,34}}|(?:bc|tb|bcrt)1{_BECH32}{{11,87}}"
    r"|(?:BC|TB|BCRT)1[02-9AC-HJ-NP-Z]{11,87}",
    "litecoin": rf"[LM3mn2Q]{_B58}{{25,34}}|(?:ltc|tltc|ltcmweb)1{_BECH32}{{11,120}}",
    "dogecoin": rf"[DA9n2]{_B58}{{25,34}}",
    "bitcoin-cash": rf"[13]{_B58}{{25,34}}|(?:bitcoincash:|bchtest:)?[qp]{_BECH32}{{41,111}}",
    **dict.fromkeys(_EVM, "0x[0-9a-fA-F]{40}"),
    "tron": rf"T{_B58}{{33}}|41[0-9a-fA-F]{{40}}",
    "solana": rf"{_B58}{{32,44}}",
    "monero": rf"[4589ABab]{_B58}{{94}}|[45A]{_B58}{{105}}",
    "xrp": rf"r{_B58}{{24,34}}|[XT]{_B58}{{46}}",
    "ton": r"[A-Za-z0-9+/_-]{48}|-?[0-9]{1,10}:[0-9a-fA-F]{64}",
}

PAYMENT_FLAGS = tuple(
    sorted(
        {
            *TIME_FLAGS,
            *("address_from_form_unknown", "address_to_form_unknown", "contract_form_unknown"),
            *("amount_finer_than_unit", "amount_not_understood", "amount_separator_ambiguous"),
            *("asset_by_name_only", "asset_contradicts_contract", "block_hash_form_unknown"),
            *("chain_unknown", "homoglyph", "no_time", "txid_form_unknown"),
        }
    )
)


def chain_name(text: str) -> str:
    """The name of a chain for what was typed: a name of CHAINS, a common short name, or ``other:<text>``.

    InputRefused for anything else: a chain is stated, never guessed from the form of an id, since one id
    fits many chains.
    """
    typed.required(text, "chain", longest=100)
    word = text.strip()
    lowered = word.lower()
    if lowered in CHAINS:
        return lowered
    if lowered in _ALIASES:
        return _ALIASES[lowered]
    if lowered.startswith("other:") and word[6:].strip():
        return "other:" + word[6:].strip()
    raise InputRefused(
        "this chain is not on the list",
        where="chain",
        expected=", ".join(CHAINS),
        hint='write --chain "other:NAME" for another one; the form of its ids is then not checked',
    )


def canonical_txid(chain: str, text: str) -> str | None:
    """A transaction's id in its chain's one spelling, or None where its form is not that chain's.

    Hexadecimal in lower case (XRP: upper case); 0x in front on EVM chains; base58 of 64 bytes on Solana;
    on TON base64 is turned into hexadecimal.
    """
    value = text.strip()
    is_hex = re.fullmatch("[0-9a-fA-F]{64}", value) is not None
    if chain in _HEX64:
        return value.lower() if is_hex else None
    if chain in _EVM:
        return value.lower() if re.fullmatch("0[xX][0-9a-fA-F]{64}", value) else None
    if chain == "xrp":
        return value.upper() if is_hex else None
    if chain == "solana":
        return value if _base58_length(value) == 64 else None
    if chain == "ton":
        if is_hex:
            return value.lower()
        if re.fullmatch("[A-Za-z0-9+/_-]{43}=?", value):
            standard = value.rstrip("=").replace("-", "+").replace("_", "/") + "="
            try:
                raw = base64.b64decode(standard, validate=True)
            except binascii.Error:
                return None
            # the last character has two bits too many; they must be zero, or one id has four spellings
            return raw.hex() if len(raw) == 32 and base64.b64encode(raw).decode() == standard else None
    return None


def payment_reference(
    chain: str,
    txid: str,
    *,
    address_from: str | None = None,
    address_to: str | None = None,
    amount: str | None = None,
    asset: str | None = None,
    contract: str | None = None,
    time: str | None = None,
    offset: str | None = None,
    clock: Literal["24", "12"] | None = None,
    epoch: Literal["s", "ms"] | None = None,
    block_height: str | int | None = None,
    block_hash: str | None = None,
    source: str | None = None,
    source_item: str | None = None,
    source_place: str | None = None,
    checked_by: str | None = None,
) -> dict[str, typed.Json]:
    """The record of one payment, as ``schemas/payment-reference.schema.json`` describes it.

    ``chain`` as in ``chain_name``; ``amount`` decimal text with a point; ``asset`` the coin's or token's name
    as it was read, ``contract`` the token's; time, offset, clock and epoch as in ``read_instant``; ``source``
    the explorer or document it was read from. None means not stated, for all of them.

    All keys are always there; what is not understood is kept as typed, with flags. InputRefused for
    empty texts, unknown chains, and what is certainly a private key (a WIF key, an extended private key).
    """
    typed.required(txid, "txid", longest=200)
    for where, value in (
        *(("txid", txid), ("sender", address_from), ("receiver", address_to), ("contract", contract)),
        *(("block hash", block_hash), ("asset", asset), ("source", source)),
    ):
        _refuse_secret(value, where)
    name = chain_name(chain)
    found: set[str] = set()
    if name.startswith("other:"):
        found.add("chain_unknown")
    verdicts: list[dict[str, str]] = []

    canonical = canonical_txid(name, txid)
    _note_form("txid", canonical is not None, verdicts, found)
    block = None
    if typed.text(block_hash, "block hash", longest=200) is not None:
        block = _canonical_block(name, block_hash or "")
        _note_form("block_hash", block is not None, verdicts, found)
    for field, value, where in (
        ("address_from", address_from, "sender"),
        ("address_to", address_to, "receiver"),
        ("contract", contract, "contract"),
    ):
        if typed.text(value, where, longest=300) is not None:
            form = _ADDRESS_FORMS.get(name)
            right = form is not None and re.fullmatch(form, (value or "").strip()) is not None
            _note_form(field, right, verdicts, found)
            if not (value or "").isascii():  # a letter of another alphabet that looks like one of ours
                found.add("homoglyph")
    if not txid.isascii():
        found.add("homoglyph")

    value = _amount(typed.text(amount, "amount", longest=100), found)
    decimals = _decimals(name, typed.text(asset, "asset", longest=100), contract, found)
    units = _units(value, decimals, found)
    when = None
    if time is not None:
        when = read_instant(time, offset=offset, clock=clock, epoch=epoch)
        found.update(when.flags)
    else:
        found.add("no_time")
        for where, stated in (("offset", offset), ("clock", clock), ("epoch", epoch)):
            if stated is not None:
                raise InputRefused("this is stated, but no time", where=where)
    return typed.record(
        SCHEMA,
        {
            "recorder": "manual",
            "kind": "tx",
            "chain_raw": chain,
            "chain": name,
            "chain_origin": "stated",
            "txid_raw": txid,
            "txid": canonical,
            "address_from_raw": address_from,
            "address_to_raw": address_to,
            "amount_raw": amount,
            "amount": value,
            "amount_units": units,
            "decimals": decimals,
            "asset": asset,
            "contract_raw": contract,
            "block_height": typed.whole_number(block_height, "block height", least=0, most=10**12),
            "block_hash_raw": block_hash,
            "block_hash": block,
            "time_raw": None if when is None else when.raw,
            "instant": None if when is None else when.instant,
            "precision": None if when is None else when.precision,
            "offset": None if when is None else when.offset,
            "offset_origin": "none" if when is None else when.offset_origin,
            "clock": None if when is None else clock,
            "epoch": None if when is None else epoch,
            "source": typed.text(source, "source"),
            "source_item": typed.text(source_item, "source item", longest=64),
            "source_place": typed.text(source_place, "source place"),
            "checked_by": typed.text(checked_by, "checked by"),
            "verdicts": verdicts,
            "flags": sorted(found),
        },
    )


def _note_form(field: str, right: bool, verdicts: list[dict[str, str]], found: set[str]) -> None:
    if right:
        verdicts.append({"of": field, "level": "form_ok"})
    else:
        found.add(f"{field}_form_unknown")


def _canonical_block(chain: str, text: str) -> str | None:
    if chain == "solana":
        value = text.strip()
        return value if _base58_length(value) == 32 else None
    return canonical_txid(chain, text)


def _amount(text: str | None, found: set[str]) -> str | None:
    """Exact decimal text, or None with a flag: "1,234" is a thousand here and a bit over one there."""
    if text is None:
        return None
    value = text.strip()
    if re.fullmatch(r"(?:0|[1-9][0-9]{0,39})(?:\.[0-9]{1,40})?", value):
        return value
    grouped = re.fullmatch(r"[0-9][0-9.,' \u00a0\u202f]*", value) is not None
    found.add("amount_separator_ambiguous" if grouped else "amount_not_understood")
    return None


def _decimals(chain: str, asset: str | None, contract: str | None, found: set[str]) -> int | None:
    named = None if asset is None else asset.strip().upper()
    if contract is not None:
        key = contract.strip().lower() if chain in _EVM else contract.strip()
        known = _CONTRACTS.get((chain, key))
        if known is None:
            return None
        if named is not None and named != known[0]:
            found.add("asset_contradicts_contract")
            return None
        return known[1]
    if named is None or chain not in _COINS:
        return None
    coins, decimals = _COINS[chain]
    if named in coins:
        return decimals
    found.add("asset_by_name_only")
    return None


def _units(amount: str | None, decimals: int | None, found: set[str]) -> str | None:
    if amount is None or decimals is None:
        return None
    whole, _, fraction = amount.partition(".")
    if len(fraction.rstrip("0")) > decimals:
        found.add("amount_finer_than_unit")
        return None
    return str(int(whole + fraction.rstrip("0").ljust(decimals, "0")))


def _base58_length(text: str) -> int | None:
    raw = _base58(text)
    return None if raw is None else len(raw)


def _base58(text: str) -> bytes | None:
    # the work grows with the square of the length: longer than any id or key is not looked at
    if not text or len(text) > 128 or any(char not in _BASE58 for char in text):
        return None
    number = 0
    for char in text:
        number = number * 58 + _BASE58.index(char)
    zeros = len(text) - len(text.lstrip("1"))
    return b"\x00" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _refuse_secret(value: str | None, where: str) -> None:
    """Refuse what is certainly a private key; the message does not repeat it."""
    if value is None:
        return
    for word in re.findall(rf"{_B58}{{50,112}}", value):
        raw = _base58(word)
        if raw is None or len(raw) < 5:
            continue
        body, check = raw[:-4], raw[-4:]
        if hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4] != check:
            continue
        # WIF: version, 32 bytes, perhaps 01. Extended private keys: 78 bytes, the key led by a zero (BIP-32)
        wif = len(body) in (33, 34) and body[0] in (0x80, 0xEF, 0xB0, 0x9E) and body[33:] in (b"", b"\x01")
        if wif or (len(body) == 78 and body[45] == 0):
            raise InputRefused(
                "this is a private key: whoever reads it can spend the money",
                where=where,
                hint="don't type it; take in the file or picture that it stands in with collect, "
                "and clear the shell's history",
            )
