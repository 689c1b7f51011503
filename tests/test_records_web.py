"""Captures from the web: places, digests, damage, bombs; warcio and py-wacz as judges where they are installed."""

from __future__ import annotations

import base64
import gc
import gzip
import hashlib
import io
import json
import random
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from custody.errors import InputRefused
from custody.evidence.export import Export, Held, Member
from custody.evidence.reading import Detected, Settings
from custody.evidence.records import registry
from custody.evidence.records.form import Recorded
from custody.evidence.web import digests, source, transfer, values, wacz, warc
from tests import captures as made
from tests.records import harness

BODY = b"<html><p>made up, and long enough to be cut into parts</p></html>"
TWO = (made.response(BODY, number=1), made.response(BODY + b"2", number=2))
ALL = frozenset({"ip_reserved:documentation"})


def read(data: bytes, **settings: str) -> harness.Read:
    return harness.run(
        warc.READER,
        Export.of("capture.warc", data),
        Settings(**settings),
        Detected(score=95, reasons=(), members=(0,)),
    )


def rows(data: bytes) -> list[dict[str, Any]]:
    return read(data).rows


def flags(row: dict[str, Any]) -> set[str]:
    return set(row.get("flags", ())) - ALL


def spans(data: bytes) -> list[tuple[int, int]]:
    return [(row["source"]["start"], row["source"]["end"]) for row in rows(data)]


# --- places -----------------------------------------------------------------------------------------------


def test_a_row_is_exactly_its_record() -> None:
    first, second = TWO
    assert spans(first + second) == [(0, len(first)), (len(first), len(first + second))]


def test_a_packed_row_is_exactly_its_gzip_member_and_unpacks_to_the_record() -> None:
    data = made.packed(*TWO)
    found = spans(data)
    assert [gzip.decompress(data[start:end]) for start, end in found] == list(TWO)


def test_records_packed_together_are_all_read_and_say_that_they_cannot_be_cut_apart() -> None:
    data = gzip.compress(b"".join(TWO), mtime=0)
    found = rows(data)
    assert [row["record_id"][-13:-1] for row in found] == ["000000000001", "000000000002"]
    assert [row["block_digest"]["result"] for row in found] == ["passed", "passed"]
    assert all("not_record_wise" in flags(row) for row in found)
    assert spans(data)[-1][1] == len(data)


def test_plain_and_packed_records_may_follow_one_another() -> None:
    data = TWO[0] + made.packed(TWO[1]) + b"\r\n\r\n" + made.response(BODY, number=3)
    assert [flags(row) for row in rows(data)] == [set(), set(), set()]


@pytest.mark.parametrize("ending", [b"", b"\r\n", b"\n\n", b"\r\n\r\n\r\n"])
def test_other_line_ends_behind_a_record_are_told_and_lose_nothing(ending: bytes) -> None:
    found = rows(TWO[0][:-4] + ending + TWO[1])
    assert len(found) == 2
    assert flags(found[0]) == ({"record_end_missing"} if ending != b"\r\n\r\n\r\n" else set())
    assert flags(found[1]) == set()


def test_an_empty_file_and_blank_lines_have_no_rows() -> None:
    assert rows(b"") == []
    assert rows(b"\r\n\r\n") == []


# --- digests ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", digests.ALGORITHMS)
@pytest.mark.parametrize("spelling", ["hex", "HEX", "base32", "base32 lower", "base32 bare", "base64"])
def test_a_digest_is_understood_in_every_spelling(name: str, spelling: str) -> None:
    digest = hashlib.new(name, b"made up", usedforsecurity=False).digest()
    text = {
        "hex": digest.hex(),
        "HEX": digest.hex().upper(),
        "base32": base64.b32encode(digest).decode(),
        "base32 lower": base64.b32encode(digest).decode().lower(),
        "base32 bare": base64.b32encode(digest).decode().rstrip("="),
        "base64": base64.b64encode(digest).decode(),
    }[spelling]
    stated = digests.Stated(f"{name.upper().replace('SHA', 'SHA-')}:{text}")
    assert stated.algorithm == name
    assert stated.agrees(digest)
    assert not stated.agrees(bytes(len(digest)))
    assert not stated.agrees(digest[:-1] + bytes([digest[-1] ^ 1]))


