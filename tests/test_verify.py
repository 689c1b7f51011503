"""Honest packages: what is reported, as a value, as JSON and as text; and what a package may not hold."""

from __future__ import annotations

import base64
import datetime as dt
import getpass
import json
import re
import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from custody.crypto import sealing
from custody.format import package, words
from custody.format.text import from_base64
from custody.procedure import export as exporting
from custody.procedure import trust as trusting
from custody.verify.report import MAX_PER_CHECK, Finding, Findings, Outcome, Report
from custody.verify.text import lines
from tests import desks
from tests.packages import (
    FILES,
    NAME,
    OTHER_NAME,
    SECOND,
    Files,
    Forger,
    World,
    forger,
    look,
    put_together,
    rebag,
    resign,
    summary,
    take_apart,
    world,
)

REPO = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((REPO / "schemas" / "custody.verify.schema.json").read_text("utf-8"))


def genesis_words() -> bytes:
    return world().desk.locker.genesis_leaf[:16]


# The two lines and the exit code


def test_trust_file_confirms_origin_and_time() -> None:
    report = look(world().honest, world().trust())
    assert (report.record_line, report.origin_line, report.exit_code) == ("INTACT", "CONFIRMED", 0)
    assert report.origin == "the trust file"
    assert report.time
    assert report.missing == ()
    assert [text.partition(":")[0] for text in report.confirmed_by] == ["origin", "time"]


def test_without_trust_nothing_is_confirmed_and_it_says_how() -> None:
    report = look(world().honest)
    assert (report.record_line, report.origin_line, report.exit_code) == ("INTACT", "NOT CONFIRMED", 6)
    why = " ".join(report.missing)
    assert "twelve words" in why
    assert "custody trust add" in why
    assert report.origin is None
    assert not report.time


def test_twelve_words_confirm_the_origin_alone() -> None:
    report = look(world().honest, fingerprint=genesis_words())
    assert report.exit_code == 6
    assert report.origin == "the twelve words"
    assert "NOT CONFIRMED: ORIGIN CONFIRMED, TIME NOT CONFIRMED" in lines(report)[1]


def test_twelve_words_and_the_authority_are_enough() -> None:
    report = look(world().honest, world().trust(ledgers=()), fingerprint=genesis_words())
    assert report.exit_code == 0, summary(report)
    assert report.subject.fingerprint == words.encode(genesis_words())


def test_the_authority_alone_is_not_enough() -> None:
    report = look(world().honest, world().trust(ledgers=()))
    assert report.exit_code == 6
    assert report.time
    assert "NOT CONFIRMED: ORIGIN NOT CONFIRMED, TIME CONFIRMED" in lines(report)[1]


def test_the_origin_alone_is_not_enough() -> None:
    report = look(world().honest, world().trust(authorities=()))
    assert report.exit_code == 6
    assert "you name no timestamp authority" in " ".join(report.missing)
    assert all(f.outcome is not Outcome.PASSED for f in report.findings if f.check == "tokens")


def test_a_package_without_tokens_says_so() -> None:
    made = forger()
    made.tokens.clear()
    report = look(made.pack(stamped=None), made.trust())
    assert report.exit_code == 6
    assert "the package has no timestamp token" in " ".join(report.missing)


def test_a_time_must_cover_every_shown_item() -> None:
    made = forger()
    first = min(made.tokens)
    for size in list(made.tokens):
        if size != first:
            del made.tokens[size]
    report = look(made.pack(stamped=None), made.trust())
    assert report.exit_code == 6
    assert "no time was confirmed for 2 entries" in " ".join(report.missing), summary(report)
    proven = [item.proven_not_after is not None for item in report.items]
    assert proven == [True, True, True, False, False]
    # The covered items alone are confirmed.
    report = look(forger().pack(items=[i.id for i in world().items[:3]]), world().trust(ledgers=()))
    assert report.time


