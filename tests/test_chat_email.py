"""Mail: samples, parts against the standard library, hostile mails, attachments as bytes."""

from __future__ import annotations

import base64
import email
import hashlib
import os
import quopri
import time
import tracemalloc
from email import policy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.evidence.chat import content
from custody.evidence.chat.mail import dates, eml, headers, html, mime, window
from custody.evidence.chat.mail.decode import decoded
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Settings
from tests.chats import harness, hold

SAMPLES = Path(os.environ.get("CUSTODY_SAMPLES", Path(__file__).parent.parent.parent / "shared" / "samples"))
HEAD = b"From: a@example.org\nTo: b@example.org\nDate: Tue, 5 Mar 2024 10:00:00 +0100\n"


def read(data: bytes) -> dict[str, object]:
    (message,) = harness.run(eml.READER, Export.of("a.eml", data)).messages
    return message


def sample(name: str) -> bytes:
    path = SAMPLES / "chats" / "email" / name
    if not path.exists():
        pytest.skip("the samples are not here (CUSTODY_SAMPLES)")
    return path.read_bytes()


def test_sample_with_one_attachment() -> None:
    data = sample("attachment_only_png.eml")
    message = read(data)
    assert message["time"]["utc"] == "2000-05-17T23:35:05Z"
    assert message["time"]["offset"] == "-04:00"
    assert message["native_id"] == "<NDBBIAKOPKHFGPLCODIGKEKECHAA.doug@example.com>"
    (one,) = message["attachments"]
    payload = email.message_from_bytes(data).get_payload(decode=True)
    assert one["declared"] == {"size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()}
    assert one["name"] == "redball.png"


def test_sample_with_alternatives() -> None:
    message = read(sample("rfc2046_alternative.eml"))
    assert message["text"] == "... plain text version of message goes here ...\n"
    assert message["time"]["utc"] == "1993-03-22T17:41:09Z"
    assert [one["media_type"] for one in message["extra"]["alternatives"]] == ["text/enriched"]
    assert [one["media_type"] for one in message["attachments"]] == ["application/x-whatever"]


@pytest.mark.parametrize(("name", "export", "stated"), hold.cases(eml.READER), ids=lambda one: str(one)[:20])
def test_attachments_are_cut_out_as_they_are_described(name: str, export: Export, stated: Settings) -> None:
    message_files = {
        (record["sequence"], at): one
        for record in harness.run(eml.READER, export, stated).messages
        for at, one in enumerate(record.get("attachments", []))
    }
    detected = eml.READER.detect(export)
    assert detected is not None
    assert eml.READER.attached is not None
    found = {(one.message, one.index): one for one in eml.READER.attached(export, detected, stated)}
    assert found.keys() == message_files.keys()
    for key, one in found.items():
        data = b"".join(one.pieces())
        described = message_files[key]
        assert described["declared"] == {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        assert one.name == described.get("name")
        assert one.media_type == described["media_type"]


LINES = st.lists(st.text("ab -=.\té", max_size=8), max_size=5).map("\n".join)


@st.composite
def bodies(draw: st.DrawFn, depth: int = 0) -> bytes:
    if depth < 3 and draw(st.booleans()):
        mark = f"b{depth}{draw(st.sampled_from(['', '=_', ' x']))}"
        kind = draw(st.sampled_from(["mixed", "alternative"]))
        out = [f'Content-Type: multipart/{kind}; boundary="{mark}"\n\n'.encode()]
        for _ in range(draw(st.integers(1, 3))):
            out.append(b"--" + mark.encode() + b"\n" + draw(bodies(depth + 1)) + b"\n")
        return b"".join(out) + b"--" + mark.encode() + b"--\n"
    kind = draw(st.sampled_from(["text/plain", "text/html", "image/png"]))
    encoding = draw(st.sampled_from(["7bit", "base64", "quoted-printable"]))
    content = draw(LINES).encode()
    if encoding == "base64":
        content = base64.encodebytes(content)
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content)
    return f"Content-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + content


@given(bodies(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_parts_are_those_that_the_standard_library_finds(body: bytes, crlf: bool) -> None:
    data = HEAD + body
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    parsed = email.message_from_bytes(data, policy=policy.compat32)
    wanted = [
        (part.get_content_type(), part.get_payload(decode=True))
        for part in parsed.walk()
        if not part.is_multipart()
    ]
    held = Held(data)
    mail = mime.walk(held, 0, len(data))
    found = [
        (part.media_type, b"".join(decoded(held, part.start, part.end, part.encoding, set())))
        for part in mail.parts
    ]
    assert found == wanted


def test_a_part_may_be_read_through_many_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = hold.cases(eml.READER)
    before = [harness.run(eml.READER, export, stated).lines for _, export, stated in folders]
    for size in (300, 333, 1000):
        monkeypatch.setattr(window, "SIZE", size)
        monkeypatch.setattr(window, "LONGEST_LINE", 250)
        assert [harness.run(eml.READER, export, stated).lines for _, export, stated in folders] == before


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000, id="parts"
        ),
        pytest.param(
            HEAD
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20_000)
            ),
            id="nesting",
        ),
        pytest.param(HEAD + b"Content-Type: message/rfc822\n\n" * 100_000, id="mails in mails"),
        pytest.param(
            HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--c\n" * 500_000, id="no boundary"
        ),
        pytest.param(HEAD + b"Content-Type: text/html\n\n" + b"<!-- <script> <a href='" * 30_000, id="html"),
        pytest.param(HEAD + b"To: " + b"(" * 15_000 + b"\n\nx", id="comments"),
        pytest.param(HEAD + b"Subject: " + b"=?utf-8?q?=" * 1_400 + b"\n\nx", id="words"),
        pytest.param(HEAD + b"Cc: " + b"a@b.c, " * 2_300 + b"\n\nx", id="addresses"),
        pytest.param(HEAD + b"X: " + b"a" * 9_000_000 + b"\n\nx", id="long header"),
        pytest.param(HEAD + b"DKIM-Signature: " + b" " * 200_000 + b"\n\nx", id="spaces"),
        pytest.param(HEAD + b"Content-Type: a; " + b'a="' * 5_000 + b"\n\nx", id="quotes"),
    ],
)
def test_hostile_mails_are_read_in_bounded_time(data: bytes) -> None:
    start = time.thread_time()
    hold.whole(eml.READER, Export.of("a.eml", data), Settings())
    assert time.thread_time() - start < 30


