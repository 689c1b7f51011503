"""The encrypted wrapper as it is written: what pyzipper reads back, and no plain byte on any disk meanwhile."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
import shutil
import subprocess
import tempfile
import threading
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyzipper

from custody.errors import InputRefused, MachineError, UsageError
from custody.export import encrypted, wrapper, writing
from custody.export.beside import Beside, EarlySync, ahead
from custody.export.container import ContainerWriter
from custody.export.wrapper import Wrapper
from custody.procedure import export
from custody.procedure.export import Choice
from custody.verify import zip_records
from tests import desks

WORDS = "abandon ability able about above absent absorb abstract"
SALT = bytes(range(16))


def begun(bound: int = 1 << 20, out: io.BytesIO | None = None) -> tuple[Wrapper, io.BytesIO]:
    place = out or io.BytesIO()
    return Wrapper(place, WORDS, salt=SALT, bound=bound), place


def by_pyzipper(data: bytes) -> bytes:
    with pyzipper.AESZipFile(io.BytesIO(data)) as archive:
        archive.setpassword(WORDS.encode())
        (info,) = archive.infolist()
        assert info.filename == "package.custody"
        return bytes(archive.read(info))


def by_us(data: bytes, folder: Path) -> bytes:
    path = folder / "p.zip"
    path.write_bytes(data)
    with encrypted.unwrap(path, WORDS) as file:
        return file.read()


# --- the bytes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4096, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_what_is_written_comes_out_of_pyzipper(size: int, tmp_path: Path) -> None:
    data = random.Random(size).randbytes(size)
    made, out = begun()
    for at in range(0, size, 700_001):
        made.write(data[at : at + 700_001])
    sha512 = made.finish()
    assert by_pyzipper(out.getvalue()) == data
    assert by_us(out.getvalue(), tmp_path) == data
    assert sha512 == hashlib.sha512(out.getvalue()).hexdigest()
    assert data[:40] not in out.getvalue() or size < 16


def test_places_that_are_written_over_are_encrypted_in_their_place(tmp_path: Path) -> None:
    """Counter mode goes back: at any place, any length, before and behind block boundaries."""
    chance = random.Random(7)
    for _ in range(60):
        plain = bytearray(chance.randbytes(chance.randrange(1, 5000)))
        made, out = begun()
        written = 0
        while written < len(plain):
            count = chance.randrange(1, 900)
            made.write(bytes(plain[written : written + count]))
            written = min(written + count, len(plain))
            at = chance.randrange(written)
            new = chance.randbytes(min(chance.randrange(1, 40), written - at))
            assert made.seek(at) == made.tell() == at
            assert made.write(new) == len(new)
            plain[at : at + len(new)] = new
            assert made.seek(0, 2) == written
        made.finish()
        assert by_pyzipper(out.getvalue()) == plain
    assert by_us(out.getvalue(), tmp_path) == plain


def test_a_package_written_through_it_is_the_package(tmp_path: Path) -> None:
    def write(file: Any) -> None:
        writer = ContainerWriter(file)
        writer.add_bytes("mimetype", b"application/x-test")
        writer.add_stream("bag/data/A-1/001.bin", iter([b"one" * 9999, b"two" * 5]), 3 * 9999 + 15)
        writer.add_bytes("bag/x.txt", b"x")
        writer.close()

    plain = io.BytesIO()
    write(plain)
    made, out = begun()
    write(made)
    made.finish()
    assert by_us(out.getvalue(), tmp_path) == plain.getvalue()


def _unpacked(tool: str, passphrase: str, path: Path) -> subprocess.CompletedProcess[bytes]:
    command = {"bsdtar": ["--passphrase", passphrase, "-xOf"]}.get(tool, ["e", "-so", f"-p{passphrase}"])
    return subprocess.run([tool, *command, str(path)], capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("tool", ["7z", "bsdtar"])
@pytest.mark.parametrize("size", [0, 1, 4096, 1_000_001])
def test_other_programs_unpack_what_is_written(tool: str, size: int, tmp_path: Path) -> None:
    """Also where it was foreseen as beyond 4 GiB, and where the sizes do stand in zip64 fields."""
    program = next(filter(shutil.which, ("7z", "7zz") if tool == "7z" else (tool,)), None)
    if program is None:
        pytest.skip(f"{tool} is not on this machine")
    data = random.Random(size).randbytes(size)
    for bound, limit in ((1 << 20, None), (1 << 33, None), (1 << 20, 1000)):
        with pytest.MonkeyPatch.context() as patch:
            if limit is not None:
                patch.setattr(zip_records, "ZIP64_SIZE", limit)
            made, out = begun(bound)
            made.write(data)
            made.finish()
        path = tmp_path / "p.zip"
        path.write_bytes(out.getvalue())
        done = _unpacked(program, WORDS, path)
        assert (done.returncode, done.stdout) == (0, data), done.stderr
        if size > 1:  # one byte in 65,536 passphrases passes the two check bytes, and then the HMAC tells
            assert _unpacked(program, "another passphrase", path).returncode != 0
            changed = bytearray(out.getvalue())
            changed[len(changed) // 2] ^= 1
            path.write_bytes(bytes(changed))
            assert _unpacked(program, WORDS, path).returncode != 0


def test_the_same_salt_gives_the_same_bytes_and_another_does_not() -> None:
    def wrapped(salt: bytes) -> bytes:
        out = io.BytesIO()
        made = Wrapper(out, WORDS, salt=salt, bound=100)
        made.write(b"a package")
        made.finish()
        return out.getvalue()

    assert wrapped(SALT) == wrapped(SALT)
    assert wrapped(SALT)[-120:-90] != wrapped(bytes(16))[-120:-90]


def test_beyond_4_gib_the_sizes_stand_in_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threshold is lowered: the same fields, without 4 GiB."""
    data = random.Random(1).randbytes(5000)
    wide, place = begun(bound=1 << 33)  # foreseen as large, and small after all
    wide.write(data)
    wide.finish()
    assert by_pyzipper(place.getvalue()) == by_us(place.getvalue(), tmp_path) == data
    assert b"PK\x06\x06" not in place.getvalue()
    monkeypatch.setattr(zip_records, "ZIP64_SIZE", 1000)
    large, place = begun(bound=5000)
    large.write(data)
    large.finish()
    assert b"PK\x06\x06" in place.getvalue()
    assert by_pyzipper(place.getvalue()) == by_us(place.getvalue(), tmp_path) == data
    narrow, place = begun(bound=10)
    narrow.write(data)
    with pytest.raises(MachineError, match="larger than was foreseen"):
        narrow.finish()


