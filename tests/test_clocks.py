"""Device clocks: what is noted of them, by whom they were written, and which innocent ones give nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import jsonschema
import pytest

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
