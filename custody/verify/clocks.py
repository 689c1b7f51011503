"""Device clocks: what the times that entries state do not agree with, each as a note, never as a proof or a failure.

An entry states the wall clock of the machine that wrote it and, where the machine tells, the milliseconds since
its boot, under a tag of that boot: `docs/format/time.md`. Three things can be seen without trusting anybody:
the two went on by different amounts, a later entry states an earlier time, or a time proof says otherwise.
"""

from __future__ import annotations

import datetime as dt
import functools
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from custody.errors import FormatError
from custody.format.entry import Entry
from custody.verify.record import Record
from custody.verify.report import Findings
from custody.verify.times import Proven, Times

MOST = 20
"""So many places are named one by one; the rest is counted."""

STEP_MS = 2_000
"""Differences up to this are no note: a leap second, a clock chip that is read to the second after a sleep, and
the small steps that time services make instead of slewing (systemd's from 0.4 s)."""

SLEW = 2_000
"""Nor is 1 part in this of the time that passed (500 ppm, 43 s a day): the most that Linux slews a clock, and
more than a clock chip errs (20 to 100 ppm) that alone counted through a sleep, until a time service put it right."""

PROOF_MS = 60_000
"""A clock that differs from a time authority's by up to this is one that agrees: a month of an ordinary
crystal without correction (20 ppm), and tokens often count whole seconds."""

_SEVERAL = (
    "device clocks do not fit together at {places}: a clock was set, or is wrong. Innocent reasons are many (an empty"
    " battery, a time service, a virtual machine that was paused); by itself this says nothing about the contents"
)
_NONE = "the times that {entries} state go forward only, and nothing that is known here speaks against them"
_UPTIME = (
    " ({with_uptime} of {entries} state the uptime of their machine too; where it is not stated, a clock that was set"
    " shows only where a time goes back)"
)
_MILLISECOND = dt.timedelta(milliseconds=1)
_BEGIN = dt.datetime(1, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True)
class _Last:
    """What the entry before stated: of its session, or of all."""

    seq: int
    wall: int
    mono: int | None
    session: str | None
    actor: str


