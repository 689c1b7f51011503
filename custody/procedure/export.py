"""Exporting: choose, open in memory, log, and only then write a package that a stranger can check.

The package's checkpoint ends with exactly the entries that log it, so nothing that happened to a shown
item can be missing: after its last entry nothing else exists in that tree. Until its file is written the
export is *prepared*: `todo` names it, and `custody.procedure.again` writes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody.crypto.keys import LogKeys
from custody.errors import CustodyError, MachineError, UsageError
from custody.export.writing import write_file
from custody.format import canonical, package, words
from custody.format.note import LogNote
from custody.format.text import to_base64
from custody.ledger.store import Stored
from custody.ledger.work import ItemRow
from custody.procedure import access, export_files, export_plan, place
from custody.procedure.export_files import Progress
from custody.procedure.export_plan import Plan
from custody.procedure.locker import Desk
from custody.procedure.seal import Waiting, stamp
from custody.verify.token import Token

SHOWABLE = (*package.DEFAULT_SHOWN, *package.WITHHELD_UNLESS_SHOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes into a package. ``items`` empty: all of the case. ``show`` and ``withhold``: compartments."""

    case: str
    items: tuple[ItemRow, ...] = ()
    show: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()

    @property
    def shown(self) -> frozenset[str]:
        """The compartments that are shown; ``custodians`` stands for the names in the ledger's history."""
        return (frozenset(package.DEFAULT_SHOWN) | set(self.show)) - set(self.withhold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a package would show, before anything is logged or written."""

    items: int
    of_items: int
    exhibits: tuple[str, ...]
    shown: tuple[str, ...]
    withheld: Mapping[str, int]
    unsearched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A written package. ``passphrase`` is None for a plain one; ``sha512`` is of the file as written.

    ``again``: None for a new one; "same" when it is what was written before, byte for byte but the
    encrypted wrapper; "first" when its file had not been written yet; "changed" when this version of
    custody writes other side pages than the one that made it.
    """

    package: str
    path: Path
    size: int
    sha512: str
    items: int
    of_items: int
    withheld: Mapping[str, int]
    passphrase: str | None
    tokens: tuple[Token, ...]
    waiting: tuple[Waiting, ...]
    authorities: int
    fingerprint: tuple[str, ...]
    again: str | None = None


def check_choice(desk: Desk, choice: Choice) -> None:
    """Raise for a choice that can't be carried out; nothing is opened."""
    for name in (*choice.show, *choice.withhold):
        if name not in SHOWABLE:
            raise UsageError(
                "not a part that can be shown or withheld", found=name, expected=", ".join(SHOWABLE)
            )
    both = sorted(set(choice.show) & set(choice.withhold))
    if both:
        raise UsageError("asked to show and to withhold the same part", found=", ".join(both))
    if "content" in choice.withhold:
        raise UsageError(
            "a package without the content part could prove nothing about its files",
            where="--withhold",
            hint="leave the items themselves out instead: name the items that shall go in",
        )
    if not desk.rights.holds(desk.key_id, "export", choice.case):
        access.refuse_case(desk, choice.case, what="export")
    desk.need("seal", choice.case, what="export")


def check_output(desk: Desk, output: Path) -> None:
    """Raise unless a new file can be made there, outside the locker."""
    place.check_new_file(desk.locker.path, output, inside="a package can't be written into the locker itself")


def export(
    desk: Desk,
    choice: Choice,
    output: Path,
    *,
    purpose: str,
    recipient: str | None = None,
    plain: bool = False,
    stamped: bool = True,
    progress: Progress | None = None,
) -> Exported:
    """Log the export, ask for a token, write the package. Raises before anything is logged where it can.

    When writing the file fails, the export stays logged as prepared, and nothing of it has left the locker.
    """
    check_choice(desk, choice)
    check_output(desk, output)
    passphrase = None if plain else words.passphrase(desk.rim.random)
    log_keys = desk.log_keys()
    package_id, group = desk.rim.new_id(), desk.rim.new_id()
    purposes: dict[str, Any] = {"text": purpose, "shown": sorted(choice.shown)}
    if recipient:
        purposes["recipient"] = recipient
    if passphrase is not None:
        purposes["passphrase"] = passphrase
    for _ in range(8):
        chosen = export_plan.choose(desk, choice.case, choice.items)
        plan = export_plan.make(desk, chosen, choice.shown, asked=frozenset(choice.show))
        made = _log(desk, plan, package_id, group, purposes, log_keys)
        if made is not None:
            break
    else:
        raise MachineError(
            "the case is being changed all the time by others", hint="run the command again later"
        )
    stored, note = made
    tokens, waiting, asked = stamp(desk, note) if stamped else ([], [], 0)
    small = export_files.small_files(desk, plan, stored, note)
    writer = export_files.Package(desk, plan, small, export_files.sign_with(desk), progress)
    size, sha512 = write_file(
        output, writer.write, passphrase=passphrase, bound=writer.bound, random=desk.rim.random
    )
    remember_written(desk, writer, package_id)
    return Exported(
        package=package_id,
        path=output,
        size=size,
        sha512=sha512,
        items=len(plan.items),
        of_items=plan.chosen.of_items,
        withheld=plan.withheld,
        passphrase=passphrase,
        tokens=tuple(token for _, token in tokens),
        waiting=tuple(waiting),
        authorities=asked,
        fingerprint=words.encode(desk.locker.genesis_leaf[:16]),
    )


def preview(desk: Desk, choice: Choice) -> Preview:
    """What a package would show. Opens nothing: it counts entries and parts."""
    check_choice(desk, choice)
    chosen = export_plan.choose(desk, choice.case, choice.items)
    exhibits = frozenset(chosen.exhibits)
    withheld: dict[str, int] = {}
    with desk.locker.record() as record:
        for subject, kind in chosen.subjects().items():
            shown = export_plan.shown_of(kind, choice.shown)
            for stored in record.history(subject):
                entry = stored.read()
                for name in entry.sealed:
                    if name not in shown or access.hidden(entry, name, exhibits):
                        withheld[name] = withheld.get(name, 0) + 1
    withheld["purpose"] = withheld.get("purpose", 0) + 1
    return Preview(
        items=len(chosen.items),
        of_items=chosen.of_items,
        exhibits=tuple(chosen.exhibits.values()),
        shown=tuple(sorted(choice.shown)),
        withheld=withheld,
        unsearched=sum(item.object is not None for item in chosen.items),
    )


def _log(
    desk: Desk,
    plan: Plan,
    package_id: str,
    group: str,
    purposes: dict[str, Any],
    log_keys: LogKeys,
) -> tuple[Stored, LogNote] | None:
    """Append the export's group and its note in one transaction; None when a history moved meanwhile."""
    case = plan.chosen.case
    public = {"package": package_id, "form": package.FORM, **plan.bound()}
    with contextlib.suppress(_Moved), desk.write() as writer:
        if not desk.rights.holds(desk.key_id, "export", case):
            raise _Moved  # the right went while the desk was open: the next look refuses, and logs it
        # Under the lock: a reminder without its entry is of an export that a crash ended before its commit.
        orphans = set(desk.locker.erasable.prepared()) - {row.id for row in desk.locker.work.packages()}
        desk.locker.erasable.end_prepared(sorted(orphans))
        for subject, (_, n, leaf) in plan.heads.items():
            head = writer.append.head(subject) or desk.locker.closed.last(subject)
            if head is None or (head.n, head.leaf) != (n, leaf):
                raise _Moved
        for item in plan.items:
            writer.add("item.exported", "item", item.id, case=case, group=group)
        made = writer.add(
            "package.made",
            "case",
            case,
            case=case,
            group=group,
            public=public,
            parts={"purpose": purposes},
            keys=desk.ring.class_keys(case),
        )
        note = writer.sign_note(log_keys)
        writer.append.add_issued(note.checkpoint.size)
        writer.rows.prepared.append(package_id)
        return made, note
    return None


class _Moved(Exception):
    """Somebody appended to a history between reading and the lock."""


def remember_written(desk: Desk, writer: export_files.Package, package_id: str) -> None:
    """The file is there: the export is no longer prepared, and what a second copy needs is kept.

    Kept are the exporter's signature, so that a colleague can write the same package when the exporter
    has left, and which tokens went in. Neither opens anything or confirms a guess: the statement that is
    signed covers the shown keys. When this fails the file is there all the same, and `todo` goes on naming it.
    """
    assert writer.signed is not None
    kept = {"signature": to_base64(writer.signed.signature), "tokens": list(writer.tokens)}
    with contextlib.suppress(CustodyError, OSError), desk.locker.lock():
        desk.locker.erasable.end_prepared([package_id], canonical.encode(kept))
