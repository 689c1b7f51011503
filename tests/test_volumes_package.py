"""Packages of a record that was continued in a new volume: what came before is proven, whole, and timed."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from custody.format import canonical, package
from custody.format.note import LogNote
from custody.format.text import from_base64, to_base64
from custody.format.trust import Trust, TrustedAuthority, TrustedLedger
from custody.ledger.store import Last
from custody.ledger.volumes import Closed
from custody.procedure import backup, cases, export_files, export_plan, paper, restore, seal
from custody.procedure import export as exporting
from custody.procedure.locker import Desk, Locker
from custody.verify.package import verify
from custody.verify.report import Outcome
from custody.verify.rights import Rights
from tests import desks
from tests.packages import LATER, Files, look, put_together, rebag, resign, said, summary, take_apart

V1 = package.volume_folder(1)


@dataclass(frozen=True, slots=True)
class Story:
    """A locker that was sealed, backed up, lost and restored; a package of an old and a new item."""

    desk: Desk
    old: Desk
    case: str
    files: Files
    root: bytes

    def trust(self, *volumes: int, **changes: object) -> Trust:
        """A trust file that has these volumes, and the test authority."""
        ledgers = [
            TrustedLedger(origin=volume.origin, genesis=volume.genesis_leaf.hex())
            for volume in self.desk.locker.volumes
            if volume.number in volumes
        ]
        named = (TrustedAuthority(roots=(self.root,), policies=(), source="a test", test=True),)
        return replace(Trust(ledgers=tuple(ledgers), authorities=named), **changes)  # type: ignore[arg-type]

    def words(self, volume: int) -> bytes:
        return self.desk.locker.volumes[volume - 1].genesis_leaf[:16]


def tell(folder: Path) -> Story:
    clock = desks.Clock()
    with desks.authority(clock) as (_, named):
        old = desks.new_locker(folder, tsa=(named,), clock=clock)
        case, _ = desks.case_with(
            old, folder / "in", {"old.txt": b"from before", "other.txt": b"not exported"}
        )
        clock.forward(hours=1)
        seal.seal(old)
        clock.forward(hours=1)
        cases.open_case(old, "REF-2")
        seal.seal(old)  # what the backup adds after it is a tail that no note covers
        backup.write(old, folder / "backup")
        clock.forward(days=3)
        restore.restore(folder / "backup", folder / "L2", old.key_file, old.rim)
        desk = Desk(Locker(folder / "L2"), old.key_file, old.rim)
        clock.forward(hours=1)
        desks.take_in(desk, case, desks.put(folder / "more", {"new.txt": b"from after"}))
        clock.forward(hours=1)
        items = tuple(item for item in desk.locker.work.items(case) if item.label in ("A-1/01", "A-2/01"))
        assert len(items) == 2
        choice = exporting.Choice(case=case, items=items)
        exporting.export(desk, choice, folder / "package", purpose="a test", plain=True)
    data = (folder / "package").read_bytes()
    return Story(desk=desk, old=old, case=case, files=take_apart(data), root=named.roots[0])


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return tell(tmp_path_factory.mktemp("volumes"))


def body(data: bytes) -> dict:
    return json.loads(from_base64(json.loads(data)["payload"], where="entry"))


def bodies(story: Story, folder: str) -> dict[int, dict]:
    """Bodies of a volume's entries in the package, by number."""
    found = {}
    for path, data in story.files.items():
        match = package.ENTRY_NAME.fullmatch(path)
        if match is not None and match[1] == folder:
            found[int(match[2])] = body(data)
    return found


def without(story: Story, *entries: tuple[str, int], rows: bool = True) -> Files:
    """The package without some entries, their proofs and (if ``rows``) their parts, signed by the exporter anew."""
    files = dict(story.files)
    for folder, seq in entries:
        del files[f"{folder}entries/{seq}.json"]
        lines = files[f"{folder}proofs.jsonl"].splitlines(keepends=True)
        files[f"{folder}proofs.jsonl"] = b"".join(x for x in lines if json.loads(x)["index"] != seq)
    return resign(files, story.desk.keys.sign)


