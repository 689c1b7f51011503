"""Packages: names of the files in one, what `package.made` binds, what the exporter signs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from custody.errors import FormatError
from custody.format import canonical, names, shape
from custody.format.shape import DIGEST, ID, INTEGER, ORIGIN, or_null, record
from custody.format.text import lines_of

FORM = "bag/1"
MIMETYPE = b"application/vnd.custody.package+zip"

ROOT = "bag/"
RECORD = "custody/"
STATEMENT = RECORD + "package.dsse"
SHOWN = RECORD + "shown.json"
PROOFS = RECORD + "proofs.jsonl"
KEYS = RECORD + "keys.jsonl"
TRUST_NOTE = RECORD + "trust-is-elsewhere.txt"
README = "READ-ME-FIRST.txt"
MANIFESTS = ("manifest-sha256.txt", "manifest-sha512.txt")
TAG_MANIFESTS = ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt")

_VOLUME = r"(custody/(?:volumes/[1-9][0-9]?/)?)"
NOTE_NAME = re.compile(_VOLUME + r"log/(0|[1-9][0-9]{0,15})\.note")
TOKEN_NAME = re.compile(_VOLUME + r"log/(0|[1-9][0-9]{0,15})(?:\.([2-9]|[1-9][0-9]))?\.tsr")
CONSISTENCY_NAME = re.compile(_VOLUME + r"consistency/([1-9][0-9]{0,15})\.txt")
ENTRY_NAME = re.compile(_VOLUME + r"entries/(0|[1-9][0-9]{0,15})\.json")
PROOFS_NAME = re.compile(_VOLUME + r"proofs\.jsonl")
"""Names that each volume has. Group 1 is the volume's folder, group 2 the number."""

PART_NAME = re.compile(r"custody/parts/([0-9a-f]{64})")
PAYLOAD_NAME = re.compile(r"data/.+")

MAX_VOLUMES = 100
"""The newest lies in ``custody/`` itself, at most 99 closed ones in ``custody/volumes/<number>/``."""


def volume_folder(number: int | None) -> str:
    """Where a closed volume's files lie in the bag; None: the newest's."""
    return RECORD if number is None else f"{RECORD}volumes/{number}/"


DEFAULT_SHOWN = ("content", "name", "capture", "source", "legal", "title")
"""Compartments that a package shows when nothing is said."""

WITHHELD_UNLESS_SHOWN = ("place", "identity", "note", "handling", "purpose", "custodians")
"""What needs `--show`; ``custodians`` are the names in the ledger's own history."""

_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}
"""Windows opens a device under these, with any ending: the container's reader refuses them."""

# Fixed here: what a system's own table says differs from machine to machine, and so would paths.
_EXTENSIONS = {
    "application/gzip": "gz",
    "application/json": "json",
    "application/msword": "doc",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "application/vnd.custody.ip-reference+json;v=1": "json",
    "application/vnd.custody.payment-reference+json;v=1": "json",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.sqlite3": "sqlite",
    "application/vnd.custody.chat+jsonl;v=1": "jsonl",
    "application/x-ndjson": "ndjson",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/amr": "amr",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/rfc822": "eml",
    "application/mbox": "mbox",
    "text/csv": "csv",
    "text/html": "html",
    "text/plain": "txt",
    "text/vcard": "vcf",
    "text/xml": "xml",
    "video/3gpp": "3gp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-msvideo": "avi",
}

Row = tuple[str, str, int, str]
"""(type, id, n, leaf): the last entry about a subject."""


def payload_stem(label: str) -> str:
    """Where an item lies, without its ending: ``data/<exhibit>/<nnn>``."""
    exhibit, _, number = names.check_item_label(label, where="label").partition("/")
    first, _, rest = number.partition(".")
    before, dot, after = exhibit.partition(".")
    folder = f"{before}_{dot}{after}" if before in _RESERVED else exhibit
    if folder.endswith("."):
        folder += "_"
    return f"data/{folder}/{int(first):03d}{'.' + rest if rest else ''}"


def payload_path(label: str, media_type: str) -> str:
    """Where an item is written: its stem, and an ending from the media type alone.

    An original name never reaches the file system of whoever unpacks. A reader goes by the stem: the
    table of endings may grow, and old packages must stay right.
    """
    return f"{payload_stem(label)}.{_EXTENSIONS.get(media_type.lower(), 'bin')}"


PAYLOAD_ENDING = re.compile(r"\.[a-z0-9]{1,8}")


def contents_digest(files: Iterable[tuple[str, str]], keys: Iterable[tuple[int, str, str]]) -> str:
    """What `package.made` binds: SHA-256 of the JCS of payload [path, sha256] and shown keys [seq, compartment, key].

    The keys stand in it so that the digest, public for ever in the case's history, confirms no guess.
    """
    value = {
        "files": [list(row) for row in sorted(files)],
        "keys": [list(row) for row in sorted(keys)],
    }
    return hashlib.sha256(canonical.encode(value)).hexdigest()


def shown_bytes(rows: Iterable[Row]) -> bytes:
    """The bytes of `custody/shown.json`: [type, id, n, leaf], sorted by id."""
    return canonical.encode([list(row) for row in sorted(rows, key=lambda row: row[1])])


