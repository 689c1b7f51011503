"""Pictures: they stand alone, say what their tables say, and can't be led astray by names."""

from __future__ import annotations

import csv
import io
import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.export.svg import clock, flow, labels, table, timeline
from custody.export.svg.flow import Transfer, coin_flow
from custody.export.svg.timeline import Login, login_timeline

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>", "\"><image href='https://evil.example/x'/>", "&amp;&lt;&#0;", "]]>", "-->",
    "<!DOCTYPE x>", "\0\x01\x1b[31m\x7f", "\u202egnp.exe\u2066", "\ud800half", "\ufffe\uffff", "a\nb\r\nc\td",
    "=cmd|' /C calc'!A0", "x" * 5000, "\U0001f468\u200d\U0001f469", "محمد", "שלום", "नमस्ते", "a\u0301\u0302\u0303", "",
)  # fmt: skip
ADDRESS = "TMadeUpAddressMadeUpAddressMadeUp1"
OTHER = "TMadOtherAddressMadeUpAddressMadeUp1"


def login(number: int, **more: Any) -> Login:
    values: dict[str, Any] = {
        "item": "A-3/01",
        "place": f"line {number}",
        "account": f"person{number % 3}",
        "event": "login",
        "instant": f"2026-11-{number % 28 + 1:02}T09:15:00Z",
        "time_raw": "x",
        "ip": f"203.0.113.{number % 5}",
        "ip_class": "documentation",
    }
    return Login(**(values | more))


def transfer(number: int, **more: Any) -> Transfer:
    values: dict[str, Any] = {
        "chain": "tron",
        "model": "account",
        "strength": "stated",
        "item": "A-4/01",
        "txid": f"{number:064x}",
        "sender": f"TSender{number}",
        "receiver": ADDRESS,
        "amount": f"{number}.000001",
        "asset": "USDT",
        "instant": f"2026-11-{number % 28 + 1:02}T09:15:00Z",
    }
    return Transfer(**(values | more))


def check(svg: str) -> ET.Element:
    """The rules of every picture: XML, alone, titled, of known elements."""
    assert "<!" not in svg
    assert "<?" not in svg
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text  # type: ignore[union-attr]
    assert root.find(f"{SVG}desc").text  # type: ignore[union-attr]
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    allowed = {"svg", "title", "desc", "text", "rect", "circle", "polygon", "polyline", "g"}
    for one in root.iter():
        assert one.tag.removeprefix(SVG) in allowed, one.tag
        for name, value in one.attrib.items():
            local = name.rpartition("}")[2].lower()
            assert local not in ("href", "src", "style", "class"), name
            assert not local.startswith("on"), name
            assert not any(part in value.lower() for part in ("url(", "://", "javascript")), (name, value)
            if local in ("fill", "stroke"):
                assert value in ("#000", "#fff", "#777", "none")
    return root


def texts(root: ET.Element) -> list[str]:
    return [one.text or "" for one in root.iter(f"{SVG}text")]


def joined(root: ET.Element) -> str:
    return " ".join(texts(root))


# --- both -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    one = login(
        1,
        account=name,
        event=name,
        time_raw=name,
        ip=name,
        ip_class=name,
        item=name,
        place=name,
        flags=(name,),
    )
    for row in (one, replace(one, instant=None), replace(one, instant=name)):
        check(login_timeline([row], title=name or "x"))
        page = table.as_html(timeline.table([row]), caption=name)
        assert "<script" not in page
        assert "<image" not in page
    move = transfer(
        1, chain=name, txid=name, sender=name, receiver=name + "2", amount=name, asset=name, item=name, basis=name,
        time_raw=name, flags=(name,), sender_flags=(f"lookalike_of:{name}",), receiver_flags=(name,),
    )  # fmt: skip
    for one_move in (
        move,
        replace(move, instant=None),
        replace(move, model="utxo"),
        replace(move, receiver=None),
    ):
        check(coin_flow([one_move], title=name or "x"))


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(["utxo", "account"]))
def test_any_text_makes_a_whole_picture(one: str, two: str, model: Any) -> None:
    check(login_timeline([login(1, account=one, ip_raw=two, ip=None)]))
    check(coin_flow([transfer(1, sender=one, receiver=two, asset=one, amount=two, model=model)]))


def test_no_rows_make_a_picture_that_says_so() -> None:
    assert "0 rows: 0 drawn." in joined(check(login_timeline([])))
    assert "0 transfers: 0 drawn" in joined(check(coin_flow([])))


def test_the_same_rows_give_the_same_bytes() -> None:
    rows = [login(at) for at in range(20)]
    moves = [transfer(at) for at in range(20)]
    assert login_timeline(rows) == login_timeline(list(rows))
    assert coin_flow(moves) == coin_flow(list(moves))


