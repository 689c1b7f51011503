"""Attacks on packages, each with the check and the words that must meet it.

`docs/reference/package-attacks.md` is the table of them, made from this file by
``python -m tests.test_verify_attacks``; a test holds the two together.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from custody.crypto import notes, sealing
from custody.crypto.keys import LogKeys
from custody.errors import CustodyError
from custody.export import encrypted
from custody.format import canonical, contexts, envelope, package, padding
from custody.format.note import Checkpoint
from custody.format.text import to_base64
from custody.format.trust import Trust, TrustedLedger
from custody.verify import contents, histories
from custody.verify.report import Outcome, Report
from custody.verify.text import lines
from tests import desks
from tests.packages import (
    Files,
    Forger,
    Line,
    Placed,
    forger,
    look,
    put_together,
    rebag,
    resign,
    said,
    summary,
    take_apart,
    world,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "package-attacks.md"
Try = tuple[Files | bytes, Trust]
MARCH = dt.datetime(2026, 3, 5, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One row: who does what against which promise, and what must be said."""

    id: str
    promise: int
    who: str
    what: str
    check: str
    says: str
    outcome: Outcome
    exit_code: int
    make: Callable[[], Try]


ATTACKS: list[Attack] = []


def attack(
    who: str,
    promise: int,
    what: str,
    check: str,
    says: str,
    *,
    outcome: Outcome = Outcome.FAILED,
    exit_code: int = 1,
) -> Callable[[Callable[[], Try]], Callable[[], Try]]:
    """Register an attack; its id is the function's name."""

    def register(make: Callable[[], Try]) -> Callable[[], Try]:
        ATTACKS.append(
            Attack(
                id=make.__name__.replace("_", "-"),
                promise=promise,
                who=who,
                what=what,
                check=check,
                says=says,
                outcome=outcome,
                exit_code=exit_code,
                make=make,
            )
        )
        return make

    return register


def outsider(what: str, check: str, says: str, promise: int = 9, **more: Any) -> Any:
    """Somebody with a package and no key of the record."""
    return attack("outsider", promise, what, check, says, **more)


def insider(what: str, check: str, says: str, promise: int = 4, **more: Any) -> Any:
    """Somebody with every key of the record, the log's too."""
    return attack("insider", promise, what, check, says, **more)


def honest() -> Files:
    """The honest package's files."""
    return take_apart(world().honest)


def with_trust(files: Files | bytes) -> Try:
    """An attack on the honest record."""
    return files, world().trust()


def forged(change: Callable[[Forger], None] | None = None, **options: Any) -> Try:
    """An attack with all keys: the record changed, or the package made with a lie."""
    made = forger(change)
    return made.pack(**options), made.trust()


def signed(edit: Callable[[Files], None]) -> Try:
    """The exporter himself signs for changed files."""
    files = honest()
    edit(files)
    return resign(files, world().first), world().trust()


def item(nth: int = 0) -> str:
    """The nth item's id."""
    return str(world().items[nth].id)


def first_of(files: Files, prefix: str) -> str:
    """The first path with a prefix."""
    return sorted(path for path in files if path.startswith(prefix))[0]


# Files and lists


@outsider("a byte of a file is changed", "bag", "content differs from what is listed")
def payload_byte() -> Try:
    files = honest()
    path = first_of(files, "data/")
    files[path] = files[path][:-1] + b"?"
    return with_trust(files)


@outsider(
    "a byte of a file is changed and all manifests are rebuilt", "statement", "what the exporter signed"
)
def payload_byte_rebagged() -> Try:
    files = honest()
    path = first_of(files, "data/")
    files[path] = files[path][:-1] + b"?"
    return with_trust(rebag(files))


@outsider(
    "a file is changed and everything is signed again by a key of one's own",
    "statement",
    "signed by a key that the record does not name",
)
def signed_by_stranger() -> Try:
    files = honest()
    path = first_of(files, "data/")
    files[path] = b"something else"
    return with_trust(resign(files, desks.new_keys().sign))


@outsider("a tag file is edited and the manifests are rebuilt", "statement", "what the exporter signed")
def readme_edited() -> Try:
    return with_trust(rebag({**honest(), package.README: b"all is well\n"}))


@outsider("a manifest is removed", "bag", "a manifest is missing")
def manifest_removed() -> Try:
    files = honest()
    del files["manifest-sha512.txt"]
    return with_trust(files)


@outsider("a file is added and listed", "statement", "file added: the exporter did not sign for it")
def payload_added() -> Try:
    return with_trust(rebag({**honest(), "data/A-1/099.txt": b"planted"}))


@outsider("a file is removed and no longer listed", "statement", "file missing: the exporter signed for it")
def payload_removed() -> Try:
    files = honest()
    del files[first_of(files, "data/")]
    return with_trust(rebag(files))


@outsider("the proofs are removed", "statement", "file missing")
def proofs_removed() -> Try:
    files = honest()
    del files[package.PROOFS]
    return with_trust(rebag(files))


@outsider("a file is removed and still listed", "bag", "file missing: it is listed and not here")
def listed_not_here() -> Try:
    files = honest()
    del files[first_of(files, "data/")]
    return with_trust(files)


@outsider("a file is added and not listed", "bag", "file added: it is here and not listed")
def here_not_listed() -> Try:
    return with_trust({**honest(), "data/A-1/099.txt": b"planted"})


@insider("the bag declares another version", "bag", "the bag's declaration is missing or another", promise=9)
def declaration_other() -> Try:
    declared = b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"
    return signed(lambda files: files.update({"bagit.txt": declared}))


@outsider("the container's type is changed", "container", "not of this type")
def mimetype_changed() -> Try:
    return with_trust({**honest(), "../mimetype": b"application/epub+zip"})


@outsider("a signature file stands beside the bag", "container", "a file outside the bag that nothing covers")
def meta_inf_present() -> Try:
    return with_trust({**honest(), "../META-INF/signatures001.p7s": b"0"})


@outsider("a file of witness lines is added", "statement", "a file that nothing covers")
def cosigned_added() -> Try:
    files = honest()
    size = first_of(files, "custody/log/").partition(".")[0]
    return with_trust(rebag({**files, f"{size}.cosigned": b"anything"}))


_STRAY = "a file of a volume that this package does not have"


@outsider("a token is put into the folder of a volume that is not here", "statement", _STRAY)
def token_of_no_volume() -> Try:
    return with_trust(rebag({**honest(), "custody/volumes/7/log/3.tsr": b"anything at all"}))


@insider("an entry is put into the folder of a volume that is not here", "statement", _STRAY, promise=9)
def entry_of_no_volume() -> Try:
    def edit(files: Files) -> None:
        files["custody/volumes/1/entries/0.json"] = files["custody/entries/1.json"]

    return signed(edit)


@insider("a note is put into the folder of a volume that is not here", "statement", _STRAY, promise=9)
def note_of_no_volume() -> Try:
    return signed(lambda files: files.update({"custody/volumes/99/log/5.note": b"anything at all"}))


@insider("two files change places", "content", "content differs from what was logged at intake", promise=9)
def content_swapped() -> Try:
    def edit(files: Files) -> None:
        one, other = sorted(path for path in files if path.startswith("data/"))[:2]
        files[one], files[other] = files[other], files[one]

    return signed(edit)


@insider("a file gets another ending", "content", "not those that were logged for this package", promise=9)
def payload_other_ending() -> Try:
    def edit(files: Files) -> None:
        path = first_of(files, "data/A-1/")
        files[path.rpartition(".")[0] + ".exe"] = files.pop(path)

    return signed(edit)


@insider("a file gets another number", "content", "file missing", promise=9)
def payload_renamed() -> Try:
    def edit(files: Files) -> None:
        path = first_of(files, "data/A-1/")
        files["data/A-1/044.txt"] = files.pop(path)

    return signed(edit)


@insider("a file is added and signed for", "content", "file added: no entry of the record", promise=9)
def payload_planted() -> Try:
    return signed(lambda files: files.update({"data/A-1/099.txt": b"planted"}))


