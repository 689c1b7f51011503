"""Several packages together: honest ones agree, and forgers who pass alone are convicted by their own two packages."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from custody.format import package
from custody.procedure import backup, restore
from custody.procedure import export as exporting
from custody.procedure.locker import Desk, Locker
from custody.verify.compare import Pair, Together, examine, together
from custody.verify.compare_text import together_lines
from custody.verify.report import Outcome
from tests import desks
from tests.packages import LATER, Files, Forger, World, forger, make_world, put_together, take_apart, world
from tests.test_verify_attacks import _fork, _hidden, _same_genesis, _stale, _with_compromise, item

REPO = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((REPO / "schemas" / "custody.verify-compare.schema.json").read_text("utf-8"))
ONE = json.loads((REPO / "schemas" / "custody.verify.schema.json").read_text("utf-8"))
A, B, C = (f"019cb6d0-0000-7000-8000-0000000000a{n}" for n in "123")


def hold(made: Forger, *packages: Files | bytes, trusted: bool = True) -> Together:
    """All of them verified and compared; each confirmed alone unless it is not trusted."""
    trust = made.trust() if trusted else None
    examined = [
        examine(
            f"{number}.zip",
            io.BytesIO(files if isinstance(files, bytes) else put_together(files)),
            trust=trust,
            fingerprint=None,
            now=LATER,
        )
        for number, files in enumerate(packages, 1)
    ]
    found = together(examined)
    value = found.to_value()
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    for one in value["packages"]:
        jsonschema.Draft202012Validator(ONE).validate(one["report"])
    assert "\x1b" not in "\n".join(together_lines(found))
    return found


def said(pair: Pair, check: str, text: str, outcome: Outcome = Outcome.FAILED) -> bool:
    return any(f.check == check and text in f.text and f.outcome is outcome for f in pair.findings)


def alone(found: Together) -> list[int]:
    return [one.report.exit_code for one in found.packages]


def two(made: Forger, **second: Any) -> tuple[Files, Files]:
    """A package, then two more readings and a token, then another package of the same record."""
    first = made.pack(package_id=A)
    made.add(made.access_line(item(0)))
    made.add(made.access_line(item(1)))
    return first, made.pack(package_id=B, **second)


# Honest


@pytest.mark.parametrize("turned", [False, True])
def test_a_later_package_agrees_and_it_is_told_what_it_adds(turned: bool) -> None:
    made = forger()
    first, second = two(made)
    found = hold(made, *((second, first) if turned else (first, second)))
    (pair,) = found.pairs
    assert (pair.older, pair.newer) == ((1, 0) if turned else (0, 1))
    assert (found.record_line, found.origin_line, found.exit_code) == ("INTACT", "CONFIRMED", 0), (
        pair.findings
    )
    assert pair.line == "AGREE"
    assert pair.added.entries == {"item.accessed": 2, "item.exported": 5, "package.made": 1}
    assert list(pair.added.entries) == sorted(pair.added.entries)
    assert not pair.added.items
    assert not pair.added.shown
    text = "\n".join(together_lines(found))
    assert "2 × item.accessed" in text
    assert "AGREE" in text


def test_proof_or_quoted_root_connect_and_without_either_it_is_not_said_to_be_fine() -> None:
    made = forger()
    first = made.pack(package_id=A, stamped=None)
    size = len(made.placed)
    made.add(made.access_line(item(0)))
    made.add(made.access_line(item(1)))
    proven = made.pack(package_id=B, issued=[size])
    assert said(hold(made, first, proven).pairs[0], "continues", "continues that", Outcome.PASSED)
    # The entry right behind the first package's record quotes its root; without a shown one nothing does.
    quoted = made.pack(package_id=C)
    assert f"custody/entries/{size}.json" in quoted
    assert f"custody/consistency/{size}.txt" not in quoted
    assert said(hold(made, first, quoted).pairs[0], "continues", "continues that", Outcome.PASSED)
    rest = [str(i.id) for i in world().items[1:]]
    unconnected = made.pack(package_id=C, items=rest)
    assert f"custody/entries/{size}.json" not in unconnected
    found = hold(made, first, unconnected)
    assert said(found.pairs[0], "continues", "no proof connects", Outcome.NOT_CHECKED)
    assert (alone(found), found.exit_code, found.origin_line) == ([0, 0], 6, "NOT CONFIRMED")


def test_other_items_and_other_parts() -> None:
    made = forger()
    ids = [str(i.id) for i in world().items]
    first = made.pack(package_id=A, items=ids[:2])
    second = made.pack(package_id=B, items=ids[1:3], show=("content", "handling"), issued=[len(made.placed)])
    pair = hold(made, first, second).pairs[0]
    assert pair.exit_code == 0, pair.findings
    assert (pair.added.items, pair.added.items_gone) == (["A-1/03"], ["A-1/01"])
    assert pair.added.shown == {"handling": 1}
    assert pair.added.withheld["name"] == 1


def test_a_package_and_its_copy() -> None:
    found = hold(forger(), *[world().honest] * 2, trusted=False)
    assert said(found.pairs[0], "continues", "both show the same", Outcome.PASSED)
    assert found.exit_code == 6
    assert found.pairs[0].line == "AGREE"


def test_three_packages_are_compared_two_by_two() -> None:
    made = forger()
    first, second = two(made)
    third = made.pack(package_id=C, issued=[len(made.placed)])
    found = hold(made, third, first, second)
    assert [(p.older, p.newer) for p in found.pairs] == [(1, 0), (2, 0), (1, 2)]
    assert found.exit_code in (0, 6)
    assert all(pair.exit_code != 1 for pair in found.pairs)


def test_two_records_have_nothing_in_common(tmp_path: Path) -> None:
    other = make_world(tmp_path)
    found = hold(forger(), world().honest, other.honest, trusted=False)
    assert said(found.pairs[0], "same record", "different records", Outcome.NOT_CHECKED)
    assert (found.record_line, found.exit_code) == ("INTACT", 6)


def volumes(folder: Path, *, first_after_backup: bool) -> tuple[bytes, bytes]:
    """A package of a locker, and one of what was restored from a backup that was made before or after it."""

    def pack(desk: Desk, name: str) -> bytes:
        exporting.export(desk, exporting.Choice(case=case), folder / name, purpose="a test", plain=True)
        return (folder / name).read_bytes()

    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        old = desks.new_locker(folder, tsa=(named,), clock=clock)
        case, _ = desks.case_with(old, folder / "in", {"old.txt": b"from before"})
        first = b"" if first_after_backup else pack(old, "first")
        clock.forward(hours=1)
        backup.write(old, folder / "backup")
        if first_after_backup:
            desks.take_in(old, case, desks.put(folder / "lost", {"lost.txt": b"never to be seen again"}))
            first = pack(old, "first")
        clock.forward(days=3)
        restore.restore(folder / "backup", folder / "L2", old.key_file, old.rim)
        desk = Desk(Locker(folder / "L2"), old.key_file, old.rim)
        desks.take_in(desk, case, desks.put(folder / "more", {"new.txt": b"from after"}))
        clock.forward(hours=1)
        return first, pack(desk, "second")


def test_a_record_that_goes_on_in_a_new_volume_agrees_with_a_package_of_the_first(tmp_path: Path) -> None:
    found = hold(forger(), *volumes(tmp_path, first_after_backup=False), trusted=False)
    assert alone(found) == [6, 6]
    (pair,) = found.pairs
    assert pair.line == "AGREE", pair.findings
    assert said(pair, "continues", "continues that", Outcome.PASSED)
    assert pair.added.items == ["A-2/01"]
    assert pair.added.entries["item.exported"] == 1


def test_two_packages_of_a_record_in_its_second_volume_agree(tmp_path: Path) -> None:
    """Places count over all volumes: those of the second begin where the first ends, in both packages."""

    def pack(name: str) -> bytes:
        exporting.export(desk, exporting.Choice(case=case), tmp_path / name, purpose="a test", plain=True)
        return (tmp_path / name).read_bytes()

    old = desks.new_locker(tmp_path)
    case, _ = desks.case_with(old, tmp_path / "in", {"old.txt": b"from before"})
    backup.write(old, tmp_path / "backup")
    restore.restore(tmp_path / "backup", tmp_path / "L2", old.key_file, old.rim)
    desk = Desk(Locker(tmp_path / "L2"), old.key_file, old.rim)
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"new.txt": b"from after"}))
    first = pack("first")
    desks.take_in(desk, case, desks.put(tmp_path / "last", {"last.txt": b"from later"}))
    second = pack("second")
    found = hold(forger(), first, second, trusted=False)
    assert alone(found) == [6, 6]
    (pair,) = found.pairs
    assert (pair.exit_code, pair.older, pair.newer) == (0, 0, 1), pair.findings
    assert (pair.added.items, pair.added.items_gone) == (["A-3/01"], [])
    assert pair.added.entries["item.exported"] == 2
    assert pair.added.entries["package.made"] == 1
    both = [
        {path for path in take_apart(one) if package.ENTRY_NAME.fullmatch(path)} for one in (first, second)
    ]
    assert both[0] < both[1]
    beginnings = {package.RECORD: 0, package.volume_folder(1): 0}
    for path in both[0]:
        match = package.ENTRY_NAME.fullmatch(path)
        assert match is not None
        beginnings[match[1]] += 1
    for count in beginnings.values():
        assert count > 2
    assert [f.text for f in pair.findings if f.check == "entries"] == [
        f"{beginnings[folder]} entries that both have are the same, byte for byte"
        for folder in (package.volume_folder(1), package.RECORD)
    ]
    # The ledger of each volume, the case, two exhibits and two items.
    assert said(pair, "histories", "the histories of 7 subjects are the same in both so far", Outcome.PASSED)


def test_what_a_backup_did_not_have_is_told_and_is_no_contradiction(tmp_path: Path) -> None:
    found = hold(forger(), *volumes(tmp_path, first_after_backup=True), trusted=False)
    (pair,) = found.pairs
    assert pair.exit_code == 6, pair.findings
    assert said(pair, "continues", "the rest of them is not in it", Outcome.NOT_CHECKED)
    older, newer = found.packages[pair.older], found.packages[pair.newer]
    assert older.report.intact
    assert newer.report.intact
    lost, new = (
        (pair.added.items_gone, pair.added.items)
        if pair.older == 0
        else (pair.added.items, pair.added.items_gone)
    )
    assert (lost, new) == (["A-2/01"], ["A-2/01"])  # one label, two items


# Forged


def forks(issued: bool) -> tuple[Forger, Files, Files]:
    one, other = _same_genesis(None), _same_genesis(_fork)
    first = one.pack(package_id=A)
    size = len(one.placed)
    other.add(other.access_line(item(0)))
    return one, first, other.pack(package_id=B, issued=[size] if issued else [])


@pytest.mark.parametrize("issued", [False, True])
def test_a_forked_record_is_convicted_by_its_two_packages(issued: bool) -> None:
    made, first, second = forks(issued)
    found = hold(made, first, second)
    assert alone(found) == [0, 0]
    pair = found.pairs[0]
    assert said(pair, "entries", "two entries at one place")
    assert said(pair, "continues", "two histories of one record")
    assert (found.record_line, found.origin_line, found.exit_code) == ("DOES NOT MATCH", "NOT CONFIRMED", 1)
    assert not pair.added.entries


def test_a_fork_at_the_same_size_and_with_no_entry_in_common() -> None:
    """Both have the same number of entries: the two notes alone convict."""
    one, other = _same_genesis(None), _same_genesis(_fork)
    found = hold(one, one.pack(package_id=A), other.pack(package_id=A))
    assert alone(found) == [0, 0]
    assert said(found.pairs[0], "continues", "two histories of one record")


def test_a_fork_by_the_quoted_root_alone() -> None:
    """Another item's entry was changed: what both packages show is the same, but for the root that it quotes."""

    def elsewhere(f: Forger) -> None:
        f.lines[f.find("item.collected", 0, case=world().other_case)].public["wrapped_to"] = []

    rest = [str(i.id) for i in world().items[1:]]
    one, other = _same_genesis(None), _same_genesis(elsewhere)
    first = one.pack(package_id=A, items=rest)
    other.add(other.access_line(item(1)))
    found = hold(one, first, other.pack(package_id=B, items=rest))
    assert alone(found) == [0, 0]
    assert found.exit_code == 1


