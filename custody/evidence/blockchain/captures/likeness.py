"""What a captured address and a token's name are worth: sound or not, of which chain, and what they look like."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.addresses import evm, utxo
from custody.evidence.blockchain.chains import CHAINS, EVM
from custody.evidence.blockchain.encodings import eip55
from custody.evidence.blockchain.lookalikes import Lookalikes, lookalikes
from custody.evidence.blockchain.reading import Reading
from custody.evidence.blockchain.recognise import recognise

_TOLD = frozenset({"bad_character", "checksum_bad", "homoglyph", "test_network"})
_PLAIN = re.compile(r"T[0-9A-Za-z]{33}|(?:bc|ltc|tb|tltc)1[0-9a-z]{11,87}|[13LMD][0-9A-Za-z]{25,33}")
"""Forms that no secret has: what hides secrets need not look at them."""
_EVM = re.compile("0x[0-9a-fA-F]{40}")
_EVM_CHAINS = frozenset(EVM)
_MOST_ALIKE = 2_000
_DUST = {"bitcoin": 1_000, "tron": 1_000_000}
"""Smallest units; that much from a look-alike is no payment."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An address as captured. ``chains``: on which it can be one; None where it is no sound address, and says nothing.

    ``shown``: the text, or words in its place where it holds a secret. ``odd``: characters that no address has.
    """

    shown: str
    chains: frozenset[str] | None
    sound: bool = False
    flags: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()


@functools.lru_cache(1 << 14)
def judge(text: str) -> Judged:
    """What an address is worth. Never an error."""
    shown, flags = text, frozenset[str]()
    odd: tuple[str, ...] = ()
    if _EVM.fullmatch(text):
        # The same as `evm.possible` says, without what is not asked here: lists have tens of thousands.
        bad = eip55.checksum_of(text) == "bad"
        return Judged(text, None if bad else _EVM_CHAINS, not bad, ("checksum_bad",) if bad else ())
    if _PLAIN.fullmatch(text):
        readings: tuple[Reading, ...] = (*evm.possible(text), *utxo.possible(text))
    else:
        found = recognise(text)
        readings, shown = found.readings, found.shown
        flags = frozenset(found.flags)
        odd = tuple(f"character {at + 1}: {code} {name}" for at, code, name in found.odd[:5])
        if found.odd:
            flags |= {"homoglyph"}  # no address has any such character, whatever its length
    addresses = [one for one in readings if one.kind in ("address", "contract")]
    sound = [one for one in addresses if one.level is not None]
    if sound:
        main = frozenset(chain for one in sound if one.network in ("main", None) for chain in one.chains)
        test = all(one.network in ("test", "regtest") for one in sound)
        return Judged(shown, main, True, ("test_network",) if test else (), odd)
    flags |= {flag for one in addresses for flag in one.flags}
    kept = flags & _TOLD or {"address_form_unknown"}
    # A mistyped address says nothing of its chain; one of a form that is not known speaks against all known chains.
    return Judged(shown, None if addresses or odd else frozenset(), False, tuple(sorted(kept)), odd)


def chains_of(addresses: Iterable[str]) -> frozenset[str] | None:
    """The chains on which all sound ones of these are addresses; None where there is none to judge by."""
    found: frozenset[str] | None = None
    for address in addresses:
        own = judge(address).chains
        if own is not None:
            found = own if found is None else found & own
            if not found:
                break
    return found


def alike(addresses: Iterable[str]) -> tuple[tuple[Lookalikes, ...], int]:
    """(groups of look-alikes, how many addresses were left out since too many may be alike)."""
    buckets: dict[str, list[str]] = {}
    for address in dict.fromkeys(addresses):
        word = address.strip().lower().rpartition(":")[2]
        at = next((len(one) + 1 for one in ("bc1", "tb1", "ltc1") if word.startswith(one)), 2)
        # No finer than what `lookalikes` groups by, and far cheaper: most addresses stand alone in theirs.
        buckets.setdefault(f"{word[at : at + 2]} {word[-3:]}", []).append(address)
    several = [one for group in buckets.values() if len(group) > 1 for one in group]
    return lookalikes(several[:_MOST_ALIKE]), max(len(several) - _MOST_ALIKE, 0)


def dust(chain: str | None, decimals: int | None, contract: str | None) -> int:
    """How many smallest units are next to nothing: a tenth of a token, 1/10,000 of most coins."""
    if contract is not None:
        return int("1" + "0" * (decimals - 1)) if decimals else 0
    return _DUST.get(chain or "", int("1" + "0" * max((decimals or 7) - 4, 0)))


_LATIN = str.maketrans({
    "А": "A", "В": "B", "С": "C", "Ԁ": "D", "Е": "E", "Н": "H", "І": "I", "Ј": "J", "К": "K", "М": "M", "О": "O",
    "Р": "P", "Ѕ": "S", "Т": "T", "Ѵ": "V", "Х": "X", "У": "Y", "Ү": "Y",
    "Α": "A", "Β": "B", "Ϲ": "C", "Ε": "E", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P",
    "Τ": "T", "Χ": "X", "Υ": "Y", "Ζ": "Z", "₮": "T", "Ð": "D", "Ⅾ": "D", "Ս": "U", "Ս".lower(): "U", "∪": "U",
})  # fmt: skip


def plain_symbol(symbol: str) -> str:
    """A token's symbol as a reader's eye takes it: capital Latin letters and digits, look-alikes put back."""
    word = unicodedata.normalize("NFKD", symbol).upper().translate(_LATIN)
    return "".join(char for char in word if char.isascii() and char.isalnum())


def token_flags(chain: str | None, contract: str | None, symbol: str) -> tuple[str, ...]:
    """What is to be said of a token that calls itself so, and of its contract."""
    flags = [] if symbol.isascii() and symbol.isprintable() else ["homoglyph"]
    if contract is None:
        return tuple(flags)
    if chain is not None and tokens.token_of(chain, contract) is not None:
        return tuple(flags)
    word = plain_symbol(symbol)
    named = {token.chain for token in tokens.KNOWN if token.symbol == word}
    coin = {name for name, one in CHAINS.items() if word in one.coins}
    if chain is not None and (chain in named or chain in coin):
        flags.append("counterfeit_token")
    elif named or coin:
        flags.append("token_not_known")
    return tuple(flags)
