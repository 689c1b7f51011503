"""Timestamp authorities that the locker names; none by default, and nothing else is ever contacted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from custody.anchor.authority import Authority
from custody.ledger.store import View
from custody.procedure.locker import Writer
from custody.verify.rights import Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An authority as a person names it: its address, its root certificates (DER), allowed policies."""

    url: str
    roots: tuple[bytes, ...] = ()
    policies: tuple[str, ...] = ()


def set_policy(writer: Writer, ledger_id: str, tsa: Sequence[Named]) -> None:
    """Log which authorities are asked from now on, and keep their roots."""
    public = {
        "authorities": [
            {
                "url": named.url,
                "roots": [hashlib.sha256(der).hexdigest() for der in named.roots],
                "policies": list(named.policies),
            }
            for named in tsa
        ],
        "settings": {},
    }
    writer.add("policy.set", "ledger", ledger_id, public=public)
    writer.append.add_root_certificates(
        [(hashlib.sha256(der).digest(), der) for named in tsa for der in named.roots]
    )


def in_force(view: View, rights: Rights) -> tuple[Authority, ...]:
    """The authorities of the newest policy, with the roots that the locker keeps."""
    kept = view.root_certificates()
    return tuple(
        Authority(
            url=row["url"],
            roots=tuple(kept[digest] for digest in row["roots"] if digest in kept),
            policies=tuple(row["policies"]),
        )
        for row in rights.authorities
    )