@pytest.mark.parametrize(
    "text", ["", "sha1", "sha1:", "sha1:00", "crc32:00000000", "sha256:" + "0" * 40, "x" * 999]
)
def test_what_is_no_digest_is_not_checked_with_a_reason(text: str) -> None:
    assert digests.Stated(text).algorithm is None
    assert digests.Stated(text).reason
    (row,) = rows(made.response(BODY, block=text, payload=text))
    assert row["block_digest"]["result"] == "not_checked"
    assert row["block_digest"]["reason"]
    assert flags(row) == {"digest_not_checked"}


def test_a_byte_changed_in_the_block_fails_both_digests() -> None:
    (row,) = rows(TWO[0].replace(b"made up", b"made UP"))
    assert flags(row) == {"block_digest_failed", "payload_digest_failed"}
    assert row["block_digest"]["found"].startswith("sha1:")


def test_a_byte_changed_in_the_http_head_fails_the_block_alone() -> None:
    (row,) = rows(TWO[0].replace(b"text/html", b"text/HTML"))
    assert flags(row) == {"block_digest_failed"}
    assert row["payload_digest"]["result"] == "passed"


PACKED = gzip.compress(BODY, mtime=0)
DEFLATED = zlib.compress(BODY)
RAW = zlib.compress(BODY, wbits=-15)
CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(
    ("stored", "fields", "over", "form"),
    [
        (BODY, (), BODY, "entity"),
        (made.chunked(BODY), (CHUNKED,), BODY, "entity"),
        (made.chunked(BODY, 1), (CHUNKED,), BODY, "entity"),
        (made.chunked(BODY), (CHUNKED,), made.chunked(BODY), "as_stored"),
        (BODY, (CHUNKED,), BODY, "entity"),  # taken off before it was stored
        (PACKED, (("Content-Encoding", "gzip"),), PACKED, "entity"),
        (PACKED, (("Content-Encoding", "gzip"),), BODY, "content"),
        (DEFLATED, (("Content-Encoding", "deflate"),), BODY, "content"),
        (RAW, (("Content-Encoding", "deflate"),), BODY, "content"),
        (made.chunked(PACKED), (CHUNKED, ("Content-Encoding", "gzip")), PACKED, "entity"),
        (made.chunked(PACKED), (CHUNKED, ("Content-Encoding", "gzip")), BODY, "content"),
        (BODY, (("Content-Encoding", "gzip"),), BODY, "entity"),  # unpacked before it was stored
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_the_payload_is_what_the_standard_says_and_other_forms_are_named(
    stored: bytes, fields: tuple[tuple[str, str], ...], over: bytes, form: str, together: bool
) -> None:
    record = made.response(BODY, stored=stored, payload=made.sha256(over), http_fields=fields)
    (row,) = rows(made.packed(record) if together else record)
    assert row["payload_digest"] == {"stated": made.sha256(over), "result": "passed", "over": form}
    assert flags(row) == (set() if form == "entity" else {"payload_digest_other_form"})


def test_a_chunked_body_with_a_changed_byte_is_not_passed_in_any_form() -> None:
    stored = made.chunked(PACKED)
    at = stored.index(b"\r\n", 40) + 4
    changed = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
    record = made.response(
        BODY, stored=changed, payload=made.sha256(BODY), http_fields=(CHUNKED, ("Content-Encoding", "gzip"))
    )
    (row,) = rows(record)
    assert row["payload_digest"]["result"] == "failed"


@pytest.mark.parametrize(
    "stored",
    [made.chunked(BODY)[:-9], made.chunked(BODY) + b"more", b"7\r\n<html><XX\r\n" + made.chunked(BODY)],
)
def test_a_broken_transfer_coding_is_told_and_its_digest_is_not_passed(stored: bytes) -> None:
    (row,) = rows(made.response(BODY, stored=stored, http_fields=(CHUNKED,)))
    assert "transfer_damaged" in flags(row)
    assert row["payload_digest"]["result"] == "failed"


def test_an_unknown_transfer_coding_is_not_checked() -> None:
    (row,) = rows(made.response(BODY, http_fields=(("Transfer-Encoding", "gzip, chunked"),)))
    assert row["payload_digest"]["result"] == "not_checked"


def test_what_has_its_content_elsewhere_is_not_checked() -> None:
    for kind, field in (
        ("revisit", None),
        ("continuation", None),
        ("response", ("WARC-Segment-Number", "1")),
    ):
        record = made.record(
            kind,
            made.http(BODY),
            ("WARC-Payload-Digest", made.sha1(BODY)),
            *([field] if field else []),
            content_type="application/http",
        )
        (row,) = rows(record)
        assert row["payload_digest"]["result"] == "not_checked", kind


def test_a_capture_that_says_it_was_cut_short_is_flagged() -> None:
    (row,) = rows(made.response(BODY, ("WARC-Truncated", "length"), payload=made.sha1(BODY + b"the rest")))
    assert flags(row) == {"capture_truncated", "payload_digest_failed"}
    assert row["payload_digest"]["reason"] == "the capture was cut short; the digest may be that of the whole"
    assert row["truncated"] == "length"


def test_a_record_without_a_digest_is_never_plain() -> None:
    read_ = read(made.record("resource", b"made up"))
    assert read_.summary.plain == 0
    assert flags(read_.rows[0]) == {"digest_not_checked"}


# --- lengths and damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [None, "", "12x", "-1", "1e3", str(2**53), "9" * 30, "99999999"])
def test_a_length_that_cannot_be_is_an_unknown_row_and_the_next_record_is_found(length: str | None) -> None:
    bad = made.response(BODY, length=length)
    found = rows(bad + TWO[1])
    assert [row["kind"] for row in found] == ["unknown", "page"]
    assert spans(bad + TWO[1])[1] == (len(bad), len(bad + TWO[1]))
    assert flags(found[1]) == {"after_resync"}


def test_a_record_that_is_too_long_by_its_word_does_not_swallow_the_next() -> None:
    bad = made.response(BODY, length=len(made.http(BODY)) + 300)
    found = rows(bad + TWO[1] + TWO[1])
    assert [row["kind"] for row in found] == ["unknown", "page", "page"]
    assert flags(found[0]) == {"length_wrong"}


def test_a_packed_record_that_swallowed_another_is_not_read_as_one() -> None:
    bad = made.response(BODY, length=len(made.http(BODY)) + 300)
    found = rows(gzip.compress(bad + TWO[1] + TWO[1], mtime=0) + made.packed(TWO[0]))
    assert [row["kind"] for row in found] == ["unknown", "page"]
    assert flags(found[0]) == {"length_wrong"}


def test_a_head_that_breaks_off_does_not_take_the_next_record_for_its_fields() -> None:
    begun = b"WARC/1.1\r\nWARC-Type: response\r\n"
    found = rows(begun + TWO[1])
    assert [row["kind"] for row in found] == ["unknown", "page"]
    assert spans(begun + TWO[1])[0] == (0, len(begun))


def test_a_page_that_holds_a_record_is_one_record() -> None:
    inner = b"see:\r\n\r\n" + TWO[1] + b"end"
    found = rows(made.response(inner, number=9))
    assert len(found) == 1
    assert flags(found[0]) == set()


@pytest.mark.parametrize("cut", [1, 4, 5, 30, len(made.http(BODY)), 200])
@pytest.mark.parametrize("together", [False, True])
def test_a_file_that_ends_early_keeps_what_is_there(cut: int, together: bool) -> None:
    data = (made.packed(*TWO) if together else b"".join(TWO))[:-cut]
    found = rows(data)
    assert found[0]["block_digest"]["result"] == "passed"
    assert len(found) == 2
    last = found[1]
    if last["kind"] == "page":
        whole = last["block_digest"]["result"] == "passed"
        assert flags(last) & {"row_truncated", "record_end_missing"}
        assert whole or "digest_not_checked" in flags(last)


def test_a_wrong_gzip_checksum_is_told() -> None:
    data = bytearray(made.packed(TWO[0]))
    data[-8] ^= 1
    (row,) = rows(bytes(data) + b"")
    assert "gzip_damaged" in flags(row)
    assert row["block_digest"]["result"] != "passed" or "gzip_damaged" in flags(row)


def test_damage_in_one_packed_record_leaves_the_others() -> None:
    first, second, third = (made.packed(one) for one in (TWO[0], TWO[1], TWO[0]))
    middle = bytearray(second)
    middle[len(middle) // 2 : len(middle) // 2 + 8] = b"\xff" * 8
    found = rows(first + bytes(middle) + third)
    assert found[0]["kind"] == "page"
    assert found[-1]["kind"] == "page"
    assert found[-1]["source"]["start"] == len(first + second)
    assert any("gzip_damaged" in flags(row) for row in found[1:-1])
    assert all(row["kind"] == "unknown" or row["block_digest"]["result"] != "passed" for row in found[1:-1])


def test_bytes_between_records_are_kept() -> None:
    for between in (b"x", b"\0" * 100, b"\x1f\x8b\x08 no gzip", b"WARC/1.0 no record\r\n"):
        for one, two in (TWO, (made.packed(TWO[0]), made.packed(TWO[1]))):
            found = rows(one + between + two)
            assert [row["kind"] for row in found] == ["page", "unknown", "page"], between
            assert found[1]["source"] | {"sha256": 0, "member": 0} == {
                "member": 0, "sha256": 0, "start": len(one), "end": len(one + between)
            }  # fmt: skip


def test_any_damage_is_accounted_for() -> None:
    chance = random.Random(5)
    seeds = [b"".join(TWO), made.packed(*TWO), gzip.compress(b"".join(TWO), mtime=0)]
    for _ in range(300):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            what = chance.randrange(3)
            if what == 0:
                data[at] = chance.randrange(256)
            elif what == 1:
                del data[at : at + chance.randrange(1, 60)]
                data = data or bytearray(b"W")
            else:
                data[at:at] = chance.randbytes(chance.randrange(1, 20))
        read(bytes(data))  # the harness holds the account, and that no fault of ours hides


# --- bounds -----------------------------------------------------------------------------------------------


class Zeros:
    """A record whose block is zeros, as large as one likes, never in memory."""

    def __init__(self, head: bytes, zeros: int) -> None:
        self._head = head
        self.size = len(head) + zeros + 4

    def read(self, start: int, end: int) -> bytes:
        whole = self._head[start:end]
        end = min(end, self.size)
        zeros = max(0, min(end, self.size - 4) - max(start, len(self._head)))
        tail = b"\r\n\r\n"[max(0, start - (self.size - 4)) : max(0, end - (self.size - 4))]
        return whole + bytes(zeros) + tail


def bomb(size: int) -> bytes:
    """A packed record that unpacks to ``size`` bytes of zeros."""
    head = made.record("resource", b"", ("WARC-Block-Digest", made.sha1(b"")), length=size, ending=b"")
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(head)]
    parts += [packer.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*parts, packer.compress(b"\r\n\r\n"), packer.flush()])


def test_a_bomb_is_unpacked_only_so_far_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FREE", 4 << 20)
    data = bomb(64 << 20)
    assert len(data) * source.RATIO < 64 << 20
    given = 0
    spend = source.Budget.spend

    def counted(self: source.Budget, count: int, used: int) -> bool:
        nonlocal given
        given += count
        return spend(self, count, used)

    monkeypatch.setattr(source.Budget, "spend", counted)
    found = rows(data + made.packed(TWO[1]))
    assert given < (4 << 20) + (len(data) + 1000) * source.RATIO + (2 << 20)
    assert "unpacks_too_large" in flags(found[0])
    assert found[0]["block_digest"]["result"] == "not_checked"
    assert found[0]["source"]["end"] == len(data)
    assert found[1]["block_digest"]["result"] == "passed"


def test_a_bomb_inside_an_http_body_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FREE", 1 << 20)
    inner = gzip.compress(bytes(64 << 20), mtime=0)
    record = made.response(
        BODY, stored=inner, payload=made.sha1(bytes(64 << 20)), http_fields=(("Content-Encoding", "gzip"),)
    )
    (row,) = rows(record)
    assert row["block_digest"]["result"] == "passed"
    assert row["payload_digest"]["result"] == "failed"


def test_many_bombs_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "FREE", 1 << 20)
    found = rows(b"".join(bomb(8 << 20) for _ in range(5)) + made.packed(TWO[0]))
    assert sum("unpacks_too_large" in flags(row) for row in found) >= 4
    assert found[-1]["kind"] == "page"


