"""From what was found to the report: is the origin confirmed, is the time, and what is each item's line."""

from __future__ import annotations

import datetime as dt

from custody.format import words
from custody.format.text import moment, show
from custody.format.trust import Trust
from custody.verify import contents as shown
from custody.verify import doubt, times
from custody.verify.counts import Shown
from custody.verify.record import Placed, Record
from custody.verify.report import Findings, ItemLine, Report, Subject, TokenLine, VolumeLine


def conclude(
    record: Record,
    made: Placed | None,
    contents: shown.Contents,
    time: times.Times,
    trust: Trust,
    fingerprint: bytes | None,
    findings: Findings,
) -> Report:
    """The report: what was found, and whether origin and time are confirmed by it."""
    missing: list[str] = []
    confirmed_by: list[str] = []
    origin = _origin(record, trust, fingerprint, findings, missing, confirmed_by)
    timed = _time(record, contents, time, trust, findings, missing, confirmed_by)
    doubted = doubt.doubtful(record, time)
    for seq, reason in sorted(doubted.items()):
        findings.not_checked("compromised keys", reason, where=record.name(seq))
    if doubted:
        missing.append(
            f"{len(doubted)} entries are doubtful: a key was in other hands; ask the sender about each"
        )
    for seq in sorted(set(record.newer)):
        findings.not_checked("entries", "not checked: made by a newer custody", where=record.name(seq))
    if record.newer:
        missing.append(
            f"{len(set(record.newer))} entries were made by a newer custody; verify again with a newer one"
        )
    unfinished = [f for f in findings.all() if f.check == "acquisitions"]
    if unfinished:
        missing.append("an acquisition was not finished: ask the sender whether items are missing")
    lines = tuple(_item_line(item, time) for item in contents.items)
    return Report(
        findings=findings.all(),
        subject=_subject(record, made, contents),
        items=lines,
        tokens=tuple(
            TokenLine(
                size=p.size,
                gen_time=_text(p.token.gen_time),
                signer=p.token.signer,
                root=p.token.root_sha256,
                test=p.token.test,
            )
            for p in time.tokens
        ),
        origin=origin,
        time=timed,
        missing=tuple(missing),
        confirmed_by=tuple(confirmed_by),
        test_authority=any(p.token.test for p in time.tokens),
    )


def _origin(
    record: Record,
    trust: Trust,
    fingerprint: bytes | None,
    findings: Findings,
    missing: list[str],
    confirmed_by: list[str],
) -> str | None:
    leaf = record.genesis_leaf
    if leaf is None:
        missing.append("the record's beginning is missing, so nobody can say whose record this is")
        return None
    confirmed, older = None, False
    for volume in record.volumes:
        begun = record.beginnings.get(volume.number)
        known = trust.ledger(volume.checkpoint.origin)
        if known is None or begun is None:
            continue
        if known.genesis != begun.hex():
            findings.failed(
                "origin",
                "a record under a known name that begins differently",
                expected=known.genesis,
                found=begun.hex(),
            )
        elif volume.closed:
            older = True
        else:
            confirmed = "the trust file"
    if fingerprint is not None:
        if fingerprint == leaf[:16]:
            confirmed = "the twelve words" if confirmed is None else f"{confirmed} and the twelve words"
        elif fingerprint in [begun[:16] for begun in record.beginnings.values()]:
            older = True
        else:
            findings.failed(
                "origin",
                "the twelve words are of another record than this package's",
                expected=" ".join(words.encode(fingerprint)),
                found=" ".join(words.encode(leaf[:16])),
            )
    if confirmed is None:
        missing.append(_who(record) if older else _NOBODY)
        findings.not_checked("origin", "whose record this is was not checked")
        return None
    findings.passed("origin", f"the record is the one of {confirmed}")
    confirmed_by.append(f"origin: {confirmed}")
    return confirmed


_NOBODY = (
    "the sender is not confirmed: have the twelve words of the record read out by somebody you know "
    '(by telephone, or from the signed letter), then: custody verify PACKAGE --fingerprint "WORDS"'
)


def _who(record: Record) -> str:
    """An older volume is known. Its word does not do for the newest: see decision 0021."""
    begun = _volume_lines(record)[-1]
    return (
        f"the record that you know was continued in a new volume ({begun.begun}, stated, by the key"
        f" {(begun.by or '')[:16]}): ask the sender, by telephone, why, and for the twelve words of the new volume,"
        ' then: custody verify PACKAGE --fingerprint "WORDS"'
    )


def _volume_lines(record: Record) -> tuple[VolumeLine, ...]:
    """The volumes of a record that has several; of what failed, nothing is shown."""
    found = []
    for volume in record.volumes if len(record.volumes) > 1 else ():
        leaf, begun = record.beginnings.get(volume.number), record.entries.get(volume.base)
        body = None if begun is None or begun.seq in record.unsound else begun.body
        found.append(
            VolumeLine(
                number=volume.number,
                origin=volume.checkpoint.origin,
                fingerprint=() if leaf is None else words.encode(leaf[:16]),
                size=volume.checkpoint.size,
                begun=None if body is None else body.time.wall,
                by=None if body is None else body.actor,
            )
        )
    return tuple(found)