def test_it_is_intact_and_confirmed_by_the_new_volume(story):
    report = look(story.files, story.trust(2))
    assert report.intact, summary(report)
    assert report.confirmed, summary(report)
    assert [item.label for item in report.items] == ["A-1/01", "A-2/01"]
    assert [volume.number for volume in report.subject.volumes] == [1, 2]
    assert report.subject.volumes[1].by == story.desk.key_id
    # The old item's time is proven by the old volume's token, three days before the new one's.
    old, new = report.items
    assert old.proven_not_after is not None
    assert new.proven_not_after is not None
    assert old.proven_not_after[:10] < new.proven_not_after[:10]
    assert said(report, "volumes", "volume 2 goes on from volume 1", Outcome.PASSED)


def test_its_first_entries_in_the_new_volume_say_from_where_they_go_on(story):
    new = bodies(story, package.RECORD)
    assert new[0]["kind"] == "ledger.continued"
    going_on = {b["subject"]["type"] for b in new.values() if "from" in b["public"]}
    assert going_on == {"case", "item"}
    assert all(b["subject"]["n"] == 0 for b in new.values() if "from" in b["public"])


def test_an_old_volume_that_is_known_does_not_suffice(story):
    report = look(story.files, story.trust(1))
    assert report.intact, summary(report)
    assert not report.confirmed
    assert report.origin is None
    assert any("continued in a new volume" in text for text in report.missing)
    report = look(story.files, story.trust(), fingerprint=story.words(1))
    assert report.intact, summary(report)
    assert report.origin is None
    report = look(story.files, story.trust(), fingerprint=story.words(2))
    assert report.origin == "the twelve words"


def test_a_known_old_volume_that_begins_differently_is_a_failure(story):
    trust = story.trust(1, 2)
    other = replace(trust.ledgers[0], genesis="00" * 32)
    report = look(story.files, replace(trust, ledgers=(other, trust.ledgers[1])))
    assert said(report, "origin", "begins differently")


def test_a_note_that_is_larger_than_the_closed_volume_is_seen(story, tmp_path):
    # The lost locker lived on after its backup, and somebody holds a note of that.
    log_keys = story.old.log_keys()
    cases.open_case(story.old, "REF-3")
    with story.old.write() as writer:
        note = writer.sign_note(log_keys)
    trust = story.trust(1, 2)
    seen = replace(trust.ledgers[0], notes=(note.to_bytes(),))
    report = look(story.files, replace(trust, ledgers=(seen, trust.ledgers[1])))
    assert report.intact, summary(report)
    assert not report.confirmed
    assert said(report, "known notes", "continued from a state older", Outcome.NOT_CHECKED)
    assert any("continued from a state older" in text for text in report.missing)
    # No newer package will have what was lost: nobody is sent to ask for one.
    assert not any(
        "package is older" in text for text in [*report.missing, *(f.text for f in report.findings)]
    )


def _last(story: Story, kind: str) -> int:
    """The last entry of the closed volume about a subject of this type that the package ships."""
    return max(seq for seq, b in bodies(story, V1).items() if b["subject"]["type"] == kind)


@pytest.mark.parametrize("kind", ["ledger", "case", "exhibit", "item"])
def test_the_tail_of_a_history_in_the_closed_volume_can_not_be_left_out(story, kind):
    report = look(without(story, (V1, _last(story, kind))), story.trust(2))
    assert not report.intact
    assert said(report, "histories", "left out") or said(report, "histories", "does not"), summary(report)


def test_the_closed_volume_can_not_be_left_out(story):
    files = {path: data for path, data in story.files.items() if not path.startswith(V1)}
    report = look(resign(files, story.desk.keys.sign), story.trust(2))
    assert not report.intact
    assert report.items == () or any("missing" in f.text for f in report.findings), summary(report)


def test_a_volume_in_between_can_not_be_missing(story):
    files = {path.replace(V1, package.volume_folder(2)): data for path, data in story.files.items()}
    report = look(resign(files, story.desk.keys.sign), story.trust(2))
    assert said(report, "entries", "a volume is missing"), summary(report)