def test_a_trust_file_can_demand_that_every_entry_is_timed() -> None:
    demanding = {"require": ("every-entry-timed",)}
    made = forger()
    assert look(made.pack(stamped=None), made.trust()).exit_code == 0
    report = look(made.pack(stamped=None), made.trust(**demanding))
    assert report.exit_code == 6
    made = forger()
    assert look(made.pack(), made.trust(**demanding)).exit_code == 0


def test_a_token_from_the_future_of_the_verifiers_clock_fails() -> None:
    report = look(world().honest, world().trust(), now=desks.START)
    assert report.exit_code == 1
    assert any(f.check == "tokens" and f.outcome is Outcome.FAILED for f in report.findings)


def test_notes_that_were_seen_are_connected() -> None:
    trust = trusting.from_locker(world().desk.locker)
    assert trust.ledgers[0].notes
    report = look(world().honest, trust)
    assert report.exit_code == 0, summary(report)
    assert any(f.check == "known notes" and f.outcome is Outcome.PASSED for f in report.findings)


# What the report says


def test_items_are_told_with_what_is_proven_and_what_is_stated_apart() -> None:
    report = look(world().honest, world().trust())
    assert report.subject.items_here == report.subject.items_in_case == 5
    expected = {**FILES, **SECOND}
    for line, item in zip(report.items, world().items, strict=True):
        data = world().contents[item.id]
        assert (line.id, line.label, line.size) == (item.id, item.label, len(data))
        assert take_apart(world().honest)[line.path] == data
        assert line.name is not None
        assert expected[line.name.encode()] == data
        assert line.stated_logged == "2026-03-04T05:06:07.890Z" or line.label.startswith("B-7")
        assert line.proven_not_after is not None
        assert line.days_unproven == 0
    first, *_, last = report.items
    assert first.proven_not_before is None
    assert last.proven_not_before is not None
    assert last.proven_not_before < str(last.proven_not_after)
    assert first.entries == 1 + 2 + 1


def test_days_between_what_is_stated_and_what_is_proven_are_whole_days() -> None:
    stated = dt.datetime(2026, 3, 4, 5, 6, 7, 890_000, tzinfo=dt.UTC)
    for after, days in (
        (dt.timedelta(hours=23), 0),
        (dt.timedelta(days=1, seconds=2), 1),
        (dt.timedelta(days=9, hours=23), 9),
        (-dt.timedelta(days=3), 0),
    ):
        made = forger(lambda f: setattr(f, "lines", [one for one in f.lines if one.stamp is None]))
        report = look(made.pack(stamped=stated + after), made.trust())
        assert {item.days_unproven for item in report.items if item.label.startswith("A-1/")} == {days}
    made = forger(lambda f: setattr(f, "lines", [one for one in f.lines if one.stamp is None]))
    assert {item.days_unproven for item in look(made.pack(stamped=None), made.trust()).items} == {None}


def test_refused_tries_are_counted_and_told() -> None:
    def change(f: Forger) -> None:
        for nth in (0, 0, 1):
            line = f.access_line(world().items[nth].id, actor=world().colleague)
            line.public["result"] = "refused"
            f.lines.append(line)

    made = forger(change)
    report = look(made.pack(), made.trust())
    assert report.exit_code == 0, summary(report)
    assert report.subject.refused == report.to_value()["package"]["refused_openings"] == 3
    assert "3 tries to open items were refused" in "\n".join(lines(report))
    assert look(world().honest).subject.refused == 0


def test_what_is_withheld_is_counted() -> None:
    report = look(world().honest, world().trust())
    assert report.subject.withheld["handling"] == 5
    assert "name" not in report.subject.withheld
    assert any("withheld" in f.check and f.outcome is Outcome.PASSED for f in report.findings)
    made = forger()
    report = look(made.pack(show=("content",)), made.trust())
    assert report.subject.withheld["name"] == 5
    assert all(item.name is None for item in report.items)


def test_some_of_the_items_of_a_case() -> None:
    made = forger()
    report = look(made.pack(items=[world().items[1].id]), made.trust())
    assert (report.exit_code, report.subject.items_here, report.subject.items_in_case) == (0, 1, 5)
    assert "1 of 5 items of this case are here" in "\n".join(lines(report))


