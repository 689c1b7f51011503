"""Trust files: what the verifier's own side believes, from where."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from custody import machine
from custody.errors import CheckFailed, InputRefused, MachineError
from custody.format import package, words
from custody.format.entry import Time
from custody.format.merkle import leaf_hash
from custody.format.note import LogNote
from custody.format.text import show
from custody.format.trust import MAX_BYTES, Trust, TrustedAuthority, TrustedLedger
from custody.procedure.locker import Locker
from custody.verify.bundle import Bundle, read_statement
from custody.verify.package import verify
from custody.verify.token import TEST_POLICY


def read(path: Path) -> Trust:
    """The trust file at ``path``."""
    try:
        with path.open("rb") as file:
            return Trust.from_bytes(file.read(MAX_BYTES + 1), where=show(str(path)))
    except OSError as error:
        raise InputRefused(
            "the trust file can't be read",
            where=show(str(path)),
            found=error.strerror,
            hint="make one: custody trust init -o FILE",
        ) from error


def write(path: Path, trust: Trust, *, replace: bool) -> None:
    """Write a trust file whole or not at all."""
    try:
        machine.write_durably(path, trust.to_bytes(), mode=0o644, replace=replace)
    except FileExistsError as error:
        raise InputRefused(
            "there is a file of this name already", where=show(str(path)), hint="add to it: custody trust add"
        ) from error
    except OSError as error:
        raise MachineError(
            "the trust file can't be written", where=show(str(path)), found=error.strerror
        ) from error


def from_locker(locker: Locker) -> Trust:
    """What the locker itself knows, for checking one's own packages: its origin, notes and authorities.

    Only notes that are stored are taken; none is signed. Their sizes are remembered as issued, so that
    later packages prove that they continue them.
    """
    with locker.ledger.reading() as view:
        notes = view.notes()
        rights = locker.rights()
        certificates = view.root_certificates()
    authorities = []
    for row in rights.authorities:
        roots = tuple(certificates[digest] for digest in row["roots"] if digest in certificates)
        if roots:
            test = _is_test(row["policies"], roots)
            authorities.append(
                TrustedAuthority(roots=roots, policies=tuple(row["policies"]), source=row["url"], test=test)
            )
    newest = [notes[size] for size in sorted(notes)[-16:]]
    with locker.lock(), locker.ledger.append(rights=rights, clock=_no_clock) as append:
        for size in sorted(notes)[-16:]:
            append.add_issued(size)
    ledger = TrustedLedger(origin=locker.origin, genesis=locker.genesis_leaf.hex(), notes=tuple(newest))
    return Trust(ledgers=(*_earlier(locker), ledger), authorities=tuple(authorities))


def _earlier(locker: Locker) -> list[TrustedLedger]:
    """The closed volumes, with their notes: packages made before a restore are of them."""
    found = []
    with locker.closed.reading() as closed:
        for volume, view in closed:
            notes = view.notes()
            last = tuple(notes[size] for size in sorted(notes)[-16:])
            found.append(TrustedLedger(origin=volume.origin, genesis=volume.genesis_leaf.hex(), notes=last))
    return found


def note_sizes(trust: Trust, origin: str) -> list[int]:
    """Sizes of the notes that a trust file holds of a ledger."""
    known = trust.ledger(origin)
    stored = () if known is None else known.notes
    return [LogNote.from_bytes(note, where="trust file").checkpoint.size for note in stored]


def _no_clock() -> Time:
    raise AssertionError("no entry is made here")


def _is_test(policies: Sequence[str], roots: Sequence[bytes]) -> bool:
    return TEST_POLICY in policies or any(b"not for court" in root for root in roots)


def add_package(trust: Trust, file: BinaryIO, fingerprint: bytes, *, where: str) -> tuple[Trust, str, int]:
    """Believe the record of a package whose twelve words somebody read out; gives (trust, origin, size).

    ``file`` is the package itself, taken out of its wrapper. It is verified first: nothing is believed of
    one that does not match.
    """
    report = verify(file, trust=trust, fingerprint=fingerprint)
    if report.unreadable is not None:
        raise InputRefused(report.unreadable, where=where)
    if not report.intact:
        raise CheckFailed(
            "the package does not match, so nothing of it is believed",
            where=where,
            hint="custody verify shows what differs",
        )
    bundle = Bundle(file)
    statement, _ = read_statement(bundle)
    note = bundle.read(f"{package.RECORD}log/{statement.size}.note", 64 * 1024)
    genesis = leaf_hash(bundle.read(f"{package.RECORD}entries/0.json", 256 * 1024))
    return _with_note(trust, statement.origin, genesis.hex(), note), statement.origin, statement.size


def _with_note(trust: Trust, origin: str, genesis: str, note: bytes) -> Trust:
    known = trust.ledger(origin)
    old = known or TrustedLedger(origin=origin, genesis=genesis)
    notes = old.notes if note in old.notes else (*old.notes, note)
    ledger = dataclasses.replace(old, notes=notes)
    others = tuple(other for other in trust.ledgers if other.origin != origin)
    return dataclasses.replace(trust, ledgers=(*others, ledger))


def add_authority(trust: Trust, roots: Sequence[bytes], source: str, policies: Sequence[str] = ()) -> Trust:
    """Believe a timestamp authority's root certificates (DER)."""
    have = {root for authority in trust.authorities for root in authority.roots}
    new = tuple(root for root in roots if root not in have)
    if not new:
        return trust
    added = TrustedAuthority(roots=new, policies=tuple(policies), source=source, test=_is_test(policies, new))
    return dataclasses.replace(trust, authorities=(*trust.authorities, added))


def fingerprint_of(text: str) -> bytes:
    """The 16 bytes of twelve words, as a person typed them."""
    return words.decode(text, count=12, where="--fingerprint")


def root_digests(authority: TrustedAuthority) -> tuple[str, ...]:
    """SHA-256 (hex) of an authority's roots, to compare with what the authority publishes."""
    return tuple(hashlib.sha256(root).hexdigest() for root in authority.roots)
