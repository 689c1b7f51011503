"""Names and numbers: origins, ids, labels, key ids (docs/format/names.md)."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import threading
from collections.abc import Callable

from custody.errors import FormatError
from custody.format.text import show

ORIGIN = re.compile(r"custody/[a-z2-7]{26}")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# Neutral by pattern: no lower case, no spaces, so a label can hardly be a person's name by accident.
EXHIBIT_LABEL = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,23}")
ITEM_LABEL = re.compile(r"[A-Z0-9][A-Z0-9.-]{0,23}/(?:[0-9]{2}|[1-9][0-9]{2,5})(?:\.[1-9][0-9]{0,5})*")


def new_origin(random: bytes) -> str:
    """``custody/`` and 26 base32 characters of 130 random bits (17 bytes are taken)."""
    text = base64.b32encode(random[:17]).decode("ascii").lower()
    return f"custody/{text[:26]}"


def check_origin(value: object, *, where: str) -> str:
    """An origin, or FormatError."""
    return _check(ORIGIN, value, "an origin", "custody/ and 26 base32 characters", where)


def check_id(value: object, *, where: str) -> str:
    """A UUID version 7 in its canonical text form (RFC 9562), or FormatError."""
    return _check(ID, value, "an id", "a UUID version 7", where)


def check_exhibit_label(value: object, *, where: str) -> str:
    """A label like ``A-3``, or FormatError."""
    return _check(EXHIBIT_LABEL, value, "an exhibit label", "A-Z, 0-9, dot and dash, at most 24", where)


def check_item_label(value: object, *, where: str) -> str:
    """A label like ``A-3/01``, or FormatError."""
    return _check(ITEM_LABEL, value, "an item label", "an exhibit label, a slash and a number", where)


def _check(pattern: re.Pattern[str], value: object, what: str, expected: str, where: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise FormatError(f"not {what}", where=where, expected=expected, found=show(repr(value), 80))
    return value


@functools.lru_cache(maxsize=64)
def key_id(sign_key: bytes) -> str:
    """The id of a signing key: lower-case hex SHA-256 of the raw Ed25519 public key."""
    return hashlib.sha256(sign_key).hexdigest()


@functools.lru_cache(maxsize=1024)
def id_bytes(identifier: str) -> bytes:
    """The 16 bytes of an id in its canonical text form; ValueError for what is none.

    A tenth of the time of the library's UUID, which also reads every other form; ten are needed for an item.
    """
    data = bytes.fromhex(identifier.replace("-", ""))
    if len(data) != 16:
        raise ValueError("not the 32 digits of an id")
    return data


def short(identifier: str) -> str:
    """How an id is shown: its last eight digits (ids made together begin alike)."""
    return identifier[-8:]


class IdMaker:
    """Makes UUIDs version 7 (RFC 9562, section 5.7), growing within one process.

    ``now_ms`` gives Unix milliseconds, ``random`` gives that many random bytes. When the clock stands
    or goes back, the 12 bits behind the time count on, and beyond them the time itself: ids grow all
    the same.
    """

    def __init__(self, now_ms: Callable[[], int], random: Callable[[int], bytes]) -> None:
        self._now_ms = now_ms
        self._random = random
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        """The next id."""
        with self._lock:
            seed = int.from_bytes(self._random(2), "big") & 0x7FF  # the upper half is room to count
            self._last = max((self._now_ms() << 12) | seed, self._last + 1)
            head = self._last
        tail = int.from_bytes(self._random(8), "big") & (2**62 - 1)
        number = (head >> 12 & 2**48 - 1) << 80 | 7 << 76 | (head & 0xFFF) << 64 | 2 << 62 | tail
        text = f"{number:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
