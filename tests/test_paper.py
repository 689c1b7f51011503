"""A checkpoint on paper: printed, typed back with every slip found, and compared with what there is now."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from pathlib import Path

import jsonschema
import pytest

from custody.anchor import paper as lines
from custody.anchor.authority import Unreachable
from custody.errors import CheckFailed, FormatError, InputRefused, NoRight
from custody.export import encrypted
from custody.format.note import Checkpoint
from custody.procedure import cases, export, paper, seal
from custody.procedure.authorities import Named
from custody.procedure.export import Choice
from custody.procedure.locker import Desk, Locker
from tests import desks
from tests.conftest import REPO

LABELS = ("record", "entries", "root 1", "root 2", "root 3", "root 4")
SAMPLE = Checkpoint(origin="custody/aebagbafaydqqcikbmga2dqpca", size=412, root=bytes(range(32)))


def typed(checkpoint: Checkpoint = SAMPLE) -> str:
    return "\n".join(lines.lines(checkpoint)) + "\n"


# --- the text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 9, 412, 10**15])
def test_what_is_printed_reads_back(size: int) -> None:
    checkpoint = Checkpoint(origin=SAMPLE.origin, size=size, root=random.Random(size).randbytes(32))
    assert paper.read(typed(checkpoint), where="x") == checkpoint


def test_what_is_printed_is_for_any_printer() -> None:
    text = typed()
    assert text.isascii()
    assert max(map(len, text.splitlines())) < 50
    assert text.splitlines()[0] == "custody checkpoint 1"


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace(" ", "  "),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: re.sub(r"(?<=[0-9a-f]{4}) (?=[0-9a-f]{4})", "-", text),
        lambda text: re.sub(r"(root \d|record)( +)", r"\1:\2\n", text),
        lambda text: (
            "Dear colleague,\nentries of our record follow.\n\n"
            + text
            + "words    abandon ability 12\nYours\n"
        ),
        lambda text: text.replace("custody checkpoint 1\n", ""),
        lambda text: text.replace("root ", "Root"),
    ],
)
def test_how_people_type_is_forgiven(change: object) -> None:
    assert callable(change)
    assert paper.read(change(typed()), where="x") == SAMPLE


def test_every_slip_of_one_character_is_found() -> None:
    """Each digit of the record's name, the number and the root, replaced by every other."""
    named: set[tuple[int, str | None]] = set()
    printed, missed, tried = typed().splitlines(), [], 0
    for number, line in enumerate(printed[1:], 1):
        for at in range(9, len(line) - 4):
            for other in "0123456789abcdefghijklmnopqrstuvwxyz" if line[at] != " " else "":
                if other == line[at]:
                    continue
                tried += 1
                changed = [*printed[:number], line[:at] + other + line[at + 1 :], *printed[number + 1 :]]
                try:
                    missed.append(paper.read("\n".join(changed), where="x"))
                except FormatError as error:
                    named.add((number, error.where))
    assert tried > 2000
    # 10 bits: one slip in a thousand fits by chance. None gives the checkpoint itself.
    assert len(missed) < tried / 200
    assert SAMPLE not in missed
    # It is told in which line; what fits by chance and is no digit of a root is told of the root.
    assert {(n, f"x, line “{label}”") for n, label in enumerate(LABELS, 1)} <= named
    assert all(where in ("x", f"x, line “{LABELS[n - 1]}”") for n, where in named)


def test_lines_that_changed_places_are_found() -> None:
    one, two = typed().splitlines()[3:5]
    swapped = typed().replace(one[8:], "#").replace(two[8:], one[8:]).replace("#", two[8:])
    with pytest.raises(FormatError, match="do not fit"):
        paper.read(swapped, where="x")
    with pytest.raises(FormatError, match="another place"):
        paper.read(typed().replace(one, "#").replace(two, one).replace("#", two), where="x")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("root 3", "rot 3"), "“root 3” is missing"),
        (lambda text: text[: text.rindex(" ")], "not whole"),
        (lambda text: text.replace("412", "41 2"), "not whole|do not fit"),
        (lambda text: "", "“record” is missing"),
        (lambda text: text * 100, "too long"),
        (lambda text: text.replace("aeba", "ÄEBA"), "do not fit"),
    ],
)
def test_what_is_not_whole_is_refused(change: object, message: str) -> None:
    assert callable(change)
    with pytest.raises(FormatError, match=message):
        paper.read(change(typed()), where="x")


def test_any_text_is_refused_or_read() -> None:
    shuffler = random.Random(1)
    for _ in range(500):
        text = list(typed())
        for _ in range(shuffler.randrange(1, 30)):
            text[shuffler.randrange(len(text))] = chr(
                shuffler.choice([10, 32, 45, 48, 97, 0x130, 0x661, 0xFF11])
            )
        try:
            paper.read("".join(text), where="x")
        except FormatError:
            continue


