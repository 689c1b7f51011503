"""A power cut, a full disk, a failing disk at every named point of a write: nothing is half, all can be done again."""

from __future__ import annotations

import ast
import datetime as dt
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from custody import machine
from custody.errors import CustodyError, InputRefused, MachineError, NoLocker
from custody.keys import keyfile
from custody.procedure import access, backup, cases, lists
from custody.procedure.check import check
from custody.procedure.locker import Desk, Locker
from custody.verify.package import verify
from tests import crash, desks
from tests.conftest import REPO

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

WRITE = ("before erasable commit", "erasable rows inserted", "after erasable commit", "before ledger commit")
DONE = ("after ledger commit", "file written", "file renamed", "after key file")
"""Once one of these is reached, the last write is in."""
PLACED = ("copy renamed", "package renamed", "after backup renamed")
"""From here on the same command finds its file there, whole, and keeps it."""
OBJECTS = ("object written", "object synced", "before objects", "object renamed", "after objects")

KILLS = [
    *(("collect", point, times) for point in OBJECTS for times in (1, 2)),
    *(("collect", point, times) for point in (*WRITE, *DONE) for times in (1, 2, 3)),
    *(("collect", "object written", times) for times in (4, 5)),  # a chat's form; the streamed one
    ("collect", "entries inserted", 2),
    *(("lost list", point, 1) for point in ("work rows inserted", "after work commit")),
    ("collect again", "leftovers swept", 1),
    *((step, point, 1) for step in ("open case", "read", "names") for point in (*WRITE, *DONE)),
    *(("read", f"copy {point}", 1) for point in ("begun", "written", "renamed")),
    *(("seal", point, 1) for point in ("note stored", *WRITE, "after ledger commit")),
    *(("stamp", point, 3) for point in (*WRITE, "after ledger commit", "after key file")),
    *(("stamp", point, 1) for point in ("note stored", "token stored", "file written", "file renamed")),
    *(("export", point, 1) for point in ("note stored", *WRITE, *DONE)),
    *(("export", point, 1) for point in ("package written", "before package file", "package renamed")),
    *(("grant", point, times) for point in (WRITE[0], WRITE[2], *DONE[::3]) for times in (1, 2)),
    *(("backup", point, 1) for point in ("backup databases written", "before backup synced")),
    *(("backup", point, 1) for point in ("before backup renamed", "after backup renamed")),
    *(("init", point, 1) for point in ("entries inserted", "erasable rows inserted", "locker built")),
    *(("init", "locker part placed", times) for times in (1, 2, 3, 4, 5)),
    *(("init", point, 1) for point in ("file written", "file renamed")),
    *(("new key", point, 1) for point in ("file written", "file renamed")),
]


# The list of points


def named_in_the_code() -> Counter[str]:
    """The names that `at_point` is called with; anything but a plain text is a fault of its own."""
    found: Counter[str] = Counter()
    for path in (REPO / "custody").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("machine.at_point", "at_point"):
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path.name}:{node.lineno}"
                found[name.value] += 1
    return found


def test_every_point_is_in_the_list_and_none_is_unused() -> None:
    assert set(named_in_the_code()) == set(machine.POINTS)


