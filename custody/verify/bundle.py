"""A package taken apart: its container, its bag, and the exporter's statement over every file.

Closed world: a file that nothing covers is a failure, and so is one that is covered and not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from custody.errors import CheckFailed, CustodyError, FormatError
from custody.format import envelope, package
from custody.format.envelope import Envelope
from custody.verify import hashing
from custody.verify.container import Container
from custody.verify.report import Findings

_PIECE = 1 << 20
# Lists in a package are about its files. What a file can add to a list bounds how long the list may be, so
# that a package of ten files can't make its reader take apart half a gigabyte of JSON or of empty lines.
ROW_OF_STATEMENT = 512
ROW_OF_MANIFEST = 400
ROW_OF_KEYS = 256
ROW_OF_SHOWN = 256
LINE_OF_PROOFS = 4096
_INFO = re.compile(rb"(?:[^\n]*\n)*Payload-Oxum: ([0-9]{1,20})\.([0-9]{1,20})\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDigest:
    """A file of the bag: size in bytes and both digests in hex."""

    size: int
    sha256: str
    sha512: str


class Bundle:
    """The bag of a package. Names are those inside the bag (``data/…``, ``custody/…``)."""

    def __init__(self, file: BinaryIO) -> None:
        self._container = Container.open(file)
        self.names = tuple(
            name.removeprefix(package.ROOT)
            for name in self._container.members
            if name.startswith(package.ROOT)
        )
        self.others = tuple(name for name in self._container.members if not name.startswith(package.ROOT))
        self._have = frozenset(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._have

    def read(self, name: str, limit: int) -> bytes:
        """A small file, whole; FormatError above ``limit`` bytes."""
        return self._container.read(package.ROOT + name, limit)

    def read_list(self, name: str, per_file: int) -> bytes:
        """A list about the package's files, whole; FormatError when it is longer than they can make it."""
        data = self.read(name, 4096 + per_file * len(self.names))
        if data.count(b"\n") > len(self.names) + 16:
            raise FormatError(
                "more lines than the package has files",
                where=name,
                expected=f"at most {len(self.names)}",
                found=str(data.count(b"\n")),
            )
        return data

    def lines(self, name: str, longest: int) -> Iterator[bytes]:
        """The lines of a long file, without their ends, in the memory of a few of them."""
        rest = b""
        for chunk in self._container.chunks(package.ROOT + name, _PIECE):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                if len(line) > longest:
                    raise FormatError("a line too long", where=name, found=f"{len(line)} bytes")
                yield line
            if len(rest) > longest:
                raise FormatError("a line too long", where=name, found=f"{len(rest)} bytes")
        if rest:
            raise FormatError("the last line has no end", where=name)

    def mimetype(self) -> bytes:
        """The container's own type."""
        return self._container.read("mimetype", 200)

    def digest(self, name: str) -> tuple[FileDigest, CheckFailed | None]:
        """Both digests of a file in one pass, and what the container's own checksum has against it."""
        size = self._container.members[package.ROOT + name].size
        problem: list[CheckFailed] = []

        def pieces() -> Iterator[bytes]:
            try:
                yield from self._container.chunks(package.ROOT + name, hashing.PIECE)
            except CheckFailed as error:
                # It comes after the last byte: the digests are whole, and say more than a CRC does.
                problem.append(error)

        sha256, sha512 = hashing.both_digests(pieces(), size)
        return FileDigest(size=size, sha256=sha256, sha512=sha512), problem[0] if problem else None


def check_files(bundle: Bundle, findings: Findings) -> dict[str, FileDigest]:
    """Hash every file of the bag, and hold the bag's manifests and the container's own type to it."""
    digests: dict[str, FileDigest] = {}
    for name in bundle.names:
        digests[name], problem = bundle.digest(name)
        if problem is not None:
            findings.error("container", problem)
    try:
        if bundle.mimetype() != package.MIMETYPE:
            findings.failed("container", "the container is not of this type", where="mimetype")
    except CustodyError as error:
        findings.error("container", error)
    for name in bundle.others:
        if name != "mimetype":
            findings.failed("container", "a file outside the bag that nothing covers", where=name)
    if not findings.has_failed("container"):
        findings.passed(
            "container", f"the container is whole: {len(bundle.names)} files, nothing beside them"
        )
    _check_bag(bundle, digests, findings)
    return digests


def _check_bag(bundle: Bundle, digests: Mapping[str, FileDigest], findings: Findings) -> None:
    payload = {name for name in digests if package.PAYLOAD_NAME.fullmatch(name)}
    tags = {name for name in digests if name not in payload and name not in package.TAG_MANIFESTS}
    for manifests, expected in ((package.MANIFESTS, payload), (package.TAG_MANIFESTS, tags)):
        for name, digits in zip(manifests, (64, 128), strict=True):
            if name not in bundle:
                findings.failed("bag", "a manifest is missing", where=name)
                continue
            try:
                listed = package.read_manifest(
                    bundle.read_list(name, ROW_OF_MANIFEST), digits=digits, where=name
                )
            except CustodyError as error:
                findings.error("bag", error)
                continue
            actual = {
                path: d.sha256 if digits == 64 else d.sha512
                for path, d in digests.items()
                if path in expected
            }
            _compare(listed, actual, name, findings)
    declared = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    if _text(bundle, "bagit.txt", findings) != declared:
        findings.failed("bag", "the bag's declaration is missing or another", where="bagit.txt")
    info = _INFO.fullmatch(_text(bundle, "bag-info.txt", findings))
    size = sum(digest.size for path, digest in digests.items() if path in payload)
    if info is None or (int(info[1]), int(info[2])) != (size, len(payload)):
        findings.failed(
            "bag",
            "the bag states another size or number of payload files",
            where="bag-info.txt",
            expected=f"Payload-Oxum: {size}.{len(payload)}",
        )
    if "fetch.txt" in bundle:
        findings.failed(
            "bag",
            "the bag asks its reader to fetch files from elsewhere: nothing is fetched",
            where="fetch.txt",
        )
    if not findings.has_failed("bag"):
        findings.passed("bag", f"every file matches its SHA-256 and SHA-512: {len(payload)} payload files")


