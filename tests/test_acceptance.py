"""The whole job through the command, each step a process of its own, without a terminal, as on a server."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from custody.anchor.test_authority import TestAuthority
from tests import desks

REPO = Path(__file__).resolve().parent.parent

CHAT_FORM = "A-1/02.1"
FILES: dict[str | bytes, bytes] = {
    "chat.txt": "12/03/2026, 20:14 - Ana: здраво\n".encode() * 40,
    "empty.bin": b"",
    "folder/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 300,
    b"bytes\xff\xfe.dat": b"not Unicode",
    "two\nlines.txt": b"a name of two lines\n",
    "gpj\u202eexe.txt": b"a name that turns round\n",
    b"n" * 255: b"a long name\n",
}
if os.name != "posix" or sys.platform == "darwin":
    FILES = {name: data for name, data in FILES.items() if isinstance(name, str) and name.isprintable()}


@dataclass
class Place:
    """A folder with a passphrase file, and all that the commands said."""

    folder: Path
    said: list[subprocess.CompletedProcess[str]] = field(default_factory=list)

    def run(self, *words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """A command's words to a process with no terminal and no input; must end with ``code``."""
        done = subprocess.run(
            [sys.executable, "-m", "custody", *map(str, words)],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")]),
                "CUSTODY_PASSPHRASE_FILE": str(self.folder / "passphrase"),
                "CUSTODY_KEY": str(self.folder / "key"),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            start_new_session=True,
            timeout=120,
            check=False,
        )
        self.said.append(done)
        assert done.returncode == code, done.stdout + done.stderr
        return done


def make(folder: Path) -> Place:
    (folder / "passphrase").write_text("six words that nobody else says\n", "utf-8")
    (folder / "passphrase").chmod(0o600)
    desks.put(folder / "DIR", FILES)
    return Place(folder)


def the_job(place: Place, *authority: str) -> None:
    """The commands of the issue, up to the trust file."""
    run = place.run
    assert not (place.folder / "key").exists()
    run("init", "L", "--name", "A. Investigator", "--no-recovery", *authority)
    assert (place.folder / "key").exists()
    run("--locker", "L", "case", "open", "REF-1")
    run("--locker", "L", "collect", "DIR", "--case", "REF-1", "--yes")
    run("--locker", "L", "check")
    run("--locker", "L", "export", "--case", "REF-1", "-o", "out.zip", "--plain")
    run("--locker", "L", "trust", "init", "--from-locker", "-o", "trust.json")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The job without a time authority."""
    place = make(tmp_path_factory.mktemp("alone"))
    the_job(place)
    return place


@pytest.fixture(scope="module")
def witnessed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The job with a test authority on this machine."""
    place = make(tmp_path_factory.mktemp("witnessed"))
    authority = TestAuthority(clock=lambda: dt.datetime.now(dt.UTC))
    (place.folder / "root.pem").write_bytes(authority.root_pem)
    with authority.serve() as url:
        the_job(place, "--tsa", url, "--tsa-root", "root.pem")
        yield place


def test_without_an_authority_verify_says_that_no_time_was_confirmed(alone: Place) -> None:
    done = alone.run("verify", "out.zip", "--trust", "trust.json", code=6)
    first, second = done.stdout.splitlines()[:2]
    assert first == "INTACT"
    assert second.startswith("NOT CONFIRMED")
    assert "ORIGIN CONFIRMED, TIME NOT CONFIRMED" in second
    assert "no time was confirmed" in done.stdout


def test_with_an_authority_verify_confirms_and_marks_the_test(witnessed: Place) -> None:
    done = witnessed.run("verify", "out.zip", "--trust", "trust.json")
    first, second = done.stdout.splitlines()[:2]
    assert first == "INTACT"
    assert second.startswith("CONFIRMED")
    assert "test authority, not for court" in second
    found = json.loads(witnessed.run("verify", "out.zip", "--trust", "trust.json", "--json").stdout)
    assert found["schema"] == "custody.verify/1"


def test_the_verifier_alone_says_the_same(alone: Place) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "custody.verify", "out.zip", "--trust", "trust.json"],
        cwd=alone.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPO), os.environ.get("PYTHONPATH", "")])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 6, done.stderr
    assert done.stdout.splitlines()[0] == "INTACT"


def test_without_a_trust_file_and_with_the_twelve_words(witnessed: Place) -> None:
    nothing = witnessed.run("verify", "out.zip", code=6)
    assert "NOT CONFIRMED" in nothing.stdout.splitlines()[1]
    line = next(line for line in nothing.stdout.splitlines() if line.strip().startswith("in words: "))
    words = line.strip().removeprefix("in words: ")
    told = witnessed.run("verify", "out.zip", "--fingerprint", words, code=6).stdout
    assert "ORIGIN CONFIRMED" in told.splitlines()[1]
    others = " ".join(["abandon"] * 11 + ["about"])
    witnessed.run("verify", "out.zip", "--fingerprint", others, code=1)
    witnessed.run("verify", "out.zip", "--fingerprint", "some words", code=4)


def test_one_bit_more_does_not_match(alone: Place) -> None:
    data = bytearray((alone.folder / "out.zip").read_bytes())
    data[data.index(FILES["chat.txt"][:40]) + 7] ^= 1
    (alone.folder / "tampered.zip").write_bytes(data)
    done = alone.run("verify", "tampered.zip", "--trust", "trust.json", code=1)
    assert done.stdout.splitlines()[0].startswith("DOES NOT MATCH")


