"""Histories: nothing was left out of what the package shows, from the beginning of each subject to its end."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence

from custody.errors import CustodyError
from custody.format import names, package
from custody.verify.bundle import Bundle
from custody.verify.record import Placed, Record, Volume
from custody.verify.report import Findings


def _unread(record: Record) -> frozenset[str]:
    """Leaves of entries in a version that this custody can't read: what they are about is not known."""
    return frozenset(placed.leaf.hex() for placed in record.entries.values() if placed.body is None)


def check(record: Record, findings: Findings) -> None:
    """Every history begins at 0, has every number once, and each entry names the one before.

    In each volume numbers begin at 0 again; the first entry there says from which one it goes on.
    """
    unread = _unread(record)
    ledgers = {record.rights.ledger, *(volume.ledger for volume in record.rights.before)}
    for (kind, identifier), history in record.histories.items():
        if kind == "ledger" and identifier not in ledgers:
            findings.failed(
                "histories", "an entry about another ledger than the record's own", where=history[0].where
            )
        label = f"{kind} {names.short(identifier)}"
        older: Placed | None = None
        for _, stretch in itertools.groupby(history, key=lambda placed: placed.volume):
            entries = list(stretch)
            if kind != "ledger":
                _check_goes_on(record, older, entries[0], findings)
            _check_stretch(entries, label, unread, findings)
            older = entries[-1]


def _check_stretch(history: Sequence[Placed], label: str, unread: frozenset[str], findings: Findings) -> None:
    """The entries about one subject within one volume."""
    expected, previous = 0, None
    for placed in history:
        assert placed.body is not None
        subject = placed.body.subject
        if subject.n == expected - 1:
            findings.failed(
                "histories",
                "two entries under one number: a proof against who signed them",
                where=f"{label}, number {subject.n}",
            )
            continue
        if expected < subject.n <= expected + len(unread) and subject.prev in unread:
            findings.not_checked(
                "histories", "a history goes through entries made by a newer custody", where=label
            )
        elif subject.n != expected:
            findings.failed(
                "histories",
                "entries were left out of a history",
                where=label,
                expected=f"number {expected}",
                found=f"number {subject.n}",
            )
        elif subject.prev != (None if previous is None else previous.hex()):
            findings.failed("histories", "an entry names another one before it", where=placed.where)
        expected, previous = subject.n + 1, placed.leaf


def _check_goes_on(record: Record, older: Placed | None, first: Placed, findings: Findings) -> None:
    """The first entry of a volume about a subject names the last one about it before, and only then one."""
    assert first.body is not None
    if first.seq in record.unsound or first.seq in record.newer or first.body.subject.n:
        return  # failed already, or said to be not checked
    stated = first.body.public.get("from")
    expected = None
    if older is not None and older.body is not None:
        expected = {"ledger": older.body.ledger, "n": older.body.subject.n, "leaf": older.leaf.hex()}
    if stated != expected:
        findings.failed(
            "histories",
            "a history does not go on from where it stood in the volume before: entries were left out",
            where=first.where,
            expected=_number(expected),
            found=_number(stated),
        )


def check_volumes(bundle: Bundle, record: Record, findings: Findings) -> None:
    """Each closed volume's own history ends where its successor says, and its last note is the one named."""
    for volume, newer in itertools.pairwise(record.volumes):
        begun = record.entries.get(newer.base)
        if begun is None or begun.body is None or begun.seq in record.unsound:
            continue  # failed already
        stated = begun.body.public["predecessor"]
        _check_last_note(bundle, volume, stated["note"], findings)
        own = next(
            (one.ledger for one in record.rights.before if one.origin == volume.checkpoint.origin), None
        )
        history = record.histories.get(("ledger", own or ""), ())
        last = history[-1] if history else None
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        if found != {"n": stated["n"], "leaf": stated["leaf"]}:
            findings.failed(
                "histories",
                "a closed volume's own history does not end where the next volume says: entries were left out",
                where=f"volume {volume.number}",
                expected=_number(stated),
                found=_number(found),
            )
        else:
            findings.passed(
                "volumes",
                f"volume {newer.number} goes on from volume {volume.number} where that stood at"
                f" {volume.checkpoint.size} entries",
            )


