"""Verifying as a whole, on a release's own package: what can't be read is a report too, and says so in time."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import io
from collections.abc import Callable

import pytest

from custody.crypto.keys import SignKey
from custody.format import package
from custody.verify.package import Examined, verify
from custody.verify.report import Outcome, Report
from tests.packages import Files, put_together, rebag, resign, said, summary, take_apart
from tests.releases.__main__ import HERE
from tests.tamper.world import later
from tests.test_releases import RELEASES, held

NAME = RELEASES[-1]
PLAIN, ENCRYPTED = ((HERE / NAME / name).read_bytes() for name in ("package.zip", "package-encrypted.zip"))


@functools.cache
def _files() -> Files:
    return take_apart(PLAIN)


def files(change: Callable[[Files], object] | None = None) -> Files:
    """The package's files; changed, and its manifests right, as somebody without a key can have it."""
    found = dict(_files())
    if change is not None:
        change(found)
    return rebag(found)


def look(data: Files | bytes, *, keep: Examined | None = None, **options: object) -> Report:
    raw = data if isinstance(data, bytes) else put_together(data)
    options.setdefault("trust", held(NAME))
    options.setdefault("now", later()())
    return verify(io.BytesIO(raw), keep=keep, **options)  # type: ignore[arg-type]


def failures(report: Report) -> set[tuple[str, str | None]]:
    return {(f.check, f.where) for f in report.of(Outcome.FAILED)}


def test_an_honest_package_passes_and_what_was_read_is_kept() -> None:
    keep = Examined()
    report = look(PLAIN, keep=keep)
    assert report.exit_code == 0, summary(report)
    assert keep.record is not None
    assert keep.record.size == report.subject.size
    assert keep.contents is not None
    assert len(keep.contents.items) == len(report.items) > 0
    older = {int(m[2]) for m in map(package.CONSISTENCY_NAME.fullmatch, _files()) if m}
    assert older
    assert keep.proofs == {report.subject.origin: keep.proofs[str(report.subject.origin)]}
    assert set(keep.proofs[str(report.subject.origin)]) == older


def test_without_trust_it_is_intact_and_not_confirmed() -> None:
    report = look(PLAIN, trust=None)
    assert (report.record_line, report.exit_code, report.origin, report.time) == ("INTACT", 6, None, False)
    assert report.tokens
    leaf = b"".join(bytes.fromhex(ledger.genesis) for ledger in held(NAME).ledgers)
    assert look(PLAIN, trust=None, fingerprint=leaf[:16]).origin == "the twelve words"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            ENCRYPTED,
            "the package is encrypted; custody verify asks for its passphrase."
            " Or open it with 7-Zip, and check package.custody, which lies in it",
        ),
        (b"", "the file is empty"),
        (b"not a zip at all" * 10, "zip"),
        (PLAIN[:-100], "incomplete"),
        (put_together({}), "it has no record"),
        (put_together(rebag({"bagit.txt": b"x", "data/A-1/001.txt": b"x"})), "it has no record"),
    ],
    ids=["encrypted", "empty", "noise", "cut", "nothing in it", "another bag"],
)
def test_what_is_no_package_is_unreadable(data: bytes, says: str) -> None:
    keep = Examined()
    report = look(data, keep=keep)
    assert (report.record_line, report.exit_code) == ("UNREADABLE", 4)
    assert says in (report.unreadable or "")
    assert [f.outcome for f in report.findings] == [Outcome.NOT_CHECKED]
    assert (keep.record, keep.contents, keep.proofs) == (None, None, {})


@pytest.mark.parametrize("name", [package.STATEMENT, package.SHOWN, package.PROOFS, package.KEYS])
def test_a_file_without_which_nothing_can_be_checked(name: str) -> None:
    report = look(files(lambda found: found.pop(name)))
    assert (report.record_line, report.exit_code, report.unreadable) == ("DOES NOT MATCH", 1, None)
    assert ("statement", name) in failures(report)
    assert report.missing == ("nothing more can be checked without these files",)


