"""Where a locker may lie: not where another program copies its files about; and where it may, nobody is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from custody.errors import InputRefused
from custody.procedure import place, setup
from custody.procedure.locker import Locker
from custody.procedure.setup import Recovery
from tests import desks

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