def read_shown(data: bytes, *, where: str) -> tuple[Row, ...]:
    """The rows of `custody/shown.json`, or FormatError."""
    value = canonical.decode(data, where=where, max_bytes=64 << 20)
    rows = []
    if not isinstance(value, list):
        raise FormatError("not a list", where=where)
    for row in value:
        if not isinstance(row, list) or len(row) != 4:
            raise FormatError("not a row of four", where=where)
        shape.check(row[0], {"enum": ["ledger", "case", "exhibit", "person", "request"]}, where=where)
        shape.check(row[1], ID, where=where)
        shape.check(row[2], INTEGER, where=where)
        shape.check(row[3], DIGEST, where=where)
        rows.append((row[0], row[1], row[2], row[3]))
    if [row[1] for row in rows] != sorted({row[1] for row in rows}):
        raise FormatError("not sorted by id, each once", where=where)
    return tuple(rows)


KEY_SHAPE = record(
    {
        "seq": INTEGER,
        "compartment": shape.text(40),
        "key": {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"},
    }
)


def key_lines(keys: Iterable[tuple[int, str, str]]) -> bytes:
    """The bytes of `keys.jsonl`: {seq, compartment, key} in order."""
    return b"".join(
        canonical.encode({"seq": seq, "compartment": compartment, "key": key}) + b"\n"
        for seq, compartment, key in sorted(keys)
    )


def read_key_lines(data: bytes, *, where: str) -> tuple[tuple[int, str, str], ...]:
    """(seq, compartment, key in base64) of each line, in order, each once; FormatError names the line."""
    rows: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines_of(data, where=where), 1):
        place = f"{where}, line {number}"
        value = canonical.decode(line, where=place)
        shape.check(value, KEY_SHAPE, where=place)
        row = (value["seq"], value["compartment"], value["key"])
        if rows and row[:2] <= rows[-1][:2]:
            raise FormatError("not in order, each once", where=place)
        rows.append(row)
    return tuple(rows)


STATEMENT_SHAPE = record(
    {
        "v": {"const": 1},
        "package": ID,
        "origin": ORIGIN,
        "size": INTEGER,
        "root": DIGEST,
        "leaf": DIGEST,
        "certificate": or_null(DIGEST),
        "files": {"type": "array"},
    }
)

MAX_STATEMENT = 512 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the exporter signs: the package, the record's state, and every file as (path, bytes, sha256)."""

    package: str
    origin: str
    size: int
    root: str
    leaf: str
    files: tuple[tuple[str, int, str], ...]

    def to_bytes(self) -> bytes:
        """The canonical JSON payload."""
        return canonical.encode(
            {
                "v": 1,
                "package": self.package,
                "origin": self.origin,
                "size": self.size,
                "root": self.root,
                "leaf": self.leaf,
                "certificate": None,
                "files": [list(row) for row in self.files],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str) -> Statement:
        """The statement in its one spelling, or FormatError."""
        value: dict[str, Any] = canonical.decode_object(data, where=where, max_bytes=MAX_STATEMENT)
        shape.check(value, STATEMENT_SHAPE, where=where)
        rows: list[tuple[str, int, str]] = []
        for row in value["files"]:
            if not (isinstance(row, list) and len(row) == 3 and isinstance(row[0], str)):
                raise FormatError("not a row of path, bytes and digest", where=where)
            shape.check(row[1], INTEGER, where=where)
            shape.check(row[2], DIGEST, where=where)
            rows.append((row[0], row[1], row[2]))
        if [row[0] for row in rows] != sorted({row[0] for row in rows}):
            raise FormatError("files that are not sorted by path, each once", where=where)
        return cls(
            package=value["package"],
            origin=value["origin"],
            size=value["size"],
            root=value["root"],
            leaf=value["leaf"],
            files=tuple(rows),
        )


_BESIDE_NOTES = re.compile(_VOLUME + r"log/.*\.(?:tsr|cosigned)", re.DOTALL)


def is_unsigned(path: str) -> bool:
    """True for the files that the statement can't cover: itself, the tag manifests, tokens and witness lines."""
    return path == STATEMENT or path in TAG_MANIFESTS or _BESIDE_NOTES.fullmatch(path) is not None


def manifest_lines(rows: Sequence[tuple[str, str]]) -> bytes:
    """A BagIt manifest (RFC 8493, section 2.1.3): digest, two spaces, path; sorted by path."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(rows)).encode("ascii")


def read_manifest(data: bytes, *, digits: int, where: str) -> dict[str, str]:
    """Digests by path, or FormatError. Only the one spelling that `manifest_lines` writes is taken."""
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise FormatError("a manifest that is not ASCII", where=where) from error
    pattern = re.compile(rf"([0-9a-f]{{{digits}}})  (\S+)")
    found: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        match = pattern.fullmatch(line)
        if match is None or match[2] in found:
            raise FormatError("not a line of a manifest", where=f"{where}, line {number}")
        found[match[2]] = match[1]
    if manifest_lines(list(found.items())) != data:
        raise FormatError("a manifest that is not in its one order", where=where)
    return found
