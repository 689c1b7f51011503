"""Writing the encrypted wrapper as a file to write into: no plain byte of a package ever lies on a disk.

WinZip's AE-2 (https://www.winzip.com/en/support/aes-encryption/): salt, two bytes that tell a wrong
passphrase, AES-256-CTR with a counter that begins at 1 and is little-endian, and the first ten bytes of
HMAC-SHA1 over the ciphertext. A package's own zip has checksums before its contents, known only
behind them. Counter mode can go back and encrypt them in their place; the MAC, which has to run from
beginning to end, is made afterwards in one more pass, over the ciphertext alone.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import struct
from typing import BinaryIO, cast

from custody.errors import MachineError, UsageError
from custody.export.beside import Beside
from custody.verify import zip_records as shape

MEMBER = "package.custody"
SALT = 16
CHUNK = 1 << 20

_AES_ID = 0x9901
# Extra field of AE-2: version 2, vendor, strength 3 (256 bits), real method 0 (stored).
AES_EXTRA = struct.pack("<H2sBH", 2, b"AE", 3, 0)
_VERSION_AES = 51
# Unix and 0600: a system has to be named, and a mode that gives no offence.
_MADE_BY = 3 << 8 | _VERSION_AES
_MODE = 0o100600 << 16
_ENCRYPTED, _METHOD_AES = 1, 99
_ROUNDS = 1000
_MAC = 10
_OVERHEAD = SALT + 2 + _MAC
_BLOCK = 16
# HMAC hashes a longer key to 20 bytes first; WinZip AES programs differ in what they allow beyond it.
MAX_PASSPHRASE = 64
# Printable ASCII only: programs differ in how they encode the rest. Also no 00, which HMAC pads with:
# "x" and "x\0" would be one passphrase.
PASSPHRASE = re.compile(r"[\x20-\x7e]{1,64}", re.ASCII)


class Wrapper(io.RawIOBase):
    """A file that encrypts what is written into it, into ``out``, in bounded memory.

    ``out`` is seekable, readable, writable, empty and at its start, and stays the caller's. ``bound``:
    a size that the content will not exceed; it decides about zip64 beforehand. ``salt``: 16 random
    bytes, never used twice. The wrapper is whole only after `finish`. Writing goes on at the end; after a
    `seek` it goes over what was written, and must end where that does. Raises `UsageError` for a passphrase
    that is empty, longer than 64 bytes or not printable ASCII, `MachineError` when the content is larger
    than ``bound`` allows. What ``out`` raises passes through.
    """

    def __init__(self, out: BinaryIO, passphrase: str, *, salt: bytes, bound: int) -> None:
        super().__init__()
        if not PASSPHRASE.fullmatch(passphrase):
            raise UsageError("the passphrase of a package must be 1 to 64 printable ASCII characters")
        keys = hashlib.pbkdf2_hmac("sha1", passphrase.encode("ascii"), salt, _ROUNDS, 66)
        self._key, self._mac_key = keys[:32], keys[32:64]
        self._out = out
        self._wide = bound + _OVERHEAD >= shape.ZIP64_SIZE
        header = self._local(0)
        self._begin = len(header) + SALT + 2
        self._size = 0
        self._at = 0
        self._cipher = _cipher(self._key, 0)
        _write(out, header + salt + keys[64:])

    def writable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Within what was written, and back to its end."""
        return True

    def tell(self) -> int:
        """The place in the content."""
        return self._at

    def write(self, data: object) -> int:
        """Encrypt and write all of ``data``."""
        view = memoryview(cast(bytes, data)).cast("B")
        if self._at == self._size:
            for at in range(0, len(view), CHUNK):
                _write(self._out, self._cipher.encrypt(view[at : at + CHUNK]))
            self._size += len(view)
        else:
            if self._at + len(view) > self._size:
                raise io.UnsupportedOperation("writing over the end of what was written")
            before = self._at % _BLOCK
            cipher = _cipher(self._key, self._at // _BLOCK)
            cipher.encrypt(bytes(before))
            _write(self._out, cipher.encrypt(bytes(view)))
        self._at += len(view)
        return len(view)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place that was written, or (whence 2) to the end."""
        wanted = {0: 0, 1: self._at, 2: self._size}[whence] + offset
        if not 0 <= wanted <= self._size:
            raise io.UnsupportedOperation("seeking outside of what was written")
        self._out.seek(self._begin + wanted)
        self._at = wanted
        return wanted

    def finish(self) -> str:
        """Write sizes, MAC and directory. Gives the SHA-512 (hex) of the whole file, made in the same pass."""
        if self._size + _OVERHEAD >= shape.ZIP64_SIZE and not self._wide:
            raise MachineError(
                "the package is larger than was foreseen",
                found=f"{self._size} bytes",
                hint="please report this",
            )
        self._out.seek(0)
        _write(self._out, self._local(self._size))
        self._out.flush()
        self._out.seek(0)
        mac = hmac.new(self._mac_key, digestmod="sha1")
        digest = hashlib.sha512()
        begin = self._out.read(self._begin)
        digest.update(begin)
        with Beside(mac.update) as beside:
            while piece := self._out.read(CHUNK):
                beside.put(piece)
                digest.update(piece)
        end = mac.digest()[:_MAC] + self._end()
        self._out.seek(0, 2)
        _write(self._out, end)
        self._out.flush()
        digest.update(end)
        return digest.hexdigest()

    def _local(self, size: int) -> bytes:
        stored = size + _OVERHEAD
        name = MEMBER.encode("ascii")
        extra = struct.pack("<2H", _AES_ID, len(AES_EXTRA)) + AES_EXTRA
        narrow = (stored, size)
        if self._wide:
            extra = struct.pack("<2H2Q", shape.ZIP64_ID, 16, size, stored) + extra
            narrow = (shape.SENTINEL32, shape.SENTINEL32)
        header = shape.LOCAL.pack(
            shape.LOCAL_SIGNATURE,
            _VERSION_AES,
            _ENCRYPTED,
            _METHOD_AES,
            shape.DOS_TIME,
            shape.DOS_DATE,
            0,  # AE-2 has no CRC: it would tell about the content
            *narrow,
            len(name),
            len(extra),
        )
        return header + name + extra

    def _end(self) -> bytes:
        stored = self._size + _OVERHEAD
        directory_at = self._begin + self._size + _MAC
        name = MEMBER.encode("ascii")
        extra = struct.pack("<2H", _AES_ID, len(AES_EXTRA)) + AES_EXTRA
        narrow = (stored, self._size)
        if self._wide:
            extra = struct.pack("<2H2Q", shape.ZIP64_ID, 16, self._size, stored) + extra
            narrow = (shape.SENTINEL32, shape.SENTINEL32)
        central = shape.CENTRAL.pack(
            shape.CENTRAL_SIGNATURE,
            _MADE_BY,
            _VERSION_AES,
            _ENCRYPTED,
            _METHOD_AES,
            shape.DOS_TIME,
            shape.DOS_DATE,
            0,
            *narrow,
            len(name),
            len(extra),
            0,  # comment
            0,  # disk
            0,  # internal attributes
            _MODE,
            0,  # offset
        )
        directory = central + name + extra
        records = b""
        place = shape.narrow(directory_at)
        if place == shape.SENTINEL32:
            records = shape.END64.pack(
                shape.END64_SIGNATURE,
                shape.END64.size - 12,
                _MADE_BY,
                _VERSION_AES,
                0,
                0,
                1,
                1,
                len(directory),
                directory_at,
            ) + shape.LOCATOR.pack(shape.LOCATOR_SIGNATURE, 0, directory_at + len(directory), 1)
        end = shape.END.pack(shape.END_SIGNATURE, 0, 0, 1, 1, len(directory), place, 0)
        return directory + records + end


def _cipher(key: bytes, block: int) -> _Cipher:
    # cryptography has no little-endian counter; this is what pyzipper itself encrypts with.
    from Cryptodome.Cipher import AES
    from Cryptodome.Util import Counter

    counter = Counter.new(128, initial_value=block + 1, little_endian=True)
    return cast(_Cipher, AES.new(key, AES.MODE_CTR, counter=counter))


class _Cipher:
    """What is used of the cipher."""

    def encrypt(self, plaintext: bytes | memoryview) -> bytes:
        """The next bytes, encrypted."""
        raise NotImplementedError


def _write(out: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[out.write(view) :]