def test_what_must_be_joined_or_reordered_is_not_drawn_and_stands_in_the_table() -> None:
    for name in ("محمد", "שלום", "नमस्ते", "สวัสดี", "a\u0301"):
        assert not labels.drawable(name)
        rows = [login(1, account=name)]
        assert name not in joined(check(login_timeline(rows)))
        assert name in timeline.table(rows)[1]
        page = table.as_html(timeline.table(rows), caption="x")
        assert f'<bdi dir="{labels.direction(name)}">{name}</bdi>' in page
    for name in ("Ana Müller", "Ђорђе", "Əliyev", "Łukasz", "山田"):
        assert labels.drawable(name)
        assert name in joined(check(login_timeline([login(1, account=name)])))


def test_a_reordering_mark_is_shown_and_not_obeyed() -> None:
    root = check(login_timeline([login(1, account="photo\u202egnp.exe")]))
    assert "\\u202e" in joined(root)
    assert "\u202e" not in login_timeline([login(1, account="photo\u202egnp.exe")])


def test_sizes_are_bounded_and_the_rest_is_counted_in_words() -> None:
    rows = [
        login(at, account=f"person{at}", ip="x" * 900, instant=f"2026-01-01T00:00:{at % 60:02}Z")
        for at in range(3000)
    ]
    svg = login_timeline(rows)
    assert len(svg) < 300_000
    root = check(svg)
    drawn = sum(row[0] == "yes" for row in timeline.table(rows)[1:])
    assert drawn == timeline.MOST_LANES
    assert f"3000 rows: {drawn} drawn, {3000 - drawn} not drawn since they are too many" in joined(root)
    same = [login(1, place=f"line {at}", instant=f"2026-01-01T00:00:{at % 60:02}Z") for at in range(3000)]
    assert "3000 rows: 200 drawn, 2800 not drawn" in joined(check(login_timeline(same)))
    assert len(list(check(login_timeline(same)).iter(f"{SVG}g"))) == timeline.MOST_ROWS
    moves = [transfer(at, sender="x" * 900 + str(at)) for at in range(3000)]
    svg = coin_flow(moves)
    assert len(svg) < 300_000
    root = check(svg)
    drawn = sum(row[0] == "yes" for row in flow.table(moves)[1:])
    assert 0 < drawn <= flow.MOST_TRANSFERS
    assert f"3000 transfers: {drawn} drawn, of {drawn} transactions; {3000 - drawn} not drawn" in joined(root)


def test_a_table_is_safe_in_a_spreadsheet_and_reads_back() -> None:
    rows = [
        login(1, account=name)
        for name in ("=1+1", "+x", "-x", "@x", "\tx", "\rx", " =x", "=x", "fine", 'a"b,c\nd')
    ]
    text = table.as_csv(timeline.table(rows))
    back = list(csv.reader(io.StringIO(text, newline="")))
    assert len(back) == len(rows) + 1
    cells = [row[2] for row in back[1:]]
    assert cells[:8] == [f"'{row.account}" for row in rows[:8]]
    assert cells[8:] == ["fine", 'a"b,c\nd']


# --- the timeline -----------------------------------------------------------------------------------------


def test_picture_and_table_of_logins_have_the_same_numbers() -> None:
    rows = [login(at) for at in range(30)] + [
        login(99, instant=None),
        login(98, instant="2026-02-30T00:00:00Z"),
    ]
    root = check(login_timeline(rows))
    head, *lines = timeline.table(rows)
    assert len(lines) == len(rows)
    cells = [dict(zip(head, line, strict=True)) for line in lines]
    drawn = [cell for cell in cells if cell["in picture"] == "yes"]
    groups = list(root.iter(f"{SVG}g"))
    assert len(groups) == len(drawn) == 30
    found = sorted((group.find(f"{SVG}text").text, group.find(f"{SVG}title").text) for group in groups)  # type: ignore[union-attr]
    wanted = sorted(
        (cell["mark"], f"{cell['instant (UTC)'].replace('T', ' ')}, login, address {cell['address']}, A-3/01")
        for cell in drawn
    )
    assert found == wanted
    for number, cells_of in itertools.groupby(
        sorted(drawn, key=lambda cell: cell["mark"]), key=lambda cell: cell["mark"]
    ):
        of = list(cells_of)
        assert f"{number}:  {of[0]['address']}" in texts(root)
        assert f"{len(of)} drawn, 0 with a port, documentation" in texts(root)
    assert {cell["in picture"] for cell in cells[30:]} == {"no instant"}
    assert "32 rows: 30 drawn, 2 without an instant, listed and not placed." in texts(root)
    assert "Without an instant (2): listed, not placed" in texts(root)