def test_entries_of_the_closed_volume_can_not_be_changed_or_swapped(story):
    for seq in (0, _last(story, "item")):
        files = dict(story.files)
        name = f"{V1}entries/{seq}.json"
        outer = json.loads(files[name])
        changed = {
            **body(files[name]),
            "time": {"wall": "2026-01-01T00:00:00.000Z", "session": None, "mono": None},
        }
        outer["payload"] = to_base64(canonical.encode(changed))
        files[name] = canonical.encode(outer)
        report = look(resign(files, story.desk.keys.sign), story.trust(2))
        assert said(report, "entries", "not in the record"), summary(report)


def test_the_last_note_of_the_closed_volume_is_the_one_that_was_named(story):
    names = [path for path in story.files if path.startswith(f"{V1}log/")]
    files = {path: data for path, data in story.files.items() if path not in names}
    report = look(resign(files, story.desk.keys.sign), story.trust(2))
    assert said(report, "volumes", "is not here", Outcome.NOT_CHECKED), summary(report)
    newest = max(int(path.removeprefix(f"{V1}log/").partition(".")[0]) for path in names)
    files = {path: data for path, data in story.files.items() if not path.startswith(f"{V1}log/{newest}.")}
    assert any(path.startswith(f"{V1}log/") for path in files)
    report = look(resign(files, story.desk.keys.sign), story.trust(2))
    assert said(report, "volumes", "not the one that the next volume names"), summary(report)


def test_a_note_of_the_closed_volume_that_can_not_be_read_is_a_failure(story):
    newest = max(
        (int(match[2]), path)
        for path, match in ((path, package.NOTE_NAME.fullmatch(path)) for path in story.files)
        if match is not None and match[1] == V1
    )[1]
    report = look(resign({**story.files, newest: b"x" * 70_000}, story.desk.keys.sign), story.trust(2))
    assert "volumes" in {f.check for f in report.of(Outcome.FAILED)}, summary(report)
    assert not said(report, "volumes", "not the one that the next volume names")


def test_a_new_volume_whose_beginning_is_not_proven_is_a_failure(story):
    files = dict(story.files)
    lines = files[package.PROOFS].splitlines(keepends=True)
    assert json.loads(lines[0])["index"] == 0
    files[package.PROOFS] = b"".join(lines[1:])
    report = look(resign(files, story.desk.keys.sign), story.trust(2))
    assert [(f.text, f.where) for f in report.of(Outcome.FAILED) if f.check == "entries"] == [
        ("an entry without a proof", "volume 2, entry 0")
    ]


def test_what_is_exported_at_once_after_a_restore_goes_on_from_the_closed_volume(tmp_path):
    """The first entry about the case in the new volume is then the making of the package itself."""
    old = desks.new_locker(tmp_path)
    case, _ = desks.case_with(old, tmp_path / "in", {"a.txt": b"a"})
    backup.write(old, tmp_path / "backup")
    restore.restore(tmp_path / "backup", tmp_path / "L2", old.key_file, old.rim)
    desk = Desk(Locker(tmp_path / "L2"), old.key_file, old.rim)
    for name in ("one", "two"):
        choice = exporting.Choice(case=case)
        exporting.export(desk, choice, tmp_path / name, purpose="a test", plain=True, stamped=False)
        files = take_apart((tmp_path / name).read_bytes())
        report = look(files)
        assert report.intact, summary(report)
    all_ = (body(data) for path, data in files.items() if package.ENTRY_NAME.fullmatch(path))
    numbers = [(b["subject"]["n"], "from" in b["public"]) for b in all_ if b["kind"] == "package.made"]
    assert (0, True) in numbers


