"""What tokens prove of each entry: the look-ups say what a search through all of them would."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from custody.verify.times import Proven, Times
from custody.verify.token import Token

DAY = dt.datetime(2026, 3, 4, tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)


def proven(size: int, at: dt.datetime, **changes: object) -> Proven:
    facts = {"accuracy_us": None, "test": False, "logged_at": None, "accepted": True, **changes}
    token = Token(
        gen_time=at,
        policy="1.2.3",
        serial=1,
        accuracy_us=facts["accuracy_us"],
        imprint_algorithm="sha256",
        imprint=bytes(32),
        nonce=None,
        signer="x",
        certificate_sha256="0" * 64,
        root_sha256="0" * 64,
        test=bool(facts["test"]),
        tsr_sha256="0" * 64,
    )  # type: ignore[arg-type]
    return Proven(size=size, token=token, logged_at=facts["logged_at"], accepted=bool(facts["accepted"]))  # type: ignore[arg-type]


TOKENS = st.lists(
    st.builds(
        lambda size, hour, logged, **more: proven(
            size, DAY + dt.timedelta(hours=hour), logged_at=None if logged is None else size + logged, **more
        ),
        st.integers(0, 8),
        st.integers(0, 9),
        st.none() | st.integers(0, 3),
        accuracy_us=st.none() | st.integers(0, 4 * 3_600_000_000),
        test=st.booleans(),
        accepted=st.sampled_from([True, True, True, False]),
    ),
    max_size=8,
)


@given(TOKENS, st.integers(0, 9))
def test_an_entry_existed_no_later_than_the_earliest_token_that_covers_it(
    tokens: list[Proven], seq: int
) -> None:
    times = Times(tokens=tokens)
    times.index()
    covering = [p for p in tokens if p.accepted and p.size > seq]
    found = times.not_after(seq)
    assert (found is None) == (not covering)
    if found is not None:
        assert found in covering
        # One for court before one for tests, however much earlier that is.
        assert (found.token.test, found.latest) == min((p.token.test, p.latest) for p in covering)


@given(TOKENS, st.integers(0, 12))
def test_an_entry_was_made_no_earlier_than_the_newest_token_logged_before_it(
    tokens: list[Proven], seq: int
) -> None:
    times = Times(tokens=tokens)
    times.index()
    before = [p for p in tokens if p.accepted and p.logged_at is not None and p.logged_at < seq]
    found = times.not_before(seq)
    assert (found is None) == (not before)
    if found is not None:
        assert found in before
        assert (not found.token.test, found.earliest) == max((not p.token.test, p.earliest) for p in before)


def test_an_accuracy_widens_what_is_proven_to_both_sides() -> None:
    one = proven(1, DAY, accuracy_us=1_500_000)
    assert one.latest == DAY + dt.timedelta(seconds=1.5)
    assert one.earliest == DAY - dt.timedelta(seconds=1.5)
    exact = proven(1, DAY)
    assert exact.latest == exact.earliest == DAY


def test_an_authority_can_state_no_time_that_no_calendar_has() -> None:
    """Its accuracy may be 68 years, and its time the first or last there is."""
    wide = 1_000_000 << 31
    for at, latest, earliest in (
        (LAST, LAST, LAST - dt.timedelta(microseconds=wide)),
        (FIRST, FIRST + dt.timedelta(microseconds=wide), FIRST),
        (LAST - dt.timedelta(microseconds=wide), LAST, LAST - 2 * dt.timedelta(microseconds=wide)),
        (FIRST + dt.timedelta(microseconds=wide), FIRST + 2 * dt.timedelta(microseconds=wide), FIRST),
        (LAST - dt.timedelta(microseconds=wide - 1), LAST, LAST - dt.timedelta(microseconds=2 * wide - 1)),
        (FIRST + dt.timedelta(microseconds=wide - 1), FIRST + dt.timedelta(microseconds=2 * wide - 1), FIRST),
    ):
        found = proven(1, at, accuracy_us=wide)
        assert (found.latest, found.earliest) == (latest, earliest)