def test_every_check_has_a_result_and_none_is_said_to_have_passed_that_was_not_made() -> None:
    report = look(world().honest, world().trust())
    passed = {f.check for f in report.findings if f.outcome is Outcome.PASSED}
    assert passed >= {
        "container", "bag", "statement", "note", "entries", "signatures", "rights", "histories", "export",
        "exhibits", "parts", "withheld", "content", "counts", "tokens", "consistency", "origin", "time",
    }  # fmt: skip
    # Nothing is proven of a package whose record can't be read.
    files = take_apart(world().honest)
    files[package.PROOFS] = b"[]\n"
    report = look(rebag(files), world().trust())
    passed = {f.check for f in report.findings if f.outcome is Outcome.PASSED}
    assert passed <= {"container", "bag"}
    assert report.exit_code == 1


def test_a_document_beside_the_evidence_is_signed_for_and_not_believed() -> None:
    files = {**take_apart(world().honest), "report.html": b"<p>guilty</p>"}
    report = look(resign(files, world().first), world().trust())
    assert report.exit_code == 0
    assert any(
        f.check == "side documents" and f.where == "report.html" and f.outcome is Outcome.NOT_CHECKED
        for f in report.findings
    )


def test_many_failures_of_one_check_are_counted_not_listed() -> None:
    findings = Findings()
    for number in range(MAX_PER_CHECK + 7):
        findings.failed("x", f"{number}")
    listed = findings.all()
    assert len(listed) == MAX_PER_CHECK + 1
    assert "7 more" in listed[-1].text


def test_a_report_without_findings_is_not_intact() -> None:
    assert not Report(findings=()).intact
    assert Report(findings=()).exit_code == 1
    passed = Finding(check="x", outcome=Outcome.PASSED, text="x")
    assert Report(findings=(passed,)).exit_code == 6


# JSON


def _reports() -> dict[str, Report]:
    made = forger(lambda f: f.lines.append(f.access_line(world().items[0].id, kind="item.weighed")))
    files = take_apart(world().honest)
    broken = {**files, package.README: b"x"}
    missing = {path: data for path, data in files.items() if path != package.KEYS}
    return {
        "confirmed": look(world().honest, world().trust()),
        "not-confirmed": look(world().honest),
        "newer": look(made.pack(), made.trust()),
        "broken": look(broken, world().trust()),
        "missing": look(rebag(missing), world().trust()),
        "unreadable": look(b"PK", None),
        "empty": look(b"", None),
        "truncated": look(world().honest[:-9], None),
        "malformed": look(forger().pack(change=lambda body: body.update(public={"package": "\x1b[31m"}))),
    }


@pytest.mark.parametrize(
    "name",
    [
        "confirmed",
        "not-confirmed",
        "newer",
        "broken",
        "missing",
        "unreadable",
        "empty",
        "truncated",
        "malformed",
    ],
)
def test_json_is_as_its_schema_says(name: str) -> None:
    report = _reports()[name]
    value = json.loads(json.dumps(report.to_value(), ensure_ascii=True))
    jsonschema.Draft202012Validator(SCHEMA).validate(value)
    assert value["exit_code"] == report.exit_code


