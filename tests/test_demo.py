"""The demo: what it leaves, and that each of its promises fails when it is broken."""

from __future__ import annotations

import dataclasses
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from custody.cli import main
from custody.errors import CheckFailed, InputRefused
from custody.keys import keyfile
from custody.procedure import check, demo, export, read
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import Rim
from tests import desks


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key derivation of tests: the demo's own takes a second each."""
    real = keyfile.create

    def create(*args: Any, **options: Any) -> Any:
        return real(*args, **{**options, "params": desks.SMALL})

    monkeypatch.setattr(keyfile, "create", create)


@pytest.fixture(scope="module")
def samples() -> dict[str, bytes]:
    folder = resources.files("custody.cli").joinpath("samples")
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name != "README.txt"}


def run(folder: Path, samples: dict[str, bytes]) -> tuple[demo.Shown, list[str]]:
    said: list[str] = []
    return demo.run(folder, samples, Rim(), said.append), said


def test_it_leaves_what_it_says(tmp_path: Path, samples: dict[str, bytes]) -> None:
    folder = tmp_path / "demo"
    done, said = run(folder, samples)
    assert (done.verdict, done.tampered_verdict, done.items) == (0, 1, len(samples) + 2)
    text = "\n".join(said)
    left = {path.name for path in folder.iterdir()} - {"key.lock"}
    assert left == {
        "evidence", "locker", "package.zip", "package-encrypted.zip", "tampered.zip", "trust.json", "key",
        "passphrase.txt", "recovery-sheet.txt",
    }  # fmt: skip
    for name in left:
        assert name in text, name
    assert "test authority, not for court" in text
    assert " ".join(done.fingerprint) in text
    own = keyfile.open_(folder / "key", demo.PASSPHRASE.encode(), random=Rim().random)
    desk = Desk(Locker(folder / "locker"), own, Rim())
    assert check.check(desk.locker, desk, deep=True).passed
    desk.locker.close()


def test_the_commands_can_go_on_where_it_stopped(tmp_path: Path, samples: dict[str, bytes]) -> None:
    folder = tmp_path / "demo"
    run(folder, samples)
    runner = CliRunner()
    trust = ["--trust", str(folder / "trust.json")]
    assert runner.invoke(main, ["verify", str(folder / "package.zip"), *trust]).exit_code == 0
    assert runner.invoke(main, ["verify", str(folder / "tampered.zip"), *trust]).exit_code == 1
    options = [
        "--locker",
        folder / "locker",
        "--key",
        folder / "key",
        "--passphrase-file",
        folder / "passphrase.txt",
    ]
    result = runner.invoke(main, [*map(str, options), "list", "--case", "DEMO-1", "--names"])
    assert result.exit_code == 0, result.output
    assert demo.WITHHELD_NAME in result.output


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, samples: dict[str, bytes]) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(InputRefused, match="already"):
        run(tmp_path, samples)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_it_fails_when_the_name_was_not_withheld(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = demo._Demo._withheld

    def leak(self: Any, package: Path) -> None:
        package.write_bytes(package.read_bytes() + demo.WITHHELD_NAME.encode())
        real(self, package)

    monkeypatch.setattr(demo._Demo, "_withheld", leak)
    with pytest.raises(CheckFailed, match="withheld name"):
        run(tmp_path / "demo", samples)


def test_it_fails_when_tampering_is_not_caught(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = demo.verify

    def blind(file: Any, **options: Any) -> Any:
        if getattr(file, "name", "") == str(tmp_path / "demo" / "tampered.zip"):
            with (tmp_path / "demo" / "package.zip").open("rb") as good:
                return real(good, **options)
        return real(file, **options)

    monkeypatch.setattr(demo, "verify", blind)
    with pytest.raises(CheckFailed, match="tampered copy was not caught"):
        run(tmp_path / "demo", samples)


def test_it_fails_when_the_words_of_another_are_accepted(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = demo.verify

    def gullible(file: Any, **options: Any) -> Any:
        options.pop("fingerprint", None)
        return real(file, **options)

    monkeypatch.setattr(demo, "verify", gullible)
    with pytest.raises(CheckFailed, match="twelve words"):
        run(tmp_path / "demo", samples)


def test_it_fails_when_other_bytes_are_read_back(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = read.read_to_file

    def other(desk: Any, item: Any, output: Path, purpose: Any) -> Any:
        done = real(desk, item, output, purpose)
        output.write_bytes(b"something else")
        return done

    monkeypatch.setattr(read, "read_to_file", other)
    with pytest.raises(CheckFailed, match="read back"):
        run(tmp_path / "demo", samples)


def test_it_fails_when_the_locker_does_not_check(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = check.check

    def after_damage(locker: Locker, desk: Desk | None = None, **options: Any) -> Any:
        next(path for path in (locker.path / "vault").iterdir() if len(path.name) == 64).unlink()
        return real(locker, desk, **options)

    monkeypatch.setattr(check, "check", after_damage)
    with pytest.raises(CheckFailed, match="missing from the vault"):
        run(tmp_path / "demo", samples)


def test_it_fails_when_its_package_does_not_verify(
    tmp_path: Path, samples: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export.export

    def unstamped(desk: Desk, choice: Any, output: Path, **options: Any) -> Any:
        done = real(desk, choice, output, **options)
        data = bytearray(output.read_bytes())
        data[len(data) // 2] ^= 1
        output.write_bytes(data)
        return dataclasses.replace(done)

    monkeypatch.setattr(export, "export", unstamped)
    with pytest.raises((CheckFailed, InputRefused)):
        run(tmp_path / "demo", samples)
