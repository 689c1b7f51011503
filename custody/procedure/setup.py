"""Making a locker: its files, its keys, its first custodian, and how it can be recovered."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from custody import machine
from custody.crypto import public_keys
from custody.crypto.keys import CustodianKeys, LogKeys
from custody.crypto.wrapping import wrap_key_of
from custody.errors import InputRefused, MachineError, UsageError
from custody.format import words
from custody.format.entry import Time
from custody.format.envelope import Envelope
from custody.format.merkle import leaf_hash
from custody.format.names import new_origin
from custody.format.public_key import PublicKeyFile
from custody.format.text import show, to_base64
from custody.keys import erasable, recovery
from custody.keys.keyfile import KeyFile
from custody.ledger import histories
from custody.ledger import store as ledgers
from custody.ledger import work as works
from custody.procedure import authorities, place
from custody.procedure.keyring import wrap_for
from custody.procedure.locker import LOCK_NAME, Desk, Locker, Writer
from custody.procedure.rim import Rim
from custody.vault.store import DIRECTORY, Vault
from custody.verify.rights import Custodian, Rights

FIRST_RIGHTS = ("admin", "seal", "collect", "audit")
"""What the first custodian may do, ledger-wide; in a case, who opens it may do everything."""

SHEET_RIGHTS = ("read", "seal")
SECOND_RIGHTS = ("admin", "seal", "collect", "audit", "read", "export")

PARTS = (DIRECTORY, LOCK_NAME, works.FILE_NAME, erasable.FILE_NAME, ledgers.FILE_NAME)
"""A locker's files in the order in which they get their places.

