"""A report as text for people: the two lines first, then what is proven, stated, withheld, not covered."""

from __future__ import annotations

from custody.format import names
from custody.format.text import show
from custody.verify.report import Outcome, Report

_INNOCENT = "A bad copy looks the same as a change: compare with another copy, or ask for the package again."
_LIMITS = "This says nothing about whether what was written or shown in the files is true."
MAX_ITEMS = 200


def lines(report: Report, *, every_finding: bool = False) -> list[str]:
    """The report, line by line."""
    out = [f"{report.record_line}", f"{_second(report)}", ""]
    if report.unreadable is not None:
        return [report.record_line, "", f"  {report.unreadable}"]
    out += _head(report)
    failed = list(report.of(Outcome.FAILED))
    if failed:
        out += ["", "Does not match:"]
        out += [_finding(f.text, f.where, f.expected, f.found) for f in failed]
        out += [f"  {_INNOCENT}"]
    if report.missing:
        out += ["", "Not confirmed:"] + [f"  - {text}" for text in report.missing]
    out += _items(report)
    passed = list(report.of(Outcome.PASSED))
    out += ["", "Proven:" if report.intact else "Checked, and fits:"]
    out += [f"  + {f.text}" for f in passed]
    unchecked = list(report.of(Outcome.NOT_CHECKED))
    if unchecked:
        out += ["", "Not checked:"]
        limit = len(unchecked) if every_finding else 20
        out += [f"  ? {f.text}{f' ({show(f.where)})' if f.where else ''}" for f in unchecked[:limit]]
        if len(unchecked) > limit:
            out.append(f"  ? and {len(unchecked) - limit} more")
    out += ["", "Only stated by a person or a device, not proven:"]
    out += ["  the times in the column “logged”, and all that the record says about source, place and method"]
    out += [f"  * {f.text}{f' ({show(f.where)})' if f.where else ''}" for f in report.of(Outcome.NOTED)]
    out += ["", f"Not covered: {_LIMITS}"]
    return out


def _second(report: Report) -> str:
    mark = " (test authority, not for court)" if report.test_authority else ""
    if report.confirmed:
        return f"CONFIRMED: {'; '.join(report.confirmed_by)}{'' if mark in '; '.join(report.confirmed_by) else mark}"
    if not report.intact:
        return f"NOT CONFIRMED{mark}"
    origin = "ORIGIN CONFIRMED" if report.origin is not None else "ORIGIN NOT CONFIRMED"
    time = "TIME CONFIRMED" if report.time else "TIME NOT CONFIRMED"
    return f"NOT CONFIRMED: {origin}, {time}{mark}"


def _head(report: Report) -> list[str]:
    subject = report.subject
    out = []
    if subject.package is not None:
        out.append(
            f"Package  {subject.package}, made {subject.made} (stated), record of {subject.size} entries"
        )
    if subject.fingerprint:
        out.append(f"Record   {subject.origin}")
        out.append(f"         in words: {' '.join(subject.fingerprint)}")
    for volume in subject.volumes:
        out.append(
            f"Volume   {volume.number} of {len(subject.volumes)}: {volume.origin}, {volume.size} entries"
        )
        if volume.number > 1:
            out.append(
                f"         begun {volume.begun} (stated) by the key {(volume.by or '')[:16]}, from a backup"
            )
    if subject.items_in_case is not None:
        made = sum(item.parent is not None for item in report.items)
        derived = f", {made} of them derived from others by custody" if made else ""
        out.append(
            f"Items    {subject.items_here} of {subject.items_in_case} items of this case are here{derived}"
        )
    if subject.withheld:
        held = ", ".join(f"{count} × {show(name)}" for name, count in sorted(subject.withheld.items()))
        out.append(f"Withheld {held}")
    if subject.refused:
        out.append(f"Refused  {subject.refused} tries to open items were refused and logged")
    return out


def _finding(text: str, where: str | None, expected: str | None, found: str | None) -> str:
    out = f"  x {show(where)}: {text}" if where else f"  x {text}"
    if expected is not None:
        out += f"\n      expected {show(expected)}"
    if found is not None:
        out += f"\n      found    {show(found)}"
    return out


def _items(report: Report) -> list[str]:
    if not report.items:
        return []
    labels = {item.id: item.label for item in report.items}
    width = max(len(item.path) for item in report.items[:MAX_ITEMS])
    out = ["", f"  {'item':<10} {'file':<{width}} {'logged (stated)':<25} existed no later than (proven)"]
    for item in report.items[:MAX_ITEMS]:
        proven = item.proven_not_after or "no time proven"
        if item.test_time:
            proven += " (test authority, not for court)"
        elif item.days_unproven:
            proven += f" ({item.days_unproven} days unproven)"
        out.append(f"  {item.label:<10} {item.path:<{width}} {item.stated_logged:<25} {proven}")
        out.append(f"    sha256 {item.sha256}  {item.size} bytes  {show(item.media_type)}")
        if item.parent is not None:
            parent = labels.get(item.parent, f"item {names.short(item.parent)}, which is not here")
            out.append(f"    derived by custody from {parent}: not collected as it stands")
        if item.registered:
            out.append("    only registered: its digest was logged, its content was never kept")
        if item.received:
            out.append(f"    the same bytes were received again as {', '.join(item.received)}")
        if item.proven_not_before is not None:
            out.append(f"    logged no earlier than {item.proven_not_before}")
        if item.name is not None:
            out.append(f"    name   {item.name}")
        if item.flags:
            out.append(f"    flags  {', '.join(show(flag) for flag in item.flags)}")
    if len(report.items) > MAX_ITEMS:
        out.append(f"  … and {len(report.items) - MAX_ITEMS} more (all of them with --json)")
    return out
