"""The mapping that a person states: which column is what, and how its texts are to be read."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custody.errors import InputRefused
from custody.evidence.chat import times
from custody.evidence.chat.table import when
from custody.format.text import show

ROLES = ("time", "date", "sender", "sender_id", "text", "conversation", "id", "attachment", "recipient")
"""What a column can be. ``date``: where the day stands in a column of its own, before ``time``."""
KEYS = ("time_format", "zone", "encoding", "delimiter", "quoting", "header", "sheet", "profile")

VIBER = "viber-text"
PROFILES: dict[str, dict[str, str]] = {
    VIBER: {
        "delimiter": "tab",
        "quoting": "double",
        "header": "no",
        "date": "#1",
        "time": "#2",
        "sender": "#3",
        "sender_id": "#4",
        "text": "#5",
    },
}
"""Mappings that are built in. `viber-text`: the message history that Viber for phones sends by e-mail."""
FORMULA_QUOTES = frozenset({VIBER})
"""Profiles whose cells stand as ``="..."``: the writer's way to keep a spreadsheet from changing them."""

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A mapping, checked. ``columns``: header text or ``#n`` (from 1) by role."""

    columns: Mapping[str, str]
    time_format: str | None = None
    zone: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: str | None = None
    header: bool = True
    sheet: str | None = None
    profile: str | None = None

    @property
    def formula_quotes(self) -> bool:
        """Whether ``="text"`` stands for text."""
        return self.profile in FORMULA_QUOTES


def parse(mapping: Mapping[str, str], roles: Sequence[str] = ROLES) -> Plan:
    """The plan of a stated mapping; InputRefused where it names what there is not. ``roles``: what columns can be."""
    unknown = sorted(set(mapping) - set(roles) - set(KEYS))
    if unknown:
        raise InputRefused(
            "the mapping has a word that means nothing",
            where="mapping",
            expected=", ".join((*roles, *KEYS)),
            found=show(unknown[0], 64),
        )
    profile = mapping.get("profile")
    if profile is not None and profile not in PROFILES:
        raise InputRefused(
            "there is no profile of this name",
            where="mapping",
            expected=", ".join(PROFILES),
            found=show(profile, 64),
        )
    whole = {**PROFILES.get(profile or "", {}), **mapping}
    columns = {role: whole[role] for role in roles if whole.get(role)}
    if not columns:
        raise InputRefused(
            "the mapping names no column", where="mapping", expected=f"some of {', '.join(roles)}"
        )
    header = _one_of(whole, "header", ("yes", "no")) != "no"
    if not header and (named := sorted(one for one in columns.values() if number(one) is None)):
        raise InputRefused(
            "a table without a header has no column of a name",
            where="mapping",
            expected="#1, #2, …",
            found=show(named[0], 64),
        )
    delimiter = whole.get("delimiter")
    if (
        delimiter is not None
        and (delimiter := DELIMITERS.get(delimiter, delimiter)) not in DELIMITERS.values()
    ):
        raise InputRefused(
            "not a delimiter", where="mapping", expected=", ".join(DELIMITERS), found=show(delimiter, 20)
        )
    if whole.get("zone") is not None:
        times.zone(whole["zone"])
    if whole.get("time_format") is not None:
        when.compile_format(whole["time_format"])
    return Plan(
        columns=columns,
        time_format=whole.get("time_format"),
        zone=whole.get("zone"),
        encoding=_encoding(whole.get("encoding")),
        delimiter=delimiter,
        quoting=_one_of(whole, "quoting", ("double", "none")),
        header=header,
        sheet=whole.get("sheet"),
        profile=profile,
    )


def _one_of(whole: Mapping[str, str], key: str, allowed: Sequence[str]) -> str | None:
    value = whole.get(key)
    if value is not None and value not in allowed:
        raise InputRefused(
            f"{key} is neither of the two",
            where="mapping",
            expected=" or ".join(allowed),
            found=show(value, 20),
        )
    return value


_WIDE = {"utf-16": "utf-16-le", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be"}
# In these, bytes of commas and line ends may be halves of other characters, or they are no encodings of text files.
_REFUSED = (
    "utf-32",
    "utf-7",
    "iso2022",
    "hz",
    "idna",
    "punycode",
    "unicode-escape",
    "raw-unicode-escape",
    "undefined",
)


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        info = codecs.lookup(name[:64])
    except (LookupError, ValueError):
        info = None
    if info is None or not info._is_text_encoding or info.name.startswith(_REFUSED):
        raise InputRefused(
            "an encoding that is not known here",
            where="mapping",
            found=show(name, 40),
            hint="for instance windows-1252",
        )
    if info.name == "utf-8-sig":
        return "utf-8"
    return _WIDE.get(info.name, info.name)


def number(column: str) -> int | None:
    """The index (from 0) that ``#n`` stands for; None for a name."""
    digits = column[1:]
    if column[:1] == "#" and digits.isascii() and digits.isdigit() and len(digits) < 6 and int(digits):
        return int(digits) - 1
    return None


def places(columns: Mapping[str, str], header: Sequence[str] | None) -> tuple[dict[str, int], list[str]]:
    """The index of each role's column under a ``header``, and the columns that it does not have (or has twice)."""
    found: dict[str, int] = {}
    missing: list[str] = []
    names = [] if header is None else [name.strip() for name in header]
    for role, column in columns.items():
        if names.count(column.strip()) == 1:
            found[role] = names.index(column.strip())
        elif column.strip() not in names and (at := number(column)) is not None:
            found[role] = at
        else:
            missing.append(column)
    return found, missing