The ledger goes last: a folder with ledger.sqlite is a locker, so there never is half of one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How the locker can be opened when the first custodian's key is gone; exactly one is chosen."""

    sheet: recovery.RecoverySheet | None = None
    custodian: tuple[PublicKeyFile, Envelope] | None = None
    custodian_name: str = "not stated"

    @property
    def word(self) -> str:
        """What the genesis says."""
        if self.sheet is not None:
            return "sheet"
        return "none" if self.custodian is None else "custodian"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new locker, and the twelve words by which anyone can tell its record from another."""

    origin: str
    fingerprint: tuple[str, ...]
    custodian: str


def check_place(directory: Path) -> None:
    """Raise unless a locker can be made here: absent or empty, on a local disk, and not synced.

    What an `init` left that was ended counts as empty.
    """
    if directory.exists() and not directory.is_dir():
        raise InputRefused("not a folder", where=str(directory))
    if place.is_cut_short(directory, PARTS[:-1], PARTS[-1]):
        return place.check_local(directory)
    if (directory / ledgers.FILE_NAME).exists():
        raise InputRefused(
            "there is a locker here already",
            where=show(str(directory)),
            hint="name another folder; custody check looks this one over",
        )
    if directory.is_dir() and any(directory.iterdir()):
        raise InputRefused(
            "the folder is not empty",
            where=show(str(directory)),
            hint="name a folder that does not exist yet: custody init DIR",
        )
    return place.check_local(directory)


def init(
    directory: Path,
    key_file: KeyFile,
    rim: Rim,
    *,
    name: str,
    organisation: str | None,
    how: Recovery,
    tsa: Sequence[authorities.Named] = (),
) -> Made:
    """Make a locker in ``directory`` (absent or empty). Nothing of it is left when that fails."""
    check_place(directory)
    if key_file.keys.wrap_seed is None:
        raise UsageError("a collector's key can't be the first custodian: it could read nothing back")
    existed = directory.exists()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError("the folder can't be made", where=str(directory), found=error.strerror) from error
    building = directory / ".new"
    placed: list[Path] = []
    try:
        if building.exists():
            for part in (*PARTS, building.name):  # what an `init` left that was ended
                _take_back(directory / part)
        building.mkdir(mode=0o700)
        made = _build(building, key_file, rim, name=name, organisation=organisation, how=how, tsa=tsa)
        machine.at_point("locker built")
        for part in PARTS:
            placed.append((building / part).rename(directory / part))
            machine.at_point("locker part placed")
        building.rmdir()
        machine.sync_directory(directory)
        _remember(directory, key_file, made.origin)
    except BaseException as error:
        for path in reversed(placed):  # the ledger first, for the same reason
            _take_back(path)
        shutil.rmtree(building, ignore_errors=True)
        if not existed:
            with contextlib.suppress(OSError):
                directory.rmdir()
        if isinstance(error, OSError):
            raise MachineError(
                "the locker can't be written", where=str(directory), found=error.strerror
            ) from error
        raise
    return made


def _take_back(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _remember(directory: Path, key_file: KeyFile, origin: str) -> None:
    locker = Locker(directory)
    try:
        with locker.record() as record:
            heads = histories.heads_of(locker.histories(record))
            view = record.newest
            key_file.remember(origin, view.size, view.root().hex(), histories.heads_digest(heads))
    finally:
        locker.close()


def _build(
    place: Path,
    key_file: KeyFile,
    rim: Rim,
    *,
    name: str,
    organisation: str | None,
    how: Recovery,
    tsa: Sequence[authorities.Named],
) -> Made:
    origin = new_origin(rim.random(17))
    Vault.create(place / DIRECTORY)
    (place / LOCK_NAME).touch(mode=0o600)
    erasable.ErasableStore.create(place / erasable.FILE_NAME, origin=origin, secret=rim.random(32)).close()
    ledger = ledgers.Ledger.create(place / ledgers.FILE_NAME)
    genesis = Genesis(place, ledger, key_file, rim, origin)
    try:
        leaf = genesis.write(name=name, organisation=organisation, how=how, tsa=tsa)
    finally:
        ledger.close()
    works.Work(place / works.FILE_NAME).close()
    return Made(origin=origin, fingerprint=words.encode(leaf[:16]), custodian=key_file.key_id)


class Genesis:
    """The first write: roster keys, log keys, entry 0, and the entries for recovery and policy."""

    def __init__(self, place: Path, ledger: ledgers.Ledger, key_file: KeyFile, rim: Rim, origin: str) -> None:
        self.store = erasable.ErasableStore(place / erasable.FILE_NAME)
        self.ledger = ledger
        self.key_file = key_file
        self.rim = rim
        self.origin = origin
        self.ledger_id = rim.new_id()
        self.log_keys = LogKeys(rim.random(32), rim.random(32))
        self.roster = {name: rim.random(32) for name in ("record", "identity", "note")}

    def write(
        self, *, name: str, organisation: str | None, how: Recovery, tsa: Sequence[authorities.Named]
    ) -> bytes:
        """All entries in one commit. Gives the genesis leaf hash."""
        rights = Rights()
        with self.ledger.append(rights=rights, clock=lambda: plain_time(self.rim)) as append:
            writer = Writer(append, origin=self.origin, sign_key=self.key_file.keys.sign)
            genesis = self._genesis(writer, name=name, organisation=organisation, word=how.word)
            if how.sheet is not None:
                keys = how.sheet.keys
                public = public_fields(keys, SHEET_RIGHTS, all_cases=True, recovery_sheet=True)
                self._add(writer, public, {"name": "recovery sheet"}, public_file(keys, self.rim))
            if how.custodian is not None:
                file, envelope = how.custodian
                public = public_fields_of(file, SECOND_RIGHTS, all_cases=True)
                self._add(writer, public, {"name": how.custodian_name}, envelope)
            if tsa:
                authorities.set_policy(writer, self.ledger_id, tsa)
            append.flush()
            writer.rows.wraps += roster_wraps(
                self.origin, self.ledger_id, self.roster, rights.roster_readers()
            )
            writer.rows.wraps += log_wraps(self.origin, self.ledger_id, self.log_keys, rights.sealers())
            self.store.add(writer.rows)
        self.store.close()
        return leaf_hash(genesis.envelope)

    def _genesis(self, writer: Writer, *, name: str, organisation: str | None, word: str) -> ledgers.Stored:
        keys = self.key_file.keys
        fields = public_fields(keys, FIRST_RIGHTS)
        custodian = {key: fields[key] for key in ("sign_key", "wrap_key", "rights")}
        public = {
            "rules": 1,
            "log_keys": [{"alg": alg, "key": to_base64(key)} for alg, key in self.log_keys.public.items()],
            "custodian": custodian,
            "recovery": word,
            "certificate": None,
            "predecessor": None,
        }
        parts: dict[str, dict[str, Any]] = {"identity": {"name": name}}
        if organisation:
            parts["title"] = {"organisation": organisation}
        approval = self.key_file.public_file(self.rim.wall()).to_value()
        return writer.add(
            "ledger.created",
            "ledger",
            self.ledger_id,
            public=public,
            parts=parts,
            keys=self.roster,
            approvals=[approval],
        )

    def _add(self, writer: Writer, public: dict[str, Any], identity: dict[str, Any], file: Envelope) -> None:
        writer.add(
            "custodian.added",
            "ledger",
            self.ledger_id,
            public=public,
            parts={"identity": identity},
            keys=self.roster,
            approvals=[file.to_value()],
        )


def plain_time(rim: Rim) -> Time:
    """The time without a boot session: a locker that is being made has no secret to hide one by."""
    return Time(wall=rim.wall(), session=None, mono=None)


def public_file(keys: CustodianKeys, rim: Rim) -> Envelope:
    """The public key file of keys: signed by itself, the proof of possession."""
    return public_keys.make(keys, rim.wall())


def public_fields(
    keys: CustodianKeys, rights: Sequence[str], *, all_cases: bool = False, recovery_sheet: bool = False
) -> dict[str, Any]:
    """The public fields of `custodian.added` for keys that we hold."""
    wrap_key = None if keys.wrap_seed is None else to_base64(wrap_key_of(keys.wrap_seed))
    return _fields(to_base64(keys.sign.public), wrap_key, rights, all_cases, recovery_sheet)


def public_fields_of(
    file: PublicKeyFile, rights: Sequence[str], *, all_cases: bool = False, unattended: bool = False
) -> dict[str, Any]:
    """The public fields of `custodian.added` for somebody's public key file."""
    wrap_key = None if file.wrap_key is None else to_base64(file.wrap_key)
    return {**_fields(to_base64(file.sign_key), wrap_key, rights, all_cases, False), "unattended": unattended}