def test_the_schema_is_strict() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    value = look(world().honest, world().trust()).to_value()
    for change in (
        {"record": "FINE"},
        {"exit_code": 7},
        {"more": 1},
        {"record": "DOES NOT MATCH"},  # contradicts its exit code
        {"items": [{}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SCHEMA).validate({**value, **change})


# Text


def test_text_begins_with_the_two_lines() -> None:
    text = lines(look(world().honest, world().trust()))
    assert text[0] == "INTACT"
    assert text[1].startswith("CONFIRMED: origin: the trust file; time: ")
    assert "This says nothing about whether" in "\n".join(text)
    text = lines(look({**take_apart(world().honest), package.README: b"x"}, world().trust()))
    assert text[:2] == ["DOES NOT MATCH", "NOT CONFIRMED (test authority, not for court)"]
    assert "A bad copy looks the same" in "\n".join(text)
    assert lines(look(b""))[0] == "UNREADABLE"


def test_names_are_shown_so_that_no_terminal_obeys_them() -> None:
    evil = "\x1b[31m\u202egpj.exe\n"

    def change(f: Any) -> None:
        line = f.lines[f.find("item.collected")]
        line.plain["name"]["name"] = {"text": evil}
        line.plain["content"]["media_type"] = "text/plain\x1b[2J"

    made = forger(change)
    report = look(made.pack(), made.trust())
    assert report.exit_code == 0, summary(report)
    text = "\n".join(lines(report, every_finding=True))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert re.search(r"\\(x|u00)1b\[31m", text)


# What a package may not hold (promise 6)


def _opened(files: Files) -> bytes:
    """All bytes of a package, with every shown part opened, as one haystack."""
    hay = [path.encode() + b"\n" + data for path, data in files.items()]
    entries: dict[int, dict[str, Any]] = {}
    for path, data in files.items():
        if match := package.ENTRY_NAME.fullmatch(path):
            payload = base64.b64decode(json.loads(data)["payload"])
            hay.append(payload)
            entries[int(match[2])] = json.loads(payload)
            hay += [base64.b64decode(a["payload"]) for a in entries[int(match[2])]["approvals"]]
    hay.append(base64.b64decode(json.loads(files[package.STATEMENT])["payload"]))
    for seq, name, key in package.read_key_lines(files[package.KEYS], where="keys"):
        body = entries[seq]
        subject = body["subject"]
        value = sealing.open_compartment(
            from_base64(key, where="key"),
            body["ledger"],
            subject["id"],
            subject["n"],
            name,
            files[f"custody/parts/{body['sealed'][name]}"],
            where="part",
        )
        hay.append(json.dumps(value, ensure_ascii=False).encode())
        hay.append(json.dumps(value).encode())
    return b"\0".join(hay)


def _spellings(secret: bytes) -> list[bytes]:
    """How bytes may stand somewhere: plain, hex, base64 at each of the three offsets."""
    found = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    for shift in range(3):
        # What is sure of the encoding wherever the secret begins: without the edges that its neighbours touch.
        coded = base64.b64encode(bytes(shift) + secret)
        found.append(coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4])
    return [spelling for spelling in found if len(spelling) > 5]


def _found(hay: bytes, secrets: dict[str, bytes]) -> list[str]:
    return [name for name, secret in secrets.items() if any(s in hay for s in _spellings(secret))]


def _small_world(tmp_path: Path, **choice: Any) -> tuple[World, Files, bytes]:
    """The world's locker, and a package of one of its items."""
    w = world()
    path = tmp_path / "shy.zip"
    exporting.export(w.desk, exporting.Choice(case=w.case, **choice), path, purpose="x", plain=True)
    data = path.read_bytes()
    return w, take_apart(data), data


def _machine(w: World) -> dict[str, bytes]:
    """What would tell of the machine and of who sits at it."""
    found = {"locker": str(w.folder).encode(), "locker's folder": w.folder.name.encode()}
    for name, text in (
        ("host", socket.gethostname()),
        ("user", getpass.getuser()),
        ("home", str(Path.home())),
    ):
        # Words as common as these stand everywhere: only what tells something is looked for.
        if len(text) > 4:
            found[name] = text.encode()
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.is_file():
        found["boot id"] = boot.read_text().strip().encode()
        found["boot id, raw"] = bytes.fromhex(boot.read_text().strip().replace("-", ""))
    return found


def _item_secrets(w: World, nth: int) -> dict[str, bytes]:
    item = w.items[nth]
    line = next(line for line in w.lines if line.subject == item.id)
    secrets = {
        "id": item.id.encode(),
        "label": item.label.encode(),
        "content": w.contents[item.id][:40],
        "sha256": bytes.fromhex(line.plain["content"]["digests"]["sha256"]),
        "object": bytes.fromhex(line.public["object"]["id"]),
        "name": json.dumps(line.plain["name"]["name"]["text"])[1:-1].encode(),
    }
    with w.desk.locker.ledger.reading() as view:
        for stored in view.history(item.id):
            secrets[f"leaf {stored.seq}, the entry's own"] = stored.envelope
            for name, digest in stored.read().sealed.items():
                secrets[f"{name} {stored.seq}"] = bytes.fromhex(digest)
    return secrets


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    w, files, _ = _small_world(tmp_path)
    hay = _opened(files)
    assert set(_found(hay, _item_secrets(w, 0))) == set(_item_secrets(w, 0))
    assert _found(hay, {"chat": b"I am at the station"})
    assert _found(b"xx" + base64.b64encode(b"1" + NAME + b"2"), {"name": NAME})


def test_a_package_holds_nothing_of_a_withheld_name(tmp_path: Path) -> None:
    _, files, data = _small_world(tmp_path, withhold=("name",))
    report = look(data, world().trust())
    assert report.exit_code == 0, summary(report)
    hay = _opened(files)
    names = {name.decode(): name for name in (*FILES, *SECOND) if isinstance(name, bytes)}
    # The content itself may hold a name: only the others are looked for.
    assert _found(hay, names) == []
    with world().desk.locker.ledger.reading() as view:
        for item in world().items:
            sealed = world().desk.locker.erasable.part(world().origin, item.id, 0, "name")
            assert sealed is not None
            assert _found(hay, {"sealed name": sealed, "its middle": sealed[60:140]}) == []
            assert view.history(item.id)


def test_a_package_holds_nothing_of_other_items_and_cases(tmp_path: Path) -> None:
    w, files, data = _small_world(tmp_path, items=(world().items[1],))
    report = look(data, w.trust())
    assert report.exit_code == 0, summary(report)
    assert (report.subject.items_here, report.subject.items_in_case) == (1, 5)
    hay = _opened(files)
    for nth in (0, 2, 3, 4):
        assert _found(hay, _item_secrets(w, nth)) == [], nth
    others = {line.subject for line in w.lines if line.case == w.other_case}
    assert len(others) > 3
    secrets = {identifier: identifier.encode() for identifier in others}
    assert (
        _found(hay, {**secrets, "name": OTHER_NAME, "ref": b"OTHER-2", "content": b"of another case"}) == []
    )
    with w.desk.locker.ledger.reading() as view:
        foreign = {
            f"{stored.seq} {name}": bytes.fromhex(digest)
            for stored in view.entries(0, view.size)
            if stored.read().case == w.other_case
            for name, digest in stored.read().sealed.items()
        }
        leaves = {
            f"{stored.seq}": stored.envelope
            for stored in view.entries(0, view.size)
            if stored.read().case == w.other_case
        }
    assert foreign
    assert _found(hay, {**foreign, **leaves}) == []


@pytest.mark.parametrize("withhold", [(), ("name",), ("name", "source", "capture", "legal", "title")])
def test_a_package_holds_no_trace_of_the_machine(tmp_path: Path, withhold: tuple[str, ...]) -> None:
    w, files, _ = _small_world(tmp_path, withhold=withhold)
    assert _found(_opened(files), _machine(w)) == []


def test_ids_of_exhibits_that_are_not_shown_are_in_the_cases_own_entries_and_nothing_else(
    tmp_path: Path,
) -> None:
    """Promise 6 excepts the case's own events: `case.extended` names each exhibit by a random id, no more."""
    w, files, _ = _small_world(tmp_path, items=(world().items[1],))
    exhibit = next(line.subject for line in w.lines if line.public.get("label") == "B-7")
    holders = set()
    for path, data in files.items():
        if package.ENTRY_NAME.fullmatch(path):
            body = json.loads(base64.b64decode(json.loads(data)["payload"]))
            if exhibit in json.dumps(body):
                holders.add(body["kind"])
        else:
            assert exhibit.encode() not in data, path
    assert holders <= {"case.extended", "case.consulted"}
    assert b"B-7" not in _opened(files)


def test_the_container_tells_no_time_owner_or_program() -> None:
    assert put_together(take_apart(world().honest)) == world().honest
    assert not re.search(rb"/home/|/tmp/|/Users/|C:\\\\", world().honest)