@pytest.mark.parametrize(
    ("name", "data", "check", "missing"),
    [
        (package.STATEMENT, b"{}", "statement", "the exporter's statement can't be read"),
        (package.STATEMENT, b"\n" * 5000, "statement", "the exporter's statement can't be read"),
        (package.SHOWN, b"{}", "statement", "the exporter's statement can't be read"),
        (package.SHOWN, b"\n" * 5000, "statement", "the exporter's statement can't be read"),
    ],
)
def test_a_file_that_can_not_be_read(name: str, data: bytes, check: str, missing: str) -> None:
    report = look(files(lambda found: found.__setitem__(name, data)))
    assert report.exit_code == 1
    assert any(where == name for what, where in failures(report) if what == check), summary(report)
    assert report.missing == (missing,)


def test_a_record_that_can_not_be_read() -> None:
    note = next(name for name in _files() if package.NOTE_NAME.fullmatch(name) and _newest(name))
    report = look(files(lambda found: found.__setitem__(note, b"x")))
    assert report.exit_code == 1
    assert report.missing == ("the record can't be read",), summary(report)


def _newest(note: str) -> bool:
    size = look_size()
    return note == f"{package.RECORD}log/{size}.note"


@functools.cache
def look_size() -> int:
    keep = Examined()
    look(PLAIN, keep=keep)
    assert keep.record is not None
    return keep.record.checkpoint.size


def test_the_last_entry_must_be_the_making_of_the_package() -> None:
    last = f"{package.RECORD}entries/{look_size() - 1}.json"

    def without(found: Files) -> None:
        del found[last]
        lines = found[package.PROOFS].splitlines(keepends=True)
        found[package.PROOFS] = b"".join(lines[:-1])

    report = look(files(without))
    assert report.exit_code == 1
    assert said(report, "export", "does not end with the making of this package"), summary(report)
    assert report.subject.package is None


@pytest.mark.parametrize(
    ("name", "checks"),
    [
        (package.SHOWN, {"statement", "export"}),
        (package.KEYS, {"statement"}),
        ("data/", {"statement"}),
        ("custody/parts/", {"statement"}),
        ("custody/entries/", {"statement"}),
    ],
)
def test_a_byte_that_changed_is_found_by_more_than_the_bag(name: str, checks: set[str]) -> None:
    """All manifests are right: the exporter's signature and the record remain."""
    path = next(path for path in sorted(_files()) if path.startswith(name))
    report = look(files(lambda found: found.__setitem__(path, found[path][:-2] + b"~" + found[path][-1:])))
    assert report.exit_code == 1
    assert ("statement", path) in failures(report)
    assert not report.confirmed


def test_a_statement_by_somebody_else_is_told() -> None:
    stranger = resign(dict(_files()), SignKey(b"\1" * 32))
    report = look(stranger)
    assert report.exit_code == 1
    assert said(report, "statement", "signed by a key that the record does not name")
    assert not said(report, "statement", "signed for", Outcome.PASSED)


def test_the_exporter_signed_for_so_many_files() -> None:
    count = sum(not package.is_unsigned(path) for path in _files() if not path.startswith("../"))
    text = f"the exporter signed for exactly these {count} files"
    assert said(look(PLAIN), "statement", text, Outcome.PASSED)


def test_a_token_is_held_to_the_verifiers_clock() -> None:
    report = look(PLAIN, now=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert report.exit_code == 1
    assert {check for check, _ in failures(report)} == {"tokens"}


def test_the_statements_digest_of_what_is_shown_is_the_records() -> None:
    keep = Examined()
    look(PLAIN, keep=keep)
    assert keep.record is not None
    made = keep.record.entries[look_size() - 1].body
    assert made is not None
    assert made.public["shown"] == hashlib.sha256(_files()[package.SHOWN]).hexdigest()
