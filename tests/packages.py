"""Packages for tests: real ones out of a small locker, taken apart, changed, and put together again.

Two kinds of attacker. An *outsider* has a package: he can change every byte and rebuild all that needs no
key of the record (manifests, tag manifests, container), and sign a statement with a key of his own. An
*insider* holds every key of the locker, the log's too: `Forger` rebuilds the whole record from lines that
were changed, so that all is consistent but the one lie.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import hashlib
import io
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from custody.anchor.authority import make_request
from custody.anchor.test_authority import TestAuthority
from custody.crypto import envelopes, notes, public_keys, sealing
from custody.crypto.keys import CustodianKeys, LogKeys, SignKey
from custody.export import bag
from custody.export.container import ContainerWriter
from custody.format import canonical, merkle, package
from custody.format.envelope import ENTRY_TYPE, PACKAGE_TYPE
from custody.format.note import Checkpoint, LogNote
from custody.format.proof import consistency_text, inclusion_lines
from custody.format.text import from_base64, to_base64
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from custody.procedure import access, seal
from custody.procedure import export as exporting
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.verify.package import verify
from custody.verify.report import Outcome, Report
from tests import desks

Files = dict[str, bytes]
"""Files of a package by their path in the bag; ``../mimetype`` and such lie beside the bag."""

NAME = b"WhatsApp Chat with Mariana Exemplar.txt"
"""A name that tells; packages that withhold names may not hold it."""

OTHER_NAME = b"Zdenka Elsewhere passport.jpg"
LATER = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
"""The verifier's clock, after all that happens in the world."""


# Taking apart, putting together


def take_apart(data: bytes) -> Files:
    """The files of a package, read with the standard library's reader, not ours."""
    files: Files = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            inside = info.filename.startswith(package.ROOT)
            files[info.filename.removeprefix(package.ROOT) if inside else f"../{info.filename}"] = (
                archive.read(info)
            )
    return files


def put_together(files: Files) -> bytes:
    """The container of exactly these files in their order; nothing is recomputed."""
    out = io.BytesIO()
    writer = ContainerWriter(out)
    writer.add_bytes("mimetype", files.get("../mimetype", package.MIMETYPE))
    for path, data in files.items():
        if path.startswith("../"):
            if path != "../mimetype":
                writer.add_bytes(path.removeprefix("../"), data)
        else:
            writer.add_bytes(package.ROOT + path, data)
    writer.close()
    return out.getvalue()


def rebag(files: Files) -> Files:
    """The same with all manifests rebuilt: what needs no key."""
    files = dict(files)
    inside = {path: data for path, data in files.items() if not path.startswith("../")}
    payload = {path: data for path, data in inside.items() if path.startswith("data/")}
    for name, algorithm in zip(package.MANIFESTS, ("sha256", "sha512"), strict=True):
        rows = [(path, hashlib.new(algorithm, data).hexdigest()) for path, data in payload.items()]
        files[name] = inside[name] = package.manifest_lines(rows)
    tags = {
        path: data
        for path, data in inside.items()
        if path not in payload and path not in package.TAG_MANIFESTS
    }
    for name, algorithm in zip(package.TAG_MANIFESTS, ("sha256", "sha512"), strict=True):
        rows = [(path, hashlib.new(algorithm, data).hexdigest()) for path, data in tags.items()]
        files[name] = package.manifest_lines(rows)
    return files


def read_statement(files: Files) -> dict[str, Any]:
    """The payload of package.dsse as JSON."""
    outer = canonical.decode(files[package.STATEMENT], where="statement", max_bytes=1 << 30)
    value: dict[str, Any] = canonical.decode_object(
        from_base64(outer["payload"], where="statement"), where="statement", max_bytes=1 << 30
    )
    return value


def resign(files: Files, key: SignKey, **changes: Any) -> Files:
    """The same under a statement that fits every file, signed by ``key``; and all manifests rebuilt."""
    statement = {**read_statement(files), **changes}
    files = rebag(files)  # the statement covers the payload manifests
    statement["files"] = sorted(
        [path, len(data), hashlib.sha256(data).hexdigest()]
        for path, data in files.items()
        if not path.startswith("../") and not package.is_unsigned(path)
    )
    signed = envelopes.sign(PACKAGE_TYPE, canonical.encode(statement), key)
    return rebag({**files, package.STATEMENT: signed.to_bytes()})


