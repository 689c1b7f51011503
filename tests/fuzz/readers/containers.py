"""Containers: the package's own zip, and the encrypted wrapper around it."""

from __future__ import annotations

import functools
import io
import zlib

from custody.errors import CustodyError
from custody.export import encrypted
from custody.export.container import ContainerWriter
from custody.verify.container import Container, is_encrypted_wrapper
from custody.verify.zip_names import check_name, show_name
from custody.verify.zip_records import ChecksumMismatch
from tests import zip_faults
from tests.fuzz.reader import NotTheSame, Reader, one_line, same
from tests.fuzz.readers import keys

PHRASE = "ten words that a machine made"


def _container(data: bytes) -> object:
    file = io.BytesIO(data)
    is_encrypted_wrapper(file)
    found = Container.open(file)
    again = io.BytesIO()
    writer = ContainerWriter(again)
    broken: CustodyError | None = None
    for name, member in found.members.items():
        try:
            content = found.read(name, len(data))
        except ChecksumMismatch as error:
            broken = error
            content = data[member.offset : member.offset + member.size]
            continue
        if zlib.crc32(content) != member.crc32:
            raise NotTheSame("a member with another checksum is read")
        writer.add_bytes(name, content)
    if broken is not None:
        raise broken
    writer.close()
    same(again.getvalue(), data, "two zips for one list of names and contents")
    return found


def _member_names(data: bytes) -> object:
    """The input is names, one a line: a container that has them is read as a file system could hold it."""
    typed = [line.decode("latin-1") for line in data.split(b"\n")]
    for name in typed:
        one_line(show_name(name) + show_name(name.encode("latin-1")), "a member's name")
    file = io.BytesIO(zip_faults.with_names(*typed))
    found = Container.open(file)
    same(list(found.members), ["mimetype", *typed])
    folded = [name.lower() for name in typed]
    for name in typed:
        check_name(name)
        parts = name.split("/")
        if (
            any(part in ("", ".", "..") or not part.isascii() for part in parts)
            or "\\" in name
            or ":" in name
        ):
            raise NotTheSame(f"a name that leads elsewhere: {name!r}")
        for end in range(1, len(parts)):
            if "/".join(parts[:end]).lower() in folded:
                raise NotTheSame(f"a name that is a folder too: {name!r}")
    same(len(set(folded)), len(folded), "two names for one file")
    return found


def _wrapper(data: bytes) -> object:
    path = keys.folder() / "wrapped.zip"
    path.write_bytes(data)
    with path.open("rb") as file:
        is_encrypted_wrapper(file)
    with encrypted.unwrap(path, PHRASE) as found:
        same(found.read(), _inner(), "another content than the one that was encrypted")
    return True


@functools.cache
def _inner() -> bytes:
    return zip_faults.SOUND


@functools.cache
def _wrapped() -> tuple[bytes, ...]:
    source = keys.folder() / "inner.zip"
    source.write_bytes(_inner())
    out = io.BytesIO()
    encrypted.wrap(source, out, PHRASE)
    return (out.getvalue(), _inner())


READERS = (
    Reader(
        name="container",
        about="a package's zip: names and contents that make the same bytes again",
        covers=(
            "custody.verify.container:Container.open",
            "custody.verify.container:is_encrypted_wrapper",
            "custody.verify.zip_names:check_names",
        ),
        read=_container,
        seeds=lambda: [zip_faults.SOUND, *(data for data, _, _ in zip_faults.FAULTS.values())],
        shape="zip",
    ),
    Reader(
        name="member-names",
        about="names in a zip that is sound otherwise: only what every file system can hold",
        covers=("custody.verify.zip_names:check_name", "custody.verify.zip_names:check_names"),
        read=_member_names,
        shape="lines",
        seeds=lambda: [
            *("\n".join(names).encode("latin-1", "replace") for names, _ in zip_faults.BAD_NAMES.values()),
            "\n".join(zip_faults.GOOD_NAMES[:6]).encode(),
        ],
        limit=4_000,
    ),
    Reader(
        name="encrypted",
        about="an encrypted package: what was encrypted, or a refusal",
        covers=("custody.export.encrypted:unwrap",),
        read=_wrapper,
        seeds=_wrapped,
        shape="zip",
        limit=20_000,
        slow=True,
    ),
)