def test_memory_stays_bounded_for_a_large_record() -> None:
    import tracemalloc

    head = made.record(
        "resource", b"", ("WARC-Block-Digest", "sha1:" + "A" * 32), length=100 << 20, ending=b""
    )
    data = Zeros(head, 100 << 20)
    export = Export(name="x", members=(Member(index=0, name="x", size=data.size, open=lambda: data),))
    recorded = Recorded(export, warc.READER, Detected(score=95, reasons=()), Settings(), item=harness.ITEM)
    tracemalloc.start()
    lines = list(recorded.lines())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24 << 20
    assert json.loads(lines[1])["block_digest"]["result"] == "failed"
    assert recorded.summary.whole


def test_hostile_repetition_takes_time_that_grows_with_size_alone() -> None:
    """Each of these was, or could be, quadratic: many lengths that reach far, many false starts, many false gzips."""
    far = made.response(b"x", length=2_000_000)
    for part in (far, b"\nWARC/1.0\r\n", b"\x1f\x8b\x08", b"\nWARC/1.0\r\nA:", b"WARC/1.0\r\nA: b\r\n"):
        took = []
        for size in (150_000, 600_000):
            export = Export.of("x", part * (size // len(part)))
            recorded = Recorded(
                export, warc.READER, Detected(score=95, reasons=()), Settings(), item=harness.ITEM
            )
            began = time.thread_time()
            for _ in recorded.lines():
                pass
            took.append(time.thread_time() - began)
            assert recorded.summary.whole
        assert took[1] < 12 * took[0] + 2, (part, took)


def test_the_search_for_the_next_record_is_given_up_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "TRIES", 20)
    found = read(b"WARC/1.0\r\nA: b\r\n" * 50 + TWO[0])
    assert found.summary.notices == {"search_given_up": 1}
    assert len(found.rows) <= 22
    assert found.rows[-1]["kind"] == "unknown"


def test_a_head_without_an_end_is_not_held() -> None:
    (row,) = rows(b"WARC/1.0\r\nA: " + b"x" * (3 << 20))
    assert row["kind"] == "unknown"


# --- what is shown ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://forum.example/a?b=1", "https://forum.example/a?b=1"),
        ("https://user:secret@forum.example/", "https://user:…@forum.example/"),
        ("https://forum.example/?access_token=secret&x=1", "https://forum.example/?access_token=…&x=1"),
        ("https://forum.example/#id_token=secret", "https://forum.example/#id_token=…"),
        ("https://forum.example/;jsessionid=secret?x=1", "https://forum.example/;jsessionid=…"),
        ("https://forum.example/?author=someone&monkey=1", "https://forum.example/?author=someone&monkey=1"),
        ("https://forum.example/a:b@c", "https://forum.example/a:b@c"),
    ],
)
def test_secrets_in_an_address_are_masked_and_nothing_else(url: str, shown: str) -> None:
    for record in (
        made.response(BODY, url=url),
        made.response(BODY, ("WARC-Refers-To-Target-URI", url), http_fields=(("Location", url),)),
    ):
        line = json.dumps(read(record).records[1], ensure_ascii=False)
        assert "secret" not in line.replace("secret_in_url", "")
    (row,) = rows(made.response(BODY, url=url))
    assert row["url"] == shown
    assert ("secret_in_url" in flags(row)) == (shown != url)


