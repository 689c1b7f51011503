"""Whole packages: as a stranger changes them, as their exporter could, and as an insider with every key could."""

from __future__ import annotations

import functools
import io
from typing import Any

from custody.errors import CustodyError
from custody.format import canonical
from custody.format.envelope import ENTRY_TYPE, from_bytes
from custody.format.package import STATEMENT
from custody.verify import text
from custody.verify.package import verify
from custody.verify.report import Outcome, Report
from tests import packages
from tests.fuzz import world
from tests.fuzz.reader import NotTheSame, Reader, Way, one_line, same

LATER = packages.LATER


def _judge(data: bytes) -> Report:
    """The report, and what every report must hold."""
    report = verify(io.BytesIO(data), trust=packages.world().trust(), now=LATER)
    for line in "\n".join(text.lines(report, every_finding=True)).split("\n"):
        one_line(line, "a report")
    canonical.encode(report.to_value())
    same(report.exit_code in (0, 1, 4, 6), True, "an exit code that a report can't have")
    return report


def _ways(report: Report) -> Way:
    """Which checks failed, and how: what tells one report from another."""
    failed = sorted({f"{finding.check} {finding.text}" for finding in report.of(Outcome.FAILED)})
    return Way(f"{report.record_line[:20]} {report.unreadable or ''} {failed}")


def _package(data: bytes) -> object:
    report = _judge(data)
    if report.intact and data != packages.world().honest:
        raise NotTheSame("a changed package is called intact")
    return _ways(report)


_COVERED = (
    "data/",
    "custody/entries/",
    "custody/parts/",
    "custody/keys.jsonl",
    "custody/shown.json",
    "custody/proofs.jsonl",
)


def _file(data: bytes) -> object:
    """The input is a path, a zero byte and its new content; the exporter signs for it."""
    path, _, content = data.partition(b"\0")
    name = path.decode("latin-1")
    files = dict(world.files())
    known = files.get(name)
    files[name] = content
    try:
        # The statement itself is what the input says; over all else the exporter signs anew.
        whole = packages.rebag(files) if name == STATEMENT else packages.resign(files, packages.world().first)
        changed = packages.put_together(whole)
    except (CustodyError, UnicodeError):
        return None  # a name that no writer of ours takes
    report = _judge(changed)
    if report.intact and name.startswith(_COVERED) and known != content:
        raise NotTheSame(f"a package with another {name} is called intact")
    return _ways(report)


def _entry(data: bytes) -> object:
    """The input is the number of a line, a zero byte and its new body; the insider signs and proves it."""
    number, _, body = data.partition(b"\0")
    forger = packages.Forger(packages.world())
    try:
        value = canonical.decode_object(body, where="entry")
        at = int(number) % len(forger.lines)
    except (CustodyError, ValueError):
        return None

    def change(old: dict[str, Any]) -> None:
        if value.get("actor") not in forger.signers:
            value["actor"] = old["actor"]
        # What binds it to its place is as it must be, so that the rest of it is judged.
        for name in ("seq", "root", "ledger"):
            if name in value:
                value[name] = old[name]
        old.clear()
        old.update(value)

    forger.lines[at].change = change
    try:
        forger.build()
        made = forger.pack()
    except (CustodyError, KeyError, TypeError, AttributeError, ValueError, AssertionError, StopIteration):
        return None  # the forger, not the reader, can't go on from such a line
    return _ways(_judge(packages.put_together(made)))


def _files_seeds() -> list[bytes]:
    return [
        path.encode() + b"\0" + content
        for path, content in world.files().items()
        if not path.startswith("../")
    ]


@functools.cache
def _entry_seeds() -> tuple[bytes, ...]:
    found = []
    for number in range(len(packages.world().lines)):
        stored = world.files().get(f"custody/entries/{number}.json")
        if stored is not None:
            found.append(b"%d\0" % number + from_bytes(stored, payload_type=ENTRY_TYPE, where="seed").payload)
    return tuple(found)


READERS = (
    Reader(
        name="package",
        about="a whole package of any bytes: a report, intact only as it was made",
        covers=("custody.verify.package:verify", "custody.verify.bundle:Bundle", "custody.verify.text:lines"),
        read=_package,
        seeds=lambda: [packages.world().honest],
        shape="zip",
        limit=400_000,
        slow=True,
    ),
    Reader(
        name="package-file",
        about="a package in which one file is another and the exporter signed for it",
        covers=(
            "custody.verify.package:verify",
            "custody.verify.bundle:read_statement",
            "custody.verify.reading:read",
            "custody.verify.bundle:check_files",
            "custody.verify.bundle:check_statement",
        ),
        read=_file,
        seeds=_files_seeds,
        shape="framed",
        limit=100_000,
        slow=True,
    ),
    Reader(
        name="package-entry",
        about="a package in which an insider with every key changed one entry",
        covers=(
            "custody.verify.package:verify",
            "custody.verify.rights:Rights.apply",
            "custody.verify.replay:admit",
        ),
        read=_entry,
        seeds=_entry_seeds,
        shape="framed",
        limit=70_000,
        slow=True,
    ),
)
