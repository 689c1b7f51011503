"""Sealing: a log note over everything so far, and tokens over it from the authorities that are named.

Only the newest note needs a token: it covers all older entries. Where there is no network the note
waits; nothing else does. A tail that says only that sealing or a backup was done is not unsealed work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from custody.anchor.authority import Authority, Refused, Unreachable, request_token
from custody.errors import CustodyError
from custody.format.note import LogNote
from custody.ledger.store import View
from custody.procedure import authorities
from custody.procedure.locker import Desk
from custody.verify.token import Token, check_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An authority that gave no token, and why; ``reached`` is False when the note waits for a network."""

    url: str
    problem: str
    reached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What sealing did. ``size``: entries covered; ``note``: the log note; tokens and who is waited for.

    ``why_not`` is set, and all else empty, when this custodian can't seal.
    """

    size: int = 0
    note: LogNote | None = None
    tokens: tuple[Token, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    authorities: int = 0
    why_not: str | None = None


_NO_WORK = ("checkpoint.timestamped", "ledger.backed_up", "recovery.tried")
"""Who seals and backs up would else be told to seal again, for ever."""


def unsealed(view: View) -> int:
    """How many entries no log note covers; a tail of `_NO_WORK` alone counts as none."""
    newest = view.newest_note()
    size = view.size
    covered = 0 if newest is None else newest[0]
    if all(stored.read().kind in _NO_WORK for stored in view.entries(covered, size)):
        return 0
    return size - covered


def seal(desk: Desk, *, renew: bool = False, timeout: float = 15.0) -> Sealed:
    """Sign a log note if there is unsealed work, then ask every authority that has not stamped the newest one."""
    if not desk.rights.holds(desk.key_id, "seal", None):
        return Sealed(why_not="your key has no right to seal; the entries wait for somebody who has it")
    log_keys = desk.log_keys()
    with desk.locker.ledger.reading() as view:
        open_work = unsealed(view)
        newest = view.newest_note()
    if open_work or newest is None or renew:
        with desk.write() as writer:
            note = writer.sign_note(log_keys)
    else:
        note = LogNote.from_bytes(newest[1], where=f"note {newest[0]}")
    tokens, waiting, asked = stamp(desk, note, timeout=timeout)
    return Sealed(
        size=note.checkpoint.size,
        note=note,
        tokens=tuple(token for _, token in tokens),
        waiting=tuple(waiting),
        authorities=asked,
    )


def stamp(
    desk: Desk, note: LogNote, *, timeout: float = 15.0
) -> tuple[list[tuple[bytes, Token]], list[Waiting], int]:
    """Ask each authority that has not stamped this note. Gives (tokens kept now, who is waited for, all asked).

    Each token is checked before it is kept, and logged as `checkpoint.timestamped`.
    """
    with desk.locker.ledger.reading() as view:
        named = authorities.in_force(view, desk.rights)
        have = {tsr for size, tsr in view.tokens() if size == note.checkpoint.size}
    data = note.to_bytes()
    got: list[tuple[bytes, Token]] = []
    waiting: list[Waiting] = []
    for authority in named:
        if stamped_by(authority, have, data):
            continue
        try:
            got.append(_ask(desk, authority, data, timeout))
        except (Unreachable, Refused) as error:
            reached = isinstance(error, Refused)
            waiting.append(Waiting(url=authority.url, problem=error.message, reached=reached))
    if got:
        keep(desk, note, got)
    # After keeping, which forgets older tries: those of this round are the ones that todo tells.
    for one in waiting:
        desk.locker.work.attempted(note.checkpoint.size, one.url, desk.rim.wall(), one.problem)
    return got, waiting, len(named)


def _ask(desk: Desk, authority: Authority, data: bytes, timeout: float) -> tuple[bytes, Token]:
    nonce = int.from_bytes(desk.rim.random(8), "big") | 1
    tsr = request_token(authority, data, now=desk.rim.now, nonce=nonce, timeout=timeout)
    token = check_token(
        tsr, data, roots=authority.roots, now=desk.rim.now(), policies=authority.policies, nonce=nonce
    )
    return tsr, token


def stamped_by(authority: Authority, have: set[bytes], data: bytes) -> bool:
    """True when one of the tokens ``have`` over this note (``data``) chains to a root of the authority."""
    for tsr in have:
        try:
            token = check_token(tsr, data, roots=authority.roots, now=None, policies=authority.policies)
        except CustodyError:
            continue
        # Without a root nobody can say whose token it is: one token is then enough for this address.
        if token.root_sha256 is not None or not authority.roots:
            return True
    return False


def keep(desk: Desk, note: LogNote, tokens: Sequence[tuple[bytes, Token]]) -> None:
    """Keep checked tokens over a note and log each."""
    size = note.checkpoint.size
    with desk.write() as writer:
        for tsr, token in tokens:
            writer.append.add_token(size, hashlib.sha256(tsr).digest(), tsr)
            writer.add(
                "checkpoint.timestamped",
                "ledger",
                desk.locker.ledger_id,
                public={
                    "size": size,
                    "note": note.sha256,
                    "token": hashlib.sha256(tsr).hexdigest(),
                    "root": token.root_sha256,
                    "test": token.test,
                },
            )
        # What an authority has seen has left the locker.
        writer.append.add_issued(size)
    desk.locker.work.forget_attempts(size)


def name_authorities(desk: Desk, tsa: Sequence[authorities.Named]) -> None:
    """Add authorities to those that are asked, or replace one of the same address."""
    desk.need("admin", None, what="seal --tsa")
    with desk.locker.ledger.reading() as view:
        old = authorities.in_force(view, desk.rights)
    new_urls = {named.url for named in tsa}
    kept = [
        authorities.Named(url=a.url, roots=a.roots, policies=a.policies) for a in old if a.url not in new_urls
    ]
    with desk.write() as writer:
        authorities.set_policy(writer, desk.locker.ledger_id, [*kept, *tsa])
