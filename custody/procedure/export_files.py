"""The files of a package, and writing it: payload first, lists last, nothing half.

All of it follows from the plan, the record up to the package's own entries, and which tokens go in: the
same three give the same bytes.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from custody.crypto import envelopes
from custody.errors import CustodyError
from custody.export import bag, readme
from custody.export.beside import Beside, ahead
from custody.export.container import ContainerWriter
from custody.format import package
from custody.format.envelope import PACKAGE_TYPE, Envelope
from custody.format.note import LogNote
from custody.format.proof import consistency_text, inclusion_lines
from custody.ledger.store import Stored, View
from custody.procedure import access
from custody.procedure.export_plan import Plan
from custody.procedure.locker import Desk
from custody.verify.token import check_token

_PIECE = 1 << 20

Progress = Callable[[int, int], None]
"""Gets (content bytes written, content bytes in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """All small files of the bag but manifests and statement, by their path in the bag.

    ``tokens``: SHA-256 (hex) of those that go in, in the order of their files.
    """

    files: Mapping[str, bytes]
    statement: package.Statement
    tokens: tuple[str, ...]


def small_files(
    desk: Desk, plan: Plan, made: Stored, note: LogNote, *, only: Collection[str] | None = None
) -> Small:
    """Everything but the payload. ``made`` is the package's last entry, ``note`` the log note of its size.

    ``only``: the tokens (SHA-256, hex) that may go in; None takes all that there are.
    """
    size = note.checkpoint.size
    with desk.locker.record() as record:
        # A package that was made in a volume that is closed by now is of that one and those before it.
        views = [view for view in record.views if view.base <= made.position]
        stretches = [_Stretch(view, number, view.size) for number, view in enumerate(views[:-1], 1)]
        stretches.append(_Stretch(views[-1], None, size))
        entries = [stretch.entries(plan.heads) for stretch in stretches]
        files: dict[str, bytes] = {}
        for stretch, found in zip(stretches, entries, strict=True):
            files |= stretch.record_files(found)
        tokens = _log_files(stretches, plan, entries, only)
        for stretch in stretches:
            files |= stretch.note_files()
    stamps = []
    for (stretch, m), tsrs in tokens.items():
        stamps.append(f"{stretch.folder}log/{m}")
        for place, tsr in enumerate(tsrs, 1):
            files[f"{stamps[-1]}.tsr" if place == 1 else f"{stamps[-1]}.{place}.tsr"] = tsr
    files[package.SHOWN] = package.shown_bytes(plan.rows)
    files[package.KEYS] = package.key_lines(plan.keys)
    for digest, sealed in plan.opened.sealed.items():
        files[f"{package.RECORD}parts/{digest}"] = sealed
    files[package.TRUST_NOTE] = readme.TRUST_IS_ELSEWHERE
    body = made.read()
    identifier, when = body.public["package"], body.time.wall
    files[package.README] = readme.text(
        package=identifier,
        made=when,
        items=len(plan.items),
        of_items=plan.chosen.of_items,
        tokens=tuple(stamps),
    )
    files["bagit.txt"] = bag.bagit_txt()
    files["bag-info.txt"] = bag.bag_info(
        {
            "External-Identifier": identifier,
            "Bagging-Date": when[:10],
            "External-Description": "evidence package",
        },
        sum(plan.contents[item.id]["size"] for item in plan.kept),
        len(plan.kept),
    )
    statement = package.Statement(
        package=identifier,
        origin=body.ledger,
        size=size,
        root=note.checkpoint.root.hex(),
        leaf=made.leaf.hex(),
        files=(),  # completed once every digest is known
    )
    digests = tuple(hashlib.sha256(tsr).hexdigest() for tsrs in tokens.values() for tsr in tsrs)
    return Small(files=files, statement=statement, tokens=digests)


class _Stretch:
    """What a package takes from one volume, up to ``size`` entries. ``number`` None: the one that it was made in."""

    def __init__(self, view: View, number: int | None, size: int) -> None:
        self.view = view
        self.folder = package.volume_folder(number)
        self.size = size
        self.notes = view.notes()
        # The note that the next volume names, or the package's own.
        self.sizes = {size} if number is None else set(sorted(self.notes)[-1:])

    def entries(self, subjects: Iterable[str]) -> list[Stored]:
        """The entries about the subjects, in order."""
        found = (one for subject in subjects for one in self.view.history(subject) if one.seq < self.size)
        return sorted(found, key=lambda stored: stored.seq)

    def record_files(self, entries: Sequence[Stored]) -> dict[str, bytes]:
        """Entries, their proofs, and the proofs that the volume continues every note that was ever signed.

        From every state, not only from those known to have left: whoever holds one of them, by whatever
        way, can connect it.
        """
        files = {f"{self.folder}entries/{one.seq}.json": one.envelope for one in entries}
        files[f"{self.folder}proofs.jsonl"] = inclusion_lines(
            (one.seq, self.view.inclusion(one.seq, self.size)) for one in entries
        )
        for m in (m for m in self.notes if m < self.size):
            files[f"{self.folder}consistency/{m}.txt"] = consistency_text(
                m, self.view.consistency(m, self.size)
            )
        return files

    def tokens(self, only: Collection[str] | None) -> dict[int, list[bytes]]:
        """The tokens that may go in, by the size of their note."""
        found: dict[int, list[bytes]] = {}
        for m, tsr in self.view.tokens():
            if only is None or hashlib.sha256(tsr).hexdigest() in only:
                found.setdefault(m, []).append(tsr)
        return found

    def usable(self, entries: Sequence[Stored], tokens: Mapping[int, Sequence[bytes]]) -> Iterator[int]:
        """Sizes of notes of which the record logged a time proof that can be read."""
        bodies = (stored.read() for stored in entries)
        logged = {body.public["size"] for body in bodies if body.kind == "checkpoint.timestamped"}
        for m in sorted(logged):
            if m in self.notes and any(map(_readable(self.notes[m]), tokens.get(m, ()))):
                yield m

    def note_files(self) -> dict[str, bytes]:
        """The log notes that go in."""
        return {f"{self.folder}log/{m}.note": self.notes[m] for m in sorted(self.sizes)}


def _log_files(
    stretches: Sequence[_Stretch],
    plan: Plan,
    entries: Sequence[Sequence[Stored]],
    only: Collection[str] | None,
) -> dict[tuple[_Stretch, int], list[bytes]]:
    """Tokens by volume and size, with their notes: those that bound the first entries of the shown items.

    Which notes go in follows from the tokens that the record logged before the package, so that it is
    the same whenever the package is written; tokens over those notes may come later. A note of a later
    volume covers every entry before.
    """
    stored = [stretch.tokens(only) for stretch in stretches]
    usable = [
        (stretch.view.base + m, stretch, m)
        for stretch, found, tokens in zip(stretches, entries, stored, strict=True)
        for m in stretch.usable(found, tokens)
    ]
    places = [place for place, _, _ in usable]
    for item in plan.items:
        at = bisect.bisect_right(places, item.seq)
        for _, stretch, m in (*usable[max(at - 1, 0) : at], *usable[at : at + 1]):
            stretch.sizes.add(m)
    return {
        (stretch, m): tokens[m][:99]
        for stretch, tokens in zip(stretches, stored, strict=True)
        for m in sorted(stretch.sizes)
        if m in tokens
    }


def _readable(note: bytes) -> Callable[[bytes], bool]:
    def holds(tsr: bytes) -> bool:
        try:
            check_token(tsr, note, roots=(), now=None)
        except CustodyError:
            return False
        return True

    return holds


Signer = Callable[[bytes], Envelope]
"""Gives the signed envelope of the statement's payload."""


class Package:
    """Writes the container: payload first, so that every digest is known when the lists are written."""

    def __init__(
        self, desk: Desk, plan: Plan, small: Small, sign: Signer, progress: Progress | None = None
    ) -> None:
        self._desk = desk
        self._plan = plan
        self._small = small
        self._sign = sign
        self._progress = progress
        self._done = 0
        self.signed: Envelope | None = None
        """The statement, once the package was written."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """SHA-256 (hex) of the tokens that go in."""
        return self._small.tokens

    def write(self, file: BinaryIO) -> None:
        """Write the whole package."""
        writer = ContainerWriter(file)
        writer.add_bytes("mimetype", package.MIMETYPE)
        payload = self._payload(writer)
        files = dict(self._small.files)
        for name, place in zip(package.MANIFESTS, (0, 1), strict=True):
            files[name] = bag.manifest((path, digests[place]) for path, (_, digests) in payload.items())
        self.signed = self._statement(files, payload)
        files[package.STATEMENT] = self.signed.to_bytes()
        tags = {path: data for path, data in files.items() if path not in package.TAG_MANIFESTS}
        for name, algorithm in zip(package.TAG_MANIFESTS, ("sha256", "sha512"), strict=True):
            files[name] = bag.tag_manifest(
                (path, hashlib.new(algorithm, data).hexdigest()) for path, data in tags.items()
            )
        for path in sorted(files):
            writer.add_bytes(package.ROOT + path, files[path])
        writer.close()

    def _payload(self, writer: ContainerWriter) -> dict[str, tuple[int, tuple[str, str]]]:
        found = {}
        for item in self._plan.kept:
            content = self._plan.contents[item.id]
            path, size = self._plan.paths[item.id], content["size"]
            pieces = access.export_content(self._desk, item, content)
            digest = hashlib.sha512()
            if size <= _PIECE:
                data = b"".join(pieces)
                digest.update(data)
                self._tell(size)
                writer.add_bytes(package.ROOT + path, data)
            else:
                with Beside(digest.update) as beside:
                    writer.add_stream(package.ROOT + path, self._passed(ahead(pieces), beside), size)
            # The vault holds what it gives to the SHA-256 that was logged: no need to count it again.
            found[path] = (size, (content["digests"]["sha256"], digest.hexdigest()))
        return found

    def _passed(self, pieces: Iterator[bytes], beside: Beside) -> Iterator[bytes]:
        for piece in pieces:
            beside.put(piece)
            self._tell(len(piece))
            yield piece

    def _tell(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)

    @property
    def _total(self) -> int:
        return sum(self._plan.contents[item.id]["size"] for item in self._plan.kept)

    @property
    def bound(self) -> int:
        """A size in bytes that the package does not exceed, whatever its digests are."""
        small = self._small.files
        # A file adds less than 1 KiB to the lists, the statement and the zip's directory together.
        return self._total + sum(map(len, small.values())) + 2048 * (len(small) + len(self._plan.kept) + 16)

    def _statement(
        self, files: Mapping[str, bytes], payload: Mapping[str, tuple[int, tuple[str, str]]]
    ) -> Envelope:
        rows = [(path, size, digests[0]) for path, (size, digests) in payload.items()]
        rows += [
            (path, len(data), hashlib.sha256(data).hexdigest())
            for path, data in files.items()
            if not package.is_unsigned(path)
        ]
        begun = self._small.statement
        statement = package.Statement(
            package=begun.package,
            origin=begun.origin,
            size=begun.size,
            root=begun.root,
            leaf=begun.leaf,
            files=tuple(sorted(rows)),
        )
        return self._sign(statement.to_bytes())


def sign_with(desk: Desk) -> Signer:
    """The present custodian signs."""
    return lambda payload: envelopes.sign(PACKAGE_TYPE, payload, desk.keys.sign)
