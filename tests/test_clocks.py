"""Device clocks: what is noted of them, by whom they were written, and which innocent ones give nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from custody.format.entry import Time
from custody.procedure import cases, export, seal
from custody.procedure.check import check
from custody.procedure.export import Choice
from custody.procedure.locker import Desk, Locker
from custody.verify import clocks
from custody.verify.package import verify
from custody.verify.report import Finding, Findings, Outcome
from custody.verify.text import lines
from custody.verify.times import Times
from tests import desks

REPO = Path(__file__).resolve().parent.parent
SECOND = 1_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


class Machine:
    """A machine with a wall clock that can be set and an uptime that can't; ``boot`` is the current one's id."""

    def __init__(self, boot: bytes = b"boot one") -> None:
        self.clock = desks.Clock()
        self.boot, self.uptime = boot, 5 * HOUR

    def passes(self, milliseconds: int) -> None:
        """Time goes by, for both clocks."""
        self.clock.forward(milliseconds=milliseconds)
        self.uptime += milliseconds

    def restart(self, boot: bytes = b"boot two") -> None:
        self.passes(60 * SECOND)
        self.boot, self.uptime = boot, 20 * SECOND

    def at(self, desk: Desk) -> Desk:
        """The same custodian, as a later command on this machine has them."""
        rim = dataclasses.replace(desk.rim, now=self.clock, boot_clock=lambda: (self.boot, self.uptime))
        return Desk(Locker(desk.locker.path), desk.key_file, rim)


def noted(desk: Desk) -> list[Finding]:
    """What `check` notes of clocks beyond its first line; it must pass, and say that line."""
    done = check(desk.locker, desk, workers=0)
    assert done.passed, done.first_failure
    first, *rest = [f for f in done.findings if f.outcome is Outcome.NOTED]
    assert first.check == "clocks"
    assert ("do not fit together" in first.text) == bool(rest)
    return rest


def opened(desk: Desk, machine: Machine, *refs: str) -> None:
    """One entry for each reference, by a command of its own."""
    for ref in refs:
        cases.open_case(machine.at(desk), ref)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


# Innocent


def test_clocks_that_agree_give_nothing(desk: Desk):
    machine = Machine()
    for number in range(4):
        opened(desk, machine, f"R-{number}")
        machine.passes(7 * SECOND)
    assert noted(desk) == []


def test_a_machine_started_anew_has_another_uptime(desk: Desk):
    machine = Machine()
    opened(desk, machine, "R-1")
    machine.restart()
    opened(desk, machine, "R-2", "R-3")
    assert noted(desk) == []


@pytest.mark.parametrize(
    ("passed", "off"),
    [
        (DAY, 0),  # a sleep of a day, counted by both clocks
        (8 * HOUR, 500),  # a sleep, by a clock chip that is read to the second
        (SECOND, -1_000),  # a leap second
        (60 * HOUR, 100 * 60 * 60 * 60 // 1_000),  # a chip that errs by 100 ppm over a weekend asleep
        (DAY, 43_000),  # the most that Linux slews
        (DAY, -43_000),
        (0, -2_000),
    ],
)
def test_small_corrections_give_nothing(desk: Desk, passed: int, off: int):
    machine = Machine()
    opened(desk, machine, "R-1")
    machine.passes(passed)
    machine.clock.forward(milliseconds=off)
    opened(desk, machine, "R-2")
    assert noted(desk) == []


# Set


@pytest.mark.parametrize(
    ("off", "says"),
    [(2 * HOUR + 300 * SECOND, "forward by 2 h 5 min"), (-3 * DAY, "back by 3 d"), (-2_600, "back by 3 s")],
)
def test_a_clock_that_is_set_within_a_session_is_noted(desk: Desk, off: int, says: str):
    machine = Machine()
    opened(desk, machine, "R-1")
    size = check(desk.locker, workers=0).entries
    machine.passes(90 * SECOND)
    machine.clock.forward(milliseconds=off)
    opened(desk, machine, "R-2", "R-3")
    (one,) = noted(desk)
    assert one.where == f"entry {size}"
    assert f"the machine's clock went {says} against its own uptime since entry {size - 1}" in one.text
    assert desk.key_id[:16] in one.text


def test_a_clock_set_back_and_forth_is_noted_twice(desk: Desk):
    machine = Machine()
    opened(desk, machine, "R-1")
    machine.clock.forward(days=-400)
    opened(desk, machine, "R-2")
    machine.clock.forward(days=400)
    opened(desk, machine, "R-3")
    back, forth = noted(desk)
    assert "went back by 400 d" in back.text
    assert "went forward by 400 d" in forth.text


def test_a_session_is_compared_across_the_entries_of_another_machine(desk: Desk):
    one, other = Machine(), Machine(b"another machine")
    opened(desk, one, "R-1")
    opened(desk, other, "R-2")
    one.clock.forward(hours=1)
    opened(desk, one, "R-3")
    other.passes(HOUR)
    opened(desk, other, "R-4")
    (found,) = noted(desk)
    assert "forward by 1 h" in found.text


def test_a_time_before_that_of_somebody_else_names_both(desk: Desk, tmp_path: Path):
    own, _ = desks.add_person(desk, tmp_path / "keys" / "second", all_cases=True, rights=("collect", "read"))
    one, other = Machine(), Machine(b"another machine")
    one.passes(HOUR)
    opened(desk, one, "R-1")
    cases.open_case(other.at(Desk(desk.locker, own, desk.rim)), "R-2")
    (found,) = noted(desk)
    assert "states a time 1 h before that of entry" in found.text
    assert desk.key_id[:16] in found.text
    assert own.key_id[:16] in found.text
    assert "another machine, or the same one started anew" in found.text


def test_without_an_uptime_a_time_that_goes_back_is_noted(desk: Desk):
    clock = desks.Clock()
    clock.forward(days=2)
    cases.open_case(desks.sit_down(desk, clock=clock), "R-1")
    clock.forward(days=-1)
    cases.open_case(desks.sit_down(desk, clock=clock), "R-2")
    (found,) = noted(desk)
    assert "states a time 1 d before" in found.text
    assert "whether on one machine is not stated" in found.text


def test_many_places_are_counted(desk: Desk):
    machine = Machine()
    for number in range(clocks.MOST + 4):
        machine.clock.forward(hours=1)
        opened(desk, machine, f"R-{number}")
    rest = noted(desk)
    assert len(rest) == clocks.MOST + 1
    assert rest[-1].text == "and 3 more"


# Against time proofs, and in a package


@pytest.mark.parametrize(("off", "says"), [(59, None), (-59, None), (200, "later"), (-200, "earlier")])
def test_a_clock_is_compared_with_time_proofs(tmp_path: Path, off: int, says: str | None):
    """``off``: the machine's clock against the authority's, in seconds; a minute and more is told, and a proof
    that is 31 s younger than the entry takes that off."""
    true, machine = desks.Clock(), Machine()
    with desks.authority(true) as (_, named):
        desk = desks.new_locker(
            tmp_path, tsa=(named,), clock=desks.Clock(desks.START - dt.timedelta(hours=1))
        )
        for hour in range(2):
            for clock in (true, machine.clock):
                clock.forward(hours=hour)
            machine.uptime += hour * HOUR
            machine.clock.now = true.now + dt.timedelta(seconds=off)
            here = machine.at(desk)
            case = cases.open_case(here, f"R-{hour}")
            true.forward(seconds=31)
            machine.passes(31 * SECOND)
            desks.take_in(
                machine.at(desk), case, desks.put(tmp_path / f"in-{hour}", {"a.txt": b"hello %d" % hour})
            )
            seal.seal(machine.at(desk))
    rest = noted(desk)
    assert bool(rest) == (says is not None)
    assert all(f"{says} than" in f.text or "before that of" in f.text for f in rest)
    assert any("test authority, not for court" in f.text for f in rest) == bool(rest)


def test_a_package_notes_clocks_and_changes_no_line(desk: Desk, tmp_path: Path):
    machine = Machine()
    case = cases.open_case(machine.at(desk), "R-1")
    desks.take_in(machine.at(desk), case, desks.put(tmp_path / "in", {"a.txt": b"hello"}))

    def package(name: str) -> Path:
        here = machine.at(desk)
        export.export(here, Choice(case=case), tmp_path / name, purpose="a test", plain=True)
        return tmp_path / name

    with package("one.zip").open("rb") as file:
        honest = verify(file, now=machine.clock.now)
    machine.passes(SECOND)
    machine.clock.forward(days=-30)
    with package("two.zip").open("rb") as file:
        report = verify(file, now=machine.clock.now + dt.timedelta(days=60))
    for one, count in ((honest, 1), (report, 2)):
        told = [f for f in one.findings if f.outcome is Outcome.NOTED]
        assert len(told) == count
        assert {f.check for f in told} == {"clocks"}
    assert "went back by 30 d" in told[1].text
    assert (report.record_line, report.exit_code) == (honest.record_line, honest.exit_code) == ("INTACT", 6)
    assert report.missing == honest.missing
    text = "\n".join(lines(report))
    assert f"  * {told[1].text}" in text.split("Only stated by a person or a device, not proven:")[1]
    schema = json.loads((REPO / "schemas" / "custody.verify.schema.json").read_text("utf-8"))
    jsonschema.validate(report.to_value(), schema)


def test_notes_alone_are_no_check():
    findings = Findings()
    clocks.Clocks().conclude(Times(), findings, str)
    assert findings.all() == ()
    findings.noted("clocks", "something")
    assert not findings.has_failed()


# Entry by entry

KEY, OTHER_KEY = "a" * 15 + "bc", "d" * 15 + "ef"
ONE, TWO = "session one", "session two"


def stated(wall: int | str, mono: int | None = None, session: str | None = None, actor: str = KEY) -> Any:
    """Of an entry what its clocks said: milliseconds since the start of the story, or the text itself."""
    if isinstance(wall, int):
        moment = desks.START + dt.timedelta(milliseconds=wall)
        wall = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    time = Time(wall=wall, session=session, mono=None if mono is None else str(mono))
    return SimpleNamespace(time=time, actor=actor)


def told(*entries: Any, times: Any = None) -> list[tuple[str | None, str]]:
    """Where and what is noted beyond the first line, of entries numbered from 10 on; places named as "e10"."""
    found = clocks.Clocks()
    for seq, entry in enumerate(entries, 10):
        found.take(seq, entry)
    findings = Findings()
    found.conclude(Times() if times is None else times, findings, lambda seq: f"e{seq}")
    first, *rest = findings.all()
    assert {(f.check, f.outcome) for f in findings.all()} == {("clocks", Outcome.NOTED)}
    assert first.where is None
    assert ("do not fit together" in first.text) == bool(rest)
    return [(f.where, f.text) for f in rest]


@pytest.mark.parametrize("passed", [0, 1_999, 2_000, 3_999, 4_000, 2_000_000])
@pytest.mark.parametrize("way", [1, -1])
def test_how_far_a_clock_may_go_from_the_uptime(passed: int, way: int) -> None:
    """Two seconds, and one part in 2,000 of what passed."""
    first, most = stated(0, 5_000_000, ONE), 2_000 + passed // 2_000
    assert told(first, stated(passed + way * most, 5_000_000 + passed, ONE)) == []
    ((where, text),) = told(first, stated(passed + way * (most + 1), 5_000_000 + passed, ONE))
    assert where == "e11"
    assert text == (
        f"the machine's clock went {'forward' if way > 0 else 'back'} by {clocks._span(most + 1)} against its own"
        f" uptime since e10 (written with the key {KEY[:16]})"
    )


def test_an_uptime_that_goes_back_is_taken_for_as_much_time_as_one_that_goes_on() -> None:
    first = stated(0, 5_000_000, ONE)
    went = "against its own uptime since e10"
    assert went not in told(first, stated(-2_003_000, 3_000_000, ONE))[0][1]
    assert went in told(first, stated(-2_003_001, 3_000_000, ONE))[0][1]


SAME, ANOTHER, UNKNOWN = (
    "the same machine, not started anew",
    "another machine, or the same one started anew",
    "whether on one machine is not stated",
)


@pytest.mark.parametrize(
    ("before", "now", "where"),
    [
        ((None, None), (None, None), UNKNOWN),
        ((9, ONE), (None, None), UNKNOWN),
        ((None, None), (9, ONE), UNKNOWN),
        ((9, ONE), (9, TWO), ANOTHER),
        ((5_000_000, ONE), (3_000_000, ONE), SAME),
        ((None, ONE), (None, ONE), SAME),
        ((None, ONE), (9, ONE), SAME),  # only one of them states its uptime
    ],
)
@pytest.mark.parametrize("actor", [KEY, OTHER_KEY])
def test_a_time_that_goes_back_says_whose_and_where(before: Any, now: Any, where: str, actor: str) -> None:
    back = 2_000_000 if before[0] == 5_000_000 else 2_001
    if before[0] != 5_000_000:
        assert told(stated(5_000, *before), stated(3_000, *now, actor)) == []
    whose = (
        f"both written with the key {KEY[:16]}"
        if actor == KEY
        else f"written with the key {OTHER_KEY[:16]}, the one before with the key {KEY[:16]}"
    )
    ((place, text),) = told(stated(5_000, *before), stated(5_000 - back, *now, actor))
    assert place == "e11"
    assert text == (
        f"states a time {clocks._span(back)} before that of e10, which stands before it; {whose}; {where}"
    )


def test_a_clock_that_was_set_back_is_told_once() -> None:
    assert len(told(stated(0, 100, ONE), stated(-HOUR, 200, ONE))) == 1
    # It is the entry right before that a time is compared with, whatever that one was told of.
    assert len(told(stated(0, 100, ONE), stated(HOUR, 200, ONE), stated(10_000, 10_300, TWO))) == 2


def test_an_uptime_is_compared_with_the_last_one_of_its_session() -> None:
    entries = [
        stated(0, 0, ONE),
        stated(HOUR, 0, TWO),
        stated(2 * HOUR, 0, ONE),
        stated(3 * HOUR, HOUR, ONE),
        stated(4 * HOUR, None, ONE),
        stated(5 * HOUR, 3 * HOUR, ONE),
        stated(6 * HOUR, 2 * HOUR, TWO),
    ]
    assert [(where, text.partition(" since ")[2][:3]) for where, text in told(*entries)] == [
        ("e12", "e10"),
        ("e16", "e11"),
    ]


@pytest.mark.parametrize("wall", ["2026-02-30T00:00:00.000Z", "", "x" * 24, "2026-01-01T00:00:00.abcZ"])
def test_what_is_no_time_is_passed_over(wall: str) -> None:
    entries = stated(0, 0, ONE), stated(wall, HOUR, ONE), stated(HOUR, HOUR, ONE)
    assert told(*entries) == []
    found = clocks.Clocks()
    found.take(3, entries[1])
    findings = Findings()
    found.conclude(Times(), findings, str)
    assert findings.all() == ()


def test_a_time_in_its_two_largest_units() -> None:
    for milliseconds, words in {
        0: "0 s", 499: "0 s", 501: "1 s", -2_600: "3 s", 59_400: "59 s", 59_600: "1 min",
        63_000: "1 min 3 s", 3_599_400: "59 min 59 s", HOUR: "1 h", HOUR + 59_000: "1 h",
        2 * HOUR + 300_000: "2 h 5 min", DAY - 1: "1 d", DAY + 59 * 60_000: "1 d",
        DAY + HOUR + 60_000: "1 d 1 h", 400 * DAY + 23 * HOUR: "400 d 23 h",
    }.items():  # fmt: skip
        assert clocks._span(milliseconds) == words
        assert clocks._span(-milliseconds) == words


def first_line(*entries: Any) -> str:
    found = clocks.Clocks()
    for seq, entry in enumerate(entries):
        found.take(seq, entry)
    findings = Findings()
    found.conclude(Times(), findings, str)
    return findings.all()[0].text


def test_the_first_line_counts_places_entries_and_uptimes() -> None:
    assert first_line(stated(0)).startswith("the times that 1 entry state go forward only")
    assert "(0 of 1 state the uptime of their machine too" in first_line(stated(0))
    one = first_line(stated(0, 1, ONE), stated(0, None, ONE), stated(0, 1, None), stated(9_000))
    assert one.startswith("the times that 4 entries state go forward only")
    assert "(1 of 4 state the uptime" in one
    assert first_line(stated(0), stated(-HOUR)).startswith("device clocks do not fit together at 1 place:")
    many = [stated(-HOUR * n) for n in range(clocks.MOST + 3)]
    assert first_line(*many).startswith("device clocks do not fit together at 22 places:")
    assert [text for _, text in told(*many)][clocks.MOST :] == ["and 2 more"]
    assert told(*many[:-2])[-1][0] == "e30"
    assert len(told(*many[:-2])) == clocks.MOST


def test_against_time_proofs_entry_by_entry() -> None:
    """A proof's bound is compared to the millisecond; entries that lie beyond in a row are told as one place."""

    def proof(name: str, wall: int, *, test: bool = False, accepted: bool = True) -> Any:
        at = desks.START + dt.timedelta(milliseconds=wall)
        token = SimpleNamespace(signer=name, test=test)
        return SimpleNamespace(latest=at, earliest=at, accepted=accepted, token=token)

    def times(after: dict[int, Any], before: dict[int, Any]) -> Any:
        return SimpleNamespace(
            tokens=[*after.values(), *before.values()], not_after=after.get, not_before=before.get
        )

    minute = 60_000
    entries = [stated(n) for n in range(5)]
    # As many entries as can be with a proof each, none beyond by more than a minute.
    within = times(
        {10 + n: proof("P", n - minute) for n in range(5)}, {11 + n: proof("Q", n + minute) for n in range(5)}
    )
    assert told(*entries, times=within) == []
    beyond = "states a time {} {}{}: the machine's clock was {}, or the authority's ({})"
    later, earlier = "later than a time proof allows", "earlier than a time proof that was there before it"
    for count, more in (
        (1, ""), (2, " (so does the one after it)"), (3, " (so do the 2 after it)"),
    ):  # fmt: skip
        after = {11 + n: proof(f"P{n}", n + 1 - minute - 1 - 1000 * (n == 1)) for n in range(count)}
        worst = ("1 min", "P0") if count == 1 else ("1 min 1 s", "P1")
        assert told(*entries, times=times(after, {})) == [
            ("e11", beyond.format(worst[0], later, more, "fast", worst[1]))
        ]
        before = {
            12 + n: proof(f"Q{n}", n + 1 + minute + 1 + 1000 * (n == 1), test=True) for n in range(count)
        }
        mark = worst[1].replace("P", "Q") + "; test authority, not for court"
        assert told(*entries, times=times({}, before)) == [
            ("e11", beyond.format(worst[0], earlier, more, "slow", mark))
        ]
    # Two runs, the last to the very end; the second's first entry and proof are its own.
    two = {n: proof(f"P{n}", -minute - 1000 * n) for n in (10, 11, 13, 14)}
    assert [(where, text[-5:]) for where, text in told(*entries, times=times(two, {}))] == [
        ("e10", "(P11)"),
        ("e13", "(P14)"),
    ]
    # The first of two that are as far is named.
    even = {n: proof(f"P{n}", n - 10 - minute - 1) for n in (10, 11)}
    assert told(*entries, times=times(even, {}))[0][1].endswith("(P10)")
    # What is not accepted is compared with nothing.
    lying = {10: proof("P", -DAY, accepted=False)}
    assert told(*entries, times=times(lying, {})) == []


def test_of_a_package_the_entries_that_hold_are_compared_in_their_order() -> None:
    def placed(seq: int, body: Any) -> Any:
        return SimpleNamespace(body=body, where=f"place {seq}")

    record: Any = SimpleNamespace(
        unsound={4},
        entries={
            seq: placed(seq, body)
            for seq, body in (
                (5, stated(-HOUR)), (4, stated(DAY)), (3, stated(0)), (2, None), (1, stated(-3 * HOUR)),
            )
        },
    )  # fmt: skip
    findings = Findings()
    clocks.check(record, Times(), findings)
    _, one = findings.all()
    assert one.where == "place 5"
    assert one.text.startswith("states a time 1 h before that of place 3,")