def test_every_point_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever adds a write adds a step to tests/crash.py that reaches its points."""
    monkeypatch.setattr(crash.collect, "BATCH_ITEMS", 2)
    crash.make_base(tmp_path / "base")
    reached: set[str] = set()
    steps: dict[tuple[str, str], int] = {}
    for step, do in crash.STEPS.items():
        folder = tmp_path / "case"
        shutil.copytree(tmp_path / "base", folder)
        passed: list[str] = []
        with monkeypatch.context() as watched:
            watched.setattr(machine, "at_point", passed.append)
            do(folder)
        shutil.rmtree(folder)
        reached |= set(passed)
        steps |= {(step, name): count for name, count in Counter(passed).items()}
    assert reached == set(machine.POINTS)
    beyond = [(step, point, times) for step, point, times in KILLS if steps.get((step, point), 0) < times]
    assert beyond == []


# Power cuts


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, int], Path]:
    """The folder of each case after its SIGKILL; all made by one process, which is started once."""
    base = tmp_path_factory.mktemp("crash")
    crash.make_base(base / "base")
    folders = {case: base / str(number) for number, case in enumerate(KILLS)}
    todo = [[str(folder), *case] for case, folder in folders.items()]
    done = subprocess.run(
        [sys.executable, "-c", "from tests import crash; crash.run()", str(base / "base"), json.dumps(todo)],
        cwd=REPO,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    codes = dict(zip(KILLS, json.loads(done.stdout), strict=True))
    wrong = {case: code for case, code in codes.items() if code != -signal.SIGKILL}
    assert not wrong, f"these did not end at their point: {wrong}\n{done.stderr}"
    return folders


def content(desk: Desk, item: str) -> bytes:
    row = desk.locker.work.item(item)
    assert row is not None
    opened = access.open_item(desk, row, purpose=desks.WHY)
    assert opened.content is not None
    return b"".join(opened.content())


def whole(folder: Path, *, deep: bool = False) -> Desk:
    """The locker opens and everything in it is checked."""
    desk = crash.desk_of(folder)
    done = check(desk.locker, desk, deep=deep)
    assert done.passed, done.first_failure
    return desk


def nothing_left_over(desk: Desk) -> None:
    """Every object and every row belongs to an entry."""
    locker = desk.locker
    assert set(locker.vault.objects()) == {item.object for item in locker.work.items()}
    with locker.ledger.reading() as view:
        assert [s for s in locker.erasable.subjects_with_rows() if view.head(s) is None] == []


@needs_fork
@pytest.mark.parametrize(("step", "point", "times"), KILLS, ids=lambda value: str(value).replace(" ", "-"))
def test_after_a_power_cut_nothing_is_half_and_all_can_be_done_again(
    killed: dict[tuple[str, str, int], Path],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    point: str,
    times: int,
) -> None:
    monkeypatch.setattr(crash.collect, "BATCH_ITEMS", 2)
    folder = killed[step, point, times]
    try:
        _done_again(folder, step, point, times)
    finally:
        shutil.rmtree(folder)


def _done_again(folder: Path, step: str, point: str, times: int) -> None:
    if step in ("init", "new key"):
        _made_again(folder, step, point, times)
        return
    desk = whole(folder)
    case = crash.first_case(desk)
    before = {item.label for item in desk.locker.work.items(case)}
    committed = point in DONE
    if step == "collect" and point in (*WRITE, *DONE):
        batches = min(2, times - 1 + committed)
        assert len(before) == 1 + 2 * batches + (batches == 2)  # the chat's form comes in with it
        assert bool(lists.todo(desk).unfinished) == (batches > 0 and not (times == 3 and committed))
    if step == "read":
        assert (folder / "out").exists() == (point == "copy renamed")
    if step == "export":
        assert (folder / "out.zip").exists() == (point == "package renamed")

    already = (step == "open case" and committed) or point in PLACED
    desk.locker.close()
    if already:
        with pytest.raises(InputRefused):
            crash.STEPS[step](folder)
    else:
        crash.STEPS[step](folder)

    desk = whole(folder, deep=True)
    found = {item.label: content(desk, item.id) for item in desk.locker.work.items(case)}
    match step:
        case "collect" | "collect again":
            form = found.pop("A-1/03.1")
            assert form.count(b'"record":"message"') == 2
            assert sorted(found.values()) == sorted([*crash.FILES.values(), b"old"])
            assert sorted(found) == ["A-1/01", "A-1/02", "A-1/03", "A-1/04", "OLD-1/01"]
            assert before <= {*found, "A-1/03.1"}
            assert lists.todo(desk).unfinished == ()
            assert lists.todo(desk).leftovers == ()
            nothing_left_over(desk)
        case "open case":
            titles = [row.ref for row in lists.case_titles(desk, desks.WHY)]
            assert titles == ["REF-1", "REF-2"]
        case "read":
            assert (folder / "out").read_bytes() == b"old"
            assert [line.label for line in lists.todo(desk).open_copies] == ["OLD-1/01"]
        case "seal" | "stamp":
            with desk.locker.ledger.reading() as view:
                assert view.newest_note() is not None
                assert bool(view.tokens()) == (step == "stamp")
        case "export":
            with (folder / "out.zip").open("rb") as file:
                report = verify(
                    file, fingerprint=desk.locker.genesis_leaf[:16], now=crash.LATER + dt.timedelta(days=1)
                )
            assert report.exit_code == 6, report  # no time proof was asked for
        case "backup":
            assert (folder / "out.backup").exists()
        case "grant":
            other = keyfile.open_(folder / "keys" / "other", desks.PASSPHRASE)
            theirs = desks.sit_down(desk, other)
            assert content(theirs, theirs.locker.work.items(case)[0].id) == b"old"


def _made_again(folder: Path, step: str, point: str, times: int) -> None:
    """A locker or a key file is there whole, or not at all and made by the same command."""
    made = folder / ("M" if step == "init" else "keys/third")
    complete = point == "file renamed" or (step == "init" and (point, times) == ("locker part placed", 5))
    complete = complete or (step == "init" and point == "file written")
    if step == "init" and not complete:
        with pytest.raises(NoLocker):
            Locker(made)
    if complete:
        with pytest.raises(InputRefused, match="already"):
            crash.STEPS[step](folder)
    else:
        crash.STEPS[step](folder)
    if step == "new key":
        keyfile.open_(made, desks.PASSPHRASE)
        return
    own = keyfile.open_(folder / "keys" / "other", desks.PASSPHRASE)
    desk = Desk(Locker(made), own, desks.make_rim())
    cases.open_case(desk, "REF-1")
    done = check(desk.locker, desk)
    assert done.passed, done.first_failure


# Disks that are full or fail


FAILURES = [
    *(("collect", point, 1) for point in OBJECTS),
    *(("collect", point, times) for point in (*WRITE, *DONE[:3]) for times in (1, 3)),
    (
        "collect",
        "object written",
        5,
    ),  # the fourth is the chat's form, without which the chat is in all the same
    ("collect", "entries inserted", 2),
    *(("lost list", point, 1) for point in ("work rows inserted", "after work commit")),
    *(("open case", point, 1) for point in (WRITE[2], "file written")),
    *(
        ("read", point, 1)
        for point in ("copy begun", "copy written", "copy renamed", WRITE[2], "file written")
    ),
    ("seal", "note stored", 1),
    ("stamp", "token stored", 1),
    ("stamp", "after erasable commit", 3),
    *(
        ("export", point, 1)
        for point in ("package written", "before package file", "package renamed", WRITE[2])
    ),
    ("backup", "after backup renamed", 1),
    *(("init", point, 1) for point in ("entries inserted", "erasable rows inserted", "locker built")),
    *(("init", "locker part placed", times) for times in (1, 5)),
    *(("init", point, 1) for point in ("file written", "file renamed")),
    *(("new key", point, 1) for point in ("file written", "file renamed")),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("failing") / "base"
    crash.make_base(folder)
    return folder


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize(("step", "point", "times"), FAILURES, ids=lambda value: str(value).replace(" ", "-"))
def test_a_disk_that_fails_is_told_and_leaves_nothing_half(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    point: str,
    times: int,
    error: int,
) -> None:
    monkeypatch.setattr(crash.collect, "BATCH_ITEMS", 2)
    folder = tmp_path / "case"
    shutil.copytree(base, folder)

    def fail() -> None:
        raise OSError(error, os.strerror(error))

    with monkeypatch.context() as broken:
        broken.setattr(machine, "at_point", crash.do_at(point, times, fail))
        with pytest.raises(MachineError) as caught:
            crash.STEPS[step](folder)
    assert caught.value.exit_code == 5
    assert caught.value.what
    if step in ("init", "new key"):
        _told_and_made_again(folder, step)
        return
    desk = whole(folder)
    case = crash.first_case(desk)
    assert not (folder / "out").exists()
    assert (folder / "out.zip").exists() == (point == "package renamed")  # whole, only not synced
    if point == "package renamed":
        assert "is there and whole" in caught.value.what
        assert "custody export --again NUMBER" in (caught.value.hint or "")
        with (folder / "out.zip").open("rb") as package:
            assert verify(package).intact
    if point == "after backup renamed":
        assert "is there and whole" in caught.value.what
        with (folder / "out.backup").open("rb") as file:
            backup.read_through(file, backup.open_head(file, desk.keys, where="backup"))
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    desk.locker.close()
    try:
        crash.STEPS[step](folder)
    except InputRefused:
        # It is there; only what came after failed.
        assert (step, point) == ("open case", "file written") or point in PLACED[1:]
    desk = whole(folder, deep=True)
    if step in ("collect", "collect again"):
        assert len(desk.locker.work.items(case)) == 6  # the chat's form among them
        nothing_left_over(desk)


def _told_and_made_again(folder: Path, step: str) -> None:
    """Either nothing is there, and the same command makes it; or it is there, whole."""
    try:
        crash.STEPS[step](folder)
    except InputRefused:
        assert step == "new key"
    if step == "new key":
        keyfile.open_(folder / "keys" / "third", desks.PASSPHRASE)
    else:
        Locker(folder / "M").close()


def test_what_a_failed_commit_left_is_swept_by_the_next_collect(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two commits of `case open`: its keys and its reference are in the erasable store, for nothing."""
    folder = tmp_path / "case"
    shutil.copytree(base, folder)

    def fail() -> None:
        raise OSError(errno.EIO, "broken")

    with monkeypatch.context() as broken:
        broken.setattr(machine, "at_point", crash.do_at("after erasable commit", 1, fail))
        with pytest.raises(MachineError):
            crash.do_open_case(folder)
    desk = crash.desk_of(folder)
    rows = desk.locker.erasable.subjects_with_rows()
    crash.do_names(folder)  # another write comes in between, and the trace is kept
    crash.do_collect(folder)
    desk = whole(folder)
    assert len(rows - desk.locker.erasable.subjects_with_rows()) == 1
    nothing_left_over(desk)