def _fields(
    sign_key: str, wrap_key: str | None, rights: Sequence[str], all_cases: bool, recovery_sheet: bool
) -> dict[str, Any]:
    return {
        "sign_key": sign_key,
        "wrap_key": wrap_key,
        "rights": list(rights),
        "all_cases": all_cases,
        "unattended": False,
        "recovery": recovery_sheet,
    }


def roster_wraps(
    origin: str, ledger_id: str, roster: dict[str, bytes], readers: Sequence[Custodian]
) -> list[erasable.Wrap]:
    """The roster's class keys for those who may see who is who."""
    made = (wrap_for(origin, ledger_id, "keys", roster, custodian, roster) for custodian in readers)
    return [wrap for wrap in made if wrap is not None]


def log_wraps(
    origin: str, ledger_id: str, log_keys: LogKeys, sealers: Sequence[Custodian]
) -> list[erasable.Wrap]:
    """The log's signing keys for those with the right to seal."""
    pair = {"ed25519": log_keys.ed25519_seed, "ml-dsa-44": log_keys.ml_dsa_seed}
    made = (wrap_for(origin, ledger_id, "log", pair, custodian, pair) for custodian in sealers)
    return [wrap for wrap in made if wrap is not None]


def open_desk(directory: Path, key_file: KeyFile, rim: Rim) -> Desk:
    """Sit down at a locker with an unlocked key."""
    return Desk(Locker(directory), key_file, rim)
