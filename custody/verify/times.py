"""When: tokens over log notes, the proofs that connect them, and what the trust file has seen before."""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from custody.crypto import notes
from custody.errors import CustodyError
from custody.format import package, proof
from custody.format.merkle import EMPTY_ROOT
from custody.format.note import LogNote
from custody.format.trust import Trust
from custody.verify.bundle import Bundle
from custody.verify.record import Record, Volume
from custody.verify.report import Findings

if TYPE_CHECKING:
    from custody.verify.token import Token

MAX_TOKENS = 10_000
"""A hostile token costs a second of searching for chains; a package has a few for every sealing."""

_FUTURE = dt.timedelta(days=3650)
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
_FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A checked token over a note of this record; ``size`` entries existed at its time."""

    size: int
    token: Token
    logged_at: int | None
    """The entry number of its `checkpoint.timestamped`, when the package ships it."""

    accepted: bool
    """True when it ends in a root that the trust file has, under a policy and of a kind that it takes."""

    @property
    def latest(self) -> dt.datetime:
        """The entries existed no later than this: its time plus its accuracy."""
        accuracy = dt.timedelta(microseconds=self.token.accuracy_us or 0)
        # What an authority states is from outside: its time may be the last that there is.
        return self.token.gen_time + accuracy if accuracy <= _LAST - self.token.gen_time else _LAST

    @property
    def earliest(self) -> dt.datetime:
        """What quotes it was made no earlier than this."""
        accuracy = dt.timedelta(microseconds=self.token.accuracy_us or 0)
        return self.token.gen_time - accuracy if accuracy <= self.token.gen_time - _FIRST else _FIRST


@dataclass(slots=True)
class Times:
    """The tokens, and what the trust file's notes say of this package."""

    tokens: list[Proven] = field(default_factory=list)
    not_connected: list[int] = field(default_factory=list)
    newest_seen: int | None = None
    """Entries of the newest state that the trust file holds, where this package has fewer."""
    not_gone_on: list[int] = field(default_factory=list)
    """Numbers of closed volumes of which the trust file holds a later state than the record goes on from."""
    seen_itself: bool = False
    """True when the trust file holds a note of this very state of the record."""
    proofs: dict[str, dict[int, tuple[bytes, ...]]] = field(default_factory=dict)
    """By origin and size: the consistency proofs that are here, for whoever holds such a note."""
    _after: tuple[list[int], list[Proven]] = ([], [])
    _before: tuple[list[int], list[Proven]] = ([], [])

    def index(self) -> None:
        """Make the look-ups below cost a bisection each, once all tokens are known."""
        sizes: list[int] = []
        best: list[Proven] = []
        # From the largest size down: the best token among those that cover at least so many entries.
        for proven in sorted((p for p in self.tokens if p.accepted), key=lambda p: -p.size):
            if not best or _rank_after(proven) < _rank_after(best[-1]):
                sizes.append(-proven.size)
                best.append(proven)
        self._after = (sizes, best)
        places: list[int] = []
        newest: list[Proven] = []
        logged = [(p.logged_at, p) for p in self.tokens if p.accepted and p.logged_at is not None]
        for place, proven in sorted(logged, key=lambda pair: pair[0]):
            if not newest or _rank_before(proven) > _rank_before(newest[-1]):
                places.append(place)
                newest.append(proven)
        self._before = (places, newest)

    def not_after(self, seq: int) -> Proven | None:
        """The earliest accepted token whose note covers entry ``seq``; one for court before one for tests."""
        sizes, best = self._after
        at = bisect.bisect_left(sizes, -seq)  # sizes are negated: those above seq stand before this place
        return best[at - 1] if at else None

    def not_before(self, seq: int) -> Proven | None:
        """The newest accepted token that the record itself quotes before entry ``seq``."""
        places, newest = self._before
        at = bisect.bisect_left(places, seq)
        return newest[at - 1] if at else None


def _rank_after(proven: Proven) -> tuple[bool, dt.datetime]:
    return proven.token.test, proven.latest


def _rank_before(proven: Proven) -> tuple[bool, dt.datetime]:
    return not proven.token.test, proven.earliest