def test_a_fork_by_the_consistency_proof_alone() -> None:
    """Nothing that both show differs, and no shown entry quotes the root in question."""
    rest = [str(i.id) for i in world().items[1:]]
    one, other = _same_genesis(None), _same_genesis(_fork)
    first = one.pack(package_id=A, items=rest)
    size = len(one.placed)
    while len(other.placed) <= size:
        other.add(other.access_line(item(0)))
    second = other.pack(package_id=B, items=rest, issued=[size])
    assert f"custody/entries/{size}.json" not in second
    found = hold(one, first, second)
    assert alone(found) == [0, 0]
    assert said(found.pairs[0], "continues", "the proof that should connect the two does not hold")
    assert found.exit_code == 1


def test_two_beginnings_under_one_name() -> None:
    one, other = forger(), forger()
    assert one.placed[0].leaf != other.placed[0].leaf
    found = hold(one, one.pack(package_id=A), other.pack(package_id=B), trusted=False)
    assert alone(found) == [6, 6]
    assert said(found.pairs[0], "same record", "two records under one name")
    assert found.exit_code == 1


def test_a_hidden_reading_comes_out_by_two_packages_of_one_tree() -> None:
    """Two entries under one number: each package shows the other one. No fork: one tree holds both."""
    made = forger(_hidden)
    (hidden,) = (p for p in made.placed if p.body["subject"]["id"] == item(0) and p.body["subject"]["n"] == 3)
    first = made.pack(leave_out=[hidden.seq], package_id=A)
    (export,) = (
        p.seq for p in made.placed if p.body["subject"]["id"] == item(0) and p.body["kind"] == "item.exported"
    )
    made.heads[item(0)] = ("item", 3, hidden.leaf)
    found = hold(made, first, made.pack(leave_out=[export], package_id=B))
    assert alone(found) == [0, 0]
    assert said(found.pairs[0], "histories", "left out of a history")
    assert not said(found.pairs[0], "histories", "", Outcome.PASSED)
    assert found.exit_code == 1


