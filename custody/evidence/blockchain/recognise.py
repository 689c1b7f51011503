"""What a text is: an address, an id, an invoice, a link, a secret; on which chain, and how sure that is.

Every reading is given and none is chosen: a chain that does not stand in the text is a question for somebody
who knows. Nothing is repaired: not the case of a letter, not a character that looks like another.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator

from custody.evidence.blockchain import ids, invoice, secrets, uri
from custody.evidence.blockchain.addresses import evm, others, utxo
from custody.evidence.blockchain.encodings import bech32
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.blockchain.reading import Reading, Recognised

LONGEST = 8192
"""The longest text that is looked at, in characters: an invoice is the longest of all and far shorter."""
_WOULD_BE = 20  # characters without white space between them: no shorter text is an address
_NONE = "this has the form of no address, id or invoice that we know; it is kept as it stands"


def recognise(text: str) -> Recognised:
    """Every reading of a text, the soundest first; spaces around it are not looked at.

    A secret is the only reading of a text that holds one, and then ``shown`` has words in its place. A text
    with a character beyond ASCII has no reading: which one was meant is not ours to say. Never an error.
    """
    if len(text) > LONGEST:
        return Recognised(
            raw=text,
            shown=secrets.mask(text),
            readings=(),
            reason=f"this is longer than {LONGEST} characters: more than one thing, or none",
        )
    hidden = tuple(_secret(span) for span in secrets.find(text) if span.strength != "possible")
    if not hidden and (kind := secrets.kind_of(text)) is not None:  # broken up by spaces
        hidden = (_secret(secrets.Span(start=0, end=len(text), kind=kind, strength="certain")),)
        return Recognised(raw=text, shown=f"[hidden: {secrets.KINDS[kind]}]", readings=hidden)
    shown = secrets.mask(text)
    if hidden:
        return Recognised(raw=text, shown=shown, readings=hidden)
    word = text.strip(" \t\r\n")
    odd = tuple(
        (at, f"U+{ord(char):04X}", unicodedata.name(char, "no name"))
        for at, char in enumerate(text)
        if not char.isascii() or (not char.isprintable() and char not in "\t\r\n")
    )
    if odd:
        would_be = len(word) >= _WOULD_BE and not re.search(r"[ \t\r\n]", word)
        return Recognised(
            raw=text,
            shown=shown,
            readings=(),
            reason="characters stand in it that no address or id has; none was put in their place",
            flags=("homoglyph",) if would_be else (),
            odd=odd,
        )
    readings = tuple(sorted(_all(word), key=_soundness))
    return Recognised(
        raw=text, shown=shown, readings=readings, reason=None if readings else _reason(word), odd=odd
    )


def _all(word: str) -> Iterator[Reading]:
    link = uri.parse(word)
    if link is not None:
        # CashAddr's prefix is a part of the address, and looks like a scheme
        target = f"{link.scheme}:{link.target}" if link.chain == "bitcoin-cash" else link.target
        for reading in _plain(target):
            yield _of_link(reading, link)
        return
    yield from _plain(word)


def _plain(word: str) -> Iterator[Reading]:
    yield from utxo.possible(word)
    yield from evm.possible(word)
    yield from others.possible(word)
    yield from ids.possible(word)
    yield from _invoice(word)


def _soundness(reading: Reading) -> tuple[int, int]:
    rank = {"checksum_ok": 0, "form_ok": 1, None: 2}[reading.level]
    return rank, 0


def _of_link(reading: Reading, link: uri.Link) -> Reading:
    """A reading of a link's target, with what the link says of it."""
    facts = [("link", link.scheme)]
    if link.chain_number is not None:
        facts.append(("chain_number", link.chain_number))
    for name, value in (("amount", link.amount), ("amount_units", link.units), ("call", link.call)):
        if value is not None:
            facts.append((name, value))
    facts += [(f"parameter:{name}", value) for name, value in link.parameters]
    chains, flags, origin = reading.chains, reading.flags, reading.origin
    if link.chain in chains:
        chains, origin = (link.chain,), "in_value"
        flags = tuple(flag for flag in flags if flag != "chain_ambiguous")
    return dataclasses.replace(
        reading, chains=chains, flags=flags, origin=origin, facts=(*reading.facts, *facts)
    )


def _invoice(word: str) -> Iterator[Reading]:
    if not re.match("ln(?:bcrt|bc|tbs|tb)[0-9a-z]*1", word, re.IGNORECASE):
        return
    try:
        found = invoice.parse(word)
    except Undecoded as fault:
        bad = fault.checksum or fault.position is not None or not _has_checksum(word)
        yield Reading(
            kind="invoice",
            chains=("bitcoin",),
            canonical=word,
            level=None,
            checksum="bad" if bad else "ok",
            position=fault.position,
            reason=fault.what,
            flags=("checksum_bad" if bad else "invoice_unsound",),
        )
        return
    stated = (
        ("amount_millisatoshi", None if found.amount is None else str(found.amount)),
        ("asked", found.asked),
        ("expires", found.expires),
        ("payment_hash", found.payment_hash),
        ("payee", found.payee),
        ("payee_origin", "in_value" if found.payee_stated else "from_signature"),
        ("description", found.description),
        ("description_hash", found.description_hash),
        ("features", found.features),
        *(("fallback", one) for one in found.fallbacks),
    )
    yield Reading(
        kind="invoice",
        chains=("bitcoin",),
        origin="in_value",
        network=found.network,
        canonical=word.lower(),
        script_type="bolt11",
        payload_hex=found.payment_hash,
        level="checksum_ok",
        checksum="ok",
        flags=() if found.network == "main" else ("test_network",),
        facts=tuple((name, value) for name, value in stated if value is not None),
    )


def _has_checksum(word: str) -> bool:
    try:
        bech32.decode(word, longest=invoice.LONGEST)
    except Undecoded:
        return False
    return True


def _secret(span: secrets.Span) -> Reading:
    return Reading(
        kind="secret",
        chains=(),
        canonical=span.mask,
        level="checksum_ok" if span.strength == "certain" else "form_ok",
        checksum="ok" if span.strength == "certain" else "none",
        script_type=span.kind,
        reason=secrets.KINDS[span.kind],
    )


def _reason(word: str) -> str:
    if not word:
        return "this is empty"
    if re.fullmatch("0[xX][0-9a-fA-F]+", word):
        return f"0x and {len(word) - 2} hexadecimal digits: an address has 40, an id has 64"
    try:
        found = bech32.decode(word)
    except Undecoded:
        return _NONE
    return f"{found.variant} with the prefix {found.prefix}, of no chain that we know; its checksum matches"