def look(files: Files | bytes, trust: Trust | None = None, **options: Any) -> Report:
    """Verify, with the verifier's clock after everything."""
    data = files if isinstance(files, bytes) else put_together(files)
    options.setdefault("now", LATER)
    return verify(io.BytesIO(data), trust=trust, **options)


def said(report: Report, check: str, text: str, outcome: Outcome = Outcome.FAILED) -> bool:
    """True when one finding of ``check`` with that outcome says ``text``."""
    return any(f.check == check and text in f.text and f.outcome is outcome for f in report.findings)


def summary(report: Report) -> str:
    """What a failing test prints."""
    lines = [report.record_line, report.origin_line, *report.missing, report.unreadable or ""]
    for finding in report.findings:
        if finding.outcome is not Outcome.PASSED:
            lines.append(f"{finding.outcome.value}: {finding.check}: {finding.text} ({finding.where})")
    return "\n".join(lines)


# The world


@dataclass(slots=True)
class Line:
    """An entry before it has a place: `Forger` gives it number, root, prev and signature."""

    kind: str
    type: str
    subject: str
    case: str | None = None
    group: str | None = None
    public: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    approvals: list[Any] = field(default_factory=list)
    actor: str = ""
    wall: str = "2026-03-04T05:06:07.890Z"
    stamp: int | None = None
    """The size that a `checkpoint.timestamped` is about."""
    change: Callable[[dict[str, Any]], None] | None = None
    """Changes the body just before it is signed: the lie."""
    tag: str | None = None


@dataclass(slots=True)
class World:
    """A locker with two cases, every key of it, an authority, and an honest package of the first case."""

    folder: Path
    desk: Desk
    authority: TestAuthority
    root: bytes
    case: str
    other_case: str
    items: tuple[Any, ...]
    lines: list[Line]
    log_keys: LogKeys
    class_keys: dict[str, dict[str, bytes]]
    signers: dict[str, SignKey]
    contents: dict[str, bytes]
    honest: bytes
    colleague: str

    @property
    def origin(self) -> str:
        """The origin."""
        return self.desk.origin

    @property
    def first(self) -> SignKey:
        """The first custodian's signing key: the exporter's."""
        return self.desk.keys.sign

    def trust(self, **changes: Any) -> Trust:
        """A trust file that names the record and the authority, in the shape a careful person's has."""
        ledger = TrustedLedger(origin=self.origin, genesis=self.desk.locker.genesis_leaf.hex())
        authority = TrustedAuthority(roots=(self.root,), policies=(), source="by hand", test=True)
        value: dict[str, Any] = {"ledgers": (ledger,), "authorities": (authority,), **changes}
        return Trust(**value)


CHAT = b"[03/01/26, 10:00] Mariana: I am at the station\n" * 40
FILES: dict[str | bytes, bytes] = {
    NAME: CHAT,
    b"screen.png": b"\x89PNG\r\n\x1a\n" + bytes(500),
    b"log.csv": b"time,address\n2026-01-01T00:00:00Z,192.0.2.1\n",
}
SECOND: dict[str | bytes, bytes] = {
    b"Ivan Second.vcf": b"BEGIN:VCARD\nFN:Ivan Second\nEND:VCARD\n",
    b"second two.txt": b"a note\n",
}


@functools.cache
def world() -> World:
    """The one world of a test process: made once, never changed by a test."""
    folder = Path(tempfile.mkdtemp(prefix="custody-packages-"))
    return make_world(folder)


