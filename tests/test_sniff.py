from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import struct
import subprocess
import sys
import textwrap
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.evidence import libmagic, sniff
from custody.evidence.sniff import HEAD_SIZE, TAIL_SIZE, UNKNOWN, Sniffed

PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"


def look(data: bytes, **more) -> Sniffed:
    return sniff.sniff(data[:HEAD_SIZE], len(data), tail=data[-TAIL_SIZE:], use_libmagic=False, **more)


def zipped(*members: tuple[str, bytes], stream: bool = False) -> bytes:
    class Unseekable(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

    out = Unseekable() if stream else io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    body = major + b"\x00\x00\x02\x00" + b"".join(compatible)
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + b"\x00\x00\x00\x08mdat"


def ole(*streams: str) -> bytes:
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 1)
    directory = b""
    for name in ("Root Entry", *streams):
        raw = name.encode("utf-16-le")
        directory += raw.ljust(64, b"\x00") + struct.pack("<H", len(raw) + 2) + bytes(62)
    return bytes(head) + bytes(512) + directory.ljust(512, b"\x00")


OFFICE = "application/vnd.openxmlformats-officedocument."
SIGNATURES = {
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(8), "image/png"),
    "jpeg": (b"\xff\xd8\xff\xe0", "image/jpeg"),
    "gif": (b"GIF89a", "image/gif"),
    "webp": (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    "wav": (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
    "avi": (b"RIFF\x10\x00\x00\x00AVI LIST", "video/x-msvideo"),
    "heic": (ftyp(b"heic", b"mif1"), "image/heic"),
    "heic by brand": (ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
    "heif": (ftyp(b"mif1", b"mif1"), "image/heif"),
    "avif": (ftyp(b"avif", b"mif1", b"miaf"), "image/avif"),
    "avif by brand": (ftyp(b"mif1", b"avif"), "image/avif"),
    "mp4": (ftyp(b"isom", b"mp41"), "video/mp4"),
    "mp4 by brand": (ftyp(b"zzzz", b"mp42"), "video/mp4"),
    "m4a": (ftyp(b"M4A "), "audio/mp4"),
    "mov": (ftyp(b"qt  "), "video/quicktime"),
    "old mov": (b"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd", "video/quicktime"),
    "3gp": (ftyp(b"3gp4"), "video/3gpp"),
    "pdf": (b"%PDF-1.7\n", "application/pdf"),
    "gzip": (b"\x1f\x8b\x08\x00", "application/gzip"),
    "bzip2": (b"BZh91AY&SY", "application/x-bzip2"),
    "xz": (b"\xfd7zXZ\x00", "application/x-xz"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "application/zstd"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "application/x-7z-compressed"),
    "rar4": (b"Rar!\x1a\x07\x00", "application/vnd.rar"),
    "rar5": (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
    "sqlite": (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    "opus": (b"OggS\x00\x02" + bytes(22) + b"OpusHead\x01\x01", "audio/ogg"),
    "theora": (b"OggS\x00\x02" + bytes(22) + b"\x80theora", "video/ogg"),
    "mp3 tag": (b"ID3\x04\x00\x00", "audio/mpeg"),
    "flac": (b"fLaC\x00", "audio/flac"),
    "amr": (b"#!AMR\n<", "audio/amr"),
    "amr-wb": (b"#!AMR-WB\n", "audio/amr-wb"),
    "webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
    "matroska": (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", "video/x-matroska"),
    "tiff": (b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    "rtf": (b"{\\rtf1\\ansi", "application/rtf"),
    "elf": (b"\x7fELF\x02", "application/x-elf"),
    "pcap": (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", "application/vnd.tcpdump.pcap"),
    "pcapng": (b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a", "application/x-pcapng"),
    "ole": (ole("something"), "application/x-ole-storage"),
    "empty zip": (b"PK\x05\x06" + bytes(18), "application/zip"),
    "psd": (b"8BPS\x00\x01" + bytes(6), "image/vnd.adobe.photoshop"),
    "midi": (b"MThd\x00\x00\x00\x06\x00\x01", "audio/midi"),
    "asf": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "video/x-ms-asf"),
    "flv": (b"FLV\x01\x05\x00\x00\x00\x09", "video/x-flv"),
    "mpeg": (b"\x00\x00\x01\xba\x44", "video/mpeg"),
    "woff": (b"wOFF\x00\x01\x00\x00", "font/woff"),
    "woff2": (b"wOF2\x00\x01\x00\x00", "font/woff2"),
    "evtx": (b"ElfFile\x00" + bytes(8), "application/x-ms-evtx"),
    "lnk": (bytes.fromhex("4c0000000114020000000000c000000000000046"), "application/x-ms-shortcut"),
    "ewf": (b"EVF\x09\x0d\x0a\xff\x00\x01\x01\x00\x00\x00", "application/x-ewf"),
    "ar": (b"!<arch>\ndebian-binary", "application/x-archive"),
    "aiff": (b"FORM\x00\x00\x10\x00AIFFCOMM", "audio/x-aiff"),
    "lz4": (b"\x04\x22\x4d\x18\x64", "application/x-lz4"),
    "lzip": (b"LZIP\x01\x14", "application/x-lzip"),
    "luks": (b"LUKS\xba\xbe\x00\x02", "application/x-luks"),
    "keepass": (bytes.fromhex("03d9a29a67fb4bb5"), "application/x-keepass"),
    "openssl": (b"Salted__\x91\x02\x83\x14", "application/x-openssl-encrypted"),
    "age": (b"age-encryption.org/v1\n-> X25519 \xff", "application/x-age-encryption"),
    "tar": (b"a.txt".ljust(257, b"\x00") + b"ustar\x0000" + bytes(248), "application/x-tar"),
}
STRUCTURES = {
    "doc": (ole("WordDocument", "1Table"), "application/msword"),
    "msg": (ole("__nameid_version1.0"), "application/vnd.ms-outlook"),
    "bmp": (b"BM" + struct.pack("<IHHII", 100, 0, 0, 54, 40) + bytes(40), "image/bmp"),
    "ico": (
        struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, 4, 22) + b"data",
        "image/vnd.microsoft.icon",
    ),
    "pe": (
        b"MZ".ljust(60, b"\x00") + struct.pack("<I", 64) + b"PE\x00\x00",
        "application/vnd.microsoft.portable-executable",
    ),
    "openpgp keys": (
        b"\x99\x00\x0a\x04" + bytes(4) + b"\x01" + bytes(4) + b"\xb4\x01x",
        "application/pgp-keys",
    ),
    "openpgp key, short": (
        b"\x98\x09\x04" + bytes(4) + b"\x16" + bytes(3) + b"\xcd\x01x",
        "application/pgp-keys",
    ),
    "mp3 frames": ((b"\xff\xfb\x90\x00" + bytes(413)) * 2, "audio/mpeg"),
    "aac frames": ((b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 2, "audio/aac"),
    "docx": (
        zipped(("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<a/>")),
        OFFICE + "wordprocessingml.document",
    ),
    "docx streamed": (
        zipped(("[Content_Types].xml", b"<a/>"), ("word/document.xml", b"<a/>"), stream=True),
        OFFICE + "wordprocessingml.document",
    ),
    "xlsx": (
        zipped(("[Content_Types].xml", b"<a/>"), ("xl/workbook.xml", b"<a/>")),
        OFFICE + "spreadsheetml.sheet",
    ),
    "pptx": (
        zipped(("_rels/.rels", b""), ("[Content_Types].xml", b"<a/>"), ("ppt/presentation.xml", b"<a/>")),
        OFFICE + "presentationml.presentation",
    ),
    "odt": (
        zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"")),
        "application/vnd.oasis.opendocument.text",
    ),
    "epub": (zipped(("mimetype", b"application/epub+zip")), "application/epub+zip"),
    "apk": (
        zipped(("META-INF/MANIFEST.MF", b""), ("AndroidManifest.xml", b""), ("classes.dex", b"")),
        "application/vnd.android.package-archive",
    ),
    "jar": (zipped(("META-INF/MANIFEST.MF", b""), ("A.class", b"")), "application/java-archive"),
    "json": (b'{"a": [1, 2.5, null], "b": {}}\n', "application/json"),
    "json list": (b'[{"a": 1}]', "application/json"),
    "json with DEL": (b'{"a": "\x7f"}', "application/json"),
    "json utf-16": ('{"a": 1}'.encode("utf-16"), "application/json"),
    "json lines": (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson"),
    "long json": (
        json.dumps({"messages": [{"id": n, "text": "hi"} for n in range(999)]}).encode(),
        "application/json",
    ),
    "json of one long string": (b'{"data": "' + b"A" * 9000 + b'"}', "application/json"),
    "long json lines": (b'{"a": "some text to fill the line"}\n' * 999, "application/x-ndjson"),
    "xml": (b"<?xml version='1.0'?>\n<a/>", "application/xml"),
    "svg": (b"<?xml version='1.0'?>\n<!-- x -->\n<svg xmlns='s'/>", "image/svg+xml"),
    "html": (b"<!DOCTYPE html>\n<p>x", "text/html"),
    "html late": (b"\xef\xbb\xbf\n <!-- saved -->\n<HTML><body>", "text/html"),
    "xhtml": (b"<?xml version='1.0'?>\n<html xmlns='x'>", "application/xhtml+xml"),
    "vcard": (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "text/vcard"),
    "calendar": (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
    "mail": (
        b"Return-Path: <a@b.example>\r\nReceived: by x\r\n\tfor y\r\nSubject: s\r\n\r\n\xe4\xf6",
        "message/rfc822",
    ),
    "mbox": (
        b"From a@b.example Tue Nov  3 20:14:05 2026\nFrom: a@b.example\nSubject: x\n\nx",
        "application/mbox",
    ),
    "text": ("Ћао, ово је текст\r\n".encode(), "text/plain"),
    "text utf-16": ("Ћао\r\n".encode("utf-16"), "text/plain"),
    "text cut inside a letter": (("a" + "ш" * 5000).encode(), "text/plain"),
    "access log": (b'192.0.2.7 - - [03/Nov/2026:20:14:05 +0100] "GET / HTTP/1.1" 200 1\n' * 99, "text/plain"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_known_by_signature(name):
    data, media_type = SIGNATURES[name]
    assert look(data) == Sniffed(media_type, "signature")


@pytest.mark.parametrize("name", STRUCTURES)
def test_known_by_structure(name):
    data, media_type = STRUCTURES[name]
    assert look(data) == Sniffed(media_type, "structure")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (zipped(("_chat.txt", b"x"), ("IMG-1.jpg", b"x")), "application/zip"),
        (zipped(("WhatsApp Chat with A.txt", b"x")), "application/zip"),
        (zipped(("mimetype", b"image/png")), "application/zip"),
        (zipped(("[Content_Types].xml", b""), ("word/x", b""), ("xl/x", b"")), "application/zip"),
        (zipped(("word/document.xml", b"")), "application/zip"),
        (b"[03.11.26, 20:14:05] Ana Izmisljena: zdravo\n" * 200, "text/plain"),
        (b"[03.11.26, 20:14:05] Ana Izmisljena: zdravo\n", "text/plain"),
        (b"[2026-11-03 20:14] A: x\n" * 400, "text/plain"),
        (b"{not json}\n", "text/plain"),
        (b"{\n" * 5, "text/plain"),
        (b"[1] a footnote, long " * 400, "text/plain"),
        (b'{"a": 1,}' + b" " * 9000, "text/plain"),
        (b"<Media omitted>\n", "text/plain"),
        (b"From: Ana\nto nobody\n", "text/plain"),
        (b"From the start it was 2026\nbut no mail\n", "text/plain"),
        (b"BM is short for something\n", "text/plain"),
        (b"MZ\n", "text/plain"),
    ],
)
def test_a_look_alike_is_not_taken_for_more_than_it_is(data, media_type):
    assert look(data).media_type == media_type


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 64,
        b"caf\xe9 au lait",
        b"\xff\xfe\x00",
        b"a\x00b",
        b"\xff\xfb\x90\x00" + bytes(500),
        b"\xff\xf1" + bytes(99),
    ],
)
def test_what_is_not_known_is_called_unknown(data):
    assert look(data) == Sniffed(UNKNOWN, "unknown")


def test_a_jar_is_not_certain_before_all_names_were_seen():
    data = zipped(("META-INF/MANIFEST.MF", b"x"), ("A.class", b"x"))
    assert sniff.sniff(data[:60], len(data), use_libmagic=False).media_type == "application/zip"


def test_text_with_something_else_behind_is_not_called_text():
    data = b"#!/bin/sh\n" + b"# line\n" * 900 + b"\x7fELF\x00\x01"
    assert look(data).media_type == UNKNOWN
    assert sniff.sniff(data[:HEAD_SIZE], len(data), use_libmagic=False).media_type == "text/plain"


def test_deep_nesting_costs_nothing_and_raises_nothing():
    assert look(b"[" * 4000).media_type == "text/plain"
    assert look(b"[" * 90000).media_type == "application/json"
    assert look(b'{"a":' * 90000).media_type == "application/json"


def test_whatever_the_bytes_nothing_raises():
    starts = [data[:24] for data, _ in (*SIGNATURES.values(), *STRUCTURES.values())]

    @given(
        st.sampled_from([b"", *starts]),
        st.binary(max_size=300),
        st.integers(0, 10**12),
        st.binary(max_size=300)
        | st.sampled_from([b"PK\x05\x06" + b"\xff" * 20, PNG_END, zipped(("a", b"b"))]),
        st.sampled_from(["", "jpg", ".PNG", "zip", "txt", "\ud800", "x" * 999]),
    )
    def run(start, rest, size, tail, extension):
        for length in (size, len(start + rest)):
            found = sniff.sniff(start + rest, length, tail=tail, use_libmagic=False)
            assert "/" in found.media_type
            assert (found.how == "unknown") == (found.media_type == UNKNOWN)
            sniff.flags(start + rest, tail, length, found.media_type, extension)

    run()


@given(st.sampled_from(sorted(STRUCTURES)), st.data())
def test_damaged_files_raise_nothing(name, data):
    raw = bytearray(STRUCTURES[name][0][:HEAD_SIZE])
    for _ in range(3):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    found = look(bytes(raw))
    sniff.flags(bytes(raw), bytes(raw), len(raw), found.media_type, "jpg")


# ---------------------------------------------------------------- flags


def flags(data: bytes, extension: str) -> tuple[str, ...]:
    return sniff.flags(data[:HEAD_SIZE], data[-TAIL_SIZE:], len(data), look(data).media_type, extension)


PNG = SIGNATURES["png"][0] + bytes(9000) + PNG_END
JPEG = b"\xff\xd8\xff\xe0" + b"\x01" * 9000 + b"\xff\xd9"
ZIP = zipped(("a.txt", b"a" * 9000))
PDF = b"%PDF-1.7\n" + b"x" * 9000 + b"\n%%EOF\n"
WAV = b"RIFF" + struct.pack("<I", 4 + 9000) + b"WAVE" + b"\x01" * 9000


@pytest.mark.parametrize(
    ("data", "extension"), [(PNG, "png"), (JPEG, "jpg"), (ZIP, "zip"), (PDF, "pdf"), (WAV, "wav")]
)
def test_a_missing_end_is_told(data, extension):
    assert flags(data, extension) == ()
    assert flags(data[:-100], extension) == ("truncated",)
    assert flags(data + bytes(4096), extension) == ()
    head, kind = data[:HEAD_SIZE], look(data).media_type
    if extension != "wav":  # its length stands in the head
        assert sniff.flags(head, b"", len(data), kind, extension) == ()


def test_a_zip_with_a_long_comment_is_whole():
    out = io.BytesIO(ZIP)
    with zipfile.ZipFile(out, "a") as archive:
        archive.comment = b"c" * 65535
    assert flags(out.getvalue(), "zip") == ()


@pytest.mark.parametrize(
    "data",
    [
        JPEG + b"\x00\x00SEFH" + b"x" * 300 + b"SEFT",
        b"\xff\xd8\xff\xe1xmp MotionPhoto" + JPEG + ftyp(b"mp42") + b"\x01" * 9000,
    ],
)
def test_phones_write_behind_the_end_of_a_picture(data):
    assert flags(data, "jpg") == ()


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture():
    assert flags(b"\xff\xd8\xff\xe1" + b"thumb\xff\xd9" + b"\x01" * 500, "jpg") == ("truncated",)


def test_a_short_7z_is_told():
    head = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(4) + struct.pack("<QQI", 500, 40, 0)
    assert flags(head + bytes(540), "7z") == ()
    assert flags(head + bytes(539), "7z") == ("truncated",)


@pytest.mark.parametrize("extension", ["jpg", ".JPG", "mp4", "zip", "json", "pdf", "csv", "docx", "heic"])
def test_a_web_page_instead_of_the_file(extension):
    assert flags(b"<!doctype html><title>Log in</title>", extension) == ("html-instead-of-file",)


@pytest.mark.parametrize(
    ("data", "extension", "expected"),
    [
        (PNG, "jpg", ("extension-differs",)),
        (PNG, ".PNG", ()),
        (PNG, "txt", ("extension-differs",)),
        (PNG, "bak", ()),
        (PNG, "", ()),
        (JPEG, "jpeg", ()),
        (b"hello\n", "jpg", ("extension-differs",)),
        (b"hello\n", "csv", ()),
        (b"caf\xe9", "jpg", ()),
        (b"<!doctype html>", "html", ()),
        (b"<!doctype html>", "txt", ()),
        (ZIP, "docx", ()),
        (STRUCTURES["docx"][0], "zip", ()),
        (STRUCTURES["docx"][0], "xlsx", ("extension-differs",)),
        (STRUCTURES["pe"][0], "pdf", ("extension-differs",)),
        (b"", "jpg", ("empty",)),
    ],
)
def test_a_name_that_promises_something_else(data, extension, expected):
    assert flags(data, extension) == expected


def test_every_type_of_ours_fits_its_own_extension():
    for name in (
        "png",
        "gif",
        "webp",
        "wav",
        "avi",
        "heic",
        "avif",
        "mp4",
        "m4a",
        "mov",
        "3gp",
        "pdf",
        "xz",
        "7z",
    ):
        data, media_type = SIGNATURES[name]
        assert "extension-differs" not in sniff.flags(data, b"", len(data), media_type, name)
    for name in (
        "doc",
        "msg",
        "bmp",
        "ico",
        "docx",
        "xlsx",
        "pptx",
        "odt",
        "epub",
        "apk",
        "jar",
        "json",
        "svg",
        "html",
    ):
        data, media_type = STRUCTURES[name]
        assert "extension-differs" not in sniff.flags(data, b"", len(data), media_type, name)


# ---------------------------------------------------------------- libmagic


def test_libmagic_is_asked_last_and_named():
    answer = libmagic.media_type_of(b"caf\xe9 au lait, deux fois par jour\n")
    if answer is None:
        pytest.skip("no libmagic on this machine")
    found = sniff.sniff(b"caf\xe9 au lait, deux fois par jour\n", 33)
    assert found == Sniffed("text/plain", f"libmagic {libmagic.version()}")
    assert sniff.sniff(PNG, len(PNG)).how == "signature"
    assert sniff.sniff(b"\x00\x01\x02\x03" * 9, 36) == Sniffed(UNKNOWN, "unknown")


def test_what_our_table_knows_never_loads_libmagic(monkeypatch):
    def refuse(head):
        raise AssertionError("asked")

    monkeypatch.setattr(libmagic, "media_type_of", refuse)
    for data, media_type in (*SIGNATURES.values(), *STRUCTURES.values()):
        assert sniff.sniff(data[:HEAD_SIZE], len(data), tail=data[-TAIL_SIZE:]).media_type == media_type
    with pytest.raises(AssertionError):
        sniff.sniff(b"\x00", 1)


def test_noise_is_not_shown_to_libmagic(monkeypatch):
    """It knows some kinds by one byte, and would name one random file of a hundred."""
    asked = []
    monkeypatch.setattr(
        libmagic, "media_type_of", lambda head: asked.append(head) or ("application/x-dosexec", "5.44")
    )
    heads = [random.Random(seed).randbytes(HEAD_SIZE) for seed in range(500)]
    found = [sniff.sniff(head, 1 << 20) for head in heads]
    # By chance some begin with four letters, or have a zero in front: those are asked about, as all were.
    assert len(asked) < 50
    assert found.count(Sniffed(UNKNOWN, "unknown")) == 500 - len(asked)


def noise(size: int = HEAD_SIZE) -> bytes:
    return b"\xe9" + random.Random(1).randbytes(size - 1)


@pytest.mark.parametrize(
    "head",
    {
        "too short to tell": noise(1000),
        "a word in front": b"ABCD" + noise(),
        "a zero in front": noise(7) + b"\x00" + noise(),
        "a beginning of its own": b"\xe9" + b"\x01\x02\x03" * 12 + noise(),
        "fewer values than noise has": noise().translate(bytes(n | 0x80 for n in range(256))),
        "latin text": "Schöne Grüße, wir treffen uns um fünf Uhr. ".encode("latin-1") * 99,
    }.items(),
    ids=lambda one: one[0],
)
def test_what_may_have_a_beginning_is_shown_to_libmagic(monkeypatch, head):
    monkeypatch.setattr(libmagic, "media_type_of", lambda head: ("application/x-thing", "5.44"))
    assert sniff.sniff(head[1][:HEAD_SIZE], 1 << 20) == Sniffed("application/x-thing", "libmagic 5.44")
    assert sniff.sniff(noise(), 1 << 20) == Sniffed(UNKNOWN, "unknown")


def test_a_public_key_with_nothing_behind_it_or_an_unknown_algorithm_is_not_named():
    data, _ = STRUCTURES["openpgp keys"]
    for other in (
        data[:13],
        data[:8] + b"\x09" + data[9:],
        data[:13] + b"\x34x",
        data[:3] + b"\x06" + data[4:],
    ):
        assert look(other).media_type == UNKNOWN


@pytest.mark.parametrize(
    "answer", ["", "cannot open", "text/plain; charset=x", "a/b\nc", "../..", "x" * 70 + "/y"]
)
def test_an_answer_that_is_no_media_type_is_none(monkeypatch, answer):
    class Fake:
        def from_buffer(self, buf):
            return answer

    monkeypatch.setattr(libmagic, "_tried", True)
    monkeypatch.setattr(libmagic, "_loaded", (Fake(), "5.45"))
    assert libmagic.media_type_of(b"x") is None


def in_a_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HIDE = """
import ctypes, ctypes.util, os, sys
ctypes.util.find_library = lambda name: None
real = ctypes.CDLL.__init__
def without_system_library(self, name=None, *rest, **more):
    if name == "libmagic.so.1":
        raise OSError("hidden by the test")
    real(self, name, *rest, **more)
ctypes.CDLL.__init__ = without_system_library
before = dict(os.environ)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="hides the library the way Linux looks for it")
def test_the_bundled_library_leaves_no_trace():
    if importlib.util.find_spec("pylibmagic") is None:  # importing it here would change this process
        pytest.skip("pylibmagic has no wheel for this machine")
    out = in_a_process(
        HIDE
        + """
from custody.evidence import libmagic
print(libmagic.media_type_of(b"\\x89PNG\\r\\n\\x1a\\n\\0\\0\\0\\rIHDR\\0\\0\\0\\1\\0\\0\\0\\1\\1\\0\\0\\0\\0"))
print("pylibmagic" in sys.modules, dict(os.environ) == before)
print(ctypes.CDLL.__init__ is without_system_library, hasattr(ctypes.CDLL, "__init_orig__"))
""",
        LIBRARY_PATH="kept",
    )
    first, second, third = out.split("\n")
    assert first.startswith("('image/png', '5.")
    assert second == "True True"
    assert third == "True False"


@pytest.mark.skipif(sys.platform != "linux", reason="hides the library the way Linux looks for it")
def test_without_any_library_the_type_is_told_by_structure_only():
    out = in_a_process(
        HIDE
        + """
sys.modules["pylibmagic"] = None
from custody.evidence import libmagic, sniff
print(libmagic.media_type_of(b"x"), libmagic.version())
print(sniff.sniff(b"caf\\xe9", 4))
print(dict(os.environ) == before)
"""
    )
    assert out == f"None None\n{Sniffed(UNKNOWN, 'unknown')}\nTrue"


def test_importing_loads_no_library():
    out = in_a_process(
        "import sys, custody.evidence.sniff; print('magic' in sys.modules, 'pylibmagic' in sys.modules)"
    )
    assert out == "False False"


def test_a_library_in_the_current_directory_of_windows_is_not_loaded(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert libmagic._find() is None
