"""Lockers and desks for tests: small key derivation, a clock that is set by hand, people with keys."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from custody.anchor.test_authority import TestAuthority
from custody.crypto import public_keys
from custody.crypto.keys import CustodianKeys, SignKey
from custody.keys import keyfile
from custody.keys.keyfile import KdfParams, KeyFile
from custody.procedure import cases, collect, custodians, setup, sources
from custody.procedure.access import Purpose
from custody.procedure.authorities import Named
from custody.procedure.collect import Collected, Request
from custody.procedure.locker import Desk, Locker
from custody.procedure.rim import Rim
from custody.procedure.setup import Recovery
from custody.verify.rights import Custodian

SMALL = KdfParams(memory_kib=64, passes=1, lanes=1)
PASSPHRASE = b"a passphrase for tests"
WHY = Purpose(text="a test")
START = dt.datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=dt.UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += dt.timedelta(**delta)


def make_rim(clock: Clock | None = None) -> Rim:
    """The outside world of a test; without a boot clock, so that no machine's uptime is in a result."""
    return Rim(now=clock or Clock(), boot_clock=lambda: None)


def new_keys(*, collector: bool = False) -> CustodianKeys:
    """Random keys; a collector's hold no wrapping seed."""
    return CustodianKeys(SignKey(os.urandom(32)), None if collector else os.urandom(96))


def new_key_file(path: Path, *, keys: CustodianKeys | None = None, collector: bool = False) -> KeyFile:
    """A new key file."""
    return keyfile.create(
        path,
        PASSPHRASE,
        keys or new_keys(collector=collector),
        now=make_rim().wall(),
        random=os.urandom,
        params=SMALL,
    )


def new_locker(
    folder: Path,
    *,
    how: Recovery | None = None,
    tsa: Sequence[Named] = (),
    clock: Clock | None = None,
    name: str = "A. Investigator",
    organisation: str | None = "An organisation",
) -> Desk:
    """A locker in ``folder``/L, its first custodian's key beside it, and that custodian's desk."""
    rim = make_rim(clock)
    own = new_key_file(folder / "keys" / "first")
    setup.init(folder / "L", own, rim, name=name, organisation=organisation, how=how or Recovery(), tsa=tsa)
    return Desk(Locker(folder / "L"), own, rim)


def sit_down(desk: Desk, own: KeyFile | None = None, *, clock: Clock | None = None) -> Desk:
    """A fresh desk at the same locker, as a later command would have."""
    rim = make_rim(clock) if clock is not None else desk.rim
    return Desk(Locker(desk.locker.path), own or desk.key_file, rim)


def add_person(
    desk: Desk,
    path: Path,
    *,
    rights: Sequence[str] = (),
    all_cases: bool = False,
    unattended: bool = False,
    collector: bool = False,
    name: str = "B. Colleague",
) -> tuple[KeyFile, Custodian]:
    """Another custodian: their key file, and how the record has them."""
    own = new_key_file(path, collector=collector)
    file, envelope = public_keys.read(own.public_file(make_rim().wall()).to_bytes(), "public key file")
    custodians.add(desk, file, envelope, name=name, rights=rights, all_cases=all_cases, unattended=unattended)
    return own, desk.rights.custodians[own.key_id]


def put(folder: Path, files: dict[str | bytes, bytes]) -> Path:
    """Write files below a folder; their names may be bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def take_in(desk: Desk, case: str, *paths: Path | str | bytes, **options: Any) -> Collected:
    """Collect paths into a case, in this process, without sealing unless asked."""
    workers = options.pop("workers", 0)
    options.setdefault("seal", False)
    return collect.collect(desk, sources.look(paths), Request(case=case, **options), workers=workers)


def case_with(
    desk: Desk, folder: Path, files: dict[str | bytes, bytes], ref: str = "REF-1"
) -> tuple[str, Collected]:
    """A new case with these files in it."""
    case = cases.open_case(desk, ref)
    return case, take_in(desk, case, put(folder, files))


@contextlib.contextmanager
def authority(clock: Clock) -> Iterator[tuple[TestAuthority, Named]]:
    """A test authority on loopback, and how the locker names it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    made = TestAuthority(clock=clock)
    root = x509.load_pem_x509_certificate(made.root_pem).public_bytes(Encoding.DER)
    with made.serve() as url:
        yield made, Named(url=url, roots=(root,))


def all_bytes(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below a folder with what is in it."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()
