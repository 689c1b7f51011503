"""This version reads what every release wrote: packages, an encrypted one, and a locker (design, promise 10)."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from custody.export import encrypted
from custody.format.trust import Trust, TrustedAuthority
from custody.keys import keyfile
from custody.procedure import access, check, trust
from custody.procedure.locker import Desk, Locker
from tests import desks
from tests.releases.__main__ import HERE
from tests.tamper import sweep
from tests.tamper.world import by_verify, later

RELEASES = sorted(path.name for path in HERE.iterdir() if (path / "about.json").exists())
FLIPS = 40


def about(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((HERE / name / "about.json").read_text("utf-8"))
    return value


def held(name: str) -> Trust:
    """The release's own trust file, which every later version must read too."""
    found = Trust.from_bytes((HERE / name / "trust.json").read_bytes(), where="trust file")
    roots = tuple(base64.b64decode(root) for root in about(name)["roots"])
    authority = TrustedAuthority(roots=roots, policies=(), source="by hand", test=True)
    return trust.add_authority(found, authority.roots, "by hand") if not found.authorities else found


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(HERE / name / "locker.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def desk_of(name: str, folder: Path) -> Desk:
    passphrase = about(name)["key_passphrase"].encode()
    return Desk(
        Locker(folder / "L"), keyfile.open_(folder / "keys" / "first", passphrase), desks.make_rim(later())
    )


def test_there_is_a_release() -> None:
    assert RELEASES


@pytest.mark.parametrize("name", RELEASES)
def test_packages_of_a_release_are_intact_and_confirmed(name: str) -> None:
    plain = (HERE / name / "package.zip").read_bytes()
    assert by_verify(plain, None).code == 6
    told = by_verify(plain, held(name))
    assert told.code == 0, told.text
    with encrypted.unwrap(HERE / name / "package-encrypted.zip", about(name)["passphrase"]) as file:
        told = by_verify(file.read(), held(name))
    assert told.code == 0, told.text


@pytest.mark.parametrize("name", RELEASES)
def test_a_locker_of_a_release_is_sound_and_every_item_reads_back(name: str, tmp_path: Path) -> None:
    desk = desk_of(name, unpacked(name, tmp_path))
    found = check.check(desk.locker, desk, deep=True)
    assert found.passed, found.first_failure
    digests = {}
    for item in desk.locker.work.items():
        opened = access.open_item(desk, item, purpose=desks.WHY)
        assert opened.content is not None
        digests[item.label] = hashlib.sha256(b"".join(opened.content())).hexdigest()
    assert digests == about(name)["items"]
    case = desk.locker.work.cases()[0].id
    desks.take_in(desk, case, desks.put(tmp_path / "more", {"new.txt": b"new"}), exhibit="A-1")
    desk.locker.close()


@pytest.mark.parametrize("name", RELEASES)
def test_a_bit_of_a_released_package_is_missed_nowhere(name: str) -> None:
    honest = (HERE / name / "package.zip").read_bytes()
    trusted = held(name)
    for at in sweep.places(len(honest), FLIPS):
        assert by_verify(sweep.flip(honest, at), trusted).code != 0, at


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_takes_little_room(name: str) -> None:
    assert sum(path.stat().st_size for path in (HERE / name).iterdir()) < 300_000
