"""One way to a plain byte: held by reading the code, and by what an opening leaves in the record."""

from __future__ import annotations

import ast
import sqlite3
import uuid
from pathlib import Path

import pytest

from custody.errors import CheckFailed, NoRight
from custody.procedure import access, cases, custodians, lists, read
from custody.procedure.access import Purpose
from tests import desks

PACKAGE = Path(access.__file__).resolve().parent.parent

# What turns sealed bytes into plain ones.
OPENERS = {"open_compartment", "open_stream", "open_"}
VAULT = {"content", "sealed_pieces"}
# vault/archive.py opens backups: a copy of a locker, in which everything is sealed as it was.
# procedure/told.py opens parts that a package shows, with the keys that lie in it: it knows no locker (see below).
MAY_OPEN = {"procedure/access.py", "vault/store.py", "vault/archive.py", "procedure/told.py"}
MAY_OPEN_IN = ("verify/", "crypto/")


def uses(source: str) -> set[str]:
    """Names of openers that a module refers to: of `sealing`, or methods of a vault."""
    tree = ast.parse(source)
    sealing_names = {"sealing"}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == "sealing":
                    sealing_names.add(alias.asname or alias.name)
                if (node.module or "").endswith("crypto.sealing") and alias.name in OPENERS:
                    found.add(alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if node.attr in OPENERS and (owner in sealing_names or owner.endswith(".sealing")):
                found.add(node.attr)
            if node.attr in VAULT and owner.split(".")[-1] in ("vault", "Vault"):
                found.add(node.attr)
            # A private way of the one module that may open is no way for others.
            if owner == "access" and node.attr.startswith("_"):
                found.add(f"access.{node.attr}")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            if any(isinstance(a, ast.Constant) and a.value in OPENERS | VAULT for a in node.args):
                found.add("getattr")
        elif isinstance(node, ast.Name) and "Cobblestone256Decryptor" in node.id:
            found.add(node.id)
    return found


def test_what_opens_packages_knows_no_locker() -> None:
    tree = ast.parse((PACKAGE / "procedure/told.py").read_text("utf-8"))
    named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {name for name in named if name.startswith("custody")}
    assert ours
    assert all(
        name.startswith(("custody.crypto", "custody.errors", "custody.format", "custody.verify"))
        for name in ours
    )


def test_nothing_opens_but_access() -> None:
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name in MAY_OPEN or name.startswith(MAY_OPEN_IN):
            continue
        assert not uses(path.read_text("utf-8")), name


@pytest.mark.parametrize(
    "source",
    [
        "from custody.crypto import sealing\nsealing.open_compartment(k)",
        "from custody.crypto import sealing as s\ns.open_(k)",
        "from custody.crypto.sealing import open_stream as o",
        "import custody.crypto.sealing\ncustody.crypto.sealing.open_(k)",
        "def f(desk): return desk.locker.vault.content(x)",
        "opener = vault.sealed_pieces",
        "from custody.procedure import access\naccess._open_history(d)",
        "f = getattr(sealing, 'open_')",
        "from cryptography.cobblestone import Cobblestone256Decryptor\nCobblestone256Decryptor(k)",
    ],
)
def test_the_search_finds_each_way_round(source: str) -> None:
    assert uses(source)


def kinds_of(desk: desks.Desk, start: int) -> list[str]:
    with desk.locker.ledger.reading() as view:
        return [stored.read().kind for stored in view.entries(start)]


def size_of(desk: desks.Desk) -> int:
    with desk.locker.ledger.reading() as view:
        return view.size


def test_an_opening_is_in_the_record_before_the_first_plain_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    (item,) = desk.locker.work.items(case)
    before = size_of(desk)
    seen: list[list[str]] = []
    real = access.sealing.open_compartment

    def watched(*args: object, **options: object) -> object:
        seen.append(kinds_of(desk, before))
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(access.sealing, "open_compartment", watched)
    access.open_item(desk, item, purpose=desks.WHY)
    assert seen
    assert seen[0] == ["item.accessed"]
    lists.list_names(desk, case, desks.WHY)
    assert kinds_of(desk, before) == ["item.accessed", "case.consulted"]


def test_when_the_access_cant_be_logged_nothing_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    (item,) = desk.locker.work.items(case)

    def fail(_rows: object) -> None:
        raise CheckFailed("no")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("opened without a log")

    monkeypatch.setattr(desk.locker.erasable, "add", fail)
    monkeypatch.setattr(access.sealing, "open_compartment", never)
    monkeypatch.setattr(access.sealing, "open_stream", never)
    before = size_of(desk)
    for attempt in (
        lambda: access.open_item(desk, item, purpose=desks.WHY),
        lambda: lists.list_names(desk, case, desks.WHY),
        lambda: lists.log(desk, case=case, purpose=desks.WHY),
        lambda: lists.case_titles(desk, desks.WHY),
        lambda: lists.todo(desk, purpose=desks.WHY),
        lambda: read.read_to_file(desk, item, tmp_path / "out", desks.WHY),
    ):
        with pytest.raises(CheckFailed, match="no"):
            attempt()
    assert size_of(desk) == before
    assert not (tmp_path / "out").exists()


def test_who_may_not_read_is_refused_and_the_try_is_logged_without_his_words(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    (item,) = desk.locker.work.items(case)
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["seal"])
    theirs = desks.sit_down(desk, other)
    before = size_of(desk)
    with pytest.raises(NoRight, match="the try is logged"):
        access.open_item(theirs, item, purpose=Purpose(text="curious"))
    with desk.locker.ledger.reading() as view:
        (entry,) = (stored.read() for stored in view.entries(before))
    assert entry.actor == other.key_id
    assert entry.public["result"] == "refused"
    assert entry.sealed == {}
    for ask in (
        lambda: lists.list_names(theirs, case, desks.WHY),
        lambda: lists.log(theirs, case=case, purpose=desks.WHY),
        lambda: lists.case_titles(theirs, desks.WHY, case),
    ):
        with pytest.raises(NoRight):
            ask()


def test_a_revoked_reader_who_kept_his_keys_opens_nothing_through_custody(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    (item,) = desk.locker.work.items(case)
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    custodians.grant(desk, person, case, rights=["read"], classes=["object", "record"])
    theirs = desks.sit_down(desk, other)
    access.open_item(theirs, item, purpose=desks.WHY)
    custodians.revoke(desk, person, case, rights=["read"], classes=[])
    theirs = desks.sit_down(desk, other)
    with pytest.raises(NoRight):
        access.open_item(theirs, item, purpose=desks.WHY)


def test_a_desk_that_was_open_when_the_right_went_is_refused_too(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    (item,) = desk.locker.work.items(case)
    other, person = desks.add_person(desk, tmp_path / "keys" / "other")
    custodians.grant(desk, person, case, rights=["read"], classes=["object", "record"])
    theirs = desks.sit_down(desk, other)
    custodians.revoke(desk, person, case, rights=["read"], classes=[])
    with pytest.raises(NoRight):
        access.open_item(theirs, item, purpose=desks.WHY)


@pytest.mark.parametrize("damage", ["missing", "changed", "exchanged"])
def test_a_part_that_is_not_what_was_logged_is_refused(tmp_path: Path, damage: str) -> None:
    desk = desks.new_locker(tmp_path)
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain", "b.txt": b"other"})
    first, second = desk.locker.work.items(case)
    place = desk.locker.path / "erasable.sqlite"
    with sqlite3.connect(place) as connection:
        one, two = uuid.UUID(first.id).bytes, uuid.UUID(second.id).bytes
        match damage:
            case "missing":
                connection.execute("DELETE FROM part WHERE subject = ? AND compartment = 'name'", (one,))
            case "changed":
                connection.execute(
                    "UPDATE part SET sealed = CAST(sealed || x'00' AS BLOB) WHERE subject = ? AND compartment = 'name'",
                    (one,),
                )
            case _:
                connection.execute(
                    "UPDATE part SET sealed = (SELECT sealed FROM part WHERE subject = ? AND compartment = 'name')"
                    " WHERE subject = ? AND compartment = 'name'",
                    (two, one),
                )
    connection.close()
    words = "is missing" if damage == "missing" else "not what was logged"
    with pytest.raises(CheckFailed, match=words):
        access.open_item(desk, first, purpose=desks.WHY)
    access.open_item(desk, second, purpose=desks.WHY)


def test_the_roster_shows_names_to_those_who_hold_its_keys_alone(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", name="B. Colleague")
    assert set(access.roster_names(desk).values()) == {"A. Investigator", "B. Colleague"}
    assert access.roster_names(desks.sit_down(desk, other)) == {}


def test_a_case_opened_by_somebody_is_closed_to_others(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path)
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect"])
    theirs = desks.sit_down(desk, other)
    case = cases.open_case(theirs, "THEIRS")
    assert [row.readable for row in lists.case_titles(desks.sit_down(desk), desks.WHY)] == [False]
    assert [row.ref for row in lists.case_titles(theirs, desks.WHY)] == ["THEIRS"]
    with pytest.raises(NoRight):
        lists.list_names(desks.sit_down(desk), case, desks.WHY)