def test_objects_stay_when_nobody_can_say_whether_the_commit_took_place(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit whose sync failed can come back with the next recovery: it must find its objects and keys."""
    folder = tmp_path / "case"
    shutil.copytree(base, folder)
    desk = crash.desk_of(folder)
    real = desk.locker.ledger.append

    class Unsure:
        """An append whose commit takes place, and is reported as failed."""

        def __init__(self, **options: object) -> None:
            self.inner = real(**options)  # type: ignore[arg-type]

        def __enter__(self) -> object:
            return self.inner.__enter__()

        def __exit__(self, *raised: object) -> None:
            self.inner.__exit__(*raised)  # type: ignore[arg-type]
            if raised[0] is None:
                raise MachineError("the ledger can't be used: disk I/O error")

    monkeypatch.setattr(desk.locker.ledger, "append", Unsure)
    with pytest.raises(MachineError):
        desks.take_in(desk, crash.first_case(desk), folder / "src")
    desk.locker.close()
    desk = whole(folder, deep=True)
    assert len(desk.locker.work.items()) == 5


def test_a_failed_write_with_a_reason_of_its_own_keeps_it(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    shutil.copytree(base, folder)
    desk = crash.desk_of(folder)
    with pytest.raises(CustodyError, match="my own"), desk.write():
        raise InputRefused("my own")
    assert desk.locker.rights().custodians == desk.rights.custodians


@pytest.mark.skipif(
    not hasattr(os, "O_TMPFILE") or bool(os.environ.get("CUSTODY_TEST_WITHOUT_POSIX")),
    reason="no files without a name here",
)
def test_readable_content_has_no_name_before_it_is_whole(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut while a copy is written leaves nothing readable beside its place, not even a hidden file."""
    folder = tmp_path / "case"
    shutil.copytree(base, folder)
    before = {path.name for path in folder.iterdir()}
    seen: dict[str, set[str]] = {}

    def look(name: str) -> None:
        seen[name] = {path.name for path in folder.iterdir()} - before

    monkeypatch.setattr(machine, "at_point", look)
    crash.do_read(folder)
    assert seen["copy written"] == set()
    assert seen["copy renamed"] == {"out"}
    assert (folder / "out").stat().st_mode & 0o777 == 0o600


def test_where_files_need_names_a_copy_is_written_all_the_same(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "case"
    shutil.copytree(base, folder)
    monkeypatch.setattr(machine, "unnamed_file", lambda _folder: None)
    crash.do_read(folder)
    assert (folder / "out").read_bytes() == b"old"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(InputRefused):
        crash.do_read(folder)
