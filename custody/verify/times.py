"""When: tokens over log notes, the proofs that connect them, and what the trust file has seen before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from custody.crypto import notes
from custody.errors import CustodyError
from custody.format import package, proof
from custody.format.note import Checkpoint, LogNote
from custody.format.trust import Trust
from custody.verify.bundle import Bundle
from custody.verify.record import Record
from custody.verify.report import Findings
from custody.verify.token import Token, TokenError, check_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """A checked token over a note of this record; ``size`` entries existed at its time."""

    size: int
    token: Token
    logged_at: int | None
    """The entry number of its `checkpoint.timestamped`, when the package ships it."""

    @property
    def trusted(self) -> bool:
        """True when it ends in a root that the trust file has."""
        return self.token.root_sha256 is not None

    @property
    def latest(self) -> dt.datetime:
        """The entries existed no later than this: its time plus its accuracy."""
        return self.token.gen_time + dt.timedelta(microseconds=self.token.accuracy_us or 0)

    @property
    def earliest(self) -> dt.datetime:
        """What quotes it was made no earlier than this."""
        return self.token.gen_time - dt.timedelta(microseconds=self.token.accuracy_us or 0)


@dataclass(slots=True)
class Times:
    """The tokens, and what the trust file's notes say of this package."""

    tokens: list[Proven] = field(default_factory=list)
    not_connected: list[int] = field(default_factory=list)
    newest_seen: int | None = None

    def not_after(self, seq: int) -> Proven | None:
        """The earliest trusted token whose note covers entry ``seq``."""
        covering = [proven for proven in self.tokens if proven.trusted and proven.size > seq]
        return min(covering, key=lambda proven: proven.latest, default=None)

    def not_before(self, seq: int) -> Proven | None:
        """The newest trusted token that the record itself quotes before entry ``seq``."""
        before = [p for p in self.tokens if p.trusted and p.logged_at is not None and p.logged_at < seq]
        return max(before, key=lambda proven: proven.earliest, default=None)


def check(bundle: Bundle, record: Record, trust: Trust, now: dt.datetime | None, findings: Findings) -> Times:
    """Check every token that the package ships, and connect every note that is known."""
    times = Times()
    proofs = _proofs(bundle, findings)
    for name in bundle.names:
        match = package.NOTE_NAME.fullmatch(name)
        if match is not None and int(match[1]) != record.checkpoint.size:
            _note_connected(bundle, record, name, int(match[1]), proofs, findings)
    for name in bundle.names:
        match = package.TOKEN_NAME.fullmatch(name)
        if match is not None:
            _token(bundle, record, name, int(match[1]), trust, now, times, findings)
    known = trust.ledger(record.checkpoint.origin)
    if known is not None:
        _seen_before(record, known.notes, proofs, times, findings)
    if not findings.has_failed("consistency") and proofs:
        findings.passed("consistency", f"{len(proofs)} proofs that the record only grew are well formed")
    return times


def _proofs(bundle: Bundle, findings: Findings) -> dict[int, tuple[bytes, ...]]:
    found = {}
    for name in bundle.names:
        match = package.CONSISTENCY_NAME.fullmatch(name)
        if match is None:
            continue
        try:
            size, hashes = proof.read_consistency(bundle.read(name, 64 * 1024), where=name)
        except CustodyError as error:
            findings.error("consistency", error)
            continue
        if size != int(match[1]):
            findings.failed("consistency", "a proof of another size than its name says", where=name)
            continue
        found[size] = hashes
    return found


def _read_note(bundle: Bundle, record: Record, name: str) -> Checkpoint:
    note = LogNote.from_bytes(bundle.read(name, 64 * 1024), where=name)
    return notes.verify(note, record.rights.log_keys, origin=record.checkpoint.origin, where=name)


