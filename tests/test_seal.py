"""Sealing: log notes, tokens, and what waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from custody.crypto import notes
from custody.errors import NoRight
from custody.format.note import LogNote
from custody.procedure import cases, lists, seal
from custody.procedure.authorities import Named
from custody.procedure.locker import Desk
from tests import desks

NOBODY = "http://127.0.0.1:9/"
"""The discard port: nothing listens there."""


def state(desk: Desk) -> tuple[int, int, int]:
    """Entries, notes, tokens."""
    with desk.locker.ledger.reading() as view:
        return view.size, len(view.notes()), len(view.tokens())


def unsealed(desk: Desk) -> int:
    with desk.locker.ledger.reading() as view:
        return seal.unsealed(view)


def test_without_an_authority_a_note_is_signed_and_holds(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    assert unsealed(desk) == 1
    done = seal.seal(desk)
    assert (done.size, done.tokens, done.waiting, done.authorities) == (1, (), (), 0)
    assert unsealed(desk) == 0
    with desk.locker.ledger.reading() as view:
        note = LogNote.from_bytes(view.notes()[1], where="note")
        notes.verify(note, desk.rights.log_keys, origin=desk.origin, where="note")
        assert note.checkpoint.root == view.root(1)
    # Nothing new: the same note, no second one.
    again = seal.seal(desk)
    assert again.note == done.note
    assert state(desk) == (1, 1, 0)


def test_a_token_is_kept_logged_and_marked_as_a_test(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        done = seal.seal(desk)
        (token,) = done.tokens
        assert token.test
        assert token.root_sha256 is not None
        (line,) = [line for line in lists.log(desk) if line.kind == "checkpoint.timestamped"]
        assert (line.public["size"], line.public["test"]) == (done.size, True)
        assert line.public["root"] == token.root_sha256
        with desk.locker.ledger.reading() as view:
            assert view.issued() == [done.size]
        # The entry about the token is no unsealed work, or sealing would never end.
        assert unsealed(desk) == 0
        before = state(desk)
        again = seal.seal(desk)
        assert again.tokens == ()
        assert state(desk) == before
        assert lists.todo(desk).waiting == ()
        cases.open_case(desk, "REF-1")
        assert unsealed(desk) == 2


def test_where_nobody_answers_the_note_waits_and_gets_its_token_later(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, other):
        away = Named(url=NOBODY, roots=other.roots)
    desk = desks.new_locker(tmp_path, tsa=[away], clock=clock)
    done = seal.seal(desk, timeout=2)
    (waiting,) = done.waiting
    assert not waiting.reached
    assert done.note is not None
    (note,) = lists.todo(desk).waiting
    assert (note.url, note.size) == (NOBODY, done.size)
    assert note.problem
    with desks.authority(clock) as (_, named):
        seal.name_authorities(desk, [named])
        later = seal.seal(desk, timeout=2)
        assert len(later.tokens) == 1
        assert [one.url for one in later.waiting] == [NOBODY]
        (note,) = lists.todo(desk).waiting
        assert note.url == NOBODY
        assert note.problem
        # Work goes on meanwhile, and only the newest note is asked for.
        cases.open_case(desk, "REF-1")
        last = seal.seal(desk, timeout=2)
        assert {one.size for one in lists.todo(desk).waiting} == {last.size}


def test_a_token_of_another_root_is_refused_and_said(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named), desks.authority(clock) as (_, other):
        desk = desks.new_locker(tmp_path, tsa=[Named(url=named.url, roots=other.roots)], clock=clock)
        done = seal.seal(desk)
        assert done.tokens == ()
        (waiting,) = done.waiting
        assert waiting.reached
        assert state(desk)[2] == 0


def test_two_authorities_stamp_the_same_note(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, one), desks.authority(clock) as (_, two):
        desk = desks.new_locker(tmp_path, tsa=[one, two], clock=clock)
        done = seal.seal(desk)
        assert len(done.tokens) == 2
        with desk.locker.ledger.reading() as view:
            assert {size for size, _ in view.tokens()} == {done.size}
        assert lists.todo(desk).waiting == ()


def test_who_may_not_seal_is_told_who_is_waited_for(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    theirs = desks.sit_down(desk, other)
    before = state(desk)
    done = seal.seal(theirs)
    assert done.why_not is not None
    assert (done.note, done.size) == (None, 0)
    assert state(desk) == before
    with pytest.raises(NoRight):
        theirs.log_keys()
    with pytest.raises(NoRight):
        seal.name_authorities(theirs, [Named(url=NOBODY)])


def test_who_may_seal_alone_seals_and_reads_nothing(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a": b"1"})
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["seal"])
    theirs = desks.sit_down(desk, other)
    assert seal.seal(theirs).note is not None
    assert not lists.may_open(theirs, case)


def test_collect_seals_at_its_end(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case = cases.open_case(desk, "REF-1")
    done = desks.take_in(desk, case, desks.put(tmp_path / "src", {"a": b"1"}), seal=True)
    assert done.sealed is not None
    with desk.locker.ledger.reading() as view:
        assert done.sealed.size == view.size
    assert unsealed(desk) == 0


def test_an_authority_is_replaced_by_its_address(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[Named(url=named.url)], clock=clock)
        seal.name_authorities(desk, [named])
        with desk.locker.ledger.reading() as view:
            (found,) = seal.authorities.in_force(view, desk.rights)
        assert found.roots == named.roots