def make_world(folder: Path) -> World:
    """A new world in ``folder``."""
    clock = desks.Clock()
    with desks.authority(clock) as (authority, named):
        desk = desks.new_locker(folder, tsa=(named,), clock=clock)
        colleague, _ = desks.add_person(desk, folder / "keys" / "second", rights=("seal",))
        case, _ = desks.case_with(desk, folder / "in1", FILES, ref="REF-1")
        clock.forward(hours=1)
        seal.seal(desk)
        desks.take_in(desk, case, desks.put(folder / "in2", SECOND), exhibit="B-7")
        other_case, _ = desks.case_with(
            desk, folder / "in3", {OTHER_NAME: b"of another case", b"x.txt": b"x"}, ref="OTHER-2"
        )
        items = desk.locker.work.items(case)
        for _ in range(2):
            opened = access.open_item(desk, items[0], purpose=Purpose(text="to look at it"))
            assert opened.content is not None
            assert b"".join(opened.content())
        clock.forward(hours=1)
        seal.seal(desk)
        clock.forward(hours=1)
        lines, class_keys = _read_lines(desk, {desk.keys.sign.key_id, colleague.keys.sign.key_id})
        contents = {}
        for item in items:
            opened_parts = [line for line in lines if line.subject == item.id]
            content = opened_parts[0].plain["content"]
            contents[item.id] = b"".join(access.export_content(desk, item, content))
        exporting.export(
            desk, exporting.Choice(case=case), folder / "honest.zip", purpose="disclosure", plain=True
        )
    root = x509.load_pem_x509_certificate(authority.root_pem).public_bytes(Encoding.DER)
    signers = {key.key_id: key for key in (desk.keys.sign, colleague.keys.sign)}
    return World(
        folder=folder,
        desk=desk,
        authority=authority,
        root=root,
        case=case,
        other_case=other_case,
        items=tuple(items),
        lines=lines,
        log_keys=desk.log_keys(),
        class_keys=class_keys,
        signers=signers,
        contents=contents,
        honest=(folder / "honest.zip").read_bytes(),
        colleague=colleague.keys.sign.key_id,
    )


def _read_lines(desk: Desk, known: set[str]) -> tuple[list[Line], dict[str, dict[str, bytes]]]:
    lines: list[Line] = []
    class_keys: dict[str, dict[str, bytes]] = {}
    with desk.locker.ledger.reading() as view:
        stored = [entry.read() for entry in view.entries(0, view.size)]
    for body in stored:
        assert body.actor in known
        subject = body.subject.id
        if subject not in class_keys:
            class_keys[subject] = dict(desk.ring.class_keys(subject) or desk.ring.item_keys(subject))
        plain = {}
        for name in body.sealed:
            sealed = desk.locker.erasable.part(body.ledger, subject, body.subject.n, name)
            assert sealed is not None
            key = sealing.compartment_key(
                class_keys[subject][sealing.class_of(name)], desk.origin, subject, body.subject.n, name
            )
            plain[name] = sealing.open_compartment(
                key, desk.origin, subject, body.subject.n, name, sealed, where=name
            )
        lines.append(
            Line(
                kind=body.kind,
                type=body.subject.type,
                subject=subject,
                case=body.case,
                group=body.group,
                public=dict(body.public),
                plain=plain,
                approvals=[dict(a) for a in body.approvals],
                actor=body.actor,
                wall=body.time.wall,
                stamp=body.public["size"] if body.kind == "checkpoint.timestamped" else None,
            )
        )
    return lines, class_keys


# The insider


@dataclass(slots=True)
class Placed:
    """An entry of the forged record."""

    seq: int
    stored: bytes
    body: dict[str, Any]
    leaf: bytes
    parts: dict[str, tuple[bytes, bytes]]
    """Compartment -> (sealed bytes, key)."""


