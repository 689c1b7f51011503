"""Sentences and spellings that several commands share."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from custody.errors import UsageError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.cli.output import Output
    from custody.procedure.authorities import Named
    from custody.procedure.seal import Sealed, Waiting
    from custody.verify.token import Token

TEST_AUTHORITY = "test authority, not for court"


def quoted(text: str) -> str:
    """A word of a command as a person can copy it into a shell."""
    return shlex.quote(show(text))


def named_authorities(
    order: Sequence[str], urls: Sequence[str], roots: Sequence[str], *, root_limit: int = 1024 * 1024
) -> list[Named]:
    """The pairs ``--tsa URL --tsa-root PEM`` in the order they were given; a root belongs to the URL before it."""
    from custody.cli.session import read_small
    from custody.procedure.authorities import Named
    from custody.verify.token import read_roots

    pairs: list[tuple[str, list[bytes]]] = []
    next_url, next_root = iter(urls), iter(roots)
    for name in order:
        if name == "tsa":
            pairs.append((next(next_url), []))
        elif name == "tsa_root":
            if not pairs:
                raise UsageError(
                    "--tsa-root stands before any --tsa",
                    expected="--tsa URL --tsa-root PEM",
                    hint="name the authority first, then the root certificate that it hands out",
                )
            path = next(next_root)
            pairs[-1][1].extend(read_roots(read_small(path, limit=root_limit), show(path)))
    return [Named(url=url, roots=tuple(dict.fromkeys(found))) for url, found in pairs]


def say_sealed(out: Output, sealed: Sealed) -> None:
    """What sealing did, in sentences."""
    from custody.cli.output import count_text

    if sealed.why_not is not None:
        out.say(f"not sealed: {sealed.why_not}")
        return
    out.say(f"signed: the record's state after {count_text(sealed.size, 'entry', 'entries')}")
    say_tokens(out, sealed.tokens, sealed.waiting, sealed.authorities)


def say_tokens(out: Output, tokens: Sequence[Token], waiting: Sequence[Waiting], asked: int) -> None:
    """Which time proofs there are, and which are waited for."""
    for token in tokens:
        out.say(f"time proof: {token_words(token)}")
    for one in waiting:
        why = "its answer can't be kept" if one.reached else "it could not be reached, the request waits"
        out.say(f"no time proof yet from {show(one.url)}: {why}: {show(one.problem, 400)}")
    if asked == 0:
        out.say("no time proof: this locker names no time authority (custody seal --tsa URL --tsa-root PEM)")
    elif waiting:
        out.say("custody seal asks again; nothing else has to wait")


def token_words(token: Token) -> str:
    """When, by whom, and what it is worth."""
    text = f"existed no later than {moment(token.gen_time)}, says {token.signer}"
    if token.test:
        return f"{text} ({TEST_AUTHORITY})"
    return (
        text if token.root_sha256 is not None else f"{text} (authority not known: no root was named with it)"
    )


def moment(value: Any) -> str:
    """A UTC time for people."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(value, "strftime") else str(value)


def sealed_value(sealed: Sealed | None) -> dict[str, Any] | None:
    """What sealing did, for --json."""
    if sealed is None:
        return None
    return {
        "size": sealed.size,
        "note_sha256": None if sealed.note is None else sealed.note.sha256,
        "authorities": sealed.authorities,
        "tokens": [
            {
                "time": token.gen_time.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "signer": token.signer,
                "root_sha256": token.root_sha256,
                "test_authority": token.test,
                "note": TEST_AUTHORITY if token.test else None,
            }
            for token in sealed.tokens
        ],
        "waiting": [
            {"url": waiting.url, "problem": waiting.problem, "reached": waiting.reached}
            for waiting in sealed.waiting
        ],
        "why_not": sealed.why_not,
    }
