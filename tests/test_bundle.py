"""A package taken apart: every file is covered, in its one form, and nothing else is there."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import pytest

from custody.crypto import envelopes
from custody.crypto.keys import SignKey
from custody.errors import CustodyError, FormatError
from custody.format import canonical, package
from custody.format.envelope import PACKAGE_TYPE
from custody.verify import bundle as bundles
from custody.verify.bundle import Bundle, FileDigest
from custody.verify.report import Finding, Findings, Outcome
from tests.packages import Files, put_together, rebag

ORIGIN = "custody/" + "a" * 26
ID = "019cb6d0-0000-7000-8000-0000000000a1"
KEY = SignKey(b"\1" * 32)


def bag(**more: bytes) -> Files:
    """A small bag, of which every file but the manifests can be given otherwise."""
    files: Files = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": b"Source-Organization: x\nPayload-Oxum: 8.2\n",
        "READ-ME-FIRST.txt": b"read me",
        "data/A-1/001.txt": b"first",
        "data/A-1/002.txt": b"two",
        package.SHOWN: b"[]",
        package.PROOFS: b"",
        package.KEYS: b"",
        "custody/log/3.note": b"note",
        "custody/log/3.tsr": b"token",
    }
    return rebag({**files, **more})


def opened(files: Files) -> Bundle:
    return Bundle(io.BytesIO(put_together(files)))


def checked(files: Files) -> tuple[dict[str, FileDigest], list[Finding]]:
    findings = Findings()
    return bundles.check_files(opened(files), findings), list(findings.all())


def failures(files: Files) -> list[tuple[str, str | None]]:
    """(check, where) of each failure, once it is sure that the check that failed is not said to have passed."""
    _, found = checked(files)
    failed = [(f.check, f.where) for f in found if f.outcome is Outcome.FAILED]
    passed = {f.check for f in found if f.outcome is Outcome.PASSED}
    assert passed == {"container", "bag"} - {check for check, _ in failed}
    return failed


def test_a_whole_bag_passes() -> None:
    digests, found = checked(bag())
    assert [(f.check, f.outcome.value) for f in found] == [("container", "passed"), ("bag", "passed")]
    assert "14 files" in found[0].text
    assert "2 payload files" in found[1].text
    assert set(digests) == set(bag())
    assert digests["data/A-1/001.txt"].size == 5
    for name, data in bag().items():
        assert digests[name].sha256 == hashlib.sha256(data).hexdigest()
        assert digests[name].sha512 == hashlib.sha512(data).hexdigest()


MANIFESTS = (*package.MANIFESTS, *package.TAG_MANIFESTS)


def changed(files: Files, name: str, data: bytes | None) -> Files:
    """A file as somebody left it, with the manifests as they were."""
    files = dict(files)
    if data is None:
        del files[name]
    else:
        files[name] = data
    return files


@pytest.mark.parametrize("name", ["data/A-1/001.txt", "custody/log/3.note", "READ-ME-FIRST.txt"])
def test_a_file_that_differs_from_its_manifests(name: str) -> None:
    old = bag()
    _, found = checked(changed(old, name, b"o" + old[name][1:]))
    failed = [f for f in found if f.outcome is Outcome.FAILED]
    payload = name.startswith("data/")
    assert [(f.check, f.text, f.where) for f in failed] == [
        ("bag", "content differs from what is listed", name)
    ] * 2
    assert all(len(f.expected or "") == len(f.found or "") and f.expected != f.found for f in failed)
    assert {len(f.expected or "") for f in failed} == {64, 128}
    assert payload or name in old


@pytest.mark.parametrize("name", ["data/A-1/001.txt", "custody/log/3.note"])
def test_a_file_that_is_missing_or_more(name: str) -> None:
    _, found = checked(changed(bag(), name, None))
    failed = [f for f in found if f.outcome is Outcome.FAILED and f.where == name]
    kept = package.MANIFESTS if name.startswith("data/") else package.TAG_MANIFESTS
    assert [(f.text[:12], f.expected) for f in failed] == [("file missing", f"in {one}") for one in kept]
    _, found = checked(changed(bag(), name + "2", b"x"))
    failed = [f for f in found if f.outcome is Outcome.FAILED and f.where == name + "2"]
    assert [(f.text[:10], f.expected) for f in failed] == [("file added", f"in {one}") for one in kept]


@pytest.mark.parametrize("name", MANIFESTS)
def test_each_manifest_must_be_there_in_its_form_and_right(name: str) -> None:
    assert ("bag", name) in failures(changed(bag(), name, None))
    old = bag()[name]
    assert ("bag", name) in failures(changed(bag(), name, old[:-1]))
    other = b"0" if old[:1] != b"0" else b"1"
    assert len(failures(changed(bag(), name, other + old[1:]))) >= 1


def test_a_tag_manifest_lists_the_payload_manifests() -> None:
    """Else the payload manifests could be exchanged."""
    for name in package.MANIFESTS:
        assert ("bag", name) in failures(changed(bag(), name, bag()[name].replace(b"001", b"003")))


@pytest.mark.parametrize(
    "data", [b"", b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n", bag()["bagit.txt"] + b"\n"]
)
def test_the_bags_declaration_has_one_form(data: bytes) -> None:
    assert failures(bag(**{"bagit.txt": data})) == [("bag", "bagit.txt")]
    assert failures(rebag(changed(bag(), "bagit.txt", None))) == [("bag", "bagit.txt")]
    # Longer than any declaration: it is not read, and that is said too.
    assert failures(bag(**{"bagit.txt": b"x" * 4097})) == [("bag", "bag/bagit.txt"), ("bag", "bagit.txt")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Payload-Oxum: 8.2",
        b"Payload-Oxum: 9.2\n",
        b"Payload-Oxum: 8.3\n",
        b"Payload-Oxum: 8.2\nPayload-Oxum: 8.3\n",
        b"Payload-Oxum: 8.2\nMore: x\n",
        b"X-Payload-Oxum: 8.2\n",
        b"Payload-Oxum: 000000000000000000008.2\n",
        b"x" * 5000 + b"\nPayload-Oxum: 8.2\n",
    ],
)
def test_the_bag_states_its_size(data: bytes) -> None:
    found = failures(bag(**{"bag-info.txt": data}))
    assert found
    assert found[-1] == ("bag", "bag-info.txt")
    _, every = checked(bag(**{"bag-info.txt": data}))
    assert every[-1].expected == "Payload-Oxum: 8.2"


def test_a_stated_size_may_stand_first_or_last() -> None:
    for data in (b"Payload-Oxum: 8.2\n", b"A: 1\nB: 2\nPayload-Oxum: 8.2\n"):
        assert failures(bag(**{"bag-info.txt": data})) == []


def test_nothing_is_fetched() -> None:
    assert failures(bag(**{"fetch.txt": b""})) == [("bag", "fetch.txt")]


def test_what_lies_beside_the_bag_is_covered_by_nothing() -> None:
    assert failures(bag(**{"../META-INF/x.xml": b""})) == [("container", "META-INF/x.xml")]
    assert failures(bag(**{"../mimetype": b"application/zip"})) == [("container", "mimetype")]


def test_a_byte_that_changed_in_the_container_is_named_by_it_and_by_the_bag() -> None:
    data = put_together(bag())
    at = data.index(b"first")
    findings = Findings()
    bundles.check_files(Bundle(io.BytesIO(data[:at] + b"F" + data[at + 1 :])), findings)
    failed = [(f.check, f.text) for f in findings.all() if f.outcome is Outcome.FAILED]
    assert [check for check, _ in failed] == ["container", "bag", "bag"]


# Reading


def test_what_is_there_is_known_by_its_name_in_the_bag() -> None:
    found = opened(bag(**{"../META-INF/x.xml": b""}))
    assert set(found.names) == set(bag())
    assert found.others == ("mimetype", "META-INF/x.xml")
    assert "data/A-1/001.txt" in found
    assert "bag/data/A-1/001.txt" not in found
    assert "mimetype" not in found
    assert found.mimetype() == package.MIMETYPE
    assert found.read("data/A-1/001.txt", 5) == b"first"
    with pytest.raises(CustodyError):
        found.read("data/A-1/001.txt", 4)
    assert bundles.missing_parts(found) == [package.STATEMENT]
    assert bundles.missing_parts(opened({})) == [
        package.STATEMENT,
        package.SHOWN,
        package.PROOFS,
        package.KEYS,
    ]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 20])
def test_lines_are_whole_wherever_they_are_cut(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_PIECE", piece)
    long = opened(
        {"x": b"a\n\nbcd\n" + b"e" * 9 + b"\n", "y": b"", "z": b"a\nb", "w": b"a\n" + b"b" * 10 + b"\n"}
    )
    assert list(long.lines("x", 9)) == [b"a", b"", b"bcd", b"e" * 9]
    assert list(long.lines("y", 9)) == []
    for name, says in (("z", "no end"), ("w", "too long")):
        with pytest.raises(FormatError, match=says) as caught:
            list(long.lines(name, 9))
        assert caught.value.where == name


def test_a_line_without_an_end_is_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_PIECE", 4)
    with pytest.raises(FormatError, match="too long") as caught:
        list(opened({"x": b"b" * 4000}).lines("x", 9))
    assert caught.value.found == "12 bytes"


@pytest.mark.parametrize(("lines", "fits"), [(17, True), (18, False)])
def test_a_list_is_no_longer_than_the_files_can_make_it(lines: int, fits: bool) -> None:
    found = opened({"x": b"\n" * lines})
    if fits:
        assert found.read_list("x", 10) == b"\n" * lines
    else:
        with pytest.raises(FormatError, match="more lines than") as caught:
            found.read_list("x", 10)
        assert (caught.value.where, caught.value.expected, caught.value.found) == ("x", "at most 1", "18")


@pytest.mark.parametrize(("size", "fits"), [(4096 + 20, True), (4096 + 21, False)])
def test_a_list_has_no_more_bytes_than_the_files_can_make(size: int, fits: bool) -> None:
    found = opened({"x": b"a" * size, "y": b""})
    if fits:
        assert len(found.read_list("x", 10)) == size
    else:
        with pytest.raises(CustodyError):
            found.read_list("x", 10)


# The exporter's statement


def statement(files: Files, **changes: object) -> bytes:
    rows = sorted(
        (path, len(data), _sha256(data)) for path, data in files.items() if not package.is_unsigned(path)
    )
    made = package.Statement(
        package=ID, origin=ORIGIN, size=3, root="ab" * 32, leaf="cd" * 32, files=tuple(rows)
    )
    value = {**canonical.decode_object(made.to_bytes(), where="x", max_bytes=1 << 20), **changes}
    return envelopes.sign(PACKAGE_TYPE, canonical.encode(value), KEY).to_bytes()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def with_statement(
    files: Files, change: Callable[[Files], Files] | None = None
) -> list[tuple[str, str | None, str]]:
    """Failures and what was not checked of a bag with a statement that fits ``files``, and then a change."""
    signed = rebag({**files, package.STATEMENT: statement(files)})
    found = opened(signed if change is None else rebag(change(signed)))
    made, outer = bundles.read_statement(found)
    assert outer.key_id == KEY.key_id
    findings = Findings()
    digests = bundles.check_files(found, Findings())
    bundles.check_statement(made, digests, findings)
    bundles.known_names(found, findings)
    assert {f.check for f in findings.all() if f.outcome is Outcome.FAILED} <= {"statement"}
    return [(f.text, f.where, f.outcome.value) for f in findings.all() if f.outcome is not Outcome.PASSED]


def test_a_statement_covers_every_file() -> None:
    assert with_statement(bag()) == []


@pytest.mark.parametrize(
    "name", ["data/A-1/001.txt", "custody/log/3.note", "READ-ME-FIRST.txt", "bagit.txt", package.SHOWN]
)
def test_a_file_that_the_statement_has_otherwise(name: str) -> None:
    """All manifests are right: whoever has no key can do that much."""
    for change in (
        lambda files: {**files, name: files[name] + b"x"},
        lambda files: {**files, name: b"y" * len(files[name])},
        lambda files: {path: data for path, data in files.items() if path != name},
    ):
        found = with_statement(bag(), change)
        assert [where for _, where, outcome in found if outcome == "failed"].count(name) == 1


def test_a_file_that_the_statement_has_not() -> None:
    found = with_statement(bag(), lambda files: {**files, "data/A-1/003.txt": b"x"})
    assert ("data/A-1/003.txt", "failed") in [(where, outcome) for _, where, outcome in found]
    # Tokens and witness lines come later, and prove themselves or nothing.
    assert with_statement(bag(), lambda files: {**files, "custody/log/3.2.tsr": b"x"}) == []


def test_a_witness_line_is_covered_by_nothing_in_this_form_of_package() -> None:
    found = with_statement(bag(**{"custody/log/3.cosigned": b"x"}))
    assert ("a file that nothing covers", "custody/log/3.cosigned", "failed") in found
    findings = Findings()
    bundles.check_statement(
        package.Statement(package=ID, origin=ORIGIN, size=3, root="", leaf="", files=()),
        {"custody/log/3.cosigned": FileDigest(size=1, sha256="", sha512="")},
        findings,
    )
    assert [(f.check, f.where) for f in findings.all()] == [("statement", "custody/log/3.cosigned")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("custody/other.txt", "a file that this form of package does not have"),
        ("custody/log/03.note", "a file that this form of package does not have"),
        ("custody/parts/" + "g" * 64, "a file that this form of package does not have"),
        ("custody/volumes/7/log/3.tsr", "a file of a volume that this package does not have"),
        ("custody/volumes/7/entries/3.json", "a file of a volume that this package does not have"),
        ("custody/volumes/7/consistency/3.txt", "a file of a volume that this package does not have"),
        ("report.html", "only its bytes were compared; what it says was not"),
    ],
)
def test_names_that_a_package_can_have(name: str, text: str) -> None:
    found = with_statement(bag(**{name: b"x"}))
    assert found == [(text, name, "failed" if name.startswith(package.RECORD) else "not checked")]


def test_names_that_are_known_are_not_told() -> None:
    more = {
        "custody/parts/" + "a" * 64: b"x",
        "custody/volumes/7/proofs.jsonl": b"",
        "custody/volumes/7/log/3.tsr": b"x",
        package.TRUST_NOTE: b"x",
    }
    assert with_statement(bag(**more)) == []


def test_a_statement_that_names_a_certificate_is_of_another_form() -> None:
    files = bag()
    signed = rebag({**files, package.STATEMENT: statement(files, certificate="ab" * 32)})
    with pytest.raises(FormatError, match="certificate") as caught:
        bundles.read_statement(opened(signed))
    assert caught.value.where == package.STATEMENT
