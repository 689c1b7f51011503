"""The encrypted wrapper: opens with its passphrase and nothing else, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import pyzipper
from hypothesis import given, settings
from hypothesis import strategies as st

import custody.export.encrypted as encrypted
from custody.errors import CheckFailed, CustodyError, MachineError, UsageError, WrongPassphrase
from custody.export.container import ContainerWriter
from custody.export.encrypted import unwrap, wrap
from custody.verify.container import Container, is_encrypted_wrapper
from custody.verify.zip_records import ContainerError, Truncated

WORDS = "acid bike cabin dairy eagle fabric gadget habit icon jacket"


def package_bytes(payload: bytes = b"evidence" * 50_000) -> bytes:
    file = io.BytesIO()
    writer = ContainerWriter(file)
    writer.add_bytes("mimetype", b"application/x-test")
    writer.add_bytes("bag/data/A-1/001.bin", payload)
    writer.close()
    return file.getvalue()


PACKAGE = package_bytes()


def wrapped_bytes(package: bytes = PACKAGE, passphrase: str = WORDS) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain"
        plain.write_bytes(package)
        out = io.BytesIO()
        wrap(plain, out, passphrase)
        return out.getvalue()


def by_pyzipper(package: bytes) -> bytes:
    """The wrapper as pyzipper makes it: other people's files, with the headers that they choose."""
    out = io.BytesIO()
    with pyzipper.AESZipFile(
        out, "w", compression=pyzipper.ZIP_STORED, encryption=pyzipper.WZ_AES
    ) as archive:
        archive.setpassword(WORDS.encode())
        info = archive.zipinfo_cls("package.custody", date_time=(1980, 1, 1, 0, 0, 0))
        info.create_system = 3
        info.file_size = len(package)
        with archive.open(info, "w") as member:
            member.write(package)
    return out.getvalue()


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return wrapped_bytes()


@pytest.fixture
def place(tmp_path) -> Callable[[bytes], Path]:
    def put(data: bytes) -> Path:
        folder = tmp_path / "stick"
        folder.mkdir(exist_ok=True)
        path = folder / "package.zip"
        path.write_bytes(data)
        return path

    return put


def only(path: Path) -> bool:
    return os.listdir(path.parent) == [path.name]  # noqa: PTH208 - names, hidden ones too


def test_round_trip(place, sealed):
    path = place(sealed)
    with path.open("rb") as file:
        assert is_encrypted_wrapper(file)
    with unwrap(path, WORDS) as file:
        assert only(path) or sys.platform == "win32"
        assert list(Container.open(file).members) == ["mimetype", "bag/data/A-1/001.bin"]
        file.seek(0)
        assert file.read() == PACKAGE
    assert only(path)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_sizes_around_blocks_and_chunks(place, size):
    package = os.urandom(size)
    with unwrap(place(wrapped_bytes(package)), WORDS) as file:
        assert file.read() == package


def test_nothing_of_the_machine_or_the_moment_is_visible(sealed):
    with zipfile.ZipFile(io.BytesIO(sealed)) as archive:
        (info,) = archive.infolist()
    assert (info.filename, info.date_time, info.create_system) == (
        "package.custody",
        (1980, 1, 1, 0, 0, 0),
        3,
    )
    assert (info.file_size, info.CRC, info.compress_type) == (len(PACKAGE), 0, 99)
    assert info.external_attr == 0o100600 << 16
    assert info.extra == b"\x01\x99\x07\x00\x02\x00AE\x03\x00\x00"
    assert len(sealed) == len(PACKAGE) + (30 + 15 + 11) + 28 + (46 + 15 + 11) + 22
    again = wrapped_bytes()
    assert again != sealed  # a fresh salt
    assert (again[:56], again[-94:]) == (sealed[:56], sealed[-94:])


def test_wrap_writes_a_new_file_only(tmp_path):
    plain, out = tmp_path / "plain", tmp_path / "out.zip"
    plain.write_bytes(PACKAGE)
    wrap(plain, out, WORDS)
    before = out.read_bytes()
    with pytest.raises(MachineError, match="exists"):
        wrap(plain, out, WORDS)
    assert out.read_bytes() == before
    with pytest.raises(MachineError):
        wrap(tmp_path / "none", tmp_path / "other.zip", WORDS)
    assert not (tmp_path / "other.zip").exists()


