"""Make the evidence of ``custody demo``: all of it invented here, the same bytes on every machine.

    python -m tests.make_samples

The names, the numbers and the story are made up; addresses are of the ranges kept for documentation
(RFC 5737, RFC 3849). ``tests/test_samples_demo.py`` compares the files with what this program makes.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "custody" / "cli" / "samples"
NOTICE = "SYNTHETIC SAMPLE made up for the demo of custody; no person, account or event in it is real"

# ---------------------------------------------------------------- pictures

_GLYPHS = """
A 0E11111F 111111 B 1E11111E 11111E C 0E111010 10110E D 1E111111 11111E E 1F10101E 10101F F 1F10101E 101010
G 0E111017 11110F H 1111111F 111111 I 0E040404 04040E J 07020202 02120C K 11121418 141211 L 10101010 10101F
M 111B1515 111111 N 11111915 131111 O 0E111111 11110E P 1E11111E 101010 Q 0E111111 15120D R 1E11111E 141211
S 0F10100E 01011E T 1F040404 040404 U 11111111 11110E V 11111111 110A04 W 11111115 151B11 X 11110A04 0A1111
Y 11110A04 040404 Z 1F010204 08101F 0 0E111315 19110E 1 040C0404 04040E 2 0E110106 08101F 3 1F020402 01110E
4 02060A12 1F0202 5 1F101E01 01110E 6 0608101E 11110E 7 1F010204 080808 8 0E11110E 11110E 9 0E11110F 01020C
. 00000000 000C0C , 00000000 0C0408 : 000C0C00 0C0C00 ? 0E110102 040004 ! 04040404 040004 - 0000001F 000000
' 0C040800 000000 / 01010204 081010 ( 02040808 080402 ) 08040202 020408 + 0004041F 040400
"""
_WORDS = _GLYPHS.split()
# Five by seven points; each row is one byte.
_FONT = {" ": bytes(7)} | {
    _WORDS[i]: bytes.fromhex(_WORDS[i + 1] + _WORDS[i + 2]) for i in range(0, len(_WORDS), 3)
}
_PALETTE = bytes.fromhex("e9e3d8 ffffff cdebc4 2b3438")
BACKGROUND, WHITE, GREEN, DARK = range(4)


class Picture:
    """Four colours, one byte a point."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows = [bytearray([BACKGROUND]) * width for _ in range(height)]

    def box(self, left: int, top: int, width: int, height: int, colour: int, *, corner: int = 0) -> None:
        for y in range(height):
            inset = max(0, corner - min(y, height - 1 - y))
            self.rows[top + y][left + inset : left + width - inset] = bytes([colour]) * (width - 2 * inset)

    def text(self, left: int, top: int, words: str, *, scale: int = 2, colour: int = DARK) -> None:
        for number, letter in enumerate(words.upper()):
            for y, bits in enumerate(_FONT[letter]):
                for x in range(5):
                    if bits >> (4 - x) & 1:
                        self.box(left + (number * 6 + x) * scale, top + y * scale, scale, scale, colour)

    def png(self) -> bytes:
        """The picture as a PNG with two bits a point, and the notice in a text chunk."""
        packed = bytearray()
        for row in self.rows:
            packed.append(0)
            for x in range(0, self.width, 4):
                packed.append(row[x] << 6 | row[x + 1] << 4 | row[x + 2] << 2 | row[x + 3])
        header = struct.pack(">IIBBBBB", self.width, self.height, 2, 3, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in (
                (b"IHDR", header),
                (b"PLTE", _PALETTE),
                (b"tEXt", b"Comment\x00" + NOTICE.encode()),
                (b"IDAT", deflated(bytes(packed), stride=1 + self.width // 4)),
                (b"IEND", b""),
            )
        )


# (base, extra bits) of the codes for lengths from 257 on and distances from 0 on (RFC 1951 3.2.5)
_LENGTHS = (
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1),
    (15, 1), (17, 1), (19, 2), (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3),
    (67, 4), (83, 4), (99, 4), (115, 4), (131, 5), (163, 5), (195, 5), (227, 5), (258, 0),
)  # fmt: skip
_DISTANCES = (
    (1, 0), (2, 0), (3, 0), (4, 0), (5, 1), (7, 1), (9, 2), (13, 2),
    (17, 3), (25, 3), (33, 4), (49, 4), (65, 5), (97, 5), (129, 6), (193, 6),
)  # fmt: skip


def deflated(data: bytes, *, stride: int) -> bytes:
    """A zlib stream of our own (RFC 1950, 1951): one block, fixed codes, matches one byte or one row back.

    zlib's own output differs between its versions and replacements, so it can't be compared.
    """
    bits: list[str] = ["1", "10"]  # last block; fixed codes (two bits, the lower one first)

    def lower_first(value: int, count: int) -> str:
        return format(value, f"0{count}b")[::-1] if count else ""

    def symbol(value: int) -> str:
        if value < 144:
            return format(0x30 + value, "08b")
        if value < 256:
            return format(0x190 + value - 144, "09b")
        if value < 280:
            return format(value - 256, "07b")
        return format(0xC0 + value - 280, "08b")

    at = 0
    while at < len(data):
        length, distance = 0, 0
        for back in (stride, 1):
            end = at
            while at >= back and end < len(data) and end - at < 258 and data[end] == data[end - back]:
                end += 1
            if end - at > length:
                length, distance = end - at, back
        if length < 3:
            bits.append(symbol(data[at]))
            at += 1
            continue
        code, (base, extra) = max((i, row) for i, row in enumerate(_LENGTHS) if row[0] <= length)
        bits += [symbol(257 + code), lower_first(length - base, extra)]
        code, (base, extra) = max((i, row) for i, row in enumerate(_DISTANCES) if row[0] <= distance)
        bits += [format(code, "05b"), lower_first(distance - base, extra)]
        at += length
    bits.append(symbol(256))
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 8)
    body = bytes(int(stream[i : i + 8][::-1], 2) for i in range(0, len(stream), 8))
    return b"\x78\x01" + body + struct.pack(">I", zlib.adler32(data))


