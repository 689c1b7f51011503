"""The strict reader: one spelling is taken, everything else is refused for its own reason."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import custody.verify.zip_records as shape
from custody.errors import CheckFailed, CustodyError, MachineError
from custody.verify.container import Container, is_encrypted_wrapper
from custody.verify.zip_names import check_name, show_name
from custody.verify.zip_records import ChecksumMismatch, ContainerError, Truncated

from .zip_faults import BAD_NAMES, BIG, FAULTS, GOOD_NAMES, SOUND, Entry, build, sound, wide, with_names


def opened(data: bytes) -> Container:
    return Container.open(io.BytesIO(data))


def content(container: Container) -> dict[str, bytes]:
    return {name: container.read(name, 1 << 30) for name in container.members}


def test_reads_a_sound_container_in_file_order():
    container = opened(SOUND)
    assert list(container.members) == [entry.name.decode() for entry in sound()]
    assert content(container) == {entry.name.decode(): entry.data for entry in sound()}
    for entry, member in zip(sound(), container.members.values(), strict=True):
        assert (member.name, member.size, member.crc32) == (
            entry.name.decode(),
            len(entry.data),
            zlib.crc32(entry.data),
        )
        assert SOUND[member.offset : member.offset + member.size] == entry.data


@pytest.mark.parametrize("name", FAULTS)
def test_refuses(name):
    data, cut, words = FAULTS[name]
    with pytest.raises(ContainerError, match=words) as caught:
        opened(data)
    assert isinstance(caught.value, Truncated) == cut
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", BAD_NAMES)
def test_refuses_names(name):
    names, words = BAD_NAMES[name]
    with pytest.raises(ContainerError, match=words):
        opened(with_names(*names))
    with pytest.raises(ContainerError, match=words):  # the order in the file must not matter
        opened(with_names(*reversed(names)))


def test_takes_names_that_only_look_odd():
    assert list(opened(with_names(*GOOD_NAMES)).members) == ["mimetype", *GOOD_NAMES]


@pytest.mark.parametrize("length", range(len(SOUND)))
def test_every_cut_is_refused_as_incomplete(length):
    with pytest.raises(ContainerError) as caught:
        opened(SOUND[:length])
    # An inner zip's end record that happens to stand just before the cut is judged for what it says.
    inner = SOUND[:length][-22:].startswith(b"PK\x05\x06")
    assert isinstance(caught.value, Truncated) or inner or length == 0


def test_every_single_bit_is_refused_or_found_by_the_checksum():
    for position, bit in itertools.product(range(len(SOUND)), range(8)):
        changed = bytearray(SOUND)
        changed[position] ^= 1 << bit
        with pytest.raises((ContainerError, ChecksumMismatch)):
            content(opened(bytes(changed)))


def test_a_directory_above_the_limit_is_not_read(monkeypatch):
    monkeypatch.setattr(shape, "MAX_DIRECTORY", 100)
    with pytest.raises(ContainerError, match="directory is too large"):
        opened(SOUND)


def test_what_just_keeps_the_limits_is_taken(monkeypatch):
    size = sum(46 + len(entry.name) for entry in sound())
    for name, most, words in (
        ("MAX_DIRECTORY", size, "directory is too large"),
        ("MAX_MEMBERS", 4, "too many files"),
    ):
        monkeypatch.setattr(shape, name, most)
        assert opened(SOUND)
        monkeypatch.setattr(shape, name, most - 1)
        with pytest.raises(ContainerError, match=words):
            opened(SOUND)
        monkeypatch.setattr(shape, name, most)


@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), max_size=4))
def test_random_changes_are_refused_or_change_nothing(changes):
    data = bytearray(SOUND)
    for position, value in changes:
        data[position] = value
    try:
        found = content(opened(bytes(data)))
    except (ContainerError, ChecksumMismatch):
        assert bytes(data) != SOUND
    else:
        assert found == content(opened(SOUND))
        assert bytes(data) == SOUND  # one content, one spelling


@given(st.binary(max_size=400), st.binary(max_size=120))
def test_arbitrary_bytes_raise_only_our_errors(middle, end):
    for data in (
        middle,
        b"PK\x03\x04" + middle,
        b"PK\x03\x04" + middle + b"PK\x05\x06" + end[:18].ljust(18, b"\0"),
    ):
        with pytest.raises(ContainerError):
            opened(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_refuses_what_other_writers_make(tmp_path, method):
    path = tmp_path / "other.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("mimetype", b"application/x-test")
        archive.writestr("bag/a", b"a")
    with path.open("rb") as file, pytest.raises(ContainerError):
        Container.open(file)


def test_the_checksum_speaks_after_the_last_piece():
    data = SOUND.replace(b"hello", b"hellp")
    container = opened(data)
    pieces = container.chunks("bag/bagit.txt", 2)
    assert [next(pieces), next(pieces), next(pieces)] == [b"he", b"ll", b"p"]
    with pytest.raises(ChecksumMismatch, match="checksum") as caught:
        next(pieces)
    assert isinstance(caught.value, CheckFailed)
    assert caught.value.exit_code == 1
    assert container.read("mimetype", 100) == b"application/x-test"


def test_pieces_of_two_members_in_turns():
    one, other = os.urandom(1000), os.urandom(1000)
    container = opened(build([*sound()[:1], Entry(b"bag/1", one), Entry(b"bag/2", other)]))
    pairs = list(zip(container.chunks("bag/1", 64), container.chunks("bag/2", 64), strict=True))
    assert (b"".join(a for a, _ in pairs), b"".join(b for _, b in pairs)) == (one, other)


def test_read_refuses_above_the_limit_without_reading():
    container = opened(SOUND)
    assert container.read("bag/bagit.txt", 5) == b"hello"
    with pytest.raises(ContainerError, match="too large"):
        container.read("bag/bagit.txt", 4)


def test_a_missing_member_is_a_failed_check():
    for ask in (lambda: opened(SOUND).read("bag/none", 9), lambda: opened(SOUND).chunks("bag/none")):
        with pytest.raises(CheckFailed, match="missing from the package"):
            ask()


def test_a_file_that_shrinks_or_fails_while_being_read():
    file = io.BytesIO(SOUND)
    container = Container.open(file)
    file.truncate(60)
    with pytest.raises(Truncated, match="became shorter"):
        container.read("bag/data/A-1/001.bin", 1000)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(MachineError, match="Input/output error"):
        Container.open(Broken(SOUND))


def test_unbuffered_files_that_give_less_than_asked():
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(7, size or 0))

    assert content(Container.open(Slow(SOUND))) == content(opened(SOUND))


def test_members_can_not_be_changed():
    with pytest.raises(TypeError):
        opened(SOUND).members["bag/x"] = None  # type: ignore[index]


def test_shown_names_are_plain_and_short():
    assert show_name(b"bag/\x1b[2J\xff") == r"bag/\x1b[2J\xff"
    assert len(show_name("\u202e" * 5000)) == 80
    with pytest.raises(ContainerError) as caught:
        check_name("bag/\x1b]0;owned\x07" * 500)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_encrypted_look():
    def looks(data: bytes) -> bool:
        file = io.BytesIO(data)
        answer = is_encrypted_wrapper(file)
        assert file.tell() == 0
        return answer

    first = sound()[0]
    first.both = {"method": 99, "flags": 1}
    assert looks(build([first]))
    first.both = {"flags": 1}
    assert looks(build([first]))
    first.both = {"method": 99}
    assert looks(build([first]))
    for data in (b"", b"PK", b"PK\x03\x04", SOUND, b"x" * 100, build([])):
        assert not looks(data)


# zip64. The thresholds are lowered so that small containers need it; the sentinels stay what they are.


def zip64_entries(limit: int) -> list[Entry]:
    """Members as they must be when numbers from ``limit`` on go into zip64."""
    entries = []
    offset = 0
    for name, size in (
        (b"mimetype", 3),
        (b"bag/small", 5),
        (b"bag/large", limit),
        (b"bag/behind", 1),
        (b"bag/two", limit + 1),
    ):
        entry = Entry(name, os.urandom(size))
        values = []
        if size >= limit:
            entry.both = {"size": BIG, "stored": BIG}
            entry.local_extra = wide(size, size)
            values += [size, size]
        if offset >= limit:
            entry.central["offset"] = BIG
            values.append(offset)
        if values:
            entry.both["needed"] = 45
            entry.central_extra = wide(*values)
        entries.append(entry)
        offset += 30 + len(name) + len(entry.local_extra) + size
    return entries


def test_zip64_members(monkeypatch):
    monkeypatch.setattr(shape, "ZIP64_SIZE", 400)
    entries = zip64_entries(400)
    data = build(entries, end64={}, end={"doffset": BIG})
    assert content(opened(data)) == {entry.name.decode(): entry.data for entry in entries}
    for at, words in ((2, "zip64 sizes"), (4, "zip64 sizes")):
        broken = zip64_entries(400)
        size = len(broken[at].data)
        broken[at].local_extra = wide(size, size + 1)
        with pytest.raises(ContainerError, match=words):
            opened(build(broken, end64={}, end={"doffset": BIG}))
    monkeypatch.setattr(shape, "ZIP64_SIZE", BIG)
    with pytest.raises(ContainerError, match="do not agree"):
        opened(data)  # zip64 where the numbers do not need it


def test_zip64_is_refused_when_it_is_missing(monkeypatch):
    plain = build([*sound(), Entry(b"bag/large", bytes(500))])
    assert opened(plain)
    monkeypatch.setattr(shape, "ZIP64_SIZE", 400)
    with pytest.raises(ContainerError, match="do not agree"):
        opened(plain)


def test_a_lie_in_the_zip64_record(monkeypatch):
    monkeypatch.setattr(shape, "ZIP64_COUNT", 4)
    names = {"here": 0xFFFF, "count": 0xFFFF}
    whole = build(sound(), end64={}, end=names)
    assert len(opened(whole).members) == 4
    with pytest.raises(ContainerError, match="bytes behind the end"):
        opened(whole + b"\0")
    with pytest.raises(ContainerError, match="do not agree"):
        opened(build(sound(), end64={"doffset": 40}, end=names))


def test_a_member_beyond_four_gibibytes(tmp_path):
    """A real file of more than 4 GiB, sparse: no threshold is lowered here."""
    path = tmp_path / "large.zip"
    size = 0xFFFFFFFF + 10
    first = Entry(b"mimetype", b"application/x-test")
    large = Entry(b"bag/large", b"", both={"needed": 45, "size": BIG, "stored": BIG, "crc": 7})
    large.local_extra = large.central_extra = wide(size, size)
    last = Entry(b"bag/last", b"end")
    last.both, last.central = {"needed": 45}, {"offset": BIG}
    offset = len(build([first, large])) - len(build([], end={})) - (46 + 8) - (46 + 9 + 20)
    last.central_extra = wide(offset + size)
    whole = build([first, large, last], end64={"doffset": offset + size + 30 + 8 + 3}, end={"doffset": BIG})
    try:
        with path.open("wb") as file:
            file.write(whole[:offset])
            file.seek(offset + size)
            rest = bytearray(whole[offset:])
            locator = rest.index(b"PK\x06\x07")
            at = int.from_bytes(rest[locator + 8 : locator + 16], "little") + size
            rest[locator + 8 : locator + 16] = at.to_bytes(8, "little")
            file.write(rest)
        if path.stat().st_blocks * 512 > 1 << 24:
            pytest.skip("this file system has no sparse files")
    except (OSError, AttributeError) as error:
        pytest.skip(f"no sparse file of 4 GiB here: {error}")
    with path.open("rb") as file:
        container = Container.open(file)
        assert container.members["bag/large"].size == size
        assert container.read("bag/last", 3) == b"end"
        with pytest.raises(ContainerError, match="too large"):
            container.read("bag/large", 1 << 20)
    with zipfile.ZipFile(path) as other:  # a second reader sees the same
        assert [info.file_size for info in other.infolist()] == [18, size, 3]
        assert other.read("bag/last") == b"end"


def test_importing_it_loads_only_the_standard_library():
    code = (
        "import sys, custody.verify.container\n"
        "extra = {n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names) - {'__main__', 'custody'}\n"
        "own = sorted(n for n in sys.modules if n.startswith('custody'))\n"
        "print(sorted(n for n in extra if not n.startswith('_')), own)"
    )
    root = Path(__file__).parent.parent
    # -S: site packages may load things of their own (editable installs, coverage).
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.strip()
        == "[] ['custody', 'custody.errors', 'custody.verify', 'custody.verify.container', "
        "'custody.verify.zip_directory', 'custody.verify.zip_names', 'custody.verify.zip_records']"
    )


def test_all_errors_are_ours():
    assert issubclass(ContainerError, CustodyError)
    assert issubclass(Truncated, ContainerError)
    assert not issubclass(ChecksumMismatch, ContainerError)