def test_wrap_leaves_no_half(tmp_path, monkeypatch):
    plain, out = tmp_path / "plain", tmp_path / "out.zip"
    plain.write_bytes(PACKAGE)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(encrypted, "_encrypt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        wrap(plain, out, WORDS)
    assert not out.exists()


@pytest.mark.parametrize("room", [10, 60, 5000, len(PACKAGE) + 60, len(PACKAGE) + 100])
def test_wrap_onto_a_full_disk(tmp_path, room):
    class Full(io.BytesIO):
        def write(self, data, /) -> int:
            if self.tell() + len(data) > room:
                raise OSError(28, "No space left on device")
            return super().write(data)

    plain = tmp_path / "plain"
    plain.write_bytes(PACKAGE)
    with pytest.raises(MachineError, match="No space left"):
        wrap(plain, Full(), WORDS)


def test_wrap_notices_a_package_that_changes(tmp_path, monkeypatch):
    plain, out = tmp_path / "plain", tmp_path / "out.zip"
    plain.write_bytes(PACKAGE)
    real = os.fstat(0)
    for size in (len(PACKAGE) + 1, len(PACKAGE) - 1):
        monkeypatch.setattr(
            encrypted.os, "fstat", lambda _, size=size: os.stat_result((*real[:6], size, *real[7:10]))
        )
        with pytest.raises(CheckFailed, match="changed while"):
            wrap(plain, out, WORDS)
        assert not out.exists()


@pytest.mark.parametrize("passphrase", ["", "x" * 65, "é", "a\0", "a\n", "\u202e"])
def test_passphrases_that_are_refused(tmp_path, place, sealed, passphrase):
    plain = tmp_path / "plain"
    plain.write_bytes(PACKAGE)
    with pytest.raises(UsageError):
        wrap(plain, io.BytesIO(), passphrase)
    path = place(sealed)
    with pytest.raises(WrongPassphrase):
        unwrap(path, passphrase)
    assert only(path)


def test_the_longest_passphrase(place):
    with unwrap(place(wrapped_bytes(passphrase="x" * 64)), "x" * 64) as file:
        assert file.read() == PACKAGE


def test_another_passphrase(place, sealed):
    path = place(sealed)
    with pytest.raises(WrongPassphrase) as caught:
        unwrap(path, WORDS + "s")
    assert caught.value.exit_code == 12
    assert "s" * 3 not in str(caught.value)
    assert only(path)


CONTENT = 30 + 15 + 11  # where the salt begins


@pytest.mark.parametrize("at", [CONTENT + 18, CONTENT + 5000, -94 - 10, -94 - 1])
def test_a_changed_byte_of_the_content_or_its_mac(place, sealed, at):
    data = bytearray(sealed)
    data[at] ^= 1
    path = place(bytes(data))
    with pytest.raises(CheckFailed, match="changed or damaged"):
        unwrap(path, WORDS)
    assert only(path)


@pytest.mark.parametrize("at", [CONTENT, CONTENT + 15, CONTENT + 16, CONTENT + 17])
def test_a_changed_salt_or_passphrase_check(place, sealed, at):
    data = bytearray(sealed)
    data[at] ^= 1
    with pytest.raises((WrongPassphrase, CheckFailed)):
        unwrap(place(bytes(data)), WORDS)


def test_an_odd_passphrase_that_passes_the_short_check_fails_the_mac(place, sealed, monkeypatch):
    """Two bytes guard the passphrase: one wrong one in 65,536 gets past them."""
    from pyzipper import zipfile_aes

    true = zipfile_aes.PBKDF2

    def colliding(password: bytes, *args: object, **options: object) -> bytes:
        keys = true(password, *args, **options)
        return keys[:-2] + true(WORDS.encode(), *args, **options)[-2:]

    monkeypatch.setattr(zipfile_aes, "PBKDF2", colliding)
    path = place(sealed)
    with pytest.raises(CheckFailed, match="changed or damaged"):
        unwrap(path, "another")
    assert only(path)


def fix(data: bytes, local: dict[int, bytes], central: dict[int, bytes]) -> bytes:
    """Bytes replaced at offsets into the local and the directory header."""
    out = bytearray(data)
    directory = len(data) - 22 - (46 + 15 + 11)
    for start, changes in ((0, local), (directory, central)):
        for at, new in changes.items():
            out[start + at : start + at + len(new)] = new
    return bytes(out)


def both(data: bytes, at: int, new: bytes) -> bytes:
    return fix(data, {at: new}, {at + 2: new})


def le(value: int) -> bytes:
    return struct.pack("<I", value)


def aes_zip(*members: tuple[str, bytes], **options: object) -> bytes:
    out = io.BytesIO()
    compression = options.pop("compression", pyzipper.ZIP_STORED)
    comment = options.pop("comment", b"")
    with pyzipper.AESZipFile(out, "w", compression=compression, encryption=pyzipper.WZ_AES) as archive:
        archive.encryption_kwargs = options or None
        archive.setpassword(WORDS.encode())
        archive.comment = comment
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def plain_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("package.custody", PACKAGE)
    return out.getvalue()


N = len(PACKAGE)
FAULTS: dict[str, tuple[Callable[[bytes], bytes], type[CustodyError], str]] = {
    "empty": (lambda _: b"", ContainerError, "empty"),
    "text": (lambda _: b"hello " * 99, ContainerError, "does not begin"),
    "header only": (lambda s: s[:50], Truncated, "incomplete"),
    "two bytes": (lambda s: s[:5], Truncated, "incomplete"),
    "half": (lambda s: s[: len(s) // 2], Truncated, "incomplete"),
    "last byte": (lambda s: s[:-1], Truncated, "incomplete"),
    "middle": (lambda s: s[:9000] + s[9001:], Truncated, "missing before its end"),
    "trailing": (lambda s: s + b"\0", Truncated, "put behind it"),
    "leading": (lambda s: b"MZ" + s, ContainerError, "does not begin"),
    "hidden before the directory": (lambda s: s[:-94] + b"xx" + s[-94:], ContainerError, "nothing accounts"),
    "plain package": (lambda _: PACKAGE, ContainerError, "not encrypted with AES"),
    "plain zip": (lambda _: plain_zip(), ContainerError, "not encrypted with AES"),
    "ZipCrypto": (lambda s: both(s, 8, b"\0\0"), ContainerError, "not encrypted with AES"),
    "flags": (lambda s: both(s, 6, b"\x09\0"), ContainerError, "not encrypted with AES"),
    "two members": (
        lambda _: aes_zip(("package.custody", b"a"), ("b", b"b")), ContainerError, "exactly one",
    ),
    "no member": (lambda _: aes_zip(), ContainerError, "does not begin"),
    "other name": (lambda _: aes_zip(("evil.custody", PACKAGE)), ContainerError, "another name"),
    "parent": (lambda _: aes_zip(("../package.custody", PACKAGE)), ContainerError, "another name"),
    "comment": (lambda _: aes_zip(("package.custody", PACKAGE), comment=b"hi"), Truncated, "put behind it"),
    "deflated": (
        lambda _: aes_zip(("package.custody", bytes(9 << 20)), compression=pyzipper.ZIP_DEFLATED),
        ContainerError, "in another way",
    ),
    "AES-128": (lambda _: aes_zip(("package.custody", PACKAGE), nbits=128), ContainerError, "in another way"),
    "AE-1": (
        lambda _: aes_zip(("package.custody", PACKAGE), force_wz_aes_version=1), ContainerError, "in another way",
    ),
    "size too small, directory": (lambda s: fix(s, {}, {24: le(N - 1)}), ContainerError, "two headers"),
    "size too small, both": (lambda s: both(s, 22, le(N - 1)), ContainerError, "sizes"),
    "size zero, both": (lambda s: both(s, 22, le(0)), ContainerError, "sizes"),
    "size too large, both": (lambda s: both(s, 22, le(N + 1)), ContainerError, "sizes"),
    "size 4 GiB, both": (lambda s: both(s, 22, le(0xFFFFFFFE)), ContainerError, "sizes"),
    "both sizes too large": (
        lambda s: both(both(s, 22, le(1 << 30)), 18, le((1 << 30) + 28)), ContainerError, "fill its place",
    ),
    "both sizes too small": (
        lambda s: both(both(s, 22, le(9)), 18, le(37)), ContainerError, "fill its place",
    ),
    "sentinel without zip64": (lambda s: both(s, 22, b"\xff" * 4), ContainerError, "sizes"),
    "local name": (lambda s: fix(s, {30: b"P"}, {}), ContainerError, "two headers"),
    "local CRC": (lambda s: fix(s, {14: b"x"}, {}), ContainerError, "two headers"),
    "offset": (lambda s: fix(s, {}, {42: b"\x01"}), ContainerError, "not at its start"),
    "member comment": (lambda s: fix(s, {}, {32: b"\x01"}), ContainerError, "malformed"),
    "extra field of another kind": (lambda s: both(s, 45, b"\x02")[:], ContainerError, "malformed"),
    "extra field too long": (lambda s: fix(s, {47: b"\x08"}, {63: b"\x08"}), ContainerError, "malformed"),
    "very long name": (lambda s: fix(s, {26: b"\xff\xff"}, {}), ContainerError, "too long"),
    "disk": (lambda s: s[:-18] + b"\x01\0" + s[-16:], ContainerError, "several disks"),
    "directory signature": (lambda s: fix(s, {}, {0: b"xx"}), ContainerError, "malformed"),
    "directory far away": (lambda s: s[:-6] + le(0) + s[-2:], ContainerError, "nothing accounts"),
    "zip64 claimed": (lambda s: s[:-6] + b"\xff" * 4 + s[-2:], Truncated, "missing before its end"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_refuses(place, sealed, name):
    make, kind, words = FAULTS[name]
    path = place(make(sealed))
    with pytest.raises(kind, match=words):
        unwrap(path, WORDS)
    assert only(path)


def test_a_checksum_where_there_must_be_none(place, sealed):
    with pytest.raises(CustodyError):
        unwrap(place(both(sealed, 14, b"\x01\x02\x03\x04")), WORDS)


SMALL = package_bytes(b"x" * 40)
SMALL_SEALED = wrapped_bytes(SMALL)


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, len(SMALL_SEALED) - 1), st.integers(0, 255)), min_size=1, max_size=3)
)
def test_random_changes_are_refused_or_leave_the_package_alone(changes):
    data = bytearray(SMALL_SEALED)
    for position, value in changes:
        data[position] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.zip"
        path.write_bytes(data)
        try:
            with unwrap(path, WORDS) as file:
                assert file.read() == SMALL
        except CustodyError:
            assert bytes(data) != SMALL_SEALED
        assert only(path)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_arbitrary_bytes_raise_only_our_errors(head, tail):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.zip"
        for data in (
            head,
            SMALL_SEALED[:56] + head,
            head + SMALL_SEALED[-94:],
            SMALL_SEALED[:-94] + tail + SMALL_SEALED[-22:],
        ):
            path.write_bytes(data)
            if data != SMALL_SEALED:
                with pytest.raises(CustodyError):
                    unwrap(path, WORDS)


def test_a_folder_that_can_not_be_written(place, sealed, monkeypatch):
    def refused(*_: object, **options: object) -> None:
        assert options["dir"] == path.parent
        raise PermissionError(13, "Permission denied")

    path = place(sealed)
    monkeypatch.setattr(encrypted.tempfile, "TemporaryFile", refused)
    with unwrap(path, WORDS) as file:
        assert isinstance(file, io.BytesIO)
        assert file.read() == PACKAGE
    monkeypatch.setattr(encrypted, "MAX_IN_MEMORY", len(PACKAGE) - 1)
    with pytest.raises(MachineError, match="Permission denied") as caught:
        unwrap(path, WORDS)
    assert "folder of your own" in str(caught.value.hint)


def test_a_folder_without_write_permission(place, sealed):
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        pytest.skip("permissions do not bind this user")
    path = place(sealed)
    path.parent.chmod(0o500)
    try:
        with unwrap(path, WORDS) as file:
            assert file.read() == PACKAGE
    finally:
        path.parent.chmod(0o700)


def test_a_full_disk(place, sealed, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    full = Full()
    monkeypatch.setattr(encrypted.tempfile, "TemporaryFile", lambda **_: full)
    with pytest.raises(MachineError, match="No space left"):
        unwrap(place(sealed), WORDS)
    assert full.closed


def test_ctrl_c_closes_the_temporary_file(place, sealed, monkeypatch):
    target = io.BytesIO()
    monkeypatch.setattr(encrypted.tempfile, "TemporaryFile", lambda **_: target)

    def interrupted(*_: object):
        yield b"x"
        raise KeyboardInterrupt

    monkeypatch.setattr(encrypted, "_decrypt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unwrap(place(sealed), WORDS)
    assert target.closed


def test_the_temporary_file_is_beside_the_package_and_has_no_name(place, sealed, tmp_path, monkeypatch):
    elsewhere = tmp_path / "system"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    path = place(sealed)
    with unwrap(path, WORDS) as file:
        assert os.fstat(file.fileno()).st_dev == path.stat().st_dev
        if sys.platform == "linux":
            assert os.readlink(f"/proc/self/fd/{file.fileno()}").startswith(str(path.parent))  # noqa: PTH115
            assert os.fstat(file.fileno()).st_nlink == 0
            assert only(path)
        assert os.listdir(elsewhere) == []  # noqa: PTH208
    assert only(path)


def test_a_missing_wrapper(tmp_path):
    with pytest.raises(MachineError, match="opened"):
        unwrap(tmp_path / "none", WORDS)


def test_zip64_wrappers(place, monkeypatch):
    """pyzipper with a lower threshold makes the headers that it makes beyond 2 GiB."""
    from pyzipper import zipfile as theirs

    sizes = range(len(SMALL) - 30, int(len(SMALL) * 1.05) - 1)
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        for limit in [*sizes, 100]:
            patch.setattr(theirs, "ZIP64_LIMIT", limit)
            made[limit] = by_pyzipper(SMALL)
    assert any(b"PK\x06\x06" in data for data in made.values())
    for data in made.values():
        path = place(data)
        with unwrap(path, WORDS) as file:
            assert file.read() == SMALL
        for at in range(len(data) - 98, len(data) - 22, 7):  # the zip64 records, or the directory
            changed = bytearray(data)
            changed[at] ^= 0x55
            path.write_bytes(changed)
            try:
                with unwrap(path, WORDS) as file:
                    assert file.read() == SMALL
            except CustodyError:
                pass


@pytest.mark.parametrize("tool", ["7-Zip", "bsdtar"])
def test_other_programs_open_it(place, sealed, tool):
    # One program under two names, by who packed it.
    program = next(filter(shutil.which, {"7-Zip": ("7z", "7zz")}.get(tool, (tool,))), None)
    if program is None:
        pytest.skip(f"{tool} is not on this machine")
    path = place(sealed)
    command = {"bsdtar": ["--passphrase", WORDS, "-xOf"]}.get(tool, ["t", f"-p{WORDS}"])
    done = subprocess.run([program, *command, str(path)], capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_it_does_not_load_pyzipper():
    code = "import sys, custody.export.encrypted; sys.exit('pyzipper' in sys.modules)"
    root = Path(__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


LARGE = package_bytes(b"y" * 4000)
END = -22
LOCATOR = END - 20
END64 = LOCATOR - 56
DIRECTORY = END64 - (46 + 15 + 20 + 11)
ZIP64_FAULTS = {
    "record's signature": (100, END64, b"X", "malformed"),
    "record's disk": (100, END64 + 16, b"\x01", "malformed"),
    "record's count": (100, END64 + 32, b"\x02", "malformed"),
    "record's directory size": (100, END64 + 40, b"\x01", "contradict its end record"),
    "record's directory offset": (100, END64 + 48, b"\x01", "contradict its end record"),
    "locator's disk": (100, LOCATOR + 4, b"\x01", "malformed"),
    "locator's place": (100, LOCATOR + 8, b"\x01", "malformed"),
    "locator's disks": (100, LOCATOR + 16, b"\x02", "malformed"),
    "sizes beside sentinels": (100, DIRECTORY + 24, le(len(LARGE)), "sizes of the encrypted package contradict"),
    "another size in the local field": (len(LARGE) + 30, 45 + 4, b"\x01", "sizes of the encrypted package contradict"),
    "another stored size in the local field": (len(LARGE) + 30, 45 + 12, b"\x01", "contradict"),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIP64_FAULTS)
def test_refuses_zip64(place, name):
    from pyzipper import zipfile as theirs

    limit, at, new, words = ZIP64_FAULTS[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "ZIP64_LIMIT", limit)
        data = bytearray(by_pyzipper(LARGE))
    path = place(bytes(data))
    with unwrap(path, WORDS) as file:
        assert file.read() == LARGE
    at %= len(data)
    assert data[at : at + len(new)] != new
    data[at : at + len(new)] = new
    path.write_bytes(data)
    with pytest.raises(ContainerError, match=words):
        unwrap(path, WORDS)
