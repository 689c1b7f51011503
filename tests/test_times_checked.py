"""Tokens and notes of a package: which are looked at, what they are held to, and what each failure is called."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from typing import Any

import pytest

from custody.crypto import notes
from custody.crypto.keys import LogKeys
from custody.errors import CheckFailed
from custody.format import merkle
from custody.format.entry import Entry, Subject, Time
from custody.format.note import Checkpoint
from custody.format.proof import consistency_text
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from custody.verify import times as checked
from custody.verify.record import Placed, Record, Volume
from custody.verify.report import Findings, Outcome
from custody.verify.rights import Rights
from custody.verify.rights import Volume as Closed
from custody.verify.times import Times
from custody.verify.token import Token
from tests.test_times import DAY, proven

OLD, NEW = "custody/" + "a" * 26, "custody/" + "b" * 26
KEYS, OLD_KEYS, OTHER_KEYS = (LogKeys(bytes([n]) * 32, bytes([n]) * 32) for n in (1, 2, 3))
ROOT = b"a root"
KNOWN = TrustedAuthority(roots=(ROOT,), policies=(), source="by hand", test=False)
NOW = DAY + dt.timedelta(days=9)


class Tree:
    """A log of so many leaves."""

    def __init__(self, origin: str, size: int, keys: LogKeys, salt: bytes = b"") -> None:
        self.origin, self.keys, self.nodes = origin, keys, {}
        for seq in range(size):
            for level, place, digest in merkle.new_nodes(
                seq, merkle.leaf_hash(salt + bytes([seq])), lambda level, place: self.nodes[level, place]
            ):
                self.nodes[level, place] = digest
        self.size = size

    def checkpoint(self, size: int) -> Checkpoint:
        root = merkle.root(size, lambda level, place: self.nodes[level, place])
        return Checkpoint(origin=self.origin, size=size, root=root)

    def note(self, size: int, **changes: Any) -> bytes:
        return notes.sign(replace(self.checkpoint(size), **changes), self.keys).to_bytes()

    def proof(self, old: int) -> bytes:
        hashes = merkle.consistency(old, self.size, lambda level, place: self.nodes[level, place])
        return consistency_text(old, hashes)


TREE, OLDER, FORK = Tree(NEW, 12, KEYS), Tree(OLD, 5, OLD_KEYS), Tree(NEW, 12, KEYS, salt=b"x")


class Box(dict[str, bytes]):
    """What `times.check` asks of a bundle."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self)

    def read(self, name: str, limit: int) -> bytes:
        assert limit >= 64 * 1024
        return self[name]


