"""The slicer of outside JSON: exact places, nothing without a name, damage costs what is damaged."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from custody.evidence.chat import json_text
from custody.evidence.chat.json_slices import Element, Gap, Piece, Slices, Value, beside, pattern
from custody.evidence.chat.json_text import DEEPER, DOUBLED, load_bytes, plain
from custody.evidence.export import Held

PATHS = ("messages[*]", "chats.list[*].messages[*]")


def like(value: Any) -> bool:
    return "type" in value


def walk(data: bytes, paths: tuple[str, ...] = PATHS) -> tuple[list[Piece], bool]:
    """All pieces of a file, after looking that they follow each other and cover it."""
    slices = Slices(Held(data), paths, like=like)
    pieces = list(slices)
    at = 0
    for piece in pieces:
        assert piece.start == at
        assert piece.end >= at
        at = piece.end
        if type(piece) is Element:
            assert piece.raw == data[piece.start : piece.end]
    assert at == len(data)
    return pieces, slices.whole


def elements(data: bytes, paths: tuple[str, ...] = PATHS) -> list[Element]:
    return [piece for piece in walk(data, paths)[0] if type(piece) is Element]


def unread(data: bytes) -> list[tuple[str | None, str | None]]:
    return [
        (piece.text, piece.why) for piece in walk(data)[0] if type(piece) is Gap and piece.what == "unread"
    ]


def test_places_pointers_and_values() -> None:
    data = (
        '\ufeff{"name": "Ä", "messages": [ {"type": "é"} ,\n5, "x", [1.50, -0], null ], "id": 7}\n'.encode()
    )
    pieces, whole = walk(data)
    assert whole
    assert pieces[0] == Gap(0, 3, "header")
    assert [(one.array, one.number, one.value) for one in pieces if type(one) is Element] == [
        ("/messages", 0, {"type": "é"}),
        ("/messages", 1, 5),
        ("/messages", 2, "x"),
        ("/messages", 3, ["1.50", 0]),
        ("/messages", 4, None),
    ]
    assert [(one.parent, one.key, one.value) for one in pieces if type(one) is Value] == [
        ("", "name", "Ä"),
        ("", "id", 7),
    ]


def test_arrays_in_lists_and_under_any_key() -> None:
    data = b'{"chats":{"about":1,"list":[{"id":1,"messages":[1,2]},{"messages":[3],"id":2}]},"a/b":[4]}'
    found = elements(data, (*PATHS, "*[*]"))
    assert [(one.array, one.value) for one in found] == [
        ("/chats/list/0/messages", 1),
        ("/chats/list/0/messages", 2),
        ("/chats/list/1/messages", 3),
        ("/a~1b", 4),
    ]
    assert beside(Held(data), PATHS)["/chats/list/1"] == {"id": 2}
    assert pattern("chats.list[*].messages[*]") == ("chats", "list", "[]", "messages", "[]")
    assert elements(b"[1,2]", ("[*]",))[1].array == ""


def test_one_window_or_many_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    body = [
        {"type": "message", "n": n, "text": "é😀" * (n % 40), "deep": [[{"a": '}]\\"'}]]} for n in range(400)
    ]
    data = json.dumps({"name": "x", "messages": body, "id": 12345}, ensure_ascii=False, indent=1).encode()
    whole, _ = walk(data)
    for size in (64, 97, 1024):
        monkeypatch.setattr(json_text, "TEXT", size)
        monkeypatch.setattr(json_text, "WINDOW", 3 * size)
        found, entire = walk(data)
        assert entire
        assert [one for one in found if type(one) is not Gap] == [
            one for one in whole if type(one) is not Gap
        ]
    assert [one.value for one in whole if type(one) is Element] == body


def test_escapes_that_json_does_not_have_are_read_after_an_even_number_of_backslashes() -> None:
    data = rb'{"messages":[{"t":"a\x0Bb"},{"t":"a\\x0Bb"},{"t":"a\\\x1fb"}]}'
    assert [(one.value["t"], one.flags) for one in elements(data)] == [
        ("a\x0bb", ("json_repaired",)),
        (r"a\x0Bb", ()),
        ("a\\\x1fb", ("json_repaired",)),
    ]


def test_doubled_keys_are_flagged_and_kept() -> None:
    (one,) = elements(b'{"messages":[{"a":1,"b":{"c":2,"c":3},"a":4}]}')
    assert one.value == {"a": 4, "b": {"c": 3, DOUBLED: [{"c": 2}]}, DOUBLED: [{"a": 1}]}
    assert one.flags == ("doubled_key",)


def test_halves_of_characters_and_bytes_that_are_no_text() -> None:
    found = elements(
        b'{"messages":[{"t":"\\ud83d"},{"t":"\\ud83d\\ude00"},{"t":"\xff\xed\xa0\x80"},{"\\udc00":"a"}]}'
    )
    assert [(one.value, one.flags) for one in found] == [
        ({"t": "\ufffd"}, ("broken_characters",)),
        ({"t": "😀"}, ()),
        ({"t": "\ufffd" * 4}, ("broken_characters",)),
        ({"\ufffd": "a"}, ("broken_characters",)),
    ]


INDENTED = (
    b'{\n "messages": [\n  {\n   "type": 1\n  },\n  {\n   "type": 2%s\n  },\n  {\n   "type": 3\n  }\n ],'
    b'\n "name": "n"\n}'
)


@pytest.mark.parametrize("bad", [b"{", b"[", b'"', b"}", b"]", b' "x"', b",\n {", b"\x00"])
def test_a_broken_element_costs_itself_alone(bad: bytes) -> None:
    data = INDENTED % bad
    pieces, whole = walk(data)
    assert not whole
    found = [one for one in pieces if type(one) is Element]
    assert found[0].value == {"type": 1}
    assert found[-1].value == {"type": 3}
    assert "after_damage" in found[-1].flags or found[1].flags == ("not_json",)
    assert [one.value for one in pieces if type(one) is Value] == ["n"]


def test_an_element_whose_brackets_close_is_an_element_even_if_it_is_no_json() -> None:
    found = elements(b'{"messages":[{"type":1},{"type":01},{"type":2}]}')
    assert [(one.value, one.flags, one.number) for one in found] == [
        ({"type": 1}, (), 0),
        (None, ("not_json",), 1),
        ({"type": 2}, (), 2),
    ]


def test_after_damage_messages_are_never_counted_to_the_chat_before() -> None:
    data = (
        b'{"chats":{"list":[{"name":"a","messages":[{"type":1},{"type":2}}]},'
        b'{"name":"b","messages":[{"type":3}]},{"name":"c","messages":[{"type":4}]}]}}'
    )
    assert [(one.array, one.value["type"]) for one in elements(data)] == [
        ("/chats/list/0/messages", 1),
        ("/chats/list/0/messages", 2),
        ("/chats/list/?1/messages", 3),
        ("/chats/list/2/messages", 4),
    ]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_file_that_ends_early(cut: int) -> None:
    data = b'{"name":"abc","messages":[{"type":1,"text":"abc"},{"type":2}]}'
    pieces, whole = walk(data[:cut])
    assert not whole
    read = b"".join(data[one.start : one.end] for one in pieces if type(one) is not Gap)
    assert data.startswith(b'{"name":"abc"') or not read


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"5", b"{}", b"[]", b'"x"', b"{} {}", b"nonsense", b"\xff\xfe{\x00"]
)
def test_what_is_no_chat_has_a_name_too(data: bytes) -> None:
    walk(data)


def test_deep_long_and_hostile_is_bounded_in_time() -> None:
    start = time.thread_time()
    deep = b'{"messages":[' + b"[" * 10**6 + b"]" * 10**6 + b',{"type":1}]}'
    assert [one.flags for one in elements(deep)] == [("too_deep",), ()]
    assert unread(b'{"messages":[' + b"[" * 10**6)[0][1] == "truncated"
    long = b'{"messages":[{"type":0},{"type":1,"t":"' + b"a" * (30 << 20) + b'"},{"type":2}]}'
    found = elements(long)
    assert [one.value["type"] for one in found] == [0, 2]
    walk(b'{"messages":[' + b'{"type":{"' * 10**5)
    walk(b'{"messages":[' + b'{"type":1}]' * 10**5)
    walk(b'{"messages":[' * 10**4)
    walk(b'{"messages":[{"a":"' + b"\\" * 10**6 + b"x01")
    walk(b" " * 10**6 + b'{"messages":' + b"\n" * 10**6 + b"[1" + b"\t" * 10**6 + b"]}")
    walk(b'{"messages":[' + b"9" * 10**6 + b"," + b"1e" * 10**6)
    assert time.thread_time() - start < 60


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 12),
        st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"]", b"\\"]),
    ),
    max_size=6,
)
SEED = json.dumps(
    {
        "a": [1],
        "chats": {
            "list": [
                {"name": "n", "messages": [{"type": 1, "t": "x"}, {"type": 2}]},
                {"messages": [{"type": 3}]},
            ]
        },
    },
    indent=1,
).encode()


@given(MUTATIONS)
@example([(0, 0, b"")])
def test_whatever_happens_every_byte_has_a_name(changes: list[tuple[int, int, bytes]]) -> None:
    data = SEED
    for at, cut, new in changes:
        data = data[:at] + new + data[at + cut :]
    walk(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    walk(data)


def test_values_for_extra() -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    value = {"key": "secret", "a": [{"key": 1, "b": -5, "c": 2**53, "d": 2**53 - 1}], "e": True, "f": None}
    found = plain(value, secrets=frozenset({"key"}))
    assert found == {"a": [{"b": "-5", "c": "9007199254740992", "d": 9007199254740991}], "e": True, "f": None}
    assert DEEPER in json.dumps(plain(deep))
    assert load_bytes(b"1.50") == ("1.50", ())
    assert load_bytes(b"{") == (None, ("not_json",))
