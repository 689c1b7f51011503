"""The soak, made short: twenty commands killed, five full disks, five that fail; all of it: python -m tests.soak."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.soak import blows
from tests.soak.world import Server, Tally, compile_layer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(compile_layer(tmp_path_factory.mktemp("layer")))
    yield made
    made.close()


@pytest.fixture
def chance() -> random.Random:
    seed = int.from_bytes(os.urandom(4), "big") if not os.environ.get("CI") else 7
    print(f"seed {seed}")  # shown where the test fails
    return random.Random(seed)


def test_killed_commands_lose_nothing_and_leave_nothing_half(
    server: Server, tmp_path: Path, chance: random.Random
) -> None:
    tally = Tally()
    blows.kills(server, tmp_path, 20, chance, tally, tsa=None, more=lambda: True, segment=20)
    assert tally.kills == 20
    assert tally.items > 0
    assert tally.bad == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_disks_that_fail_lose_nothing_and_leave_nothing_half(
    server: Server, tmp_path: Path, chance: random.Random, error: int
) -> None:
    tally = Tally()
    blows.failing_disks(
        server, tmp_path, 5, chance, tally, error=error, tsa=None, more=lambda: True, segment=5
    )
    assert tally.full == 5
    assert tally.bad == []


def test_the_soak_sees_a_loss(server: Server, tmp_path: Path, chance: random.Random) -> None:
    """A soak that can't fail says nothing."""
    tally = Tally()
    world = next(blows.worlds(tmp_path, tally, None))
    command = blows.choose(world, chance, 1)
    while command.name != "collect":
        command = blows.choose(world, chance, 1)
    done = server.run(command.args)
    blows.after_blow(world, command, done, "first")
    assert world.reported
    assert tally.bad == []
    world.reported["0198d9a1-0000-7000-8000-000000000000"] = "00" * 32
    object_ = next(path for path in (world.locker / "vault").iterdir() if len(path.name) == 64)
    object_.unlink()
    world.look("second")
    assert len(tally.lost) == 1
    assert len(tally.halves) == 1
