"""From what was found to the second line: what confirms, what does not, and what is said of each item."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from custody.format import words
from custody.format.entry import Entry, Subject, Time
from custody.format.note import Checkpoint, LogNote
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from custody.verify.conclusion import conclude
from custody.verify.contents import Contents
from custody.verify.counts import Shown
from custody.verify.record import Placed, Record, Volume
from custody.verify.report import Findings, Outcome, Report
from custody.verify.times import Proven, Times
from tests.test_times import DAY, proven

OLD, NEW = "custody/" + "a" * 26, "custody/" + "b" * 26
FIRST, SECOND = b"\1" * 32, b"\2" * 32
HOUR = dt.timedelta(hours=1)
EXPORTER, KEEPER = "e" * 64, "d" * 64
AUTHORITY = TrustedAuthority(roots=(b"root",), policies=(), source="by hand", test=False)


def entry(kind: str, seq: int, about: str = "x", **changes: Any) -> Entry:
    values: dict[str, Any] = {
        "ledger": NEW,
        "seq": seq,
        "root": "",
        "kind": kind,
        "actor": EXPORTER,
        "subject": Subject(type=kind.partition(".")[0], id=about, n=0, prev=None),
        "case": None,
        "group": None,
        "time": Time(wall="2026-03-03T23:00:00.000Z", session=None, mono=None),
        "public": {},
        "sealed": {},
        **changes,
    }
    return Entry(**values)


def placed(body: Entry | None, seq: int, volume: int = 1) -> Placed:
    return Placed(seq=seq, volume=volume, name=f"entry {seq}", key_id=EXPORTER, body=body, leaf=bytes(32))


def volume(number: int, origin: str, base: int, size: int, folder: str = "custody/") -> Volume:
    checkpoint = Checkpoint(origin=origin, size=size, root=bytes(32))
    return Volume(number=number, folder=folder, base=base, checkpoint=checkpoint)


def note(checkpoint: Checkpoint) -> LogNote:
    made = object.__new__(LogNote)
    object.__setattr__(made, "checkpoint", checkpoint)
    return made


class Case:
    """A record of one volume with two shown items at 3 and 5, a token over all of it, and who knows what."""

    def __init__(self) -> None:
        newest = volume(1, NEW, 0, 9)
        self.made: Placed | None = placed(entry("package.made", 8, "K", case="K", public={"package": "P"}), 8)
        items = [
            placed(entry("item.collected", seq, f"I{seq}", public={"label": f"A-1/0{seq}"}), seq)
            for seq in (3, 5)
        ]
        everything = [placed(entry("ledger.created", 0), 0), *items, self.made]
        self.record = Record(
            note=note(newest.checkpoint),
            volumes=(newest,),
            entries={one.seq: one for one in everything},
            beginnings={1: FIRST},
        )
        content = {
            "digests": {"sha256": "ab" * 32},
            "size": 5,
            "media_type": "text/plain",
            "flags": ["f"],
        }
        self.contents = Contents(
            items=[
                Shown(
                    first=items[0],
                    history=(items[0],),
                    parts={"content": content},
                    path="data/1",
                    received=["A-9/01"],
                ),
                Shown(first=items[1], history=(items[1], items[1]), parts={}, path="data/2"),
            ],
            withheld={"note": 1},
            items_in_case=7,
        )
        self.tokens: list[Proven] = [proven(9, DAY + HOUR)]
        self.trust = Trust(
            ledgers=(TrustedLedger(origin=NEW, genesis=FIRST.hex()),), authorities=(AUTHORITY,)
        )
        self.fingerprint: bytes | None = None
        self.findings = Findings()
        self.findings.passed("bag", "fine")
        self.seen: dict[str, Any] = {}

    def report(self) -> Report:
        times = Times(tokens=self.tokens)
        times.index()
        for name, value in self.seen.items():
            setattr(times, name, value)
        return conclude(
            self.record, self.made, self.contents, times, self.trust, self.fingerprint, self.findings
        )


def said(report: Report, check: str, outcome: Outcome) -> list[str]:
    return [f.text for f in report.findings if f.check == check and f.outcome is outcome]


def test_trust_file_and_token_confirm() -> None:
    report = Case().report()
    assert (report.exit_code, report.missing) == (0, ())
    assert report.confirmed_by == ("origin: the trust file", "time: x")
    assert said(report, "origin", Outcome.PASSED) == ["the record is the one of the trust file"]
    assert said(report, "time", Outcome.PASSED) == [
        "every shown item's first entry is covered by a token of x"
    ]
    assert not report.test_authority
    assert [(t.size, t.gen_time, t.signer, t.test) for t in report.tokens] == [
        (9, "2026-03-04T01:00:00Z", "x", False)
    ]
    subject = report.subject
    assert (subject.package, subject.case, subject.exporter, subject.origin) == ("P", "K", EXPORTER, NEW)
    assert (subject.made, subject.size) == ("2026-03-03T23:00:00.000Z", 9)
    assert subject.fingerprint == words.encode(FIRST[:16])
    assert (subject.items_here, subject.items_in_case, subject.withheld) == (2, 7, {"note": 1})
    assert subject.volumes == ()


# Whose record it is


@pytest.mark.parametrize(
    ("words_of", "known", "confirmed", "failed"),
    [
        (FIRST, False, "the twelve words", False),
        (FIRST, True, "the trust file and the twelve words", False),
        (SECOND, True, "the trust file", True),
        (SECOND, False, None, True),
        (None, False, None, False),
    ],
)
def test_twelve_words(words_of: bytes | None, known: bool, confirmed: str | None, failed: bool) -> None:
    case = Case()
    case.fingerprint = None if words_of is None else words_of[:16]
    if not known:
        case.trust = replace(case.trust, ledgers=())
    report = case.report()
    assert report.origin == confirmed
    assert report.intact is not failed
    if failed:
        (found,) = [f for f in report.findings if f.check == "origin" and f.outcome is Outcome.FAILED]
        assert found.expected == " ".join(words.encode(SECOND[:16]))
        assert found.found == " ".join(words.encode(FIRST[:16]))
    if confirmed is None:
        assert any("the sender is not confirmed" in text for text in report.missing)
        assert said(report, "origin", Outcome.NOT_CHECKED) == ["whose record this is was not checked"]
        assert not said(report, "origin", Outcome.PASSED)


def test_a_known_name_that_begins_otherwise_is_a_failure() -> None:
    case = Case()
    case.trust = replace(case.trust, ledgers=(TrustedLedger(origin=NEW, genesis=SECOND.hex()),))
    report = case.report()
    (found,) = [f for f in report.findings if f.outcome is Outcome.FAILED]
    assert (found.check, found.expected, found.found) == ("origin", SECOND.hex(), FIRST.hex())
    assert report.origin is None


def test_a_record_without_its_beginning_is_nobodys() -> None:
    case = Case()
    case.fingerprint = FIRST[:16]
    case.record.beginnings = {}
    report = case.report()
    assert report.origin is None
    assert any("beginning is missing" in text for text in report.missing)
    assert report.subject.fingerprint == ()


def two_volumes(case: Case) -> None:
    """The same entries, of which the first four are an older volume's; a stranger's key began the newer one."""
    older, newest = volume(1, OLD, 0, 4, "custody/volumes/1/"), volume(2, NEW, 4, 5)
    case.record.volumes = (older, newest)
    case.record.note = note(newest.checkpoint)
    case.record.beginnings = {1: FIRST, 2: SECOND}
    begun = entry("ledger.continued", 0, actor=KEEPER, time=Time(wall="begun", session=None, mono=None))
    case.record.entries[4] = placed(begun, 4, 2)


@pytest.mark.parametrize("how", ["trust file", "words"])
def test_an_older_volume_that_is_known_does_not_do_for_the_newest(how: str) -> None:
    case = Case()
    two_volumes(case)
    older = TrustedLedger(origin=OLD, genesis=FIRST.hex())
    case.trust = replace(case.trust, ledgers=(older,) if how == "trust file" else ())
    case.fingerprint = FIRST[:16] if how == "words" else None
    report = case.report()
    assert (report.origin, report.exit_code) == (None, 6)
    (text,) = report.missing
    assert "continued in a new volume (begun, stated" in text
    assert f"by the key {KEEPER[:16]})" in text
    assert report.subject.fingerprint == words.encode(SECOND[:16])
    assert report.subject.size == 9
    first, second = report.subject.volumes
    assert (first.number, first.origin, first.size, first.by) == (1, OLD, 4, EXPORTER)
    assert (second.number, second.origin, second.size, second.begun) == (2, NEW, 5, "begun")
    assert (first.fingerprint, second.fingerprint) == (words.encode(FIRST[:16]), words.encode(SECOND[:16]))
    # With the newest one known too, it is confirmed.
    case = Case()
    two_volumes(case)
    case.trust = replace(case.trust, ledgers=(older, TrustedLedger(origin=NEW, genesis=SECOND.hex())))
    assert case.report().exit_code == 0


def test_of_a_beginning_that_failed_nothing_is_shown() -> None:
    case = Case()
    two_volumes(case)
    case.record.unsound = {4}
    second = case.report().subject.volumes[1]
    assert (second.begun, second.by) == (None, None)
    del case.record.entries[4]
    del case.record.beginnings[2]
    second = case.report().subject.volumes[1]
    assert (second.begun, second.by, second.fingerprint) == (None, None, ())


def test_of_a_making_that_failed_nothing_is_shown() -> None:
    for spoil in ("unsound", "none"):
        case = Case()
        case.record.unsound = {8} if spoil == "unsound" else set()
        case.made = None if spoil == "none" else case.made
        subject = case.report().subject
        assert (subject.package, subject.made, subject.exporter, subject.case) == (None,) * 4
        assert subject.origin == NEW


# When


def no_time(report: Report) -> str:
    """What is missing, once it is sure that no time was confirmed."""
    assert not report.time
    assert report.exit_code == 6
    assert said(report, "time", Outcome.NOT_CHECKED)
    (text,) = report.missing
    return text


def test_every_shown_item_must_be_covered_by_a_token_that_is_trusted() -> None:
    case = Case()
    for size, timed in ((3, False), (4, False), (5, False), (6, True)):
        case.tokens = [proven(size, DAY)]
        assert case.report().time is timed, size
    case.tokens = [proven(5, DAY)]
    case.findings = Findings()
    case.findings.passed("bag", "fine")
    assert no_time(case.report()) == "no time was confirmed for 1 entries: no trusted token covers them"


def test_who_proves_the_times_is_told_by_name_each_once() -> None:
    case = Case()
    names = "hgfedcba"
    firsts = [
        placed(entry("item.collected", n, f"J{n}", public={"label": f"A-2/0{n}"}), n)
        for n in range(len(names))
    ]
    case.contents.items = [Shown(first=one, history=(one,), parts={}) for one in (*firsts, firsts[0])]
    # The earliest token that covers an entry is the one right behind it: each has another's.
    made = [(proven(n + 1, DAY + n * HOUR), name) for n, name in enumerate(names)]
    case.tokens = [replace(one, token=replace(one.token, signer=name)) for one, name in made]
    report = case.report()
    assert report.confirmed_by[1] == "time: a, b, c, d, e, f, g, h"
    assert [item.proven_not_after for item in report.items][:2] == [
        "2026-03-04T00:00:00Z",
        "2026-03-04T01:00:00Z",
    ]


def test_a_package_without_items_has_no_time() -> None:
    case = Case()
    case.contents.items = []
    assert not case.report().time


def test_every_entry_can_be_demanded() -> None:
    case = Case()
    case.trust = replace(case.trust, require=("every-entry-timed",))
    assert case.report().time
    case.tokens = [proven(8, DAY)]
    case.findings = Findings()
    case.findings.passed("bag", "fine")
    assert "for 1 entries" in no_time(case.report())


def refused(**changes: Any) -> Proven:
    return proven(9, DAY, accepted=False, **changes)


def rootless(one: Proven) -> Proven:
    return replace(one, token=replace(one.token, root_sha256=None))


@pytest.mark.parametrize(
    ("tokens", "changes", "says"),
    [
        ([], {}, "has no timestamp token"),
        ([refused()], {"authorities": ()}, "you name no timestamp authority"),
        ([rootless(refused())], {}, "of authorities that the trust file does not have"),
        ([refused()], {}, "under policies that the trust file does not take"),
        ([refused(test=True)], {}, "under policies that the trust file does not take"),
        ([refused(test=True)], {"require": ("no-test-authority",)}, "the trust file refuses those"),
        (
            [refused(test=True), refused()],
            {"require": ("no-test-authority",)},
            "under policies that the trust file does not take",
        ),
        ([refused(), proven(2, DAY)], {}, "for 2 entries"),
        ([rootless(refused()), proven(2, DAY)], {}, "for 2 entries"),
    ],
)
def test_why_no_time_was_confirmed(tokens: list[Proven], changes: dict[str, Any], says: str) -> None:
    case = Case()
    case.tokens = tokens
    case.trust = replace(case.trust, **changes)
    assert says in no_time(case.report())


def test_a_test_authority_is_told_wherever_a_time_is() -> None:
    case = Case()
    case.tokens = [proven(9, DAY, test=True)]
    report = case.report()
    mark = " (test authority, not for court)"
    assert report.test_authority
    assert report.confirmed_by[1] == f"time: x{mark}"
    assert said(report, "time", Outcome.PASSED)[0].endswith(f"a token of x{mark}")
    assert [item.test_time for item in report.items] == [True, True]
    # One beside that proves nothing here is told too.
    case = Case()
    case.tokens.append(refused(test=True))
    report = case.report()
    assert report.test_authority
    assert [item.test_time for item in report.items] == [False, False]
    assert mark not in report.confirmed_by[1]


def test_time_proofs_that_contradict_each_other_confirm_nothing() -> None:
    """Older than one token, younger than a later one: an authority's clock was wrong."""
    for hours, contradict in ((0, False), (1, False), (2, True)):
        case = Case()
        case.tokens = [proven(9, DAY + HOUR), proven(2, DAY + hours * HOUR, logged_at=2)]
        report = case.report()
        assert report.time is not contradict, hours
        assert any("contradict each other" in text for text in report.missing) is contradict
        assert bool(said(report, "time", Outcome.NOT_CHECKED)) is contradict