# --- printing -------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = desks.new_locker(tmp_path)
    desks.case_with(made, tmp_path / "src", {"a.txt": b"one\n"})
    return made


def test_what_is_printed_is_the_newest_note_and_remembered(desk: Desk) -> None:
    printed = paper.print_newest(desk)
    with desk.locker.ledger.reading() as view:
        assert (printed.checkpoint.size, printed.checkpoint.root) == (view.size, view.root())
        assert view.issued() == [view.size]
    assert (printed.newer, len(printed.fingerprint)) == (0, 12)
    assert paper.read("\n".join(printed.lines), where="x") == printed.checkpoint
    assert paper.print_newest(desk).checkpoint == printed.checkpoint  # nothing came since


def test_without_a_network_it_is_printed_all_the_same(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def unplugged(*_: object, **__: object) -> None:
        raise Unreachable("no network")

    seal.name_authorities(desk, [Named(url="http://tsa.example")])
    monkeypatch.setattr(seal, "request_token", unplugged)
    printed = paper.print_newest(desk)
    assert len(printed.sealed.waiting) == 1
    assert len(printed.lines) == 7


def test_who_cant_seal_prints_what_was_sealed(desk: Desk, tmp_path: Path) -> None:
    own, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["audit"])
    theirs = desks.sit_down(desk, own)
    with pytest.raises(NoRight, match="no right to seal"):
        paper.print_newest(theirs)
    sealed = seal.seal(desk)
    assert sealed.note is not None
    cases.open_case(desk, "REF-2")
    printed = paper.print_newest(desks.sit_down(desk, own))
    assert printed.checkpoint == sealed.note.checkpoint
    assert printed.newer == 1


# --- two years later ------------------------------------------------------------------------------------


def a_package(desk: Desk, output: Path, *, plain: bool = True) -> Path:
    choice = Choice(case=desk.locker.work.cases()[0].id)
    done = export.export(desk, choice, output, purpose="x", plain=plain)
    if done.passphrase is not None:
        output.with_suffix(".words").write_text(done.passphrase)
    return output


def compared(path: Path, checkpoint: Checkpoint) -> paper.Compared:
    with path.open("rb") as file:
        return paper.compare_package(file, checkpoint, now=desks.START, where="x")


def test_a_package_made_later_continues_the_paper(desk: Desk, tmp_path: Path) -> None:
    printed = paper.print_newest(desk).checkpoint
    case = desk.locker.work.cases()[0].id
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"b.txt": b"later\n"}))
    found = compared(a_package(desk, tmp_path / "p.zip"), printed)
    assert (found.outcome, found.holds) == ("continues", True)
    assert (found.covered, found.later) == (("A-1/01",), ("A-2/01",))
    here = paper.compare_locker(desk.locker, printed)
    assert (here.outcome, here.holds) == ("continues", True)


def test_a_package_in_the_very_state_of_the_paper(desk: Desk, tmp_path: Path) -> None:
    path = a_package(desk, tmp_path / "p.zip")
    found = compared(path, paper.print_newest(desk).checkpoint)
    assert (found.outcome, found.covered) == ("same", ("A-1/01",))
    assert paper.compare_locker(desk.locker, found.typed).outcome == "same"


def test_a_package_older_than_the_paper_says_nothing(desk: Desk, tmp_path: Path) -> None:
    path = a_package(desk, tmp_path / "p.zip")
    cases.open_case(desk, "REF-2")
    found = compared(path, paper.print_newest(desk).checkpoint)
    assert (found.outcome, found.holds) == ("older", None)


def test_a_record_that_was_changed_contradicts_the_paper(desk: Desk, tmp_path: Path) -> None:
    printed = paper.print_newest(desk).checkpoint
    cases.open_case(desk, "REF-2")
    path = a_package(desk, tmp_path / "p.zip")
    false = Checkpoint(origin=printed.origin, size=printed.size, root=bytes(32))
    found = compared(path, false)
    assert (found.outcome, found.holds) == ("contradicts", False)
    assert paper.compare_locker(desk.locker, false).holds is False
    # No note of that size was ever signed: there is no proof, and the locker itself knows.
    between = Checkpoint(origin=printed.origin, size=printed.size - 1, root=bytes(32))
    assert compared(path, between).outcome == "no proof"
    assert paper.compare_locker(desk.locker, between).outcome == "contradicts"


