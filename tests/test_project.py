"""The project file, the locked versions and the CI scripts agree with each other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPO = Path(__file__).resolve().parent.parent
LOCK = REPO / ".ci" / "requirements.txt"


def locked(text: str) -> dict[str, str]:
    """Name to version; every line is ``name==version``, so that no address of a registry can stand here."""
    pins = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.!+]*)", line)
        if match is None:
            raise ValueError(f"not of the form name==version: {line!r}")
        pins[canonicalize_name(match[1])] = match[2]
    return pins


def unlocked(requirements: list[str], pins: dict[str, str]) -> list[str]:
    """The requirements that hold on this machine and that no pin meets."""
    missing = []
    for wanted in map(Requirement, requirements):
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        pin = pins.get(canonicalize_name(wanted.name))
        if pin is None or not wanted.specifier.contains(pin):
            missing.append(str(wanted))
    return missing


def test_every_requirement_has_a_locked_version_that_meets_it():
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert unlocked(wanted, locked(LOCK.read_text(encoding="utf-8"))) == []


def test_a_requirement_without_its_pin_is_seen():
    pins = locked("# made by hand\nClick==8.5.1\nb==1\n")
    assert unlocked(["click>=8.5", "b>=2", "c", "d>=1; sys_platform == 'nowhere'"], pins) == ["b>=2", "c"]


@pytest.mark.parametrize("line", ["--index-url https://example.org/simple", "a>=1", "a @ file:///x", "-e ."])
def test_the_lock_takes_nothing_but_names_and_versions(line):
    with pytest.raises(ValueError, match="name==version"):
        locked(line + "\n")


@pytest.mark.parametrize("name", ["run", "check", "lock"])
def test_a_ci_script_can_be_started_and_parsed(name):
    script = REPO / ".ci" / name
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


_USES_POSIX = """
import os, time
try:
    import fcntl
except ModuleNotFoundError:
    fcntl = None
    import msvcrt
from os import path
import os.path
found = [fcntl, hasattr(os, "O_DIRECTORY"), hasattr(time, "CLOCK_BOOTTIME"), os.path is path]
def sync_folder(where):
    os.close(os.open(where, os.O_RDONLY))
def lock(file):
    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
"""


def test_the_run_without_posix_takes_away_what_it_says(tmp_path):
    (tmp_path / "custody").mkdir()
    (tmp_path / "custody/__init__.py").write_text(_USES_POSIX, encoding="utf-8")
    code = """
import os, fcntl, custody
assert custody.found == [None, False, False, True], custody.found
assert hasattr(os, "O_DIRECTORY")  # everybody else sees the real system
try:
    custody.sync_folder(".")
except PermissionError:
    pass
else:
    raise SystemExit("a folder was opened")
custody.sync_folder("custody/__init__.py")
with open("lock", "w") as first, open("lock", "w") as second:
    custody.lock(first)
    try:
        custody.lock(second)
    except OSError:
        print("held")
"""
    without = str(REPO / "tests" / "without_posix")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": f"{without}{os.pathsep}{tmp_path}",
            "CUSTODY_TEST_WITHOUT_POSIX": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("held\n", "")