@insider("a file is removed and not signed for", "content", "file missing", promise=9)
def payload_lost() -> Try:
    return signed(lambda files: files.__delitem__(first_of(files, "data/")))


@insider(
    "a file is put under custody/", "statement", "a file that this form of package does not have", promise=9
)
def extra_in_record() -> Try:
    return signed(lambda files: files.update({"custody/more.json": b"{}"}))


@insider("the bag asks to fetch files", "bag", "asks its reader to fetch", promise=8)
def fetch_file() -> Try:
    return signed(lambda files: files.update({"fetch.txt": b"http://192.0.2.1/x 5 data/A-1/009.txt\n"}))


@insider("bag-info states another payload", "bag", "another size or number of payload files", promise=9)
def oxum_false() -> Try:
    return signed(lambda files: files.update({"bag-info.txt": b"Payload-Oxum: 1.1\n"}))


@insider("bagit.txt is two thousand bytes long", "bag", "too large", promise=8)
def declaration_long() -> Try:
    return signed(lambda files: files.update({"bagit.txt": b"BagIt-Version: 1.0\n" * 1000}))


# The statement


@outsider(
    "a file is changed and everything is signed by a key of one's own, under the exporter's name",
    "statement",
    "signature",
    3,
)
def signed_by_stranger_in_the_exporters_name() -> Try:
    files = honest()
    files[first_of(files, "data/")] = b"something else"
    stranger = desks.new_keys().sign
    files = resign(files, stranger)
    signed_ = envelope.from_bytes(
        files[package.STATEMENT], payload_type=envelope.PACKAGE_TYPE, where="x", max_bytes=1 << 30
    )
    lied = replace(signed_, key_id=world().first.key_id)
    return with_trust(rebag({**files, package.STATEMENT: lied.to_bytes()}))


@insider(
    "the statement is signed by another custodian", "statement", "signed by another custodian", promise=3
)
def statement_of_colleague() -> Try:
    return with_trust(resign(honest(), world().signers[world().colleague]))


def _two_packages() -> tuple[Files, Files, Forger]:
    made = forger()
    first = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a1")
    second = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a2")
    return first, second, made


@outsider(
    "the statement of another package of the same record",
    "statement",
    "content differs from what the exporter",
)
def statement_of_other_package() -> Try:
    first, second, made = _two_packages()
    return rebag({**second, package.STATEMENT: first[package.STATEMENT]}), made.trust()


@insider(
    "a statement about an older package, over these files", "statement", "about another package", promise=3
)
def statement_about_other_package() -> Try:
    first, second, made = _two_packages()
    old = canonical.decode(first[package.STATEMENT], where="x", max_bytes=1 << 20)
    assert old
    leaf = made.placed[-7].leaf.hex()
    return (
        resign(second, world().first, package="019cb6d0-0000-7000-8000-0000000000a1", leaf=leaf),
        made.trust(),
    )


@outsider("files of two packages are mixed", "statement", "file added: the exporter did not sign for it", 3)
def mixed_packages() -> Try:
    made = forger()
    open_ = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a1")
    shy = made.pack(show=("content",), package_id="019cb6d0-0000-7000-8000-0000000000a2")
    return rebag({**open_, **shy}), made.trust()


@outsider(
    "keys of another package are mixed in", "statement", "content differs from what the exporter signed", 6
)
def mixed_keys() -> Try:
    made = forger()
    shy = made.pack(show=("content",), package_id="019cb6d0-0000-7000-8000-0000000000a1")
    open_ = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a2")
    mixed = {**open_, package.KEYS: shy[package.KEYS]}
    return rebag(mixed), made.trust()


@insider("the statement names a certificate", "statement", "names a certificate", promise=9)
def statement_with_certificate() -> Try:
    return with_trust(resign(honest(), world().first, certificate="0" * 64))


@insider(
    "the statement is about another state of the record",
    "note",
    "not the one that the exporter signed for",
    3,
)
def statement_other_root() -> Try:
    return with_trust(resign(honest(), world().first, root="0" * 64))


# The note and tokens


def _note_path(files: Files) -> str:
    sizes = [int(p[len("custody/log/") : -len(".note")]) for p in files if p.endswith(".note")]
    return f"custody/log/{max(sizes)}.note"


@insider(
    "the post-quantum line is stripped from the note", "note", "not the signature lines of a log note", 3
)
def note_without_ml_dsa() -> Try:
    def edit(files: Files) -> None:
        path = _note_path(files)
        files[path] = b"\n".join(files[path].split(b"\n")[:-2]) + b"\n"

    return signed(edit)


@insider("the Ed25519 line is stripped from the note", "note", "not the signature lines of a log note", 3)
def note_without_ed25519() -> Try:
    def edit(files: Files) -> None:
        path = _note_path(files)
        parts = files[path].split(b"\n")
        files[path] = b"\n".join([*parts[:4], *parts[5:]])

    return signed(edit)


@insider("the note is signed by another log's keys", "note", "by a key that is not the log's", 3)
def note_by_other_keys() -> Try:
    made = forger()
    made.log_keys = LogKeys(b"\1" * 32, b"\2" * 32)
    return made.pack(stamped=None), made.trust()


@insider("the note names the log's key and another one signed", "note", "the signature does not fit", 3)
def note_forged_line() -> Try:
    made = forger()
    files = made.pack()
    path = _note_path(files)
    note = made.note(int(path[len("custody/log/") : -len(".note")]))
    other = notes.sign(note.checkpoint, LogKeys(b"\1" * 32, made.log_keys.ml_dsa_seed))
    line = replace(note.ed25519, signature=other.ed25519.signature)
    files[path] = replace(note, ed25519=line).to_bytes()
    return resign(files, world().first), made.trust()


def _tokens(files: Files) -> list[str]:
    return sorted(path for path in files if path.endswith(".tsr"))


@outsider("a token of another checkpoint", "tokens", "about other bytes", 3)
def token_of_other_note() -> Try:
    files = honest()
    one, other = _tokens(files)[:2]
    files[one], files[other] = files[other], files[one]
    return with_trust(rebag(files))


@outsider("a token over the note and witness lines", "tokens", "about other bytes", 3)
def token_over_cosigned() -> Try:
    files = honest()
    path = _note_path(files)
    files[path.replace(".note", ".tsr")] = forger().token(files[path] + b"\xe2\x80\x94 witness AAAA\n", MARCH)
    return with_trust(rebag(files))


@outsider("a token that is no token", "tokens", "", 8)
def token_garbage() -> Try:
    files = honest()
    return with_trust(rebag({**files, _tokens(files)[0]: b"\x30\x84\xff\xff\xff\xff" * 50}))


@insider("a token without its note", "tokens", "a token without its note", 9)
def token_without_note() -> Try:
    return signed(lambda files: files.__delitem__(first_of(files, "custody/log/")))


@insider(
    "an older note without a proof that the record grew from it", "consistency", "a note without a proof", 3
)
def token_without_consistency() -> Try:
    return signed(
        lambda files: files.__delitem__(_tokens(files)[0].replace("log/", "consistency/")[:-4] + ".txt")
    )


@insider("a token over a note that the record does not continue", "tokens", "does not hold", 3)
def token_over_other_note() -> Try:
    made = forger()
    fake = Checkpoint(origin=made.origin, size=10, root=b"\7" * 32)
    files = made.pack(issued=[10])
    files["custody/log/10.note"] = notes.sign(fake, made.log_keys).to_bytes()
    files["custody/log/10.tsr"] = made.token(files["custody/log/10.note"], MARCH)
    return resign(files, world().first), made.trust()


@insider("the consistency proof to an older note is another one", "consistency", "does not begin with", 3)
def consistency_false() -> Try:
    def edit(files: Files) -> None:
        path = first_of(files, "custody/consistency/")
        text = files[path].split(b"\n")
        text[1] = to_base64(b"\7" * 32).encode()
        files[path] = b"\n".join(text)

    return signed(edit)


