"""Secrets of wallets in a text: who reads one can take the money. Found before anything is stored or shown.

Three strengths. ``certain``: a checksum, or a key and its public half, agree. ``likely``: a label says so, or the
shape leaves little else. ``possible``: sixty-four hexadecimal digits look the same as an id; only a warning, and
not masked, for then no transaction could be read any more.

What is not found: words of other languages' lists and Monero's twenty-five words without a label before
them, a key broken over lines, one in a picture. ``docs/reference/coin-references.md`` says so to people.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from custody.errors import InputRefused
from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.format import words

Strength = Literal["certain", "likely", "possible"]

KINDS: dict[str, str] = {
    "account_secret": "a secret with its label",
    "electrum_seed": "the words of an Electrum wallet",
    "encrypted_key": "a private key under a passphrase (BIP-38)",
    "extended_private_key": "an extended private key: a whole wallet",
    "hex_64": "64 hexadecimal digits: an id, or a private key",
    "keystore": "a wallet file under a passphrase (Ethereum keystore)",
    "mini_key": "a private key in mini form",
    "seed_phrase": "the words of a wallet (BIP-39)",
    "solana_key": "a private key of Solana's",
    "wif": "a private key in WIF form",
    "xrp_seed": "a seed of an XRP account",
}
"""Each kind of secret, in words for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where a secret stands in a text: from ``start`` up to and without ``end``, in characters."""

    start: int
    end: int
    kind: str
    strength: Strength

    @property
    def mask(self) -> str:
        """What is shown in its place; no character of it."""
        return f"[hidden: {KINDS[self.kind]}, {self.end - self.start} characters]"


def find(text: str) -> tuple[Span, ...]:
    """All secrets in a text, in order, none inside another. Time grows with the length of the text, and no faster."""
    found: list[Span] = []
    for look in (_keystores, _key_lists, _phrases, _encoded, _labelled, _hex):
        found.extend(look(text))
    order = {"certain": 0, "likely": 1, "possible": 2}
    # the surest first, then the longest: what overlaps a kept one is left out, unless it reaches further
    kept: list[Span] = []
    for span in sorted(found, key=lambda one: (one.start, order[one.strength], -one.end)):
        if kept and span.start < kept[-1].end:
            last = kept[-1]
            if span.strength != "possible" and last.strength != "possible":
                surer = min(last, span, key=lambda one: order[one.strength])
                kept[-1] = Span(
                    start=last.start,
                    end=max(last.end, span.end),
                    kind=surer.kind,
                    strength=surer.strength,
                )
            elif order[span.strength] < order[last.strength]:
                kept[-1] = span
            continue
        kept.append(span)
    return tuple(kept)


def mask(text: str) -> str:
    """The text with words in place of every secret that is certain or likely."""
    out, at = [], 0
    for span in find(text):
        if span.strength != "possible":
            out += [text[at : span.start], span.mask]
            at = span.end
    return "".join((*out, text[at:]))


SHORTEST = 16
"""Characters; no secret that is looked for is shorter."""


def masked(value: Any) -> tuple[Any, int]:
    """A value with all its texts as `mask` shows them, at any depth, and how many of them hid something."""
    if isinstance(value, str):
        shown = mask(value) if len(value) >= SHORTEST else value
        return shown, int(shown != value)
    if isinstance(value, dict):
        pairs = [(name, masked(one)) for name, one in value.items()]
        return {name: one for name, (one, _) in pairs}, sum(count for _, (_, count) in pairs)
    if isinstance(value, list):
        found = [masked(one) for one in value]
        return [one for one, _ in found], sum(count for _, count in found)
    return value, 0


def refuse(value: str | None, where: str) -> None:
    """InputRefused for a text that somebody typed and that is or holds a wallet's secret; it is not repeated."""
    kind = None if value is None else kind_of(value)
    if kind is not None:
        raise InputRefused(
            f"this looks like {KINDS[kind]}: whoever reads it can take the money",
            where=where,
            hint="don't type it; take in the file or picture that it stands in with collect, "
            "and clear the shell's history",
        )


# --- base58 and the like ----------------------------------------------------------------------------------

_WIF_VERSIONS = frozenset(
    {0x80, 0xEF, 0xB0, 0x9E, 0xF1, 0xCC}
)  # Bitcoin, its tests, Litecoin, Dogecoin, Dash
_RUN = re.compile("(?<![0-9A-Za-z])[0-9A-Za-z]{22,120}(?![0-9A-Za-z])")


def _encoded(text: str) -> Iterator[Span]:
    for found in _RUN.finditer(text):
        kind = _kind_of(found[0])
        if kind is not None:
            # a mini key's check is eight bits only
            strength: Strength = "likely" if kind == "mini_key" else "certain"
            yield Span(start=found.start(), end=found.end(), kind=kind, strength=strength)