def _check_last_note(bundle: Bundle, volume: Volume, named: str | None, findings: Findings) -> None:
    """The newest note of a closed volume is the one that its successor names; whether it holds, `times` says."""
    where = f"volume {volume.number}"
    notes = {int(match[2]): name for name, match in volume.files(bundle, package.NOTE_NAME)}
    if not notes:
        if named is not None:
            findings.not_checked("volumes", "the last log note of a closed volume is not here", where=where)
        return
    try:
        found = hashlib.sha256(bundle.read(notes[max(notes)], 64 * 1024)).hexdigest()
    except CustodyError as error:
        findings.error("volumes", error)
        return
    if found != named:
        findings.failed(
            "volumes",
            "the last log note of a closed volume is not the one that the next volume names",
            where=where,
            expected=named or "none",
            found=found,
        )


def conclude(record: Record, findings: Findings) -> None:
    """Say that no history has a gap, once beginnings, gaps and ends were all looked at."""
    if not findings.has_failed("histories", "entries"):
        count = len(record.histories)
        findings.passed("histories", f"no gap in the histories of {count} subjects, from beginning to end")


def check_heads(
    record: Record, made: Placed, shown: Iterable[package.Row], shown_digest: str, findings: Findings
) -> None:
    """The histories of ledger, case and exhibits end exactly where `package.made` says that they stood."""
    assert made.body is not None
    public = made.body.public
    rows = list(shown)
    if shown_digest != public["shown"]:
        findings.failed(
            "histories", "the list of histories is not the one that was logged", where=package.SHOWN
        )
    heads: dict[str, Mapping[str, object]] = {row[1]: {"n": row[2], "leaf": row[3]} for row in rows}
    case = made.body.subject.id
    ledger = record.rights.ledger
    unread = _unread(record)
    expected = {ledger: public["heads"]["ledger"], case: public["heads"]["case"]}
    for identifier, head in expected.items():
        if identifier is None or heads.get(identifier) != head:
            findings.failed(
                "histories", "the heads that were logged and those listed differ", where=package.SHOWN
            )
    for (kind, identifier), history in record.histories.items():
        if kind == "item":
            continue
        before = [placed for placed in history if placed is not made]
        last = before[-1] if before else None
        head = heads.get(identifier)
        if head is not None and head["leaf"] in unread:
            findings.not_checked(
                "histories",
                "a history ends with an entry made by a newer custody",
                where=f"{kind} {names.short(identifier)}",
            )
            continue
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        if head != found:
            findings.failed(
                "histories",
                "a history does not end where it stood when the package was made: entries were left out",
                where=f"{kind} {names.short(identifier)}",
                expected=_number(head),
                found=_number(found),
            )
    for row in rows:
        if (row[0], row[1]) not in record.histories:
            findings.failed(
                "histories", "a history that is listed is not here", where=f"{row[0]} {names.short(row[1])}"
            )


def check_earlier_packages(record: Record, made: Placed, findings: Findings) -> None:
    """What each package of the case said of the ledger's and the case's history is what they show now.

    Who makes a package with a changed program can state a head that is not the newest, and no reader of
    that package alone can tell. The next package shows both: it is a proof against who signed the first.
    """
    assert made.body is not None
    ledger = sorted(
        (placed for history in record.of_type("ledger").values() for placed in history),
        key=lambda placed: placed.seq,
    )
    seqs = [placed.seq for placed in ledger]
    history = record.histories.get(("case", made.body.subject.id), ())
    for placed, body in record.sound("package.made", history):
        before = bisect.bisect_left(seqs, placed.seq) - 1
        stated = body.public["heads"]
        last = ledger[before] if before >= 0 else None
        found = (
            None if last is None or last.body is None else {"n": last.body.subject.n, "leaf": last.leaf.hex()}
        )
        own: Mapping[str, object] = {"n": body.subject.n - 1, "leaf": body.subject.prev}
        if body.subject.n == 0:
            own = {name: body.public.get("from", {}).get(name) for name in ("n", "leaf")}
        if stated["case"] != own or (stated["ledger"] != found and not record.newer):
            findings.failed(
                "histories",
                "a package was made as if entries before it were not there: a proof against who signed it",
                where=placed.where,
            )


def _number(head: Mapping[str, object] | None) -> str:
    return "nothing" if head is None else f"number {head['n']}"
