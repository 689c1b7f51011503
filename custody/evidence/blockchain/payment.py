"""A hand-entered payment on a public chain: what was typed, and what follows from its form and checksums.

``form_ok`` and ``checksum_ok`` are the only verdicts that are given here. Whether a transaction exists, was
confirmed or paid what is claimed is not checked and not said. What does not match is kept as it was typed.

Amounts are exact decimal text, and whole numbers of the smallest unit (as text) where the number of
decimals is known; never a float. A token is known by its contract only: anybody can call a token "USDT".
"""

from __future__ import annotations

from typing import Literal

from custody.errors import InputRefused
from custody.evidence import typed
from custody.evidence.blockchain import amounts, chains, checks, secrets
from custody.evidence.instants import TIME_FLAGS, read_instant

SCHEMA = "custody.payment-reference/1"
CHAINS = tuple(chains.CHAINS)
_ALIASES: dict[str, str] = {
    # ETH is the coin of four chains, and means the first of them
    **{coin.lower(): name for name in reversed(CHAINS) for coin in chains.CHAINS[name].coins},
    "arbitrum": "arbitrum-one",
    "bsc": "bnb-smart-chain",
    "bnb-chain": "bnb-smart-chain",
    "bep20": "bnb-smart-chain",
    "erc20": "ethereum",
    "trc20": "tron",
    "bitcoincash": "bitcoin-cash",
    "ripple": "xrp",
}

PAYMENT_FLAGS = tuple(sorted({*TIME_FLAGS, *amounts.FLAGS, *checks.FLAGS, "no_time"}))


def chain_name(text: str) -> str:
    """The name of a chain for what was typed: of CHAINS, by a short name, ``other:<text>``, or ``unknown``.

    InputRefused for anything else: a chain is stated, never guessed from the form of an id, since one id
    fits many chains.
    """
    typed.required(text, "chain", longest=100)
    word = text.strip()
    lowered = word.lower()
    if lowered in CHAINS or lowered == checks.UNKNOWN:
        return lowered
    if lowered in _ALIASES:
        return _ALIASES[lowered]
    if lowered.startswith("other:") and word[6:].strip():
        return "other:" + word[6:].strip()
    raise InputRefused(
        "this chain is not on the list",
        where="chain",
        expected=", ".join(CHAINS),
        hint='write --chain "other:NAME" for another one, whose ids are then not checked; "unknown" if nobody knows',
    )


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

    All keys are always there; what is not understood is kept as typed, with flags and faults. InputRefused for
    empty texts, unknown chains, and what is or holds a secret of a wallet (`secrets.kind_of`).
    """
    typed.required(txid, "txid", longest=200)
    for where, value in (
        *(("chain", chain), ("txid", txid), ("sender", address_from), ("receiver", address_to)),
        *(("contract", contract), ("block hash", block_hash), ("amount", amount), ("asset", asset)),
        *(("time", time), ("source", source), ("source item", source_item), ("source place", source_place)),
        ("checked by", checked_by),
    ):
        secrets.refuse(value, where)
    texts = {"txid": txid}
    for field, value, where, longest in (
        ("block_hash", block_hash, "block hash", 200),
        ("address_from", address_from, "sender", 300),
        ("address_to", address_to, "receiver", 300),
        ("contract", contract, "contract", 300),
    ):
        if (checked := typed.text(value, where, longest=longest)) is not None:
            texts[field] = checked
    done = checks.check(chain_name(chain), texts)
    found = done.flags
    # an explorer's address holds the id once more; other digits of that length may be a key
    ids = {_digits(value) for value in (txid, block_hash) if value is not None}
    for value in (asset, source, source_place, checked_by):
        spans = () if value is None else secrets.find(value)
        if any(_digits((value or "")[span.start : span.end]) not in ids for span in spans):
            found.add("may_be_private_key")

    plain = amounts.plain(typed.text(amount, "amount", longest=100), found)
    named = typed.text(asset, "asset", longest=100)
    # a contract whose checksum does not match is not taken for the one that it resembles
    known = None if contract is None else done.spelled.get("contract", "")
    decimals = amounts.decimals(done.chain, named, known, found)
    units = amounts.units(plain, decimals, found)
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
            "chain": done.chain,
            "chain_origin": done.origin,
            "chain_candidates": done.candidates,
            "txid_raw": txid,
            "txid": done.spelled.get("txid"),
            "address_from_raw": address_from,
            "address_from": done.spelled.get("address_from"),
            "tag_from": done.tags.get("address_from"),
            "address_to_raw": address_to,
            "address_to": done.spelled.get("address_to"),
            "tag_to": done.tags.get("address_to"),
            "amount_raw": amount,
            "amount": plain,
            "amount_units": units,
            "decimals": decimals,
            "asset": asset,
            "contract_raw": contract,
            "contract": done.spelled.get("contract"),
            "caip": {name: done.caip.get(name) for name in ("chain", "address_from", "address_to", "asset")},
            "block_height": typed.whole_number(block_height, "block height", least=0, most=10**12),
            "block_hash_raw": block_hash,
            "block_hash": done.spelled.get("block_hash"),
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
            "verdicts": done.verdicts,
            "faults": done.faults,
            "flags": sorted(found),
        },
    )


def _digits(text: str) -> str:
    return text.strip().lower().removeprefix("0x")
