"""Custodians: who may read what, from when on; who may not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from custody.crypto import public_keys
from custody.errors import CustodyError, InputRefused, NoRight
from custody.procedure import access, cases, check, custodians, lists
from custody.procedure.locker import Desk
from tests import desks

ALL = ("object", "record", "identity", "note")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desks.new_locker(tmp_path)


def contents(desk: Desk, case: str) -> list[bytes]:
    found = []
    for item in desk.locker.work.items(case):
        opened = access.open_item(desk, item, purpose=desks.WHY)
        assert opened.content is not None
        found.append(b"".join(opened.content()))
    return found


def test_a_reader_of_one_case_opens_that_cases_items_and_nothing_else(desk: Desk, tmp_path: Path) -> None:
    """Old ones included, and what comes in later; of other cases not even the keys."""
    mine, _ = desks.case_with(desk, tmp_path / "one", {"a.txt": b"old one", "b.txt": b"old two"}, "REF-1")
    desks.take_in(desk, mine, desks.put(tmp_path / "more", {"c.txt": b"old three"}), exhibit="B-1")
    secret, _ = desks.case_with(desk, tmp_path / "two", {"d.txt": b"secret"}, "REF-2")
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    custodians.grant(desk, person, mine, rights=["read"], classes=ALL)
    desks.take_in(desk, mine, desks.put(tmp_path / "later", {"e.txt": b"later"}))
    desks.take_in(desk, secret, desks.put(tmp_path / "also", {"f.txt": b"secret too"}))

    theirs = desks.sit_down(desk, other)
    assert contents(theirs, mine) == [b"old one", b"old two", b"old three", b"later"]
    assert cases.find(theirs, "REF-1").id == mine
    assert [row.ref for row in lists.case_titles(theirs, desks.WHY)] == ["REF-1", None]
    for item in theirs.locker.work.items(secret):
        assert theirs.ring.item_keys(item.id) == {}
        with pytest.raises(NoRight):
            access.open_item(theirs, item, purpose=desks.WHY)
    for ask in (lists.list_names, lambda d, c, p: lists.log(d, case=c, purpose=p)):
        with pytest.raises(NoRight):
            ask(theirs, secret, desks.WHY)
    # Nothing that is wrapped to this person is of the other case, by whatever way.
    foreign = {secret, *(row.id for row in theirs.locker.work.exhibits(secret))}
    foreign |= {row.id for row in theirs.locker.work.items(secret)}
    foreign |= {theirs.locker.erasable.item_keys(row.id).batch for row in theirs.locker.work.items(secret)}  # type: ignore[union-attr]
    foreign |= {theirs.locker.ledger_id}
    assert not foreign & {wrap.subject for wrap in theirs.locker.erasable.wraps(recipient=other.key_id)}
    # And reading is all: no collecting, no granting, no sealing.
    for attempt in (
        lambda: desks.take_in(theirs, mine, desks.put(tmp_path / "x", {"x": b"x"})),
        lambda: custodians.grant(theirs, person, secret, rights=["read"], classes=ALL),
        lambda: cases.open_case(theirs, "REF-3"),
        theirs.log_keys,
    ):
        with pytest.raises(NoRight):
            attempt()


def test_the_class_identity_is_a_key_of_its_own(desk: Desk, tmp_path: Path) -> None:
    case = cases.open_case(desk, "REF-1")
    record = {
        "identity": {"text": "Ms Example, the caller"},
        "note": {"text": "call her back"},
        "source": {"text": "her phone"},
    }
    desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1"}), record=record)
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    custodians.grant(desk, person, case, rights=["read"], classes=["object", "record"])
    theirs = desks.sit_down(desk, other)
    (item,) = theirs.locker.work.items(case)
    opened = access.open_item(theirs, item, purpose=desks.WHY)
    assert opened.exhibit[0].values["source"] == {"text": "her phone"}
    assert sorted(opened.exhibit[0].closed) == ["identity", "note"]
    (exhibit,) = theirs.locker.work.exhibits(case)
    for subject in (case, exhibit.id):
        assert set(theirs.ring.class_keys(subject)) == {"record"}
    assert set(theirs.ring.item_keys(item.id)) == {"object", "record"}

    # Granted later, it opens what is there already.
    custodians.grant(desk, person, case, rights=["read"], classes=["identity"])
    theirs = desks.sit_down(desk, other)
    opened = access.open_item(theirs, item, purpose=desks.WHY)
    assert opened.exhibit[0].values["identity"] == {"text": "Ms Example, the caller"}
    assert opened.exhibit[0].closed == ("note",)


def test_without_the_class_object_the_content_stays_closed(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    custodians.grant(desk, person, case, rights=["read"], classes=["record"])
    theirs = desks.sit_down(desk, other)
    (item,) = theirs.locker.work.items(case)
    assert [named.name for named in lists.list_names(theirs, case, desks.WHY)] == [b"a.txt"]
    with pytest.raises(NoRight, match="logged"):
        access.open_item(theirs, item, purpose=desks.WHY)


def test_a_collector_writes_and_reads_nothing(desk: Desk, tmp_path: Path) -> None:
    case = cases.open_case(desk, "REF-1")
    other, _ = desks.add_person(
        desk, tmp_path / "keys" / "other", rights=["collect"], collector=True, unattended=True
    )
    theirs = desks.sit_down(desk, other)
    done = desks.take_in(theirs, case, desks.put(tmp_path / "src", {"a.txt": b"plain"}))
    assert done.no_lookup
    assert done.sealed is None
    theirs = desks.sit_down(desk, other)
    (item,) = theirs.locker.work.items(case)
    assert theirs.locker.erasable.wraps(recipient=other.key_id) == []
    with pytest.raises(NoRight):
        access.open_item(theirs, item, purpose=desks.WHY)
    with pytest.raises(NoRight):
        lists.list_names(theirs, case, desks.WHY)
    assert contents(desks.sit_down(desk), case) == [b"plain"]
    # With the same bytes again nothing can be told: they come in again.
    again = desks.take_in(theirs, case, tmp_path / "src")
    assert (len(again.items), again.already) == (1, 0)


def test_a_collector_cant_be_given_anything_to_read(desk: Desk, tmp_path: Path) -> None:
    case = cases.open_case(desk, "REF-1")
    _, person = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"], collector=True)
    with pytest.raises(InputRefused, match="collector"):
        custodians.grant(desk, person, case, rights=["read"], classes=ALL)


def test_all_cases_means_those_that_are_and_those_that_come(desk: Desk, tmp_path: Path) -> None:
    old, _ = desks.case_with(desk, tmp_path / "one", {"a.txt": b"old"}, "REF-1")
    other, _ = desks.add_person(
        desk, tmp_path / "keys" / "other", rights=["read", "admin", "seal"], all_cases=True
    )
    new, _ = desks.case_with(desk, tmp_path / "two", {"b.txt": b"new"}, "REF-2")
    theirs = desks.sit_down(desk, other)
    assert contents(theirs, old) == [b"old"]
    assert contents(theirs, new) == [b"new"]
    assert theirs.log_keys().public == desk.log_keys().public
    assert set(access.roster_names(theirs)) == {desk.key_id, other.key_id}
    # A third person is enrolled by the second, with keys that only he holds besides the first.
    third, person = desks.add_person(theirs, tmp_path / "keys" / "third", name="C.")
    custodians.grant(theirs, person, old, rights=["read"], classes=ALL)
    assert contents(desks.sit_down(desk, third), old) == [b"old"]


def test_who_cant_open_a_case_cant_pass_its_keys_on(desk: Desk, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["admin", "collect"])
    theirs = desks.sit_down(desk, other)
    mine = cases.open_case(desk, "REF-1")
    _, third = desks.add_person(theirs, tmp_path / "keys" / "third", name="C.")
    with pytest.raises(NoRight, match="can't pass its keys on"):
        custodians.grant(desks.sit_down(desk, other), third, mine, rights=["read"], classes=ALL)
    # Nothing of it stayed: no entry, no right.
    assert not desks.sit_down(desk).rights.holds(third.key_id, "read", mine)


def test_only_an_administrator_adds_people(desk: Desk, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    with pytest.raises(NoRight, match="no right to admin"):
        desks.add_person(desks.sit_down(desk, other), tmp_path / "keys" / "third")
    assert len(desks.sit_down(desk).rights.custodians) == 2


def test_a_key_is_added_once(desk: Desk, tmp_path: Path) -> None:
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other")
    file, envelope = public_keys.read(other.public_file(desks.make_rim().wall()).to_bytes(), "f")
    with pytest.raises(InputRefused, match="already"):
        custodians.add(desk, file, envelope, name="again", rights=[])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rights": ["read"]}, "case by case"),
        ({"rights": ["collect", "seal"], "unattended": True}, "unattended"),
        ({"rights": ["collect"], "unattended": True, "all_cases": True}, "unattended"),
    ],
)
def test_rights_that_cant_be_given_so(
    desk: Desk, tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputRefused, match=words):
        desks.add_person(desk, tmp_path / "keys" / "other", **options)  # type: ignore[arg-type]
    assert len(desks.sit_down(desk).rights.custodians) == 1


@pytest.mark.parametrize(
    ("rights", "classes", "words"),
    [
        (["admin"], ALL, "not a right in a case"),
        (["read"], ["objects"], "not a class"),
        ([], ALL, "no right named"),
    ],
)
def test_grants_that_say_nothing_sound_are_refused(
    desk: Desk, tmp_path: Path, rights: list[str], classes: list[str], words: str
) -> None:
    case = cases.open_case(desk, "REF-1")
    _, person = desks.add_person(desk, tmp_path / "keys" / "other")
    for change in (custodians.grant, custodians.revoke):
        with pytest.raises(InputRefused, match=words):
            change(desk, person, case, rights=rights, classes=classes)


def test_a_custodian_is_named_by_six_digits_of_his_key(desk: Desk, tmp_path: Path) -> None:
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    for words in (other.key_id[:6], other.key_id[-6:], other.key_id.upper()):
        assert custodians.find(desk, words) == person
    for words in (other.key_id[:5], "zzzzzz", "\x1b[31m"):
        with pytest.raises(InputRefused, match="no such custodian"):
            custodians.find(desk, words)


def test_a_retired_key_signs_nothing_and_gets_nothing_new(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    other, person = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    custodians.grant(desk, person, case, rights=["read", "collect"], classes=ALL)
    before = len(desk.locker.erasable.wraps(recipient=other.key_id))
    custodians.retire(desk, person)
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"b.txt": b"more"}))
    assert len(desk.locker.erasable.wraps(recipient=other.key_id)) == before
    theirs = desks.sit_down(desk, other)
    (item, _) = theirs.locker.work.items(case)
    for attempt in (
        lambda: cases.open_case(theirs, "REF-2"),
        lambda: access.open_item(theirs, item, purpose=desks.WHY),
    ):
        with pytest.raises(NoRight, match="retired"):
            attempt()
    with pytest.raises(InputRefused, match="out of force already"):
        custodians.retire(desk, desk.rights.custodians[other.key_id])


def test_the_last_administrator_stays(desk: Desk, tmp_path: Path) -> None:
    own = desk.rights.custodians[desk.key_id]
    with pytest.raises(InputRefused, match="only administrator"):
        custodians.retire(desk, own)
    desks.add_person(desk, tmp_path / "keys" / "other", rights=["admin"])
    custodians.retire(desk, own)
    with pytest.raises(NoRight, match="retired"):
        cases.open_case(desk, "REF-1")


def test_a_compromised_key_is_out_of_force(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    other, person = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect", "admin"])
    custodians.compromised(desk, person, since=desks.START - dt.timedelta(days=1), note="stolen laptop")
    with pytest.raises(NoRight, match="compromised"):
        cases.open_case(desks.sit_down(desk, other), "REF-2")
    with pytest.raises(InputRefused, match="reported already"):
        custodians.compromised(desk, desk.rights.custodians[other.key_id], since=desks.START)
    before = len(desk.locker.erasable.wraps(recipient=other.key_id))
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"b.txt": b"more"}))
    assert len(desk.locker.erasable.wraps(recipient=other.key_id)) == before


def test_a_key_reports_itself_but_nobody_elses(desk: Desk, tmp_path: Path) -> None:
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    third, third_person = desks.add_person(desk, tmp_path / "keys" / "third")
    theirs = desks.sit_down(desk, other)
    with pytest.raises(NoRight, match="no right to admin"):
        custodians.compromised(theirs, third_person, since=desks.START)
    custodians.compromised(theirs, person, since=desks.START)
    fresh = desks.sit_down(desk)
    assert fresh.rights.custodians[other.key_id].compromised_since is not None
    assert fresh.rights.custodians[third.key_id].in_force


def test_a_theft_is_not_in_the_future(desk: Desk, tmp_path: Path) -> None:
    _, person = desks.add_person(desk, tmp_path / "keys" / "other")
    with pytest.raises(InputRefused, match="future"):
        custodians.compromised(desk, person, since=desks.START + dt.timedelta(seconds=1))


@pytest.mark.parametrize(
    "change",
    [
        lambda d, p, c: custodians.grant(d, p, c, rights=["read"], classes=ALL),
        lambda d, p, c: custodians.retire(d, p),
        lambda d, p, c: custodians.revoke(d, p, c, rights=["read"], classes=[]),
    ],
)
def test_nobody_helps_himself(desk: Desk, tmp_path: Path, change: Callable[..., object]) -> None:
    case = cases.open_case(desk, "REF-1")
    other, person = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect", "seal"])
    with pytest.raises(CustodyError) as caught:
        change(desks.sit_down(desk, other), person, case)
    assert isinstance(caught.value, NoRight)


def test_two_desks_at_one_locker_see_each_others_changes(desk: Desk, tmp_path: Path) -> None:
    second = desks.sit_down(desk)
    case = cases.open_case(desk, "REF-1")
    other, person = desks.add_person(second, tmp_path / "keys" / "other")
    custodians.grant(desk, person, case, rights=["read"], classes=ALL)
    desks.take_in(second, case, desks.put(tmp_path / "src", {"a.txt": b"plain"}))
    assert contents(desks.sit_down(desk, other), case) == [b"plain"]


def test_an_administrator_with_fewer_keys_takes_nobodys_away(desk: Desk, tmp_path: Path) -> None:
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    full, person = desks.add_person(desk, tmp_path / "keys" / "full")
    custodians.grant(desk, person, case, rights=["read"], classes=ALL)
    fewer, admin = desks.add_person(desk, tmp_path / "keys" / "fewer", rights=["admin"])
    custodians.grant(desk, admin, case, rights=["read"], classes=["record"])
    with pytest.raises(NoRight, match="can't pass its keys on"):
        custodians.grant(desks.sit_down(desk, fewer), person, case, rights=["export"], classes=["record"])
    theirs = desks.sit_down(desk, full)
    assert contents(theirs, case) == [b"plain"]
    assert set(theirs.ring.class_keys(case)) == {"record", "identity", "note"}


def test_a_grant_while_somebody_collects_reaches_what_comes_after(desk: Desk, tmp_path: Path) -> None:
    """The collecting desk has read its rights before; every batch is wrapped by those at its commit."""
    case = cases.open_case(desk, "REF-1")
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    collecting = desks.sit_down(desk)
    custodians.grant(desk, person, case, rights=["read"], classes=ALL)
    desks.take_in(collecting, case, desks.put(tmp_path / "src", {"a.txt": b"plain"}))
    theirs = desks.sit_down(desk, other)
    assert contents(theirs, case) == [b"plain"]
    with theirs.locker.ledger.reading() as view:
        (item,) = theirs.locker.work.items(case)
        assert set(view.entry(item.seq).read().public["wrapped_to"]) == {desk.key_id, other.key_id}


def test_a_case_opened_by_who_may_only_collect_leaves_the_locker_whole(tmp_path: Path) -> None:
    """Nobody there can wrap the names of colleagues to him: that is an administrator's, and no fault till then."""
    desk = desks.new_locker(tmp_path)
    own, _ = desks.add_person(desk, tmp_path / "keys" / "b", rights=("collect",), all_cases=True)
    theirs = desks.sit_down(desk, own)
    desks.case_with(theirs, tmp_path / "src", {"a.txt": b"one"})
    assert check.check(desks.sit_down(desk).locker).passed
