"""Proving a payment offline from items of a locker: each is opened like any item, logged first; nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from custody.errors import InputRefused
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.proof.claim import Claim, Statement
from custody.evidence.blockchain.proof.gather import LONGEST, Piece, Role, gather
from custody.evidence.blockchain.proof.ladder import Ladder
from custody.evidence.blockchain.prove import prove
from custody.format.text import show
from custody.ledger.work import ItemRow
from custody.procedure import access
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.typed import PAYMENT_REFERENCE

_HEX = re.compile("[0-9a-f]+")
SCREENSHOT = "screenshot"
ROLES: tuple[str, ...] = (*get_args(Role), SCREENSHOT)
"""What a person can say that an item is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An opened item. ``role``: of ROLES, where somebody said so."""

    label: str
    media_type: str
    data: bytes
    role: str | None


def prove_items(
    desk: Desk,
    items: Sequence[ItemRow],
    purpose: Purpose,
    *,
    roles: Mapping[str, str] | None = None,
    chain: str | None = None,
    txid: str | None = None,
) -> Ladder:
    """Open the items (each is logged) and take every step that their bytes allow.

    ``roles``: what people say that an item is, by its id; ``chain`` and ``txid``: what they state where no item is
    a typed payment. InputRefused where the chain is not known or two payments are named, or an item has no content.
    The same items always give the same ladder.
    """
    given = [_open(desk, item, purpose, (roles or {}).get(item.id)) for item in items]
    typed = [one for one in given if one.media_type == PAYMENT_REFERENCE]
    claim = _claim(typed, given, chain, txid)
    pictures = [one for one in given if _is_picture(one)]
    pieces = [
        Piece(label=one.label, data=one.data, role=one.role)  # type: ignore[arg-type]  # a Role: screenshots are apart
        for one in given
        if one not in typed and one not in pictures
    ]
    evidence = gather(claim, pieces)
    seen = tuple(Statement(kind="screenshot", label=one.label) for one in pictures)
    return prove(claim, replace(evidence, statements=(*evidence.statements, *seen)))


def _is_picture(one: Given) -> bool:
    return one.role == SCREENSHOT or (one.role is None and one.media_type.startswith("image/"))


def _claim(typed: Sequence[Given], given: Sequence[Given], chain: str | None, txid: str | None) -> Claim:
    if len(typed) > 1:
        raise InputRefused(
            "more than one typed payment",
            where=", ".join(one.label for one in typed),
            hint="prove them one by one: name the item of one, and the rest with --with",
        )
    if typed:
        claim = Claim.of_reference(json.loads(typed[0].data))
        if chain is not None and chain != claim.chain:
            raise InputRefused(
                "the chain that you state is not the one of the typed payment",
                where=typed[0].label,
                expected=show(claim.chain, 60),
                found=show(chain, 60),
            )
        if txid is not None and claim.txid is not None and not _same_txid(txid, claim.txid):
            raise InputRefused(
                "the transaction that you state is not the one of the typed payment",
                where=typed[0].label,
                expected=show(claim.txid, 200),
                found=show(txid, 200),
            )
        return claim if claim.txid is not None else replace(claim, txid=txid)
    if chain is None:
        raise InputRefused(
            "no item says which chain this is about, and the same bytes can be of several",
            where=", ".join(one.label for one in given),
            expected="a typed payment among the items, or --chain",
            hint=f"for instance --chain bitcoin; known: {', '.join(CHAINS)}, lightning",
        )
    if chain not in CHAINS and chain != "lightning" and not re.match("other:.", chain):
        raise InputRefused(
            "no such chain is known",
            where="--chain",
            expected=f"one of {', '.join(CHAINS)}, lightning, or other:<its name>",
            found=show(chain, 60),
        )
    return Claim(chain=chain, txid=txid)


def _same_txid(one: str, other: str) -> bool:
    """Without case where both are hexadecimal: Solana's base58 has case that counts."""
    plain = [text.removeprefix("0x").lower() for text in (one.strip(), other.strip())]
    return one.strip() == other.strip() or (plain[0] == plain[1] and _HEX.fullmatch(plain[0]) is not None)


def _open(desk: Desk, item: ItemRow, purpose: Purpose, role: str | None) -> Given:
    opened = access.open_item(desk, item, purpose=purpose)
    if opened.content is None:
        raise InputRefused("only registered: its content was kept nowhere", where=item.label)
    content = opened.first("content") or {}
    media_type = str(content.get("media_type", ""))
    one = Given(label=item.label, media_type=media_type, data=b"", role=role)
    if _is_picture(one):
        return one
    # What is larger than any block is not read, and said to be so.
    large = int(content.get("size", 0)) > LONGEST
    return replace(one, data=bytes(LONGEST + 1) if large else b"".join(opened.content()))
