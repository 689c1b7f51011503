"""The custodian's key file: signing and wrapping key, and the newest head of every ledger signed for.

Canonical JSON {format, v, kdf, nonce, sealed}: AES-256-GCM under an Argon2id key of the passphrase
(RFC 9106), all fields but ``sealed`` as associated data (docs/format/key-file.md). A collector that
runs without a person has a file *in the clear*, {format, v, kdf: null, warning, clear}, which says so
in words and can hold no wrapping key: whoever steals it can add, and read nothing.

The heads are why an older locker is seen as rolled back. They guard against who can replace the
locker, not against who can put back an old copy of this file too.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto import derive, public_keys, wrapping
from custody.crypto.keys import CustodianKeys, SignKey
from custody.errors import (
    CheckFailed,
    CustodyError,
    FormatError,
    InputRefused,
    MachineError,
    UsageError,
    WrongPassphrase,
)
from custody.format import canonical
from custody.format.envelope import Envelope
from custody.format.names import check_origin
from custody.format.text import check_digest, check_time, from_base64, show, to_base64

FORMAT = "custody key file"
WARNING = "no passphrase: whoever reads this file can sign as this collector"
MAX_FILE = 1024 * 1024
"""Bytes; some 6,000 ledgers' heads fit."""
MAX_PASSPHRASE = 1024
SALT_BYTES = 16
HINT_NEW = "make one with `custody custodian new`, or name yours with --key FILE"
HINT_WRONG = "try again; if it was right, the file is damaged: use a copy, or `custody custodian recover`"
MAX_MEMORY_KIB = 1024 * 1024
MAX_PASSES = 10
MAX_LANES = 16
_LOCK_SECONDS = 10.0

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class KdfParams:
    """What Argon2id (RFC 9106) costs: memory in KiB, passes, lanes.

    A file may ask for less than `DEFAULT` (tests do), never for more than the bounds: a hostile file
    would take the machine's memory before anybody had typed a passphrase.
    """

    memory_kib: int = 256 * 1024
    passes: int = 3
    lanes: int = 4

    def __post_init__(self) -> None:
        for name, value, most in (
            ("memory_kib", self.memory_kib, MAX_MEMORY_KIB),
            ("passes", self.passes, MAX_PASSES),
            ("lanes", self.lanes, MAX_LANES),
        ):
            if type(value) is not int or not 1 <= value <= most:
                raise FormatError(
                    f"{name} out of bounds",
                    where="key file, kdf",
                    expected=f"1 … {most}",
                    found=show(str(value), 24),
                )
        if self.memory_kib < 8 * self.lanes:  # RFC 9106, section 3.1
            raise FormatError(
                "memory_kib out of bounds", where="key file, kdf", expected="at least 8 KiB a lane"
            )


DEFAULT = KdfParams()
"""0.8 s and 256 MiB on the reference machine, once a command."""


# --- the rim: paths, passphrases, whole files ------------------------------------------------------------


def default_path(environ: Mapping[str, str], *, platform: str = sys.platform) -> Path:
    """Where the key file lies when nobody names it; MachineError when the environment has no home.

    ``$XDG_CONFIG_HOME/custody/key``, else ``~/.config/custody/key``; on Windows ``%APPDATA%\\custody\\key``.
    A relative XDG_CONFIG_HOME is ignored, as the XDG base directory specification asks.
    """
    if platform == "win32":
        base = environ.get("APPDATA")
        if base:
            return Path(base) / "custody" / "key"
    else:
        base = environ.get("XDG_CONFIG_HOME")
        if base and Path(base).is_absolute():
            return Path(base) / "custody" / "key"
        home = environ.get("HOME")
        if home:
            return Path(home) / ".config" / "custody" / "key"
    raise MachineError(
        "no place for a key file",
        found="an environment without a home folder",
        hint="name it with --key FILE",
    )


def too_open(path: Path) -> bool:
    """True when the group or others may read a regular file; always False where modes say nothing."""
    if sys.platform == "win32":
        return False
    try:
        status = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o077)