def test_what_is_only_younger_than_something_contradicts_nothing() -> None:
    case = Case()
    case.tokens = [proven(2, DAY, logged_at=2)]
    report = case.report()
    assert [item.proven_not_before for item in report.items] == ["2026-03-04T00:00:00Z"] * 2
    assert [item.proven_not_after for item in report.items] == [None, None]
    assert not any("contradict" in text for text in report.missing)


# What the verifier's side has seen


@pytest.mark.parametrize(
    ("seen", "demanded", "code", "says"),
    [
        ({}, True, 0, ""),
        ({"newest_seen": 20}, False, 6, "older than what you hold (9 of 20 entries)"),
        ({"newest_seen": 20, "seen_itself": True}, False, 0, ""),
        ({"newest_seen": 20, "seen_itself": True}, True, 6, "older than what you hold (9 of 20 entries)"),
        ({"not_gone_on": [1]}, False, 6, "continued from a state older than one that you hold"),
        ({"not_gone_on": [1], "seen_itself": True}, False, 0, ""),
        ({"not_gone_on": [1], "seen_itself": True}, True, 6, "continued from a state older"),
        ({"not_connected": [4]}, False, 6, "no proof connects an older state"),
        ({"not_connected": [4]}, True, 6, "is not connected to this package"),
        ({"seen_itself": True}, False, 0, ""),
    ],
)
def test_states_that_were_seen(seen: dict[str, Any], demanded: bool, code: int, says: str) -> None:
    case = Case()
    case.seen = seen
    case.trust = replace(case.trust, require=("connected",) if demanded else ())
    report = case.report()
    assert report.exit_code == code
    assert len(report.missing) == (1 if says else 0)
    assert says in " ".join(report.missing)