def test_cookies_and_the_page_are_not_copied_out() -> None:
    request = b"GET / HTTP/1.1\r\nCookie: session=c00kie\r\nAuthorization: Bearer t0ken\r\n\r\n"
    record = made.record("request", request, content_type="application/http")
    text = b"".join(read(record + made.response(b"the words of the page")).lines)
    for secret in (b"c00kie", b"t0ken", b"words of the page"):
        assert secret not in text


def test_the_server_is_no_client() -> None:
    (row,) = rows(TWO[0])
    assert (row["ip"], row["ip_role"]) == ("203.0.113.80", "server")
    assert "no_source_port" not in row["flags"]


@pytest.mark.parametrize(
    ("raw", "instant", "flag"),
    [
        ("2026-11-03T09:15:00Z", "2026-11-03T09:15:00Z", None),
        ("2026-11-03T09:15:00.123456789Z", "2026-11-03T09:15:00.123456789Z", None),
        ("2026-11-03T09:15:00.1234567891Z", "2026-11-03T09:15:00.123456789Z", "subsecond_truncated"),
        ("2026-11-03T10:15:00+01:00", "2026-11-03T09:15:00Z", None),
        ("2026-11-03T09:15Z", "2026-11-03T09:15:00Z", "precision_day_or_minute"),
        ("2026-11-03", None, "precision_day_or_minute"),
        ("2026-11", None, "precision_day_or_minute"),
        ("2026", None, "precision_day_or_minute"),
        ("2026-11-03T09:15:00", None, "no_offset"),
        ("2026-11-03T09:15:00-00:00", None, "no_offset"),
        ("2026-11-03T09:15:60Z", None, "leap_second"),
        ("2026-13-03T09:15:00Z", None, "time_not_understood"),
        ("20261103091500", None, "epoch_not_stated"),
        ("1762161300000", "2025-11-03T09:15:00.000Z", "epoch_unit_inferred"),
        ("9999-12-31T23:59:59-12:00", None, "time_not_understood"),
        ("03/11/2026 09:15", None, "time_not_understood"),
    ],
)
def test_times(raw: str, instant: str | None, flag: str | None) -> None:
    found = values.when(raw, None)
    assert found.instant == instant
    assert flag in found.flags if flag else not found.flags