def passphrase_bytes(text: str) -> bytes:
    """A typed passphrase as bytes: UTF-8, composed (NFC), since keyboards differ in how they send é."""
    try:
        return unicodedata.normalize("NFC", text).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputRefused("the passphrase is not Unicode text") from error


def read_passphrase_file(path: Path) -> bytes:
    """The passphrase in a file: its bytes without exactly one line end (``\\n`` or ``\\r\\n``).

    InputRefused when the file is missing, empty, longer than 1,024 bytes, or of an encoding in which
    the same passphrase would be other bytes. A file that others may read is taken: see `too_open`.
    """
    where = show(str(path))
    data = _read(path, MAX_PASSPHRASE + 2, missing="there is no such passphrase file", hint=None)
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        raise InputRefused(
            "the passphrase file begins with a byte order mark",
            where=where,
            hint="save it as plain UTF-8 or ASCII text",
        )
    passphrase = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    if not passphrase:
        raise InputRefused("the passphrase file is empty", where=where)
    if len(passphrase) > MAX_PASSPHRASE:
        raise InputRefused(
            "the passphrase file is too long",
            where=where,
            expected=f"at most {MAX_PASSPHRASE} bytes",
            hint="is it the right file?",
        )
    return passphrase


def write_new(path: Path, data: bytes) -> None:
    """A new file, mode 0600, whole and durable or not there; InputRefused when there is one already."""
    where = show(str(path))
    with _machine(where):
        try:
            machine.write_durably(path, data)
        except FileExistsError:
            raise InputRefused("there is a file already, and it is kept", where=where) from None


def _replace(path: Path, data: bytes) -> None:
    with _machine(show(str(path))):
        machine.write_durably(path, data, replace=True)