def _time(
    record: Record,
    contents: shown.Contents,
    time: times.Times,
    trust: Trust,
    findings: Findings,
    missing: list[str],
    confirmed_by: list[str],
) -> bool:
    seqs = (
        sorted(record.entries)
        if "every-entry-timed" in trust.require
        else [i.first.seq for i in contents.items]
    )
    uncovered = [seq for seq in seqs if time.not_after(seq) is None]
    timed = bool(contents.items) and not uncovered
    if not timed:
        missing.append(_why_no_time(time, trust, len(uncovered)))
        findings.not_checked("time", "no time was confirmed")
    else:
        signers = sorted(
            {p.token.signer for i in contents.items if (p := time.not_after(i.first.seq)) is not None}
        )
        tests = any(p.token.test for i in contents.items if (p := time.not_after(i.first.seq)) is not None)
        mark = " (test authority, not for court)" if tests else ""
        findings.passed(
            "time", f"every shown item's first entry is covered by a token of {', '.join(signers)}{mark}"
        )
        confirmed_by.append(f"time: {', '.join(signers)}{mark}")
    if _contradictory(contents, time):
        missing.append(
            "time proofs contradict each other: an authority's clock was wrong; ask another expert"
        )
        findings.not_checked(
            "time",
            "two time proofs contradict each other: an item is proven older than what it is younger than",
        )
        timed = False
    # A larger note proves nothing of a smaller record: a fork made below it would pass for the past.
    shaky = not time.seen_itself or "connected" in trust.require
    if time.newest_seen is not None and shaky:
        missing.append(
            f"the package is older than what you hold ({record.size} of {time.newest_seen} entries) and "
            "nothing connects the two; ask the sender for a newer package"
        )
    if time.not_gone_on and shaky:
        missing.append(
            "the record was continued from a state older than one that you hold, and what was logged in between is"
            " not in it; ask the sender why"
        )
    if "connected" in trust.require and time.not_connected:
        missing.append("a state of the record that you have seen is not connected to this package")
    elif time.not_connected:
        missing.append(
            "no proof connects an older state of the record that you hold; ask the sender for a newer package"
        )
    return timed


def _contradictory(contents: shown.Contents, time: times.Times) -> bool:
    for item in contents.items:
        after, before = time.not_after(item.first.seq), time.not_before(item.first.seq)
        if after is not None and before is not None and before.earliest > after.latest:
            return True
    return False


def _why_no_time(time: times.Times, trust: Trust, uncovered: int) -> str:
    if not time.tokens:
        return (
            "no time was confirmed: the package has no timestamp token; the sender can get one with custody seal, "
            "and export anew"
        )
    if not trust.authorities:
        return (
            "no time was confirmed: you name no timestamp authority; put the root certificate of the one you "
            "trust into the trust file: custody trust add --tsa-root PEM"
        )
    refused = [
        proven for proven in time.tokens if proven.token.root_sha256 is not None and not proven.accepted
    ]
    if refused and not any(proven.accepted for proven in time.tokens):
        if "no-test-authority" in trust.require and all(proven.token.test for proven in refused):
            return "no time was confirmed: it is of a test authority, and the trust file refuses those"
        return "no time was confirmed: the tokens are under policies that the trust file does not take"
    if not any(proven.accepted for proven in time.tokens):
        return "no time was confirmed: the tokens are of authorities that the trust file does not have"
    return f"no time was confirmed for {uncovered} entries: no trusted token covers them"


def _subject(record: Record, made: Placed | None, contents: shown.Contents) -> Subject:
    # What failed may hold anything, and is shown on a terminal: nothing of it is.
    body = made.body if made is not None and made.seq not in record.unsound else None
    leaf = record.genesis_leaf
    refused = sum(
        1
        for placed in record.entries.values()
        if placed.body is not None
        and placed.body.kind == "item.accessed"
        and placed.body.public.get("result") == "refused"
    )
    return Subject(
        package=None if body is None else body.public.get("package"),
        origin=record.checkpoint.origin,
        fingerprint=() if leaf is None else words.encode(leaf[:16]),
        size=record.size,
        volumes=_volume_lines(record),
        made=None if body is None else body.time.wall,
        exporter=None if body is None else body.actor,
        case=None if body is None else body.case,
        items_here=len(contents.items),
        items_in_case=contents.items_in_case,
        withheld=dict(contents.withheld),
        refused=refused,
    )


def _item_line(item: Shown, time: times.Times) -> ItemLine:
    body = item.first.body
    assert body is not None
    content = item.parts.get("content", {})
    after, before = time.not_after(item.first.seq), time.not_before(item.first.seq)
    name = shown.plain_name(item)
    media_type = str(content.get("media_type", ""))
    return ItemLine(
        label=item.label,
        id=body.subject.id,
        path=item.path,
        sha256=content.get("digests", {}).get("sha256", ""),
        size=content.get("size", 0),
        media_type=media_type,
        flags=tuple(content.get("flags", ())),
        name=None if name is None else show(name),
        stated_logged=body.time.wall,
        proven_not_after=None if after is None else _text(after.latest),
        proven_not_before=None if before is None else _text(before.earliest),
        days_unproven=_days(body.time.wall, after),
        entries=len(item.history),
        test_time=any(p is not None and p.token.test for p in (after, before)),
        registered=item.registered,
        received=tuple(item.received),
        parent=item.parent,
    )


def _days(stated: str, after: times.Proven | None) -> int | None:
    """Whole days between the stated logging and the first proof of it; None without a proof."""
    if after is None:
        return None
    return max(0, (after.latest - moment(stated, where="entry")).days)


def _text(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