# What else keeps it from being confirmed


def test_entries_of_a_newer_custody_are_counted_once_each() -> None:
    case = Case()
    case.record.newer = [7, 2, 7]
    report = case.report()
    assert report.exit_code == 6
    assert [f.where for f in report.findings if f.check == "entries"] == ["entry 2", "entry 7"]
    assert said(report, "entries", Outcome.NOT_CHECKED)
    assert report.missing[0].startswith("2 entries were made by a newer custody")


def test_an_acquisition_that_never_ended_keeps_it_from_being_confirmed() -> None:
    case = Case()
    case.findings.not_checked("acquisitions", "not finished")
    report = case.report()
    assert report.exit_code == 6
    assert "an acquisition was not finished" in report.missing[0]


def test_doubtful_entries_keep_it_from_being_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "custody.verify.conclusion.doubt.doubtful", lambda record, times: {5: "a thief's", 3: "his too"}
    )
    report = Case().report()
    assert report.exit_code == 6
    assert [(f.where, f.text, f.outcome) for f in report.findings if f.check == "compromised keys"] == [
        ("entry 3", "his too", Outcome.NOT_CHECKED),
        ("entry 5", "a thief's", Outcome.NOT_CHECKED),
    ]
    assert report.missing[0].startswith("2 entries are doubtful")