def test_a_report_of_a_stolen_key_that_one_package_left_out() -> None:
    made = forger(_with_compromise)
    compromised = made.find("custodian.compromised")
    stale = _stale(made, A)
    assert f"custody/entries/{compromised}.json" not in stale
    # The next package of the same case tells it alone. One of another case can't: it takes both.
    made.world = _other_case()
    found = hold(made, stale, made.pack(package_id=B))
    assert alone(found) == [0, 0]
    assert [f.where for f in found.pairs[0].findings if f.outcome is Outcome.FAILED] == [
        f"entry {compromised} (custodian.compromised)"
    ]
    assert found.exit_code == 1


def _other_case() -> World:
    """The world with its other case in the first one's place."""
    rows = world().desk.locker.work.items(world().other_case)
    known = {hashlib.sha256(data).hexdigest(): data for data in (b"of another case", b"x")}
    first = {line.subject: line.plain for line in reversed(world().lines)}
    contents = {row.id: known[first[row.id]["content"]["digests"]["sha256"]] for row in rows}
    return replace(world(), case=world().other_case, items=tuple(rows), contents=contents)


def test_one_that_does_not_match_is_not_compared() -> None:
    made = forger()
    first, second = two(made)
    path = sorted(p for p in second if p.startswith("data/"))[0]
    found = hold(made, first, {**second, path: b"?"})
    assert alone(found) == [0, 1]
    assert said(found.pairs[0], "same record", "does not hold by itself", Outcome.NOT_CHECKED)
    assert found.exit_code == 1
    found = hold(made, first, put_together(second)[:-100])
    assert (alone(found), found.exit_code, found.record_line) == ([0, 4], 4, "UNREADABLE")
    found = hold(made, {**second, path: b"?"}, put_together(second)[:-100])
    assert found.exit_code == 1


