"""Several packages held against each other: what each says alone can be true, and both together false.

Who holds every key of a record can sign two of them that begin alike, or log two events under one number and
show one in each package. No package tells that alone; two do, and both are the proof against who signed. What is
compared was proven in its own package before: leaf hashes, roots, sizes. Nothing that failed there is used.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, BinaryIO

from custody.errors import CustodyError
from custody.format import proof
from custody.format.trust import Trust
from custody.verify.package import Examined, verify
from custody.verify.record import Record, Volume
from custody.verify.report import Finding, Findings, Outcome, Report

SEVERITY = (0, 6, 4, 1)
"""Exit codes from best to worst. One package that does not match outweighs another that can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package under the name it was given, what it says alone, and what can be compared."""

    name: str
    report: Report
    examined: Examined


@dataclass(slots=True, kw_only=True)
class Added:
    """What the newer package of a pair has and the older has not, and the other way round. Proven, never judged."""

    items: list[str] = field(default_factory=list)
    """Labels of items that only the newer one shows."""
    items_gone: list[str] = field(default_factory=list)
    """Labels of items that only the older one shows."""
    entries: dict[str, int] = field(default_factory=dict)
    """How many entries by kind were logged after the older one, about subjects that both show."""
    shown: dict[str, int] = field(default_factory=dict)
    """Parts of entries that both have, by compartment: now shown, withheld before."""
    withheld: dict[str, int] = field(default_factory=dict)
    """Shown before, withheld now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two packages compared: their numbers in the list that was given, the one with fewer entries first."""

    older: int
    newer: int
    findings: tuple[Finding, ...]
    added: Added

    @property
    def exit_code(self) -> int:
        """1 they contradict each other, 6 something could not be compared, 0 they agree."""
        outcomes = {finding.outcome for finding in self.findings}
        return 1 if Outcome.FAILED in outcomes else 6 if Outcome.NOT_CHECKED in outcomes else 0

    @property
    def line(self) -> str:
        """The verdict on the pair."""
        return {0: "AGREE", 1: "CONTRADICT EACH OTHER", 6: "NOT COMPARED IN FULL"}[self.exit_code]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """The whole answer about several packages."""

    packages: tuple[Package, ...]
    pairs: tuple[Pair, ...]

    @property
    def exit_code(self) -> int:
        """The worst of all packages and pairs, see `SEVERITY`."""
        codes = [one.report.exit_code for one in self.packages] + [pair.exit_code for pair in self.pairs]
        return max(codes, key=SEVERITY.index)

    @property
    def record_line(self) -> str:
        """The first line: a contradiction between packages does not match, however intact each is."""
        return {0: "INTACT", 6: "INTACT", 4: "UNREADABLE", 1: "DOES NOT MATCH"}[self.exit_code]

    @property
    def origin_line(self) -> str:
        """The second line: confirmed only where every package is, and every pair agrees."""
        return "CONFIRMED" if self.exit_code == 0 else "NOT CONFIRMED"

    def to_value(self) -> dict[str, Any]:
        """One JSON object, schema custody.verify-compare/1."""
        return {
            "schema": "custody.verify-compare/1",
            "record": self.record_line,
            "origin_and_time": self.origin_line,
            "exit_code": self.exit_code,
            "packages": [{"file": one.name, "report": one.report.to_value()} for one in self.packages],
            "pairs": [
                {
                    "older": pair.older,
                    "newer": pair.newer,
                    "verdict": pair.line,
                    "findings": [finding.to_value() for finding in pair.findings],
                    "added": {
                        "items": pair.added.items,
                        "items_gone": pair.added.items_gone,
                        "entries": pair.added.entries,
                        "shown": pair.added.shown,
                        "withheld": pair.added.withheld,
                    },
                }
                for pair in self.pairs
            ],
        }


def examine(
    name: str, file: BinaryIO, *, trust: Trust | None, fingerprint: bytes | None, now: dt.datetime | None
) -> Package:
    """Verify one package as if it were alone, and keep what `together` compares. The file may be closed then."""
    kept = Examined()
    report = verify(file, trust=trust, fingerprint=fingerprint, now=now, keep=kept)
    return Package(name=name, report=report, examined=kept)


def together(packages: Sequence[Package]) -> Together:
    """Every two of the packages compared."""
    pairs = [_compare(packages, one, other) for one, other in combinations(range(len(packages)), 2)]
    return Together(packages=tuple(packages), pairs=tuple(pairs))


def _compare(packages: Sequence[Package], one: int, other: int) -> Pair:
    findings, added = Findings(), Added()
    older, newer = sorted((one, other), key=lambda place: _entries(packages[place].examined))
    first, second = packages[older], packages[newer]
    left, right = first.examined.record, second.examined.record
    if not first.report.intact or not second.report.intact or left is None or right is None:
        findings.not_checked("same record", "one of the two does not hold by itself: nothing was compared")
        return Pair(older=older, newer=newer, findings=findings.all(), added=added)
    origins = {volume.checkpoint.origin: volume for volume in right.volumes}
    shared = [(v, origins[v.checkpoint.origin]) for v in left.volumes if v.checkpoint.origin in origins]
    if not shared:
        findings.not_checked("same record", "packages of two different records: there is nothing to compare")
        return Pair(older=older, newer=newer, findings=findings.all(), added=added)
    for mine, its in shared:
        _same_beginning(left, right, mine, its, findings)
        _one_tree(first.examined, second.examined, mine, its, findings)
        _same_entries(left, right, mine, its, findings)
    _same_histories(left, right, shared, findings)
    if not findings.has_failed():
        _what_is_new(first.examined, second.examined, shared, added)
    return Pair(older=older, newer=newer, findings=findings.all(), added=added)


def _entries(examined: Examined) -> int:
    return -1 if examined.record is None else examined.record.size


_FORK = "keep both packages: their log notes are the proof against who signed them"


def _same_beginning(left: Record, right: Record, mine: Volume, its: Volume, findings: Findings) -> None:
    one, other = left.beginnings.get(mine.number), right.beginnings.get(its.number)
    origin = mine.checkpoint.origin
    if one is None or other is None or one != other:
        findings.failed(
            "same record",
            "two records under one name: they begin differently",
            where=origin,
            expected=None if one is None else one.hex(),
            found=None if other is None else other.hex(),
        )
    else:
        findings.passed("same record", f"both are of the record {origin}, and it begins with the same entry")


def _one_tree(first: Examined, second: Examined, mine: Volume, its: Volume, findings: Findings) -> None:
    """The smaller state of a volume is how the larger one began."""
    sides = ((first, mine), (second, its))
    (_, small), (bigger, large) = sorted(sides, key=lambda side: side[1].checkpoint.size)
    old, new = small.checkpoint, large.checkpoint
    where = f"{old.origin}, {old.size} and {new.size} entries"
    hashes = bigger.proofs.get(old.origin, {}).get(old.size)
    # An entry quotes the root of all before it, and was proven to stand there. Unlike a proof that fails, which
    # may only be a wrong proof, another root there or at one size is signed by who keeps the record.
    signed = new.root.hex() if old.size == new.size else _quoted(bigger.record, large, old.size)
    if signed is not None:
        if signed != old.root.hex():
            findings.failed("continues", f"two histories of one record: {_FORK}", where=where)
            return
    elif hashes is not None:
        try:
            proof.check_consistency(old, new, hashes)
        except CustodyError:
            findings.failed(
                "continues",
                "the proof that should connect the two does not hold: the record was changed, or it is a wrong proof",
                where=where,
            )
            return
    else:
        findings.not_checked(
            "continues", "no proof connects the two: ask the sender for a newer package", where=where
        )
        return
    text = f"the record of {new.size} entries continues that of {old.size}"
    findings.passed("continues", text if old.size < new.size else f"both show the same {new.size} entries")
    if mine.checkpoint.size > its.checkpoint.size:
        # The volume was closed at an older state: what a backup did not have (decision 0021).
        findings.not_checked(
            "continues",
            f"a later volume goes on from {its.checkpoint.size} of the {mine.checkpoint.size} entries: the rest of them"
            " is not in it; ask the sender why",
            where=old.origin,
        )


def _quoted(record: Record | None, volume: Volume, size: int) -> str | None:
    """The root over the first ``size`` entries of a volume, as the entry behind them quotes it."""
    placed = None if record is None else record.entries.get(volume.base + size)
    if placed is None or placed.volume != volume.number or placed.body is None:
        return None
    return placed.body.root


def _same_entries(left: Record, right: Record, mine: Volume, its: Volume, findings: Findings) -> None:
    common = 0
    for seq, placed in left.entries.items():
        if placed.volume != mine.number:
            continue
        other = right.entries.get(seq - mine.base + its.base)
        if other is None or other.volume != its.number:
            continue
        common += 1
        if other.leaf != placed.leaf:
            findings.failed(
                "entries",
                f"two entries at one place of one record: {_FORK}",
                where=placed.where,
                expected=placed.leaf.hex(),
                found=other.leaf.hex(),
            )
    if not findings.has_failed("entries"):
        findings.passed("entries", f"{common} entries that both have are the same, byte for byte")


def _same_histories(
    left: Record, right: Record, shared: Sequence[tuple[Volume, Volume]], findings: Findings
) -> None:
    """As far as the older one goes, neither has an entry, about a subject that both show, that the other lacks.

    Each alone has no gap: what is missing was left out at an end that was stated falsely, or another entry
    stands under its number.
    """
    subjects = left.histories.keys() & right.histories.keys()
    for mine, its in shared:
        end = min(mine.checkpoint.size, its.checkpoint.size)
        for one, other, volume, twin in ((left, right, mine, its), (right, left, its, mine)):
            for subject in subjects:
                for placed in one.histories[subject]:
                    seq = placed.seq - volume.base
                    if placed.volume == volume.number and seq < end and seq + twin.base not in other.entries:
                        findings.failed(
                            "histories",
                            "one package shows an entry that the other left out of a history: a proof against"
                            " who signed that one; keep both",
                            where=placed.where,
                        )
    if not findings.has_failed("histories"):
        findings.passed("histories", f"the histories of {len(subjects)} subjects are the same in both so far")


def _what_is_new(
    first: Examined, second: Examined, shared: Sequence[tuple[Volume, Volume]], added: Added
) -> None:
    left, right, before, after = first.record, second.record, first.contents, second.contents
    assert left is not None
    assert right is not None
    assert before is not None  # what was read of a package is kept with its record, or neither is
    assert after is not None
    volumes = {mine.number: (mine, its) for mine, its in shared}
    common = {}
    for seq, placed in left.entries.items():
        mine, its = volumes.get(placed.volume, (None, None))
        if mine is not None and its is not None and seq - mine.base < its.checkpoint.size:
            common[seq] = seq - mine.base + its.base
    known = set(common.values())
    both = left.histories.keys() & right.histories.keys()
    kinds = Counter(
        placed.body.kind
        for subject in both
        for placed in right.histories[subject]
        if placed.seq not in known and placed.body is not None
    )
    added.entries = dict(sorted(kinds.items()))
    had, has = (
        {item.first.body.subject.id: item.label for item in contents.items if item.first.body is not None}
        for contents in (before, after)
    )
    added.items = sorted(has[one] for one in has.keys() - had.keys())
    added.items_gone = sorted(had[one] for one in had.keys() - has.keys())
    opened = {(common[seq], name) for seq, name in before.opened if common.get(seq) in right.entries}
    now = {(seq, name) for seq, name in after.opened if seq in known}
    added.shown = dict(sorted(Counter(name for _, name in now - opened).items()))
    added.withheld = dict(sorted(Counter(name for _, name in opened - now).items()))