def test_refused_tries_are_counted() -> None:
    case = Case()
    for seq, kind, result in (
        (1, "item.accessed", "refused"),
        (2, "item.accessed", "opened"),
        (6, "case.consulted", "refused"),
    ):
        case.record.entries[seq] = placed(entry(kind, seq, public={"result": result}), seq)
    case.record.entries[7] = placed(None, 7)
    assert case.report().subject.refused == 1


# Items


def test_an_items_line_keeps_proven_and_stated_apart() -> None:
    case = Case()
    case.tokens = [
        proven(9, DAY + 51 * HOUR, accuracy_us=3_600_000_000),
        proven(2, DAY - 30 * HOUR, logged_at=2),
    ]
    first, second = case.report().items
    assert (first.label, first.id, first.path, first.entries) == ("A-1/03", "I3", "data/1", 1)
    assert (first.sha256, first.size, first.media_type, first.flags) == ("ab" * 32, 5, "text/plain", ("f",))
    assert first.stated_logged == "2026-03-03T23:00:00.000Z"
    assert (first.proven_not_after, first.proven_not_before) == (
        "2026-03-06T04:00:00Z",
        "2026-03-02T18:00:00Z",
    )
    assert first.days_unproven == 2
    assert (first.received, first.registered, first.parent, first.name) == (("A-9/01",), False, None, None)
    assert (second.sha256, second.size, second.media_type, second.flags) == ("", 0, "", ())
    assert (second.entries, second.received) == (2, ())