# Commands


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("program", [("custody", "verify"), ("custody.verify",)])
def test_the_commands(program: tuple[str, ...], tmp_path: Path) -> None:
    made = forger()
    first, second = two(made)
    one, honest, other = tmp_path / "1.zip", tmp_path / "2.zip", tmp_path / "3.zip"
    one.write_bytes(put_together(first))
    honest.write_bytes(put_together(second))
    (tmp_path / "trust.json").write_bytes(made.trust().to_bytes())
    trust = ("--trust", tmp_path / "trust.json")
    done = command(*program, one, honest, *trust)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("INTACT\nCONFIRMED\n\nPackage 1  ")
    done = command(*program, one, honest, "--json")
    assert done.returncode == 6
    value = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    assert value["exit_code"] == 6
    forked, first, second = forks(True)
    one.write_bytes(put_together(first))
    other.write_bytes(put_together(second))
    (tmp_path / "trust.json").write_bytes(forked.trust().to_bytes())
    done = command(*program, one, other, *trust)
    assert done.returncode == 1
    assert done.stdout.startswith("DOES NOT MATCH\nNOT CONFIRMED\n")
    assert "keep both packages" in done.stdout


def test_the_schema_is_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    made = forger()
    value = hold(made, *two(made)).to_value()
    for change in ({"more": 1}, {"schema": "custody.verify/1"}, {"pairs": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate({**value, **change})