@insider("the record logged a token for another note", "tokens", "logged this token for another note", 3)
def token_logged_for_other() -> Try:
    def change(f: Forger) -> None:
        line = f.lines[f.find("checkpoint.timestamped")]
        line.change = lambda body: body["public"].update(note="0" * 64)

    return forged(change)


# Histories


@insider(
    "an old export's entries under a newer checkpoint",
    "export",
    "does not end with the making of this package",
)
def old_export_newer_checkpoint() -> Try:
    made = forger()
    return made.pack(then=[made.access_line(item(0))]), made.trust()


@insider("an old export's entry instead of a new one", "export", "own group is not the end of the record")
def export_entry_old() -> Try:
    def change(f: Forger) -> None:
        f.lines.append(f.access_line(item(0), kind="item.exported", public={}, group=None))
        f.lines.append(f.access_line(item(0)))

    rest = [str(i.id) for i in world().items[1:]]
    return forged(change, exported=rest)


@insider("an export entry of another package", "export", "own group is not the end of the record")
def export_entry_of_other_package() -> Try:
    made = forger()
    line = made.access_line(item(0), kind="item.exported", public={}, group=world().items[0].id)
    rest = [str(i.id) for i in world().items[1:]]
    return made.pack(exported=rest, before_made=[line]), made.trust()


@insider(
    "an access slipped in between export and package", "export", "own group is not the end of the record"
)
def access_within_group() -> Try:
    made = forger()
    return made.pack(before_made=[made.access_line(item(0))]), made.trust()


_GROUP = "019cb6d0-0000-7000-8000-00000000000b"
"""The group that the forger's packages are made in."""


@insider(
    "a reading is slipped into the package's own group", "export", "own group is not the end of the record"
)
def access_in_own_group() -> Try:
    made = forger()
    return made.pack(before_made=[made.access_line(item(0), group=_GROUP)]), made.trust()


@insider("another custodian logged one of the exports", "export", "own group is not the end of the record")
def export_entry_by_other_custodian() -> Try:
    friend = desks.new_keys()
    made = forger(lambda f: f.lines.append(f.custodian_line(friend, ["export"], all_cases=True)))
    line = made.access_line(item(0), kind="item.exported", public={}, group=_GROUP)
    line.actor = friend.sign.key_id
    rest = [str(i.id) for i in world().items[1:]]
    return made.pack(exported=rest, before_made=[line]), made.trust()


@insider("an item's export is logged twice", "export", "another number of exported items")
def export_entry_twice() -> Try:
    ids = [str(i.id) for i in world().items]
    return forged(exported=[ids[0], *ids], made=lambda public: public.update(items=6))


@insider("an access is left out, in the middle", "histories", "entries were left out of a history")
def access_left_out_middle() -> Try:
    made = forger()
    return made.pack(leave_out=[made.find("item.accessed", 0)]), made.trust()


@insider("an access is left out, at the tail", "histories", "entries were left out of a history")
def access_left_out_tail() -> Try:
    made = forger()
    return made.pack(leave_out=[made.find("item.accessed", 1)]), made.trust()


def _with_compromise(f: Forger) -> None:
    public = {"key_id": world().colleague, "since": "2026-03-04T08:00:00.000Z"}
    f.lines.append(f.ledger_line("custodian.compromised", public))


@insider("a report of a stolen key is left out", "histories", "does not end where it stood")
def compromise_left_out() -> Try:
    made = forger(_with_compromise)
    return made.pack(leave_out=[made.find("custodian.compromised")]), made.trust()


@insider(
    "a report of a stolen key is left out, and of the list of histories",
    "histories",
    "not the one that was logged",
)
def compromise_left_out_of_list() -> Try:
    made = forger(_with_compromise)
    files = made.pack(leave_out=[made.find("custodian.compromised")])
    rows = [list(row) for row in package.read_shown(files[package.SHOWN], where="shown")]
    before = [p for p in made.placed if p.body["subject"]["type"] == "ledger"][-2]
    rows = [
        (r[0], r[1], before.body["subject"]["n"], before.leaf.hex()) if r[0] == "ledger" else tuple(r)
        for r in rows
    ]
    files[package.SHOWN] = package.shown_bytes(rows)  # type: ignore[arg-type]
    return resign(files, world().first), made.trust()


@insider("an entry of the case is left out, in the middle", "histories", "entries were left out of a history")
def case_entry_left_out() -> Try:
    made = forger()
    return made.pack(leave_out=[made.find("case.extended", 0)]), made.trust()


@insider("an entry of the case is left out, at the tail", "histories", "entries were left out of a history")
def case_tail_left_out() -> Try:
    made = forger()
    last = made.find("case.extended", 1)
    return made.pack(leave_out=[last]), made.trust()


@insider("an exhibit's last entry is left out", "histories", "does not end where it stood")
def exhibit_tail_left_out() -> Try:
    made = forger()
    return made.pack(leave_out=[made.find("exhibit.completed", 0)]), made.trust()


@insider("an exhibit's history is left out whole", "histories", "a history that is listed is not here")
def exhibit_left_out() -> Try:
    made = forger()
    out = [made.find("exhibit.acquired", 0), made.find("exhibit.completed", 0)]
    return made.pack(leave_out=out), made.trust()


@insider(
    "an exhibit's history is left out and not listed",
    "exhibits",
    "the history of an item's exhibit is not here",
)
def exhibit_not_listed() -> Try:
    made = forger()
    out = [made.find("exhibit.acquired", 0), made.find("exhibit.completed", 0)]
    exhibit = made.placed[out[0]].body["subject"]["id"]
    ids = [made.lines[0].subject, world().case, *(str(i.id) for i in world().items)]
    other = made.placed[made.find("exhibit.acquired", 1)].body["subject"]["id"]
    heads = {s: made.heads[s] for s in [*ids, other]}
    assert exhibit not in heads
    return made.pack(leave_out=out, heads=heads), made.trust()


@insider("an entry whose place in its history is another's", "histories", "two entries under one number")
def two_entries_one_number() -> Try:
    def change(f: Forger) -> None:
        place = f.find("item.accessed", 1)
        f.lines[place].change = lambda body: body["subject"].update(n=1)

    return forged(change)


def _hidden(f: Forger) -> None:
    f.lines.insert(f.find("item.accessed", 1) + 1, f.access_line(item(0), tag="hidden"))


@insider(
    "a reading hidden under the next entry's number, where both are shown", "histories", "under one number"
)
def hidden_entry_shown() -> Try:
    return forged(_hidden)


@insider("an entry names another one before it", "histories", "names another one before it")
def prev_of_another() -> Try:
    def change(f: Forger) -> None:
        f.lines[f.find("item.accessed", 1)].change = lambda body: body["subject"].update(prev="0" * 64)

    return forged(change)


@insider(
    "a package was made as if a report of a stolen key were not there", "histories", "as if entries before it"
)
def stale_head_next_package() -> Try:
    made = forger(_with_compromise)
    _stale(made, "019cb6d0-0000-7000-8000-0000000000a1")
    return made.pack(), made.trust()


@insider(
    "a package was made as if the case were younger than it is", "histories", "as if entries before it", 4
)
def stale_case_head_next_package() -> Try:
    made = forger()
    made.pack(made=lambda public: public["heads"]["case"].update(n=0))
    return made.pack(), made.trust()


def _stale(made: Forger, package_id: str) -> Files:
    out = made.find("custodian.compromised")
    before = [p for p in made.placed if p.body["subject"]["type"] == "ledger" and p.seq < out][-1]
    heads = dict(made.heads)
    heads = {s: h for s, h in heads.items() if s in _shipped(made)}
    heads[made.lines[0].subject] = ("ledger", before.body["subject"]["n"], before.leaf)
    return made.pack(leave_out=[out], heads=heads, package_id=package_id)


def _shipped(made: Forger) -> set[str]:
    exhibits = {p.body["public"]["exhibit"] for p in made.placed if p.body["kind"] == "item.collected"}
    mine = {
        p.body["subject"]["id"]
        for p in made.placed
        if p.body["subject"]["id"] in exhibits and p.body["case"] == world().case
    }
    return {made.lines[0].subject, world().case, *mine, *(str(i.id) for i in world().items)}


