"""Making a locker: whole or not at all, on a fit place, with a way back in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from custody.crypto import public_keys
from custody.errors import CustodyError, InputRefused, MachineError, UsageError
from custody.format import words
from custody.keys import recovery
from custody.keys.keyfile import KeyFile
from custody.procedure import access, cases, lists, place, read, setup
from custody.procedure.locker import Desk, Locker
from custody.procedure.setup import Recovery
from custody.verify.rights import Rights
from tests import desks


def new_key(folder: Path) -> KeyFile:
    return desks.new_key_file(folder / "keys" / os.urandom(4).hex())


def make(folder: Path, place: Path, own: KeyFile | None = None, **options: object) -> setup.Made:
    own = own or new_key(folder)
    values: dict[str, object] = {"name": "A", "organisation": None, "how": Recovery()} | options
    return setup.init(place, own, desks.make_rim(), **values)  # type: ignore[arg-type]


def test_the_files_of_a_locker_are_for_its_owner_alone(tmp_path: Path) -> None:
    make(tmp_path, tmp_path / "L")
    names = sorted(path.name for path in (tmp_path / "L").iterdir())
    assert names == ["erasable.sqlite", "ledger.sqlite", "lock", "vault", "work.sqlite"]
    if os.name == "posix":
        for path in (tmp_path / "L").iterdir():
            if path.name != "work.sqlite":
                assert path.stat().st_mode & 0o077 == 0, path.name
        assert (tmp_path / "L").stat().st_mode & 0o077 == 0


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "L").mkdir()
    make(tmp_path, tmp_path / "L")
    Locker(tmp_path / "L").close()


def test_a_folder_with_anything_in_it_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "L").mkdir()
    (tmp_path / "L" / ".hidden").write_text("x")
    with pytest.raises(InputRefused, match="not empty"):
        make(tmp_path, tmp_path / "L")
    assert [path.name for path in (tmp_path / "L").iterdir()] == [".hidden"]


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "L").write_text("x")
    with pytest.raises(InputRefused, match="not a folder"):
        make(tmp_path, tmp_path / "L")


def test_a_locker_is_not_made_over_a_locker(tmp_path: Path) -> None:
    made = make(tmp_path, tmp_path / "L")
    with pytest.raises(InputRefused, match="already"):
        make(tmp_path, tmp_path / "L")
    assert Locker(tmp_path / "L").origin == made.origin


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(place, "file_system", lambda _: kind)
    with pytest.raises(InputRefused, match="network folder") as caught:
        make(tmp_path, tmp_path / "L")
    assert caught.value.found == kind
    assert not (tmp_path / "L").exists()


def test_the_file_system_is_that_of_the_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = "a / ext4 rw 0 0\nb /mnt/my\\040share nfs4 rw 0 0\nc /mnt tmpfs rw 0 0\nd /mnt/my ext4 rw 0 0\n"
    real = Path.read_text
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda self, *a, **k: table if str(self) == "/proc/self/mounts" else real(self, *a, **k),
    )
    assert place.file_system(Path("/mnt/my share/L")) == "nfs4"
    assert place.file_system(Path("/mnt/mycase/L")) == "tmpfs"
    assert place.file_system(Path("/srv/x")) == "ext4"


def _fail_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, error: BaseException) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(owner, name, fail)


@pytest.mark.parametrize("existed", [True, False])
@pytest.mark.parametrize(
    ("step", "error", "expected"),
    [
        ((setup.Vault, "create"), OSError(28, "No space left on device"), MachineError),
        ((setup.erasable.ErasableStore, "create"), OSError(28, "No space left on device"), MachineError),
        ((setup.ledgers.Ledger, "create"), KeyboardInterrupt(), KeyboardInterrupt),
        ((setup.Genesis, "write"), MachineError("the disk is full"), MachineError),
        ((setup.machine, "sync_directory"), OSError(5, "Input/output error"), MachineError),
        ((setup.Path, "rmdir"), OSError(5, "Input/output error"), MachineError),
        ((KeyFile, "remember"), MachineError("can't be written"), MachineError),
    ],
)
def test_a_failed_init_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: tuple[object, str],
    error: BaseException,
    expected: type[BaseException],
    existed: bool,
) -> None:
    place = tmp_path / "L"
    if existed:
        place.mkdir()
    own = new_key(tmp_path)
    with monkeypatch.context() as patched:
        _fail_at(patched, *step, error)
        with pytest.raises(expected):
            make(tmp_path, place, own)
    # (Where a folder can't be removed at all, it stays, empty.)
    assert list(place.iterdir()) == [] if existed or step[1] == "rmdir" else not place.exists()
    make(tmp_path, place)


def test_a_collectors_key_makes_no_locker(tmp_path: Path) -> None:
    own = desks.new_key_file(tmp_path / "k", collector=True)
    with pytest.raises(UsageError, match="collector"):
        setup.init(tmp_path / "L", own, desks.make_rim(), name="A", organisation=None, how=Recovery())
    assert not (tmp_path / "L").exists()


def test_the_twelve_words_are_of_the_genesis(tmp_path: Path) -> None:
    made = make(tmp_path, tmp_path / "L")
    locker = Locker(tmp_path / "L")
    assert made.fingerprint == words.encode(locker.genesis_leaf[:16])
    assert len(made.fingerprint) == 12
    assert made.origin == locker.origin


def _rights(place: Path) -> Rights:
    locker = Locker(place)
    return locker.rights()


def test_no_recovery_is_said_in_the_record_and_reminded_of(tmp_path: Path) -> None:
    desk = desks.new_locker(tmp_path, how=Recovery())
    assert _rights(desk.locker.path).recovery == "none"
    assert lists.todo(desk).no_recovery


def test_a_second_custodian_as_recovery_reads_everything(tmp_path: Path) -> None:
    second = desks.new_key_file(tmp_path / "keys" / "second")
    how = Recovery(custodian=public_keys.read(second.public_file(desks.make_rim().wall()).to_bytes(), "f"))
    desk = desks.new_locker(tmp_path, how=how)
    assert not lists.todo(desk).no_recovery
    case, _ = desks.case_with(desk, tmp_path / "src", {"a.txt": b"plain"})
    theirs = desks.sit_down(desk, second)
    (item,) = theirs.locker.work.items(case)
    read.read_to_file(theirs, item, tmp_path / "out", desks.WHY)
    assert (tmp_path / "out").read_bytes() == b"plain"


@pytest.fixture
def sheet() -> recovery.RecoverySheet:
    return recovery.new_sheet(os.urandom(32))


def test_the_sheets_words_open_every_wrap_of_the_locker(
    tmp_path: Path, sheet: recovery.RecoverySheet
) -> None:
    desk = desks.new_locker(tmp_path, how=Recovery(sheet=sheet))
    first, _ = desks.case_with(desk, tmp_path / "one", {"a.txt": b"one", "b.txt": b"two"}, "REF-1")
    second, _ = desks.case_with(desk, tmp_path / "two", {"c.txt": b"three"}, "REF-2")
    desks.take_in(desk, first, desks.put(tmp_path / "more", {"d.txt": b"four"}), exhibit="B-1")
    # Cases that somebody else opens and collects are his to open, and the sheet's.
    other, _ = desks.add_person(desk, tmp_path / "keys" / "other", rights=["collect", "seal"])
    theirs = desks.sit_down(desk, other)
    third, _ = desks.case_with(theirs, tmp_path / "three", {"e.txt": b"five"}, "REF-3")

    typed = recovery.from_words(" ".join(word[:4] for word in sheet.words))
    again = desks.new_key_file(tmp_path / "keys" / "recovered", keys=typed.keys)
    recovered = desks.sit_down(desk, again)
    store, ring = recovered.locker.erasable, recovered.ring

    # For every subject or batch that anybody has keys of, the sheet has all of the same classes.
    every: dict[tuple[str, str], set[str]] = {}
    own: dict[tuple[str, str], set[str]] = {}
    for wrap in store.wraps():
        every.setdefault((wrap.subject, wrap.use), set()).update(wrap.classes)
        if wrap.recipient == again.key_id:
            keys = ring.open_wrap(wrap)
            assert set(keys) == set(wrap.classes)
            assert all(len(key) == 32 for key in keys.values())
            own.setdefault((wrap.subject, wrap.use), set()).update(wrap.classes)
    assert own == every
    for row in store.all_item_keys():
        assert set(ring.open_row(row)) == {"object", "record", "identity", "note"}
    # And what they open is the content.
    contents = []
    for case in (first, second, third):
        for item in recovered.locker.work.items(case):
            opened = access.open_item(recovered, item, purpose=desks.WHY)
            assert opened.content is not None
            contents.append(b"".join(opened.content()))
            assert not any(parts.closed for parts in opened.parts + opened.exhibit)
    assert sorted(contents) == sorted([b"one", b"two", b"three", b"four", b"five"])
    assert {row.ref for row in lists.case_titles(recovered, desks.WHY)} == {"REF-1", "REF-2", "REF-3"}
    assert "A. Investigator" in access.roster_names(recovered).values()
    assert recovered.log_keys().public == desk.log_keys().public


def test_a_wrong_sheet_is_nobody_here(tmp_path: Path, sheet: recovery.RecoverySheet) -> None:
    desk = desks.new_locker(tmp_path, how=Recovery(sheet=sheet))
    other = recovery.new_sheet(os.urandom(32))
    again = desks.new_key_file(tmp_path / "keys" / "wrong", keys=other.keys)
    with pytest.raises(CustodyError, match="not one of the locker's custodians"):
        Desk(Locker(desk.locker.path), again, desk.rim)


def test_authorities_named_at_init_are_in_force(tmp_path: Path) -> None:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        desk = desks.new_locker(tmp_path, tsa=[named], clock=clock)
        with desk.locker.ledger.reading() as view:
            (found,) = setup.authorities.in_force(view, desk.rights)
        assert (found.url, found.roots) == (named.url, named.roots)


@pytest.mark.parametrize("ask", [lambda d: cases.open_case(d, "X"), lambda d: lists.case_lines(d)])
def test_the_key_file_knows_the_new_lockers_head(tmp_path: Path, ask: Callable[[Desk], object]) -> None:
    desk = desks.new_locker(tmp_path)
    with desk.locker.ledger.reading() as view:
        assert desk.key_file.head(desk.origin) == (view.size, view.root().hex())
    ask(desk)
    with desk.locker.ledger.reading() as view:
        assert desk.key_file.head(desk.origin) == (view.size, view.root().hex())