@dataclass(slots=True)
class Clocks:
    """Fed with the entries that hold, in their order; ``seq`` counts over all volumes."""

    _seqs: array[int] = field(default_factory=lambda: array("q"))
    _walls: array[int] = field(default_factory=lambda: array("q"))
    """Milliseconds since the year 1, as stated."""
    _before: _Last | None = None
    _sessions: dict[str, _Last] = field(default_factory=dict)
    _notes: list[tuple[int, str, int | None]] = field(default_factory=list)
    """An entry, what is noted of it, and the entry that ``{before}`` in the text stands for."""
    _more: int = 0
    _without: int = 0
    """Entries that state no uptime: there a clock that was set is seen only where a time goes back."""

    def take(self, seq: int, body: Entry) -> None:
        """Compare what an entry states with the ones before it."""
        stated = body.time
        try:
            wall = _milliseconds(stated.wall)
        except FormatError:
            return  # no time at all: that is a failure of the entry, and told there
        self._seqs.append(seq)
        self._walls.append(wall)
        mono = None if stated.mono is None else int(stated.mono)
        last = _Last(seq, wall, mono, stated.session, body.actor)
        before, self._before = self._before, last
        jumped = False
        if last.session is None or last.mono is None:
            self._without += 1
        else:
            same = self._sessions.get(last.session)
            self._sessions[last.session] = last
            jumped = same is not None and self._jump(same, last)
        if before is not None and not jumped:
            self._back(before, last)

    def _jump(self, before: _Last, now: _Last) -> bool:
        assert before.mono is not None
        assert now.mono is not None
        passed = now.mono - before.mono
        set_by = now.wall - before.wall - passed
        if abs(set_by) <= STEP_MS + abs(passed) // SLEW:
            return False
        way = "forward" if set_by > 0 else "back"
        self._note(
            now.seq,
            f"the machine's clock went {way} by {_span(set_by)} against its own uptime since {{before}}"
            f" (written with the {_key(now)})",
            before.seq,
        )
        return True

    def _back(self, before: _Last, now: _Last) -> None:
        if before.wall - now.wall <= STEP_MS:
            return
        if before.actor == now.actor:
            whose = f"both written with the {_key(now)}"
        else:
            whose = f"written with the {_key(now)}, the one before with the {_key(before)}"
        if before.session is not None and before.session == now.session:
            where = "the same machine, not started anew"
        elif before.session is not None and now.session is not None:
            where = "another machine, or the same one started anew"
        else:
            where = "whether on one machine is not stated"
        self._note(
            now.seq,
            f"states a time {_span(before.wall - now.wall)} before that of {{before}}, which stands before it;"
            f" {whose}; {where}",
            before.seq,
        )

    def _note(self, seq: int, text: str, before: int | None = None) -> None:
        if len(self._notes) < MOST:
            self._notes.append((seq, text, before))
        else:
            self._more += 1

    def conclude(self, times: Times, findings: Findings, name: Callable[[int], str]) -> None:
        """Compare with the time proofs that are trusted, and say all; ``name``: how findings name an entry."""
        accepted = [proven for proven in times.tokens if proven.accepted]
        if accepted:
            self._against(times.not_after, -1)
            self._against(times.not_before, 1)
        if not self._seqs:
            return
        places = len(self._notes) + self._more
        findings.noted(
            "clocks",
            (_SEVERAL if places else _NONE).format(
                places=_count(places, "place", "places"),
                entries=_count(len(self._seqs), "entry", "entries"),
            )
            + _UPTIME.format(with_uptime=len(self._seqs) - self._without, entries=len(self._seqs)),
        )
        for seq, text, before in self._notes:
            told = text if before is None else text.replace("{before}", name(before))
            findings.noted("clocks", told, where=name(seq))
        if self._more:
            findings.noted("clocks", f"and {self._more} more")

    def _against(self, proof_of: Callable[[int], Proven | None], sign: int) -> None:
        """Runs of entries whose stated time lies beyond a proven one: later than possible (-1), or earlier (1)."""
        first, count, worst = 0, 0, 0
        proof: Proven | None = None
        for seq, wall in zip(self._seqs, self._walls, strict=True):
            # A proof that the entry itself logs came before it, too.
            proven = proof_of(seq if sign < 0 else seq + 1)
            off = 0
            if proven is not None:
                bound = proven.latest if sign < 0 else proven.earliest
                off = sign * ((bound - _BEGIN) // _MILLISECOND - wall)
            if off > PROOF_MS:
                first, count = first if count else seq, count + 1
                if off > worst:
                    worst, proof = off, proven
            elif proof is not None:
                self._beyond(first, count, worst, proof, sign)
                count, worst, proof = 0, 0, None
        if proof is not None:
            self._beyond(first, count, worst, proof, sign)

    def _beyond(self, first: int, count: int, worst: int, proof: Proven, sign: int) -> None:
        more = f" (so do the {count - 1} after it)" if count > 2 else " (so does the one after it)"
        told = (
            "later than a time proof allows"
            if sign < 0
            else "earlier than a time proof that was there before it"
        )
        wrong = "fast" if sign < 0 else "slow"
        mark = "; test authority, not for court" if proof.token.test else ""
        self._note(
            first,
            f"states a time {_span(worst)} {told}{more if count > 1 else ''}: the machine's clock was {wrong}, or"
            f" the authority's ({proof.token.signer}{mark})",
        )


def check(record: Record, times: Times, findings: Findings) -> None:
    """What a package's entries state, against each other and against its accepted tokens."""
    clocks = Clocks()
    for seq in sorted(record.entries):
        body = record.entries[seq].body
        if body is not None and seq not in record.unsound:
            clocks.take(seq, body)
    clocks.conclude(times, findings, lambda seq: record.entries[seq].where)


def _milliseconds(wall: str) -> int:
    try:
        return _second(wall[:19]) + int(wall[20:23])
    except ValueError as error:
        raise FormatError("not a UTC time", where="clock") from error


@functools.lru_cache(maxsize=64)
def _second(wall: str) -> int:
    # A batch of entries is written within few seconds.
    return (dt.datetime.fromisoformat(wall + "+00:00") - _BEGIN) // _MILLISECOND


def _span(milliseconds: int) -> str:
    """A length of time in its two largest units."""
    seconds = round(abs(milliseconds) / 1000)
    parts: list[str] = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count} {unit}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def _key(one: _Last) -> str:
    return f"key {one.actor[:16]}"


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
