"""Writing a package once more: one whose file failed to be written, or a second copy of one that was.

The package is rebuilt at the size that the record had then, so its bytes are the same: entries, proofs
and parts follow from the record, and Ed25519 signs alike every time. What can differ is said in
`Exported.again`. That a copy leaves is logged after the package's own entries.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custody.crypto import envelopes
from custody.errors import CheckFailed, CustodyError, FormatError, InputRefused, NoRight
from custody.export.writing import write_file
from custody.format import canonical, names, words
from custody.format.entry import Entry
from custody.format.envelope import PACKAGE_TYPE, Envelope
from custody.format.note import LogNote
from custody.format.shape import DIGEST, list_of, record, text
from custody.format.shape import check as check_shape
from custody.format.text import from_base64, show
from custody.ledger.store import Stored
from custody.ledger.work import ItemRow, PackageRow
from custody.procedure import access, export_files, export_plan
from custody.procedure.export import Exported, check_output, remember_written
from custody.procedure.items import LEAST_DIGITS
from custody.procedure.locker import Desk, Locker
from custody.procedure.seal import Waiting, stamp
from custody.verify.token import Token

_ENDING = re.compile(r"[0-9a-f-]{1,36}")
_KEPT = record({"signature": text(100), "tokens": list_of(DIGEST, most=4096)})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An export that is logged and whose file was not seen to be written. ``wall``: when it was logged."""

    package: str
    case: str
    items: int
    wall: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was kept when the file was first written: the exporter's signature, and which tokens went in."""

    signature: bytes
    tokens: tuple[str, ...]


def prepared(locker: Locker) -> list[Prepared]:
    """Exports without a file, oldest first. Needs no key."""
    waiting = set(locker.erasable.prepared())
    return [
        Prepared(package=row.id, case=row.case, items=row.items, wall=row.wall)
        for row in locker.work.packages()
        if row.id in waiting
    ]


def find(place: Desk | Locker, wanted: str) -> PackageRow:
    """The package that a person names by its id, or by at least six digits of its end."""
    locker = place.locker if isinstance(place, Desk) else place
    ending = wanted.lower()
    found = []
    if _ENDING.fullmatch(ending) and len(ending.replace("-", "")) >= LEAST_DIGITS:
        found = [row for row in locker.work.packages() if row.id.endswith(ending)]
    if len(found) > 1:
        raise InputRefused(
            "more than one package has an id that ends so",
            where=show(wanted, 60),
            found=f"{len(found)} packages",
            hint="give more digits of the id",
        )
    if not found:
        raise InputRefused(
            "no such package",
            where=show(wanted, 60),
            expected=f"at least {LEAST_DIGITS} digits of the end of a package's id",
            hint="custody todo names those whose files were not written; custody log --json has the ids of all",
        )
    return found[0]


def again(
    desk: Desk,
    row: PackageRow,
    output: Path,
    *,
    purpose: str,
    recipient: str | None = None,
    stamped: bool = True,
    progress: export_files.Progress | None = None,
) -> Exported:
    """Write the package again into a new file, as it was made: same items, same parts, same passphrase.

    ``stamped``: ask for time proofs over the package's own state of the record, when its file was never
    written; a second copy has those of the first. A package that was made before the locker was restored is of
    the volumes that there were then, under their twelve words; no proof is asked for.

    Raises NoRight for who may not export from the case (the try is logged); InputRefused when something of it
    was disposed of or is gone, or when the exporter's signature was never made and somebody else asks;
    CheckFailed when what is there now does not give the package that was logged. Where it can be told
    beforehand, nothing is logged.
    """
    if not desk.rights.holds(desk.key_id, "export", row.case):
        access.refuse_case(desk, row.case, what="export")
    check_output(desk, output)
    made, items, note = _as_made(desk, row)
    body = made.read()
    kept = _kept(desk, row.id)
    if kept is None and body.actor != desk.key_id:
        raise InputRefused(
            "only who made this package can write it: it was never written, so it was never signed",
            where=names.short(row.id),
            expected=f"the key {body.actor[:16]}",
            hint="make a package of your own: custody export --case REF",
        )
    _check_all_there(desk, items)
    purposes = access.open_again(desk, made, items, text=purpose, recipient=recipient)
    passphrase = purposes.get("passphrase")
    plan = _plan(desk, made, body, items, frozenset(purposes.get("shown", ())))
    tokens: list[tuple[bytes, Token]] = []
    waiting: list[Waiting] = []
    asked = 0
    # Over a note of a closed volume none can be kept any more, and what came later covers it too.
    stamped = stamped and body.ledger == desk.origin
    if kept is None and stamped and desk.rights.holds(desk.key_id, "seal", None):
        tokens, waiting, asked = stamp(desk, note)
    small = export_files.small_files(desk, plan, made, note, only=None if kept is None else kept.tokens)
    signer = _Signer(desk, body, kept, list(small.tokens))
    writer = export_files.Package(desk, plan, small, signer.sign, progress)
    size, sha512 = write_file(
        output, writer.write, passphrase=passphrase, bound=writer.bound, random=desk.rim.random
    )
    remember_written(desk, writer, row.id)
    return Exported(
        package=row.id,
        path=output,
        size=size,
        sha512=sha512,
        items=len(items),
        of_items=plan.chosen.of_items,
        withheld=plan.withheld,
        passphrase=passphrase,
        tokens=tuple(token for _, token in tokens),
        waiting=tuple(waiting),
        authorities=asked,
        fingerprint=words.encode(_beginning(desk.locker, body.ledger)[:16]),
        again=signer.outcome,
    )


