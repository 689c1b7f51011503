"""The first write of a new volume: what it goes on from, who may do what in it, and under which keys."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto.keys import LogKeys
from custody.format.merkle import leaf_hash
from custody.format.text import to_base64
from custody.keys import erasable
from custody.keys.keyfile import KeyFile
from custody.ledger import store as ledgers
from custody.ledger import volumes
from custody.procedure import authorities, setup
from custody.procedure.locker import Writer
from custody.procedure.rim import Rim
from custody.verify.rights import Rights

RESTORER_RIGHTS = ("admin", "seal", "collect", "audit")
"""What the restorer may do from now on, besides what he could: a lost administrator must not end the locker."""


def begin(
    building: Path,
    key_file: KeyFile,
    rim: Rim,
    rights: Rights,
    predecessor: dict[str, Any],
    certificates: Mapping[str, bytes],
    *,
    origin: str,
    name: str,
    title: dict[str, Any] | None,
) -> bytes:
    """Write the new volume: `ledger.continued`, the authorities, the keys of both. Gives its leaf hash."""
    random = rim.random
    ledger_id = rim.new_id()
    log_keys = LogKeys(random(32), random(32))
    roster = {class_name: random(32) for class_name in ("record", "identity", "note")}
    ledgers.Ledger.create(building / ledgers.FILE_NAME).close()
    store = erasable.ErasableStore(building / erasable.FILE_NAME)
    ledger = ledgers.Ledger(building / ledgers.FILE_NAME)
    try:
        store.add_origin(origin)
        known = list(rights.authorities)
        with ledger.append(rights=rights, clock=lambda: setup.plain_time(rim)) as append:
            writer = Writer(append, origin=origin, sign_key=key_file.keys.sign)
            fields = setup.public_fields(key_file.keys, RESTORER_RIGHTS)
            public = {
                "rules": 1,
                "log_keys": [{"alg": alg, "key": to_base64(key)} for alg, key in log_keys.public.items()],
                "custodian": {field: fields[field] for field in ("sign_key", "wrap_key", "rights")},
                "recovery": rights.recovery,
                "certificate": None,
                "predecessor": predecessor,
            }
            parts: dict[str, dict[str, Any]] = {"identity": {"name": name}}
            if title is not None:
                parts["title"] = title
            genesis = writer.add(
                "ledger.continued",
                "ledger",
                ledger_id,
                public=public,
                parts=parts,
                keys=roster,
                approvals=[key_file.public_file(rim.wall()).to_value()],
            )
            if known:
                named = [_named(row, certificates) for row in known]
                authorities.set_policy(writer, ledger_id, named)
            append.flush()
            readers, sealers = rights.roster_readers(), rights.sealers()
            writer.rows.wraps += setup.roster_wraps(origin, ledger_id, roster, readers)
            writer.rows.wraps += setup.log_wraps(origin, ledger_id, log_keys, sealers)
            store.add(writer.rows)
            machine.at_point("restore erasable commit")
        machine.at_point("restore ledger commit")
        ledger.settle()
        store.settle()
    finally:
        ledger.close()
        store.close()
    return leaf_hash(genesis.envelope)


def _named(row: Mapping[str, Any], certificates: Mapping[str, bytes]) -> authorities.Named:
    roots = tuple(certificates[digest] for digest in row["roots"] if digest in certificates)
    return authorities.Named(url=row["url"], roots=roots, policies=tuple(row["policies"]))


def predecessor(record: volumes.Record, last: volumes.Volume) -> dict[str, Any]:
    """What the new volume says of the one before: its tree, its newest note, the end of its ledger's history."""
    head = record.newest.head(last.ledger)
    assert head is not None  # entry 0 is about it
    newest = record.newest.newest_note()
    return {
        "origin": last.origin,
        "size": last.size,
        "root": last.root.hex(),
        "note": None if newest is None else hashlib.sha256(newest[1]).hexdigest(),
        "n": head.n,
        "leaf": head.leaf.hex(),
    }
