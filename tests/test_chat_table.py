"""Tables: what is proposed, each row read alone, rows against the standard library, mappings, changed bytes."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.errors import InputRefused
from custody.evidence.chat import registry
from custody.evidence.chat.table import csv_rows, plan, reader, record, when, xlsx
from custody.evidence.chat.table.csv_rows import Dialect, Row
from custody.evidence.export import Export, Held
from custody.evidence.reading import Settings
from tests.chats import harness, hold

CASES = hold.cases(reader.READER)


def test_without_a_mapping_nothing_is_claimed_and_columns_are_proposed() -> None:
    export = Export.of("a.csv", b'When;Who\r\n1;Ana\r\n2;"B;en"\r\n')
    assert registry.choose(export) is None
    (one,) = reader.propose(export)
    assert one.header == ("When", "Who")
    assert one.rows == (("1", "Ana"), ("2", "B;en"))
    assert one.delimiter[:2] == (";", "decided")
    assert one.encoding[:2] == ("utf-8", "decided")


def test_a_workbook_is_proposed_by_sheet() -> None:
    (export,) = [export for name, export, _ in CASES if name == "xlsx"]
    first, second = reader.propose(export)
    assert (first.name, first.header) == ("Chat", ("When", "Who", "What"))
    assert first.rows[0][1:] == ("Ана", "rich text")
    assert (second.name, second.header, second.rows) == ("Notes", ("a note",), ())


def test_a_mapping_is_checked_before() -> None:
    export = Export.of("a.csv", b"When,Who\n1,Ana\n")
    assert reader.check(export, Settings(mapping={"time": "When", "sender": "Who"})) == []
    assert reader.check(export, Settings(mapping={"time": "Time", "sender": "#2"})) == ["Time"]


@pytest.mark.parametrize(
    "mapping",
    [
        {"tme": "When"},
        {"encoding": "utf-8"},
        {"time": "a", "delimiter": "::"},
        {"time": "a", "header": "perhaps"},
        {"time": "a", "header": "no"},
        {"time": "a", "encoding": "rot13"},
        {"time": "a", "encoding": "utf-7"},
        {"time": "a", "zone": "Nowhere/Land"},
        {"time": "a", "time_format": "%H:%M"},
        {"time": "a", "time_format": "%d.%d.%Y"},
        {"profile": "none such"},
    ],
)
def test_a_mapping_that_means_nothing_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(InputRefused):
        plan.parse(mapping)


@pytest.mark.parametrize(("name", "export", "stated"), CASES, ids=lambda one: str(one)[:20])
def test_a_row_read_alone_is_the_same_message(name: str, export: Export, stated: Settings) -> None:
    read = harness.run(reader.READER, export, stated)
    decided = {one["what"]: one.get("value") for one in read.of("reading")}
    workbook = xlsx.find(export) is not None
    for one in read.messages:
        if one["kind"] == "unknown":
            continue
        # The decisions of the whole are stated for the row: it has no header that names its columns.
        mapping = dict(stated.mapping or plan.PROFILES[plan.VIBER])
        header = next(
            (part["text"].split("\t") for part in read.of("range") if part["what"] == "header"), None
        )
        if header is not None:
            found, _ = plan.places({role: mapping[role] for role in plan.ROLES if role in mapping}, header)
            mapping |= {role: f"#{at + 1}" for role, at in found.items()}
        mapping["header"] = "no"
        if not workbook:
            mapping["delimiter"] = decided["delimiter"]
            if decided["encoding"] is not None:
                mapping["encoding"] = decided["encoding"]
        order = stated.date_order or decided.get("date_order")
        if "profile" not in mapping and name == "viber":
            mapping["profile"] = "viber-text"
        part = Settings(mapping=mapping, time_zone=stated.time_zone, date_order=order)
        if workbook:
            assert hold.alone(reader.READER, export, one, part)["text"] == one["text"]
            continue
        found_alone = hold.alone(reader.READER, export, one, part)
        left = ("extra", "flags")  # cells have no names there, and their count is held against nothing
        assert hold.without_place(found_alone, *left) == hold.without_place(one, *left)


CELL = st.text('a",;\n é', max_size=6)


@given(st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_rows_are_those_that_were_written(table: list[list[str]], end: str) -> None:
    held = io.StringIO(newline="")
    csv.writer(held, lineterminator=end).writerows(table)
    for encoding in ("utf-8", "utf-16-le"):
        data = held.getvalue().encode(encoding)
        found = list(csv_rows.rows(Held(data), Dialect(encoding=encoding, delimiter=","), 0, len(data)))
        assert all(isinstance(row, Row) for row in found)
        assert [row.cells for row in found if isinstance(row, Row)] == table
        assert b"".join(data[row.start : row.end] for row in found) == data


@given(st.text('a",\n\r', max_size=30))
@settings(max_examples=150, deadline=None)
def test_rows_cover_any_text_and_windows_change_nothing(text: str) -> None:
    data = text.encode()
    dialect = Dialect(encoding="utf-8", delimiter=",")
    found = list(csv_rows.rows(Held(data), dialect, 0, len(data)))
    assert b"".join(data[row.start : row.end] for row in found) == data
    joined = [cell for row in found if isinstance(row, Row) for cell in row.cells]
    assert sum(map(len, joined)) <= len(text)


def test_a_window_border_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["1", 'quoted "\n, end', "é"], ["2", "", "x"]] * 50
    held = io.StringIO(newline="")
    csv.writer(held).writerows(rows)
    data = held.getvalue().encode()
    dialect = Dialect(encoding="utf-8", delimiter=",")
    for window in (40, 41, 64):
        monkeypatch.setattr(csv_rows, "WINDOW", window)
        found = csv_rows.rows(Held(data), dialect, 0, len(data))
        assert [row.cells for row in found if isinstance(row, Row)] == rows


def test_shared_texts_are_found_at_any_window_border() -> None:
    items = [f"<si><t>text {n}</t></si>" if n % 3 else "<si/>" for n in range(60_000)]
    data = ("<sst>" + "".join(items) + "</sst>").encode()
    assert len(data) > 1 << 20
    (member,) = harness.members(("xl/sharedStrings.xml", data)).members
    strings = xlsx.Strings(member)
    assert strings.count == 60_000
    assert [strings.get(n) for n in (0, 1, 63, 64, 59_999, 60_000)] == [
        "",
        "text 1",
        "",
        "text 64",
        "text 59999",
        None,
    ]
    assert all(strings.get(n) == (f"text {n}" if n % 3 else "") for n in range(0, 60_000, 997))


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("45356.416666666664", "2024-03-05T10:00:00"),
        ("61", "1900-03-01T00:00:00"),
        ("60", None),
        ("45356.5000001", "2024-03-05T12:00:00.009"),
        ("4.5356E4", "2024-03-05T00:00:00"),
        ("9E99", None),
        ("x", None),
    ],
)
def test_day_numbers_of_a_workbook(text: str, local: str | None) -> None:
    clock = when.Clock(stated="excel", pattern=None, orders=(), zone=None)
    assert clock.read(text)[0].local == local


def test_formula_signs_stay() -> None:
    for text in ('="a"', "=1+1", "+1", "-1", "@x"):
        assert record.unquoted(text, None) == text


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'"a\n' * 20_000, id="quotes"),
        pytest.param(b'"' * 1_000_000, id="only quotes"),
        pytest.param(b"," * 5_000_000, id="delimiters"),
        pytest.param(b'a"b\n' * 20_000 + b'"', id="inside"),
        pytest.param(b"x" * 10_000_000, id="one line"),
        pytest.param(b'x,"' + b'""' * 3_000_000, id="pairs"),
    ],
)
def test_hostile_tables_are_read_in_bounded_time(data: bytes) -> None:
    start = time.thread_time()
    stated = Settings(mapping={"text": "#1", "header": "no", "delimiter": "comma"})
    hold.whole(reader.READER, Export.of("a.csv", data), stated)
    assert time.thread_time() - start < 40


SEEDS = [export.members[0].open().read(0, 1 << 20) for _, export, _ in CASES if not export.zipped]
STATED = [Settings(), *(stated for _, export, stated in CASES if not export.zipped)]


@given(hold.changed(SEEDS), st.sampled_from(STATED))
@settings(max_examples=150, deadline=None)
def test_changed_tables_lose_nothing(data: bytes, stated: Settings) -> None:
    hold.whole(reader.READER, Export.of("a.csv", data), stated)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_changed_workbooks_lose_nothing(data: st.DataObject) -> None:
    (export, stated) = next((export, stated) for name, export, stated in CASES if name == "xlsx")
    at = data.draw(st.integers(1, len(export.members) - 1))
    seed = export.members[at].open().read(0, 1 << 20)
    hold.whole(reader.READER, hold.with_member(export, at, data.draw(hold.changed([seed]))), stated)