def test_a_stated_zone_settles_times_without_an_offset_and_no_other() -> None:
    data = TWO[0].replace(b"09:15:00Z", b"09:15:00") + TWO[1]
    found = read(data, time_zone="Asia/Manila").rows
    assert [row["instant"] for row in found] == ["2026-11-03T01:15:00Z", "2026-11-03T09:15:00Z"]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"WARC", b"WARC/1.0\r\n", b"WARC/1.0\r\n\r\n", b"WARC/1.0 is a format\r\nfor: archives", b"\x1f\x8b\x08",
        gzip.compress(b"a log\n", mtime=0), b"\nWARC/1.0\r\nWARC-Type: response\r\n", b"From x\nWARC/1.0\r\nA: b\r\n",
    ],
)  # fmt: skip
def test_other_files_are_not_claimed(data: bytes) -> None:
    assert warc.detect(Export.of("capture.warc.gz", data)) is None


def test_a_zip_of_warc_files_is_read_and_its_other_files_left() -> None:
    export = harness.members(
        ("a/one.warc", TWO[0]), ("notes.txt", b"WARC/1.0\r\nA: b"), ("two.warc.gz", made.packed(TWO[1]))
    )
    chosen = registry.choose(export)
    assert chosen is not None
    assert (chosen[0].name, chosen[1].members) == ("warc", (0, 2))
    assert [row["place"] for row in harness.run(warc.READER, export).rows] == [
        "a/one.warc, record 1",
        "two.warc.gz, record 1",
    ]