class Asked:
    """In the place of the token check: answers by the bytes of the token, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, bytes, tuple[bytes, ...], Any, dt.timedelta]] = []
        self.facts: dict[bytes, dict[str, Any]] = {}

    def __call__(
        self, tsr: bytes, data: bytes, *, roots: tuple[bytes, ...], now: Any, max_future: dt.timedelta
    ) -> Token:
        self.calls.append((tsr, data, roots, now, max_future))
        facts = {"root": ROOT, "policy": "1.2.3", "test": False, "broken": False, "broken_under": None}
        facts |= self.facts.get(tsr, {})
        if facts["broken"] or (facts["broken_under"] is not None and facts["broken_under"] in roots):
            raise CheckFailed("a token that is broken", expected="whole", found="broken")
        found = facts["root"] in roots
        return replace(
            proven(0, DAY).token,
            signer=tsr.decode(),
            policy=facts["policy"],
            root_sha256=hashlib.sha256(facts["root"]).hexdigest() if found else None,
            test=facts["test"],
            tsr_sha256=hashlib.sha256(tsr).hexdigest(),
        )


class Scene:
    """A record of 12 entries with a note and a token at 12 and at 7; perhaps an older volume of 5 before it."""

    def __init__(self, asked: Asked, *, older: bool = False) -> None:
        self.asked = asked
        self.base = 5 if older else 0
        newest = Volume(
            number=2 if older else 1, folder="custody/", base=self.base, checkpoint=TREE.checkpoint(12)
        )
        volumes = (newest,)
        rights = Rights(origin=NEW, log_keys=dict(KEYS.public), base=self.base)
        self.box = Box(
            {
                "custody/log/12.note": TREE.note(12),
                "custody/log/12.tsr": b"T12",
                "custody/log/7.note": TREE.note(7),
                "custody/log/7.tsr": b"T7",
                "custody/consistency/7.txt": TREE.proof(7),
            }
        )
        if older:
            folder = "custody/volumes/1/"
            volumes = (Volume(number=1, folder=folder, base=0, checkpoint=OLDER.checkpoint(5)), newest)
            rights.before = [Closed(origin=OLD, ledger="L", log_keys=OLD_KEYS.public, base=0, size=5)]
            self.box |= {
                f"{folder}log/5.note": OLDER.note(5),
                f"{folder}log/5.tsr": b"O5",
                f"{folder}log/3.note": OLDER.note(3),
                f"{folder}consistency/3.txt": OLDER.proof(3),
            }
        made = notes.note.LogNote.from_bytes(self.box["custody/log/12.note"], where="note")
        self.record = Record(note=made, volumes=volumes, rights=rights, note_holds=True)
        self.trust = Trust(authorities=(KNOWN,))
        self.findings = Findings()

    def stamped(self, seq: int, tsr: bytes, size: int, note: bytes, volume: int = 1) -> None:
        body = Entry(
            ledger=NEW,
            seq=seq,
            root="",
            kind="checkpoint.timestamped",
            actor="",
            subject=Subject(type="ledger", id="L", n=0, prev=None),
            case=None,
            group=None,
            time=Time(wall="", session=None, mono=None),
            public={
                "token": hashlib.sha256(tsr).hexdigest(),
                "size": size,
                "note": hashlib.sha256(note).hexdigest(),
            },
            sealed={},
        )
        self.record.entries[seq] = Placed(
            seq=seq, volume=volume, name="", key_id="", body=body, leaf=bytes(32)
        )

    def check(self) -> Times:
        return checked.check(self.box, self.record, self.trust, NOW, self.findings)  # type: ignore[arg-type]

    def said(self, check: str, outcome: Outcome) -> list[tuple[str, str | None]]:
        return [(f.text, f.where) for f in self.findings.all() if f.check == check and f.outcome is outcome]

    @property
    def failures(self) -> list[tuple[str, str | None]]:
        return [(f.check, f.where) for f in self.findings.all() if f.outcome is Outcome.FAILED]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = Asked()
    monkeypatch.setattr("custody.verify.token.check_token", made)
    return made


@pytest.fixture
def scene(asked: Asked) -> Scene:
    return Scene(asked)


def sizes(times: Times) -> list[tuple[int, bool]]:
    return [(one.size, one.accepted) for one in times.tokens]


# What is there


def test_every_token_is_held_to_its_note(scene: Scene) -> None:
    times = scene.check()
    assert not scene.failures
    assert sizes(times) == [(12, True), (7, True)]
    assert {(tsr, data) for tsr, data, *_ in scene.asked.calls} == {
        (b"T12", scene.box["custody/log/12.note"]),
        (b"T7", scene.box["custody/log/7.note"]),
    }
    assert {(now, future) for *_, now, future in scene.asked.calls} == {(NOW, dt.timedelta(seconds=300))}
    assert [text for text, _ in scene.said("tokens", Outcome.PASSED)] == [
        "T12: the first 12 entries existed no later than 2026-03-04 00:00:00 UTC",
        "T7: the first 7 entries existed no later than 2026-03-04 00:00:00 UTC",
    ]
    ((grew, _),) = scene.said("consistency", Outcome.PASSED)
    assert grew.endswith("every older note that is here (1)")
    assert not scene.said("consistency", Outcome.NOT_CHECKED)
    assert times.proofs[NEW].keys() == {7}
    found = times.not_after(6)
    assert found is not None
    assert found.size in (7, 12)
    assert times.not_after(12) is None


def test_a_closed_volumes_notes_are_held_to_it_and_its_tokens_count_over_all(asked: Asked) -> None:
    scene = Scene(asked, older=True)
    times = scene.check()
    assert not scene.failures
    assert sizes(times) == [(5, True), (17, True), (12, True)]
    assert {OLD: {3}, NEW: {7}} == {origin: set(proofs) for origin, proofs in times.proofs.items()}
    ((grew, _),) = scene.said("consistency", Outcome.PASSED)
    assert grew.endswith("(3)")
    # Another volume's keys, or another volume's proof, do not do.
    scene = Scene(asked, older=True)
    scene.box["custody/volumes/1/log/3.note"] = Tree(OLD, 5, KEYS).note(3)
    scene.check()
    assert scene.failures == [("consistency", "custody/volumes/1/log/3.note")]
    scene = Scene(asked, older=True)
    scene.box["custody/volumes/1/log/3.note"] = Tree(NEW, 5, OLD_KEYS).note(3)
    scene.check()
    assert scene.failures == [("consistency", "custody/volumes/1/log/3.note")]


def test_of_a_package_without_older_notes_nothing_is_said(asked: Asked) -> None:
    scene = Scene(asked)
    for name in ("custody/log/7.note", "custody/log/7.tsr", "custody/consistency/7.txt"):
        del scene.box[name]
    assert sizes(scene.check()) == [(12, True)]
    assert not scene.said("consistency", Outcome.PASSED)
    assert not scene.said("consistency", Outcome.NOT_CHECKED)


def test_proofs_for_somebody_else_are_counted_as_not_checked(scene: Scene) -> None:
    for size in (3, 4):
        scene.box[f"custody/consistency/{size}.txt"] = TREE.proof(size)
    scene.check()
    ((text, _),) = scene.said("consistency", Outcome.NOT_CHECKED)
    assert text.endswith("none of which is here (2)")
    # Whoever holds such a note has used one of them.
    seen = (TrustedLedger(origin=NEW, genesis="", notes=(TREE.note(3),)),)
    scene.trust = replace(scene.trust, ledgers=seen)
    scene.findings = Findings()
    scene.check()
    ((text, _),) = scene.said("consistency", Outcome.NOT_CHECKED)
    assert text.endswith("none of which is here (1)")


def test_proofs_for_somebody_else_are_counted_over_all_volumes(asked: Asked) -> None:
    scene = Scene(asked, older=True)
    scene.box["custody/volumes/1/consistency/2.txt"] = OLDER.proof(2)
    scene.box["custody/consistency/4.txt"] = TREE.proof(4)
    scene.check()
    ((text, _),) = scene.said("consistency", Outcome.NOT_CHECKED)
    assert text.endswith("none of which is here (2)")


# What does not hold


def test_a_token_of_a_note_that_does_not_hold_proves_nothing(scene: Scene) -> None:
    scene.record.note_holds = False
    assert sizes(scene.check()) == [(7, True)]
    assert scene.failures == [("tokens", "custody/log/12.tsr")]


@pytest.mark.parametrize(
    "note",
    [
        FORK.note(7),
        TREE.note(6),
        Tree(NEW, 12, OTHER_KEYS).note(7),
        Tree(OLD, 12, KEYS).note(7),
        TREE.note(7)[:-2],
        b"",
    ],
    ids=["a fork", "another size", "another's keys", "another record", "cut", "nothing"],
)
def test_an_older_note_that_the_record_does_not_continue(scene: Scene, note: bytes) -> None:
    scene.box["custody/log/7.note"] = note
    assert sizes(scene.check()) == [(12, True)]
    assert scene.failures == [("consistency", "custody/log/7.note"), ("tokens", "custody/log/7.tsr")]
    assert not scene.said("consistency", Outcome.PASSED)


@pytest.mark.parametrize(
    ("proof", "where"),
    [
        (None, "custody/log/7.note"),
        (b"old 7\n", "custody/consistency/7.txt"),
        (TREE.proof(6), "custody/consistency/7.txt"),
        (FORK.proof(7), "custody/log/7.note"),
    ],
    ids=["none", "cut", "of another size", "of a fork"],
)
def test_an_older_note_without_its_proof(scene: Scene, proof: bytes | None, where: str) -> None:
    if proof is None:
        del scene.box["custody/consistency/7.txt"]
    else:
        scene.box["custody/consistency/7.txt"] = proof
    assert sizes(scene.check()) == [(12, True)]
    assert scene.failures[0] == ("consistency", where)
    assert scene.failures[-1] == ("tokens", "custody/log/7.tsr")
    assert not scene.said("consistency", Outcome.PASSED)


def test_a_token_without_its_note(scene: Scene) -> None:
    del scene.box["custody/log/7.note"]
    assert sizes(scene.check()) == [(12, True)]
    assert scene.said("tokens", Outcome.FAILED) == [("a token without its note", "custody/log/7.tsr")]


def test_a_broken_token_is_a_failure_of_its_own(scene: Scene) -> None:
    scene.asked.facts[b"T7"] = {"broken": True}
    assert sizes(scene.check()) == [(12, True)]
    (found,) = [f for f in scene.findings.all() if f.outcome is Outcome.FAILED]
    assert (found.check, found.text, found.where) == ("tokens", "a token that is broken", "custody/log/7.tsr")
    assert (found.expected, found.found) == ("whole", "broken")


def test_more_tokens_than_are_looked_at(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "MAX_TOKENS", 2)
    assert len(scene.check().tokens) == 2
    scene.box["custody/log/7.2.tsr"] = b"T7b"
    scene.asked.calls.clear()
    assert scene.check().tokens == []
    assert not scene.asked.calls
    assert scene.failures == [("tokens", None)]


# What the record itself quotes


def test_a_token_is_no_earlier_than_what_quotes_it(scene: Scene) -> None:
    scene.stamped(9, b"T7", 7, scene.box["custody/log/7.note"])
    scene.stamped(10, b"T7", 7, scene.box["custody/log/7.note"])
    times = scene.check()
    assert [one.logged_at for one in times.tokens] == [None, 9]
    assert times.not_before(9) is None
    found = times.not_before(10)
    assert found is not None
    assert found.size == 7


@pytest.mark.parametrize("how", ["another size", "another token", "another volume", "unsound"])
def test_what_is_not_said_of_this_token_is_not_quoted(scene: Scene, how: str) -> None:
    scene.stamped(
        9,
        b"other" if how == "another token" else b"T7",
        6 if how == "another size" else 7,
        scene.box["custody/log/7.note"],
        volume=2 if how == "another volume" else 1,
    )
    scene.record.unsound = {9} if how == "unsound" else set()
    assert [one.logged_at for one in scene.check().tokens] == [None, None]
    assert not scene.failures


def test_a_token_that_was_logged_for_another_note(scene: Scene) -> None:
    scene.stamped(9, b"T7", 7, b"another note")
    assert sizes(scene.check()) == [(12, True)]
    ((text, where),) = scene.said("tokens", Outcome.FAILED)
    assert ("for another note" in text, where) == (True, "custody/log/7.tsr")


# Whom the trust file believes


OTHER = TrustedAuthority(roots=(b"other",), policies=(), source="by hand", test=False)
STRICT = replace(KNOWN, policies=("9.9.9", "1.2.3"))
ELSEWHERE = replace(KNOWN, policies=("9.9.9",))
TESTING = replace(KNOWN, test=True)


@pytest.mark.parametrize(
    ("authorities", "facts", "require", "accepted", "says"),
    [
        ((), {}, (), False, "authority not known"),
        ((OTHER,), {}, (), False, "authority not known"),
        ((OTHER, KNOWN), {}, (), True, None),
        ((STRICT,), {}, (), True, None),
        ((ELSEWHERE,), {}, (), False, "under a policy that the trust file does not take"),
        ((ELSEWHERE, KNOWN), {}, (), True, None),
        ((ELSEWHERE, OTHER), {}, (), False, "under a policy that the trust file does not take"),
        ((KNOWN,), {"test": True}, (), True, None),
        ((KNOWN,), {"test": True}, ("no-test-authority",), False, "takes no test authority"),
        ((TESTING,), {}, ("no-test-authority",), False, "takes no test authority"),
        ((TESTING, KNOWN), {}, ("no-test-authority",), True, None),
        ((TESTING,), {}, (), True, None),
        ((OTHER, KNOWN), {"broken_under": b"other"}, (), True, None),
        ((OTHER, ELSEWHERE), {"broken_under": b"other"}, (), False, "under a policy"),
    ],
)
def test_whom_the_trust_file_believes(
    scene: Scene,
    authorities: tuple[TrustedAuthority, ...],
    facts: dict[str, Any],
    require: tuple[str, ...],
    accepted: bool,
    says: str | None,
) -> None:
    scene.asked.facts[b"T12"] = scene.asked.facts[b"T7"] = facts
    scene.trust = Trust(authorities=authorities, require=require)
    times = scene.check()
    assert sizes(times) == [(12, accepted), (7, accepted)]
    assert not scene.failures
    told = scene.said("tokens", Outcome.NOT_CHECKED)
    assert len(told) == (0 if accepted else 2)
    assert all(says is not None and says in text for text, _ in told)
    marked = facts.get("test", False) or (TESTING in authorities and KNOWN not in authorities)
    assert [one.token.test for one in times.tokens] == [marked, marked]
    every = scene.said("tokens", Outcome.PASSED) + told
    assert all(text.endswith(" (test authority, not for court)") is marked for text, _ in every)


def test_a_token_that_breaks_under_the_only_root_it_has_is_a_failure(scene: Scene) -> None:
    scene.asked.facts[b"T7"] = {"broken_under": b"other"}
    scene.trust = Trust(authorities=(OTHER,))
    assert sizes(scene.check()) == [(12, False)]
    assert scene.failures == [("tokens", "custody/log/7.tsr")]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, dt.timedelta()),
        (86400, dt.timedelta(days=1)),
        (10**12, dt.timedelta(days=3650)),
        (2**53, dt.timedelta(days=3650)),
    ],
)
def test_how_far_ahead_of_the_clock_a_token_may_lie(
    scene: Scene, seconds: int, expected: dt.timedelta
) -> None:
    scene.trust = replace(scene.trust, max_future=seconds)
    scene.check()
    assert {future for *_, future in scene.asked.calls} == {expected}


# What the verifier's side has seen


def with_notes(scene: Scene, *seen: bytes, origin: str = NEW) -> Times:
    scene.trust = replace(scene.trust, ledgers=(TrustedLedger(origin=origin, genesis="", notes=seen),))
    return scene.check()


def test_states_that_the_record_continues(scene: Scene) -> None:
    times = with_notes(scene, TREE.note(7), TREE.note(12))
    assert (times.seen_itself, times.newest_seen, times.not_connected, times.not_gone_on) == (
        True,
        None,
        [],
        [],
    )
    assert scene.said("known notes", Outcome.PASSED) == [
        ("the record continues all 2 states that you have seen before", None)
    ]
    assert not scene.failures
    scene.findings = Findings()
    assert not with_notes(scene, TREE.note(7)).seen_itself


def test_an_empty_record_is_how_every_one_began(scene: Scene) -> None:
    empty = TREE.note(0)
    times = with_notes(scene, empty)
    assert (times.not_connected, times.seen_itself) == ([], False)
    assert not scene.failures
    scene.findings = Findings()
    with_notes(scene, TREE.note(0, root=b"\1" * 32))
    assert [check for check, _ in scene.failures] == ["known notes"]


@pytest.mark.parametrize("size", [7, 12])
def test_a_state_that_the_record_does_not_continue(scene: Scene, size: int) -> None:
    times = with_notes(scene, FORK.note(size))
    ((text, where),) = scene.said("known notes", Outcome.FAILED)
    assert f"does not continue the {size} entries" in text
    assert where == f"trust file, note {size}"
    assert not times.seen_itself
    assert not scene.said("known notes", Outcome.PASSED)


def test_a_note_in_the_trust_file_that_is_not_this_records(scene: Scene) -> None:
    with_notes(scene, Tree(NEW, 12, OTHER_KEYS).note(7), TREE.note(7))
    assert scene.failures == [("known notes", "trust file, note 7")]
    assert "all 1 states" in scene.said("known notes", Outcome.PASSED)[0][0]


def test_a_state_that_nothing_connects(scene: Scene) -> None:
    times = with_notes(scene, TREE.note(4))
    assert times.not_connected == [4]
    assert not scene.failures
    ((text, _),) = scene.said("known notes", Outcome.NOT_CHECKED)
    assert "the note of 4 entries" in text


def test_a_larger_state_means_that_the_package_is_older(scene: Scene) -> None:
    larger = Tree(NEW, 30, KEYS)
    times = with_notes(scene, larger.note(30), larger.note(20), TREE.note(12))
    assert (times.newest_seen, times.seen_itself) == (30, True)
    told = scene.said("known notes", Outcome.NOT_CHECKED)
    assert told == [("this package is older than what you hold: 12 of 30 entries", None)]


def test_states_of_a_closed_volume(asked: Asked) -> None:
    scene = Scene(asked, older=True)
    times = with_notes(scene, OLDER.note(3), OLDER.note(5), origin=OLD)
    assert (times.not_connected, times.not_gone_on, times.seen_itself) == ([], [], False)
    assert "all 2 states" in scene.said("known notes", Outcome.PASSED)[0][0]
    scene = Scene(asked, older=True)
    assert with_notes(scene, OLDER.note(4), origin=OLD).not_connected == [4]
    # It lived on after the state that the record goes on from.
    scene = Scene(asked, older=True)
    times = with_notes(scene, Tree(OLD, 9, OLD_KEYS).note(9), origin=OLD)
    assert (times.not_gone_on, times.newest_seen) == ([1], None)
    ((text, _),) = scene.said("known notes", Outcome.NOT_CHECKED)
    assert text.endswith("volume 1 stood at 5 entries")
    # The newest volume's are counted over all.
    scene = Scene(asked, older=True)
    times = with_notes(scene, Tree(NEW, 30, KEYS).note(30), TREE.note(4))
    assert (times.newest_seen, times.not_connected) == (35, [9])
    told = scene.said("known notes", Outcome.NOT_CHECKED)
    assert ("this package is older than what you hold: 17 of 35 entries", None) in told


def test_what_is_known_of_another_record_is_not_held_to_this_one(scene: Scene) -> None:
    times = with_notes(scene, OLDER.note(3), origin=OLD)
    assert times.not_connected == []
    assert not scene.failures
    assert not scene.said("known notes", Outcome.PASSED)
