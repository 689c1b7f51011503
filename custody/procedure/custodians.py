"""Custodians: adding people's keys, giving and taking rights, and the wraps that follow from rights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from custody.crypto import sealing
from custody.errors import InputRefused, NoRight
from custody.format import kinds
from custody.format.envelope import Envelope
from custody.format.public_key import PublicKeyFile
from custody.format.text import show
from custody.keys.erasable import Wrap
from custody.procedure.keyring import wrap_for
from custody.procedure.locker import Desk
from custody.procedure.rim import wall
from custody.procedure.setup import log_wraps, public_fields_of, roster_wraps
from custody.verify.rights import ALL_CLASSES, Custodian, Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a grant did: how many cases' worth of messages were wrapped to the newcomer."""

    key_id: str
    wraps: int


def find(desk: Desk, ending: str) -> Custodian:
    """The custodian whose key id begins or ends so (at least 6 digits)."""
    wanted = ending.lower()
    found = [
        custodian
        for custodian in desk.rights.custodians.values()
        if len(wanted) >= 6 and (custodian.key_id.startswith(wanted) or custodian.key_id.endswith(wanted))
    ]
    if len(found) == 1:
        return found[0]
    raise InputRefused(
        "no such custodian" if not found else "more than one custodian has a key id like this",
        where=show(ending, 70),
        hint="custody custodian list shows the key ids; give at least 6 digits of one",
    )


def add(
    desk: Desk,
    file: PublicKeyFile,
    envelope: Envelope,
    *,
    name: str,
    rights: Sequence[str],
    all_cases: bool = False,
    unattended: bool = False,
) -> Granted:
    """Add a person's key with ledger-wide rights; with all_cases, every case's keys are wrapped to it."""
    desk.need("admin", None, what="custodian add")
    if file.key_id in desk.rights.custodians:
        raise InputRefused("this key is one of the locker's custodians already", found=file.key_id[:16])
    wide = set(rights) - set(kinds.LEDGER_RIGHTS)
    if wide and not all_cases:
        raise InputRefused(
            "a right that is given case by case",
            found=", ".join(sorted(wide)),
            hint="add the custodian, then: custody custodian grant KEY --case REF --right read; or use --all-cases",
        )
    if unattended and (set(rights) != {"collect"} or all_cases):
        raise InputRefused("an unattended key may only collect")
    roster = desk.ring.class_keys(desk.locker.ledger_id)
    public = public_fields_of(file, rights, all_cases=all_cases, unattended=unattended)
    with desk.write() as writer:
        writer.add(
            "custodian.added",
            "ledger",
            desk.locker.ledger_id,
            public=public,
            parts={"identity": {"name": name}},
            keys=roster,
            approvals=[envelope.to_value()],
        )
        wraps = _wraps_for(desk, desk.rights.custodians[file.key_id])
        writer.rows.wraps += wraps
    return Granted(key_id=file.key_id, wraps=len(wraps))


def _wraps_for(desk: Desk, custodian: Custodian) -> list[Wrap]:
    """All messages that a custodian's ledger-wide rights ask for, as far as this desk holds the keys."""
    wraps: list[Wrap] = []
    if custodian in desk.rights.sealers():
        wraps += log_wraps(desk.origin, desk.locker.ledger_id, desk.log_keys(), [custodian])
    if custodian in desk.rights.roster_readers():
        wraps += _roster_wraps(desk, custodian)
    if custodian.all_cases and custodian.rights & {"read", "export"}:
        for case in desk.locker.work.cases():
            wraps += _case_wraps(desk, case.id, custodian, ALL_CLASSES)
    return wraps


def _roster_wraps(desk: Desk, custodian: Custodian) -> list[Wrap]:
    """The roster's keys, which every volume has of its own."""
    made = []
    for volume in desk.locker.volumes:
        roster = desk.ring.class_keys(volume.ledger)
        made += roster_wraps(desk.origin, volume.ledger, roster, [custodian])
    return made


def _case_wraps(desk: Desk, case: str, custodian: Custodian, classes: frozenset[str]) -> list[Wrap]:
    """The case's, its exhibits' and its batches' keys for one custodian, one message each; old items included."""
    store, ring, origin = desk.locker.erasable, desk.ring, desk.origin
    made: list[Wrap | None] = []
    if not ring.class_keys(case):
        raise _cant_pass_on()
    items = [item.id for item in desk.locker.work.items(case)]
    rows = (store.item_keys(item) for item in items)
    held = [
        (subject, "keys", ring.class_keys(subject), classes & set(sealing.OTHER_CLASSES))
        for subject in [case, *(exhibit.id for exhibit in desk.locker.work.exhibits(case))]
    ]
    held += [
        (batch, "batch", ring.batch_keys(batch), classes)
        for batch in dict.fromkeys(row.batch for row in rows if row is not None)
    ]
    for subject, use, keys, wanted in held:
        # A message replaces the one before: with fewer keys in it, it would take some away.
        if wanted - set(keys):
            raise _cant_pass_on()
        made.append(wrap_for(origin, subject, use, keys, custodian, wanted))
    return [wrap for wrap in made if wrap is not None]