def test_another_record_is_told_from_a_changed_one(desk: Desk, tmp_path: Path) -> None:
    other = desks.new_locker(tmp_path / "other")
    printed = paper.print_newest(other).checkpoint
    assert paper.compare_locker(desk.locker, printed).outcome == "another record"
    found = compared(a_package(desk, tmp_path / "p.zip"), printed)
    assert (found.outcome, found.holds) == ("another record", False)


def test_a_locker_that_lost_its_end_is_found_by_the_paper(desk: Desk, tmp_path: Path) -> None:
    longer = Checkpoint(origin=desk.origin, size=10**6, root=bytes(32))
    assert paper.compare_locker(desk.locker, longer).outcome == "older"


def test_an_entry_that_was_changed_under_its_tree_contradicts_the_paper(desk: Desk) -> None:
    """Who changes entries can leave the stored tree as it was: the paper is compared with the entries."""
    printed = paper.print_newest(desk).checkpoint
    desk.locker.close()
    with sqlite3.connect(desk.locker.path / "ledger.sqlite") as connection:
        for (trigger,) in connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
        ).fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        connection.execute("UPDATE entry SET envelope = CAST(envelope || ' ' AS BLOB) WHERE seq = 2")
    assert paper.compare_locker(Locker(desk.locker.path), printed).outcome == "contradicts"


def test_nothing_is_compared_with_a_package_that_does_not_match(desk: Desk, tmp_path: Path) -> None:
    path = a_package(desk, tmp_path / "p.zip")
    printed = paper.print_newest(desk).checkpoint
    data = path.read_bytes()
    path.write_bytes(data.replace(b"one\n", b"two\n"))
    with pytest.raises(CheckFailed, match="does not match"):
        compared(path, printed)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputRefused):
        compared(path, printed)


# --- on the command line --------------------------------------------------------------------------------


def run(desk: Desk, folder: Path, *words: str) -> tuple[int, str, str]:
    from click.testing import CliRunner

    from custody.cli import main

    secret = folder / "secret"
    secret.write_bytes(desks.PASSPHRASE)
    key = str(desk.key_file.path)
    env = {
        "CUSTODY_KEY": key,
        "CUSTODY_PASSPHRASE_FILE": str(secret),
        "CUSTODY_LOCKER": str(desk.locker.path),
    }
    done = CliRunner().invoke(main, list(words), env=env)
    return done.exit_code, done.stdout, done.stderr


def test_printed_typed_and_compared_on_the_command_line(desk: Desk, tmp_path: Path) -> None:
    code, out, err = run(desk, tmp_path, "seal", "--paper")
    assert code == 0, err
    letter = tmp_path / "letter.txt"
    letter.write_text(f"To the editor\n\n{out}\n")
    code, told, err = run(desk, tmp_path, "trust", "paper", str(letter))
    assert (code, "very state" in told) == (0, True), err
    path = a_package(desk, tmp_path / "p.zip", plain=False)
    words = str(path.with_suffix(".words"))
    code, told, err = run(
        desk, tmp_path, "trust", "paper", str(letter), str(path), "--json", "--passphrase-file", words
    )
    assert code == 0, err
    value = json.loads(told)
    for schema, text in (
        ("trust-paper", told),
        ("seal", run(desk, tmp_path, "seal", "--paper", "--json")[1]),
    ):
        shape = json.loads((REPO / "schemas" / f"custody.{schema}.schema.json").read_text())
        jsonschema.validate(json.loads(text), shape)
    assert (value["outcome"], value["holds"], value["covered"]) == ("continues", True, ["A-1/01"])
    letter.write_text(out.replace("root 1   ", "root 1   f"))
    code, told, err = run(desk, tmp_path, "trust", "paper", str(letter))
    assert (code, told) == (4, "")
    assert "root 1" in err
    with encrypted.unwrap(path, path.with_suffix(".words").read_text()) as inner:
        assert inner.read(2) == b"PK"


def test_exit_codes_of_what_does_not_hold(desk: Desk, tmp_path: Path) -> None:
    path = a_package(desk, tmp_path / "p.zip")
    cases.open_case(desk, "REF-2")
    printed = paper.print_newest(desk).checkpoint
    letter = tmp_path / "letter.txt"
    letter.write_text(typed(printed))
    assert run(desk, tmp_path, "trust", "paper", str(letter), str(path))[0] == 6
    letter.write_text(typed(Checkpoint(origin=printed.origin, size=printed.size, root=bytes(32))))
    assert run(desk, tmp_path, "trust", "paper", str(letter))[0] == 1
    letter.write_text(typed(Checkpoint(origin=printed.origin, size=9999, root=bytes(32))))
    assert run(desk, tmp_path, "trust", "paper", str(letter))[0] == 1
    letter.write_text(typed(SAMPLE))
    assert run(desk, tmp_path, "trust", "paper", str(letter))[0] == 1