def _text(bundle: Bundle, name: str, findings: Findings) -> bytes:
    """A short file, or nothing."""
    try:
        return bundle.read(name, 4096) if name in bundle else b""
    except CustodyError as error:
        findings.error("bag", error)
        return b""


def _compare(listed: Mapping[str, str], actual: Mapping[str, str], manifest: str, findings: Findings) -> None:
    for path in sorted(listed.keys() | actual.keys()):
        if path not in actual:
            findings.failed(
                "bag", "file missing: it is listed and not here", where=path, expected=f"in {manifest}"
            )
        elif path not in listed:
            findings.failed(
                "bag", "file added: it is here and not listed", where=path, expected=f"in {manifest}"
            )
        elif listed[path] != actual[path]:
            findings.failed(
                "bag",
                "content differs from what is listed",
                where=path,
                expected=listed[path],
                found=actual[path],
            )


def read_statement(bundle: Bundle) -> tuple[package.Statement, Envelope]:
    """The exporter's statement. Whose signature it is, is for the record to say."""
    data = bundle.read_list(package.STATEMENT, ROW_OF_STATEMENT)
    signed = envelope.from_bytes(
        data, payload_type=envelope.PACKAGE_TYPE, where=package.STATEMENT, max_bytes=len(data)
    )
    statement = package.Statement.from_bytes(signed.payload, where=package.STATEMENT)
    if statement.to_bytes() != signed.payload:
        raise FormatError(
            "names a certificate, which this form of package does not have", where=package.STATEMENT
        )
    return statement, signed


def check_statement(
    statement: package.Statement, digests: Mapping[str, FileDigest], findings: Findings
) -> int:
    """Every file is in the statement as it is here, and nothing else is. Gives how many it has."""
    listed = {path: (size, sha256) for path, size, sha256 in statement.files}
    actual = {path: (d.size, d.sha256) for path, d in digests.items() if not package.is_unsigned(path)}
    for path in sorted(listed.keys() | actual.keys()):
        if path not in actual:
            findings.failed(
                "statement", "file missing: the exporter signed for it and it is not here", where=path
            )
        elif path not in listed:
            findings.failed("statement", "file added: the exporter did not sign for it", where=path)
        elif listed[path] != actual[path]:
            expected, found = (
                f"{size} bytes, sha256 {digest}" for size, digest in (listed[path], actual[path])
            )
            findings.failed(
                "statement",
                "content differs from what the exporter signed",
                where=path,
                expected=expected,
                found=found,
            )
    for path in digests:
        own = path == package.STATEMENT or path in package.TAG_MANIFESTS
        if not own and package.is_unsigned(path) and package.TOKEN_NAME.fullmatch(path) is None:
            findings.failed("statement", "a file that nothing covers", where=path)
    return len(actual)


_TAGS = {"bagit.txt", "bag-info.txt", "fetch.txt", package.README, *package.MANIFESTS, *package.TAG_MANIFESTS}


def known_names(bundle: Bundle, findings: Findings) -> None:
    """No file under ``custody/`` that this format does not have; what is not looked into is named."""
    fixed = {package.STATEMENT, package.SHOWN, package.KEYS, package.TRUST_NOTE}
    patterns = (
        package.PROOFS_NAME,
        package.NOTE_NAME,
        package.TOKEN_NAME,
        package.CONSISTENCY_NAME,
        package.ENTRY_NAME,
    )
    volumes = {match[1] for match in map(package.PROOFS_NAME.fullmatch, bundle.names) if match}
    volumes.add(package.RECORD)
    for name in bundle.names:
        folders = {match[1] for match in (pattern.fullmatch(name) for pattern in patterns) if match}
        ours = bool(folders) or name in fixed or package.PART_NAME.fullmatch(name) is not None
        if name.startswith(package.RECORD) and not ours:
            findings.failed("statement", "a file that this form of package does not have", where=name)
        elif not folders <= volumes:
            # Nobody would look at it: what is read of a volume begins with its proofs.
            findings.failed("statement", "a file of a volume that this package does not have", where=name)
        elif not ours and not package.PAYLOAD_NAME.fullmatch(name) and name not in _TAGS:
            findings.not_checked(
                "side documents", "only its bytes were compared; what it says was not", where=name
            )


def missing_parts(bundle: Bundle) -> list[str]:
    """Files without which nothing can be verified."""
    needed = (package.STATEMENT, package.SHOWN, package.PROOFS, package.KEYS)
    return [name for name in needed if name not in bundle]