# --- WACZ -------------------------------------------------------------------------------------------------

PAGES = b'{"format":"json-pages-1.0","id":"pages"}\n{"id":"1","url":"https://forum.example/thread/7","ts":"2026-11-03T09:15:00Z"}\n'
FILES = (("archive/data.warc.gz", made.packed(*TWO)), ("pages/pages.jsonl", PAGES))


def package(*change: tuple[str, bytes | None]) -> harness.Read:
    files = dict(made.wacz(FILES))
    for name, data in change:
        if data is None:
            del files[name]
        else:
            files[name] = data
    return harness.run(wacz.READER, harness.members(*files.items()))


def file_digests(found: harness.Read) -> dict[int, str]:
    return {one["member"]: one["value"] for one in found.of("reading") if one["what"] == "file_digest"}


def test_a_package_that_is_whole_says_so_file_by_file() -> None:
    found = package()
    assert set(file_digests(found).values()) == {"passed"}
    assert not found.summary.notices


def test_a_changed_file_fails_and_each_of_its_rows_says_so() -> None:
    found = package(("pages/pages.jsonl", PAGES.replace(b"forum", b"f0rum")))
    assert file_digests(found) == {0: "passed", 1: "failed", 2: "passed"}
    assert found.summary.notices["file_digest_failed"] == 1
    assert "file_digest_failed" in found.rows[-1]["flags"]
    assert "file_digest_failed" not in found.rows[0]["flags"]


def test_a_wrong_size_fails_where_no_hash_is_stated() -> None:
    described = json.dumps({"resources": [{"path": "pages/pages.jsonl", "bytes": 5}]}).encode()
    assert file_digests(package(("datapackage.json", described)))[1] == "failed"
    described = json.dumps({"resources": [{"path": "pages/pages.jsonl", "bytes": len(PAGES)}]}).encode()
    assert file_digests(package(("datapackage.json", described)))[1] == "not_checked"