@contextlib.contextmanager
def _machine(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(
            "can't be written", where=where, found=(error.strerror or type(error).__name__).lower()
        ) from error


def _read(path: Path, limit: int, *, missing: str, hint: str | None) -> bytes:
    where = show(str(path))
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise InputRefused(missing, where=where, hint=hint) from None
    except IsADirectoryError:
        raise InputRefused("is a folder, not a file", where=where) from None
    except OSError as error:
        raise MachineError(
            "can't be read", where=where, found=(error.strerror or type(error).__name__).lower()
        ) from error


def _read_key_file(path: Path) -> bytes:
    where = show(str(path))
    # Before opening: a pipe would wait for a writer for ever.
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise FormatError("not a key file", where=where, expected="a regular file")
    data = _read(path, MAX_FILE, missing="there is no key file", hint=HINT_NEW)
    if len(data) > MAX_FILE:
        raise FormatError("not a key file", where=where, expected=f"at most {MAX_FILE} bytes")
    return data


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds the lock beside the key file. The file itself can't be locked: writing it makes a new one."""
    with contextlib.ExitStack() as stack:
        with _machine(show(str(path))):
            stack.enter_context(machine.locked(path.with_name(f"{path.name}.lock"), timeout=_LOCK_SECONDS))
        yield


# --- what stands inside ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Head:
    """A ledger's newest head; digests in hex. ``histories`` is None where an older custody wrote it."""

    size: int
    root: str
    histories: str | None = None

    def to_value(self) -> dict[str, Any]:
        value: dict[str, Any] = {"size": self.size, "root": self.root}
        return value if self.histories is None else {**value, "histories": self.histories}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """The secrets and the heads; ``heads`` are {tag: head}, the tag in hex."""

    keys: CustodianKeys = field(repr=False)
    heads_secret: bytes = field(repr=False)
    heads: Mapping[str, _Head] = field(repr=False)
    made: str
    unattended: bool
    recovery: bool

    def to_value(self) -> dict[str, Any]:
        wrap_seed = self.keys.wrap_seed
        return {
            "sign": to_base64(self.keys.sign.seed),
            "wrap": None if wrap_seed is None else to_base64(wrap_seed),
            "heads_secret": to_base64(self.heads_secret),
            "heads": {tag: head.to_value() for tag, head in self.heads.items()},
            "made": self.made,
            "unattended": self.unattended,
            "recovery": self.recovery,
        }


_INSIDE = frozenset({"sign", "wrap", "heads_secret", "heads", "made", "unattended", "recovery"})


def _inside_from_value(value: object, where: str) -> _Inside:
    fields = canonical.check_fields(value, where=where, required=_INSIDE)
    for name in ("unattended", "recovery"):
        if type(fields[name]) is not bool:
            raise FormatError("not yes or no", where=f"{where}, {name}")
    if not isinstance(fields["heads"], dict):
        raise FormatError("not an object", where=f"{where}, heads")
    heads = {}
    for tag, head in fields["heads"].items():
        check_digest(tag, where=f"{where}, heads")
        newer = {"histories"} & head.keys() if isinstance(head, dict) else set()
        canonical.check_fields(head, where=f"{where}, heads", required={"size", "root"} | newer)
        if type(head["size"]) is not int:
            raise FormatError("not a size", where=f"{where}, heads")
        for name in head.keys() - {"size"}:
            check_digest(head[name], where=f"{where}, heads")
        heads[tag] = _Head(head["size"], head["root"], head.get("histories"))
    wrap = fields["wrap"]
    return _Inside(
        keys=CustodianKeys(
            SignKey(_secret(fields["sign"], 32, f"{where}, sign")),
            None if wrap is None else _secret(wrap, wrapping.WRAP_SEED_BYTES, f"{where}, wrap"),
        ),
        heads_secret=_secret(fields["heads_secret"], 32, f"{where}, heads_secret"),
        heads=heads,
        made=check_time(fields["made"], where=f"{where}, made"),
        unattended=fields["unattended"],
        recovery=fields["recovery"],
    )


def _secret(value: object, length: int, where: str) -> bytes:
    # Errors here never repeat the value: it is, or was meant to be, a secret.
    try:
        data = from_base64(value, where=where) if isinstance(value, str) else b""
    except FormatError:
        data = b""
    if len(data) != length:
        raise FormatError("not a key", where=where, expected=f"{length} bytes in base64")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lock:
    """What turns the inside into a file: the KDF's header and the key that came out of it."""

    params: KdfParams
    salt: bytes
    key: bytes = field(repr=False)

    @classmethod
    def derive(cls, passphrase: bytes, salt: bytes, params: KdfParams) -> _Lock:
        if not passphrase:
            raise InputRefused("the passphrase is empty")
        if len(passphrase) > MAX_PASSPHRASE:
            raise InputRefused("the passphrase is too long", expected=f"at most {MAX_PASSPHRASE} bytes")
        try:
            key = derive.argon2id(
                passphrase, salt, memory_kib=params.memory_kib, passes=params.passes, lanes=params.lanes
            )
        except MemoryError as error:
            raise MachineError(
                "not enough memory to open a key file",
                expected=f"{params.memory_kib // 1024} MiB free",
                hint="close other programs and try again",
            ) from error
        return cls(params=params, salt=salt, key=key)

    def kdf(self) -> dict[str, Any]:
        return {
            "name": "argon2id",
            "memory_kib": self.params.memory_kib,
            "passes": self.params.passes,
            "lanes": self.params.lanes,
            "salt": to_base64(self.salt),
        }


_SEALED = frozenset({"format", "v", "kdf", "nonce", "sealed"})
_CLEAR = frozenset({"format", "v", "kdf", "warning", "clear"})
_KDF = frozenset({"name", "memory_kib", "passes", "lanes", "salt"})


def _outside(data: bytes, where: str) -> dict[str, Any]:
    """The file's fields with `format`, `v` and the set of names checked, or FormatError."""
    try:
        # Depth 4: the heads of a file in the clear; a sealed file needs 2.
        fields = canonical.decode_object(data, where=where, max_bytes=MAX_FILE, max_depth=4)
    except FormatError as error:
        raise FormatError("not a key file", where=where, found=error.what, hint=HINT_NEW) from error
    if fields.get("format") != FORMAT:
        raise FormatError("not a key file", where=where, found="another JSON file", hint=HINT_NEW)
    if type(fields.get("v")) is not int:
        raise FormatError("a key file without a version", where=where)
    if fields["v"] != 1:
        raise FormatError(
            "a key file made by a newer custody", where=where, expected="v 1", found=f"v {fields['v']}"
        )
    clear = "kdf" in fields and fields["kdf"] is None
    return canonical.check_fields(fields, where=where, required=_CLEAR if clear else _SEALED)


def _kdf(value: object, where: str) -> tuple[KdfParams, bytes]:
    fields = canonical.check_fields(value, where=where, required=_KDF)
    if fields["name"] != "argon2id":
        raise FormatError("an unknown key derivation", where=where, found=show(repr(fields["name"]), 40))
    salt = fields["salt"]
    salt = from_base64(salt, where=where) if isinstance(salt, str) else b""
    if len(salt) != SALT_BYTES:
        raise FormatError("a salt of another length", where=where, expected=f"{SALT_BYTES} bytes")
    params = KdfParams(memory_kib=fields["memory_kib"], passes=fields["passes"], lanes=fields["lanes"])
    return params, salt


def _encode(inside: _Inside, lock: _Lock | None, random: Random, where: str) -> bytes:
    if lock is None:
        fields = {"format": FORMAT, "v": 1, "kdf": None, "warning": WARNING, "clear": inside.to_value()}
    else:
        nonce = _random(random, wrapping.NONCE)
        fields = {"format": FORMAT, "v": 1, "kdf": lock.kdf(), "nonce": to_base64(nonce)}
        plain = canonical.encode(inside.to_value(), where=where)
        associated = canonical.encode(fields, where=where)
        fields["sealed"] = to_base64(wrapping.encrypt(lock.key, nonce, plain, associated))
    data = canonical.encode(fields, where=where)
    if len(data) > MAX_FILE:
        raise MachineError("the key file is full", where=where, expected=f"at most {MAX_FILE} bytes")
    return data


def _decode(fields: dict[str, Any], lock: _Lock | None, where: str) -> _Inside:
    """The inside, or CheckFailed when the key does not open it."""
    if lock is None:
        inside = _inside_from_value(fields["clear"], where)
        if fields["warning"] != WARNING:
            raise FormatError("a key file in the clear that does not say so", where=where)
        if inside.keys.wrap_seed is not None or not inside.unattended:
            raise FormatError("a key file in the clear that is not a collector's", where=where)
        return inside
    nonce, sealed = fields["nonce"], fields["sealed"]
    if not isinstance(nonce, str) or not isinstance(sealed, str):
        raise FormatError("not a key file", where=where)
    nonce_bytes = from_base64(nonce, where=f"{where}, nonce")
    if len(nonce_bytes) != wrapping.NONCE:
        raise FormatError("a nonce of another length", where=where, expected=f"{wrapping.NONCE} bytes")
    sealed_bytes = from_base64(sealed, where=f"{where}, sealed")
    header = {name: value for name, value in fields.items() if name != "sealed"}
    associated = canonical.encode(header, where=where)
    plain = wrapping.decrypt(lock.key, nonce_bytes, sealed_bytes, associated, where=where)
    return _inside_from_value(canonical.decode(plain, where=where, max_bytes=MAX_FILE, max_depth=3), where)


def _random(random: Random, count: int) -> bytes:
    data = random(count)
    if len(data) != count:
        raise MachineError("the source of randomness ran short")
    return data


# --- the key file ----------------------------------------------------------------------------------------


class KeyFile:
    """An opened key file. Made by `create` and `open_`; keeps the derived key, never the passphrase.

    The derived key stays in memory so that writing a new head needs no second Argon2id.
    """

    def __init__(self, path: Path, inside: _Inside, lock: _Lock | None, random: Random) -> None:
        self.path = path
        self._inside = inside
        self._lock = lock
        self._random = random

    def __repr__(self) -> str:
        return f"KeyFile({str(self.path)!r}, key_id={self.key_id!r})"

    @property
    def keys(self) -> CustodianKeys:
        """The custodian's secrets."""
        return self._inside.keys

    @property
    def key_id(self) -> str:
        """The key id: hex SHA-256 of the raw public signing key."""
        return self._inside.keys.sign.key_id

    @property
    def made(self) -> str:
        """When the file was made, UTC to the millisecond, by the clock of the time."""
        return self._inside.made

    @property
    def unattended(self) -> bool:
        """True for a collector that runs without a person."""
        return self._inside.unattended

    @property
    def recovery(self) -> bool:
        """True for keys that came from a recovery sheet."""
        return self._inside.recovery

    @property
    def protected(self) -> bool:
        """False when the file is in the clear: no passphrase guards it."""
        return self._lock is not None

    @property
    def too_open(self) -> bool:
        """True when the file's mode lets the group or others read it: worth a line of advice."""
        return too_open(self.path)

    def public_file(self, now: str) -> Envelope:
        """The signed public key file to hand on; ``now`` is a UTC time to the millisecond."""
        return public_keys.make(self.keys, now)

    def head(self, origin: str) -> tuple[int, str] | None:
        """Size and root (hex) of the newest head of a ledger that this file knew when last read or written.

        From memory on purpose: read the head first, the ledger second. A head read again later could be
        newer than the ledger that was read, and an honest locker would look rolled back.
        """
        head = self._inside.heads.get(self._tag(origin))
        return None if head is None else (head.size, head.root)

    def histories(self, origin: str) -> str | None:
        """The digest (hex) that was remembered with that head, over the ends of the histories that say who may do what.

        None where nothing is remembered, or an older custody wrote it.
        """
        head = self._inside.heads.get(self._tag(origin))
        return None if head is None else head.histories

    def remember(self, origin: str, size: int, root: str, histories: str | None = None) -> None:
        """Keep a ledger's newest head, durably; to be called after the ledger's commit.

        Under the lock the file is read again and the larger size wins, so processes that share the file
        lose no head. CheckFailed when a head of the same size has another root; MachineError when the
        file can't be written; WrongPassphrase when its passphrase was changed meanwhile.
        """
        check_digest(root, where="head, root")
        if histories is not None:
            check_digest(histories, where="head, histories")
        if type(size) is not int or not 0 <= size <= canonical.MAX_INTEGER:
            raise FormatError("not a size", where="head, size")
        tag = self._tag(origin)
        with _locked(self.path):
            inside = self._reread()
            known = inside.heads.get(tag)
            if known is not None and known.size == size and known.root != root:
                raise CheckFailed(
                    "two records of the same size: this locker or another copy of it was changed",
                    where=origin,
                    expected=f"root {known.root} at size {size}",
                    found=root,
                )
            told_more = known is not None and known.size == size and known.histories is None
            if known is None or known.size < size or (told_more and histories is not None):
                inside = replace(inside, heads={**inside.heads, tag: _Head(size, root, histories)})
                _replace(self.path, _encode(inside, self._lock, self._random, show(str(self.path))))
            self._inside = inside

    def rekey(self, new_passphrase: bytes, *, params: KdfParams = DEFAULT) -> None:
        """Write the file anew under another passphrase, with a new salt.

        Copies made before still open with the old one. A file in the clear becomes a sealed one.
        InputRefused for an empty passphrase; else as `remember`.
        """
        lock = _Lock.derive(_normal(new_passphrase), _random(self._random, SALT_BYTES), params)
        with _locked(self.path):
            inside = self._reread()
            _replace(self.path, _encode(inside, lock, self._random, show(str(self.path))))
            self._inside, self._lock = inside, lock

    def _tag(self, origin: str) -> str:
        check_origin(origin, where="head, origin")
        # Keyed: the opened file is no list of the ledgers that its custodian works on.
        return derive.tag(self._inside.heads_secret, origin.encode("ascii")).hex()

    def _reread(self) -> _Inside:
        where = show(str(self.path))
        fields = _outside(_read_key_file(self.path), where)
        changed = WrongPassphrase(
            "the key file was changed by another process", where=where, hint="run the command again"
        )
        if (fields["kdf"] is None) != (self._lock is None):
            raise changed
        try:
            inside = _decode(fields, self._lock, where)
        except wrapping.WrapBroken as error:
            raise changed from error
        if inside.keys != self._inside.keys or inside.heads_secret != self._inside.heads_secret:
            raise CheckFailed("the key file now holds other keys", where=where)
        return inside


def create(
    path: Path,
    passphrase: bytes | None,
    keys: CustodianKeys,
    *,
    now: str,
    random: Random,
    params: KdfParams = DEFAULT,
    recovery: bool = False,
) -> KeyFile:
    """A new key file, mode 0600, its folder made with mode 0700; never over an existing file.

    Without a passphrase the file is an unattended collector's and in the clear: only for keys without a
    wrapping seed (UsageError). InputRefused when there is a file already; MachineError when the place
    can't be written. ``now`` is a UTC time to the millisecond, ``random`` gives that many random bytes.
    """
    check_time(now, where="key file, made")
    if passphrase is None and keys.wrap_seed is not None:
        raise UsageError(
            "a key file without a passphrase can't hold a key that opens evidence",
            hint="give a passphrase, or make a collector's key that can only add",
        )
    where = show(str(path))
    path = _real(path)
    if os.path.lexists(path):  # before Argon2id; write_new asks again, in one step with the writing
        raise InputRefused("there is a file already, and it is kept", where=where)
    lock = None
    if passphrase is not None:
        lock = _Lock.derive(_normal(passphrase), _random(random, SALT_BYTES), params)
    inside = _Inside(
        keys=keys,
        heads_secret=_random(random, 32),
        heads={},
        made=now,
        unattended=passphrase is None,
        recovery=recovery,
    )
    with _machine(where):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(path):
        write_new(path, _encode(inside, lock, random, where))
    return KeyFile(path, inside, lock, random)


def needs_passphrase(path: Path) -> bool:
    """False when the key file is in the clear. Errors as `open_`, before anybody is asked for anything."""
    return _outside(_read_key_file(path), show(str(path)))["kdf"] is not None


def open_(path: Path, passphrase: bytes | None, *, random: Random = os.urandom) -> KeyFile:
    """The key file at ``path``, opened. A file in the clear needs no passphrase and ignores one.

    InputRefused when there is none, FormatError when it is not a key file or asks for more memory, passes
    or lanes than allowed, WrongPassphrase when it does not open, MachineError when it can't be read.
    """
    where = show(str(path))
    path = _real(path)
    fields = _outside(_read_key_file(path), where)
    if fields["kdf"] is None:
        return KeyFile(path, _decode(fields, None, where), None, random)
    params, salt = _kdf(fields["kdf"], f"{where}, kdf")
    if passphrase is None:
        raise WrongPassphrase(
            "the key file needs its passphrase",
            where=where,
            hint="type it on a terminal, or name a file with --passphrase-file",
        )
    lock = _Lock.derive(_normal(passphrase), salt, params)
    try:
        return KeyFile(path, _decode(fields, lock, where), lock, random)
    except wrapping.WrapBroken as error:
        raise WrongPassphrase(
            "the key file does not open with this passphrase", where=where, hint=HINT_WRONG
        ) from error


class Opening:
    """A key file that is being opened in a thread, for a program that has something else to do meanwhile.

    The thread is one that the program's end waits for: Argon2id runs in a library that must not be taken
    down under it.
    """

    def __init__(self, path: Path, passphrase: bytes, *, random: Random) -> None:
        self.path = path
        self.passphrase = passphrase
        self._random = random
        self._found: KeyFile | BaseException | None = None
        self._thread = threading.Thread(target=self._open)
        self._thread.start()

    def _open(self) -> None:
        try:
            self._found = open_(self.path, self.passphrase, random=self._random)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._found = error

    def result(self) -> KeyFile:
        """The opened key file, once it is; raises what `open_` raises."""
        self._thread.join()
        found = self._found
        if isinstance(found, KeyFile):
            return found
        assert found is not None
        raise found


def _normal(passphrase: bytes) -> bytes:
    # One spelling whether typed or read from a file: composed, where the bytes are UTF-8 at all.
    try:
        return passphrase_bytes(passphrase.decode("utf-8"))
    except (UnicodeDecodeError, CustodyError):
        return passphrase


def _real(path: Path) -> Path:
    # Where the key file is a link, its target is rewritten, not the link.
    return Path(os.path.realpath(path))