class Long:
    """A mail with an attachment of any size, made when it is read."""

    LINE = b"QUJD" * 19 + b"\n"

    def __init__(self, lines: int) -> None:
        self.head = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n"
        self.head += b"Content-Transfer-Encoding: base64\nContent-Type: video/mp4; name=a.mp4\n\n"
        self.tail = b"--b--\n"
        self.middle = lines * len(self.LINE)
        self.size = len(self.head) + self.middle + len(self.tail)

    def read(self, start: int, end: int) -> bytes:
        first, last = len(self.head), len(self.head) + self.middle
        out = self.head[start:end]
        low, high = max(start, first) - first, min(end, last) - first
        if high > low:
            skip = low % len(self.LINE)
            count = (high - low + skip) // len(self.LINE) + 1
            out += (self.LINE * count)[skip : skip + high - low]
        if end > last:
            out += self.tail[max(0, start - last) : end - last]
        return out


def test_a_large_mail_is_read_in_little_memory() -> None:
    data = Long(500_000)  # 38 MB
    member = Member(index=0, name="a.eml", size=data.size, open=lambda: data)
    export = Export(name="a.eml", members=(member,))
    tracemalloc.start()
    form = hold.whole(eml.READER, export, Settings())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert form.summary.attachments == {"present": 1}
    assert peak < 24 << 20


def test_long_text_is_cut_and_kept_whole_as_an_attachment() -> None:
    data = HEAD + b"\n" + "zeile ä\n".encode() * 700_000
    message = read(data)
    assert message["flags"] == ["charset_undeclared", "text_cut"]
    assert len(message["text"].encode()) <= 4 << 20
    assert data[len(HEAD) + 1 :].decode().startswith(message["text"])
    (one,) = message["attachments"]
    assert one["declared"]["sha256"] == hashlib.sha256(data[len(HEAD) + 1 :]).hexdigest()