def _kind_of(word: str) -> str | None:
    """What a run of letters and digits is, if it is a secret by its checksum."""
    size = len(word)
    if word[0] == "s" and size <= 35:
        body = _checked(word, base58.RIPPLE)
        if body is not None and ((body[0] == 0x21 and len(body) == 17) or body[:3] == b"\x01\xe1\x4b"):
            return "xrp_seed"
        return None
    if word[0] == "S" and size in (22, 26, 30):
        return "mini_key" if hashlib.sha256(f"{word}?".encode()).digest()[0] == 0 and _is_mini(word) else None
    if 50 <= size <= 60:
        body = _checked(word, base58.BITCOIN)
        if body is None:
            return None
        if body[0] in _WIF_VERSIONS and len(body) in (33, 34) and body[33:] in (b"", b"\x01"):
            return "wif"
        if len(body) == 39 and body[:2] in (b"\x01\x42", b"\x01\x43"):
            return "encrypted_key"
    elif 105 <= size <= 115:
        body = _checked(word, base58.BITCOIN)
        # 78 bytes, and the key led by a zero (BIP-32): private under whatever version bytes a wallet uses
        if body is not None and len(body) == 78 and body[45] == 0:
            return "extended_private_key"
    elif 80 <= size <= 90:
        return "solana_key" if _is_solana_pair(_decoded(word)) else None
    return None


def _is_mini(word: str) -> bool:
    # one in 256 words would pass by its digest alone; real ones have digits and both cases
    return (
        all(char in base58.BITCOIN for char in word)
        and any(c.isdigit() for c in word)
        and any(c.islower() for c in word)
    )


def _checked(word: str, alphabet: str) -> bytes | None:
    try:
        return base58.decode_check(word, alphabet)
    except Undecoded:
        return None


def _decoded(word: str) -> bytes:
    try:
        return base58.decode(word)
    except Undecoded:
        return b""