def test_a_row_without_an_instant_is_never_placed() -> None:
    for instant in (
        None,
        "",
        "2026-11-03",
        "2026-11-03T09:15:00",
        "2026-11-03T09:15:00+01:00",
        "2026-13-01T00:00:00Z",
    ):
        root = check(login_timeline([login(1), login(2, instant=instant)]))
        assert len(list(root.iter(f"{SVG}g"))) == 1, instant


def test_places_on_the_axis_are_in_the_order_of_time() -> None:
    rows = [login(at, account="one", instant=f"2026-11-03T09:{at:02}:00Z") for at in (50, 3, 20, 4)]
    root = check(login_timeline(rows))
    places = {}
    for group in root.iter(f"{SVG}g"):
        text = group.find(f"{SVG}text")
        places[group.find(f"{SVG}title").text[:20]] = int(text.get("x"))  # type: ignore[index,union-attr,arg-type]
    assert list(places) == sorted(places)
    assert list(places.values()) == sorted(places.values())
    first, last = min(places.values()), max(places.values())
    assert places["2026-11-03 09:20:00Z"] == first + (20 - 3) * (last - first) // (50 - 3)


def test_marks_do_not_hide_one_another() -> None:
    rows = [login(1, account="one", ip=f"203.0.113.{at}", instant="2026-11-03T09:15:00Z") for at in range(40)]
    root = check(login_timeline(rows))
    at = {
        (text.get("x"), text.get("y"))
        for group in root.iter(f"{SVG}g")
        if (text := group.find(f"{SVG}text")) is not None
    }
    assert len(at) == 40


def test_a_gap_is_told_with_its_length() -> None:
    rows = [
        login(1, instant=instant)
        for instant in ("2026-11-01T00:00:00Z", "2026-11-13T03:00:00Z", "2026-11-13T04:00:00Z")
    ]
    found = texts(check(login_timeline(rows)))
    assert [text for text in found if text.startswith("no rows")] == ["no rows: 12 d 3 h"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (86400, "1 d"), (1_047_600, "12 d 3 h")],
)
def test_lengths_of_time(seconds: int, words: str) -> None:
    assert clock.span(seconds) == words


@pytest.mark.parametrize("span", [1, 59, 3600, 86_400, 31_536_000, 3_153_600_000, 200_000_000_000])
def test_ticks_are_few_and_round(span: int) -> None:
    found, step = clock.ticks(1_700_000_001, 1_700_000_001 + span)
    assert len(found) <= 9
    assert all(one % step == 0 for one in found)


def test_failed_logins_differ_without_colour() -> None:
    def edges(event: str) -> int:
        return login_timeline([login(1, event=event)]).count('stroke-dasharray="2 2"')

    assert (edges("login"), edges("failed_login")) == (0, 1)


# --- the flow ---------------------------------------------------------------------------------------------


def utxo(sender: str | None, receiver: str | None, amount: str, **more: Any) -> Transfer:
    return transfer(
        7, chain="bitcoin", model="utxo", sender=sender, receiver=receiver, amount=amount, asset="BTC", **more
    )


UTXO = [
    utxo("bc1qin", None, "0.5"),
    utxo("1In", None, "0.25"),
    utxo(None, "bc1qout", "0.7"),
    utxo(None, "bc1qin", "0.0499"),
]


def test_picture_and_table_of_transfers_have_the_same_numbers() -> None:
    moves = [
        transfer(3, strength="proven"),
        transfer(1),
        transfer(2, strength="inferred", instant=None),
        *UTXO,
    ]
    root = check(coin_flow(moves))
    head, *lines = flow.table(moves)
    cells = [dict(zip(head, line, strict=True)) for line in lines]
    said = texts(root)
    for cell, one in zip(cells, moves, strict=True):
        assert cell["in picture"] == "yes"
        assert f"{cell['amount']} {cell['asset']}" in said
        about = f"{cell['transaction']}, {one.amount} {one.asset}, from {one.sender or 'not recorded'} to "
        about += f"{one.receiver or 'not recorded'}, {one.strength}, A-4/01"
        assert about in [title.text for title in root.iter(f"{SVG}title")]
        for end in ("from", "to"):
            if cell[end]:
                assert f"{cell[end]}  {cell['chain']}" in said
        assert cell["transaction id"] in joined(root).replace(" ", "")
    assert sum(text in ("proven", "stated", "inferred") for text in said) == len(moves)
    assert f"{len(moves)} transfers: {len(moves)} drawn, of 4 transactions." in said


def test_an_address_is_always_whole_and_in_blocks_of_four() -> None:
    for address in (ADDRESS, "0x" + "ab" * 20, "bc1q" + "z" * 38, "4" + "Ab" * 47):
        root = check(coin_flow([transfer(1, sender=address)]))
        mono = [text.text or "" for text in root.iter(f"{SVG}text") if text.get("font-family") == "monospace"]
        assert address in "".join(mono).replace(" ", "")
        assert all(re.fullmatch(r"(\S{4} )*\S{1,4}", text) for text in mono if "recorded" not in text)
        assert "…" not in "".join(mono)