def screenshot(title: str, now: str, lines: list[tuple[str, str, str]]) -> bytes:
    """A chat on a made-up telephone: (side, time, words), side ``in`` or ``out``."""
    picture = Picture(360, 640)
    picture.box(0, 0, 360, 22, DARK)
    picture.text(8, 4, "SYNTHETIC SAMPLE", colour=WHITE)
    picture.text(292, 4, now, colour=WHITE)
    picture.box(0, 22, 360, 44, GREEN)
    picture.box(10, 30, 28, 28, DARK, corner=9)
    picture.text(48, 37, title)
    top = 80
    for side, clock, words in lines:
        rows = wrapped(words, 20)
        width = max(12 * max(map(len, rows)) + 20, 90)
        height = 20 * len(rows) + 26
        left = 10 if side == "in" else 350 - width
        picture.box(left, top, width, height, WHITE if side == "in" else GREEN, corner=5)
        for number, row in enumerate(rows):
            picture.text(left + 10, top + 9 + 20 * number, row)
        picture.text(left + width - 38, top + height - 12, clock, scale=1)
        top += height + 12
    picture.box(10, 596, 340, 34, WHITE, corner=8)
    picture.text(24, 606, "MESSAGE")
    return picture.png()


def wrapped(words: str, longest: int) -> list[str]:
    rows = [""]
    for word in words.split():
        if rows[-1] and len(rows[-1]) + 1 + len(word) > longest:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}".strip()
    return rows


def ticket() -> bytes:
    picture = Picture(320, 150)
    picture.box(8, 8, 304, 134, WHITE, corner=6)
    rows = ("SYNTHETIC SAMPLE", "BUS TICKET NO. 000000", "SAMPLETOWN - DEMOVILLE", "28/03/2026 06:30")
    for number, row in enumerate(rows):
        picture.text(20, 24 + 28 * number, row)
    return picture.png()


# ---------------------------------------------------------------- the story

