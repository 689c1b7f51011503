"""HTML by positions: the pieces are the file at any window, hostile bytes take linear time, text is what was said."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence import export
from custody.evidence.chat import markup
from custody.evidence.chat import pieces as cutting
from custody.evidence.chat.markup import Element
from custody.evidence.chat.pieces import Piece
from custody.evidence.export import Held, Member

FRAGMENTS = (
    b'<div class="message">', b"<div>", b"</div>", b"<!--", b"-->", b"<style>", b"</style>", b"x<", b">", b'"',
    b"\xc3", b"<div/>", b"<script ", b"</script>", b"words", b"<br>", b"&amp;", b"<divine>",
)  # fmt: skip


def member(data: bytes) -> Member:
    held = Held(data)
    return Member(index=0, name="a.html", size=len(data), open=lambda: held)


def pieces(data: bytes) -> list[Piece]:
    return list(cutting.pieces(member(data), b"div", lambda attributes: b'class="message' in attributes))


def root(text: str) -> Element:
    found = markup.tree(text.encode())
    assert found is not None
    return found


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40))
def test_the_pieces_are_the_file_whatever_the_window(parts: list[bytes]) -> None:
    data = b"".join(parts)
    whole = pieces(data)
    assert b"".join(piece.raw or b"" for piece in whole) == data
    assert all(one.end == other.start for one, other in itertools.pairwise(whole))
    window = export.WINDOW
    try:
        for size in (1, 3, 16):
            export.WINDOW = size
            assert pieces(data) == whole
    finally:
        export.WINDOW = window
    found = markup.tree(data)
    assert found is not None
    found.text()
    markup.plain(data)


def test_a_message_ends_at_its_end_tag_and_where_the_next_begins() -> None:
    data = b'<body><div class="message">a<div>b</div></div> <div class="message">c<div class="message">d</div></body>'
    found = [(piece.raw, piece.block, piece.whole, piece.where) for piece in pieces(data)]
    assert found == [
        (b"<body>", False, True, "before"),
        (b'<div class="message">a<div>b</div></div>', True, True, ""),
        (b" ", False, True, "between"),
        (b'<div class="message">c', True, False, ""),
        (b'<div class="message">d</div>', True, True, ""),
        (b"</body>", False, True, "after"),
    ]


def test_what_stands_in_comments_styles_and_text_opens_no_message() -> None:
    opened = b'<div class="message">'
    data = b"<!-- " + opened + b" --><style>" + opened + b"</style>" + opened.replace(b"<", b"&lt;")
    assert [piece.block for piece in pieces(data)] == [False]


def test_a_message_that_is_too_long_is_named_and_costs_no_memory() -> None:
    data = b'<div class="message">' + b"x" * (3 * cutting.MAX_BLOCK) + b'</div><div class="message">y</div>'
    tracemalloc.start()
    found = pieces(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(piece.raw is None, piece.block) for piece in found] == [(True, True), (False, True)]
    assert found[0].end == len(data) - len(b'<div class="message">y</div>')
    assert peak < 2 * cutting.MAX_BLOCK + 4 * export.WINDOW


def test_a_file_without_messages_comes_in_small_pieces() -> None:
    found = pieces(("é" * (3 * cutting.MAX_GAP)).encode())
    assert len(found) > 4
    assert all(
        piece.raw is not None and len(piece.raw) <= cutting.MAX_GAP + cutting.MAX_TAG for piece in found
    )
    assert all((piece.raw or b"").decode() for piece in found)  # no character is cut


@pytest.mark.parametrize(
    "data",
    [
        b"<" * 2_000_000,
        b"<div " * 400_000,
        b"<!--" * 500_000,
        b"<style>" * 300_000,
        b"</style" * 300_000,
        b'<div class="message">' * 100_000,
        b"&" * 1_000_000,
        b"<b>" * 600_000,
        b"<b><i></b>" * 100_000,
        b"<a " + b"=" * 60_000 + b">",
        b"<div>" + b" " * 2_000_000 + b"</div>",
    ],
    ids=lambda data: repr(data[:12]),
)
def test_hostile_bytes_take_linear_time(data: bytes) -> None:
    start = time.thread_time()
    assert sum(piece.end - piece.start for piece in pieces(data)) == len(data)
    found = markup.tree(data)
    if found is not None:
        found.text()
        for one in found.walk():
            assert one.attributes is not None
    markup.plain(data)
    assert time.thread_time() - start < 20


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<div>\n  a\n </div>", "a"),
        ("<div><div></div><div>one</div><div>two</div></div>", "one\ntwo"),
        ("a<br>b<br/>\n<b>c</b>  d", "a\nb\n\nc  d"),
        (
            "&lt;div&gt; &amp;amp; &#x1F600;&#128512; &nosuch; &#0; &#xD800; &amp",
            "<div> &amp; 😀😀 &nosuch; &#0; &#xD800; &amp",
        ),
        ("<p>a</p>b", "a\nb"),
        ("<script>x</script>y", "y"),
        ("a <!-- b --> c", "a  c"),
        ("<i>a</b></i>c", "ac"),
    ],
)
def test_text(written: str, text: str) -> None:
    assert root(written).text() == text


def test_attributes() -> None:
    (one,) = root("""<a  HREF='x&amp;y' b=c d class="p q" class="z" title="a &quot;b&quot;">""").elements
    assert one.attributes == {"href": "x&y", "b": "c", "d": "", "class": "p q", "title": 'a "b"'}
    assert one.classes == {"p", "q"}
