"""What every test gets: clean surroundings, the samples' folder, settings for hypothesis."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

REPO = Path(__file__).resolve().parent.parent

# Read by the tests themselves; every other CUSTODY_ variable belongs to the developer's own lockers.
_FOR_TESTS = ("CUSTODY_SAMPLES", "CUSTODY_RECORD", "CUSTODY_TEST_WITHOUT_POSIX")

# At import, so that fixtures of a wider scope than the one below are covered too.
for _name in [n for n in os.environ if n.startswith("CUSTODY_") and n not in _FOR_TESTS]:
    del os.environ[_name]

# Before anything of custody is imported. The variable and the path reach the processes that tests start.
if os.environ.get("CUSTODY_TEST_WITHOUT_POSIX"):
    from tests.without_posix import sitecustomize

    _path = [str(Path(sitecustomize.__file__).parent), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(part for part in _path if part)

# A shared machine is slow at times: a deadline would report the neighbour. In CI one run must be like
# the other; at home hypothesis searches on with new examples.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # mktemp lists its folder each time, which adds up over thousands of tests: one call, then counting.
    base = tmp_path_factory.mktemp("homes")
    return (base / str(number) for number in itertools.count())


# eth-account brings py_ecc, which raises this to 100,000 as it is imported. A deep nest of brackets, which json
# refuses at the usual limit, then ends the whole process.
_RECURSION = sys.getrecursionlimit()


@pytest.fixture(autouse=True)
def _usual_recursion() -> None:
    sys.setrecursionlimit(_RECURSION)


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds or leaves a key file in the developer's home, or a variable of the test before."""
    for name in [n for n in os.environ if n.startswith("CUSTODY_") and n not in _FOR_TESTS]:
        monkeypatch.delenv(name)
    home = next(_homes)
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("APPDATA", str(home / "appdata"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real samples, read in place and never copied in; absent on most machines."""
    folder = Path(os.environ.get("CUSTODY_SAMPLES") or REPO.parent / "shared" / "samples")
    if not folder.is_dir():
        pytest.skip("no samples here: set CUSTODY_SAMPLES to their folder")
    return folder