def test_a_listed_page_that_was_not_captured_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    line = b'{"url": "https://forum.example/thread/7%s"}\n'
    pages = PAGES + line % b"#top" + line % b"?x=1"
    assert ["page_not_captured" in row.get("flags", ()) for row in package(("pages/pages.jsonl", pages)).rows[2:]] == [
        False, False, True
    ]  # fmt: skip
    files = made.wacz([FILES[1], FILES[0]])  # the list before the archive
    assert "flags" not in harness.run(wacz.READER, harness.members(*files)).rows[-1]
    monkeypatch.setattr(wacz, "MOST_ADDRESSES", 1)
    assert "page_not_captured" not in package(("pages/pages.jsonl", pages)).rows[-1].get("flags", ())


def test_added_missing_and_twice_named_files_are_told() -> None:
    assert package(("archive/extra.warc", TWO[0])).summary.notices["file_not_described"] == 1
    assert package(("pages/pages.jsonl", None)).summary.notices["file_missing"] == 1
    twice = [*made.wacz(FILES), ("archive/data.warc.gz", made.packed(TWO[0]))]
    found = harness.run(wacz.READER, harness.members(*twice))
    assert found.summary.notices["name_twice"] == 1
    assert file_digests(found)[4] == "failed"


def test_rows_of_a_file_that_nothing_describes_say_so() -> None:
    found = package(("archive/extra.warc", TWO[0]))
    marked = [row["place"] for row in found.rows if "file_digest_not_checked" in row.get("flags", ())]
    assert marked == ["archive/extra.warc, record 1"]


@pytest.mark.parametrize(
    "described",
    [
        b"",
        b"[]",
        b"{",
        b'{"resources": 5}',
        b'{"resources": [5, {"path": 3}, {}]}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff",
    ],
)
def test_a_description_that_cannot_be_read_passes_nothing(described: bytes) -> None:
    found = package(("datapackage.json", described))
    assert "passed" not in file_digests(found).values()
    assert {"no_description", "file_not_described"} & set(found.summary.notices)
    assert len(found.rows) == 3


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"5",
        b'{"url": 5}',
        b'{"url": null}',
        b"[" * 100_000,
        b'{"url":"x"} {',
        b"\xff\xfe",
        b"1" * 9999,
    ],
)
def test_a_line_that_is_no_page_is_kept(line: bytes) -> None:
    found = package(("pages/pages.jsonl", PAGES + line + b"\n" + PAGES.split(b"\n")[1]))
    assert [row["kind"] for row in found.rows[2:]] == ["page", "unknown", "page"]


def test_a_line_of_a_mebibyte_is_kept_and_not_parsed() -> None:
    found = package(("pages/pages.jsonl", PAGES + b'{"url":"' + b"x" * (2 << 20) + b'"}\n'))
    assert found.rows[-1]["kind"] == "unknown"


def test_a_file_that_cannot_be_unpacked_is_told_and_the_rest_is_read() -> None:
    def fail() -> Held:
        raise InputRefused("damaged inside the zip", where="x")

    whole = harness.members(*made.wacz(FILES))
    broken = Member(index=1, name="pages/pages.jsonl", size=77, open=fail)
    export = Export(name="x", members=(whole.members[0], broken, *whole.members[2:]), zipped=True)
    recorded = Recorded(
        export,
        wacz.READER,
        wacz.detect(export) or Detected(score=0, reasons=()),
        Settings(),
        item=harness.ITEM,
    )
    found = [json.loads(line) for line in recorded.lines()]
    assert recorded.summary.notices == {"file_not_unpacked": 1}
    assert recorded.summary.unread == 1
    assert recorded.summary.whole
    results = {one["member"]: one["value"] for one in found if one.get("what") == "file_digest"}
    assert results == {0: "passed", 1: "not_checked", 2: "passed"}


@pytest.mark.parametrize("name", ["datapackage.json", "archive/data.warc.gz"])
def test_without_description_or_archive_it_is_no_package(name: str) -> None:
    files = [(one, data) for one, data in made.wacz(FILES) if one != name]
    assert wacz.detect(harness.members(*files)) is None


# --- judges -----------------------------------------------------------------------------------------------