def _note_connected(
    bundle: Bundle,
    record: Record,
    name: str,
    size: int,
    proofs: dict[int, tuple[bytes, ...]],
    findings: Findings,
) -> None:
    try:
        checkpoint = _read_note(bundle, record, name)
        if checkpoint.size != size:
            findings.failed("consistency", "a note of another size than its name says", where=name)
        elif size not in proofs:
            findings.failed("consistency", "a note without a proof that the record grew from it", where=name)
        else:
            proof.check_consistency(checkpoint, record.checkpoint, proofs[size])
    except CustodyError as error:
        findings.error("consistency", error)


def _token(
    bundle: Bundle,
    record: Record,
    name: str,
    size: int,
    trust: Trust,
    now: dt.datetime | None,
    times: Times,
    findings: Findings,
) -> None:
    note_name = f"{package.RECORD}log/{size}.note"
    if note_name not in bundle:
        findings.failed("tokens", "a token without its note", where=name)
        return
    try:
        tsr = bundle.read(name, 64 * 1024)
        data = bundle.read(note_name, 64 * 1024)
        token = _best(tsr, data, trust, now)
    except CustodyError as error:
        findings.failed("tokens", error.what, where=name, expected=error.expected, found=error.found)
        return
    logged_at = _logged_at(record, size, token)
    times.tokens.append(Proven(size=size, token=token, logged_at=logged_at))
    marked = " (test authority, not for court)" if token.test else ""
    when = token.gen_time.strftime("%Y-%m-%d %H:%M:%S UTC")
    if token.root_sha256 is None:
        findings.not_checked("tokens", f"authority not known: {token.signer} says {when}{marked}", where=name)
    else:
        findings.passed(
            "tokens",
            f"{token.signer}: the first {size} entries existed no later than {when}{marked}",
            where=name,
        )


def _best(tsr: bytes, data: bytes, trust: Trust, now: dt.datetime | None) -> Token:
    """The token under the first authority of the trust file that knows it; else as one of nobody known."""
    future = dt.timedelta(seconds=trust.max_future)
    problem: CustodyError | None = None
    for authority in trust.authorities:
        try:
            token = check_token(tsr, data, roots=authority.roots, now=now, max_future=future)
        except CustodyError as error:
            problem = error
            continue
        if token.root_sha256 is None:
            continue
        if not authority.policies or token.policy in authority.policies:
            return token
        problem = TokenError("a token under another policy than the trust file allows", found=token.policy)
    # No authority knows it: it must still hold as far as it carries itself.
    token = check_token(tsr, data, roots=(), now=now, max_future=future)
    if problem is not None:
        raise problem
    return token


def _logged_at(record: Record, size: int, token: Token) -> int | None:
    for placed in record.entries.values():
        body = placed.body
        if (
            body is not None
            and body.kind == "checkpoint.timestamped"
            and body.public["token"] == token.tsr_sha256
            and body.public["size"] == size
        ):
            return placed.seq
    return None


def _seen_before(
    record: Record,
    seen: Sequence[bytes],
    proofs: dict[int, tuple[bytes, ...]],
    times: Times,
    findings: Findings,
) -> None:
    """Notes that the verifier's side has seen: this package must continue them, and must not be older."""
    connected = 0
    for stored in seen:
        note = LogNote.from_bytes(stored, where="trust file")
        old = note.checkpoint
        try:
            notes.verify(
                note,
                record.rights.log_keys,
                origin=record.checkpoint.origin,
                where=f"trust file, note {old.size}",
            )
        except CustodyError as error:
            findings.error("known notes", error)
            continue
        if old.size > record.checkpoint.size:
            times.newest_seen = max(times.newest_seen or 0, old.size)
            continue
        hashes: tuple[bytes, ...] | None = () if old.size == record.checkpoint.size else proofs.get(old.size)
        if hashes is None:
            times.not_connected.append(old.size)
            findings.not_checked(
                "known notes", f"no proof connects the note of {old.size} entries that you have seen"
            )
            continue
        try:
            proof.check_consistency(old, record.checkpoint, hashes)
            connected += 1
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
    if times.newest_seen is not None:
        findings.not_checked(
            "known notes",
            f"this package is older than what you hold: {record.checkpoint.size} of {times.newest_seen} entries",
        )