def not_wanted(desk: Desk, row: PackageRow) -> None:
    """Stop reminding of a package whose file is not wanted, or was written after all. Its entries stay."""
    if not desk.rights.holds(desk.key_id, "export", row.case):
        access.refuse_case(desk, row.case, what="export")
    with desk.locker.lock():
        if row.id not in desk.locker.erasable.prepared():
            raise InputRefused("this package's file was written", where=names.short(row.id))
        desk.locker.erasable.end_prepared([row.id])


def _as_made(desk: Desk, row: PackageRow) -> tuple[Stored, tuple[ItemRow, ...], LogNote]:
    """The package's last entry, its items and its log note, as the record has them."""
    with desk.locker.record() as record:
        view = next(view for view in reversed(record.views) if view.base <= row.seq)
        seq = row.seq - view.base
        group = list(view.entries(max(seq - row.items, 0), seq + 1))
        stored_note = view.notes().get(seq + 1)
    if not group:
        raise CheckFailed(
            "the record ends before this package", where=f"entry {row.seq}", hint="custody check"
        )
    made = group[-1]
    body = made.read()
    where = f"entry {row.seq}"
    if body.kind != "package.made" or body.public["package"] != row.id or stored_note is None:
        raise CheckFailed("the record does not have this package here", where=where, hint="custody check")
    items = []
    for stored in group[:-1]:
        one = stored.read()
        item = desk.locker.work.item(one.subject.id)
        if (one.kind, one.group) != ("item.exported", body.group) or item is None:
            raise CheckFailed("not an entry of this package's group", where=f"entry {stored.seq}")
        items.append(item)
    return made, tuple(items), LogNote.from_bytes(stored_note, where=f"note {seq + 1}")


def _beginning(locker: Locker, origin: str) -> bytes:
    """Leaf hash of entry 0 of the volume of this origin."""
    return next(volume.genesis_leaf for volume in locker.volumes if volume.origin == origin)


def _check_all_there(desk: Desk, items: tuple[ItemRow, ...]) -> None:
    """InputRefused when an item was disposed of, or when its content or keys are gone. Opens nothing."""
    for item in items:
        kinds = {stored.read().kind for stored in desk.locker.history(item.id)}
        if "item.disposed" in kinds:
            raise InputRefused(
                "an item of this package was disposed of: it can't be written again",
                where=item.label,
                hint="make a new package of what is left: custody export --case REF",
            )
        gone = item.object is not None and desk.locker.vault.size_of(item.object) is None
        if gone or not desk.ring.item_keys(item.id):
            raise InputRefused(
                "the content or the keys of an item of this package are gone, or not given to you",
                where=item.label,
                hint="custody check says what is missing; a backup may have it",
            )


def _plan(
    desk: Desk, made: Stored, body: Entry, items: tuple[ItemRow, ...], shown: frozenset[str]
) -> export_plan.Plan:
    """The plan as it was; CheckFailed unless it binds exactly what was logged."""
    assert body.case is not None
    first = made.position - len(items)
    chosen = export_plan.choose(desk, body.case, items, stop=first)
    plan = export_plan.make(desk, chosen, shown, stop=first)
    for name, value in plan.bound().items():
        if body.public[name] == value:
            continue
        if name in ("contents", "withheld"):
            raise NoRight(
                "your key can't open all that this package shows, or this version of custody writes it differently",
                where=names.short(body.public["package"]),
                hint="who made it can write it again; or make a package of your own: custody export --case REF",
            )
        raise CheckFailed(
            "what is here now does not give the package that was logged",
            where=f"entry {made.seq}, {name}",
            hint="custody check says what was changed",
        )
    return plan


class _Signer:
    """Signs as the exporter did: by the signature that was kept, or anew when the exporter is here."""

    def __init__(self, desk: Desk, body: Entry, kept: Kept | None, tokens: list[str]) -> None:
        self._desk = desk
        self._body = body
        self._kept = kept
        self._tokens = tokens
        self.outcome = "first" if kept is None else "changed"

    def sign(self, payload: bytes) -> Envelope:
        """The statement, signed by who made the package."""
        if self._kept is not None:
            old = Envelope(
                payload_type=PACKAGE_TYPE,
                payload=payload,
                key_id=self._body.actor,
                signature=self._kept.signature,
            )
            public = self._desk.rights.custodians[self._body.actor].sign_key
            try:
                envelopes.verify(old, public, where="the kept signature")
            except CustodyError as error:
                if self._body.actor != self._desk.key_id:
                    raise InputRefused(
                        "this version of custody writes other pages into the package than its maker signed",
                        where=names.short(self._body.public["package"]),
                        hint="who made it can write it again; or make a package of your own: custody export --case REF",
                    ) from error
            else:
                self.outcome = "same" if list(self._kept.tokens) == self._tokens else "changed"
                return old
        return envelopes.sign(PACKAGE_TYPE, payload, self._desk.keys.sign)


def _kept(desk: Desk, package: str) -> Kept | None:
    """What was kept of the first writing. What can't be read counts as nothing: it proves nothing either."""
    data = desk.locker.erasable.kept(package)
    if data is None:
        return None
    where = f"package {names.short(package)}"
    try:
        value: Mapping[str, Any] = canonical.decode_object(data, where=where, max_bytes=1 << 20)
        check_shape(value, _KEPT, where=where)
        signature = from_base64(value["signature"], where=where)
    except FormatError:
        return None
    return Kept(signature=signature, tokens=tuple(value["tokens"]))