def check(bundle: Bundle, record: Record, trust: Trust, now: dt.datetime | None, findings: Findings) -> Times:
    """Check every token that the package ships, and connect every note that is known."""
    times = Times()
    tokens = sum(1 for name in bundle.names if package.TOKEN_NAME.fullmatch(name))
    if tokens > MAX_TOKENS:
        findings.failed(
            "tokens", "more tokens than are looked at", expected=f"at most {MAX_TOKENS}", found=str(tokens)
        )
    older = unused = 0
    for volume in record.volumes:
        proofs = times.proofs[volume.checkpoint.origin] = _proofs(bundle, volume, findings)
        sound = set()
        used = set()
        for name, match in volume.files(bundle, package.NOTE_NAME):
            size = int(match[2])
            if name == f"{package.RECORD}log/{record.checkpoint.size}.note":
                sound |= {size} if record.note_holds else set()
                continue
            used.add(size)
            if _note_connected(bundle, record, volume, name, size, proofs, findings):
                sound.add(size)
                older += 1
        if tokens <= MAX_TOKENS:
            _tokens(bundle, record, volume, sound, trust, now, times, findings)
        known = trust.ledger(volume.checkpoint.origin)
        if known is not None:
            used |= _seen_before(record, volume, known.notes, proofs, times, findings)
        unused += len(proofs.keys() - used)
    times.index()
    if not findings.has_failed("consistency"):
        if older:
            findings.passed(
                "consistency", f"the record only grew: it continues every older note that is here ({older})"
            )
        if unused:
            findings.not_checked(
                "consistency", f"proofs for whoever holds an older note, none of which is here ({unused})"
            )
    return times


def _proofs(bundle: Bundle, volume: Volume, findings: Findings) -> dict[int, tuple[bytes, ...]]:
    found = {}
    for name, match in volume.files(bundle, package.CONSISTENCY_NAME):
        try:
            size, hashes = proof.read_consistency(bundle.read(name, 64 * 1024), where=name)
        except CustodyError as error:
            findings.error("consistency", error)
            continue
        if size != int(match[2]):
            findings.failed("consistency", "a proof of another size than its name says", where=name)
            continue
        found[size] = hashes
    return found


def _note_connected(
    bundle: Bundle,
    record: Record,
    volume: Volume,
    name: str,
    size: int,
    proofs: dict[int, tuple[bytes, ...]],
    findings: Findings,
) -> bool:
    """True when the note holds and its volume continues it."""
    try:
        note = LogNote.from_bytes(bundle.read(name, 64 * 1024), where=name)
        checkpoint = notes.verify(note, record.log_keys(volume), origin=volume.checkpoint.origin, where=name)
        if checkpoint.size != size:
            findings.failed("consistency", "a note of another size than its name says", where=name)
        elif size not in proofs and size != volume.checkpoint.size:
            findings.failed("consistency", "a note without a proof that the record grew from it", where=name)
        else:
            proof.check_consistency(checkpoint, volume.checkpoint, proofs.get(size, ()))
            return True
    except CustodyError as error:
        # The tree's own errors know of no file.
        findings.failed(
            "consistency", error.what, where=error.where or name, expected=error.expected, found=error.found
        )
    return False


def _tokens(
    bundle: Bundle,
    record: Record,
    volume: Volume,
    sound: Collection[int],
    trust: Trust,
    now: dt.datetime | None,
    times: Times,
    findings: Findings,
) -> None:
    logged: dict[tuple[str, int], tuple[int, str]] = {}
    for placed in record.entries.values():
        if placed.volume == volume.number:
            for _, body in record.sound("checkpoint.timestamped", (placed,)):
                stated = (body.public["token"], body.public["size"])
                logged.setdefault(stated, (placed.seq, body.public["note"]))
    for name, match in volume.files(bundle, package.TOKEN_NAME):
        size = int(match[2])
        if f"{volume.folder}log/{size}.note" not in bundle:
            findings.failed("tokens", "a token without its note", where=name)
        elif size not in sound:
            findings.failed(
                "tokens",
                "a token over a note that does not hold, or that this record does not continue",
                where=name,
            )
        else:
            _token(bundle, volume, name, size, logged, trust, now, times, findings)