def test_what_a_file_can_not_do_is_refused() -> None:
    made, _ = begun()
    made.write(b"0123456789")
    for offset, whence in ((-1, 0), (11, 0), (1, 2)):
        with pytest.raises(io.UnsupportedOperation):
            made.seek(offset, whence)
    made.seek(8)
    with pytest.raises(io.UnsupportedOperation):
        made.write(b"over the end")
    for passphrase in ("", "x" * 65, "é", "a\0"):
        with pytest.raises(UsageError, match="printable ASCII"):
            Wrapper(io.BytesIO(), passphrase, salt=SALT, bound=1)


def test_what_is_overwritten_tells_nothing() -> None:
    """The block that stood there first, and the one that stands there now, must not give the CRC together."""
    found = set()
    for _ in range(3):
        made, out = begun()
        first: list[bytes] = []
        real = made.write

        def watch(data: Any, real: Any = real, first: list[bytes] = first, out: io.BytesIO = out) -> int:
            count = int(real(data))
            first.append(out.getvalue())
            return count

        made.write = watch  # type: ignore[method-assign]
        writer = ContainerWriter(made)  # type: ignore[arg-type]
        writer.add_bytes("mimetype", b"x")
        writer.add_stream("bag/a.bin", iter([b"y" * 4000]), 4000)
        before, after = first[-3], first[-1]
        different = [at for at in range(len(before)) if before[at] != after[at]]
        assert 1 <= len(different) <= 4
        found.add(bytes(before[at] ^ after[at] for at in different))
    assert len(found) == 3  # the CRC is the same each time, and can't be told


# --- no plain byte, little memory -----------------------------------------------------------------------


