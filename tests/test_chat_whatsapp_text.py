"""WhatsApp's text: every grammar of its lines, the whole file's decisions, and each message read again alone."""

from __future__ import annotations

import datetime as dt
import random
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from custody.evidence.chat import registry, signal_export_text, times
from custody.evidence.chat.model import Message
from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Reader
from custody.evidence.chat.whatsapp_text import READER, calendars, source, words
from custody.evidence.chat.whatsapp_text.file import WHATSAPP, Dialect, Reading
from custody.evidence.chat.whatsapp_text.reading import LARGEST, alone
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Settings
from tests.chats import harness

READERS = (READER, signal_export_text.READER)
NNBSP, NBSP, LRM, RLM = "\u202f", "\u00a0", "\u200e", "\u200f"


def text(content: str | bytes, *, name: str = "chat.txt", **stated: str) -> harness.Read:
    data = content if isinstance(content, bytes) else content.encode()
    return harness.run(READER, Export.of(name, data), Settings(**stated))


def decided(read: harness.Read, what: str) -> tuple[str | None, str]:
    (one,) = [one for one in read.of("reading") if one["what"] == what]
    return one.get("value"), one["state"]


# --- the grammar of lines: the second line makes the order of the date certain -------------------------------

GRAMMARS = {
    "android": ("18/03/2022, 14:56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "android 12 h, U+202F": (f"3/18/22, 9:52{NNBSP}PM - Name: text", "2022-03-18T21:52:00", "MDY"),
    "android 12 h, space": ("3/18/22, 9:52 PM - Name: text", "2022-03-18T21:52:00", "MDY"),
    "U+2009": ("3/18/22, 9:52\u2009PM - Name: text", "2022-03-18T21:52:00", "MDY"),
    "en-IN": (f"18/03/22, 9:52{NNBSP}am - Name: text", "2022-03-18T09:52:00", "DMY"),
    "no comma": ("18.03.22 13:31 - Name: text", "2022-03-18T13:31:00", "DMY"),
    "no comma, dashes": ("18-03-2022 13:31 - Name: text", "2022-03-18T13:31:00", "DMY"),
    "year first": ("2022-03-18 13:31 - Name: text", "2022-03-18T13:31:00", "YMD"),
    "ios": ("[3/18/22, 21:41:35] Name: text", "2022-03-18T21:41:35", "MDY"),
    "ios, no comma": ("[18/03/2022 21:41:35] Name: text", "2022-03-18T21:41:35", "DMY"),
    "ios, mark before": (f"{LRM}[18/03/2022 21:41:35] Name: text", "2022-03-18T21:41:35", "DMY"),
    "ios arabic": (f"[{RLM}18{RLM}/3{RLM}/2022\u060c 14:56:01] Name: text", "2022-03-18T14:56:01", "DMY"),
    "arabic digits": (
        f"[{RLM}١٨{RLM}/٣{RLM}/٢٠٢٢\u060c ٢:٥٦:٠١{NBSP}م] Name: text",
        "2022-03-18T14:56:01",
        "DMY",
    ),
    "persian digits": ("۱۸/۰۳/۲۰۲۲، ۱۴:۵۶ - Name: text", "2022-03-18T14:56:00", "DMY"),
    "persian calendar": ("۱۴۰۰/۱۲/۲۷،\u200f ۱۴:۵۶ - Name: text", "2022-03-18T14:56:00", "YMD"),
    "buddhist, word": ("[3/18/2565 BE, 14:56:01] Name: text", "2022-03-18T14:56:01", "MDY"),
    "buddhist, year alone": ("18/3/2565 14:56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "reiwa behind": ("[3/18/R4, 14:56:01] Name: text", "2022-03-18T14:56:01", "MDY"),
    "reiwa in front": ("[R4/3/18 14:56:01] Name: text", "2022-03-18T14:56:01", "YMD"),
    "reiwa in signs": ("[令和4/3/18 14:56:01] Name: text", "2022-03-18T14:56:01", "YMD"),
    "spanish": (f"18/3/2022, 2:56 p.{NBSP}m. - Name: text", "2022-03-18T14:56:00", "DMY"),
    "spanish, no space": ("18/3/2022, 2:56 p.m. - Name: text", "2022-03-18T14:56:00", "DMY"),
    "chinese": ("2022/3/18 下午2:56 - Name: text", "2022-03-18T14:56:00", "YMD"),
    "chinese, early": ("2022/3/18 凌晨2:56 - Name: text", "2022-03-18T02:56:00", "YMD"),
    "chinese, noon": ("2022/3/18 中午12:56 - Name: text", "2022-03-18T12:56:00", "YMD"),
    "japanese": ("[2022/03/18 午後2:56:01] Name: text", "2022-03-18T14:56:01", "YMD"),
    "korean": ("2022. 3. 18. 오후 2:56 - Name: text", "2022-03-18T14:56:00", "YMD"),
    "korean, short year": ("22. 3. 18. 오전 12:06 - Name: text", "2022-03-18T00:06:00", "YMD"),
    "turkish": ("18.03.2022 ÖS 2:56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "vietnamese": ("18/03/2022, 2:56 CH - Name: text", "2022-03-18T14:56:00", "DMY"),
    "finnish": ("18.3.2022 klo 21.25 - Name: text", "2022-03-18T21:25:00", "DMY"),
    "finnish, old": ("18.3.2022 klo 21.25.15: Name: text", "2022-03-18T21:25:15", "DMY"),
    "dots in the time": ("18/03/22 18.00 - Name: text", "2022-03-18T18:00:00", "DMY"),
    "en dash": ("18.03.2022, 14:56 – Name: text", "2022-03-18T14:56:00", "DMY"),
    "colon behind the date": ("18.3.2022: 14.56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "no separator": ("18.3.2022, 14:56 Name: text", "2022-03-18T14:56:00", "DMY"),
    "bulgarian": ("18.03.22 г., 14:56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "hungarian": ("2022. 03. 18. 14:56 - Name: text", "2022-03-18T14:56:00", "YMD"),
    "portuguese": ("18/03/2022 às 14:56 - Name: text", "2022-03-18T14:56:00", "DMY"),
    "canadian": ("2022-03-18 14 h 56 - Name: text", "2022-03-18T14:56:00", "YMD"),
    "brackets to the minute": ("[03/18/22 11:25] Name: text", "2022-03-18T11:25:00", "MDY"),
}


@pytest.mark.parametrize("name", GRAMMARS)
def test_every_grammar(name: str) -> None:
    line, local, order = GRAMMARS[name]
    read = text(f"{line}\n{line} again\n")
    assert [one["text"] for one in read.messages] == ["text", "text again"]
    assert {one["sender_text"] for one in read.messages} == {"Name"}
    assert {one["time"]["local"] for one in read.messages} == {local}
    assert all(one["time"]["text"] in line for one in read.messages)
    assert decided(read, "date_order") == (order, "decided")
    assert read.summary.open_questions == ("zone", "exporter")


@pytest.mark.parametrize(
    ("line", "calendar", "state"),
    [
        ("18/3/2565 14:56 - N: x", "buddhist", "decided"),
        ("18/3/65 14:56 - N: x", "buddhist", "inferred"),
        ("[3/18/R4, 14:56:01] N: x", "japanese", "decided"),
        ("1400/12/27, 14:56 - N: x", "persian", "decided"),
        ("1443/8/15, 14:56 - N: x", "islamic", "decided"),
        ("18/3/2022, 14:56 - N: x", "gregorian", "decided"),
    ],
)
def test_calendars(line: str, calendar: str, state: str) -> None:
    read = text(line + "\n")
    assert decided(read, "calendar") == (calendar, state)
    (one,) = read.messages
    if calendar == "islamic":
        # Its days follow announcements: they are told as they stand, not worked out.
        assert one["flags"] == ["date_not_read"]
        assert "local" not in one["time"]
    else:
        assert one["time"]["local"].startswith("2022-03-18T14:56")
    assert one["time"].get("calendar", "gregorian") == calendar


@pytest.mark.parametrize(
    ("persian", "ours"),
    [
        ((1388, 1, 1), dt.date(2009, 3, 21)),
        ((1391, 12, 30), dt.date(2013, 3, 20)),
        ((1395, 1, 1), dt.date(2016, 3, 20)),
        ((1399, 12, 30), dt.date(2021, 3, 20)),
        ((1400, 1, 1), dt.date(2021, 3, 21)),
        ((1401, 7, 1), dt.date(2022, 9, 23)),
        ((1403, 12, 30), dt.date(2025, 3, 20)),
        ((1404, 1, 1), dt.date(2025, 3, 21)),
    ],
)
def test_persian_days(persian: tuple[int, int, int], ours: dt.date) -> None:
    assert calendars.to_ours(calendars.PERSIAN, *persian) == ours


def test_persian_days_follow_each_other() -> None:
    day = calendars.to_ours(calendars.PERSIAN, 1380, 1, 1)
    for year in range(1380, 1430):
        for month in range(1, 13):
            for at in range(1, 32):
                try:
                    found = calendars.to_ours(calendars.PERSIAN, year, month, at)
                except ValueError:
                    continue
                assert found == day
                day += dt.timedelta(days=1)


def test_halves_of_the_day_are_found_whole() -> None:
    for word in words.MERIDIEM_WORDS:
        assert words.squeezed(word) in words.MERIDIEM, word


# --- the order of dates -------------------------------------------------------------------------------------


def test_two_digits_in_front_can_be_a_year() -> None:
    # Read with the day in front, these lie in 2001 and 2003.
    read = text("22/3/1, 10:00 - A: x\n22/5/3, 10:00 - A: y\n")
    assert decided(read, "date_order") == ("YMD", "inferred")
    assert [one["time"]["local"][:10] for one in read.messages] == ["2022-03-01", "2022-05-03"]


def test_dates_that_speak_against_each_other_leave_it_open() -> None:
    read = text("13/04/22, 10:00 - A: x\n04/13/22, 10:00 - A: y\n05/06/22, 10:00 - A: z\n")
    assert decided(read, "date_order") == (None, "open")
    assert [len(one["time"]["readings"]) for one in read.messages] == [1, 1, 2]
    assert all("local" not in one["time"] for one in read.messages)


def test_many_against_one_is_likely_and_flagged() -> None:
    days = "".join(f"{day}/04/22, 10:00 - A: x\n" for day in range(13, 29))
    read = text(days + "04/13/22, 10:00 - A: y\n05/06/22, 10:00 - A: z\n")
    assert decided(read, "date_order") == ("DMY", "inferred")
    assert [one.get("flags") for one in read.messages[-2:]] == [["date_not_read"], ["date_order_inferred"]]


def test_one_old_attachment_decides_nothing() -> None:
    read = text("03/04/22, 10:00 - A: IMG-20220304-WA0001.jpg (file attached)\n05/06/22, 10:00 - B: x\n")
    assert decided(read, "date_order") == ("MDY", "inferred")
    assert "date_order_inferred" in read.messages[0]["flags"]


def test_a_stated_order_that_the_year_forbids_is_not_taken() -> None:
    read = text("2022/04/03, 10:00 - A: x\n", date_order="DMY")
    assert decided(read, "date_order") == ("YMD", "decided")
    assert read.summary.notices["stated_order_contradicted"] == 1


@pytest.mark.parametrize(
    "zone", ["Europe/Vienna", "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "UTC"]
)
def test_instants_are_those_of_the_zone(zone: str) -> None:
    # Whole days are worked out at once: the same as stamp by stamp.
    days = [dt.date(2022, 1, 1) + dt.timedelta(days=12 * at) for at in range(30)]
    days += [dt.date(2022, 3, 27), dt.date(2022, 10, 30), dt.date(2022, 3, 13), dt.date(2022, 11, 6)]
    clocks = [(0, 0), (1, 30), (2, 15), (2, 59), (3, 0), (13, 7), (23, 59)]
    lines = "".join(
        f"{day:%d/%m/%Y}, {hour:02d}:{minute:02d} - A: x\n" for day in days for hour, minute in clocks
    )
    read = text(lines, time_zone=zone)
    at = iter(read.messages)
    for day in days:
        for hour, minute in clocks:
            local = dt.datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
            wanted = times.in_zone("x", local, "minute", ZoneInfo(zone))
            found = next(at)["time"]
            assert (found.get("utc"), found.get("note")) == (wanted.utc, wanted.note), local


# --- the samples --------------------------------------------------------------------------------------------

# Counted by hand: (messages, events, order, first local time, last local time).
SAMPLES = {
    "android_ddmmyy_24h.txt": (7, 2, "DMY", "2019-01-01T11:25:00", "2021-12-30T22:01:00"),
    "android_mmddyyyy_12h_es.txt": (7, 2, "MDY", "2019-01-01T11:25:00", "2021-12-30T22:01:00"),
    "bracket_mmddyy_24h.txt": (7, 2, "MDY", "2019-01-01T11:25:00", "2021-12-30T22:01:00"),
    "android_en_gb_simple.txt": (7, 0, "DMY", "2024-01-15T10:30:00", "2024-03-10T09:15:00"),
    "WhatsApp Chat mit Jane Doe.txt": (7, 1, "DMY", "2021-02-16T22:10:00", "2021-02-18T05:41:00"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(samples: Path, name: str) -> None:
    export = Export.of(name, (samples / "chats" / "whatsapp" / name).read_bytes())
    chosen = registry.choose(export)
    assert chosen is not None
    assert chosen[0] is READER
    read = harness.run(READER, export)
    count, events, order, first, last = SAMPLES[name]
    assert (read.summary.messages, read.summary.events, read.summary.unread) == (count, events, 0)
    assert decided(read, "date_order") == (order, "decided")
    assert decided(read, "zone") == (None, "open")
    assert (read.summary.first_time, read.summary.last_time) == (first, last)
    assert all(one["time"]["basis"] == "unknown" and "utc" not in one["time"] for one in read.messages)
    check_alone(READER, export, Settings())


def test_sample_with_attachments(samples: Path) -> None:
    path = samples / "chats" / "whatsapp" / "WhatsApp Chat mit Jane Doe.txt"
    read = harness.run(READER, Export.of(path.name, path.read_bytes()))
    assert read.summary.attachments == {"not_here": 2}
    assert read.messages[3]["attachments"][0]["caption"] == "Das hier meine ich"
    assert read.messages[5]["text"].count("\n") == 3
    assert read.messages[0]["event"]["kind"] == "encryption_notice"
    assert decided(read, "exporter") == ("John Doe", "inferred")
    assert path.stem.encode() not in b"".join(read.lines), "a file's own name is no part of the form"


def test_sample_of_signal_export(samples: Path) -> None:
    path = samples / "chats" / "signal" / "signal_export_md_style.txt"
    export = Export.of(path.name, path.read_bytes())
    chosen = registry.choose(export)
    assert chosen is not None
    assert chosen[0] is signal_export_text.READER
    read = harness.run(chosen[0], export)
    assert [one["text"] for one in read.messages] == ["Hello John!", "Hello\nJane!"]
    assert [one["time"]["local"] for one in read.messages] == ["2019-12-24T12:23:00", "2020-01-17T21:49:00"]


# --- a message alone is the same message --------------------------------------------------------------------


def check_alone(reader: Reader, export: Export, stated: Settings) -> int:
    """Each message's bytes cut out and read with the whole's decisions: all fields must be the same."""
    dialect = WHATSAPP if reader is READER else Dialect(platform="signal", whatsapp=False)
    detected = reader.detect(export)
    assert detected is not None
    count = 0
    for index in detected.members:
        whole = Reading(dialect, export, export.members[index], stated, "c1", "")
        found = [one for one in whole.records() if isinstance(one, Message)]
        assert whole.maker is not None
        assert whole.pattern is not None
        before = ""
        plain = [
            one.raw.decode(whole.source.encoding, "surrogateescape").encode("utf-8", "surrogateescape")
            for one in found
        ]
        for at, one in enumerate(found):
            after = alone(plain[at + 1], whole.pattern)[1:3] if at + 1 < len(found) else None
            line = alone(plain[at], whole.pattern, after, cut_off="cut_off" in one.flags)
            assert one.place is not None
            again, local = whole.maker.message(line, one.start, one.raw, int(one.place.split()[1]), before)
            assert again == one
            before = local or before
            count += 1
    return count


def cases() -> Iterator[tuple[Reader, Path]]:
    for reader in READERS:
        for path in sorted((harness.CASES / reader.name).glob("*/expected.json")):
            yield reader, path.parent


@pytest.mark.parametrize(("reader", "folder"), list(cases()), ids=lambda one: getattr(one, "name", "?"))
def test_each_message_alone_is_the_same(reader: Reader, folder: Path) -> None:
    export, expected = harness.load(folder)
    count = check_alone(reader, export, Settings(**expected.get("settings", {})))
    assert count == len(expected["messages"])


# --- what is odd about bytes --------------------------------------------------------------------------------

TWO = "18/03/2022, 14:56 - Ana: Čekaj 🙏\nsecond\n18/03/2022, 14:57 - Boris: ok\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_at_the_start(encoding: str) -> None:
    read = text(TWO.encode(encoding))
    assert [one["text"] for one in read.messages] == ["Čekaj 🙏\nsecond", "ok"]
    assert read.summary.covered[0].ranges["syntax"] == (3 if encoding == "utf-8-sig" else 2)


def test_odd_ends() -> None:
    assert text(TWO.encode("utf-16") + b"\0").summary.notices["half_a_character"] == 1
    cut = text(TWO.encode()[:34])
    assert cut.messages[0]["flags"] == ["bytes_not_utf8"]
    assert cut.messages[0]["text"].endswith("\\xf0\\x9f")
    assert [one["text"] for one in text(TWO + "\n\n").messages] == ["Čekaj 🙏\nsecond", "ok\n\n"]


@pytest.mark.parametrize("block", [99, 128, 201])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_blocks_hide_nothing(monkeypatch: pytest.MonkeyPatch, block: int, encoding: str) -> None:
    mark = {"utf-8": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
    content = TWO.replace("\n", "\r\n") + "𐍈ऊ" * 200 + "\n\u010a\u0a0d18/03/2022, 14:57 - no line start: x"
    data = mark + content.encode(encoding)
    whole = text(data).lines
    monkeypatch.setattr(source, "BLOCK", block)
    assert text(data).lines == whole


@pytest.mark.parametrize("data", [b"", b"\n\n", b"just words\n", b"\xff\xfe", b"\xef\xbb\xbf"])
def test_what_is_no_chat_is_not_claimed(data: bytes) -> None:
    assert READER.detect(Export.of("WhatsApp Chat with A.txt", data)) is None


def test_what_is_no_chat_and_was_called_one_is_kept() -> None:
    export = Export.of("a.txt", b"just words\n" * 20_000)
    read = harness.run(READER, export, detected=registry.Detected(score=0, reasons=()))
    assert read.summary.notices == {"no_messages": 1}
    assert sum(len(one["text"]) for one in read.of("range")) == 220_000


@pytest.mark.parametrize(
    "log",
    [
        "2022-03-18 14:56:01 error: something\n",
        "2022-03-18T14:56:01Z GET /index.html\n",
        "18/Mar/2022:14:56:01 +0100 GET /\n",
        "14:56:01 - Name: text\n",
    ],
)
def test_logs_are_no_chats(log: str) -> None:
    found = READER.detect(Export.of("server.log", (log * 10).encode()))
    assert found is None or found.score < registry.UNMISTAKABLE


def test_near_the_old_limits() -> None:
    for count, told in ((9_949, False), (10_050, True)):
        lines = "18/03/2022, 14:56 - A: x\n" * count
        notices = _quietly(Export.of("a.txt", lines.encode())).summary.notices
        assert ("may_be_the_tail" in notices) is told


# --- hostile ------------------------------------------------------------------------------------------------


def _quietly(export: Export, stated: Settings | None = None) -> Normalised:
    detected = READER.detect(export) or registry.Detected(score=0, reasons=())
    normalised = Normalised(
        export, READER, detected, stated or Settings(), item=harness.ITEM, salts=harness.fixed_salts
    )
    for line in normalised.lines():
        assert line.endswith(b"\n")
    assert normalised.summary.whole
    assert "broken_off" not in normalised.summary.notices
    return normalised


HEAD = b"18/03/2022, 14:56 - A: "


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"x" * (3 * LARGEST),
        HEAD + b"x\n" * LARGEST,
        HEAD + b"\n" * LARGEST,
        b"y" * (3 << 20) + b"\n" + HEAD + b"x",
        HEAD + b"<" * (1 << 20) + b")",
        HEAD + b"<attached: " * (1 << 16),
        HEAD + b" (" * (1 << 19) + b")",
        HEAD + b": " * (1 << 19),
        b"18/03/2022, 14:56 - " + b":" * (1 << 20) + b" x",
        b"18/03/2022, 14:56 - " + b"\xe2\x80\x8e" * (1 << 18),
        b"\xe2\x80\x8e" * (1 << 18) + HEAD,
        HEAD + b"\n1/1/2022, 1:11 - " * (1 << 14),
        HEAD + b"\n[1/1/22, 1:11" * (1 << 16),
        b"[1/1/22, 1:11:11] A: \xe2\x80\x8ePOLL:\n" + b"\xe2\x80\x8eOPTION: a (1 b)\n" * (1 << 15),
        b"".join(b"%d/%d/%04d, 1:11 - P%d: x\n" % (a % 32, a % 13, a % 9999, a) for a in range(20_000)),
    ],
    ids=lambda data: repr(data[:30]),
)
def test_costly_inputs_stay_cheap(data: bytes) -> None:
    start = time.thread_time()
    _quietly(Export.of("a.txt", data))
    assert time.thread_time() - start < 30


def test_memory_does_not_grow_with_the_file() -> None:
    line = b"18/03/2022, 14:56 - Ana: " + b"some words of a message " * 40 + b"\n"

    class Endless:
        """A file of one line, over and over; never in memory."""

        size = len(line) * 40_000

        def read(self, start: int, end: int) -> bytes:
            first = start // len(line)
            piece = line * (-(-end // len(line)) - first)
            return piece[start - first * len(line) : end - first * len(line)]

    made = Member(index=0, name="a.txt", size=Endless.size, open=Endless)
    export = Export(name="a.txt", members=(made,))
    found = READER.detect(export)
    assert found is not None
    tracemalloc.start()
    try:
        count = sum(isinstance(one, Message) for one in READER.read(export, found, Settings()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 40_000
    assert peak < 16 << 20


SEEDS = [
    path.read_bytes()
    for _, folder in cases()
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.name != "expected.json" and path.suffix in (".txt", ".md")
]


def _mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, to = sorted((rng.randint(0, len(out)), rng.randint(0, len(out))))
        match rng.randint(0, 4):
            case 0 if out:
                out[min(at, len(out) - 1)] ^= 1 << rng.randint(0, 7)
            case 1:
                del out[at:to]
            case 2:
                out[at:at] = rng.randbytes(rng.randint(1, 9))
            case 3:
                out[at:at] = out[at:to]
            case _:
                other = rng.choice(SEEDS)
                cut = rng.randint(0, len(other))
                out[at:to] = other[cut : cut + 200]
    return bytes(out)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.randoms(use_true_random=False),
    st.sampled_from([None, "Europe/Vienna"]),
    st.sampled_from([None, "MDY"]),
)
def test_mutations_lose_nothing(rng: random.Random, zone: str | None, order: str | None) -> None:
    data = _mutated(rng.choice(SEEDS), rng)
    export = Export.of("chat.txt", data)
    for reader in READERS:
        detected = reader.detect(export) or registry.Detected(score=0, reasons=())
        harness.run(reader, export, Settings(time_zone=zone, date_order=order), detected)
    if READER.detect(export) is not None and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        check_alone(READER, export, Settings(time_zone=zone, date_order=order))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_as_one_message_or_more(body: str) -> None:
    content = (HEAD.decode() + body).encode("utf-8", "surrogatepass")
    normalised = _quietly(Export.of("a.txt", content))
    assert normalised.summary.messages + normalised.summary.events >= 1


def test_evil_names_in_a_zip() -> None:
    names = [
        "../../x.txt",
        "/etc/passwd",
        "a\0b.jpg",
        "con.txt",
        "x" * 4000,
        "a/b/c.jpg",
        "_chat.txt",
        "_chat.txt",
        "",
    ]
    line = b"[18/03/2022, 14:56:01] A: \xe2\x80\x8e<attached: passwd>\n"

    def member(at: int, name: str) -> Member:
        held = Held(line)
        return Member(index=at, name=name, size=len(line), open=lambda: held)

    export = Export(
        name="e.zip", members=tuple(member(at, name) for at, name in enumerate(names)), zipped=True
    )
    _quietly(export)
