"""Where a locker may lie: not where another program copies its files about; and where it may, nobody is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from custody.cli import main
from custody.errors import InputRefused
from custody.procedure import cases, place, setup
from custody.procedure.check import check
from custody.procedure.locker import Locker
from custody.procedure.setup import Recovery
from tests import desks
from tests.conftest import REPO

SIGNS = {
    ".dropbox": "Dropbox",
    ".dropbox.cache/": "Dropbox",
    ".849C9593-D756-4E56-8D6E-42412F2A707B": "OneDrive",
    ".tmp.drivedownload/": "Google Drive",
    ".stfolder/": "Syncthing",
    ".stfolder": "Syncthing",
    ".sync/ID": "Resilio Sync",
    ".nextcloudsync.log": "Nextcloud",
    ".sync_2f6f9a1e.db": "Nextcloud or ownCloud",
    "._sync_0123.db": "Nextcloud or ownCloud",
}


def put(folder: Path, name: str) -> None:
    path = folder / name
    if name.endswith("/"):
        path.mkdir(parents=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("below", ["L", "a/b/L"])
def test_a_folder_that_a_program_syncs_is_refused_and_the_sign_is_named(
    tmp_path: Path, sign: str, below: str
) -> None:
    put(tmp_path, sign)
    with pytest.raises(InputRefused, match="copies this folder") as caught:
        setup.check_place(tmp_path / below)
    assert SIGNS[sign] in caught.value.what
    assert Path(sign).name in (caught.value.found or "") or Path(sign).parent.name in (
        caught.value.found or ""
    )
    assert not (tmp_path / below).exists()


@pytest.mark.parametrize(
    ("folder", "program"),
    [
        ("Library/CloudStorage/OneDrive-Example/Cases", "OneDrive"),
        ("Library/CloudStorage/GoogleDrive-a@example.org/My Drive", "GoogleDrive"),
        ("Library/Mobile Documents/com~apple~CloudDocs/Cases", "iCloud Drive"),
    ],
)
def test_the_folders_of_macos_are_known_by_their_place(tmp_path: Path, folder: str, program: str) -> None:
    found = place.synced_by(tmp_path / folder / "L", {})
    assert found is not None
    assert found[0] == program


def test_windows_says_where_onedrive_is(tmp_path: Path) -> None:
    root = tmp_path / "OneDrive - An organisation"
    environ = {"OneDriveCommercial": str(root)}
    assert place.synced_by(root / "Documents" / "L", environ) == ("OneDrive", str(root))
    assert place.synced_by(tmp_path / "custody", environ) is None


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_a_link_into_a_synced_folder_is_followed(tmp_path: Path) -> None:
    put(tmp_path / "real", ".stfolder/")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert place.synced_by(tmp_path / "link" / "L", {}) is not None


@pytest.mark.parametrize(
    "harmless",
    [
        "Dropbox/notes.txt",  # a name is no sign
        "OneDrive/notes.txt",
        "Google Drive/notes.txt",
        ".dropbox/info.json",  # Dropbox's settings in the home folder
        ".sync_later.txt",
        ".sync/notes",
        "Mobile Documents/notes.txt",
        "CloudStorage/notes.txt",
        ".config/onedrive/config",
        ".git/HEAD",
    ],
)
def test_nobody_is_refused_for_a_name(tmp_path: Path, harmless: str) -> None:
    put(tmp_path, harmless)
    environ = {"HOME": str(tmp_path)}
    for below in (tmp_path / "L", (tmp_path / harmless).parent / "L"):
        setup.check_place(below)
        if below.parent.name != "OneDrive":
            assert place.synced_by(below, environ) is None


def test_a_sibling_that_is_synced_is_no_matter(tmp_path: Path) -> None:
    put(tmp_path / "Sync", ".stfolder/")
    setup.check_place(tmp_path / "custody" / "L")


# What an `init` left that was ended


PARTS, LEDGER = setup.PARTS[:-1], setup.PARTS[-1]


def test_what_an_ended_init_left_is_no_locker_and_in_nobodys_way(tmp_path: Path) -> None:
    own = desks.new_key_file(tmp_path / "keys" / "first")
    for placed in range(len(PARTS) + 1):
        folder = tmp_path / str(placed)
        setup.init(folder, own, desks.make_rim(), name="A.", organisation=None, how=Recovery())
        (folder / ".new").mkdir()
        for part in setup.PARTS[placed:]:
            (folder / part).rename(folder / ".new" / part)
        assert place.is_cut_short(folder, PARTS, LEDGER)
        setup.init(folder, own, desks.make_rim(), name="A.", organisation=None, how=Recovery())
        Locker(folder).close()
        assert sorted(os.listdir(folder)) == sorted(setup.PARTS)  # noqa: PTH208


@pytest.mark.parametrize("kept", ["vault/object", "note.txt", ""])
def test_a_locker_without_its_ledger_is_never_taken_for_one(tmp_path: Path, kept: str) -> None:
    """Somebody lost ledger.sqlite: what else there is may be all that is left."""
    desk = desks.new_locker(tmp_path)
    desk.locker.close()
    (tmp_path / "L" / LEDGER).unlink()
    if kept:
        (tmp_path / "L" / ".new").mkdir()
        (tmp_path / "L" / ".new" / LEDGER).touch()
        (tmp_path / "L" / kept).write_bytes(b"x")
    assert not place.is_cut_short(tmp_path / "L", PARTS, LEDGER)
    with pytest.raises(InputRefused, match="not empty"):
        setup.check_place(tmp_path / "L")


# A locker that was moved there


@pytest.fixture
def desk(tmp_path: Path) -> desks.Desk:
    return desks.new_locker(tmp_path)


def run(desk: desks.Desk, *words: str, code: int = 0) -> tuple[str, str]:
    secret = desk.key_file.path.with_name("secret")
    secret.write_bytes(desks.PASSPHRASE)
    options = ["--key", str(desk.key_file.path), "--passphrase-file", str(secret)]
    done = CliRunner().invoke(main, [*options, "--locker", str(desk.locker.path), *words])
    assert done.exit_code == code, done.stderr
    return done.stdout, done.stderr


def test_a_locker_that_was_moved_into_a_synced_folder_says_so_wherever_it_is_written(
    desk: desks.Desk, tmp_path: Path
) -> None:
    assert "warning" not in run(desk, "case", "open", "R-1")[1]
    put(tmp_path, ".stfolder/")
    out, err = run(desk, "case", "open", "R-2", "--json")
    said = "Syncthing copies this folder to other machines"
    assert err.count("custody: warning: ") == 1
    assert said in err
    assert "move the whole folder" in err
    value = json.loads(out)
    schema = json.loads((REPO / "schemas" / "custody.case-open.schema.json").read_text("utf-8"))
    jsonschema.validate(value, schema)
    assert said in value["warnings"][0]
    assert "warnings" not in json.loads(run(desk, "list", "--json")[0])  # nothing is written there


@pytest.mark.parametrize("network", [False, True])
def test_check_and_todo_name_the_place_and_nothing_fails(
    desk: desks.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    if network:
        monkeypatch.setattr(place, "file_system", lambda _: "nfs4")
    else:
        put(tmp_path, ".dropbox")
    sign = "nfs4" if network else ".dropbox"
    out, _ = run(desk, "check", "--json", "--no-key")
    value = json.loads(out)
    assert value["passed"]
    (found,) = [f for f in value["findings"] if f["check"] == "place"]
    assert (found["outcome"], sign in found["text"]) == ("noted", True)
    assert sign in json.loads(run(desk, "todo", "--json")[0])["misplaced"]
    assert sign in run(desk, "todo")[0].splitlines()[0]


def test_a_locker_that_was_moved_to_the_network_is_not_written(
    desk: desks.Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (desk.locker.path / "ledger.sqlite").stat().st_size, check(desk.locker, workers=0).entries
    with monkeypatch.context() as moved:
        moved.setattr(place, "file_system", lambda _: "cifs")
        _, err = run(desk, "case", "open", "R-1", code=4)
        assert "its locks and its writes are not dependable" in err
        assert "nothing is lost by moving it" in err
        with pytest.raises(InputRefused, match="network folder"):
            cases.open_case(desks.sit_down(desk), "R-1")
        run(desk, "check")
        run(desk, "list")
    assert before == (
        (desk.locker.path / "ledger.sqlite").stat().st_size,
        check(desk.locker, workers=0).entries,
    )
    run(desk, "case", "open", "R-1")


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="no table of mounts here")
def test_a_link_to_a_mount_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/proc/self")
    assert place.file_system(tmp_path / "link") == place.file_system(Path("/proc/self"))
    assert place.file_system(tmp_path) != place.file_system(tmp_path / "link")