def test_list_has_the_promised_shape(alone: Place) -> None:
    done = alone.run("--locker", "L", "list", "--case", "REF-1", "--json")
    found = json.loads(done.stdout)
    assert found["schema"] == "custody.list/1"
    own = [item for item in found["items"] if item["parent"] is None]
    assert [item["label"] for item in own] == [f"A-1/{n:02d}" for n in range(1, len(FILES) + 1)]
    # And the readable form of the chat.
    assert [item["label"] for item in found["items"] if item["parent"] is not None] == [CHAT_FORM]
    assert all(len(item["id"]) == 36 for item in found["items"])
    # Labels open nothing: no name, no digest.
    assert "chat" not in done.stdout + done.stderr


def test_read_gives_back_identical_bytes_of_every_item(alone: Place) -> None:
    found = json.loads(alone.run("--locker", "L", "list", "--case", "REF-1", "--json").stdout)
    back = []
    for number, item in enumerate(one for one in found["items"] if one["parent"] is None):
        target = alone.folder / f"back-{number}"
        alone.run("--locker", "L", "read", item["id"], "-o", target, "--purpose", "a test")
        back.append(target.read_bytes())
    assert sorted(back) == sorted(FILES.values())
    # What is written over is not.
    alone.run("--locker", "L", "read", found["items"][0]["id"], "-o", "back-0", "--purpose", "x", code=4)
    log = alone.run("--locker", "L", "log", "--case", "REF-1").stdout
    assert log.count("item.accessed") >= len(FILES)


def test_names_are_shown_safely_and_exactly(alone: Place) -> None:
    done = alone.run("--locker", "L", "list", "--case", "REF-1", "--names")
    lines = done.stdout.splitlines()
    assert len(lines) == len(FILES) + 2 + done.stdout.count("\nlook at")
    assert "\u202e" not in done.stdout
    assert any("chat.txt" in line for line in lines)


def test_the_same_folder_is_not_taken_twice(alone: Place) -> None:
    done = alone.run("--locker", "L", "collect", "DIR", "--case", "REF-1", "--yes")
    assert f"{len(FILES)} files were in already" in done.stderr
    found = json.loads(alone.run("--locker", "L", "list", "--case", "REF-1", "--json").stdout)
    assert len(found["items"]) == len(FILES) + 1


def test_mistakes_are_one_line_of_error_and_one_of_hint(alone: Place) -> None:
    (alone.folder / "text").write_text("just text\n", "utf-8")
    (alone.folder / "wrong").write_text("not the passphrase\n", "utf-8")
    for words, code in (
        (["--locker", "L", "--passphrase-file", "wrong", "case", "list", "--names"], 12),
        (["--locker", "L", "--passphrase-file", "wrong", "check"], 12),
        (["--locker", "none", "case", "open", "X"], 10),
        (["--locker", "L", "collect", "not-there", "--case", "REF-1"], 4),
        (["--locker", "L", "collect", "text", "--case", "REF-2"], 4),
        (["--locker", "L", "export", "--case", "REF-2", "-o", "x.zip"], 4),
        (["verify", "text"], 4),
        (["verify", "none.zip"], 4),
        (["--locker", "L", "read", "A-9/01", "-o", "x", "--purpose", "x"], 4),
        (["init", "L", "--name", "X", "--no-recovery"], 4),
        (["init", "M", "--name", "X"], 2),
    ):
        done = alone.run(*words, code=code)
        if words[0] != "verify" or words[1] == "none.zip":
            told = [
                line
                for line in done.stderr.splitlines()
                if line.startswith(("custody: error", "custody: hint"))
            ]
            assert [line.split(": ")[1] for line in told] == ["error", "hint"], (words, done.stderr)
    assert not (alone.folder / "M").exists()
    assert not (alone.folder / "x.zip").exists()


def test_an_encrypted_package_opens_with_its_words(alone: Place) -> None:
    done = alone.run("--locker", "L", "export", "--case", "REF-1", "-o", "closed.zip", "--json")
    passphrase = json.loads(done.stdout)["passphrase"]
    (alone.folder / "words").write_text(passphrase + "\n", "utf-8")
    found = alone.run("verify", "closed.zip", "--trust", "trust.json", "--passphrase-file", "words", code=6)
    assert found.stdout.splitlines()[0] == "INTACT"
    (alone.folder / "words").write_text("ten wrong words\n", "utf-8")
    alone.run("verify", "closed.zip", "--passphrase-file", "words", code=12)
    # The passphrase of one's own key is not tried on somebody's package.
    alone.run("verify", "closed.zip", code=12)


def test_nothing_was_left_of_the_originals_in_the_locker(alone: Place) -> None:
    for path, data in desks.all_bytes(alone.folder / "L"):
        for name, content in FILES.items():
            if len(content) > 10:
                assert content[:200] not in data, path
                digest = hashlib.sha256(content)
                assert digest.digest() not in data, path
                assert digest.hexdigest().encode() not in data, path
            raw = name if isinstance(name, bytes) else name.encode()
            assert raw not in data, path


def test_no_traceback_was_ever_shown(alone: Place, witnessed: Place) -> None:
    # Runs last in this file: all that was said by then.
    for done in alone.said + witnessed.said:
        assert "Traceback" not in done.stdout + done.stderr, done.args
        assert "a fault in custody" not in done.stderr, done.args
