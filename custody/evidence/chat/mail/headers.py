"""Headers of a mail: all of them, as they stand, and what the standard library reads in them.

Parsing is lenient and told: what the library can't read stays as text. Values that could cost it much
time are not given to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from email import policy
from email.utils import getaddresses
from typing import Any, NamedTuple

from custody.evidence.chat.mail.window import Window, judge

MAX_HEADER = 256 << 10
"""Bytes of one header block that are read; what lies behind is a fault that is told."""
MAX_VALUE = 16 << 10
"""Characters of one value that the library is given: some of its steps take the square of it."""
MAX_ADDRESSES = 2_000

_NAME = re.compile(rb"[!-9;-~]+[ \t]*:")
_FAULTS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    AssertionError,
)
_PARAMETER = re.compile(r";\s*+([!-:<-~]++)\s*+=\s*+(?:\"((?:[^\"\\]|\\.)*+)\"|([^;\s]*+))")


class Field(NamedTuple):
    """One header: its name as written, its value unfolded and still as bytes."""

    name: str
    value: bytes

    @property
    def text(self) -> str:
        """The value as text: UTF-8 where it is, else bytes above 7F as ``\\x..``."""
        try:
            return self.value.decode("utf-8")
        except UnicodeDecodeError:
            return self.value.decode("ascii", "backslashreplace")


class Mailbox(NamedTuple):
    """An address of a From, To or Cc: the name shown and the address itself, either may be empty."""

    name: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """A header block. ``faults``: what was wrong with its form."""

    fields: tuple[Field, ...]
    faults: tuple[str, ...] = ()

    def all(self, name: str) -> list[Field]:
        """Every field of that name (lower case), in order."""
        return [field for field in self.fields if field.name.lower() == name]

    def first(self, name: str) -> Field | None:
        """The first of them, or None."""
        return next((field for field in self.fields if field.name.lower() == name), None)


def read(window: Window, at: int, known: Collection[bytes]) -> tuple[Headers, int]:
    """The header block that begins at ``at``, and where the body begins.

    It ends at an empty line, at a boundary line of ``known``, or at a line that is no header.
    """
    fields: list[tuple[str, list[bytes]]] = []
    faults: set[str] = set()
    used = 0
    continued = False  # the last piece had no line end: what follows belongs to it
    while line := window.line(at):
        if not continued:
            if line in (b"\n", b"\r\n"):
                at += len(line)
                break
            if judge(line, known) is not None:
                faults.add("no_empty_line_after_headers")
                break
            match = _NAME.match(line)
            if match is None and not (fields and line[:1] in (b" ", b"\t")):
                if not fields and line.startswith((b">From ", b"From ")):
                    at += len(line)  # an envelope line in front of the headers
                    faults.add("envelope_line_in_headers")
                    continued = not line.endswith(b"\n")
                    continue
                faults.add("no_empty_line_after_headers")
                break
        at += len(line)
        used += len(line)
        if used > MAX_HEADER:
            faults.add("headers_too_long")
        elif continued or match is None:
            if fields:
                fields[-1][1].append(line)
        else:
            name = line[: match.end() - 1].rstrip(b" \t").decode("ascii")
            fields.append((name, [line[match.end() :]]))
        continued = not line.endswith(b"\n")
    whole = tuple(Field(name, _unfold(b"".join(value))) for name, value in fields)
    return Headers(fields=whole, faults=tuple(sorted(faults))), at


def _unfold(value: bytes) -> bytes:
    return value.replace(b"\r\n", b"").replace(b"\n", b"").replace(b"\r", b"").strip(b" \t")


def decoded(field: Field) -> tuple[str, tuple[str, ...]]:
    """The value with its encoded words read (RFC 2047), and the faults in it."""
    text = field.text
    faults = () if field.value.isascii() else ("header_8bit",)
    if "=?" not in text:
        return text, faults
    parsed, more = _parse("Subject", text)
    return (text if parsed is None else str(parsed)), (*faults, *more)


def addresses(field: Field) -> tuple[list[Mailbox], tuple[str, ...]]:
    """The addresses of a From, To, Cc, Bcc, Sender or Reply-To, groups opened, and the faults in it."""
    parsed, faults = _parse("To", field.text)
    found: list[Mailbox] = []
    if parsed is not None:
        try:
            found = [Mailbox(one.display_name or "", one.addr_spec or "") for one in parsed.addresses]
        except _FAULTS:
            faults = (*faults, "header_not_read")
    if not any(one.address for one in found) and len(field.text) <= MAX_VALUE:
        try:
            found = [
                Mailbox(name, address) for name, address in getaddresses([field.text]) if name or address
            ]
        except _FAULTS:
            found = []
    if len(found) > MAX_ADDRESSES:
        faults = (*faults, "too_many_addresses")
    group = parsed is not None and any(one.display_name for one in parsed.groups)
    if not found and field.value and not group:  # "undisclosed-recipients:;" names nobody, and is right
        faults = (*faults, "address_not_read")
    return found[:MAX_ADDRESSES], faults


class Value(NamedTuple):
    """A Content-Type or Content-Disposition: its word in lower case and its parameters (RFC 2231 read)."""

    word: str
    parameters: dict[str, str]
    faults: tuple[str, ...]


def structured(field: Field | None, name: str) -> Value:
    """The value of a Content-Type or Content-Disposition, read leniently where the library can't."""
    if field is None:
        return Value("", {}, ())
    parsed, faults = _parse(name, field.text)
    word, parameters = "", {}
    if parsed is not None:
        try:
            word = str(parsed.content_type if name == "Content-Type" else parsed.content_disposition or "")
            parameters = {str(key).lower(): str(value) for key, value in parsed.params.items()}
        except _FAULTS:
            faults = (*faults, "header_not_read")
    rough = field.text[:MAX_VALUE]
    if not word or (name == "Content-Type" and rough.partition(";")[0].strip().lower() != word.lower()):
        word = rough.partition(";")[0].strip()
    for match in _PARAMETER.finditer(rough):
        # The library drops parameters of values that it dislikes: a boundary or a file name is kept.
        parameters.setdefault(
            match[1].lower(), re.sub(r"\\(.)", r"\1", match[2]) if match[2] else match[3] or ""
        )
    return Value(word.lower()[:200], parameters, faults)


def _parse(name: str, text: str) -> tuple[Any, tuple[str, ...]]:
    if len(text) > MAX_VALUE:
        return None, ("header_too_long_to_read",)
    try:
        parsed = policy.default.header_factory(name, text)
        return parsed, tuple(sorted({_fault_name(type(one).__name__) for one in parsed.defects}))
    except _FAULTS:
        return None, ("header_not_read",)


def _fault_name(name: str) -> str:
    """InvalidHeaderDefect as invalid_header."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("Defect")).lower()
