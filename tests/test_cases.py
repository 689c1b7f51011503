"""Cases: opened under a sealed reference, found again, closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.errors import InputRefused, NoRight
from custody.procedure import cases, lists
from tests import desks


@pytest.fixture
def desk(tmp_path: Path) -> desks.Desk:
    return desks.new_locker(tmp_path)


def test_a_case_is_found_by_reference_id_and_ending(desk: desks.Desk) -> None:
    case = cases.open_case(desk, "REF-1", title="A title", legal_basis="consent")
    cases.open_case(desk, "REF-2")
    fresh = desks.sit_down(desk)
    for words in ("REF-1", case, case[-8:], case[-6:], case[-8:].upper()):
        assert cases.find(fresh, words).id == case
    with pytest.raises(InputRefused, match="no such case"):
        cases.find(fresh, case[-5:])


def test_what_was_said_is_sealed_and_comes_back(desk: desks.Desk) -> None:
    cases.open_case(desk, "Ms Example's file", title="A title", legal_basis="consent")
    (row,) = lists.case_titles(desks.sit_down(desk), desks.WHY)
    assert (row.ref, row.title, row.legal) == ("Ms Example's file", "A title", {"basis": "consent"})
    for path, data in desks.all_bytes(desk.locker.path):
        assert b"Example" not in data, path


def test_the_same_reference_twice_is_refused(desk: desks.Desk) -> None:
    case = cases.open_case(desk, "REF-1")
    with pytest.raises(InputRefused, match="has a case with this reference") as caught:
        cases.open_case(desk, "REF-1")
    assert case[-8:] in str(caught.value.hint)
    cases.open_case(desk, "ref-1")  # another spelling is another reference
    assert len(lists.case_lines(desk)) == 2


@pytest.mark.parametrize("reference", ["", "  ", "a\nb", "x" * 201, "\x00", "a\x1b[31m"])
def test_what_is_no_reference_is_refused(desk: desks.Desk, reference: str) -> None:
    for ask in (cases.open_case, cases.find):
        with pytest.raises(InputRefused, match="not a case reference") as caught:
            ask(desk, reference)
        assert "\x1b" not in caught.value.message


def test_an_unknown_case_says_what_to_do(desk: desks.Desk) -> None:
    with pytest.raises(InputRefused, match="no such case") as caught:
        cases.find(desk, "REF-9")
    assert "custody case open" in str(caught.value.hint)


def test_a_reference_is_unknown_to_who_may_not_read_the_case(desk: desks.Desk, tmp_path: Path) -> None:
    case = cases.open_case(desk, "REF-1")
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    theirs = desks.sit_down(desk, other)
    with pytest.raises(InputRefused, match="no such case"):
        cases.find(theirs, "REF-1")
    assert cases.find(theirs, case[-8:]).id == case


def test_opening_needs_the_right_to_collect(desk: desks.Desk, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["seal"])
    with pytest.raises(NoRight, match="no right to collect"):
        cases.open_case(desks.sit_down(desk, other), "REF-1")
    assert lists.case_lines(desk) == []


def test_a_closed_case_takes_nothing_more_in_and_stays_readable(desk: desks.Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    cases.close_case(desk, case, note="judgment given")
    fresh = desks.sit_down(desk)
    with pytest.raises(InputRefused, match="the case is closed"):
        desks.take_in(fresh, case, desks.put(tmp_path / "more", {"b.txt": b"more"}))
    with pytest.raises(InputRefused, match="closed already"):
        cases.close_case(fresh, case)
    assert [line.closed for line in lists.case_lines(fresh)] == [True]
    assert [named.name for named in lists.list_names(fresh, case, desks.WHY)] == [b"a.txt"]
    (line,) = (line for line in lists.log(fresh, case=case, purpose=desks.WHY) if line.kind == "case.closed")
    assert line.parts == {"note": {"text": "judgment given"}}
