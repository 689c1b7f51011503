"""A mark on a file that is in already: it is logged, or whoever gave it is told that it was not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from custody.keys import keyfile
from tests.test_cli_work import SMALL, done, run, value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(keyfile.create.__kwdefaults__, "params", SMALL)
    here = SimpleNamespace(locker=tmp_path / "L", key=tmp_path / "key", passphrase=tmp_path / "passphrase")
    here.passphrase.write_text("a passphrase for tests\n")
    here.passphrase.chmod(0o600)
    here.file = tmp_path / "picture.jpg"
    here.file.write_bytes(b"\xff\xd8\xff\xe0 made up")
    done(run(here, "init", here.locker, "--name", "A. Tester", "--no-recovery"))
    done(run(here, "case", "open", "R-1"))
    return here


def collect(place, *words: str):
    return run(place, "collect", place.file, "--case", "R-1", "--yes", "--no-seal", *words)


def flags(place) -> list[str]:
    (item,) = value(run(place, "list", "--case", "R-1", "--names", "--purpose", "x", "--json"))["items"]
    return item["handling"]


def test_a_mark_on_what_is_in_already_is_not_dropped_in_silence(place) -> None:
    done(collect(place))
    said = done(collect(place, "--handling", "suspected-csam"), 3).stderr
    assert "1 file was in already: suspected-csam was not logged for it" in said
    assert "--again" in said
    assert flags(place) == ["unassessed"]
    done(collect(place, "--handling", "suspected-csam", "--again"))
    assert flags(place) == ["suspected-csam"]
    done(collect(place))
    assert flags(place) == ["suspected-csam"]