def judge_records(data: bytes) -> Iterator[dict[str, Any]]:
    archive = pytest.importorskip(
        "warcio.archiveiterator", reason="warcio is not installed: pip install warcio"
    )
    iterator = archive.ArchiveIterator(io.BytesIO(data), no_record_parse=False, check_digests=True)
    for record in iterator:
        offset = iterator.get_record_offset()
        record.content_stream().read()
        yield {
            "offset": offset,
            "length": iterator.get_record_length(),
            "type": record.rec_type,
            "url": record.rec_headers.get_header("WARC-Target-URI"),
            "status": record.http_headers.get_statuscode() if record.http_headers else None,
            "passed": record.digest_checker.passed,
        }


@pytest.mark.parametrize("case", ["plain/capture.warc", "undecided-zone/capture.warc.gz"])
def test_warcio_sees_the_same_records_at_the_same_places(case: str) -> None:
    data = (harness.CASES / "warc" / case).read_bytes()
    judged = list(judge_records(data))
    found = rows(data)
    assert [(one["offset"], one["type"]) for one in judged] == [
        (row["source"]["start"], row["type"]) for row in found
    ]
    for one, row in zip(judged, found, strict=True):
        assert row.get("url") == values.address(one["url"], set()) if one["url"] else "url" not in row
        assert str(row.get("status")) == str(one["status"]) or row["type"] == "request"


@pytest.mark.filterwarnings("ignore")  # of its own temporary files
def test_warcio_writes_what_we_pass_and_fails_what_we_fail() -> None:
    writer = pytest.importorskip("warcio.warcwriter", reason="warcio is not installed: pip install warcio")
    headers = pytest.importorskip("warcio.statusandheaders")
    for packed in (True, False):
        out = io.BytesIO()
        writing = writer.WARCWriter(out, gzip=packed)
        writing.write_record(writing.create_warcinfo_record("made-up.warc", {"software": "warcio"}))
        for number, body in enumerate((BODY, b"", b"x" * 100_000)):
            http_headers = headers.StatusAndHeaders(
                "200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1"
            )
            record = writing.create_warc_record(
                f"https://forum.example/{number}",
                "response",
                payload=io.BytesIO(body),
                http_headers=http_headers,
            )
            writing.write_record(record)
        data = out.getvalue()
        found = rows(data)
        assert [row["type"] for row in found] == ["warcinfo", "response", "response", "response"]
        for row in found[1:]:
            assert row["block_digest"]["result"] == row["payload_digest"]["result"] == "passed"
        judged = list(judge_records(data))
        assert [one["offset"] for one in judged] == [row["source"]["start"] for row in found]
        assert all(one["passed"] is not False for one in judged)
        if not packed:
            changed = data.replace(b"made up", b"made UP")
            assert any(one["passed"] is False for one in judge_records(changed))
            assert [row.get("block_digest", {}).get("result") for row in rows(changed)][1] == "failed"


@pytest.mark.filterwarnings("ignore")
def test_py_wacz_finds_our_made_up_package_valid_and_a_changed_one_not(tmp_path: Path) -> None:
    validate = pytest.importorskip("wacz.validate", reason="py-wacz is not installed: pip install wacz")
    files = [("archive/data.warc.gz", made.packed(*TWO)), ("pages/pages.jsonl", PAGES)]
    files += [("indexes/index.cdx", b"made up\n")]
    for change in (False, True):
        path = tmp_path / f"{change}.wacz"
        with zipfile.ZipFile(path, "w") as out:
            for name, data in made.wacz(files):
                out.writestr(name, data + b"\n" if change and name == "pages/pages.jsonl" else data)
        judge = validate.Validation(str(path))
        judged = judge.check_file_hashes()
        del judge
        gc.collect()  # its temporary folder goes while its warnings are not ours
        with zipfile.ZipFile(path) as read_back:
            export = harness.members(*[(name, read_back.read(name)) for name in read_back.namelist()])
        ours = "failed" in file_digests(harness.run(wacz.READER, export)).values()
        assert bool(judged.get("success", judged) if isinstance(judged, dict) else judged) == (not change)
        assert ours == change


def test_transfer_parts_are_bounded() -> None:
    many = transfer.Chunks()
    parts = b"1\r\nx\r\n" * 1000
    limit, transfer.MAX_CHUNKS = transfer.MAX_CHUNKS, 500
    try:
        list(many.feed(parts))
    finally:
        transfer.MAX_CHUNKS = limit
    assert many.state == "broken"