class Forger:
    """Rebuilds a record from lines, with every key in hand, and makes packages of it."""

    def __init__(self, world: World, lines: Sequence[Line] | None = None) -> None:
        self.world = world
        self.origin = world.origin
        self.log_keys = world.log_keys
        self.signers = dict(world.signers)
        self.lines = copy.deepcopy(list(world.lines if lines is None else lines))
        self.placed: list[Placed] = []
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.heads: dict[str, tuple[str, int, bytes]] = {}
        self.tokens: dict[int, list[bytes]] = {}
        self.notes: dict[int, LogNote] = {}
        self.authority = world.authority
        self.keep_numbers = False

    # Lines

    def find(self, kind: str, nth: int = 0, **fields: Any) -> int:
        """The place among the lines of the nth line of a kind."""
        found = [
            place
            for place, line in enumerate(self.lines)
            if line.kind == kind and all(getattr(line, name) == value for name, value in fields.items())
        ]
        return found[nth]

    def access_line(self, item: str, **changes: Any) -> Line:
        """An `item.accessed` of an item, by the first custodian."""
        public = {"what": "parts", "result": "opened", "copy": False, "purpose": "other"}
        line = Line("item.accessed", "item", item, case=self.world.case, public=public)
        line.actor = self.world.first.key_id
        for name, value in changes.items():
            setattr(line, name, value)
        return line

    def ledger_line(self, kind: str, public: dict[str, Any], actor: str | None = None) -> Line:
        """An entry about the ledger."""
        ledger = self.lines[0].subject
        return Line(kind, "ledger", ledger, public=public, actor=actor or self.world.first.key_id)

    def custodian_line(self, keys: CustodianKeys, rights: Sequence[str], **changes: Any) -> Line:
        """A `custodian.added` with its possession proof; the key can sign from then on."""
        file = public_keys.make(keys, "2026-03-04T05:06:07.890Z")
        self.signers[keys.sign.key_id] = keys.sign
        body = canonical.decode_object(file.payload, where="public key file", max_bytes=1 << 20)
        public = {
            "sign_key": body["sign_key"],
            "wrap_key": body["wrap_key"],
            "rights": list(rights),
            "all_cases": False,
            "unattended": False,
            "recovery": False,
            **changes,
        }
        line = self.ledger_line("custodian.added", public)
        line.plain = {"identity": {"name": "C. Newcomer"}}
        line.approvals = [file.to_value()]
        return line

    # Building

    def root(self, size: int) -> bytes:
        """The root of the first entries."""
        return merkle.root(size, lambda level, index: self.nodes[level, index])

    def note(self, size: int, keys: LogKeys | None = None) -> LogNote:
        """The log note of a size, signed once."""
        if size not in self.notes:
            checkpoint = Checkpoint(origin=self.origin, size=size, root=self.root(size))
            self.notes[size] = notes.sign(checkpoint, keys or self.log_keys)
        return self.notes[size]

    def token(self, data: bytes, at: dt.datetime) -> bytes:
        """A token of the world's authority over ``data``."""
        before, self.authority.clock = self.authority.clock, lambda: at
        try:
            return self.authority.answer(make_request(data, 7))
        finally:
            self.authority.clock = before

    def stamp(self, size: int, at: dt.datetime) -> bytes:
        """A token over the note of a size, to be shipped."""
        tsr = self.token(self.note(size).to_bytes(), at)
        self.tokens.setdefault(size, []).append(tsr)
        return tsr

    def build(self) -> None:
        """Place all lines."""
        for line in self.lines:
            self.add(line)

    def add(self, line: Line) -> Placed:
        """Place one line behind all others."""
        seq = len(self.placed)
        _, n, leaf = self.heads.get(line.subject, (line.type, -1, b""))
        public = dict(line.public)
        if line.stamp is not None:
            size = min(line.stamp, seq)
            tsr = self.stamp(size, dt.datetime.strptime(line.wall, "%Y-%m-%dT%H:%M:%S.%f%z"))
            public["size"], public["note"] = size, self.note(size).sha256
            public["token"] = hashlib.sha256(tsr).hexdigest()
        body: dict[str, Any] = {
            "v": 1,
            "ledger": self.origin,
            "seq": seq,
            "root": self.root(seq).hex(),
            "kind": line.kind,
            "actor": line.actor,
            "subject": {
                "type": line.type,
                "id": line.subject,
                "n": n + 1,
                "prev": leaf.hex() if leaf else None,
            },
            "case": line.case,
            "group": line.group,
            "time": {"wall": line.wall, "session": None, "mono": None},
            "public": public,
            "sealed": {},
            "approvals": line.approvals,
        }
        parts = {}
        for name, value in line.plain.items():
            key = self._key(line.subject, n + 1, name)
            context_n = n + 1
            sealed = value
            if not isinstance(value, bytes):
                sealed = sealing.seal_compartment(
                    self._class_key(line.subject, name), self.origin, line.subject, context_n, name, value
                )
            parts[name] = (sealed, key)
            body["sealed"][name] = hashlib.sha256(sealed).hexdigest()
        if line.change is not None:
            line.change(body)
        key = self.signers[body["actor"]]
        stored = envelopes.sign(ENTRY_TYPE, canonical.encode(body), key).to_bytes()
        placed = Placed(seq=seq, stored=stored, body=body, leaf=merkle.leaf_hash(stored), parts=parts)
        # A hidden entry does not move its subject's head: the next one has its number.
        return self.take(placed, moves=line.tag != "hidden")

    def take(self, placed: Placed, *, moves: bool = True) -> Placed:
        """Take in an entry that is ready."""
        self.placed.append(placed)
        for level, index, digest in merkle.new_nodes(
            placed.seq, placed.leaf, lambda level, index: self.nodes[level, index]
        ):
            self.nodes[level, index] = digest
        subject = placed.body["subject"]
        if moves and isinstance(subject, dict) and isinstance(subject.get("id"), str):
            n = subject.get("n")
            counted = self.heads.get(subject["id"], ("", -1, b""))[1] + 1
            n = n if type(n) is int and n < 2**40 else counted
            self.heads[subject["id"]] = (str(subject.get("type")), n, placed.leaf)
        return placed

    def _class_key(self, subject: str, name: str) -> bytes:
        keys = self.world.class_keys.setdefault(subject, {})
        return keys.setdefault(sealing.class_of(name), hashlib.sha256(subject.encode()).digest())

    def _key(self, subject: str, n: int, name: str) -> bytes:
        return sealing.compartment_key(self._class_key(subject, name), self.origin, subject, n, name)

    # Packages

    def pack(
        self,
        *,
        items: Sequence[str] | None = None,
        show: Collection[str] = package.DEFAULT_SHOWN,
        made: Callable[[dict[str, Any]], None] | None = None,
        change: Callable[[dict[str, Any]], None] | None = None,
        exporter: str | None = None,
        leave_out: Collection[int] = (),
        heads: dict[str, tuple[str, int, bytes]] | None = None,
        exported: Sequence[str] | None = None,
        before_made: Sequence[Line] = (),
        issued: Iterable[int] = (),
        package_id: str = "019cb6d0-0000-7000-8000-00000000000a",
        stamped: dt.datetime | None = dt.datetime(2026, 3, 5, tzinfo=dt.UTC),
        also: Collection[str] = (),
        then: Sequence[Line] = (),
        whole: bool = False,
    ) -> Files:
        """Export as the honest program would, with one lie.

        ``made`` changes `package.made`'s public part before it is signed, ``change`` its body; ``exported``
        are the items whose `item.exported` is logged (``items`` are those shipped); ``leave_out`` are entries
        not shipped, ``heads`` those that are stated instead of the true ones; ``whole`` ships all entries.
        """
        world, case = self.world, self.world.case
        wanted = [i.id for i in world.items] if items is None else list(items)
        first = {p.body["subject"]["id"]: p for p in reversed(self.placed)}
        exhibits = dict.fromkeys(first[i].body["public"].get("exhibit") for i in wanted)
        subjects = [self.lines[0].subject, case, *[e for e in exhibits if e in first], *wanted, *also]
        states = {s: self.heads[s] for s in subjects if s in self.heads} if heads is None else heads
        group = "019cb6d0-0000-7000-8000-00000000000b"
        actor = exporter or world.first.key_id
        shipped = [
            p for p in self.placed if p.body["subject"]["id"] in subjects and p.seq not in set(leave_out)
        ]
        keys, parts, withheld = self._show(shipped, show)
        withheld["purpose"] = withheld.get("purpose", 0) + 1
        payload = {}
        rows = []
        for item in wanted:
            content = self._content(first[item])
            path = package.payload_path(first[item].body["public"]["label"], content["media_type"])
            payload[path] = world.contents.get(item, b"")
            rows.append((path, content["digests"]["sha256"]))
        shown = [(kind, s, n, leaf.hex()) for s, (kind, n, leaf) in states.items() if kind != "item"]
        ledger, own = states[self.lines[0].subject], states[case]
        public = {
            "package": package_id,
            "form": package.FORM,
            "contents": package.contents_digest(rows, keys),
            "items": len(wanted),
            "withheld": withheld,
            "heads": {
                "ledger": {"n": ledger[1], "leaf": ledger[2].hex()},
                "case": {"n": own[1], "leaf": own[2].hex()},
            },
            "shown": hashlib.sha256(package.shown_bytes(shown)).hexdigest(),
        }
        if made is not None:
            made(public)
        wall = "2026-03-04T09:00:00.000Z"
        tail = [
            self.add(Line("item.exported", "item", i, case=case, group=group, actor=actor, wall=wall))
            for i in (wanted if exported is None else exported)
        ]
        shipped += tail
        shipped += [self.add(line) for line in before_made]
        line = Line("package.made", "case", case, case=case, group=group, public=public, actor=actor)
        line.plain, line.wall, line.change = {"purpose": {"text": "disclosure"}}, wall, change
        end = self.add(line)
        shipped.append(end)
        shipped += [self.add(line) for line in then]
        if whole:
            shipped = list(self.placed)
        return self._files(
            shipped, end, keys, parts, payload, shown, stamped, issued, actor, package_id, leave_out
        )

    def _show(
        self, shipped: Sequence[Placed], show: Collection[str]
    ) -> tuple[list[tuple[int, str, str]], dict[str, bytes], dict[str, int]]:
        keys, parts, withheld = [], {}, {}
        for placed in shipped:
            for name in placed.body["sealed"]:
                if name in show and placed.body["subject"]["type"] != "ledger" and name in placed.parts:
                    sealed, key = placed.parts[name]
                    keys.append((placed.seq, name, to_base64(key)))
                    parts[placed.body["sealed"][name]] = sealed
                else:
                    withheld[name] = withheld.get(name, 0) + 1
        return keys, parts, withheld

    def _content(self, placed: Placed) -> dict[str, Any]:
        sealed, key = placed.parts["content"]
        subject = placed.body["subject"]
        return sealing.open_compartment(
            key, self.origin, subject["id"], subject["n"], "content", sealed, where="content"
        )

    def _files(
        self,
        shipped: Sequence[Placed],
        end: Placed,
        keys: Sequence[tuple[int, str, str]],
        parts: dict[str, bytes],
        payload: dict[str, bytes],
        shown: Sequence[package.Row],
        stamped: dt.datetime | None,
        issued: Iterable[int],
        actor: str,
        package_id: str,
        leave_out: Collection[int],
    ) -> Files:
        size = len(self.placed)
        if stamped is not None:
            self.stamp(size, stamped)
        files: Files = {**payload}
        shipped = sorted((p for p in shipped if p.seq not in set(leave_out)), key=lambda p: p.seq)
        read = lambda level, index: self.nodes[level, index]  # noqa: E731
        for placed in shipped:
            files[f"{package.RECORD}entries/{placed.seq}.json"] = placed.stored
        files[package.PROOFS] = inclusion_lines((p.seq, merkle.inclusion(p.seq, size, read)) for p in shipped)
        for m in {*self.tokens, size}:
            files[f"{package.RECORD}log/{m}.note"] = self.note(m).to_bytes()
            for place, tsr in enumerate(self.tokens.get(m, ()), 1):
                files[f"{package.RECORD}log/{m}{'' if place == 1 else f'.{place}'}.tsr"] = tsr
        for m in {*self.tokens, *issued} - {size}:
            files[f"{package.RECORD}consistency/{m}.txt"] = consistency_text(
                m, merkle.consistency(m, size, read)
            )
        files[package.SHOWN] = package.shown_bytes(shown)
        files[package.KEYS] = package.key_lines(keys)
        for digest, sealed in parts.items():
            files[f"{package.RECORD}parts/{digest}"] = sealed
        files[package.TRUST_NOTE] = b"elsewhere\n"
        files[package.README] = b"read me\n"
        files["bagit.txt"] = bag.bagit_txt()
        files["bag-info.txt"] = bag.bag_info(
            {"External-Identifier": package_id}, sum(map(len, payload.values())), len(payload)
        )
        statement = {
            "v": 1,
            "package": package_id,
            "origin": self.origin,
            "size": size,
            "root": self.root(size).hex(),
            "leaf": end.leaf.hex(),
            "certificate": None,
            "files": [],
        }
        files[package.STATEMENT] = envelopes.sign(
            PACKAGE_TYPE, canonical.encode(statement), self.signers[actor]
        ).to_bytes()
        return resign(files, self.signers[actor])

    def trust(self, **changes: Any) -> Trust:
        """A trust file for the forged record: the genesis may be another one now."""
        ledger = TrustedLedger(origin=self.origin, genesis=self.placed[0].leaf.hex())
        return self.world.trust(**{"ledgers": (ledger,), **changes})


def forger(change: Callable[[Forger], None] | None = None) -> Forger:
    """A forger over the world's record, its lines changed, built."""
    made = Forger(world())
    if change is not None:
        change(made)
    made.build()
    return made