def _token(
    bundle: Bundle,
    volume: Volume,
    name: str,
    size: int,
    logged: dict[tuple[str, int], tuple[int, str]],
    trust: Trust,
    now: dt.datetime | None,
    times: Times,
    findings: Findings,
) -> None:
    try:
        tsr = bundle.read(name, 64 * 1024)
        data = bundle.read(f"{volume.folder}log/{size}.note", 64 * 1024)
        token, refused = _best(tsr, data, trust, now)
    except CustodyError as error:
        findings.failed("tokens", error.what, where=name, expected=error.expected, found=error.found)
        return
    logged_at, note = logged.get((token.tsr_sha256, size), (None, None))
    if note is not None and note != hashlib.sha256(data).hexdigest():
        findings.failed("tokens", "the record logged this token for another note", where=name)
        return
    accepted = token.root_sha256 is not None and refused is None
    # What a note of a later volume covers, covers the earlier ones too: its entry 0 names their root.
    covered = volume.base + size
    times.tokens.append(Proven(size=covered, token=token, logged_at=logged_at, accepted=accepted))
    marked = " (test authority, not for court)" if token.test else ""
    when = token.gen_time.strftime("%Y-%m-%d %H:%M:%S UTC")
    if accepted:
        findings.passed(
            "tokens",
            f"{token.signer}: the first {covered} entries existed no later than {when}{marked}",
            where=name,
        )
    else:
        reason = refused or "authority not known"
        findings.not_checked("tokens", f"{reason}: {token.signer} says {when}{marked}", where=name)


def _best(tsr: bytes, data: bytes, trust: Trust, now: dt.datetime | None) -> tuple[Token, str | None]:
    """The token under the first authority of the trust file that takes it; else as far as it carries itself.

    The second value says why the trust file does not take a token of an authority that it has.
    """
    # A fifth of the trusted base, and of no use for a package without a token.
    from custody.verify.token import check_token

    future = min(dt.timedelta(seconds=min(trust.max_future, 10**9)), _FUTURE)
    # Whoever made it: it must hold as far as it carries itself.
    found, refused = check_token(tsr, data, roots=(), now=now, max_future=future), None
    problem: CustodyError | None = None
    for authority in trust.authorities:
        try:
            token = check_token(tsr, data, roots=authority.roots, now=now, max_future=future)
        except CustodyError as error:
            problem = error
            continue
        if token.root_sha256 is None:
            continue
        token = replace(token, test=token.test or authority.test)
        if authority.policies and token.policy not in authority.policies:
            found, refused = token, "under a policy that the trust file does not take"
        elif token.test and "no-test-authority" in trust.require:
            found, refused = token, "the trust file takes no test authority"
        else:
            return token, None
    if problem is not None and refused is None:
        raise problem
    return found, refused


def _seen_before(
    record: Record,
    volume: Volume,
    seen: Sequence[bytes],
    proofs: dict[int, tuple[bytes, ...]],
    times: Times,
    findings: Findings,
) -> set[int]:
    """Notes that the verifier's side has seen: this package must continue them, and must not be older.

    Gives the sizes of those that were compared.
    """
    connected = larger = 0
    sizes = set()
    for stored in seen:
        note = LogNote.from_bytes(stored, where="trust file")
        old = note.checkpoint
        try:
            notes.verify(
                note,
                record.log_keys(volume),
                origin=volume.checkpoint.origin,
                where=f"trust file, note {old.size}",
            )
        except CustodyError as error:
            findings.error("known notes", error)
            continue
        if old.size > volume.checkpoint.size:
            larger = max(larger, old.size)
            continue
        hashes: tuple[bytes, ...] | None = (
            () if old.size in (0, volume.checkpoint.size) else proofs.get(old.size)
        )
        if hashes is None:
            times.not_connected.append(volume.base + old.size)
            findings.not_checked(
                "known notes", f"no proof connects the note of {old.size} entries that you have seen"
            )
            continue
        sizes.add(old.size)
        try:
            if old.size or old.root != EMPTY_ROOT:  # an empty record needs no proof
                proof.check_consistency(old, volume.checkpoint, hashes)
            connected += 1
            times.seen_itself |= not volume.closed and old.size == volume.checkpoint.size
        except CustodyError:
            findings.failed(
                "known notes",
                f"the record was changed: it does not continue the {old.size} entries that you have seen",
                where=f"trust file, note {old.size}",
            )
    if connected:
        findings.passed(
            "known notes", f"the record continues all {connected} states that you have seen before"
        )
    if larger and volume.closed:
        times.not_gone_on.append(volume.number)
        findings.not_checked(
            "known notes",
            f"the record was continued from a state older than what you hold: volume {volume.number} stood at"
            f" {volume.checkpoint.size} entries",
        )
    elif larger:
        times.newest_seen = volume.base + larger
        findings.not_checked(
            "known notes",
            f"this package is older than what you hold: {record.size} of {times.newest_seen} entries",
        )
    return sizes