def _cant_pass_on() -> NoRight:
    return NoRight(
        "your key can't open all of this case, so it can't pass its keys on",
        where="custodian grant",
        hint="somebody who reads the case, in all its classes, and is an administrator has to grant this",
    )


def grant(
    desk: Desk, custodian: Custodian, case: str, *, rights: Sequence[str], classes: Sequence[str]
) -> Granted:
    """Give rights in a case, by class; the keys of everything already in it are wrapped too."""
    desk.need("admin", case, what="custodian grant")
    _check_case_rights(rights, classes)
    if custodian.wrap_key is None and set(rights) & {"read", "export"}:
        raise InputRefused("this key can't be given anything to read: it is a collector's, for signing only")
    public = {"key_id": custodian.key_id, "rights": list(rights), "classes": list(classes)}
    with desk.write() as writer:
        # Under the lock, so that no batch comes in between: it would have no wrap for the newcomer.
        old = desk.rights.grant(custodian.key_id, case)
        new = Grant(old.rights | set(rights), old.classes | set(classes))
        wraps: list[Wrap] = []
        if new.rights & {"read", "export"}:
            wraps += _case_wraps(desk, case, custodian, new.classes)
        writer.add("access.granted", "case", case, case=case, public=public)
        if custodian in desk.rights.roster_readers():
            wraps += _roster_wraps(desk, custodian)
        writer.rows.wraps += wraps
    return Granted(key_id=custodian.key_id, wraps=len(wraps))


def revoke(
    desk: Desk, custodian: Custodian, case: str, *, rights: Sequence[str], classes: Sequence[str]
) -> None:
    """Take rights in a case from now on. What he could open before, he may have kept."""
    desk.need("admin", case, what="custodian revoke")
    _check_case_rights(rights, classes)
    public = {"key_id": custodian.key_id, "rights": list(rights), "classes": list(classes)}
    with desk.write() as writer:
        writer.add("access.revoked", "case", case, case=case, public=public)


def _check_case_rights(rights: Sequence[str], classes: Sequence[str]) -> None:
    for right in rights:
        if right not in kinds.CASE_RIGHTS:
            raise InputRefused(
                "not a right in a case", found=show(right, 40), expected=", ".join(kinds.CASE_RIGHTS)
            )
    for name in classes:
        if name not in kinds.CLASSES:
            raise InputRefused("not a class of keys", found=show(name, 40), expected=", ".join(kinds.CLASSES))
    if not rights:
        raise InputRefused("no right named", expected=", ".join(kinds.CASE_RIGHTS))


def retire(desk: Desk, custodian: Custodian) -> None:
    """A key is no longer used: it signs nothing from now on, and nothing new is wrapped to it."""
    desk.need("admin", None, what="custodian retire")
    if not custodian.in_force:
        raise InputRefused("the key is out of force already", found=custodian.key_id[:16])
    if _last_admin(desk, custodian):
        raise InputRefused(
            "this is the only administrator",
            found=custodian.key_id[:16],
            hint="add another custodian with --right admin first",
        )
    with desk.write() as writer:
        writer.add("custodian.retired", "ledger", desk.locker.ledger_id, public={"key_id": custodian.key_id})


def compromised(desk: Desk, custodian: Custodian, *, since: dt.datetime, note: str | None = None) -> None:
    """A key is in other hands since a time. Its entries count only where a token proves them older."""
    if custodian.key_id != desk.key_id:
        desk.need("admin", None, what="custodian compromised")
    if custodian.compromised_since is not None:
        raise InputRefused("this key is reported already", found=custodian.key_id[:16])
    if since > desk.rim.now():
        raise InputRefused("a time in the future", where="--since", found=wall(since))
    parts: dict[str, dict[str, Any]] = {"note": {"text": note}} if note else {}
    public = {"key_id": custodian.key_id, "since": wall(since)}
    with desk.write() as writer:
        writer.add(
            "custodian.compromised",
            "ledger",
            desk.locker.ledger_id,
            public=public,
            parts=parts,
            keys=desk.ring.class_keys(desk.locker.ledger_id),
        )


def _last_admin(desk: Desk, custodian: Custodian) -> bool:
    admins = [c for c in desk.rights.custodians.values() if "admin" in c.rights and c.in_force]
    return [c.key_id for c in admins] == [custodian.key_id]
