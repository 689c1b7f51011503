"""The trust file: what the verifier's own side believes. It never stands in a package.

It can demand more than origin and time, never less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custody.errors import FormatError
from custody.format import canonical, shape
from custody.format.note import LogNote
from custody.format.shape import BASE64, BOOLEAN, DIGEST, INTEGER, ORIGIN, choice, list_of, record, text
from custody.format.text import from_base64, to_base64

MAX_BYTES = 16 << 20
MAX_NESTED = 50_000
"""Opening brackets; 4,096 ledgers and 256 authorities need 9,500. Each costs a hundred times its byte in memory."""

REQUIREMENTS = ("every-entry-timed", "no-test-authority", "connected")
"""What a trust file may demand beyond origin and time."""

SHAPE = record(
    {
        "v": {"const": 1},
        "ledgers": list_of(
            record(
                {
                    "origin": ORIGIN,
                    "genesis": DIGEST,
                    "notes": list_of(text(16_384), most=4_096),
                }
            ),
            most=4_096,
        ),
        "authorities": list_of(
            record(
                {
                    "roots": list_of(BASE64, most=16, least=1),
                    "policies": list_of(text(128), most=16),
                    "source": text(2_048),
                    "test": BOOLEAN,
                }
            ),
            most=256,
        ),
        "witnesses": record({"keys": list_of(BASE64, most=64), "need": INTEGER}),
        "require": list_of(choice(*REQUIREMENTS), most=len(REQUIREMENTS)),
        "max_future": INTEGER,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedLedger:
    """A ledger that is believed: its genesis leaf hash (hex), and log notes of it that were seen."""

    origin: str
    genesis: str
    notes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedAuthority:
    """Timestamp roots (DER) that are believed; ``policies`` empty means any. ``test``: never for court."""

    roots: tuple[bytes, ...]
    policies: tuple[str, ...]
    source: str
    test: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A trust file. ``max_future``: seconds that a token may lie ahead of the verifier's clock."""

    ledgers: tuple[TrustedLedger, ...] = ()
    authorities: tuple[TrustedAuthority, ...] = ()
    require: tuple[str, ...] = ()
    max_future: int = 300

    def to_bytes(self) -> bytes:
        """The canonical JSON bytes, with a newline at the end."""
        value = {
            "v": 1,
            "ledgers": [
                {
                    "origin": ledger.origin,
                    "genesis": ledger.genesis,
                    "notes": [note.decode("utf-8") for note in ledger.notes],
                }
                for ledger in self.ledgers
            ],
            "authorities": [
                {
                    "roots": [to_base64(root) for root in authority.roots],
                    "policies": list(authority.policies),
                    "source": authority.source,
                    "test": authority.test,
                }
                for authority in self.authorities
            ],
            "witnesses": {"keys": [], "need": 0},
            "require": list(self.require),
            "max_future": self.max_future,
        }
        return canonical.encode(value, where="trust file") + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Trust:
        """The trust file, or FormatError. A person may have edited it, so any JSON spelling is read."""
        value = _loosely(data, where)
        shape.check(value, SHAPE, where=where)
        if value["witnesses"]["keys"] or value["witnesses"]["need"]:
            raise FormatError("asks for witnesses, which this version can't check", where=where)
        ledgers = tuple(_ledger(row, where) for row in value["ledgers"])
        if len({ledger.origin for ledger in ledgers}) != len(ledgers):
            raise FormatError("one origin twice", where=where)
        authorities = tuple(
            TrustedAuthority(
                roots=tuple(from_base64(root, where=where) for root in row["roots"]),
                policies=tuple(row["policies"]),
                source=row["source"],
                test=row["test"],
            )
            for row in value["authorities"]
        )
        return cls(
            ledgers=ledgers,
            authorities=authorities,
            require=tuple(value["require"]),
            max_future=value["max_future"],
        )

    def ledger(self, origin: str) -> TrustedLedger | None:
        """The believed ledger of that origin."""
        return next((ledger for ledger in self.ledgers if ledger.origin == origin), None)


def _ledger(row: Mapping[str, Any], where: str) -> TrustedLedger:
    notes = tuple(note.encode("utf-8") for note in row["notes"])
    for note in notes:
        checkpoint = LogNote.from_bytes(note, where=f"{where}, note").checkpoint
        if checkpoint.origin != row["origin"]:
            raise FormatError(
                "a note of another ledger", where=where, expected=row["origin"], found=checkpoint.origin
            )
    return TrustedLedger(origin=row["origin"], genesis=row["genesis"], notes=notes)


def _loosely(data: bytes, where: str) -> dict[str, Any]:
    """Any JSON spelling, still without doubled keys, floats, or more depth and size than bounded."""
    if len(data) > MAX_BYTES:
        raise FormatError(
            "too long", where=where, expected=f"at most {MAX_BYTES} bytes", found=f"{len(data)}"
        )

    if data.count(b"{") + data.count(b"[") > MAX_NESTED:
        raise FormatError("more lists and objects than a trust file can have", where=where)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise FormatError("a key twice", where=where)
        return found

    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=once)
        canonical.encode(value, where=where)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise FormatError("not a trust file", where=where, expected="JSON") from error
    if not isinstance(value, dict):
        raise FormatError("not a trust file", where=where, expected="a JSON object")
    return value
