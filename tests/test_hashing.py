"""Both digests in one pass: the right ones, in bounded memory, and no thread is left behind."""

from __future__ import annotations

import hashlib
import os
import threading

import pytest

from custody.errors import MachineError
from custody.verify import hashing


class Piece(bytes):
    """Bytes that are counted while they live."""

    alive = 0

    def __init__(self, *_: object) -> None:
        Piece.alive += 1

    def __del__(self) -> None:
        Piece.alive -= 1


@pytest.mark.parametrize("count", [0, 1, 2, 9])
@pytest.mark.parametrize("size", [0, 1 << 30])
def test_both_digests_are_of_all_pieces_in_order(count, size):
    pieces = [os.urandom(5000 + number) for number in range(count)]
    whole = b"".join(pieces)
    found = hashing.both_digests(iter(pieces), size)
    assert found == (hashlib.sha256(whole).hexdigest(), hashlib.sha512(whole).hexdigest())


def test_what_the_source_raises_passes_through_and_no_thread_stays():
    before = threading.active_count()

    def broken():
        yield bytes(10_000)
        raise MachineError("the medium fails")

    with pytest.raises(MachineError):
        hashing.both_digests(broken(), 1 << 30)
    assert threading.active_count() == before


def test_a_large_file_is_hashed_by_two_threads_that_stay_to_its_end():
    seen = []

    def pieces():
        for _ in range(50):
            seen.append({thread.ident for thread in threading.enumerate()} - mine)
            yield bytes(1000)

    mine = {thread.ident for thread in threading.enumerate()}
    hashing.both_digests(pieces(), 1 << 30)
    assert len(seen[0]) == 2
    assert all(threads == seen[0] for threads in seen)


def test_only_a_few_pieces_are_held_at_a_time():
    most = 0

    def pieces():
        nonlocal most
        for number in range(60):
            piece = Piece(bytes([number]) * (1 << 20))
            most = max(most, Piece.alive)
            yield piece
            del piece

    hashing.both_digests(pieces(), 1 << 30)
    assert 2 <= most <= 10
    assert Piece.alive == 0
