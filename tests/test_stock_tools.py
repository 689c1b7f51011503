"""Other people's tools as judges of a package: what READ-ME-FIRST promises must work without custody."""

from __future__ import annotations

import datetime as dt
import logging
import shutil
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest
import rfc3161_client
from cryptography import x509

from custody.procedure import cases, export
from custody.procedure.export import Choice
from tests import desks


class Now(desks.Clock):
    """The real time: openssl asks what the certificates are worth today."""

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package out.zip, its bag unzipped, and root.pem of the authority."""
    folder = tmp_path_factory.mktemp("stock")

    clock = Now()
    with desks.authority(clock) as (authority, named):
        (folder / "root.pem").write_bytes(authority.root_pem)
        desk = desks.new_locker(folder, tsa=[named], clock=clock)
        case = cases.open_case(desk, "REF-1")
        data = desks.put(folder / "DIR", {"a.txt": b"first\n", "empty": b"", "b.bin": bytes(100_000)})
        desks.take_in(desk, case, data, seal=True)
        export.export(desk, Choice(case=case), folder / "out.zip", purpose="a test", plain=True)
    with zipfile.ZipFile(folder / "out.zip") as file:
        file.extractall(folder / "out")
    return folder


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


def run(*words: str | Path, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def tokens(place: Path) -> list[Path]:
    found = sorted((place / "out" / "bag" / "custody" / "log").glob("*.tsr"))
    assert found
    return found


def test_bagit_validates(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    bag = bagit.Bag(str(place / "out" / "bag"))
    bag.validate()
    assert set(bag.algorithms) == {"sha256", "sha512"}
    assert len(list(bag.payload_files())) == 3


def test_bagit_finds_a_changed_byte(place: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    shutil.copytree(place / "out" / "bag", tmp_path / "bag")
    (tmp_path / "bag" / "data" / "A-1" / "001.txt").write_bytes(b"First\n")
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(tmp_path / "bag")).validate()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("list_", ["manifest", "tagmanifest"])
def test_coreutils_accept_every_list(place: Path, algorithm: str, list_: str) -> None:
    said = run(
        tool(f"{algorithm}sum"), "--strict", "-c", f"{list_}-{algorithm}.txt", cwd=place / "out" / "bag"
    )
    assert "FAILED" not in said
    assert said.count(": OK") >= 3


def test_openssl_accepts_the_tokens_over_the_notes(place: Path) -> None:
    openssl = tool("openssl")
    for token in tokens(place):
        words = [
            "ts",
            "-verify",
            "-in",
            token,
            "-data",
            token.with_suffix(".note"),
            "-CAfile",
            place / "root.pem",
        ]
        assert "Verification: OK" in run(openssl, *words, cwd=place)


def test_openssl_refuses_a_token_over_another_note(place: Path, tmp_path: Path) -> None:
    openssl = tool("openssl")
    (token, *_) = tokens(place)
    other = tmp_path / "other.note"
    other.write_bytes(token.with_suffix(".note").read_bytes() + b"x\n")
    run(
        openssl,
        "ts",
        "-verify",
        "-in",
        token,
        "-data",
        other,
        "-CAfile",
        place / "root.pem",
        cwd=place,
        code=1,
    )


def test_rfc3161_client_accepts_the_tokens(place: Path) -> None:
    root = x509.load_pem_x509_certificate((place / "root.pem").read_bytes())
    verifier = rfc3161_client.VerifierBuilder().add_root_certificate(root).build()
    for token in tokens(place):
        response = rfc3161_client.decode_timestamp_response(token.read_bytes())
        assert verifier.verify_message(response, token.with_suffix(".note").read_bytes())


def test_unzip_finds_no_fault(place: Path) -> None:
    assert "No errors detected" in run(tool("unzip"), "-t", "out.zip", cwd=place)
    with zipfile.ZipFile(place / "out.zip") as file:
        assert file.testzip() is None
        assert file.infolist()[0].filename == "mimetype"


def test_the_commands_of_the_read_me_work_to_the_letter(place: Path) -> None:
    text = (place / "out" / "bag" / "READ-ME-FIRST.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    commands = [line for line in lines if line.startswith(("sha256sum ", "sha512sum ", "openssl "))]
    assert any(line.startswith("sha256sum") for line in commands)
    assert any(line.startswith("openssl ts") for line in commands)
    for command in commands:
        words = command.split()
        tool(words[0])
        words = [str(place / "root.pem") if word.endswith(".pem") else word for word in words]
        run(*words, cwd=place / "out" / "bag")
