"""What verification says: findings, the two lines, and per item what is proven and what is only stated."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from custody.errors import CustodyError

MAX_PER_CHECK = 50
"""So many failures of one check are listed one by one; the rest is counted."""


class Outcome(enum.Enum):
    """Three answers, and one that is none: what was not checked is never reported as fine."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"
    NOTED = "noted"
    """Something that a reader should know, and that neither speaks for the record nor against it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result. ``where`` names the file or entry; ``expected`` and ``found`` are short texts."""

    check: str
    outcome: Outcome
    text: str
    where: str | None = None
    expected: str | None = None
    found: str | None = None

    def to_value(self) -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "check": self.check,
            "outcome": self.outcome.value,
            "text": self.text,
            "where": self.where,
            "expected": self.expected,
            "found": self.found,
        }


class Findings:
    """Gathers findings; every check ends in at least one."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self._failed: dict[str, int] = {}

    def passed(self, check: str, text: str, **facts: str | None) -> None:
        """The check was made and holds."""
        self._found.append(Finding(check=check, outcome=Outcome.PASSED, text=text, **facts))

    def failed(self, check: str, text: str, **facts: str | None) -> None:
        """The check was made and does not hold."""
        self._failed[check] = self._failed.get(check, 0) + 1
        if self._failed[check] <= MAX_PER_CHECK:
            self._found.append(Finding(check=check, outcome=Outcome.FAILED, text=text, **facts))

    def error(self, check: str, error: CustodyError) -> None:
        """An error of ours, as a failure."""
        self.failed(check, error.what, where=error.where, expected=error.expected, found=error.found)

    def not_checked(self, check: str, text: str, **facts: str | None) -> None:
        """The check could not be made, and why."""
        self._found.append(Finding(check=check, outcome=Outcome.NOT_CHECKED, text=text, **facts))

    def noted(self, check: str, text: str, **facts: str | None) -> None:
        """Neither passed nor failed: it changes no line and no exit code."""
        self._found.append(Finding(check=check, outcome=Outcome.NOTED, text=text, **facts))

    def has_failed(self, *checks: str) -> bool:
        """True when one of the checks (or any, when none is named) failed."""
        return any(self._failed.get(check) for check in checks) if checks else bool(self._failed)

    def all(self) -> tuple[Finding, ...]:
        """All findings, with a line for failures that were only counted."""
        more = [
            Finding(
                check=check,
                outcome=Outcome.FAILED,
                text=f"and {count - MAX_PER_CHECK} more failures of this check",
            )
            for check, count in self._failed.items()
            if count > MAX_PER_CHECK
        ]
        return (*self._found, *more)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """A token that was checked: what it covers and whose it is. ``root`` None: authority not known."""

    size: int
    gen_time: str
    signer: str
    root: str | None
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    """A shown item: proven facts and stated ones apart. Times are UTC text; None where nothing is proven."""

    label: str
    id: str
    path: str
    sha256: str
    size: int
    media_type: str
    flags: tuple[str, ...]
    name: str | None
    stated_logged: str
    proven_not_after: str | None
    proven_not_before: str | None
    days_unproven: int | None
    entries: int
    test_time: bool
    registered: bool = False
    """Only its digest was logged; its content was kept nowhere."""
    received: tuple[str, ...] = ()
    """Labels under which the same bytes were received again."""
    parent: str | None = None
    """The id of the item that it was derived from; None for what came from outside."""

    def to_value(self) -> dict[str, Any]:
        """The line as JSON."""
        return {
            "label": self.label,
            "id": self.id,
            "path": self.path,
            "sha256": self.sha256,
            "size": self.size,
            "media_type": self.media_type,
            "flags": list(self.flags),
            "name": self.name,
            "stated": {"logged": self.stated_logged},
            "proven": {
                "not_before": self.proven_not_before,
                "not_after": self.proven_not_after,
                "test_authority": self.test_time,
            },
            "registered": self.registered,
            "received": list(self.received),
            "parent": self.parent,
            "days_unproven": self.days_unproven,
            "entries": self.entries,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeLine:
    """A volume of a record that has several. ``begun`` (stated) and ``by`` (key id): who began it, and when."""

    number: int
    origin: str
    fingerprint: tuple[str, ...]
    size: int
    begun: str | None
    by: str | None

    def to_value(self) -> dict[str, Any]:
        """The line as JSON."""
        return {
            "number": self.number,
            "origin": self.origin,
            "fingerprint": list(self.fingerprint),
            "size": self.size,
            "begun_stated": self.begun,
            "by": self.by,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was verified: the package and the record that it comes from."""

    package: str | None = None
    origin: str | None = None
    fingerprint: tuple[str, ...] = ()
    size: int | None = None
    made: str | None = None
    exporter: str | None = None
    case: str | None = None
    items_here: int = 0
    items_in_case: int | None = None
    withheld: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    volumes: tuple[VolumeLine, ...] = ()
    """The record's volumes, oldest first; none for a record that has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole answer. ``unreadable`` is set when the package could not be taken apart at all."""

    findings: tuple[Finding, ...]
    subject: Subject = Subject()
    items: tuple[ItemLine, ...] = ()
    tokens: tuple[TokenLine, ...] = ()
    origin: str | None = None
    """How the origin was confirmed, or None."""
    time: bool = False
    """True when every shown item's first entry is covered by a trusted token."""
    missing: tuple[str, ...] = ()
    """What keeps the second line from CONFIRMED, in words, with how to confirm it."""
    confirmed_by: tuple[str, ...] = ()
    """What was checked for CONFIRMED."""
    unreadable: str | None = None
    test_authority: bool = False

    @property
    def intact(self) -> bool:
        """True only if something was checked and nothing failed."""
        return (
            self.unreadable is None
            and any(finding.outcome is Outcome.PASSED for finding in self.findings)
            and not any(finding.outcome is Outcome.FAILED for finding in self.findings)
        )

    @property
    def confirmed(self) -> bool:
        """True when origin and time, and all that the trust file demands, were checked and hold."""
        return self.intact and self.origin is not None and self.time and not self.missing

    @property
    def record_line(self) -> str:
        """The first line."""
        if self.unreadable is not None:
            return "UNREADABLE"
        return "INTACT" if self.intact else "DOES NOT MATCH"

    @property
    def origin_line(self) -> str:
        """The second line; nothing can be confirmed of what does not match."""
        if self.confirmed:
            return "CONFIRMED"
        return "NOT CONFIRMED"

    @property
    def exit_code(self) -> int:
        """0 intact and confirmed, 6 intact but not confirmed, 1 does not match, 4 unreadable."""
        if self.unreadable is not None:
            return 4
        if not self.intact:
            return 1
        return 0 if self.confirmed else 6

    def of(self, outcome: Outcome) -> Iterator[Finding]:
        """The findings of one outcome."""
        return (finding for finding in self.findings if finding.outcome is outcome)

    def to_value(self) -> dict[str, Any]:
        """The report as one JSON object, schema custody.verify/1."""
        subject = self.subject
        return {
            "schema": "custody.verify/1",
            "record": self.record_line,
            "origin_and_time": self.origin_line,
            "origin_confirmed": self.origin is not None and self.intact,
            "time_confirmed": self.time and self.intact,
            "test_authority": self.test_authority,
            "exit_code": self.exit_code,
            "unreadable": self.unreadable,
            "confirmed_by": list(self.confirmed_by),
            "missing": list(self.missing),
            "package": {
                "id": subject.package,
                "origin": subject.origin,
                "fingerprint": list(subject.fingerprint),
                "size": subject.size,
                "made_stated": subject.made,
                "exporter": subject.exporter,
                "case": subject.case,
                "items_here": subject.items_here,
                "items_in_case": subject.items_in_case,
                "withheld": subject.withheld,
                "refused_openings": subject.refused,
                "volumes": [volume.to_value() for volume in subject.volumes],
            },
            "items": [item.to_value() for item in self.items],
            "tokens": [
                {
                    "size": t.size,
                    "time": t.gen_time,
                    "signer": t.signer,
                    "root": t.root,
                    "test_authority": t.test,
                }
                for t in self.tokens
            ],
            "findings": [finding.to_value() for finding in self.findings],
        }