ONE, TWO = "Testa Sample", "Demo Example"
ATTACHED = "IMG-20260325-WA0001.png"
CHAT = f"""\
25/03/2026, 20:11 - {NOTICE}.
25/03/2026, 20:11 - {TWO}: Hello, I saw your post. You are looking for work?
25/03/2026, 20:12 - {ONE}: Yes. What kind of work is it?
25/03/2026, 20:13 - {TWO}: Hotel in Demoville. Very good pay.
You start on Monday.
25/03/2026, 20:14 - {ONE}: I have no money for the journey
25/03/2026, 20:15 - {TWO}: We pay for it. You pay back later from the wages.
25/03/2026, 20:16 - {TWO}: {ATTACHED} (file attached)
The ticket
25/03/2026, 20:19 - {ONE}: And the contract?
25/03/2026, 20:20 - {TWO}: You sign when you are here. Bring the passport, the boss keeps it in the safe.
25/03/2026, 20:24 - {ONE}: <Media omitted>
25/03/2026, 20:31 - {TWO}: Send no more voice messages. Don't tell anybody yet.
25/03/2026, 20:58 - {TWO}: This message was deleted
26/03/2026, 07:02 - {ONE}: Good morning. I need to think about it \U0001f64f
26/03/2026, 07:03 - {TWO}: Too late. The ticket is paid. You owe us 400.
"""

_AGENT = '"SyntheticSample/1.0 (made up for the demo of custody)"'
LOG = "".join(
    f'{address} - {user} [25/Mar/2026:{clock} +0100] "{request} HTTP/1.1" {status} {size} "-" {_AGENT}\n'
    for address, user, clock, request, status, size in (
        ("198.51.100.23", "-", "19:58:41", "GET /this-log-is-a-synthetic-sample", 404, 153),
        ("203.0.113.7", "-", "20:02:10", "GET /jobs/", 200, 5120),
        ("203.0.113.7", "-", "20:02:11", "GET /static/site.css", 200, 911),
        ("203.0.113.7", "-", "20:03:37", "POST /login", 401, 87),
        ("203.0.113.7", "demo.example", "20:03:52", "POST /login", 302, 0),
        ("203.0.113.7", "demo.example", "20:05:16", "POST /jobs/new", 201, 64),
        ("2001:db8:17::a41", "-", "20:08:03", "GET /jobs/4711", 200, 4302),
        ("192.0.2.140", "-", "20:08:20", "GET /robots.txt", 200, 40),
        ("2001:db8:17::a41", "testa.sample", "20:09:44", "POST /jobs/4711/reply", 201, 71),
        ("203.0.113.7", "demo.example", "20:10:31", "GET /inbox", 200, 2204),
        ("198.51.100.88", "-", "20:40:00", "GET /wp-login.php", 404, 153),
        ("203.0.113.7", "demo.example", "21:15:09", "DELETE /jobs/4711", 204, 0),
    )
)

README = f"""\
{NOTICE}.

What lies here is the evidence that "custody demo" takes in. All of it was written
for that purpose by tests/make_samples.py, which makes the same bytes every time:

chat-export.zip    a chat as WhatsApp's "export chat" writes it, with one picture
screenshot-1.png   a drawn screenshot of the same chat
screenshot-2.png   another one, of the next morning
access.log         a web server's log; the times have their offset (+0100)

The people are called {ONE} and {TWO}, and neither exists. The addresses
are from the ranges that are kept for documentation (RFC 5737, RFC 3849) and
belong to nobody.
"""


def samples() -> dict[str, bytes]:
    """Every file by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, data in ((f"WhatsApp Chat with {TWO}.txt", CHAT.encode()), (ATTACHED, ticket())):
            member = zipfile.ZipInfo(name, (2026, 3, 26, 8, 30, 0))
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, data)
    return {
        "README.txt": README.encode(),
        "access.log": LOG.encode(),
        "chat-export.zip": out.getvalue(),
        "screenshot-1.png": screenshot(
            TWO,
            "20:16",
            [
                ("in", "20:11", "Hello, I saw your post. You are looking for work?"),
                ("out", "20:12", "Yes. What kind of work is it?"),
                ("in", "20:13", "Hotel in Demoville. Very good pay. You start on Monday."),
                ("out", "20:14", "I have no money for the journey"),
                ("in", "20:15", "We pay for it. You pay back later from the wages."),
            ],
        ),
        "screenshot-2.png": screenshot(
            TWO,
            "07:05",
            [
                ("in", "20:31", "Send no more voice messages. Don't tell anybody yet."),
                ("in", "20:58", "This message was deleted"),
                ("out", "07:02", "Good morning. I need to think about it"),
                ("in", "07:03", "Too late. The ticket is paid. You owe us 400."),
            ],
        ),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in samples().items():
        (FOLDER / name).write_bytes(data)
        print(f"{name}: {len(data)} bytes")
