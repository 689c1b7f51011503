"""What the record in a package says: each event as whoever signed it stated it, with the parts that are shown.

For a package that was verified and is intact: that these words were logged, by whom and in this order, is proven
then. Whether they are true is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from custody.crypto import sealing
from custody.errors import CheckFailed
from custody.format import package, shape
from custody.format.compartments import COMPARTMENTS
from custody.format.text import from_base64
from custody.verify.bundle import Bundle
from custody.verify.contents import MAX_PART
from custody.verify.package import Examined
from custody.verify.record import Placed

_OF_THE_PLACE = frozenset({"label", "exhibit", "acquisition", "object", "wrapped_to", "from"})
"""Public fields that only say where in the record an entry belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event. ``seq``: its position over all volumes; ``label``: of its item or exhibit, None for all else.

    ``kind`` and ``wall`` (UTC, by the clock of whoever signed) are None where a newer custody made it. ``public``:
    its public fields, without those that only place it; ``shown``: its sealed parts that the package shows,
    ``withheld``: the names of the others.
    """

    seq: int
    name: str
    key_id: str
    subject: str | None
    label: str | None
    kind: str | None
    wall: str | None
    public: Mapping[str, Any]
    shown: Mapping[str, dict[str, Any]]
    withheld: tuple[str, ...]


def history(file: BinaryIO, examined: Examined) -> Iterator[Told]:
    """All events that a package shows, in the order of the record. ``examined``: what `verify` kept of it.

    Raises CheckFailed where a part is no longer what was just verified.
    """
    record, contents = examined.record, examined.contents
    if record is None or contents is None:
        return
    bundle = Bundle(file)
    keys = {(seq, name): key for seq, name, key in contents.keys if (seq, name) in contents.opened}
    labels: dict[str, str] = {}
    for seq in sorted(record.entries):
        placed = record.entries[seq]
        body = placed.body
        if body is None:
            yield _newer(placed)
            continue
        label = body.public.get("label")
        if isinstance(label, str) and body.kind != "item.received":
            labels.setdefault(body.subject.id, label)
        shown = {
            name: _opened(bundle, placed, name, keys[seq, name])
            for name in body.sealed
            if (seq, name) in keys
        }
        yield Told(
            seq=seq,
            name=placed.name,
            key_id=placed.key_id,
            subject=body.subject.type,
            label=labels.get(body.subject.id),
            kind=body.kind,
            wall=body.time.wall,
            public={name: value for name, value in body.public.items() if name not in _OF_THE_PLACE},
            shown=shown,
            withheld=tuple(sorted(set(body.sealed) - set(shown))),
        )


def _newer(placed: Placed) -> Told:
    return Told(
        seq=placed.seq,
        name=placed.name,
        key_id=placed.key_id,
        subject=None,
        label=None,
        kind=None,
        wall=None,
        public={},
        shown={},
        withheld=(),
    )


def _opened(bundle: Bundle, placed: Placed, name: str, key: str) -> dict[str, Any]:
    body, where = placed.body, f"{placed.name}, part {name}"
    assert body is not None
    sealed = bundle.read(f"{package.RECORD}parts/{body.sealed[name]}", MAX_PART)
    if hashlib.sha256(sealed).hexdigest() != body.sealed[name]:
        raise CheckFailed("the package changed while it was read", where=where)
    subject = body.subject
    value = sealing.open_compartment(
        from_base64(key, where=where), body.ledger, subject.id, subject.n, name, sealed, where=where
    )
    return shape.known_part(value, COMPARTMENTS[name]) if name in COMPARTMENTS else {}