def _is_solana_pair(raw: bytes) -> bool:
    """A private key and the public key that belongs to it, as wallets write them out; a signature is neither."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(raw) != 64:
        return False
    return Ed25519PrivateKey.from_private_bytes(raw[:32]).public_key().public_bytes_raw() == raw[32:]


_LIST = re.compile(r"\[\s*(?:[0-9]{1,3}\s*,\s*){63}[0-9]{1,3}\s*\]")


def _key_lists(text: str) -> Iterator[Span]:
    """A Solana key as its command line keeps it: a list of 64 numbers."""
    for found in _LIST.finditer(text):
        numbers = [int(one) for one in re.findall("[0-9]+", found[0])]
        if max(numbers) < 256 and _is_solana_pair(bytes(numbers)):
            yield Span(start=found.start(), end=found.end(), kind="solana_key", strength="certain")


# --- words ------------------------------------------------------------------------------------------------

_WORD = re.compile("[A-Za-z]+")
# Twelve words as short as those of the list, close to each other: what few sentences have.
_RUNS = re.compile(
    "(?<![A-Za-z])[A-Za-z]{3,8}+(?![A-Za-z])(?:[^A-Za-z]{1,16}+[A-Za-z]{3,8}+(?![A-Za-z])){11,}+"
)
_COUNTS = (24, 21, 18, 15, 12)
_GAP = 16
_LONGEST_RUN = 30


def _phrases(text: str) -> Iterator[Span]:
    """Twelve and more words of the list that follow each other, numbered or not, in any case."""
    for found in _RUNS.finditer(text):
        yield from _run(text, found.start(), found.end())


def _run(text: str, start: int, end: int) -> Iterator[Span]:
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text, start, end):
        if run and not _follows(text[run[-1].end() : word.start()]):
            yield from _phrase(run)
            run = []
        if word[0].lower() in _places():
            run.append(word)
        else:
            yield from _phrase(run)
            run = []
    yield from _phrase(run)


def _follows(gap: str) -> bool:
    return len(gap) <= _GAP and not any(char.isalpha() for char in gap)


def _phrase(run: list[re.Match[str]]) -> Iterator[Span]:
    if len(run) < min(_COUNTS):
        return
    spelled = [word[0].lower() for word in run]
    certain = any(_is_seed(spelled[at : at + count]) for at, count in _windows(len(spelled)))
    electrum = len(spelled) in (12, 24) and _is_electrum(spelled)
    kind = "electrum_seed" if electrum and not certain else "seed_phrase"
    # the whole run is covered, not only the words that the checksum fits: the other words tell of it too
    yield Span(
        start=run[0].start(),
        end=run[-1].end(),
        kind=kind,
        strength="certain" if certain or electrum else "likely",
    )


def _windows(length: int) -> Iterator[tuple[int, int]]:
    """Where a seed may stand in a run of words: anywhere in a short run, at the ends of a long one.

    A long run is covered whatever comes out, so the search is bounded without leaving anything shown.
    """
    for count in _COUNTS:
        last = length - count
        starts = range(last + 1) if length <= _LONGEST_RUN else (0, last)
        for at in starts:
            if at >= 0:
                yield at, count


@functools.cache
def _places() -> dict[str, int]:
    return {word: place for place, word in enumerate(words.english())}


def _is_seed(spelled: list[str]) -> bool:
    number = 0
    for word in spelled:
        number = number << 11 | _places()[word]
    check_bits = len(spelled) // 3
    entropy = (number >> check_bits).to_bytes(check_bits * 4, "big")
    return hashlib.sha256(entropy).digest()[0] >> 8 - check_bits == number & (1 << check_bits) - 1


def _is_electrum(spelled: list[str]) -> bool:
    seed = " ".join(spelled).encode()
    return hmac.digest(b"Seed version", seed, "sha512").hex().startswith(("01", "100", "101", "102"))


# --- labels and files -------------------------------------------------------------------------------------

_LABELS = (
    "account[ _-]?secret",
    "(?:private|secret)[ _-]?(?:(?:spend|view)[ _-]?)?key",
    "(?:spend|view)[ _-]?key[ _-]?(?:secret|private)",
    "priv[ _-]?key",
    "master[ _-]?(?:seed|secret|key)(?:[ _-]?hex)?",
    "wallet[ _-]?secret",
    "seed(?:[ _-]?hex)?",
)
_BETWEEN = r"[\"'”’]?\s{0,4}(?::|=|:=|->|→|is)\s{0,4}[\"'“‘]?"
_VALUE = re.compile(rf"(?:{'|'.join(_LABELS)}){_BETWEEN}((?:0x)?[0-9A-Za-z+/=_-]{{24,200}})", re.IGNORECASE)
# A dozen words are prose more often than a seed: only behind a label that means nothing else.
_WORDS = re.compile(
    r"(?:(?:recovery|backup|seed|mnemonic|secret)[ _-]?(?:phrase|words)|mnemonic)[\"'”’]?\s{0,4}[:=]\s{0,4}[\"'“‘\[]?"
    r"([0-9. )\"]{0,5}[^\W\d_]{2,12}(?:[ ,;\n\r\t0-9.)\"]{1,8}[^\W\d_]{2,12}){11,24})",
    re.IGNORECASE,
)


def _labelled(text: str) -> Iterator[Span]:
    """What stands behind words such as "private key:": a long value, or a dozen words of any language."""
    lower = text.lower()
    if not any(word in lower for word in ("key", "secret", "seed", "mnemonic", "phrase", "words")):
        return
    for look in (_VALUE, _WORDS):
        for found in look.finditer(text):
            yield Span(start=found.start(1), end=found.end(1), kind="account_secret", strength="likely")


_HEX = re.compile("(?<![0-9A-Za-z])(?:0x)?[0-9a-fA-F]{64}(?![0-9A-Za-z])")


def _hex(text: str) -> Iterator[Span]:
    for found in _HEX.finditer(text):
        yield Span(start=found.start(), end=found.end(), kind="hex_64", strength="possible")


_KEYSTORE = re.compile(r'\{[^{}]{0,400}"(?:crypto|Crypto)"\s{0,8}:\s{0,8}\{')
_KEYSTORE_LONGEST = 4096


def _keystores(text: str) -> Iterator[Span]:
    """A JSON object with ``crypto`` that holds ``ciphertext``, ``kdf`` and ``mac``: a key under a passphrase."""
    for found in _KEYSTORE.finditer(text):
        piece = text[found.start() : found.start() + _KEYSTORE_LONGEST]
        try:
            value, end = json.JSONDecoder().raw_decode(piece)
        except (ValueError, RecursionError):
            continue
        inner = value.get("crypto", value.get("Crypto"))
        if isinstance(inner, dict) and {"ciphertext", "kdf", "mac"} <= inner.keys():
            yield Span(start=found.start(), end=found.start() + end, kind="keystore", strength="certain")


def kind_of(value: str) -> str | None:
    """What kind of secret a short value is or holds, certain or likely, or None.

    It is read also without white space, hyphens and characters that can't be seen: people break up long words.
    """
    for span in find(value):
        if span.strength != "possible":
            return span.kind
    # squeezed together any sentence is a long word behind its labels: here only checksums count
    for span in find(re.sub(r"[\s\u200b-\u200f\u2060\ufeff-]+", "", value)):
        if span.strength == "certain":
            return span.kind
    return None
