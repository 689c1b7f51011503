"""What follows from the texts of a typed payment: canonical spellings, verdicts, faults, and which chain it can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from custody.evidence.blockchain import caip, ids
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.lookalikes import lookalikes
from custody.evidence.blockchain.reading import Reading, Recognised
from custody.evidence.blockchain.recognise import recognise

ADDRESSES = ("address_from", "address_to", "contract")
FIELDS = ("txid", "block_hash", *ADDRESSES)
"""The fields of a payment that are checked, in the order in which they are told."""

FLAGS = (
    *(f"{name}_form_unknown" for name in FIELDS),
    "addresses_look_alike",
    "chain_ambiguous",
    "chain_contradiction",
    "chain_inferred",
    "chain_unknown",
    "checksum_bad",
    "homoglyph",
    "may_be_private_key",
    "no_checksum",
    "no_tag",
    "old_form",
    "test_network",
)

UNKNOWN = "unknown"
"""What is typed for a chain that nobody knows: an open question, not a chain."""


@dataclass(slots=True)
class Checked:
    """What came of the checks. ``spelled``: field to its canonical text. ``tags``: field to its tag.

    ``faults``: what is wrong with a field: ``of``, ``reason``, ``character`` (counted from 1) or None, and
    ``code_points``. ``candidates``: the chains that the texts fit, where no chain was stated.
    """

    chain: str
    origin: str
    spelled: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    caip: dict[str, str] = field(default_factory=dict)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    faults: list[dict[str, object]] = field(default_factory=list)
    candidates: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)


def check(chain: str, texts: Mapping[str, str]) -> Checked:
    """Check the fields of a payment (`FIELDS`) on a chain, by our name, ``other:…`` or ``unknown``.

    Where the chain is unknown, it is inferred only if all texts together fit one and no more.
    """
    readings = {name: recognise(texts[name]) for name in FIELDS if name in texts}
    done = Checked(chain=chain, origin="stated")
    if chain == UNKNOWN:
        _infer(readings, texts, done)
    elif chain.startswith("other:"):
        done.flags.add("chain_unknown")
    for name, found in readings.items():
        if name in ADDRESSES:
            _address(name, found, done)
        else:
            _id(name, found, texts[name], done)
        if found.odd:
            done.flags.add("homoglyph")
            done.faults.append(
                _fault(name, found.reason or "", None, [f"{at + 1}: {c} {n}" for at, c, n in found.odd])
            )
    if lookalikes(texts[name] for name in ("address_from", "address_to") if name in texts):
        done.flags.add("addresses_look_alike")
    if "test_network" not in done.flags and (of := caip.chain_id(done.chain)) is not None:
        _identify(of, texts, done)
    return done


def _infer(readings: Mapping[str, Recognised], texts: Mapping[str, str], done: Checked) -> None:
    fits = []
    for name, found in readings.items():
        chains = {chain for one in _fitting(name, found) for chain in one.chains}
        if name not in ADDRESSES:  # as ids, in the same strict way as for a stated chain
            chains = {chain for chain in CHAINS if _canonical(name, chain, texts[name]) is not None}
        if chains:
            fits.append(chains)
    left = set.intersection(*fits) if fits else set()
    done.candidates = [name for name in CHAINS if name in left]
    if fits and not left:
        done.flags.add("chain_contradiction")
    if len(left) == 1:
        done.chain, done.origin = done.candidates[0], "inferred_unique"
        done.flags.add("chain_inferred")
    else:
        done.origin = "none"
        done.flags.add("chain_ambiguous")


def _fitting(name: str, found: Recognised) -> list[Reading]:
    kinds = ("address", "contract") if name in ADDRESSES else ("tx",) if name == "txid" else ("block",)
    return [one for one in found.readings if one.kind in kinds and one.level is not None]


def _address(name: str, found: Recognised, done: Checked) -> None:
    here = [
        one
        for one in found.readings
        if one.kind in ("address", "contract") and (done.chain == UNKNOWN or done.chain in one.chains)
    ]
    sound = next((one for one in here if one.level is not None), None)
    if sound is not None and sound.level is not None:
        done.verdicts.append({"of": name, "level": sound.level})
        if done.chain != UNKNOWN or len({one.canonical for one in here}) == 1:
            done.spelled[name] = sound.canonical
        if sound.tag is not None:
            done.tags[name] = sound.tag
        wanted = {"no_checksum", "test_network", *(("no_tag",) if name == "address_to" else ())}
        done.flags.update(wanted & set(sound.flags))
        if done.chain in ("bitcoin-cash", "litecoin") and "bitcoin" in sound.chains:
            done.flags.add("old_form")  # looks like Bitcoin's: only the statement says which it is
        return
    if here:
        done.flags.add("checksum_bad")
        done.faults.append(_fault(name, here[0].reason or "", here[0].position))
        return
    done.flags.add(f"{name}_form_unknown")
    elsewhere = sorted({chain for one in _fitting(name, found) for chain in one.chains})
    if elsewhere and done.chain != UNKNOWN:
        done.flags.add("chain_contradiction")
        done.faults.append(_fault(name, f"this has the form of another chain: {', '.join(elsewhere)}"))
    elif any("may_be_private_key" in one.flags for one in found.readings):
        done.flags.add("may_be_private_key")


def _id(name: str, found: Recognised, text: str, done: Checked) -> None:
    spelled = None if done.chain == UNKNOWN else _canonical(name, done.chain, text)
    if spelled is not None:
        done.spelled[name] = spelled
    if spelled is not None or (done.chain == UNKNOWN and _fitting(name, found)):
        done.verdicts.append({"of": name, "level": "form_ok"})
    else:
        done.flags.add(f"{name}_form_unknown")


def _canonical(name: str, chain: str, text: str) -> str | None:
    return ids.canonical_txid(chain, text) if name == "txid" else ids.canonical_block(chain, text)


def _fault(
    name: str, reason: str, position: int | None = None, code_points: list[str] | None = None
) -> dict[str, object]:
    return {
        "of": name,
        "reason": reason,
        "character": None if position is None else position + 1,
        "code_points": code_points or [],
    }


def _identify(of: caip.ChainId, texts: Mapping[str, str], done: Checked) -> None:
    done.caip["chain"] = str(of)
    for name in ("address_from", "address_to"):
        spelled = done.spelled.get(name)
        account = None
        if spelled is not None:
            tag = done.tags.get(name) if done.chain == "xrp" else None
            bare = spelled.rpartition(":")[2] if done.chain == "bitcoin-cash" else spelled
            account = caip.account_id(done.chain, bare if tag is None else f"{bare}-{tag}")
        if account is not None:
            done.caip[name] = str(account)
    token = caip.token_id(done.chain, done.spelled.get("contract", ""))
    if token is not None:
        done.caip["asset"] = str(token)
