"""Reports and how they are told: the two lines, and every fact in its place, of one package and of several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from custody.errors import CheckFailed
from custody.verify import text
from custody.verify.compare import Added, Examined, Package, Pair, Together
from custody.verify.compare_text import together_lines
from custody.verify.report import (
    MAX_PER_CHECK,
    Finding,
    Findings,
    ItemLine,
    Outcome,
    Report,
    Subject,
    TokenLine,
    VolumeLine,
)
from custody.verify.text import lines

ID = "019cb6d0-0000-7000-8000-0000000000"
LATE, EARLY = "2026-03-05T00:00:00Z", "2026-03-01T00:00:00Z"


def finding(outcome: Outcome, text: str = "a text", **facts: str | None) -> Finding:
    return Finding(check="a check", outcome=outcome, text=text, **facts)


GOOD = Report(
    findings=(finding(Outcome.PASSED, "the bytes are as they were"),),
    origin="the trust file",
    time=True,
    confirmed_by=("origin: the trust file", "time: an authority"),
)


def item(**changes: Any) -> ItemLine:
    values: dict[str, Any] = {
        "label": "A-1/01",
        "id": f"{ID}01",
        "path": "data/A-1/001.txt",
        "sha256": "0" * 64,
        "size": 5,
        "media_type": "text/plain",
        "flags": (),
        "name": None,
        "stated_logged": "2026-03-04T05:06:07.890Z",
        "proven_not_after": None,
        "proven_not_before": None,
        "days_unproven": None,
        "entries": 2,
        "test_time": False,
    } | changes
    return ItemLine(**values)


# The verdict


@pytest.mark.parametrize(
    ("changes", "record", "origin", "code", "says"),
    [
        ({}, "INTACT", "CONFIRMED", 0, "CONFIRMED: origin: the trust file; time: an authority"),
        (
            {"origin": None},
            "INTACT",
            "NOT CONFIRMED",
            6,
            "NOT CONFIRMED: ORIGIN NOT CONFIRMED, TIME CONFIRMED",
        ),
        (
            {"time": False},
            "INTACT",
            "NOT CONFIRMED",
            6,
            "NOT CONFIRMED: ORIGIN CONFIRMED, TIME NOT CONFIRMED",
        ),
        (
            {"missing": ("a witness",)},
            "INTACT",
            "NOT CONFIRMED",
            6,
            "NOT CONFIRMED: ORIGIN CONFIRMED, TIME CONFIRMED",
        ),
        (
            {"findings": (finding(Outcome.PASSED), finding(Outcome.FAILED))},
            "DOES NOT MATCH",
            "NOT CONFIRMED",
            1,
            "NOT CONFIRMED",
        ),
        ({"findings": ()}, "DOES NOT MATCH", "NOT CONFIRMED", 1, "NOT CONFIRMED"),
        (
            {"findings": (finding(Outcome.NOTED),)},
            "DOES NOT MATCH",
            "NOT CONFIRMED",
            1,
            "NOT CONFIRMED",
        ),
        (
            {"findings": (finding(Outcome.NOT_CHECKED), finding(Outcome.NOTED))},
            "DOES NOT MATCH",
            "NOT CONFIRMED",
            1,
            "NOT CONFIRMED",
        ),
        (
            {"findings": (finding(Outcome.NOT_CHECKED), finding(Outcome.PASSED))},
            "INTACT",
            "CONFIRMED",
            0,
            "CONFIRMED: origin: the trust file; time: an authority",
        ),
    ],
)
def test_the_two_lines(changes: dict[str, Any], record: str, origin: str, code: int, says: str) -> None:
    report = replace(GOOD, **changes)
    assert (report.record_line, report.origin_line, report.exit_code) == (record, origin, code)
    assert lines(report)[:2] == [record, says]
    value = report.to_value()
    assert (value["record"], value["origin_and_time"], value["exit_code"]) == (record, origin, code)
    # What does not match is confirmed by nobody.
    assert value["origin_confirmed"] is (report.intact and report.origin is not None)
    assert value["time_confirmed"] is (report.intact and report.time)


def test_what_can_not_be_read_says_nothing_else() -> None:
    report = replace(GOOD, unreadable="cut short", items=(item(),))
    assert (report.record_line, report.origin_line, report.exit_code) == ("UNREADABLE", "NOT CONFIRMED", 4)
    assert not report.intact
    assert lines(report) == ["UNREADABLE", "", "  cut short"]
    assert report.to_value()["unreadable"] == "cut short"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "CONFIRMED: origin: the trust file; time: an authority (test authority, not for court)"),
        (
            {"confirmed_by": ("origin: x", "time: y (test authority, not for court)")},
            "CONFIRMED: origin: x; time: y (test authority, not for court)",
        ),
        (
            {"time": False},
            "NOT CONFIRMED: ORIGIN CONFIRMED, TIME NOT CONFIRMED (test authority, not for court)",
        ),
        ({"findings": ()}, "NOT CONFIRMED (test authority, not for court)"),
    ],
)
def test_a_test_authority_is_told_once_on_every_second_line(changes: dict[str, Any], says: str) -> None:
    assert lines(replace(GOOD, test_authority=True, **changes))[1] == says


# Findings


def test_failures_beyond_what_is_listed_are_counted() -> None:
    found = Findings()
    for n in range(MAX_PER_CHECK + 3):
        found.failed("bag", f"failure {n}")
    for n in range(MAX_PER_CHECK):
        found.failed("notes", f"failure {n}")
    found.passed("entries", "fine")
    every = found.all()
    assert [f.text for f in every if f.check == "bag"] == [
        *(f"failure {n}" for n in range(MAX_PER_CHECK)),
        "and 3 more failures of this check",
    ]
    assert [f.text for f in every if f.check == "notes"] == [f"failure {n}" for n in range(MAX_PER_CHECK)]
    assert {f.outcome for f in every if f.check in ("bag", "notes")} == {Outcome.FAILED}
    assert (found.has_failed(), found.has_failed("bag"), found.has_failed("entries")) == (True, True, False)
    assert found.has_failed("entries", "notes")
    assert not found.has_failed("entries", "heard of nowhere")
    assert not Findings().has_failed()


def test_findings_keep_their_facts() -> None:
    facts = {"where": "a place", "expected": "one", "found": "other"}
    found = Findings()
    found.passed("a", "1", **facts)
    found.failed("b", "2", **facts)
    found.not_checked("c", "3", **facts)
    found.noted("d", "4", **facts)
    assert [f.to_value() for f in found.all()] == [
        {"check": check, "outcome": outcome, "text": text, **facts}
        for check, outcome, text in (
            ("a", "passed", "1"),
            ("b", "failed", "2"),
            ("c", "not checked", "3"),
            ("d", "noted", "4"),
        )
    ]
    error = CheckFailed("it is changed", hint="look there", **facts)
    found = Findings()
    found.error("a", error)
    (one,) = found.all()
    assert one.to_value() == {"check": "a", "outcome": "failed", "text": "it is changed", **facts}
    assert found.has_failed("a")


def test_findings_of_one_outcome() -> None:
    found = Findings()
    found.passed("a", "1")
    found.failed("b", "2")
    found.noted("d", "4")
    report = Report(findings=found.all())
    assert [f.text for f in report.of(Outcome.FAILED)] == ["2"]
    assert [f.text for f in report.of(Outcome.NOTED)] == ["4"]


# One package


def test_every_fact_has_its_place() -> None:
    report = Report(
        findings=(
            finding(Outcome.FAILED, "it differs", where="data/x\x1b", expected="one\x1b", found="other\x1b"),
            finding(Outcome.FAILED, "a fault of all"),
            finding(Outcome.PASSED, "the rest fits"),
            finding(Outcome.NOT_CHECKED, "a thing", where="there\x1b"),
            finding(Outcome.NOT_CHECKED, "another"),
            finding(Outcome.NOTED, "a clock", where="here\x1b"),
            finding(Outcome.NOTED, "a second clock"),
        ),
        subject=Subject(
            package=f"{ID}aa",
            origin="custody/x",
            fingerprint=("one", "two"),
            size=9,
            made="a time",
            exporter="e" * 64,
            items_here=2,
            items_in_case=57,
            withheld={"place": 2, "note\x1b": 1},
            refused=3,
            volumes=(
                VolumeLine(number=1, origin="custody/w", fingerprint=(), size=4, begun="b", by="1" * 64),
                VolumeLine(number=2, origin="custody/x", fingerprint=(), size=5, begun="c", by="2" * 64),
            ),
        ),
        items=(
            item(
                name="a name",
                flags=("adult", "x\x1b"),
                media_type="a/b\x1b",
                proven_not_after=LATE,
                proven_not_before=EARLY,
                days_unproven=3,
                received=("A-2/01", "A-3/01"),
                registered=True,
            ),
            item(
                label="A-1/01.1",
                id=f"{ID}04",
                path="data/A-1/001.1.txt",
                parent=f"{ID}01",
                proven_not_after=LATE,
                test_time=True,
            ),
            item(label="A-1/02", id=f"{ID}02", path="d", proven_not_after=LATE, days_unproven=0),
            item(label="A-1/03", id=f"{ID}03", path="d"),
        ),
        missing=("a witness", "a time"),
    )
    zeros = "0" * 64
    assert lines(report) == [
        "DOES NOT MATCH",
        "NOT CONFIRMED",
        "",
        f"Package  {ID}aa, made a time (stated), record of 9 entries",
        "Record   custody/x",
        "         in words: one two",
        "Volume   1 of 2: custody/w, 4 entries",
        "Volume   2 of 2: custody/x, 5 entries",
        f"         begun c (stated) by the key {'2' * 16}, from a backup",
        "Items    2 of 57 items of this case are here, 1 of them derived from others by custody",
        "Withheld 1 × note\\u001b, 2 × place",
        "Refused  3 tries to open items were refused and logged",
        "",
        "Does not match:",
        "  x data/x\\u001b: it differs\n      expected one\\u001b\n      found    other\\u001b",
        "  x a fault of all",
        f"  {text._INNOCENT}",
        "",
        "Not confirmed:",
        "  - a witness",
        "  - a time",
        "",
        f"  {'item':<10} {'file':<18} {'logged (stated)':<25} existed no later than (proven)",
        f"  A-1/01     data/A-1/001.txt   2026-03-04T05:06:07.890Z  {LATE} (3 days unproven)",
        f"    sha256 {zeros}  5 bytes  a/b\\u001b",
        "    only registered: its digest was logged, its content was never kept",
        "    the same bytes were received again as A-2/01, A-3/01",
        f"    logged no earlier than {EARLY}",
        "    name   a name",
        "    flags  adult, x\\u001b",
        f"  A-1/01.1   data/A-1/001.1.txt 2026-03-04T05:06:07.890Z  {LATE} (test authority, not for court)",
        f"    sha256 {zeros}  5 bytes  text/plain",
        "    derived by custody from A-1/01: not collected as it stands",
        f"  A-1/02     d                  2026-03-04T05:06:07.890Z  {LATE}",
        f"    sha256 {zeros}  5 bytes  text/plain",
        "  A-1/03     d                  2026-03-04T05:06:07.890Z  no time proven",
        f"    sha256 {zeros}  5 bytes  text/plain",
        "",
        "Checked, and fits:",
        "  + the rest fits",
        "",
        "Not checked:",
        "  ? a thing (there\\u001b)",
        "  ? another",
        "",
        "Only stated by a person or a device, not proven:",
        "  the times in the column “logged”, and all that the record says about source, place and method",
        "  * a clock (here\\u001b)",
        "  * a second clock",
        "",
        f"Not covered: {text._LIMITS}",
    ]


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert lines(GOOD) == [
        "INTACT",
        "CONFIRMED: origin: the trust file; time: an authority",
        "",
        "",
        "Proven:",
        "  + the bytes are as they were",
        "",
        "Only stated by a person or a device, not proven:",
        "  the times in the column “logged”, and all that the record says about source, place and method",
        "",
        f"Not covered: {text._LIMITS}",
    ]
    only = replace(GOOD, subject=Subject(items_here=0, items_in_case=0), items=(item(),))
    assert "Items    0 of 0 items of this case are here" in lines(only)


def test_what_was_not_checked_is_counted_where_it_is_not_listed() -> None:
    for count in (20, 21, 25):
        report = replace(
            GOOD, findings=(*GOOD.findings, *(finding(Outcome.NOT_CHECKED, f"n {n}") for n in range(count)))
        )
        every, some = lines(report, every_finding=True), lines(report)
        assert [line for line in every if line.startswith("  ? ")] == [f"  ? n {n}" for n in range(count)]
        more = [f"  ? and {count - 20} more"] if count > 20 else []
        assert [line for line in some if line.startswith("  ? ")] == [f"  ? n {n}" for n in range(20)] + more


def test_items_are_counted_where_they_are_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_ITEMS", 2)
    items = (item(label="A-1/01"), item(label="A-1/02"), item(label="A-1/03", path="x" * 50))
    for count in (2, 3):
        said = lines(replace(GOOD, items=items[:count]))
        assert [label for label in ("A-1/01", "A-1/02", "A-1/03") if any(label in line for line in said)] == [
            "A-1/01",
            "A-1/02",
        ]
        more = "  … and 1 more (all of them with --json)"
        assert (more in said) is (count == 3)
        # The column is as wide as what is listed needs.
        assert f"  {'item':<10} {'file':<16} {'logged (stated)':<25} existed no later than (proven)" in said


def test_the_report_as_json_has_every_fact() -> None:
    volume = VolumeLine(number=2, origin="o", fingerprint=("w",), size=5, begun="b", by="k")
    subject = Subject(
        package="p",
        origin="o",
        fingerprint=("one", "two"),
        size=9,
        made="m",
        exporter="e",
        case="c",
        items_here=2,
        items_in_case=57,
        withheld={"place": 2},
        refused=3,
        volumes=(volume,),
    )
    token = TokenLine(size=4, gen_time="t", signer="s", root=None, test=True)
    one = item(
        name="n", flags=("f",), proven_not_after=LATE, proven_not_before=EARLY, days_unproven=1,
        test_time=True, registered=True, received=("A-2/01",), parent="q",
    )  # fmt: skip
    report = replace(
        GOOD, subject=subject, items=(one,), tokens=(token,), missing=("m",), test_authority=True
    )
    value = report.to_value()
    assert value == {
        "schema": "custody.verify/1",
        "record": "INTACT",
        "origin_and_time": "NOT CONFIRMED",
        "origin_confirmed": True,
        "time_confirmed": True,
        "test_authority": True,
        "exit_code": 6,
        "unreadable": None,
        "confirmed_by": ["origin: the trust file", "time: an authority"],
        "missing": ["m"],
        "package": {
            "id": "p",
            "origin": "o",
            "fingerprint": ["one", "two"],
            "size": 9,
            "made_stated": "m",
            "exporter": "e",
            "case": "c",
            "items_here": 2,
            "items_in_case": 57,
            "withheld": {"place": 2},
            "refused_openings": 3,
            "volumes": [
                {"number": 2, "origin": "o", "fingerprint": ["w"], "size": 5, "begun_stated": "b", "by": "k"}
            ],
        },
        "items": [
            {
                "label": "A-1/01",
                "id": f"{ID}01",
                "path": "data/A-1/001.txt",
                "sha256": "0" * 64,
                "size": 5,
                "media_type": "text/plain",
                "flags": ["f"],
                "name": "n",
                "stated": {"logged": "2026-03-04T05:06:07.890Z"},
                "proven": {"not_before": EARLY, "not_after": LATE, "test_authority": True},
                "registered": True,
                "received": ["A-2/01"],
                "parent": "q",
                "days_unproven": 1,
                "entries": 2,
            }
        ],
        "tokens": [{"size": 4, "time": "t", "signer": "s", "root": None, "test_authority": True}],
        "findings": [
            {
                "check": "a check",
                "outcome": "passed",
                "text": "the bytes are as they were",
                "where": None,
                "expected": None,
                "found": None,
            }
        ],
    }


# Several packages


BAD = replace(GOOD, findings=(finding(Outcome.FAILED, "it differs"),))
LOOSE = replace(GOOD, origin=None)
CUT = replace(GOOD, unreadable="cut short")


def package(report: Report, name: str = "one.zip") -> Package:
    return Package(name=name, report=report, examined=Examined())


def pair(*outcomes: Outcome, **added: Any) -> Pair:
    return Pair(older=0, newer=1, findings=tuple(map(finding, outcomes)), added=Added(**added))


AGREE, DOUBT, CLASH = (
    pair(Outcome.PASSED),
    pair(Outcome.PASSED, Outcome.NOT_CHECKED),
    pair(Outcome.NOT_CHECKED, Outcome.FAILED),
)


@pytest.mark.parametrize(
    ("reports", "compared", "code", "record", "origin"),
    [
        ([GOOD, GOOD], AGREE, 0, "INTACT", "CONFIRMED"),
        ([GOOD, LOOSE], AGREE, 6, "INTACT", "NOT CONFIRMED"),
        ([GOOD, GOOD], DOUBT, 6, "INTACT", "NOT CONFIRMED"),
        ([LOOSE, CUT], DOUBT, 4, "UNREADABLE", "NOT CONFIRMED"),
        ([CUT, BAD], DOUBT, 1, "DOES NOT MATCH", "NOT CONFIRMED"),
        ([GOOD, GOOD], CLASH, 1, "DOES NOT MATCH", "NOT CONFIRMED"),
        ([CUT, GOOD], CLASH, 1, "DOES NOT MATCH", "NOT CONFIRMED"),
    ],
)
def test_the_worst_of_all_is_what_is_said_of_all(
    reports: list[Report], compared: Pair, code: int, record: str, origin: str
) -> None:
    found = Together(packages=tuple(map(package, reports)), pairs=(compared,))
    assert (found.exit_code, found.record_line, found.origin_line) == (code, record, origin)
    assert together_lines(found)[:2] == [record, origin]
    value = found.to_value()
    assert (value["exit_code"], value["record"], value["origin_and_time"]) == (code, record, origin)


@pytest.mark.parametrize(
    ("compared", "code", "line"),
    [(AGREE, 0, "AGREE"), (DOUBT, 6, "NOT COMPARED IN FULL"), (CLASH, 1, "CONTRADICT EACH OTHER")],
)
def test_the_verdict_on_two(compared: Pair, code: int, line: str) -> None:
    assert (compared.exit_code, compared.line) == (code, line)


def test_several_are_told_one_by_one_and_two_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("custody.verify.compare_text.MAX_ITEMS", 2)
    compared = Pair(
        older=2,
        newer=0,
        findings=(
            finding(Outcome.NOT_CHECKED, "a thing", where="there\x1b"),
            finding(Outcome.PASSED, "fits"),
            finding(Outcome.FAILED, "differs", expected="1\x1b"),
            finding(Outcome.FAILED, "differs too", found="2\x1b"),
        ),
        added=Added(
            items=["A-1/01", "A-1/02"],
            items_gone=["A-2/01", "A-2/02", "A-2/03"],
            entries={"item.accessed": 2, "package.made": 1},
            shown={"place\x1b": 1},
            withheld={"note": 3},
        ),
    )
    found = Together(
        packages=(package(GOOD), package(CUT, "two\x1b"), package(LOOSE, "three")), pairs=(compared, AGREE)
    )
    second = "CONFIRMED: origin: the trust file; time: an authority"
    assert together_lines(found) == [
        "DOES NOT MATCH",
        "NOT CONFIRMED",
        "",
        f"Package 1  one.zip: INTACT {second}",
        "Package 2  two\\u001b: UNREADABLE",
        "Package 3  three: INTACT NOT CONFIRMED: ORIGIN NOT CONFIRMED, TIME CONFIRMED",
        "",
        "Packages 3 and 1: CONTRADICT EACH OTHER",
        "  x differs",
        "      one has    1\\u001b",
        "      other has  nothing",
        "  x differs too",
        "      one has    nothing",
        "      other has  2\\u001b",
        "  + fits",
        "  ? a thing (there\\u001b)",
        "  Package 1 shows also A-1/01, A-1/02",
        "  Package 1 no longer shows A-2/01, A-2/02, and 1 more",
        "  logged since, about what both show: 2 × item.accessed, 1 × package.made",
        "  parts shown now and withheld before: 1 × place\\u001b",
        "  parts withheld now and shown before: 3 × note",
        "",
        "Packages 1 and 2: AGREE",
        "  + a text",
        "",
        "== Package 1: one.zip",
        *lines(GOOD),
        "",
        "== Package 2: two\\u001b",
        *lines(CUT),
        "",
        "== Package 3: three",
        *lines(LOOSE),
    ]
    assert found.to_value()["pairs"][0] == {
        "older": 2,
        "newer": 0,
        "verdict": "CONTRADICT EACH OTHER",
        "findings": [one.to_value() for one in compared.findings],
        "added": {
            "items": ["A-1/01", "A-1/02"],
            "items_gone": ["A-2/01", "A-2/02", "A-2/03"],
            "entries": {"item.accessed": 2, "package.made": 1},
            "shown": {"place\x1b": 1},
            "withheld": {"note": 3},
        },
    }
    assert found.to_value()["packages"][1] == {"file": "two\x1b", "report": CUT.to_value()}
