"""Cases: opening one, finding one by its reference, closing one."""

from __future__ import annotations

from typing import Any

from custody.errors import InputRefused, NoRight
from custody.format import names
from custody.format.text import show
from custody.ledger.work import CaseRow
from custody.procedure.keyring import index_key, lookup, wraps_for_readers
from custody.procedure.locker import Desk
from custody.procedure.lookups import lookup_tag

MAX_REFERENCE = 200


def open_case(desk: Desk, reference: str, *, title: str | None = None, legal_basis: str | None = None) -> str:
    """Begin a case: its own keys for everybody who may read it, its reference sealed. Gives the case's id.

    The reference may be a name, so it stands only sealed; it is found again by a keyed hash.
    """
    check_reference(reference)
    desk.need("collect", None, what="case open")
    existing = find_by_reference(desk, reference)
    if existing is not None:
        raise InputRefused(
            "this locker has a case with this reference",
            where=show(reference),
            hint=f"collect into it, or choose another reference; its id ends in {names.short(existing)}",
        )
    rim = desk.rim
    case = rim.new_id()
    # A key out of force is refused by the record itself, which says why.
    in_force = desk.rights.custodians[desk.key_id].in_force
    if in_force and not desk.rights.readers(case, opener=desk.key_id):
        raise NoRight(
            "nobody could read this case, not even its reference",
            where="case open",
            hint="a key that only collects opens no case for itself: somebody who may read it has to",
        )
    keys = {name: rim.random(32) for name in ("record", "identity", "note")}
    parts: dict[str, dict[str, Any]] = {"title": {"ref": reference}}
    if title:
        parts["title"]["title"] = title
    if legal_basis:
        parts["legal"] = {"basis": legal_basis}
    with desk.write() as writer:
        # Under the lock: another process may have opened a case of this reference meanwhile.
        if find_by_reference(desk, reference) is not None:
            raise InputRefused("this locker has a case with this reference by now", where=show(reference))
        writer.add("case.opened", "case", case, case=case, parts=parts, keys=keys)
        readers = desk.rights.readers(case, opener=desk.key_id)
        writer.rows.wraps += wraps_for_readers(desk.origin, case, "keys", keys, readers)
        tag_key = index_key(keys["record"], desk.origin, case)
        writer.rows.lookups.append(lookup(tag_key, case, "ref", reference.encode(), case))
    if desk.keys.wrap_seed is not None:
        desk.ring.remember(case, keys)
    return case


def check_reference(reference: str) -> None:
    """Raise InputRefused for an empty, overlong or multi-line reference."""
    if not reference.strip() or len(reference) > MAX_REFERENCE or any(ord(char) < 32 for char in reference):
        raise InputRefused(
            "not a case reference",
            where=show(reference, 60),
            expected=f"one line of at most {MAX_REFERENCE} characters",
        )


def find_by_reference(desk: Desk, reference: str) -> str | None:
    """The id of the case with this reference, among those whose look-up key this custodian holds."""
    for case in desk.locker.work.cases():
        key = desk.ring.index_key(case.id)
        if key is not None:
            tag = lookup_tag(key, "ref", reference.encode())
            if desk.locker.erasable.find(case.id, [tag]):
                return case.id
    return None


def find(desk: Desk, reference: str) -> CaseRow:
    """The case that a person names: by reference, by its id, or by a unique ending of its id."""
    check_reference(reference)
    cases = {case.id: case for case in desk.locker.work.cases()}
    found = find_by_reference(desk, reference)
    if found is not None:
        return cases[found]
    endings = [case for case in cases.values() if len(reference) >= 6 and case.id.endswith(reference.lower())]
    if len(endings) == 1:
        return endings[0]
    if len(endings) > 1:
        raise InputRefused(
            "more than one case has an id that ends so",
            where=show(reference),
            hint="give more digits of the id",
        )
    raise InputRefused(
        "no such case, or none that your key may know of",
        where=show(reference),
        hint="custody case open REF begins one; a key that only collects names a case by the end of its id (case list)",
    )


def close_case(desk: Desk, case: str, *, note: str | None = None) -> None:
    """Log that nothing more is expected; the case stays readable and exportable."""
    desk.need("collect", case, what="case close")
    if case in desk.rights.closed:
        raise InputRefused("the case is closed already", where=names.short(case))
    parts = {"note": {"text": note}} if note else {}
    with desk.write() as writer:
        writer.add("case.closed", "case", case, case=case, parts=parts, keys=desk.ring.class_keys(case))


def check_open(desk: Desk, case: str) -> None:
    """Raise InputRefused when the case is closed."""
    if case in desk.rights.closed:
        raise InputRefused(
            "the case is closed", where=names.short(case), hint="open a new case, or name another with --case"
        )


def need_keys(desk: Desk, subject: str, *, what: str) -> dict[str, bytes]:
    """The class keys of a subject, or NoRight when this custodian holds none."""
    keys = desk.ring.class_keys(subject)
    if not keys:
        raise NoRight(
            "your key was not given the keys for this",
            where=what,
            hint="an administrator can grant it: custody custodian grant",
        )
    return keys
