"""What the readers of this room share: what a line tells, in a row's words; what is said; ports that can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from custody.evidence.network.ip import Address


class Said(NamedTuple):
    """Addresses, values by the keys of `model.IP_VALUES` (None: not said) and flags of a row."""

    address: Address
    dest: Address | None
    values: Mapping[str, Any]
    flags: tuple[str, ...] = ()


def port_of(text: str | None) -> int | None:
    """A port that can be one; None for 0, for what is too large and where none is written."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 5:
        return None
    return int(text) if 0 < int(text) <= 65535 else None


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are said: a key without a value would pass for a port that is recorded."""
    return {name: value for name, value in values.items() if value is not None}