def test_an_encrypted_export_writes_no_plain_byte_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written to any file is looked at as it is written, nameless files included."""
    desk = desks.new_locker(tmp_path)
    # Larger than a piece, so that its checksum is put in afterwards; and a small one.
    large = b"a sentence that must not be on the disk\n" * 60_000
    files: dict[str | bytes, bytes] = {"a.txt": large, "b.txt": b"a sentence, and no more\n"}
    case, _ = desks.case_with(desk, tmp_path / "src", files)
    out = tmp_path / "out"
    out.mkdir()
    seen = bytearray()
    real = writing._Watched.write

    def watch(self: Any, data: Any) -> int:
        seen.extend(bytes(data))
        return real(self, data)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    monkeypatch.setattr(writing._Watched, "write", watch)
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refused)

    def look(_done: int, _total: int) -> None:
        for path in out.iterdir():
            assert b"a sentence" not in path.read_bytes()

    done = export.export(desk, Choice(case=case), out / "p.zip", purpose="x", progress=look)
    monkeypatch.undo()
    assert len(seen) > len(large)  # it was looked at
    for plain in (b"a sentence", b"bag/", b"application/vnd.custody", b"custody/entries"):
        assert plain not in seen
        assert plain not in done.path.read_bytes()
    assert done.passphrase is not None
    assert done.sha512 == hashlib.sha512(done.path.read_bytes()).hexdigest()
    assert done.size == done.path.stat().st_size
    with encrypted.unwrap(done.path, done.passphrase) as file, zipfile.ZipFile(file) as archive:
        assert large in (archive.read(name) for name in archive.namelist() if "/data/" in name)


def test_memory_does_not_grow_with_the_content(tmp_path: Path) -> None:
    block = os.urandom(1 << 20)

    def peak(mib: int) -> int:
        def write(file: Any) -> None:
            for _ in range(mib):
                file.write(block)

        tracemalloc.start()
        try:
            writing.write_file(
                tmp_path / f"{mib}.zip",
                write,
                passphrase=WORDS,
                bound=mib << 20,
                random=os.urandom,
            )
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(40) < peak(8) + (6 << 20)


@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_a_file_is_whole_or_not_there(tmp_path: Path, passphrase: str | None) -> None:
    out = tmp_path / "p.zip"

    def run(write: Any) -> tuple[int, str]:
        return writing.write_file(out, write, passphrase=passphrase, bound=100, random=os.urandom)

    def full(file: Any) -> None:
        file.write(b"x" * 40)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(MachineError, match="No space left"):
        run(full)
    assert list(tmp_path.iterdir()) == []
    size, sha512 = run(lambda file: file.write(b"content") and None)
    assert (size, sha512) == (out.stat().st_size, hashlib.sha512(out.read_bytes()).hexdigest())
    assert out.stat().st_mode & 0o077 == 0
    with pytest.raises(InputRefused, match="already"):
        run(lambda file: file.write(b"other") and None)
    assert hashlib.sha512(out.read_bytes()).hexdigest() == sha512


# --- beside ---------------------------------------------------------------------------------------------


def test_pieces_come_in_order_and_errors_in_their_place() -> None:
    pieces = [bytes([n]) * 3 for n in range(200)]
    got: list[bytes] = []
    with Beside(got.append) as beside:
        for piece in ahead(iter(pieces)):
            beside.put(piece)
    assert got == pieces

    def breaks() -> Iterator[bytes]:
        yield b"one"
        raise InputRefused("in the middle")

    taken: list[bytes] = []
    with pytest.raises(InputRefused, match="in the middle"):
        taken.extend(ahead(breaks()))
    assert taken == [b"one"]

    def fails(_piece: bytes) -> None:
        raise InputRefused("in the work")

    with pytest.raises(InputRefused, match="in the work"):
        hand_over(fails, pieces)


def hand_over(work: Any, pieces: list[bytes], error: BaseException | None = None) -> None:
    with Beside(work) as beside:
        for piece in pieces:
            beside.put(piece)
        if error is not None:
            raise error


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()

    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    for piece in ahead(endless()):
        assert piece
        break
    with pytest.raises(KeyboardInterrupt):
        hand_over(lambda _: None, [b"x"], KeyboardInterrupt())
    assert threading.active_count() == before


def test_a_write_back_that_failed_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EarlySync, "EVERY", 10)

    def broken(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with (tmp_path / "f").open("wb") as file, EarlySync(file.fileno()) as sync:
        with monkeypatch.context() as patched:
            for name in ("fdatasync", "fsync"):  # the former where there is one
                patched.setattr(os, name, broken, raising=False)
            sync.wrote(11)
            sync._join()
        with pytest.raises(OSError, match="Input/output"):
            sync.finish()


def test_the_counter_is_little_endian_from_one() -> None:
    """The published form: block i is encrypted with the number i + 1, its least byte first."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = bytes(range(32))
    for block in (0, 1, 254, 255, 256, 65_535, 1 << 33):
        ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
        assert wrapper._cipher(key, block).encrypt(bytes(16)) == ecb.update(
            (block + 1).to_bytes(16, "little")
        )
