"""What people type and what lies on their disks: forms, references, times, kinds of files."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence

from custody.errors import FormatError
from custody.evidence import instants, libmagic, sniff
from custody.evidence.blockchain import (
    caip,
    ids,
    invoice,
    lookalikes,
    payment,
    reading,
    recognise,
    secrets,
    uri,
)
from custody.evidence.blockchain.encodings import base58, bech32, bits, cashaddr, edwards, eip55, monero58
from custody.evidence.blockchain.encodings.faults import Undecoded
from custody.evidence.network import ip
from custody.format import canonical
from custody.procedure import forms
from tests.fuzz.reader import Reader, Way, same


def _list(*seeds: bytes) -> Callable[[], Sequence[bytes]]:
    return lambda: seeds


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


# --- forms ----------------------------------------------------------------------------------------------


def _form(data: bytes) -> object:
    record = forms.read_form(data, "form")
    lines = []
    for table, fields in record.items():
        lines.append(f"[{table}]")
        for name, value in fields.items():
            escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value)
            lines.append(f'{name} = "{escaped}"')
    same(forms.read_form("\n".join(lines).encode(), "form"), record)
    return record


def _set(data: bytes) -> object:
    return forms.merge({}, _text(data).split("\n"))


# --- references -----------------------------------------------------------------------------------------


def _fields(data: bytes) -> list[str | None]:
    """The lines of the input, None where a line is empty, and None for ever after the last."""
    return [line or None for line in _text(data).split("\n")] + [None] * 24


def _ip(data: bytes) -> object:
    (
        address,
        time,
        offset,
        clock,
        epoch,
        end,
        port,
        transport,
        role,
        dest,
        dest_port,
        event,
        account,
        item,
        place,
        note,
        checked,
        *_,
    ) = _fields(data)
    found = ip.ip_reference(
        address or "",
        time=time or "",
        offset=offset,
        clock=clock,
        epoch=epoch,
        time_end=end,
        port=port,
        transport=transport,  # type: ignore[arg-type]
        role=role,
        dest_address=dest,
        dest_port=dest_port,
        event=event,
        account=account,
        source_item=item,
        source_place=place,
        note_source=note,
        checked_by=checked,
    )
    same(set(found["flags"]) - set(ip.IP_FLAGS), set(), "a flag that is not on the list")  # type: ignore[arg-type]
    if found["ip"] is not None:
        again = ip.read_address(str(found["ip"]))
        same((again.ip, again.kind), (found["ip"], found["ip_class"]))
    return canonical.decode(canonical.encode(found), where="reference")


def _payment(data: bytes) -> object:
    (
        chain,
        txid,
        sender,
        receiver,
        amount,
        asset,
        contract,
        time,
        offset,
        clock,
        epoch,
        height,
        block,
        source,
        item,
        place,
        checked,
        *_,
    ) = _fields(data)
    found = payment.payment_reference(
        chain or "",
        txid or "",
        address_from=sender,
        address_to=receiver,
        amount=amount,
        asset=asset,
        contract=contract,
        time=time,
        offset=offset,
        clock=clock,
        epoch=epoch,
        block_height=height,
        block_hash=block,
        source=source,  # type: ignore[arg-type]
        source_item=item,
        source_place=place,
        checked_by=checked,
    )
    same(set(found["flags"]) - set(payment.PAYMENT_FLAGS), set(), "a flag that is not on the list")  # type: ignore[arg-type]
    if found["txid"] is not None:
        same(ids.canonical_txid(str(found["chain"]), str(found["txid"])), found["txid"])
    return canonical.decode(canonical.encode(found), where="reference")


def _coin(data: bytes) -> object:
    """A text as a reference, a link, an invoice and a CAIP identifier; its secrets; its look-alikes."""
    text = _text(data)
    found = recognise.recognise(text)
    same(found.raw, text, "a text that was changed")
    same(bool(found.readings), not found.reason, "neither a reading nor a reason")
    for one in found.readings:
        same(set(one.flags) - set(reading.FLAGS), set(), "a flag that is not on the list")
        if one.level is not None and one.kind in ("address", "contract"):
            again = [two for two in recognise.recognise(one.canonical).readings if two.kind == one.kind]
            same(
                {(two.payload_hex, two.canonical) for two in again} >= {(one.payload_hex, one.canonical)},
                True,
            )
    hidden = secrets.mask(text)
    for span in secrets.find(text):
        piece = text[span.start : span.end]
        if span.strength != "possible" and text.count(piece) == 1:
            same(piece in hidden, False, "a secret that is shown")
    uri.parse(text)
    words = text.split()[:8]
    lookalikes.lookalikes(words)
    for word in words:
        same(lookalikes.blocks(word).replace(" ", ""), word, "an address that is not shown whole")
    with contextlib.suppress(FormatError):
        same(caip.parse(str(caip.parse(text))), caip.parse(text))
    with contextlib.suppress(Undecoded):
        invoice.parse(text)
    return Way(" ".join(sorted({f"{one.kind} {one.script_type} {one.checksum}" for one in found.readings})))


def _coins() -> list[bytes]:
    """Synthetic texts of every form, and damaged ones."""
    raw = bytes(range(20))
    point = (9).to_bytes(32, "little")
    while not edwards.is_point(point):
        point = (int.from_bytes(point, "little") + 1).to_bytes(32, "little")
    made = [
        *(base58.encode_check(bytes([version]) + raw) for version in (0, 5, 0x6F, 0x30, 0x1E, 0x41)),
        bech32.encode("bc", (0, *bits.to_fives(raw))),
        bech32.encode("bc", (1, *bits.to_fives(point)), "bech32m"),
        cashaddr.encode("bitcoincash", 0, raw),
        base58.encode_check(b"\0" + raw, base58.RIPPLE) + ":7",
        base58.encode_check(b"\x05\x44" + raw + b"\1\7" + bytes(7), base58.RIPPLE),
        monero58.encode_check(bytes([18]) + point * 2),
        monero58.encode_check(bytes([19]) + point * 2 + bytes(8)),
        base58.encode(point),
        base58.encode(bytes(range(64))),
        eip55.checksummed(raw),
        f"0:{point.hex()}",
        point.hex(),
        "0x" + point.hex(),
        base58.encode_check(b"\x80" + point),
        "abandon " * 11 + "about",
        "eip155:1/erc20:0x6b175474e89094c44da98b954eedeac495271d0f",
        "bitcoin:" + base58.encode_check(b"\0" + raw) + "?amount=0.5&req-x=1",
        "ethereum:pay-" + eip55.checksummed(raw) + "@1/transfer?value=2.5e18&uint256=1",
        "lightning:LNBC20M1PVJLUEZ",
        "see 1BoatSLRHtKNngkdXEeobR76b53LETtpyT \u200b",
        '{"crypto": {"ciphertext": "00", "kdf": "scrypt", "mac": "00"}}',
        "private key: " + "k" * 30,
    ]
    return [text.encode() for text in made]


def _instant(data: bytes) -> object:
    raw, offset, clock, epoch, *_ = _fields(data)
    found = instants.read_instant(raw or "", offset=offset, clock=clock, epoch=epoch)  # type: ignore[arg-type]
    same(set(found.flags) - set(instants.TIME_FLAGS), set(), "a flag that is not on the list")
    if found.instant is not None:
        again = instants.read_instant(found.instant)
        same(again.instant, found.instant, "an instant that reads as another one")
    if found.offset is not None:
        same(instants.offset_text(instants.offset_minutes(found.offset)), found.offset)
    return found


def _ip_table() -> list[bytes]:
    return [
        b"192.0.2.1:443\n2026-11-22 10:00:00 +01:00\n\n\n\n2026-11-22T11:00:00Z\n\ntcp\npeer\n2001:db8::1\n80\nlogin",
        b"[2001:db8::5]:443\n22.11.2026 10:00\n+02:00\n24\n\n\n443",
        b"::ffff:192.0.2.1\n1764000000.5\n\n\ns",
        b"fe80::1%eth0\n11/12/2026 1:00 PM",
        b"IPv6:2002:c000:201::1\n01/Nov/2026:10:00:00 +0100",
        b"host.example.org\n2026-11-22",
    ]


def _payment_table() -> list[bytes]:
    return [
        b"btc\n"
        + b"0" * 64
        + b"\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT\nbc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\n0.5\nBTC",
        b"ethereum\n0x"
        + b"A" * 64
        + b"\n0x"
        + b"1" * 40
        + b"\n\n1,234.5\nUSDT\n0xdAC17F958D2ee523a2206206994597C13D831ec7\n"
        b"2026-11-22T10:00:00Z\n\n\n\n123",
        b"solana\n5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW",
        b"ton\n" + b"A" * 43 + b"=\n0:" + b"0" * 64,
        b"other: own chain\nid",
    ]


# --- kinds of files -------------------------------------------------------------------------------------


def _sniff(data: bytes) -> object:
    """The content behind the first byte: that one says how much larger the file is, and its ending."""
    first, data = data[:1], data[1:]
    more = (0, 1, 5000, 2**40)[(first or b"\0")[0] & 3]
    ending = ("png", ".JPG", "txt", "html", "docx", "", "x" * 50, "\udcff")[(first or b"\0")[0] >> 2 & 7]
    head, tail, size = data[: sniff.HEAD_SIZE], data[-sniff.TAIL_SIZE :], len(data) + more
    found = sniff.sniff(
        head, size, tail=tail if not more else data[5000:][-sniff.TAIL_SIZE :], use_libmagic=False
    )
    same(found.media_type.isascii() and "/" in found.media_type, True, "no media type")
    flags = sniff.flags(head, tail, size, found.media_type, ending)
    for media_type in (
        "image/png",
        "application/zip",
        "application/x-7z-compressed",
        "image/webp",
        "text/html",
    ):
        sniff.flags(head, tail, size, media_type, ending)
    return found, flags


def _libmagic(data: bytes) -> object:
    return libmagic.media_type_of(data[: sniff.HEAD_SIZE]), sniff.sniff(data[: sniff.HEAD_SIZE], len(data))


@functools.cache
def _kinds() -> tuple[bytes, ...]:
    import gzip
    import io
    import zipfile

    office = io.BytesIO()
    with zipfile.ZipFile(office, "w") as archive:
        for name in ("[Content_Types].xml", "word/document.xml"):
            archive.writestr(zipfile.ZipInfo(name), b"<x/>")
    odt = io.BytesIO()
    with zipfile.ZipFile(odt, "w") as archive:
        archive.writestr(zipfile.ZipInfo("mimetype"), b"application/vnd.oasis.opendocument.text")
    ole = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1500))
    ole[30], ole[48] = 9, 0
    ole[512:536] = "WordDocument".encode("utf-16-le")
    ole[576] = 26
    return (
        b"\x89PNG\r\n\x1a\n" + bytes(30) + b"\x00\x00\x00\x00IEND\xae\x42\x60\x82",
        b"\xff\xd8\xff\xe0" + bytes(60) + b"\xff\xd9",
        b"RIFF\x10\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00heicmif1",
        b"OggS\x00" + bytes(23) + b"OpusHead",
        b"\x1a\x45\xdf\xa3\x80\x42\x82\x84webm",
        b"%PDF-1.7\n%%EOF\n",
        b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x1a\x2b\x3c\x4d",
        b"BZh91AY&SY",
        bytes(257) + b"ustar",
        b"BM" + bytes(12) + b"\x28\0\0\0",
        b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0",
        b"\x00\x00\x01\x00\x01\x00\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0",
        b"\xff\xfb\x90\x00" + bytes(413) + b"\xff\xfb\x90\x00",
        b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9) + b"\xff\xf1\x50\x80\x02\x1f\xfc",
        bytes(ole),
        office.getvalue(),
        odt.getvalue(),
        gzip.compress(b"x", mtime=0),
        b"From a@b Thu Nov 22 10:00:00 2026\nSubject: x\n\n",
        b"From: a\nTo: b\nDate: c\n\nbody",
        b"<!doctype html><html>",
        b"<?xml version='1.0'?><!-- a --><svg xmlns=''>",
        b'{"a":[1,2,{"b":null}]}',
        b'{"a":1}\n{"a":2}\n',
        b"[03.11.26, 10:00] A: hello\n",
        b"\xff\xfeh\0i\0",
        b"BEGIN:VCARD\nEND:VCARD\n",
        b'{"key": "' + b"a" * 5000,
        b"7z\xbc\xaf\x27\x1c\0\4" + bytes(30),
        b"PK\x05\x06" + bytes(18),
    )


READERS = (
    Reader(
        name="form",
        about="an acquisition form in TOML: the same fields again",
        covers=("custody.procedure.forms:read_form",),
        read=_form,
        shape="lines",
        seeds=lambda: [
            forms.template().replace("#", "").encode(),
            forms.template().encode(),
            b'[capture]\nmethod = """a\nb"""\ncopy_grade = "export"\n[source]\nkind = \'app\'\n[note]\ntext = "x"\n',
        ],
    ),
    Reader(
        name="form-set",
        about="--set FIELD=VALUE: a field of the form, or a refusal",
        covers=("custody.procedure.forms:merge",),
        read=_set,
        seeds=_list(b"capture.method=photographed", b"method=x\nnote.text=y", b"text=z"),
        limit=4_000,
        shape="lines",
    ),
    Reader(
        name="ip-reference",
        about="a typed IP address: a canonical record, its address the same again",
        covers=(
            "custody.evidence.network.ip:ip_reference",
            "custody.evidence.network.ip:read_address",
            "custody.evidence.typed:text",
            "custody.evidence.typed:whole_number",
            "custody.evidence.typed:one_of",
        ),
        read=_ip,
        seeds=_ip_table,
        shape="lines",
        limit=4_000,
    ),
    Reader(
        name="payment-reference",
        about="a typed payment: a canonical record, its transaction's id the same again",
        covers=(
            "custody.evidence.blockchain.payment:payment_reference",
            "custody.evidence.blockchain.payment:chain_name",
            "custody.evidence.blockchain.ids:canonical_txid",
        ),
        read=_payment,
        seeds=_payment_table,
        shape="lines",
        limit=4_000,
    ),
    Reader(
        name="coin-reference",
        about="any text as an address, id, invoice, link or secret: kept whole, told, secrets masked",
        covers=(
            "custody.evidence.blockchain.caip:parse",
            "custody.evidence.blockchain.encodings.base58:decode",
            "custody.evidence.blockchain.encodings.base58:decode_check",
            "custody.evidence.blockchain.encodings.bech32:decode",
            "custody.evidence.blockchain.encodings.cashaddr:decode",
            "custody.evidence.blockchain.encodings.monero58:decode",
            "custody.evidence.blockchain.encodings.monero58:decode_check",
            "custody.evidence.blockchain.invoice:parse",
            "custody.evidence.blockchain.recognise:recognise",
            "custody.evidence.blockchain.secrets:find",
            "custody.evidence.blockchain.uri:parse",
        ),
        read=_coin,
        seeds=_coins,
        shape="lines",
        limit=2_000,
    ),
    Reader(
        name="instant",
        about="a written time: its instant reads as itself",
        covers=("custody.evidence.instants:read_instant", "custody.evidence.instants:offset_minutes"),
        read=_instant,
        seeds=lambda: (
            [b"\n".join(s.split(b"\n")[1:]) for s in _ip_table()]
            + [b"-1.5\n\n\ns", b"2026-12-31 23:59:60Z", b"1/2/2026 5:00"]
        ),
        shape="lines",
        limit=400,
    ),
    Reader(
        name="sniff",
        about="the first and last bytes of any file: a media type, never an error",
        covers=("custody.evidence.sniff:sniff", "custody.evidence.sniff:flags"),
        read=_sniff,
        seeds=lambda: [bytes([n & 31]) + seed for n, seed in enumerate(_kinds())],
        shape="lines",
        limit=70_000,
    ),
    Reader(
        name="libmagic",
        about="the first bytes of any file, to the library libmagic: a media type or nothing",
        covers=("custody.evidence.libmagic:media_type_of",),
        read=_libmagic,
        seeds=_kinds,
        limit=4_096,
        slow=True,
    ),
)