def test_days_unproven_are_never_less_than_none() -> None:
    case = Case()
    case.tokens = [proven(9, DAY - 100 * HOUR)]
    assert [item.days_unproven for item in case.report().items] == [0, 0]
    case.tokens = []
    line = case.report().items[0]
    assert (line.days_unproven, line.proven_not_after, line.proven_not_before) == (None, None, None)


def test_a_name_is_shown_so_that_no_terminal_obeys_it() -> None:
    case = Case()
    parts = {"name": {"name": {"text": "a\x1b[2Jb"}}, "content": {}}
    case.contents.items[0] = replace(case.contents.items[0], parts=parts)
    assert case.report().items[0].name == "a\\u001b[2Jb"


@pytest.mark.parametrize(
    ("kind", "parent", "registered"),
    [("item.derived", "I0", False), ("item.registered", None, True), ("item.collected", None, False)],
)
def test_how_an_item_came_in_is_said(kind: str, parent: str | None, registered: bool) -> None:
    case = Case()
    public = {"label": "A-1/01.1", **({"parent": parent} if parent else {})}
    first = placed(entry(kind, 3, "I3", public=public), 3)
    case.contents.items = [Shown(first=first, history=(first,), parts={}, path="data/1")]
    (line,) = case.report().items
    assert (line.parent, line.registered, line.label) == (parent, registered, "A-1/01.1")
