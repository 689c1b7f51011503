"""Numbers that must fit, in packages of somebody with every key: derived and registered items, and their counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from custody.verify.report import Outcome, Report
from tests.packages import Forger, Line, forger, look, said, summary, world

LIE = "an item that says it was derived from one that it does not belong to"
NOT_COMPARED = "derived items not compared with their originals here: 1"
NOT_HERE = "derived from an item that is not in this package"
ELSEWHERE = "019cb6d0-0000-7000-8000-0000000000ff"


def beginning(made: Forger, nth: int) -> int:
    """The place of the line by which the nth item came in."""
    return made.find("item.collected", subject=world().items[nth].id)


def label(nth: int) -> str:
    return str(world().items[nth].label)


def into(kind: str, name: str, nth: int, **public: Any) -> Callable[[Forger], None]:
    """The nth item came in by an entry of another kind, and its case counts it so."""

    def change(made: Forger) -> None:
        place = beginning(made, nth)
        line = made.lines[place]
        line.kind, line.public = kind, {**line.public, **public}
        line.plain = {**line.plain, "capture": {}}
        counted: Line = next(one for one in made.lines[place:] if one.kind == "case.extended")
        counted.public = {
            **counted.public, "items": counted.public["items"] - 1, name: counted.public[name] + 1
        }  # fmt: skip

    return change


def derived(
    nth: int, parent: int | str, its_label: str | None = None, **public: Any
) -> Callable[[Forger], None]:
    """The nth item says that it was made from another one: by its place among the items, or its id."""
    of = parent if isinstance(parent, str) else str(world().items[parent].id)
    stated = its_label or f"{label(nth if isinstance(parent, str) else parent)}.1"
    return into("item.derived", "derived", nth, parent=of, part=None, label=stated, **public)


def report_on(*changes: Callable[[Forger], None]) -> Report:
    def change(made: Forger) -> None:
        for one in changes:
            one(made)

    made = forger(change)
    return look(made.pack(), made.trust())


def test_the_world_is_as_these_tests_need_it() -> None:
    assert [label(nth) for nth in range(5)] == ["A-1/01", "A-1/02", "A-1/03", "B-7/01", "B-7/02"]


@pytest.mark.parametrize("places", [(1,), (1, 2)])
def test_what_was_derived_is_counted_and_belongs_to_its_item(places: tuple[int, ...]) -> None:
    report = report_on(*(derived(nth, 0, f"A-1/01.{nth}") for nth in places))
    assert report.exit_code == 0, summary(report)
    assert said(report, "counts", "5 of 5 items of this case are here", Outcome.PASSED)
    assert report.subject.items_in_case == 5
    assert [line.label for line in report.items][1 : 1 + len(places)] == [f"A-1/01.{nth}" for nth in places]


def test_what_was_registered_is_one_of_the_items_of_the_case() -> None:
    report = report_on(into("item.registered", "registered", 1, object=None))
    assert said(report, "counts", "5 of 5 items of this case are here", Outcome.PASSED), summary(report)
    assert report.subject.items_in_case == 5


@pytest.mark.parametrize(
    "lie",
    [
        (1, 0, "A-1/02"),  # a label of its own
        (1, 0, "A-1/01"),
        (1, 0, "A-1/03.1"),  # one of another item's
        (1, 3, "A-1/01.1"),
        (1, 1, "A-1/01.1"),  # made from itself
        (0, 1, "A-1/02.1"),  # made from what came in later
    ],
)
def test_what_was_derived_from_another_item_than_it_says(lie: tuple[int, int, str]) -> None:
    report = report_on(derived(*lie))
    assert said(report, "derived", LIE), summary(report)
    found, compared = (f for f in report.findings if f.check == "derived")
    assert (compared.outcome, compared.text) == (Outcome.NOT_CHECKED, NOT_COMPARED)
    assert found.where == lie[2]
    assert found.expected == f"a label that begins with {lie[2] if lie[0] == lie[1] else label(lie[1])}."


def test_what_was_derived_in_another_exhibit() -> None:
    elsewhere = next(line for line in world().lines if line.subject == world().items[3].id)
    report = report_on(derived(1, 0, exhibit=elsewhere.public["exhibit"]))
    assert said(report, "derived", LIE), summary(report)


def test_an_item_that_is_not_here_hides_no_lie_about_one_that_is() -> None:
    report = report_on(derived(1, ELSEWHERE), derived(2, 0, "A-1/03"))
    assert [(f.outcome, f.text, f.where) for f in report.findings if f.check == "derived"] == [
        (Outcome.NOT_CHECKED, NOT_HERE, "A-1/02.1"),
        (Outcome.FAILED, LIE, "A-1/03"),
        (Outcome.NOT_CHECKED, NOT_COMPARED, None),
    ]
