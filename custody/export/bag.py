"""The text files of a BagIt 1.0 bag (RFC 8493): pure functions from values to bytes.

All are UTF-8 with LF. Manifest lines have two spaces between digest and path, which RFC 8493 2.1.3
allows and ``sha256sum -c`` needs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from custody.errors import FormatError
from custody.verify.zip_names import check_name, show_name

PAYLOAD_OXUM = "Payload-Oxum"
_LABEL = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}", re.ASCII)


def bagit_txt() -> bytes:
    """The bag declaration, ``bagit.txt`` (RFC 8493 2.1.1)."""
    return b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def bag_info(fields: Mapping[str, str], payload_bytes: int, payload_files: int) -> bytes:
    """``bag-info.txt`` (RFC 8493 2.2.2): ``fields`` in their order, then Payload-Oxum.

    ``payload_bytes`` and ``payload_files`` count what lies under ``data/``. Long values are not folded:
    readers differ in how they join them. Raises `FormatError` for a label that is not of letters, digits
    and hyphens, stands twice (case does not count) or is Payload-Oxum, and for a value that is empty, has
    white space at an end, or holds what some reader takes for the end of a line.
    """
    seen = {PAYLOAD_OXUM.lower()}
    lines = []
    for label, value in fields.items():
        where = f"bag-info.txt, {show_name(label)}"
        if not _LABEL.fullmatch(label):
            raise FormatError("a label of bag-info.txt is not of letters, digits and hyphens", where=where)
        if label.lower() in seen:
            raise FormatError("a label of bag-info.txt is used twice, or reserved", where=where)
        seen.add(label.lower())
        if not value or value != value.strip():
            raise FormatError("a value of bag-info.txt is empty or has white space at an end", where=where)
        # Not only CR and LF: bagit.py splits lines at U+0085 and U+2028 as well. Cs can't be UTF-8.
        if any(unicodedata.category(char) in {"Cc", "Zl", "Zp", "Cs"} for char in value):
            raise FormatError("a value of bag-info.txt holds a line break or control character", where=where)
        lines.append(f"{label}: {value}\n")
    if payload_bytes < 0 or payload_files < 0:
        raise FormatError("the payload's size or count is negative", where="bag-info.txt")
    lines.append(f"{PAYLOAD_OXUM}: {payload_bytes}.{payload_files}\n")
    return "".join(lines).encode()


def manifest(lines: Iterable[tuple[str, str]]) -> bytes:
    """A payload manifest (RFC 8493 2.1.3) of (path in the bag, lower-case hex digest), sorted by path.

    Raises `FormatError` for a path outside ``data/``, a path twice, or a digest that is not SHA-256 or
    SHA-512 in hex, one kind in one manifest; `ContainerError` for a path that no container takes (so
    nothing ever needs percent-encoding).
    """
    return _manifest(lines, payload=True)


def tag_manifest(lines: Iterable[tuple[str, str]]) -> bytes:
    """A tag manifest (RFC 8493 2.2.1): as `manifest`, for the files outside ``data/``.

    Also refuses tag manifests among the paths: one can't list itself.
    """
    return _manifest(lines, payload=False)


def _manifest(lines: Iterable[tuple[str, str]], *, payload: bool) -> bytes:
    ordered = sorted((path.encode("utf-8", "surrogatepass"), path, digest) for path, digest in lines)
    out = []
    previous: str | None = None
    length: int | None = None
    for _, path, digest in ordered:
        where = f"manifest, {show_name(path)}"
        check_name(f"bag/{path}")
        if path.startswith("data/") != payload:
            raise FormatError(
                "a payload manifest lists files under data/"
                if payload
                else "a tag manifest lists no payload",
                where=where,
            )
        if path.startswith("tagmanifest-"):
            raise FormatError("a tag manifest can't list a tag manifest", where=where)
        if path == previous:
            raise FormatError("a path stands twice in a manifest", where=where)
        if not _DIGEST.fullmatch(digest):
            raise FormatError("a digest is not SHA-256 or SHA-512 in lower-case hex", where=where)
        if length is not None and len(digest) != length:
            raise FormatError("a manifest mixes two kinds of digest", where=where)
        previous, length = path, len(digest)
        out.append(f"{digest}  {path}\n")
    return "".join(out).encode("ascii")