def test_an_exporter_with_a_changed_program_can_not_hide_the_end_of_the_closed_volume(tmp_path, monkeypatch):
    story = tell(tmp_path)
    ledger = story.desk.locker.volumes[0].ledger
    before, last = story.desk.locker.history(ledger)[-2:]
    real_heads, real_entries, real_last = export_plan._heads, export_files._Stretch.entries, Closed.last
    head = Last(before.read().ledger, before.read().subject.n, before.leaf)

    def heads(*args):
        return {**real_heads(*args), ledger: ("ledger", head.n, head.leaf)}

    def entries(stretch, subjects):
        return [one for one in real_entries(stretch, subjects) if one.position != last.position]

    def last_of(closed, subject):
        return head if subject == ledger else real_last(closed, subject)

    monkeypatch.setattr(export_plan, "_heads", heads)
    monkeypatch.setattr(export_files._Stretch, "entries", entries)
    monkeypatch.setattr(Closed, "last", last_of)
    choice = exporting.Choice(case=story.case)
    exporting.export(story.desk, choice, tmp_path / "lie", purpose="a lie", plain=True, stamped=False)
    report = verify(io.BytesIO((tmp_path / "lie").read_bytes()), now=LATER)
    assert said(report, "histories", "closed volume's own history"), summary(report)
    assert [f.check for f in report.findings if f.outcome is Outcome.FAILED] == ["histories"]


def test_who_had_no_right_to_go_on_is_refused_by_the_verifier(tmp_path, monkeypatch):
    """A colleague with `export` and no `admin`, and with a changed program."""
    clock = desks.Clock()
    desk = desks.new_locker(tmp_path, clock=clock)
    own, _ = desks.add_person(
        desk, tmp_path / "colleague", rights=("seal", "collect", "read", "export"), all_cases=True
    )
    case, _ = desks.case_with(desk, tmp_path / "in", {"a.txt": b"a"})
    backup.write(desk, tmp_path / "backup")
    with pytest.raises(Exception, match=r"right|admin"):
        restore.restore(tmp_path / "backup", tmp_path / "L2", own, desk.rim)
    assert not (tmp_path / "L2").exists()
    with monkeypatch.context() as patched:
        patched.setattr(Rights, "_why_not_continue", lambda self, entry, custodian: None)
        patched.setattr(restore._Run, "_desk", lambda run, old: Desk(old, run.key_file, run.rim, older=True))
        restore.restore(tmp_path / "backup", tmp_path / "L2", own, desk.rim)
        stolen = Desk(Locker(tmp_path / "L2"), own, desk.rim)
        exporting.export(
            stolen,
            exporting.Choice(case=case),
            tmp_path / "package",
            purpose="a test",
            plain=True,
            stamped=False,
        )
    report = verify(io.BytesIO((tmp_path / "package").read_bytes()), now=LATER)
    assert not report.intact
    assert said(report, "rights", "no right to admin"), summary(report)


def test_the_whole_package_is_covered(story):
    """A bit flipped in any file of a volume is found, also where nothing else in the package changes."""
    for path, data in story.files.items():
        if path.startswith(V1) and data:
            at = len(data) // 2
            files = {**story.files, path: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]}
            assert not look(put_together(files)).intact, path
            assert not look(rebag(files)).intact, path


def test_a_letter_of_the_closed_volume_is_compared_too(story):
    old = story.desk.locker.volumes[0]
    with story.desk.locker.record() as record:
        note = LogNote.from_bytes(min(record.closed[0][1].notes().items())[1], where="note")
    checkpoint = note.checkpoint
    found = paper.compare_locker(story.desk.locker, checkpoint)
    assert (found.outcome, found.size) == ("continues", story.desk.locker.volumes[1].base + _size(story))
    found = paper.compare_package(io.BytesIO(put_together(story.files)), checkpoint, now=LATER, where="x")
    assert (found.outcome, found.covered, found.later) == ("continues", ("A-1/01",), ("A-2/01",))
    for change, outcome in (({"root": bytes(32)}, "contradicts"), ({"size": old.size + 1}, "older")):
        other = replace(checkpoint, **change)
        assert paper.compare_locker(story.desk.locker, other).outcome == outcome
        file = io.BytesIO(put_together(story.files))
        assert paper.compare_package(file, other, now=LATER, where="x").outcome == outcome


def _size(story: Story) -> int:
    return story.desk.locker.volumes[1].size