@pytest.mark.parametrize(
    ("text", "utc", "flags"),
    [
        ("Fri, 1 Mar 2024 10:00:00 +0530 (IST)", "2024-03-01T04:30:00Z", ()),
        ("1 Mar 2024 10:00 EST", "2024-03-01T15:00:00Z", ()),
        ("Fri, 01 Mar 24 10:00:00 Z", "2024-03-01T10:00:00Z", ("short_year",)),
        ("Sat, 1 Mar 2024 10:00:00 +0000", "2024-03-01T10:00:00Z", ("weekday_differs",)),
        ("Fri, 1 Mar 2024 10:00:00 +2500", None, ("offset_impossible",)),
        ("Fri, 1 Mar 2024 10:00:00", None, ("date_without_zone",)),
        ("Fri, 1 Mar 2024 10:00:00 CEST", None, ("zone_name_unknown",)),
        ("Fri, 31 Apr 2024 10:00:00 +0000", None, ("date_unreadable",)),
        ("2024-03-01 10:00:00", None, ("date_unreadable",)),
        ("1 Jan 0001 00:00:00 +2300", None, ()),
        ("", None, ("date_unreadable",)),
    ],
)
def test_dates(text: str, utc: str | None, flags: tuple[str, ...]) -> None:
    found, doubts = dates.read(text, None)
    assert (found.text, found.utc, doubts) == (text, utc, flags)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p>\n\n<p>b</p>", "a\nb"),
        ("<!-- never closed", "<!-- never closed"),
        ("<script>never closed", "never closed"),
        ("a <b", "a <b"),
        ("1 < 2 &amp;lt; 3", "1 < 2 &lt; 3"),
        ('<a href="mailto:a@b.c">a@b.c</a>', "a@b.c"),
        (
            '<a href="https://evil.example/">https://bank.example/</a>',
            "https://bank.example/ <https://evil.example/>",
        ),
        ("<TABLE><TR><TD>a<TD>b</TABLE>", "a b"),
    ],
)
def test_html_becomes_text_by_one_rule(source: str, text: str) -> None:
    assert html.to_text(source) == text


@pytest.mark.parametrize(
    ("pieces", "data", "faults"),
    [
        ([b"QUJD", b"RA=="], b"ABCD", set()),
        ([b"QU", b"J", b"DRA", b"=="], b"ABCD", set()),
        ([b"QQ==QkI="], b"A", {"base64_behind_padding"}),
        ([b"QQ==", b"\r\n", b"x"], b"A", {"base64_behind_padding"}),
        ([b"QQ"], b"A", {"base64_torn"}),
        ([b"QUJDR"], b"ABC", {"base64_torn"}),
        ([b"QQ="], b"A", {"base64_torn"}),
        ([b"Q*Q=="], b"A", {"base64_other_characters"}),
    ],
)
def test_base64_by_pieces(pieces: list[bytes], data: bytes, faults: set[str]) -> None:
    found: set[str] = set()
    assert b"".join(content.base64(iter(pieces), found)) == data
    assert found == faults


def test_what_a_server_says_of_signatures_is_its_claim() -> None:
    message = read(
        HEAD + b"ARC-Seal: i=1\nAuthentication-Results: mx; dkim=pass\nDKIM-Signature: nonsense\n\nx"
    )
    facts = message["extra"]["authentication"]
    assert facts == {
        "state": "checkable, not checked",
        "dkim": [{}],
        "arc_seals": 1,
        "claimed_results": ["mx; dkim=pass"],
    }


def test_a_boundary_or_name_that_the_library_dislikes_is_kept() -> None:
    value = headers.structured(
        headers.Field("Content-Type", b'multipart/mixed; x y; boundary="a;b\\"c"'), "Content-Type"
    )
    assert value.parameters["boundary"] == 'a;b"c'


SEEDS = [export.members[0].open().read(0, 1 << 20) for _, export, _ in hold.cases(eml.READER)]


@given(hold.changed(SEEDS))
@settings(max_examples=150, deadline=None)
def test_changed_mails_lose_nothing(data: bytes) -> None:
    hold.whole(eml.READER, Export.of("a.eml", data), Settings())
