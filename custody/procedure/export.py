"""Exporting: choose, open in memory, log, and only then write a package that a stranger can check.

The package's checkpoint ends with exactly the entries that log it, so nothing that happened to a shown
item can be missing: after its last entry nothing else exists in that tree.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from custody import machine
from custody.crypto import envelopes
from custody.errors import CheckFailed, CustodyError, InputRefused, MachineError, NoRight, UsageError
from custody.export import bag, encrypted, readme
from custody.export.container import ContainerWriter
from custody.format import names, package, words
from custody.format.envelope import PACKAGE_TYPE
from custody.format.note import LogNote
from custody.format.proof import consistency_text, inclusion_lines
from custody.format.text import to_base64
from custody.ledger.store import Stored, View
from custody.ledger.work import ItemRow
from custody.procedure import access
from custody.procedure.locker import Desk
from custody.procedure.seal import Waiting, stamp
from custody.verify.token import Token, check_token

SHOWABLE = (*package.DEFAULT_SHOWN, *package.WITHHELD_UNLESS_SHOWN)
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What goes into a package. ``items`` empty: all of the case. ``show`` and ``withhold``: compartments."""

    case: str
    items: tuple[ItemRow, ...] = ()
    show: tuple[str, ...] = ()
    withhold: tuple[str, ...] = ()

    @property
    def shown(self) -> frozenset[str]:
        """The compartments that are shown; ``custodians`` stands for the names in the ledger's history."""
        return (frozenset(package.DEFAULT_SHOWN) | set(self.show)) - set(self.withhold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a package would show, before anything is logged or written."""

    items: int
    of_items: int
    exhibits: tuple[str, ...]
    shown: tuple[str, ...]
    withheld: Mapping[str, int]
    unsearched: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A written package. ``passphrase`` is None for a plain one; ``sha512`` is of the file as written."""

    package: str
    path: Path
    size: int
    sha512: str
    items: int
    of_items: int
    withheld: Mapping[str, int]
    passphrase: str | None
    tokens: tuple[Token, ...]
    waiting: tuple[Waiting, ...]
    authorities: int
    fingerprint: tuple[str, ...]


@dataclass(slots=True)
class _Plan:
    """Everything that is known before the entries are appended."""

    items: tuple[ItemRow, ...]
    exhibits: dict[str, str]
    heads: dict[str, tuple[str, int, bytes]]
    """(type, n, leaf) by subject: the histories as they were read."""
    opened: access.ForExport
    contents: dict[str, dict[str, Any]]
    """The content compartment by item."""
    paths: dict[str, str]
    withheld: dict[str, int]
    of_items: int


def check_choice(desk: Desk, choice: Choice) -> None:
    """Raise for a choice that can't be carried out; nothing is opened."""
    for name in (*choice.show, *choice.withhold):
        if name not in SHOWABLE:
            raise UsageError(
                "not a part that can be shown or withheld", found=name, expected=", ".join(SHOWABLE)
            )
    both = sorted(set(choice.show) & set(choice.withhold))
    if both:
        raise UsageError("asked to show and to withhold the same part", found=", ".join(both))
    if "content" in choice.withhold:
        raise UsageError(
            "a package without the content part could prove nothing about its files",
            where="--withhold",
            hint="leave the items themselves out instead: name the items that shall go in",
        )
    if not desk.rights.holds(desk.key_id, "export", choice.case):
        access.refuse_case(desk, choice.case, what="export")
    desk.need("seal", choice.case, what="export")


def check_output(desk: Desk, output: Path) -> None:
    """Raise unless a new file can be made there, outside the locker."""
    if output.exists() or output.is_symlink():
        raise InputRefused(
            "there is a file of this name already", where=output.name, hint="choose another name with -o"
        )
    folder = output.absolute().parent
    if not folder.is_dir():
        raise InputRefused("there is no such folder", where=str(folder))
    locker = desk.locker.path.resolve()
    if locker == folder.resolve() or locker in folder.resolve().parents:
        raise InputRefused("a package can't be written into the locker itself", where=str(output))
    if not os.access(folder, os.W_OK):
        raise MachineError("the folder can't be written", where=str(folder))


def export(
    desk: Desk,
    choice: Choice,
    output: Path,
    *,
    purpose: str,
    recipient: str | None = None,
    plain: bool = False,
    stamped: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Exported:
    """Log the export, ask for a token, write the package. Raises before anything is logged where it can.

    ``progress`` gets (bytes written, bytes in all). When writing the file fails, the export stays
    logged as prepared, and nothing of it has left the locker.
    """
    check_choice(desk, choice)
    check_output(desk, output)
    passphrase = None if plain else words.passphrase(desk.rim.random)
    log_keys = desk.log_keys()
    package_id, group = desk.rim.new_id(), desk.rim.new_id()
    purposes: dict[str, Any] = {"text": purpose, "shown": sorted(choice.shown)}
    if recipient:
        purposes["recipient"] = recipient
    if passphrase is not None:
        purposes["passphrase"] = passphrase
    for _ in range(8):
        plan = _plan(desk, choice)
        made = _log(desk, choice, plan, package_id, group, purposes, log_keys)
        if made is not None:
            break
    else:
        raise MachineError(
            "the case is being changed all the time by others", hint="run the command again later"
        )
    stored, note = made
    tokens, waiting, asked = stamp(desk, note) if stamped else ([], [], 0)
    files = _files(desk, plan, package_id, stored, note, [tsr for tsr, _ in tokens])
    writer = _Package(desk, plan, files, progress)
    size, sha512 = _write(output, writer, passphrase)
    return Exported(
        package=package_id,
        path=output,
        size=size,
        sha512=sha512,
        items=len(plan.items),
        of_items=plan.of_items,
        withheld=plan.withheld,
        passphrase=passphrase,
        tokens=tuple(token for _, token in tokens),
        waiting=tuple(waiting),
        authorities=asked,
        fingerprint=words.encode(desk.locker.genesis_leaf[:16]),
    )


def preview(desk: Desk, choice: Choice) -> Preview:
    """What a package would show. Opens nothing: it counts entries and parts."""
    check_choice(desk, choice)
    items, exhibits, of_items = _chosen(desk, choice)
    withheld: dict[str, int] = {}
    with desk.locker.ledger.reading() as view:
        for subject, kind in _subjects(desk, choice.case, exhibits, items).items():
            shown = _shown_of(kind, choice.shown)
            for stored in view.history(subject):
                entry = stored.read()
                for name in entry.sealed:
                    if name not in shown or (entry.kind, name) in access.NEVER_SHIPPED:
                        withheld[name] = withheld.get(name, 0) + 1
    withheld["purpose"] = withheld.get("purpose", 0) + 1
    return Preview(
        items=len(items),
        of_items=of_items,
        exhibits=tuple(exhibits.values()),
        shown=tuple(sorted(choice.shown)),
        withheld=withheld,
        unsearched=len(items),
    )


# Choosing and opening


def _chosen(desk: Desk, choice: Choice) -> tuple[tuple[ItemRow, ...], dict[str, str], int]:
    work = desk.locker.work
    everything = work.items(choice.case)
    items = tuple(sorted(choice.items or everything, key=lambda item: item.seq))
    if not items:
        raise InputRefused(
            "there is nothing to export: the case has no items", hint="custody collect PATH --case REF"
        )
    if any(item.case != choice.case for item in items):
        raise InputRefused("an item of another case", hint="a package is about one case")
    labels = {row.id: row.label for row in work.exhibits(choice.case)}
    exhibits = {
        identifier: labels[identifier] for identifier in dict.fromkeys(item.exhibit for item in items)
    }
    return items, exhibits, len(everything)


def _subjects(desk: Desk, case: str, exhibits: Mapping[str, str], items: Sequence[ItemRow]) -> dict[str, str]:
    """Subjects whose whole histories are shipped, with their type."""
    return {
        desk.locker.ledger_id: "ledger",
        case: "case",
        **dict.fromkeys(exhibits, "exhibit"),
        **{item.id: "item" for item in items},
    }


def _shown_of(kind: str, shown: frozenset[str]) -> frozenset[str]:
    """The compartments shown of a subject: of the ledger's own history only names, and only when asked for."""
    if kind == "ledger":
        return frozenset({"identity", "title"}) if "custodians" in shown else frozenset()
    return shown - {"custodians"}


def _plan(desk: Desk, choice: Choice) -> _Plan:
    items, exhibits, of_items = _chosen(desk, choice)
    subjects = _subjects(desk, choice.case, exhibits, items)
    with desk.locker.ledger.reading() as view:
        heads = {}
        for subject, kind in subjects.items():
            head = view.head(subject)
            if head is None:
                raise CheckFailed("a subject without entries", where=names.short(subject))
            heads[subject] = (kind, head.n, head.leaf)
    wanted = {subject: _shown_of(kind, choice.shown) for subject, kind in subjects.items()}
    opened = access.open_for_export(desk, choice.case, wanted)
    withheld: dict[str, int] = {"purpose": 1}  # package.made's own
    contents: dict[str, dict[str, Any]] = {}
    for parts in opened.parts:
        body = parts.entry
        for name in body.sealed:
            if (parts.seq, name) not in opened.keys:
                withheld[name] = withheld.get(name, 0) + 1
        asked_for = set(parts.closed) & set(choice.show)
        if asked_for:
            raise NoRight("your key was not given the keys to show this", found=", ".join(sorted(asked_for)))
        if body.kind == "item.collected" and "content" in parts.values:
            contents[body.subject.id] = parts.values["content"]
    missing = [item.label for item in items if item.id not in contents]
    if missing:
        raise NoRight("your key can't open what is known of an item", where=missing[0])
    paths = {item.id: package.payload_path(item.label, contents[item.id]["media_type"]) for item in items}
    return _Plan(
        items=items,
        exhibits=exhibits,
        heads=heads,
        opened=opened,
        contents=contents,
        paths=paths,
        withheld=withheld,
        of_items=of_items,
    )


# Logging


def _keys(plan: _Plan) -> list[tuple[int, str, str]]:
    return [(seq, name, to_base64(key)) for (seq, name), key in plan.opened.keys.items()]


def _log(
    desk: Desk,
    choice: Choice,
    plan: _Plan,
    package_id: str,
    group: str,
    purposes: dict[str, Any],
    log_keys: Any,
) -> tuple[Stored, LogNote] | None:
    """Append the export's group and its note in one transaction; None when a history moved meanwhile."""
    files = [(plan.paths[item.id], plan.contents[item.id]["digests"]["sha256"]) for item in plan.items]
    rows = [
        (kind, subject, n, leaf.hex()) for subject, (kind, n, leaf) in plan.heads.items() if kind != "item"
    ]
    ledger, case = plan.heads[desk.locker.ledger_id], plan.heads[choice.case]
    public = {
        "package": package_id,
        "form": package.FORM,
        "contents": package.contents_digest(files, _keys(plan)),
        "items": len(plan.items),
        "withheld": plan.withheld,
        "heads": {
            "ledger": {"n": ledger[1], "leaf": ledger[2].hex()},
            "case": {"n": case[1], "leaf": case[2].hex()},
        },
        "shown": hashlib.sha256(package.shown_bytes(rows)).hexdigest(),
    }
    with contextlib.suppress(_Moved), desk.write() as writer:
        for subject, (_, n, leaf) in plan.heads.items():
            head = writer.append.head(subject)
            if head is None or (head.n, head.leaf) != (n, leaf):
                raise _Moved
        for item in plan.items:
            writer.add("item.exported", "item", item.id, case=choice.case, group=group)
        made = writer.add(
            "package.made",
            "case",
            choice.case,
            case=choice.case,
            group=group,
            public=public,
            parts={"purpose": purposes},
            keys=desk.ring.class_keys(choice.case),
        )
        note = writer.sign_note(log_keys)
        writer.append.add_issued(note.checkpoint.size)
        return made, note
    return None


class _Moved(Exception):
    """Somebody appended to a history between reading and the lock."""


# The files


def _files(
    desk: Desk, plan: _Plan, package_id: str, made: Stored, note: LogNote, new_tokens: Sequence[bytes]
) -> dict[str, bytes]:
    """All small files of the bag but manifests and statement, by their path in the bag."""
    size = note.checkpoint.size
    files: dict[str, bytes] = {}
    with desk.locker.ledger.reading() as view:
        entries = sorted(
            (stored for subject in plan.heads for stored in view.history(subject) if stored.seq < size),
            key=lambda stored: stored.seq,
        )
        for stored in entries:
            files[f"{package.RECORD}entries/{stored.seq}.json"] = stored.envelope
        files[package.PROOFS] = inclusion_lines((e.seq, view.inclusion(e.seq, size)) for e in entries)
        sizes, tokens = _log_files(desk, view, plan, size, new_tokens)
        stored_notes = view.notes()
        # From every state that was ever signed, not only from those known to have left: whoever holds
        # one of them, by whatever way, can connect it.
        for m in (m for m in stored_notes if m < size):
            files[f"{package.RECORD}consistency/{m}.txt"] = consistency_text(m, view.consistency(m, size))
    for m in sizes:
        files[f"{package.RECORD}log/{m}.note"] = stored_notes[m]
    stamps = []
    for m, tsrs in tokens.items():
        for place, tsr in enumerate(tsrs, 1):
            stem = f"{package.RECORD}log/{m}" + ("" if place == 1 else f".{place}")
            files[f"{stem}.tsr"] = tsr
            if place == 1:
                stamps.append(f"{package.RECORD}log/{m}")
    rows = [
        (kind, subject, n, leaf.hex()) for subject, (kind, n, leaf) in plan.heads.items() if kind != "item"
    ]
    files[package.SHOWN] = package.shown_bytes(rows)
    files[package.KEYS] = package.key_lines(_keys(plan))
    for digest, sealed in plan.opened.sealed.items():
        files[f"{package.RECORD}parts/{digest}"] = sealed
    files[package.TRUST_NOTE] = readme.TRUST_IS_ELSEWHERE
    when = made.read().time.wall
    files[package.README] = readme.text(
        package=package_id, made=when, items=len(plan.items), of_items=plan.of_items, tokens=tuple(stamps)
    )
    files["bagit.txt"] = bag.bagit_txt()
    payload = sum(plan.contents[item.id]["size"] for item in plan.items)
    files["bag-info.txt"] = bag.bag_info(
        {
            "External-Identifier": package_id,
            "Bagging-Date": when[:10],
            "External-Description": "evidence package",
        },
        payload,
        len(plan.items),
    )
    statement = package.Statement(
        package=package_id,
        origin=desk.origin,
        size=size,
        root=note.checkpoint.root.hex(),
        leaf=made.leaf.hex(),
        files=(),
    )
    files[package.STATEMENT] = statement.to_bytes()  # completed and signed once every digest is known
    return files


def _log_files(
    desk: Desk, view: View, plan: _Plan, size: int, new_tokens: Sequence[bytes]
) -> tuple[list[int], dict[int, list[bytes]]]:
    """Sizes of notes to ship, and tokens by size: those that bound the first entries of the shown items."""
    stored: dict[int, list[bytes]] = {}
    for m, tsr in view.tokens():
        stored.setdefault(m, []).append(tsr)
    if new_tokens:
        stored[size] = list(new_tokens)
    notes = view.notes()
    usable = sorted(
        m for m, tsrs in stored.items() if m <= size and m in notes and any(map(_readable(notes[m]), tsrs))
    )
    sizes = {size}
    for item in plan.items:
        at = bisect.bisect_right(usable, item.seq)
        sizes |= set(usable[max(at - 1, 0) : at]) | set(usable[at : at + 1])
    return sorted(sizes), {m: stored[m][:99] for m in sorted(sizes) if m in stored}


def _readable(note: bytes) -> Callable[[bytes], bool]:
    def holds(tsr: bytes) -> bool:
        try:
            check_token(tsr, note, roots=(), now=None)
        except CustodyError:
            return False
        return True

    return holds


class _Package:
    """Writes the container: payload first, so that every digest is known when the lists are written."""

    def __init__(
        self, desk: Desk, plan: _Plan, files: dict[str, bytes], progress: Callable[[int, int], None] | None
    ) -> None:
        self._desk = desk
        self._plan = plan
        self._files = files
        self._progress = progress

    def write(self, file: BinaryIO) -> None:
        """Write the whole package."""
        writer = ContainerWriter(file)
        writer.add_bytes("mimetype", package.MIMETYPE)
        payload = self._payload(writer)
        files = dict(self._files)
        for name, place in zip(package.MANIFESTS, (0, 1), strict=True):
            files[name] = bag.manifest((path, digests[place]) for path, (_, digests) in payload.items())
        files[package.STATEMENT] = self._statement(files, payload)
        tags = {path: data for path, data in files.items() if path not in package.TAG_MANIFESTS}
        for name, algorithm in zip(package.TAG_MANIFESTS, ("sha256", "sha512"), strict=True):
            files[name] = bag.tag_manifest(
                (path, hashlib.new(algorithm, data).hexdigest()) for path, data in tags.items()
            )
        for path in sorted(files):
            writer.add_bytes(package.ROOT + path, files[path])
        writer.close()

    def _payload(self, writer: ContainerWriter) -> dict[str, tuple[int, tuple[str, str]]]:
        total = sum(self._plan.contents[item.id]["size"] for item in self._plan.items)
        done = 0
        found = {}
        for item in self._plan.items:
            content = self._plan.contents[item.id]
            first, second = hashlib.sha256(), hashlib.sha512()

            def pieces(item: ItemRow = item, first: Any = first, second: Any = second) -> Iterator[bytes]:
                nonlocal done
                for piece in access.export_content(self._desk, item, self._plan.contents[item.id]):
                    first.update(piece)
                    second.update(piece)
                    done += len(piece)
                    if self._progress is not None:
                        self._progress(done, total)
                    yield piece

            path = self._plan.paths[item.id]
            writer.add_stream(package.ROOT + path, pieces(), content["size"])
            found[path] = (content["size"], (first.hexdigest(), second.hexdigest()))
        return found

    def _statement(
        self, files: Mapping[str, bytes], payload: Mapping[str, tuple[int, tuple[str, str]]]
    ) -> bytes:
        unsigned = package.Statement.from_bytes(files[package.STATEMENT], where="statement")
        rows = [(path, size, digests[0]) for path, (size, digests) in payload.items()]
        rows += [
            (path, len(data), hashlib.sha256(data).hexdigest())
            for path, data in files.items()
            if not package.is_unsigned(path)
        ]
        statement = package.Statement(
            package=unsigned.package,
            origin=unsigned.origin,
            size=unsigned.size,
            root=unsigned.root,
            leaf=unsigned.leaf,
            files=tuple(sorted(rows)),
        )
        return envelopes.sign(PACKAGE_TYPE, statement.to_bytes(), self._desk.keys.sign).to_bytes()


def _write(output: Path, writer: _Package, passphrase: str | None) -> tuple[int, str]:
    """Write beside the output, make durable, rename without overwriting. Gives (size, SHA-512)."""
    temporary = output.with_name(f".{output.name}.{secrets.token_hex(4)}.new")
    try:
        with temporary.open("xb") as file:
            temporary.chmod(0o600)
            if passphrase is None:
                writer.write(file)
            else:
                # The plain package never has a name on the disk: it lies in a nameless file beside the output.
                with tempfile.TemporaryFile(dir=output.absolute().parent) as nameless:
                    inner: BinaryIO = nameless
                    writer.write(inner)
                    encrypted.wrap(inner, file, passphrase)
            file.flush()
            os.fsync(file.fileno())
        machine.at_point("before package file")
        machine.rename_new(temporary, output)
        machine.sync_directory(output.absolute().parent)
    except FileExistsError as error:
        temporary.unlink(missing_ok=True)
        raise InputRefused("there is a file of this name already", where=output.name) from error
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise MachineError(
            "the package can't be written",
            where=output.name,
            found=error.strerror,
            hint="the export is logged; nothing left the locker. Make room, then export again",
        ) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    digest = hashlib.sha512()
    with output.open("rb") as done:
        while piece := done.read(_PIECE):
            digest.update(piece)
    return output.stat().st_size, digest.hexdigest()
