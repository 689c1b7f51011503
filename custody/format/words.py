"""Words: numbers that people can read out over a telephone (BIP-39, English list).

Twelve words are 128 bits and 4 check bits: the fingerprint of a ledger. Twenty-four words are 256
bits and 8 check bits: a recovery sheet. A package's passphrase is ten words of the same list,
110 random bits, without a check.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from importlib import resources

from custody.errors import FormatError
from custody.format.text import show

PASSPHRASE_WORDS = 10


@functools.cache
def english() -> tuple[str, ...]:
    """The 2,048 words, in order; four letters tell each from all others."""
    text = resources.files("custody.format").joinpath("words_english.txt").read_text("ascii")
    return tuple(text.split())


def encode(data: bytes) -> tuple[str, ...]:
    """16 bytes as 12 words, 32 bytes as 24 words, the last with the check bits of BIP-39."""
    if len(data) not in (16, 32):
        raise FormatError("only 16 or 32 bytes have a spelling in words", found=f"{len(data)} bytes")
    check_bits = len(data) // 4
    check = hashlib.sha256(data).digest()[0] >> (8 - check_bits)
    number = int.from_bytes(data, "big") << check_bits | check
    count = (len(data) * 8 + check_bits) // 11
    return tuple(english()[number >> 11 * place & 0x7FF] for place in reversed(range(count)))


def decode(text: str, *, count: int, where: str) -> bytes:
    """The bytes of ``count`` (12 or 24) words; FormatError names the word that is off.

    Capitals, commas, dashes, numbering and any white space are forgiven: people dictate these.
    """
    words = re.findall(r"[a-z]+", text.lower())
    if len(words) != count:
        raise FormatError("another number of words", where=where, expected=str(count), found=str(len(words)))
    # Four letters tell each word from all others, so they are taken for it.
    index = {spelling: place for place, word in enumerate(english()) for spelling in (word, word[:4])}
    number = 0
    for place, word in enumerate(words, 1):
        if word not in index:
            raise FormatError(
                f"word {place} is not in the list",
                where=where,
                # The words of a recovery sheet are a secret: an error message may end in a log.
                found=show(word, 20) if count == 12 else None,
                hint="the list is English; the first four letters of each word are enough to tell it from all others",
            )
        number = number << 11 | index[word]
    check_bits = count // 3
    data = (number >> check_bits).to_bytes(count * 4 // 3, "big")
    if encode(data) != tuple(english()[index[word]] for word in words):
        raise FormatError(
            "the check in the last word does not fit",
            where=where,
            hint="a word is wrong or two have changed places; have them read out again",
        )
    return data


def passphrase(random: Callable[[int], bytes]) -> str:
    """Ten words with spaces: 109 bits, more than an AES zip's weak key derivation needs.

    ``random(n)`` gives n random bytes. Phrases over 64 bytes are drawn again (one in three): the zip
    format hashes longer ones down to 20 bytes first.
    """
    while True:
        number = int.from_bytes(random(20), "big")
        phrase = " ".join(english()[number >> 11 * place & 0x7FF] for place in range(PASSPHRASE_WORDS))
        if len(phrase) <= 64:
            return phrase