def strokes(svg: str) -> list[str | None]:
    root = check(svg)
    found = []
    for group in root.iter(f"{SVG}g"):
        if (group.find(f"{SVG}title").text or "").startswith("T"):  # type: ignore[union-attr]
            found += [line.get("stroke-dasharray") for line in group.iter(f"{SVG}polyline")]
    return found


@pytest.mark.parametrize("model", ["account", "utxo"])
def test_the_stroke_says_how_strong_a_statement_is(model: Any) -> None:
    found = [
        strokes(coin_flow([transfer(1, strength=strength, model=model)]))
        for strength in ("proven", "stated", "inferred")
    ]
    assert [set(one) for one in found] == [{None}, {"2 5"}, {"10 5"}]


def test_an_unknown_strength_is_no_strength() -> None:
    with pytest.raises(ValueError, match="strength"):
        transfer(1, strength="valid")


def test_a_transaction_of_a_utxo_chain_is_one_square_with_its_ends() -> None:
    root = check(coin_flow(UTXO))
    squares = [rect for rect in root.iter(f"{SVG}rect") if rect.get("width") == "16"]
    assert len(squares) == 1
    assert len(strokes(coin_flow(UTXO))) == 4


def test_a_transaction_that_is_drawn_in_part_says_so() -> None:
    many = [utxo(None, f"bc1q{at}", "0.1") for at in range(60)]
    assert "drawn in part: see the table" in texts(check(coin_flow(many)))
    assert "drawn in part: see the table" not in texts(check(coin_flow(many[:30])))


def test_transfers_stand_from_left_to_right_by_time_and_undated_ones_behind() -> None:
    moves = [transfer(9), transfer(2), transfer(5, instant=None), transfer(4)]
    root = check(coin_flow(moves))
    heads = {text.text: int(text.get("x")) for text in root.iter(f"{SVG}text") if text.get("y") == "110"}  # type: ignore[arg-type]
    order = sorted(heads, key=lambda text: heads[text])  # type: ignore[index]
    assert order == [
        "2026-11-03 09:15:00Z",
        "2026-11-05 09:15:00Z",
        "2026-11-10 09:15:00Z",
        "no time written",
    ]
    assert "no instant: in no order" in texts(root)


def test_two_without_an_id_are_two() -> None:
    moves = [transfer(1, txid=None), transfer(2, txid=None)]
    assert [line[1] for line in flow.table(moves)[1:]] == ["T1", "T2"]
    moves = [replace(one, txid=None) for one in UTXO]
    assert len({line[1] for line in flow.table(moves)[1:]}) == 4


def test_one_address_on_two_chains_is_two() -> None:
    moves = [transfer(1, chain="eip155:1"), transfer(2, chain="eip155:56")]
    assert [line[6] for line in flow.table(moves)[1:]] == ["A2", "A4"]


def test_look_alikes_and_dust_are_marked_in_words_and_by_form() -> None:
    moves = [
        transfer(
            1,
            sender=ADDRESS,
            receiver=OTHER,
            receiver_flags=(f"lookalike_of:{ADDRESS}",),
            flags=("dust", "possible_poisoning"),
        ),
        transfer(2, sender=ADDRESS, receiver="TThird", receiver_flags=("lookalike_of:TElsewhere",)),
    ]  # fmt: skip
    root = check(coin_flow(moves))
    said = texts(root)
    assert "! looks like A1, is not it" in said
    assert "! looks like another address, is not it" in said
    assert {"! dust", "! possible poisoning"} <= set(said)
    assert len([rect for rect in root.iter(f"{SVG}rect") if rect.get("stroke-width") == "3"]) == 2


def test_ends_that_are_not_recorded_say_so() -> None:
    root = check(coin_flow([transfer(1, sender=None), transfer(2, receiver=None), utxo(None, None, "1")]))
    assert "address not recorded" in texts(root)
    assert "(not always the same one)" in texts(root)


def test_one_that_pays_itself_is_drawn() -> None:
    assert len(strokes(coin_flow([transfer(1, sender=ADDRESS, receiver=ADDRESS)]))) == 1


@pytest.mark.parametrize("model", ["account", "utxo"])
def test_a_long_amount_is_not_broken_in_two(model: Any) -> None:
    amount = "123456789012345678.123456789012345678"
    moves = [transfer(1, model=model, amount=amount), transfer(2, model=model)]
    said = texts(check(coin_flow(moves)))
    assert said[said.index(amount) + 1] == "USDT"


def test_an_amount_that_is_not_stated_is_not_nought() -> None:
    assert "amount not stated USDT" in texts(check(coin_flow([transfer(1, amount=None)])))
    assert "0 USDT" in texts(check(coin_flow([transfer(1, amount="0")])))