@insider("entries of another case are shipped", "export", "an entry of another case", 6)
def other_case_shipped() -> Try:
    made = forger()
    return made.pack(also=[world().other_case]), made.trust()


@insider("an entry about another ledger subject", "histories", "another ledger than the record's own")
def second_ledger_subject() -> Try:
    stray = "019cb6d0-0000-7000-8000-00000000000c"

    def change(f: Forger) -> None:
        line = f.ledger_line("ledger.checked", {"size": 1, "root": "0" * 64, "result": "passed"})
        line.subject = stray
        f.lines.append(line)

    return forged(change, also=[stray])


# Entries


def _changed(kind: str, change: Callable[[dict[str, Any]], None], **options: Any) -> Try:
    def edit(f: Forger) -> None:
        f.lines[f.find(kind)].change = change

    return forged(edit, **options)


@insider("an entry that quotes another record before it", "entries", "quotes another record before it", 3)
def entry_wrong_root() -> Try:
    return _changed("item.accessed", lambda body: body.update(root="0" * 64))


@insider("an entry at another place than it says", "entries", "at another place than it says", 3)
def entry_wrong_seq() -> Try:
    return _changed("item.accessed", lambda body: body.update(seq=3))


@insider("an entry of another ledger", "entries", "an entry of another ledger", 3)
def entry_of_other_ledger() -> Try:
    return _changed("item.accessed", lambda body: body.update(ledger="custody/" + "a" * 26))


@insider("an entry states a day that no calendar has", "entries", "not a UTC time", 9)
def entry_impossible_day() -> Try:
    return _changed("item.collected", lambda body: body["time"].update(wall="2026-02-30T00:00:00.000Z"))


@insider("an entry states month 13", "entries", "a text of another form", 9)
def entry_month_13() -> Try:
    return _changed("item.collected", lambda body: body["time"].update(wall="9999-13-99T99:99:99.999Z"))


@insider("an entry's bytes are another's", "entries", "not in the record", 3)
def entry_swapped() -> Try:
    def edit(files: Files) -> None:
        files["custody/entries/5.json"] = files["custody/entries/6.json"]

    return signed(edit)


@insider("an entry without a proof", "entries", "an entry without a proof", 3)
def entry_without_proof() -> Try:
    def edit(files: Files) -> None:
        files[package.PROOFS] = b"\n".join(files[package.PROOFS].split(b"\n")[1:])

    return signed(edit)


@insider("the last proof has no end", "entries", "the last line has no end", 9)
def proofs_without_end() -> Try:
    return signed(lambda files: files.update({package.PROOFS: files[package.PROOFS][:-1]}))


@insider("a proof's line is longer than any proof", "entries", "a line too long", 8)
def proofs_line_too_long() -> Try:
    return signed(lambda files: files.update({package.PROOFS: b"0" * 5000 + b"\n" + files[package.PROOFS]}))


@insider("more keys than there are files", "parts", "more lines than the package has files", 8)
def keys_more_than_files() -> Try:
    return signed(lambda files: files.update({package.KEYS: b"\n" * 200}))


@insider("the proofs are out of order", "entries", "not in the order of the entries", 9)
def proofs_out_of_order() -> Try:
    def edit(files: Files) -> None:
        found = files[package.PROOFS].split(b"\n")
        files[package.PROOFS] = b"\n".join([found[1], found[0], *found[2:]])

    return signed(edit)


@insider("the last entry is without a proof", "entries", "an entry without a proof", 3)
def last_entry_without_proof() -> Try:
    def edit(files: Files) -> None:
        files[package.PROOFS] = b"\n".join([*files[package.PROOFS].split(b"\n")[:-2], b""])

    return signed(edit)


@insider("the record's beginning is left out", "signatures", "the record's beginning is missing", 3)
def beginning_left_out() -> Try:
    made = forger()
    return made.pack(leave_out=[0]), made.trust()


@insider(
    "the package states another end of the case's history than it lists", "histories", "those listed differ"
)
def heads_and_list_differ() -> Try:
    return forged(made=lambda public: public["heads"]["case"].update(n=0))


@insider("a proof without its entry", "entries", "entry missing: there is a proof for it", 4)
def entry_missing() -> Try:
    return signed(lambda files: files.__delitem__("custody/entries/5.json"))


@insider("an entry by a custodian without the right", "rights", "no right to read", 3)
def entry_without_right() -> Try:
    return forged(lambda f: f.lines.append(f.access_line(item(0), actor=world().colleague)))


@insider("an entry by a retired key", "rights", "the key was retired by entry", 3)
def entry_by_retired_key() -> Try:
    def change(f: Forger) -> None:
        f.lines.append(f.ledger_line("custodian.retired", {"key_id": world().colleague}))
        public = {"size": 1, "root": "0" * 64, "result": "passed"}
        f.lines.append(f.ledger_line("ledger.checked", public, actor=world().colleague))

    return forged(change)


@insider(
    "an entry by a key that nobody added", "signatures", "signed by a key that the record does not name", 3
)
def entry_by_stranger() -> Try:
    def change(f: Forger) -> None:
        stranger = desks.new_keys().sign
        f.signers[stranger.key_id] = stranger
        f.lines.append(f.access_line(item(0), actor=stranger.key_id))

    return forged(change)


@insider("a second genesis", "rights", "a second genesis", 3)
def second_genesis() -> Try:
    def change(f: Forger) -> None:
        line = f.lines[0]
        f.lines.append(replace(line, public=dict(line.public), plain=dict(line.plain)))

    return forged(change)


@insider("the record begins with something else", "signatures", "does not name", 3)
def no_genesis() -> Try:
    return forged(lambda f: f.lines[0].__setattr__("change", lambda b: b.update(kind="ledger.checked")))


