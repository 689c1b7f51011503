"""The writer: same input, same bytes; its zips are taken by our reader and by other people's."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody.verify.zip_records as shape
from custody.errors import CheckFailed, MachineError
from custody.export.container import ContainerWriter
from custody.verify.container import Container
from custody.verify.zip_records import ContainerError

from .zip_faults import BAD_NAMES, GOOD_NAMES, SOUND, sound


def written(members: list[tuple[str, bytes]], *, stream: bool = False) -> bytes:
    file = io.BytesIO()
    writer = ContainerWriter(file)
    for name, data in members:
        if stream:
            writer.add_stream(name, (data[at : at + 3] for at in range(0, len(data), 3)), len(data))
        else:
            writer.add_bytes(name, data)
    writer.close()
    return file.getvalue()


MEMBERS = [(entry.name.decode(), entry.data) for entry in sound()]


@pytest.mark.parametrize("stream", [False, True])
def test_writes_the_one_spelling(stream):
    """The expected bytes are put together by hand in zip_faults, field by field."""
    assert written(MEMBERS, stream=stream) == SOUND


names = st.from_regex(r"(bag|META-INF)(/[a-z0-9][a-z0-9_.-]{0,3}[a-z0-9]){1,3}", fullmatch=True)


@given(st.dictionaries(names, st.binary(max_size=50), max_size=8), st.booleans())
def test_round_trip(members, stream):
    everything = [("mimetype", b"m"), *members.items()]
    try:
        data = written(everything, stream=stream)
    except ContainerError:  # a file that is a folder too, a device name
        return
    container = Container.open(io.BytesIO(data))
    assert [(name, container.read(name, 50)) for name in container.members] == everything
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert [(info.filename, other.read(info)) for info in other.infolist()] == everything


@pytest.mark.parametrize(("size", "count"), [(60, 0xFFFF), (1, 0xFFFF), (0xFFFFFFFF, 1), (200, 3), (1, 1)])
@given(st.lists(st.binary(max_size=90), max_size=6), st.booleans())
def test_round_trip_with_zip64_at_lower_thresholds(size, count, contents, stream):
    members = [("mimetype", b"m"), *((f"bag/{number}", data) for number, data in enumerate(contents))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shape, "ZIP64_SIZE", size)
        patch.setattr(shape, "ZIP64_COUNT", count)
        data = written(members, stream=stream)
        container = Container.open(io.BytesIO(data))
        assert [(name, container.read(name, 90)) for name in container.members] == members
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert [(info.filename, other.read(info)) for info in other.infolist()] == members


@pytest.mark.parametrize("count", [0xFFFF, 0x10000])
def test_from_65535_members_on_zip64_is_needed(count):
    """No threshold is lowered here; 65,535 is the sentinel itself."""
    names = ["mimetype", *(f"bag/{number:05}" for number in range(count - 1))]
    data = written([(name, b"") for name in names])
    assert b"PK\x06\x06" in data
    assert list(Container.open(io.BytesIO(data)).members) == names
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.namelist() == names
    one_less = written([(name, b"") for name in names[:0xFFFE]])
    assert b"PK\x06\x06" not in one_less
    assert len(Container.open(io.BytesIO(one_less)).members) == 0xFFFE


@pytest.mark.parametrize(
    ("limit", "words"), [("MAX_DIRECTORY", "directory is too large"), ("MAX_MEMBERS", "too many")]
)
def test_what_readers_would_not_read_is_not_written(monkeypatch, limit, words):
    monkeypatch.setattr(shape, limit, 3)
    with pytest.raises(ContainerError, match=words):
        written(MEMBERS)


class Sparse(io.RawIOBase):
    """A file that keeps only what is not zero, so that more than 4 GiB fit in memory."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.at = self.end = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data) -> int:
        if len(data) < 1 << 20:
            self.parts[self.at] = bytes(data)
        self.at += len(data)
        self.end = max(self.end, self.at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset if whence == 0 else self.end + offset
        return self.at


def test_more_than_four_gibibytes(monkeypatch):
    """Offsets and sizes at the real thresholds; only the CRC of 4 GiB of zeros is spared."""
    monkeypatch.setattr(zlib, "crc32", lambda data, value=0: 1)
    file = Sparse()
    writer = ContainerWriter(file)  # type: ignore[arg-type]
    writer.add_bytes("mimetype", b"m")
    piece = bytes(1 << 24)
    writer.add_stream("bag/below", itertools.repeat(piece, 256 - 1), 255 << 24)
    writer.add_stream("bag/at", itertools.chain(itertools.repeat(piece, 255), [piece[:-1]]), 0xFFFFFFFF)
    writer.add_bytes("bag/behind", b"x")
    writer.close()

    class Back(io.RawIOBase):
        at = 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset if whence == 0 else file.end + offset
            return self.at

        def read(self, size: int = -1) -> bytes:
            out = bytearray(size)
            for start, data in file.parts.items():
                low, high = max(start, self.at), min(start + len(data), self.at + size)
                if low < high:
                    out[low - self.at : high - self.at] = data[low - start : high - start]
            self.at += size
            return bytes(out)

    members = Container.open(Back()).members  # type: ignore[arg-type]
    assert [member.size for member in members.values()] == [1, 255 << 24, 0xFFFFFFFF, 1]
    assert members["bag/behind"].offset > 0xFFFFFFFF


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_names_that_readers_refuse(name):
    with pytest.raises(ContainerError):
        written([("mimetype", b"m"), *((each, b"x") for each in BAD_NAMES[name][0])])


def test_takes_every_name_that_the_reader_takes():
    assert Container.open(io.BytesIO(written([("mimetype", b"m"), *((name, b"x") for name in GOOD_NAMES)])))


@pytest.mark.parametrize("names", [[], ["bag/a"], ["mimetype", "bag/a", "mimetype"]])
def test_mimetype_is_first_and_only_first(names):
    with pytest.raises(ContainerError):
        written([(name, b"") for name in names])


@pytest.mark.parametrize("size", [0, 4, 6, 1 << 40])
def test_a_size_that_was_announced_wrongly(size):
    writer = ContainerWriter(io.BytesIO())
    writer.add_bytes("mimetype", b"m")
    with pytest.raises(CheckFailed, match="size that was announced"):
        writer.add_stream("bag/a", [b"he", b"", b"llo"], size)
    for more in (lambda: writer.add_bytes("bag/b", b""), writer.close):
        with pytest.raises(ContainerError, match="broken off"):
            more()


def test_an_endless_source_is_stopped_at_the_size():
    writer = ContainerWriter(io.BytesIO())
    writer.add_bytes("mimetype", b"m")
    with pytest.raises(CheckFailed, match="more than 10"):
        writer.add_stream("bag/a", itertools.repeat(b"xyz"), 10)


def test_an_error_of_the_source_passes_and_leaves_no_package():
    def source():
        yield b"a"
        raise CheckFailed("the object is damaged")

    file = io.BytesIO()
    writer = ContainerWriter(file)
    writer.add_bytes("mimetype", b"m")
    with pytest.raises(CheckFailed, match="object is damaged"):
        writer.add_stream("bag/a", source(), 2)
    with pytest.raises(ContainerError):
        writer.close()
    with pytest.raises(ContainerError):
        Container.open(io.BytesIO(file.getvalue()))


def test_closed_is_closed():
    writer = ContainerWriter(io.BytesIO())
    writer.add_bytes("mimetype", b"m")
    writer.close()
    with pytest.raises(ContainerError):
        writer.close()


def test_a_full_disk_is_this_machines_fault():
    class Full(io.BytesIO):
        def write(self, data, /) -> int:
            if self.tell() > 100:
                raise OSError(28, "No space left on device")
            return super().write(data)

    writer = ContainerWriter(Full())
    writer.add_bytes("mimetype", b"m")
    with pytest.raises(MachineError, match="No space left"):
        writer.add_stream("bag/a", [bytes(90)] * 3, 270)


def test_files_that_take_less_than_they_are_given():
    class Slow(io.BytesIO):
        def write(self, data, /) -> int:
            return super().write(bytes(data[:5]))

    file = Slow()
    writer = ContainerWriter(file)
    for name, data in MEMBERS:
        writer.add_stream(name, [data], len(data))
    writer.close()
    assert file.getvalue() == SOUND


# Other people's tools as judges.


@pytest.fixture
def package(tmp_path) -> Path:
    path = tmp_path / "package.zip"
    path.write_bytes(written([*MEMBERS, ("bag/data/A-1/003.bin", bytes(range(256)) * 999)]))
    return path


@pytest.mark.parametrize("tool", ["unzip", "7zz", "7z", "bsdtar", "jar"])
def test_other_programs_take_it(package, tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine")
    command = {"unzip": ["-t"], "bsdtar": ["-tf"], "jar": ["-tf"]}.get(tool, ["t"])
    done = subprocess.run([tool, *command, str(package)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()


def test_unzip_makes_the_files_with_ordinary_permissions(package, tmp_path):
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not on this machine")
    subprocess.run(["unzip", "-q", str(package), "-d", str(tmp_path / "out")], check=True)
    file = tmp_path / "out" / "bag" / "data" / "A-1" / "003.bin"
    assert file.read_bytes() == bytes(range(256)) * 999
    assert file.stat().st_mode & 0o400


def test_the_mimetype_stands_where_magic_looks(package):
    """ASiC, ETSI EN 319 162-1 A.1: the media type's name at byte 30, the type at byte 38."""
    assert package.read_bytes()[30:56] == b"mimetypeapplication/x-test"


def test_the_example_of_the_format_page():
    page = (Path(__file__).parent.parent / "docs" / "format" / "container.md").read_text(encoding="utf-8")
    data = written([("mimetype", b"application/x"), ("bag/data/A-1/001.bin", b"abc"), ("bag/e", b"")])
    assert f"{len(data)} bytes in all" in page
    lines = re.findall(r"^ *([0-9]+)  ((?:[0-9a-f]{2} )+[0-9a-f]{2}\b)", page, re.MULTILINE)
    assert len(lines) == 7
    for offset, shown in lines:
        start = bytes.fromhex(shown)
        assert data[int(offset) : int(offset) + len(start)] == start