@insider(
    "an entry of a kind that this version does not know",
    "entries",
    "not checked: made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def unknown_kind() -> Try:
    return forged(lambda f: f.lines.append(f.access_line(item(0), kind="item.weighed", public={"grams": 3})))


@insider(
    "an entry of a kind that is only drafted",
    "entries",
    "not checked: made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def drafted_kind() -> Try:
    return forged(
        lambda f: f.lines.append(f.access_line(item(0), kind="item.noted", public={"type": "note"}))
    )


def _scanned(f: Forger) -> None:
    line = f.lines[f.find("item.collected")]
    line.change = lambda body: body.update(kind="item.scanned")


@insider(
    "an item came in by a kind of entry that this version does not know",
    "export",
    "an item came in by an entry made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def unknown_intake() -> Try:
    return forged(_scanned)


@insider(
    "a file is planted beside that of an item of a newer custody",
    "content",
    "file added: no entry",
    promise=9,
)
def planted_beside_unknown_intake() -> Try:
    made = forger(_scanned)
    files = {**made.pack(), "data/A-1/099.txt": b"planted"}
    return resign(files, world().first), made.trust()


@insider(
    "an entry of a version that this custody can't read",
    "histories",
    "a history goes through entries made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def unknown_version() -> Try:
    return _changed("item.accessed", lambda body: body.update(v=2, more={"x": 1}))


@insider(
    "more is missing from a history than there are entries that this custody can't read",
    "histories",
    "entries were left out of a history",
)
def unknown_version_hides_more() -> Try:
    def change(f: Forger) -> None:
        f.lines[f.find("item.accessed", 0)].change = lambda body: body.update(v=2)
        f.lines[f.find("item.accessed", 1)].change = lambda body: body["subject"].update(n=4)

    return forged(change)


def _unread_elsewhere(f: Forger) -> None:
    line = f.ledger_line("ledger.checked", {"size": 1, "root": "0" * 64, "result": "passed"})
    line.change = lambda body: body.update(v=2)
    f.lines.insert(f.find("item.accessed"), line)
    # What comes behind it about the ledger, so that its history does not end with it.
    f.lines.append(f.ledger_line("ledger.checked", {"size": 1, "root": "0" * 64, "result": "passed"}))
    for line in f.lines:
        if line.stamp is not None and line.stamp > f.find("item.accessed"):
            line.stamp += 1


@insider(
    "an entry is left out of a history, and elsewhere is one that this custody can't read",
    "histories",
    "entries were left out of a history",
)
def left_out_beside_unknown_version() -> Try:
    made = forger(_unread_elsewhere)
    return made.pack(leave_out=[made.find("item.accessed")]), made.trust()


@insider(
    "the ledger's own history ends with an entry that this custody can't read",
    "histories",
    "a history ends with an entry made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def unknown_version_at_the_end() -> Try:
    def change(f: Forger) -> None:
        line = f.ledger_line("ledger.checked", {"size": 1, "root": "0" * 64, "result": "passed"})
        line.change = lambda body: body.update(v=2)
        f.lines.append(line)

    return forged(change)


@insider(
    "the record begins with a kind of a newer custody",
    "container",
    "nothing was checked",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=4,
)
def newer_beginning() -> Try:
    return forged(lambda f: f.lines[0].__setattr__("change", lambda b: b.update(kind="ledger.reborn")))


@insider("the making of the package lacks its fields", "signatures", "a field is missing", 9)
def package_made_empty() -> Try:
    made = forger()
    files = made.pack(change=lambda body: body.update(public={}))
    return files, made.trust()


# Parts


@insider("sealed bytes of a withheld part are shipped", "parts", "a sealed part that no key opens", 6)
def withheld_part_present() -> Try:
    made = forger()
    files = made.pack(show=("content",))
    sealed, _ = made.placed[5].parts["name"]
    digest = made.placed[5].body["sealed"]["name"]
    return resign({**files, f"custody/parts/{digest}": sealed}, world().first), made.trust()


@insider("a sealed part is missing", "parts", "a sealed part is missing", 9)
def part_missing() -> Try:
    return signed(lambda files: files.__delitem__(first_of(files, "custody/parts/")))


@insider(
    "key and sealed bytes of a withheld part are shipped", "withheld", "not what was logged as withheld", 6
)
def withheld_part_opened() -> Try:
    made = forger()
    files = made.pack(show=("content",))
    sealed, key = made.placed[5].parts["name"]
    digest = made.placed[5].body["sealed"]["name"]
    keys = [*package.read_key_lines(files[package.KEYS], where="keys"), (5, "name", to_base64(key))]
    files = {**files, f"custody/parts/{digest}": sealed, package.KEYS: package.key_lines(keys)}
    return resign(files, world().first), made.trust()


@insider(
    "more is withheld than was logged, beside an entry that this custody can't read",
    "withheld",
    "not what was logged as withheld",
    6,
)
def withheld_more_beside_unknown_version() -> Try:
    made = forger(_unread_elsewhere)
    count = lambda public: public["withheld"].update(name=public["withheld"]["name"] - 1)  # noqa: E731
    return made.pack(show=("content",), made=count), made.trust()


@insider("a key for something that is not here", "parts", "a key for something that is not here", 6)
def key_without_entry() -> Try:
    def edit(files: Files) -> None:
        keys = package.read_key_lines(files[package.KEYS], where="keys")
        files[package.KEYS] = package.key_lines([*keys, (9999, "name", keys[0][2])])

    return signed(edit)


@insider("the key of another entry", "parts", "does not open", 9)
def key_of_other_entry() -> Try:
    def edit(files: Files) -> None:
        keys = list(package.read_key_lines(files[package.KEYS], where="keys"))
        keys[0] = (*keys[0][:2], keys[1][2])
        files[package.KEYS] = package.key_lines(keys)

    return signed(edit)


@insider("a sealed part is another one under its name", "parts", "not what was logged", 9)
def part_changed() -> Try:
    def edit(files: Files) -> None:
        one, other = sorted(p for p in files if p.startswith("custody/parts/"))[:2]
        files[one] = files[other]

    return signed(edit)


def _content_plain(build: Callable[[bytes], bytes]) -> Try:
    """A content part whose plaintext was built otherwise, under its right key."""

    def change(f: Forger) -> None:
        line = f.lines[f.find("item.collected")]
        context = contexts.compartment(f.origin, line.subject, 0, "name")
        class_key = world().class_keys[line.subject]["record"]
        key = sealing.compartment_key(class_key, f.origin, line.subject, 0, "name")
        plain = padding.pad_compartment(line.plain["name"], where="name")
        line.plain["name"] = sealing.seal(key, context, build(plain))

    return forged(change)


@insider("a part's padding is not zero", "parts", "padding that is not zero", 9)
def padding_not_zero() -> Try:
    return _content_plain(lambda plain: plain[:-1] + b"\1")


@insider("a part is padded more than it needs", "parts", "does not fit the compartment", 9)
def padding_too_long() -> Try:
    return _content_plain(lambda plain: plain + bytes(256))


@insider("a part holds JSON that is too deep", "parts", "nested too deeply", 8)
def part_deep() -> Try:
    data = b"[" * 300 + b"]" * 300
    plain = len(data).to_bytes(4, "big") + data
    return _content_plain(lambda _: plain + bytes(-len(plain) % 256))


@insider("a part lacks a field that its compartment must have", "parts", "a field is missing", 9)
def part_missing_field() -> Try:
    return _content_plain(lambda _: padding.pad_compartment({"path": {"text": "x"}}, where="x"))


@insider(
    "a part has a field of a later version",
    "entries",
    "not checked: made by a newer custody",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def part_newer_field() -> Try:
    return _content_plain(lambda _: padding.pad_compartment({"name": {"text": "x"}, "more": 1}, where="x"))


@insider("a name in base64 that is none", "parts", "base64", 9)
def part_name_not_base64() -> Try:
    value = {"name": {"bytes": "A", "encoding": "x"}}
    return _content_plain(lambda _: padding.pad_compartment(value, where="x"))


@insider("the withheld counts are false", "withheld", "not what was logged as withheld", 6)
def withheld_false() -> Try:
    return forged(made=lambda public: public["withheld"].update(handling=1))


@insider("an item without its content part", "content", "an item without its shown content part", 9)
def content_withheld() -> Try:
    return forged(show=("name",))


# Counts


@insider("an item is moved out of its batch", "counts", "that the case's own count does not have")
def item_out_of_batch() -> Try:
    def change(f: Forger) -> None:
        f.lines[f.find("item.collected")].group = "019cb6d0-0000-7000-8000-00000000000e"

    return forged(change)


@insider("a batch counts fewer items than it has", "counts", "that the case's own count does not have")
def batch_counts_fewer() -> Try:
    return _changed("case.extended", lambda body: body["public"].update(items=2))


@insider("a batch counts more items than there is room for", "counts", "more items than there is room for")
def batch_counts_more() -> Try:
    return _changed("case.extended", lambda body: body["public"].update(items=57))


@insider("a batch counts other entries as items", "counts", "an entry among the items that the case counted")
def batch_counts_others() -> Try:
    return _changed("case.extended", lambda body: body["public"].update(items=4))


@insider("a batch counts 2^53−1 items", "counts", "more items than there is room for", 8)
def batch_counts_huge() -> Try:
    return _changed("case.extended", lambda body: body["public"].update(items=2**53 - 1))


@insider("the package says fewer items", "export", "that this export did not log")
def items_false() -> Try:
    return forged(made=lambda public: public.update(items=4))


@insider("the package says 2^53−1 items", "export", "another number of exported items", 8)
def items_huge() -> Try:
    return forged(made=lambda public: public.update(items=2**53 - 1))


@insider("an item's export is logged and its history not shipped", "export", "does not begin with its intake")
def exported_not_shipped() -> Try:
    four = [str(i.id) for i in world().items[:4]]
    return forged(
        items=four,
        exported=[*four, item(4)],
        made=lambda public: public.update(items=5),
    )


@insider("an item's history is shipped and its export not logged", "export", "that this export did not log")
def shipped_not_exported() -> Try:
    four = [str(i.id) for i in world().items[:4]]
    return forged(exported=four, made=lambda public: public.update(items=4))


@insider("two items under one label", "content", "two items under one label", 9)
def two_items_one_label() -> Try:
    def change(f: Forger) -> None:
        one = f.find("item.collected", 0, case=world().case)
        other = f.find("item.collected", 1, case=world().case)
        f.lines[other].public["label"] = f.lines[one].public["label"]

    return forged(change)


@insider("an item's label is of another exhibit", "exhibits", "an item's label is not of its exhibit", 9)
def label_of_other_exhibit() -> Try:
    return forged(lambda f: f.lines[f.find("item.collected")].public.update(label="Z-9/01"))


@insider("an item of an acquisition that was not logged", "exhibits", "an acquisition that was not logged", 9)
def acquisition_false() -> Try:
    return forged(lambda f: f.lines[f.find("item.collected")].public.update(acquisition=7))


@insider(
    "an acquisition that nobody closed",
    "acquisitions",
    "acquisition not finished",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def acquisition_open() -> Try:
    return forged(lambda f: f.lines.__delitem__(f.find("exhibit.completed", 0)))


@insider(
    "the contents are not those that were logged", "content", "not those that were logged for this package", 3
)
def contents_false() -> Try:
    return forged(made=lambda public: public.update(contents="0" * 64))


@insider(
    "the package was logged with a container signature, and has none", "export", "another form of package", 3
)
def form_asic_stripped() -> Try:
    return forged(made=lambda public: public.update(form="asic/1"))


@insider("the making of the package stands in no group", "export", "stands in no group", 4)
def package_in_no_group() -> Try:
    made = forger()
    return made.pack(change=lambda body: body.update(group=None)), made.trust()


@insider("a reading under a later number than the export's", "export", "does not end with this export", 4)
def access_after_export_by_number() -> Try:
    def change(f: Forger) -> None:
        late: Callable[[dict[str, Any]], None] = lambda body: body["subject"].update(n=50)  # noqa: E731
        f.lines.append(f.access_line(item(0), tag="hidden", change=late))

    return forged(change)


@insider("a batch counts its items as something else", "counts", "more entries of a kind than", 4)
def batch_counts_derived() -> Try:
    def change(f: Forger) -> None:
        for line in f.lines:
            if line.kind == "case.extended" and line.case == world().case:
                line.public.update(items=0, derived=line.public["items"])

    return forged(change)


@insider("a logged size that is not of the content", "content", "the padded size that was logged", 9)
def padded_size_false() -> Try:
    def change(f: Forger) -> None:
        logged = f.lines[f.find("item.collected")].public
        logged["object"] = {**logged["object"], "size": 1}

    return forged(change)


@insider(
    "a consistency proof under another size's name", "consistency", "of another size than its name says", 3
)
def consistency_renamed() -> Try:
    def edit(files: Files) -> None:
        path = first_of(files, "custody/consistency/")
        files["custody/consistency/7.txt"] = files[path]

    return signed(edit)


@insider("a note under another size's name", "consistency", "a note of another size than its name says", 3)
def note_renamed() -> Try:
    def edit(files: Files) -> None:
        path = first_of(files, "custody/log/")
        files["custody/log/7.note"] = files[path.rpartition(".")[0] + ".note"]

    return signed(edit)


# Trust


@outsider("a record under a known name that begins differently", "origin", "begins differently", 3)
def other_genesis() -> Try:
    w = world()
    return w.honest, w.trust(ledgers=(TrustedLedger(origin=w.origin, genesis="0" * 64),))


def _fork(f: Forger) -> None:
    f.lines[f.find("item.collected")].public["wrapped_to"] = []


def _with_notes(made: Forger, *seen: bytes, **more: Any) -> Trust:
    ledger = TrustedLedger(origin=made.origin, genesis=made.placed[0].leaf.hex(), notes=seen)
    return world().trust(ledgers=(ledger,), **more)


@insider("the record was rewritten; an older note is held", "known notes", "the record was changed", 3)
def fork_against_older_note() -> Try:
    made = _same_genesis(_fork)
    return made.pack(issued=[10]), _with_notes(made, _honest_note(10))


@insider(
    "the record was rewritten; a note of its very size is held", "known notes", "the record was changed", 3
)
def fork_against_equal_note() -> Try:
    made = _same_genesis(_fork)
    files = made.pack()
    size = len(made.placed)
    other = Checkpoint(origin=made.origin, size=size, root=b"\7" * 32)
    return files, _with_notes(made, notes.sign(other, made.log_keys).to_bytes())


@insider(
    "the record was rewritten; no proof from the held note is shipped",
    "known notes",
    "no proof connects the note of 12 entries",
    3,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def fork_without_proof() -> Try:
    made = _same_genesis(_fork)
    return made.pack(), _with_notes(made, _honest_note(12))


@insider("the trust file holds a note by other log keys", "known notes", "a key that is not the log's", 3)
def known_note_by_other_keys() -> Try:
    made = _same_genesis(None)
    checkpoint = made.note(10).checkpoint
    note = notes.sign(checkpoint, LogKeys(b"\1" * 32, b"\2" * 32))
    return made.pack(issued=[10]), _with_notes(made, note.to_bytes())


_GENESIS: list[Placed] = []


def _same_genesis(change: Callable[[Forger], None] | None) -> Forger:
    """Forged records that begin with one and the same entry: forks of each other."""
    made = Forger(world())
    if change is not None:
        change(made)
    if not _GENESIS:
        _GENESIS.append(made.add(made.lines[0]))
    else:
        made.take(_GENESIS[0])
    for line in made.lines[1:]:
        made.add(line)
    return made


def _honest_note(size: int) -> bytes:
    return _same_genesis(None).note(size).to_bytes()


# Compromised keys


@insider(
    "entries of a key in other hands, with no token older than that",
    "compromised keys",
    "signed by a key that is in other hands",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def compromised_after() -> Try:
    def change(f: Forger) -> None:
        public = {"size": 1, "root": "0" * 64, "result": "passed"}
        f.lines.append(f.ledger_line("ledger.checked", public, actor=world().colleague))
        _with_compromise(f)

    return forged(change)


@insider(
    "an admin whom the thief of an admin key added",
    "compromised keys",
    "rests on a doubtful entry",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def compromised_dependants() -> Try:
    def change(f: Forger) -> None:
        thief, friend = desks.new_keys(), desks.new_keys()
        f.lines.append(f.custodian_line(thief, ["admin"]))
        f.lines.append(replace(f.custodian_line(friend, ["admin"]), actor=thief.sign.key_id))
        public = {"size": 1, "root": "0" * 64, "result": "passed"}
        f.lines.append(f.ledger_line("ledger.checked", public, actor=friend.sign.key_id))
        since = {"key_id": thief.sign.key_id, "since": "2026-03-04T08:00:00.000Z"}
        f.lines.append(f.ledger_line("custodian.compromised", since))

    return forged(change)


@insider("a key is compromised since 30 February", "signatures", "not a UTC time", 9)
def compromised_impossible_day() -> Try:
    public = {"key_id": world().colleague, "since": "2026-02-30T00:00:00.000Z"}
    return forged(lambda f: f.lines.append(f.ledger_line("custodian.compromised", public)))


# Containers


@outsider(
    "the end of the file is cut off",
    "container",
    "nothing was checked",
    8,
    outcome=Outcome.NOT_CHECKED,
    exit_code=4,
)
def truncated() -> Try:
    return with_trust(world().honest[:-500])


@outsider(
    "an encrypted package is given as it is",
    "container",
    "nothing was checked",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=4,
)
def encrypted_wrapper() -> Try:
    with tempfile.TemporaryFile() as out:
        encrypted.wrap(world().folder / "honest.zip", out, "abandon " * 6 + "about")
        out.seek(0)
        return with_trust(out.read())


@outsider(
    "all tokens are removed", "time", "no time was confirmed", 9, outcome=Outcome.NOT_CHECKED, exit_code=6
)
def tokens_removed() -> Try:
    return with_trust(rebag({p: d for p, d in honest().items() if not p.endswith(".tsr")}))


@insider(
    "time proofs that contradict each other",
    "time",
    "two time proofs contradict each other",
    9,
    outcome=Outcome.NOT_CHECKED,
    exit_code=6,
)
def tokens_contradict() -> Try:
    def change(f: Forger) -> None:
        f.lines[f.find("checkpoint.timestamped", 0)].wall = "2026-04-01T00:00:00.000Z"

    return forged(change)


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.id)
def test_attack_is_met(row: Attack) -> None:
    files, trust = row.make()
    report = look(files, trust)
    assert report.exit_code == row.exit_code, summary(report)
    assert said(report, row.check, row.says, row.outcome), summary(report)
    assert report.origin_line == "NOT CONFIRMED"
    assert lines(report)
    # Never "passed" for the check that failed.
    if row.outcome is Outcome.FAILED:
        assert not any(f.check == row.check and f.outcome is Outcome.PASSED for f in report.findings) or (
            row.check in ("tokens", "consistency")  # one finding for each token
        ), summary(report)


@pytest.mark.parametrize("row", [row for row in ATTACKS if row.check == "entries"], ids=lambda row: row.id)
def test_nothing_that_rests_on_entries_that_failed_is_said_to_have_passed(row: Attack) -> None:
    report = look(*row.make())
    if any(f.check == "entries" and f.outcome is Outcome.FAILED for f in report.findings):
        passed = {f.check for f in report.findings if f.outcome is Outcome.PASSED}
        assert not passed & {"entries", "signatures", "rights", "histories"}, passed


def test_a_key_that_fits_nothing_is_one_fault_and_the_other_parts_are_opened_all_the_same() -> None:
    files = honest()
    keys = package.read_key_lines(files[package.KEYS], where="keys")
    files[package.KEYS] = package.key_lines([(0, "name", keys[0][2]), *keys])
    report = look(resign(files, world().first), world().trust())
    assert [f.text for f in report.findings if f.check == "parts"] == ["a key for something that is not here"]
    assert all(item.name is not None for item in report.items)


def test_honest_twins_of_the_forgeries_are_confirmed() -> None:
    for options in ({}, {"issued": [5, 10]}, {"show": ("content",)}, {"items": [item(0), item(3)]}):
        made = forger()
        report = look(made.pack(**options), made.trust())
        assert (report.exit_code, report.origin_line) == (0, "CONFIRMED"), summary(report)
    first, second, made = _two_packages()
    for files in (first, second):
        assert look(files, made.trust()).exit_code == 0
    report = look(world().honest, world().trust())
    assert report.exit_code == 0, summary(report)


# What is not one row of the table


def test_a_package_of_a_newer_custody_is_not_said_to_be_another_than_it_was() -> None:
    """What this version can't judge is told line by line, and is no change that somebody made."""
    made = forger(_scanned)
    files = made.pack()
    report = look(files, made.trust())
    assert (report.record_line, report.origin_line) == ("INTACT", "NOT CONFIRMED"), summary(report)
    assert said(report, "content", "no entry that this version knows is about it", Outcome.NOT_CHECKED)
    assert said(report, "content", "can't be compared", Outcome.NOT_CHECKED)
    assert said(report, "content", "all 4 files are byte for byte", Outcome.PASSED)
    assert any("made by a newer custody" in why for why in report.missing)


def test_a_key_too_many_or_a_part_too_few_does_not_hide_the_others() -> None:
    """Each is one failure, and what is here is opened all the same."""
    files = honest()
    keys = package.read_key_lines(files[package.KEYS], where="keys")
    more = package.key_lines([(0, "name", keys[0][2]), *keys])
    one = first_of(files, "custody/parts/")
    fewer = {path: data for path, data in files.items() if path != one}
    for changed in ({**files, package.KEYS: more}, fewer):
        report = look(resign(changed, world().first), world().trust())
        assert [f.check for f in report.of(Outcome.FAILED) if f.check == "parts"] == ["parts"]
        assert sum(bool(line.name) for line in report.items) >= len(world().items) - 1


def test_what_was_counted_is_told_in_words() -> None:
    assert contents._words({"name": 2, "content": 13}) == "13 × content, 2 × name"
    assert contents._words({}) == "nothing"
    assert (histories._number(None), histories._number({"n": 7, "leaf": "00"})) == ("nothing", "number 7")


def test_what_one_package_can_not_show_two_can() -> None:
    """The documented limit: alone both verify, together they convict."""
    made = forger(_hidden)
    hidden = next(
        p.seq for p in made.placed if p.body["kind"] == "item.accessed" and p.body["subject"]["n"] == 3
    )
    assert look(made.pack(leave_out=[hidden]), made.trust()).exit_code == 0
    made = forger(_with_compromise)
    stale = _stale(made, "019cb6d0-0000-7000-8000-0000000000a1")
    assert look(stale, made.trust()).exit_code == 0
    report = look(made.pack(), made.trust())
    assert said(report, "histories", "a proof against who signed it"), summary(report)


def _doubtful(report: Report) -> set[int]:
    found = {f.where for f in report.findings if f.check == "compromised keys"}
    return {int(where.removeprefix("entry ")) for where in found if where is not None}


def test_only_entries_that_no_older_token_covers_are_doubtful() -> None:
    checked = {"size": 1, "root": "0" * 64, "result": "passed"}

    def change(f: Forger) -> None:
        colleague = world().colleague
        place = f.find("exhibit.completed", 0) + 1
        f.lines.insert(place, f.ledger_line("ledger.checked", checked, actor=colleague))
        for line in f.lines:
            if line.stamp is not None:
                line.stamp += 1
        f.lines.append(f.ledger_line("ledger.checked", checked, actor=colleague))
        _with_compromise(f)

    made = forger(change)
    files, trust = made.pack(), made.trust()
    early, late = made.find("ledger.checked", 0), made.find("ledger.checked", 1)
    report = look(files, trust)
    assert report.exit_code == 6
    assert _doubtful(report) == {late}
    assert any("1 entries are doubtful" in text for text in report.missing)
    # Without an authority that is believed, no token proves anything old.
    report = look(files, replace(trust, authorities=()))
    assert _doubtful(report) == {early, late}


def test_entries_that_failed_or_can_not_be_read_do_not_keep_stolen_keys_from_being_looked_at() -> None:
    """Of what failed nothing is used; of what a newer custody wrote only the signature counts."""

    def change(f: Forger) -> None:
        public = {"key_id": world().colleague, "rights": ["read"], "classes": ["record"]}
        granted = Line("access.granted", "case", world().case, case=world().case, public=public)
        granted.actor = world().colleague  # who has no right to
        f.lines.append(granted)
        checked = {"size": 1, "root": "0" * 64, "result": "passed"}
        newer = f.ledger_line("ledger.checked", checked, actor=world().colleague)
        newer.change = lambda body: body.update(v=2)
        f.lines += [newer, f.ledger_line("ledger.checked", checked, actor=world().colleague)]
        _with_compromise(f)

    made = forger(change)
    report = look(made.pack(), made.trust())
    assert said(report, "rights", "no right to"), summary(report)
    first = made.find("access.granted", actor=world().colleague)
    doubtful = [f.where for f in report.findings if f.check == "compromised keys"]
    assert doubtful == [f"entry {first + 1}", f"entry {first + 2}"]


def test_a_key_may_report_itself() -> None:
    def change(f: Forger) -> None:
        public = {"key_id": world().colleague, "since": "2026-03-04T08:00:00.000Z"}
        f.lines.append(f.ledger_line("custodian.compromised", public, actor=world().colleague))

    made = forger(change)
    assert look(made.pack(), made.trust()).exit_code == 0


def test_an_older_package_is_older_than_what_you_hold_and_no_failure() -> None:
    made = forger()
    older = made.pack(package_id="019cb6d0-0000-7000-8000-0000000000a1")
    size = len(made.placed)
    its_own = made.note(size).to_bytes()
    newer = made.pack()
    latest = made.note(len(made.placed)).to_bytes()
    trust = _with_notes(made, its_own, latest)
    report = look(older, trust)
    text = f"older than what you hold: {size} of {len(made.placed)}"
    assert said(report, "known notes", text, Outcome.NOT_CHECKED), summary(report)
    assert report.exit_code == 0
    assert look(newer, trust).exit_code == 0
    # Whoever demands that all he has seen is connected is not told that it is.
    report = look(older, replace(trust, require=("connected",)))
    assert report.exit_code == 6
    assert any("older than what you hold" in why for why in report.missing)


def test_a_fork_below_what_you_hold_does_not_pass_for_the_past() -> None:
    """Nothing can connect a smaller record to a larger note: it is no failure, and never confirmed."""
    longer = _same_genesis(None)
    longer.pack()
    longer.pack()
    fork = _same_genesis(_fork)
    files = fork.pack()
    trust = _with_notes(fork, longer.note(len(longer.placed)).to_bytes())
    report = look(files, trust)
    assert (report.record_line, report.exit_code) == ("INTACT", 6)
    assert any("older than what you hold" in why for why in report.missing), summary(report)


def test_a_note_that_was_seen_and_is_not_connected_is_never_fine() -> None:
    made = forger()
    trust = _with_notes(made, made.note(12).to_bytes())
    report = look(made.pack(), trust)
    assert report.exit_code == 6
    assert any("no proof connects" in why for why in report.missing), summary(report)
    made = _same_genesis(None)
    trust = _with_notes(made, made.note(12).to_bytes())
    assert look(made.pack(issued=[12]), trust).exit_code == 0


def test_tokens_of_a_test_authority_are_marked_everywhere_and_can_be_refused() -> None:
    report = look(world().honest, world().trust())
    mark = "test authority, not for court"
    assert report.exit_code == 0
    assert report.test_authority
    assert all(token.test for token in report.tokens)
    text = lines(report)
    assert mark in text[1]
    for line in text:
        if "existed no later than" in line and "(proven)" not in line:
            assert mark in line, line
    for line in text[text.index("Proven:") :]:
        assert "token" not in line or mark in line, line
    value = report.to_value()
    assert value["test_authority"]
    assert all(item["proven"]["test_authority"] for item in value["items"])
    report = look(world().honest, world().trust(require=("no-test-authority",)))
    assert report.exit_code == 6
    assert any("test authority" in why for why in report.missing)
    assert all(item.proven_not_after is None for item in report.items)


def test_an_authority_that_the_trust_file_calls_a_test_is_one() -> None:
    """Whatever its tokens say: the mark is the verifier's own."""
    honest_trust = world().trust()
    authority = replace(honest_trust.authorities[0], test=False, policies=("1.2.3",))
    report = look(world().honest, replace(honest_trust, authorities=(authority,)))
    # A policy that is not taken is no failure of the package.
    assert report.exit_code == 6
    assert any("policies that the trust file does not take" in why for why in report.missing), summary(report)


def test_twelve_wrong_words() -> None:
    report = look(world().honest, world().trust(), fingerprint=bytes(16))
    assert report.exit_code == 1
    assert said(report, "origin", "the twelve words are of another record")


def test_a_trust_file_can_not_make_the_clock_overflow() -> None:
    report = look(world().honest, world().trust(max_future=2**53 - 1))
    assert report.exit_code == 0


_BAD: tuple[Any, ...] = (
    None, True, 0, 2**53 - 1, "", "x" * 300, "\x1b[31m\u202e", [], {}, [[]], [None], {"a": 1},
    "0" * 64, "2026-02-30T00:00:00.000Z", "\u0000",
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, item_ in value.items():
            found += _places(item_, (*path, key))
    elif isinstance(value, list):
        for key, item_ in enumerate(value):
            found += _places(item_, (*path, key))
    return found


def _put(value: Any, path: tuple[Any, ...], new: Any, *, drop: bool) -> None:
    for key in path[:-1]:
        value = value[key]
    if drop:
        del value[path[-1]]
    else:
        value[path[-1]] = new


_KINDS = (
    "case.extended",
    "case.opened",
    "checkpoint.timestamped",
    "custodian.added",
    "custodian.compromised",
    "exhibit.acquired",
    "exhibit.completed",
    "item.accessed",
    "item.collected",
    "item.exported",
    "ledger.created",
    "package.made",
    "policy.set",
)


@pytest.mark.parametrize("kind", _KINDS)
def test_whatever_an_insider_signs_raises_nothing_and_prints_safely(kind: str) -> None:
    """Every field of one entry of every kind is dropped, replaced by every odd value, signed and proven."""
    base = forger(_with_compromise)
    base.pack()
    sample = next(p.body for p in base.placed if p.body["kind"] == kind)
    places = [
        path
        for path in _places(sample)
        if path[0] not in ("root", "seq", "ledger", "approvals") or len(path) == 1
    ]
    tried = 0
    for number, path in enumerate(places):
        bad = [_BAD[number % len(_BAD)]]
        for drop, new in [(True, None), *((False, value) for value in bad)]:
            if path[0] in ("actor", "subject") and path[-1] not in ("n", "prev", "type", "id"):
                continue  # the kit itself needs them to sign and to place

            def lie(body: dict[str, Any], path: Any = path, new: Any = new, drop: bool = drop) -> None:
                _put(body, path, new, drop=drop)

            report = _lied(kind, lie)
            if report is None:
                continue
            tried += 1
            assert report.exit_code in (0, 1, 4, 6)
            for line in lines(report):
                assert "\x1b" not in line
                assert "\u202e" not in line
    assert tried > 10


def _lied(kind: str, lie: Callable[[dict[str, Any]], None]) -> Report | None:
    """The report on a package with that lie, or None when the kit could not make a package of it."""
    made = Forger(world())
    _with_compromise(made)
    try:
        if kind in ("package.made", "item.exported"):
            made.build()
            files = made.pack(change=lie) if kind == "package.made" else _lie_in_export(made, lie)
        else:
            made.lines[made.find(kind)].change = lie
            made.build()
            files = made.pack()
        data = put_together(files)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, CustodyError):
        return None
    return look(data, made.trust())


def _lie_in_export(made: Forger, lie: Callable[[dict[str, Any]], None]) -> Files:
    line = made.access_line(item(0), kind="item.exported", public={}, change=lie)
    line.group = "019cb6d0-0000-7000-8000-00000000000b"
    rest = [str(i.id) for i in world().items[1:]]
    return made.pack(exported=rest, before_made=[line])


def page() -> str:
    """The table of attacks as a page."""
    head = """# Attacks on a package

What was tried against the verifier, and what meets it. An *outsider* has the package and no key of the record; he can
rebuild every list that needs no key. An *insider* holds every key of the locker, the log's too, and signs everything
anew. Exit 1: does not match. Exit 4: unreadable. Exit 6: intact, not confirmed. The promises are those of
[the threat model](../explanation/threat-model.md). Beside these, a sweep flips single bits all over a package, and
every field of every entry is taken away or replaced, signed and proven.

Made from `tests/test_verify_attacks.py` by `python -m tests.test_verify_attacks`; a test holds the two together.

| Attack | By | Promise | What is done | Check | What is said | Exit |
|---|---|---|---|---|---|---|
"""
    rows = [
        f"| {a.id} | {a.who} | {a.promise} | {a.what} | {a.check} | {a.says or '(the fault)'} | {a.exit_code} |\n"
        for a in ATTACKS
    ]
    tail = """
## What a single package can't show

An insider with a changed program can log two entries under one number and ship one of them, or state an older end of
the ledger's history than the true one. A package alone verifies; the next package of the case shows both, and the two
are a proof against who signed (`hidden-entry-shown`, `stale-head-next-package`). So keep every package, verify it
together with the next (`custody verify A B`), and put its note into the trust file (`custody trust add`).
"""
    return head + "".join(rows) + tail


def test_page_is_of_these_attacks() -> None:
    assert PAGE.read_text("utf-8") == page(), "out of date: run python -m tests.test_verify_attacks"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
