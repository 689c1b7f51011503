"""Write the test vectors into ``tests/vectors/``: ``python -m tests.make_vectors [--check]``.

One file, one fault: what is given, which check is to run, and what it must say. Everything that the
formats draw at random is a hash of a name here, so that all files come out the same, byte for byte, on
every machine. Two things can't: an ML-DSA-44 signature of this library is another one each time, and so
is an HPKE message. These stand in ``stored.json``, found by what they are for; each is checked when it
is taken, and a missing one is made (docs/format/tree-and-note.md).

The sealed bytes are made by a writer of our own, `cobblestone`, apart from the code under test.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from custody.crypto import envelopes, keys, public_keys, sealing, wrapping
from custody.format import canonical, contexts, merkle, note, package, padding, proof
from custody.format.envelope import APPROVAL_TYPE, ENTRY_TYPE, KEY_TYPE, Envelope
from custody.format.names import key_id

FOLDER = Path(__file__).resolve().parent / "vectors"
STORED = FOLDER / "stored.json"

Vector = dict[str, Any]


def drawn(name: str, length: int = 32) -> bytes:
    """So many bytes that look random and are always the same."""
    return hashlib.shake_256(b"custody vectors: " + name.encode()).digest(length)


def uuid7(name: str) -> str:
    number = drawn(f"id {name}", 10).hex()
    return f"019ab000-0000-7{number[:3]}-a{number[3:6]}-{number[6:18]}"


def origin_of(name: str) -> str:
    return "custody/" + base64.b32encode(drawn(f"origin {name}", 17)).decode().lower()[:26]


ORIGIN = origin_of("first")
OTHER_ORIGIN = origin_of("second")
LEDGER, CASE, OTHER_CASE, EXHIBIT, ITEM = (uuid7(x) for x in ("ledger", "case", "other", "exhibit", "item"))
NEXT_ORIGIN, NEXT_LEDGER = origin_of("next volume"), uuid7("next ledger")
WALL = "2026-11-22T10:00:00.000Z"


class Stored:
    """Signatures and messages that can't be made twice."""

    def __init__(self) -> None:
        self.values: dict[str, str] = json.loads(STORED.read_text("ascii")) if STORED.exists() else {}
        self.used: dict[str, str] = {}

    def get(self, name: str, make: Callable[[], bytes], good: Callable[[bytes], bool]) -> bytes:
        found = base64.b64decode(self.values.get(name, ""))
        if not found or not good(found):
            found = make()
            if not good(found):
                raise SystemExit(f"{name}: what was just made does not check")
        self.used[name] = base64.b64encode(found).decode()
        return found


STORE = Stored()


def ml_dsa(log_keys: keys.LogKeys, message: bytes) -> bytes:
    public = log_keys.public["ml-dsa-44"]

    def good(signature: bytes) -> bool:
        try:
            keys.verify_ml_dsa(public, signature, message, where="stored")
        except keys.SignatureInvalid:
            return False
        return True

    name = f"ml-dsa-44 {hashlib.sha256(public + message).hexdigest()}"
    return STORE.get(name, lambda: log_keys.sign_ml_dsa(message), good)


def hpke(seed: bytes, info: bytes, secret: bytes) -> bytes:
    def good(message: bytes) -> bool:
        try:
            return wrapping.unwrap(seed, info, message, where="stored") == secret
        except wrapping.WrapBroken:
            return False

    name = f"hpke {hashlib.sha256(seed + info + secret).hexdigest()}"
    return STORE.get(name, lambda: wrapping.wrap(wrapping.wrap_key_of(seed), info, secret), good)


def cobblestone(key: bytes, context: bytes, plain: bytes, salt: bytes) -> bytes:
    """Sealed bytes, with a salt that is given."""
    label = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
    material = HKDFExpand(hashes.SHA512(), 76, label + salt + context).derive(key)
    nonce = int.from_bytes(material[32:44], "big")
    chunks = [plain[i : i + 16384] for i in range(0, len(plain), 16384)]
    if not chunks or len(chunks[-1]) == 16384:
        chunks.append(b"")  # the last one is shorter: that is how the end is told
    sealed = salt + material[44:]
    for index, chunk in enumerate(chunks):
        sealed += AESGCM(material[:32]).encrypt((nonce ^ index).to_bytes(12, "big"), chunk, None)
    return sealed


# --- what a vector looks like -----------------------------------------------------------------------------


def data(value: bytes | str) -> dict[str, str]:
    """Bytes in the plainest spelling that shows them: text where it is plain, else hex."""
    raw = value.encode() if isinstance(value, str) else value
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": raw.hex()}
    plain = all(char == "\n" or (char.isprintable() and char != "\ufeff") for char in text)
    return {"utf8": text} if plain else {"hex": raw.hex()}


def ok(about: str, run: str, result: Any = None, **given: Any) -> Vector:
    return {"about": about, "run": run, "given": given, "expect": {"ok": result}}


def bad(about: str, run: str, error: str, says: str, **given: Any) -> Vector:
    return {"about": about, "run": run, "given": given, "expect": {"error": error, "says": says}}


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


# --- canonical JSON ---------------------------------------------------------------------------------------


def canonical_json() -> Iterator[tuple[str, Vector]]:
    def good(name: str, text: str | bytes, about: str) -> tuple[str, Vector]:
        raw = text.encode() if isinstance(text, str) else text
        return name, ok(about, "canonical-json", json.loads(raw), data=data(raw))

    def fault(name: str, text: str | bytes, says: str, about: str) -> tuple[str, Vector]:
        return name, bad(about, "canonical-json", "FormatError", says, data=data(text))

    yield good("good-empty", "{}", "an empty object")
    yield good("good-all-types", '{"a":[true,false,null,0,9007199254740991,""],"b":{}}', "all that there is")
    yield good(
        "good-escapes", '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\/\u007f€😀"', "the only escapes that exist"
    )
    yield good("good-order", '{"":1,"A":2,"a":3,"é":4,"😀":5,"ﬀ":6}', "keys by UTF-16 code units")
    yield good("good-depth-16", "[" * 16 + "]" * 16, "sixteen levels")
    yield good("good-bare-string", '"[[[[[[[[[[[[[[[[[[[["', "brackets in a text are no levels")
    spelling = "one canonical spelling"
    yield fault("float", '{"a":1.5}', "not a plain integer", "a fraction")
    yield fault("float-whole", '{"a":1.0}', "not a plain integer", "1.0 is another spelling of 1")
    yield fault("exponent", '{"a":1e3}', "not a plain integer", "1e3 is another spelling of 1000")
    yield fault("nan", '{"a":NaN}', "not a plain integer", "no JSON at all, but readers take it")
    yield fault("infinity", '{"a":-Infinity}', "not a plain integer", "no JSON at all, but readers take it")
    yield fault("minus-zero", '{"a":-0}', "integer outside", "minus zero")
    yield fault("negative", '{"a":-1}', "integer outside", "no quantity of ours is negative")
    yield fault("integer-2-53", '{"a":9007199254740992}', "integer outside", "2^53: other readers round it")
    yield fault("integer-5000-digits", '{"a":' + "9" * 5000 + "}", "integer outside", "int() would raise")
    yield fault("leading-zero", '{"a":01}', "not JSON", "a number with a leading zero")
    yield fault("doubled-key", '{"a":1,"a":2}', spelling, "readers differ in which one they take")
    yield fault("order", '{"b":1,"a":2}', spelling, "keys out of order")
    yield fault("order-code-points", '{"ﬀ":6,"😀":5}', spelling, "ordered by code points, not by UTF-16")
    yield fault("space", '{"a": 1}', spelling, "white space")
    yield fault("newline-at-end", '{"a":1}\n', spelling, "a line end behind it")
    yield fault("trailing-bytes", '{"a":1}{}', "not JSON", "something behind it")
    yield fault("escape-slash", '"\\/"', spelling, "a slash needs no escape")
    yield fault("escape-letter", '"\\u0061"', spelling, "an escape of a plain letter")
    yield fault("escape-upper-hex", '"\\u001F"', spelling, "hex digits of an escape are lower case")
    yield fault("escape-pair", '"\\ud83d\\ude00"', spelling, "a surrogate pair instead of the character")
    yield fault("raw-control", b'"\x1f"', "not JSON", "a control character as it is")
    yield fault("lone-surrogate", '"\\ud800"', "lone surrogate", "half a character, as an escape")
    yield fault("lone-surrogate-key", '{"\\udfff":1}', "lone surrogate", "half a character in a key")
    yield fault("surrogate-bytes", b'"\xed\xa0\x80"', "not UTF-8", "half a character, as bytes")
    yield fault("overlong", b'"\xc0\xaf"', "not UTF-8", "an overlong spelling of a slash")
    yield fault("latin-1", b'"caf\xe9"', "not UTF-8", "another encoding")
    yield fault("utf-16", '{"a":1}'.encode("utf-16-le"), "not JSON", "another encoding that begins alike")
    yield fault("bom", b"\xef\xbb\xbf{}", "not JSON", "a byte order mark in front")
    yield fault("depth-17", "[" * 17 + "]" * 17, "nested too deeply", "seventeen levels")
    yield fault(
        "depth-30000", "[" * 30000, "nested too deeply", "the standard parser would raise RecursionError"
    )
    yield fault("too-long", '"' + "a" * 65535 + '"', "too long", "65,537 bytes")
    yield fault("empty", "", "not JSON", "nothing")
    yield fault("single-quotes", "{'a':1}", "not JSON", "not JSON")
    yield fault("comment", '{"a":1}/**/', "not JSON", "not JSON")


# --- names, base64, times ---------------------------------------------------------------------------------


def names_() -> Iterator[tuple[str, Vector]]:
    def each(form: str, goods: list[str], faults: dict[str, str], error: str) -> Iterator[tuple[str, Vector]]:
        for number, text in enumerate(goods):
            yield f"{form}-good-{number}", ok("taken", form, text, text=text)
        for name, text in faults.items():
            yield f"{form}-{name}", bad(name.replace("-", " "), form, "FormatError", error, text=text)

    yield from each(
        "origin",
        [ORIGIN, "custody/" + "a" * 26],
        {
            "upper-case": "custody/" + "A" * 26,
            "digit-that-base32-lacks": "custody/" + "a" * 25 + "1",
            "too-short": ORIGIN[:-1],
            "too-long": ORIGIN + "a",
            "another-word": "custodian" + ORIGIN[7:],
            "newline-at-end": ORIGIN + "\n",
            "dsse-prefix": "DSSEv1 " + "a" * 26,
            "cosignature-prefix": "cosignature/" + "a" * 26,
            "a-name": "custody/shelter-north",
        },
        "not an origin",
    )
    yield from each(
        "id",
        [ITEM, "00000000-0000-7000-8000-000000000000"],
        {
            "version-4": ITEM[:14] + "4" + ITEM[15:],
            "variant": ITEM[:19] + "c" + ITEM[20:],
            "upper-case": ITEM.upper(),
            "braces": "{" + ITEM + "}",
            "no-dashes": ITEM.replace("-", ""),
            "newline-at-end": ITEM + "\n",
            "other-digits": ITEM[:-1] + "٣",
        },
        "not an id",
    )
    yield from each(
        "exhibit-label",
        ["A-3", "0", "A.B-C", "X" * 24],
        {
            "a-name": "Anna",
            "lower-case": "a-3",
            "space": "A 3",
            "dot-first": ".A",
            "dash-first": "-A",
            "empty": "",
            "25-characters": "X" * 25,
            "slash": "A/3",
            "newline-at-end": "A-3\n",
            "cyrillic-a": "А-3",
        },
        "not an exhibit label",
    )
    yield from each(
        "item-label",
        ["A-3/01", "A-3/999999", "A-3/01.1", "A-3/01.2.10"],
        {
            "one-digit": "A-3/1",
            "seven-digits": "A-3/1234567",
            "no-number": "A-3/",
            "derived-zero": "A-3/01.0",
            "derived-leading-zero": "A-3/01.01",
            "two-slashes": "A-3/01/02",
            "newline-at-end": "A-3/01\n",
        },
        "not an item label",
    )
    yield from each(
        "time",
        [WALL, "9999-12-31T23:59:59.999Z"],
        {
            "no-zone": WALL[:-1],
            "offset": WALL[:-1] + "+00:00",
            "no-milliseconds": "2026-11-22T10:00:00Z",
            "microseconds": "2026-11-22T10:00:00.000000Z",
            "space": WALL.replace("T", " "),
            "lower-case-z": WALL.lower(),
            "hour-24": "2026-11-22T24:00:00.000Z",
            "month-13": "2026-13-22T10:00:00.000Z",
            "leap-second": "2026-11-22T23:59:60.000Z",
        },
        "not a UTC time",
    )
    yield from each(
        "digest",
        [drawn("digest").hex()],
        {
            "upper-case": drawn("digest").hex().upper(),
            "short": drawn("digest").hex()[:-2],
            "prefix": "sha256:" + drawn("digest").hex(),
            "newline-at-end": drawn("digest").hex() + "\n",
        },
        "not a SHA-256",
    )
    for number, (text, raw) in enumerate([("", b""), ("AA==", b"\0"), ("+/+/", b"\xfb\xff\xbf")]):
        yield f"base64-good-{number}", ok("taken", "base64", raw.hex(), text=text)
    for name, (text, says) in {
        "unused-bits": ("AB==", "not canonical"),
        "unused-bits-3": ("AAB=", "not canonical"),
        "no-padding": ("AA", "not base64"),
        "padding-too-long": ("AAAA====", "base64"),
        "url-alphabet": ("-_-_", "not base64"),
        "line-break": ("AAAA\nAAAA", "not base64"),
        "space": ("AAAA AAAA", "not base64"),
        "padding-inside": ("AA==AAAA", "base64"),
        "other-script": ("АААА", "not base64"),
    }.items():
        yield f"base64-{name}", bad(name.replace("-", " "), "base64", "FormatError", says, text=text)


# --- contexts ---------------------------------------------------------------------------------------------


def contexts_() -> Iterator[tuple[str, Vector]]:
    recipient = key_id(drawn("recipient"))

    def given(form: str, *values: Any) -> Vector:
        result = getattr(contexts, {"object": "object_"}.get(form, form))(*values)
        return ok(f"the context of a {form}", f"context-{form}", result.hex(), values=list(values))

    yield "compartment", given("compartment", ORIGIN, ITEM, 23, "content")
    yield "compartment-largest-n", given("compartment", ORIGIN, ITEM, 2**53 - 1, "note")
    yield "compartment-framing-left", given("compartment", "x/1", "23", 0, "content")
    yield "compartment-framing-right", given("compartment", "x/12", "3", 0, "content")
    yield "object", given("object", ORIGIN, ITEM)
    yield "wrap-one", given("wrap", ORIGIN, ITEM, recipient, ["record"])
    yield "wrap-all", given("wrap", ORIGIN, ITEM, recipient, list(sealing.CLASSES))
    yield "wrap-order", given("wrap", ORIGIN, ITEM, recipient, ["note", "record"])
    yield "row", given("row", ORIGIN, uuid7("batch"), ITEM, "object")
    long = bad(
        "65,536 bytes have no u16 length",
        "context-object",
        "FormatError",
        "too long",
        values=["x" * 65536, ITEM],
    )
    yield "text-too-long", long


# --- padding ----------------------------------------------------------------------------------------------


def padding_() -> Iterator[tuple[str, Vector]]:
    for length in (
        0,
        1,
        2,
        8,
        9,
        15,
        16,
        17,
        100,
        1000,
        4095,
        65537,
        1 << 20,
        (1 << 20) + 1,
        1 << 30,
        10**12 + 7,
    ):
        name = f"padme-{length}"
        yield name, ok("the padded size of an object", "padme", padding.padme(length), length=length)

    value = {"text": "hello"}
    plain = padding.pad_compartment(value, where="vector")
    yield "good", ok("one step", "unpad", value, data={"hex": plain.hex()})
    brim = {"text": "a" * (256 - 4 - len('{"text":""}'))}
    full = padding.pad_compartment(brim, where="vector")
    yield "good-full-step", ok("no padding at all", "unpad", brim, data={"hex": full.hex()})

    def fault(name: str, raw: bytes, says: str, about: str) -> tuple[str, Vector]:
        return name, bad(about, "unpad", "FormatError", says, data={"hex": raw.hex()})

    inner = canonical.encode(value)

    def framed(text: bytes, length: int | None = None, size: int = 256) -> bytes:
        return ((len(text) if length is None else length).to_bytes(4, "big") + text).ljust(size, b"\0")

    yield fault("not-zero", plain[:-1] + b"\1", "padding that is not zero", "a hidden bit at the end")
    yield fault(
        "not-zero-first",
        framed(inner + b"x", len(inner)),
        "padding that is not zero",
        "right behind the JSON",
    )
    yield fault("not-minimal", plain + bytes(256), "does not fit", "one step too many")
    yield fault("length-too-large", framed(inner, 253), "does not fit", "a length beyond the plaintext")
    yield fault("length-huge", framed(inner, 2**32 - 1), "does not fit", "a length of 4 GiB")
    yield fault("length-too-small", framed(inner, len(inner) - 1), "not zero", "a length that cuts the JSON")
    yield fault("length-too-small-json", framed(b'"text"'[:4], 4), "not JSON", "half a text")
    yield fault("not-a-step", plain[:-1], "not a compartment's length", "255 bytes")
    yield fault("empty", b"", "not a compartment's length", "nothing")
    yield fault("zero-length", bytes(256), "not JSON", "no JSON inside")
    yield fault("not-an-object", framed(b"[]"), "not a JSON object", "a list")
    yield fault("not-canonical", framed(b'{"text": "hello"}'), "canonical", "a space in the JSON")


# --- sealing and wrapping ---------------------------------------------------------------------------------


def sealing_() -> Iterator[tuple[str, Vector]]:
    class_key, salt = drawn("class key"), drawn("salt", 24)
    context = contexts.compartment(ORIGIN, ITEM, 0, "note")
    key = sealing.compartment_key(class_key, ORIGIN, ITEM, 0, "note")
    value = {"text": "a note"}
    plain = padding.pad_compartment(value, where="vector")
    sealed = cobblestone(key, context, plain, salt)
    common = {"key": key.hex(), "origin": ORIGIN, "subject": ITEM, "n": 0, "compartment": "note"}

    def part(raw: bytes, **other: Any) -> dict[str, Any]:
        return {**common, "sealed": raw.hex(), **other}

    def fault(name: str, about: str, given: dict[str, Any]) -> tuple[str, Vector]:
        return name, bad(about, "open-compartment", "SealBroken", "does not open", **given)

    yield (
        "compartment-key",
        ok(
            "HKDF of the class key, with the context as info",
            "compartment-key",
            key.hex(),
            class_key=class_key.hex(),
            origin=ORIGIN,
            subject=ITEM,
            n=0,
            compartment="note",
        ),
    )
    yield "good", ok("a sealed note", "open-compartment", value, **part(sealed))
    yield fault("wrong-key", "the key of another class", part(sealed, key=drawn("another").hex()))
    yield fault("wrong-n", "the same part, shown as of another entry", part(sealed, n=1))
    yield fault("wrong-compartment", "shown under another name", part(sealed, compartment="identity"))
    yield fault("wrong-subject", "shown as of another item", part(sealed, subject=uuid7("other item")))
    yield fault("wrong-origin", "shown as of another ledger", part(sealed, origin=OTHER_ORIGIN))
    unframed = f"{ORIGIN}|0|note".encode()
    yield fault(
        "unframed-context",
        "sealed under a context without lengths",
        part(cobblestone(key, unframed, plain, salt)),
    )
    for name, place in {"salt": 0, "commitment": 24, "content": 56, "tag": len(sealed) - 1}.items():
        changed = bytearray(sealed)
        changed[place] ^= 1
        yield fault(f"bit-{name}", f"one bit of the {name}", part(bytes(changed)))
    yield fault("truncated", "a byte is missing at the end", part(sealed[:-1]))
    yield fault("appended", "a byte too many at the end", part(sealed + b"\0"))
    yield fault("header-only", "no content at all", part(sealed[:56]))
    yield fault("empty", "nothing", part(b""))
    open_twin = cobblestone(drawn("twin"), context, plain, salt)
    forged = open_twin[:24] + sealed[24:56] + open_twin[56:]
    yield fault(
        "commitment-of-another-key", "content of one key under the commitment of another", part(forged)
    )
    loose = cobblestone(key, context, plain[:-1] + b"\1", salt)
    yield (
        "padding-not-zero",
        bad(
            "opens, but hides a bit",
            "open-compartment",
            "FormatError",
            "padding that is not zero",
            **part(loose),
        ),
    )

    object_key = sealing.object_key(drawn("object class key"), ORIGIN, ITEM)
    object_context = contexts.object_(ORIGIN, ITEM)
    for name, size in {"empty": 0, "chunk-exactly": 16384, "two-chunks": 16385}.items():
        content = drawn("content", size)
        raw = cobblestone(object_key, object_context, content, salt)
        given = {"key": object_key.hex(), "origin": ORIGIN, "item": ITEM, "sealed": b64(raw)}
        yield (
            f"object-{name}",
            ok(f"{size} bytes", "open-object", hashlib.sha256(content).hexdigest(), **given),
        )
    raw = cobblestone(object_key, object_context, drawn("content", 40000), salt)
    chunk = 16384 + 16
    first, second, rest = raw[56 : 56 + chunk], raw[56 + chunk : 56 + 2 * chunk], raw[56 + 2 * chunk :]
    for name, body, about in (
        ("chunks-swapped", second + first + rest, "two chunks have changed places"),
        ("chunk-missing", first + rest, "a chunk was taken out"),
        ("chunk-twice", first + first + second + rest, "a chunk stands twice"),
        ("last-chunk-missing", first + second, "the end was cut off at a chunk"),
    ):
        given = {"key": object_key.hex(), "origin": ORIGIN, "item": ITEM, "sealed": b64(raw[:56] + body)}
        yield f"object-{name}", bad(about, "open-object", "SealBroken", "does not open", **given)

    seed = drawn("wrap seed", wrapping.WRAP_SEED_BYTES)
    recipient = key_id(drawn("recipient"))
    classes = ["record", "note"]
    secret = drawn("record key") + drawn("note key")
    info = contexts.wrap(ORIGIN, ITEM, recipient, classes)
    message = hpke(seed, info, secret)
    wrap = {"seed": seed.hex(), "origin": ORIGIN, "subject": ITEM, "recipient": recipient, "classes": classes}
    yield (
        "wrap-good",
        ok("two class keys in one message", "unwrap", secret.hex(), **wrap, message=message.hex()),
    )
    for name, change, about in (
        ("wrong-recipient", {"seed": drawn("other seed", wrapping.WRAP_SEED_BYTES).hex()}, "another seed"),
        ("other-recipient-id", {"recipient": key_id(drawn("other"))}, "info names another key id"),
        ("other-subject", {"subject": CASE}, "info names another subject"),
        ("other-origin", {"origin": OTHER_ORIGIN}, "info names another ledger"),
        ("other-classes", {"classes": ["identity", "note"]}, "the record key passed off as the identity key"),
        ("classes-swapped", {"classes": ["note", "record"]}, "the two keys passed off as each other"),
        ("truncated", {"message": message[:-1].hex()}, "a byte is missing"),
        ("empty", {"message": ""}, "nothing"),
    ):
        given = {**wrap, "message": message.hex(), **change}
        yield f"wrap-{name}", bad(about, "unwrap", "WrapBroken", "do not open", **given)

    batch_key, nonce, batch = drawn("batch key"), drawn("row nonce", 12), uuid7("batch")
    row = wrapping.wrap_row(
        wrapping.RowKey(batch_key), contexts.row(ORIGIN, batch, ITEM, "record"), drawn("record key"), nonce
    )
    rows = {"key": batch_key.hex(), "origin": ORIGIN, "batch": batch, "subject": ITEM, "class": "record"}
    yield (
        "row-good",
        ok("a class key under its batch key", "unwrap-row", drawn("record key").hex(), **rows, row=row.hex()),
    )
    for name, change, about in (
        ("wrong-key", {"key": drawn("other batch key").hex()}, "the batch key of another class"),
        ("other-subject", {"subject": uuid7("other item")}, "the row of another item"),
        ("other-batch", {"batch": uuid7("other batch")}, "the row of another batch"),
        ("other-class", {"class": "identity"}, "the row of another class"),
        ("bit", {"row": (bytes([row[0] ^ 1]) + row[1:]).hex()}, "one bit of the nonce"),
        ("short", {"row": row[:20].hex()}, "twenty bytes"),
    ):
        given = {**rows, "row": row.hex(), **change}
        yield f"row-{name}", bad(about, "unwrap-row", "WrapBroken", "does not open", **given)


# --- keys -------------------------------------------------------------------------------------------------

P = 2**255 - 19
_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_TORSION_Y = (0, 1, P - 1, _ORDER_8, P - _ORDER_8)


def key_file() -> Iterator[tuple[str, Vector]]:
    """Every spelling of the eight points of small order, and other keys that are none."""
    yield "good", ok("a key", "sign-key", None, key=keys.SignKey(drawn("signer")).public.hex())
    for y in _TORSION_Y:
        for number in (y, y + P):
            for sign in (0, 1):
                if number < 2**255:
                    raw = (number | sign << 255).to_bytes(32, "little")
                    canonical_ = number < P and not (sign and y in (1, P - 1))
                    says = "small order" if canonical_ else "not canonical"
                    about = "under such a key one fixed signature fits every message"
                    yield (
                        f"small-order-{raw.hex()}",
                        bad(about, "sign-key", "FormatError", says, key=raw.hex()),
                    )
    yield (
        "not-on-the-curve",
        bad("y = 2", "sign-key", "FormatError", "not on the curve", key=(2).to_bytes(32, "little").hex()),
    )
    beyond = (P + 3).to_bytes(32, "little")
    yield "beyond-the-field", bad("y = p + 3", "sign-key", "FormatError", "not canonical", key=beyond.hex())
    yield (
        "31-bytes",
        bad("a byte is missing", "sign-key", "FormatError", "not an Ed25519 key", key=bytes([9] * 31).hex()),
    )

    custodian = keys.CustodianKeys(keys.SignKey(drawn("collector")), None)
    good = public_keys.make(custodian, WALL)
    yield "public-good", ok("a collector's", "public-key-file", good.key_id, data=data(good.to_bytes()))

    def resigned(name: str, about: str, error: str, says: str, change: dict[str, Any]) -> tuple[str, Vector]:
        body = {**json.loads(good.payload), **change}
        body = {key: value for key, value in body.items() if value != "absent"}
        made = envelopes.sign(KEY_TYPE, canonical.encode(body), custodian.sign)
        return f"public-{name}", bad(about, "public-key-file", error, says, data=data(made.to_bytes()))

    other = b64(keys.SignKey(drawn("somebody")).public)
    yield resigned(
        "of-another", "signed by another key than it names", "CheckFailed", "another key", {"sign_key": other}
    )
    yield resigned(
        "small-order",
        "the identity point",
        "FormatError",
        "small order",
        {"sign_key": b64(bytes([1]) + bytes(31))},
    )
    yield resigned("newer", "version 2", "FormatError", "newer custody", {"v": 2})
    yield resigned("version-true", "true is not 1", "FormatError", "not a number", {"v": True})
    yield resigned("extra-field", "a name in clear", "FormatError", "does not have", {"name": "Anna"})
    yield resigned("no-time", "a field is missing", "FormatError", "missing", {"made": "absent"})
    yield resigned(
        "wrap-key-short", "a wrapping key of 32 bytes", "FormatError", "another length", {"wrap_key": other}
    )
    zero = b64(wrapping.wrap_key_of(drawn("wrap seed", 96))[:1184] + bytes(32))
    yield resigned(
        "wrap-key-small-order", "an X25519 half of zeros", "FormatError", "wrapping key", {"wrap_key": zero}
    )
    broken = copy.copy(json.loads(good.to_bytes()))
    broken["signatures"][0]["sig"] = b64(bytes(64))
    yield (
        "public-unsigned",
        bad(
            "zeros as signature",
            "public-key-file",
            "CheckFailed",
            "signature does not fit",
            data=data(canonical.encode(broken)),
        ),
    )


# --- entries ----------------------------------------------------------------------------------------------

ADMIN, SECOND, COLLECTOR, STRANGER = (
    keys.SignKey(drawn(name)) for name in ("admin", "second", "collector", "stranger")
)
LOG_KEYS = keys.LogKeys(drawn("log ed25519"), drawn("log ml-dsa"))


def possession(key: keys.SignKey) -> dict[str, Any]:
    return public_keys.make(keys.CustodianKeys(key, None), WALL).to_value()


class Record:
    """A ledger in memory, whose entries are right unless one is told otherwise."""

    def __init__(self, origin: str = ORIGIN, earlier: tuple[bytes, ...] = ()) -> None:
        self.origin = origin
        self.earlier = earlier
        """The entries of the volumes before this one."""
        self.stored: list[bytes] = []
        self._heads: dict[str, tuple[int, str]] = {}

    def root(self) -> str:
        leaves = [merkle.leaf_hash(item) for item in self.stored]
        return naive_root(leaves).hex()

    def body(
        self,
        kind: str,
        subject_type: str,
        subject: str,
        *,
        key: keys.SignKey = ADMIN,
        case: str | None = None,
        public: dict[str, Any] | None = None,
        parts: tuple[str, ...] = (),
        approvals: list[Any] | None = None,
        group: str | None = None,
    ) -> dict[str, Any]:
        n, prev = self._heads.get(subject, (-1, None))
        return {
            "v": 1,
            "ledger": self.origin,
            "seq": len(self.stored),
            "root": self.root(),
            "kind": kind,
            "actor": key.key_id,
            "subject": {"type": subject_type, "id": subject, "n": n + 1, "prev": prev},
            "case": case,
            "group": group,
            "time": {"wall": WALL, "session": None, "mono": None},
            "public": public or {},
            "sealed": {name: drawn(f"{len(self.stored)} {name}").hex() for name in parts},
            "approvals": approvals or [],
        }

    def put(self, body: dict[str, Any], key: keys.SignKey = ADMIN) -> bytes:
        made = envelopes.sign(ENTRY_TYPE, canonical.encode(body), key).to_bytes()
        self.stored.append(made)
        subject = body["subject"]
        self._heads[subject["id"]] = (subject["n"], merkle.leaf_hash(made).hex())
        return made

    def add(
        self, kind: str, subject_type: str, subject: str, *, key: keys.SignKey = ADMIN, **rest: Any
    ) -> bytes:
        return self.put(self.body(kind, subject_type, subject, key=key, **rest), key)

    # The entries that nearly every record has

    def genesis(self, **change: Any) -> bytes:
        public = {
            "rules": 1,
            "log_keys": [{"alg": alg, "key": b64(key)} for alg, key in LOG_KEYS.public.items()],
            "custodian": {
                "sign_key": b64(ADMIN.public),
                "wrap_key": None,
                "rights": ["admin", "seal", "collect", "audit"],
            },
            "recovery": "none",
            "certificate": None,
            "predecessor": None,
            **change,
        }
        return self.add(
            "ledger.created",
            "ledger",
            LEDGER,
            public=public,
            parts=("identity",),
            approvals=[possession(ADMIN)],
        )

    def go_on(
        self,
        key: keys.SignKey,
        rights: list[str],
        *,
        origin: str = NEXT_ORIGIN,
        ledger: str = NEXT_LEDGER,
        named: keys.SignKey | None = None,
        predecessor: dict[str, Any] | None = None,
    ) -> Record:
        """The next volume, begun by ``key``: `ledger.continued`."""
        n, leaf = self._heads[LEDGER]
        made = Record(origin, (*self.earlier, *self.stored))
        seeds = keys.LogKeys(drawn("next log ed25519"), drawn("next log ml-dsa"))
        public = {
            "rules": 1,
            "log_keys": [{"alg": alg, "key": b64(key)} for alg, key in seeds.public.items()],
            "custodian": {"sign_key": b64((named or key).public), "wrap_key": None, "rights": rights},
            "recovery": "none",
            "certificate": None,
            "predecessor": {
                "origin": self.origin,
                "size": len(self.stored),
                "root": self.root(),
                "note": None,
                "n": n,
                "leaf": leaf,
                **(predecessor or {}),
            },
        }
        made.add(
            "ledger.continued",
            "ledger",
            ledger,
            key=key,
            public=public,
            parts=("identity",),
            approvals=[possession(named or key)],
        )
        return made

    def from_(self, subject: str) -> dict[str, Any]:
        """What a first entry of the next volume about a subject says that it goes on from."""
        n, leaf = self._heads[subject]
        return {"from": {"ledger": self.origin, "n": n, "leaf": leaf}}

    def custodian(
        self,
        key: keys.SignKey,
        rights: list[str],
        *,
        by: keys.SignKey = ADMIN,
        all_cases: bool = False,
        recovery: bool = False,
    ) -> bytes:
        public = {
            "sign_key": b64(key.public),
            "wrap_key": None,
            "rights": rights,
            "all_cases": all_cases,
            "unattended": False,
            "recovery": recovery,
        }
        return self.add(
            "custodian.added",
            "ledger",
            LEDGER,
            key=by,
            public=public,
            parts=("identity",),
            approvals=[possession(key)],
        )

    def case(self, case: str = CASE, key: keys.SignKey = ADMIN) -> bytes:
        return self.add("case.opened", "case", case, key=key, case=case, parts=("title",))

    def exhibit(self, key: keys.SignKey = ADMIN) -> bytes:
        public = {"label": "A-1", "act": "files"}
        return self.add(
            "exhibit.acquired", "exhibit", EXHIBIT, key=key, case=CASE, public=public, parts=("capture",)
        )

    def item(self, key: keys.SignKey = ADMIN, item: str = ITEM) -> bytes:
        public = {
            "exhibit": EXHIBIT,
            "acquisition": 0,
            "label": "A-1/01",
            "object": {"id": drawn("object").hex(), "size": 1024},
            "wrapped_to": [ADMIN.key_id],
        }
        return self.add(
            "item.collected",
            "item",
            item,
            key=key,
            case=CASE,
            public=public,
            parts=("content", "name", "handling"),
        )

    def read(self, key: keys.SignKey = ADMIN, result: str = "opened") -> bytes:
        public = {"what": "content", "result": result, "copy": False, "purpose": "examination"}
        return self.add("item.accessed", "item", ITEM, key=key, case=CASE, public=public)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def begun() -> Record:
    record = Record()
    record.genesis()
    record.case()
    record.exhibit()
    return record


def entries() -> Iterator[tuple[str, Vector]]:
    record = begun()
    stored = record.item()
    good = json.loads(json.loads(stored)["payload"] and base64.b64decode(json.loads(stored)["payload"]))
    public = ADMIN.public.hex()
    yield "good", ok("an item came in", "entry", "item.collected", data=data(stored), key=public)

    def body(
        name: str, about: str, says: str, error: str = "FormatError", **change: Any
    ) -> tuple[str, Vector]:
        value = copy.deepcopy(good)
        for place, new in change.items():
            *path, last = place.split("__")
            target = value
            for step in path:
                target = target[step]
            if new == "absent":
                del target[last]
            else:
                target[last] = new
        made = envelopes.sign(ENTRY_TYPE, canonical.encode(value), ADMIN).to_bytes()
        return name, bad(about, "entry", error, says, data=data(made), key=public)

    newer = "NewerVersion"
    yield body("version-2", "a version to come", "made by a newer custody", newer, v=2)
    yield body("version-true", "true is not 1", "another value", v=True)
    yield body("version-text", "a text instead of a number", "another value", v="1")
    yield body("version-missing", "no version", "a field is missing", v="absent")
    yield body(
        "unknown-kind", "a kind to come", "kind that this version does not know", newer, kind="item.dreamt"
    )
    yield body(
        "draft-kind",
        "a kind that is only reserved",
        "does not know",
        newer,
        kind="item.noted",
        public={"type": "note"},
    )
    yield body("body-extra-field", "a field more", "does not have", more=1)
    yield body("ledger-not-an-origin", "a name as origin", "another form", ledger="custody/shelter")
    yield body("seq-negative-as-text", "a number as text", "another type", seq="3")
    yield body("root-upper-case", "another spelling of a digest", "another form", root=good["root"].upper())
    yield body(
        "subject-of-another-type",
        "an item's kind about a case",
        "another subject",
        subject__type="case",
        subject__id=CASE,
    )
    yield body(
        "subject-type-unknown", "a subject that does not exist", "not in the list", subject__type="thing"
    )
    yield body(
        "subject-id-version-4",
        "not a UUID version 7",
        "another form",
        subject__id=ITEM[:14] + "4" + ITEM[15:],
    )
    yield body(
        "prev-at-first",
        "prev where nothing was before",
        "prev must be null",
        subject__prev=drawn("leaf").hex(),
    )
    yield body("prev-missing-later", "no prev at number 1", "prev must be null", subject__n=1)
    yield body("case-missing", "an item without its case", "without its case", case=None)
    yield body(
        "actor-of-another", "signed by another key than the actor's", "another key", actor=SECOND.key_id
    )
    yield body("time-with-offset", "a local time", "another form", time__wall="2026-11-22T11:00:00.000+01:00")
    yield body("time-of-boot", "a boot time in the open", "does not have", time__boot_ns="1")
    yield body(
        "mono-leading-zero",
        "another spelling of a number",
        "another form",
        time__session="0" * 32,
        time__mono="01",
    )
    yield body("public-extra-field", "a file name in the open", "does not have", public__name="chat.txt")
    yield body("public-missing-field", "a field is missing", "missing", public__label="absent")
    yield body("public-label-a-name", "a name as label", "another form", public__label="Anna/01")
    yield body(
        "public-size-float-as-text", "a text instead of a number", "another type", public__object__size="1024"
    )
    yield body(
        "public-wrapped-twice",
        "one recipient twice",
        "same thing twice",
        public__wrapped_to=[ADMIN.key_id] * 2,
    )
    yield body(
        "compartment-not-allowed",
        "a title about an item",
        "compartment that this kind does not have",
        sealed__title=drawn("x").hex(),
    )
    yield body(
        "compartment-unknown",
        "a compartment that does not exist",
        "compartment that this kind does not have",
        sealed__secrets=drawn("x").hex(),
    )
    yield body(
        "compartment-missing", "no handling flags", "compartment is missing", sealed__handling="absent"
    )
    yield body(
        "compartment-inline",
        "the sealed bytes themselves",
        "another form",
        sealed__name=b64(drawn("sealed", 300)),
    )
    yield body(
        "approval-not-asked-for",
        "an approval where the kind has none",
        "another number of approvals",
        approvals=[possession(ADMIN)],
    )

    boot = Record()
    boot.genesis()
    about_ledger = boot.body(
        "policy.set", "ledger", LEDGER, case=CASE, public={"authorities": [], "settings": {}}
    )
    yield (
        "case-on-ledger",
        bad(
            "an entry about the ledger names a case",
            "entry",
            "FormatError",
            "names a case",
            data=data(envelopes.sign(ENTRY_TYPE, canonical.encode(about_ledger), ADMIN).to_bytes()),
            key=public,
        ),
    )
    other = boot.body("case.opened", "case", CASE, case=OTHER_CASE, parts=("title",))
    yield (
        "case-of-another",
        bad(
            "an entry about a case names another case",
            "entry",
            "FormatError",
            "names another case",
            data=data(envelopes.sign(ENTRY_TYPE, canonical.encode(other), ADMIN).to_bytes()),
            key=public,
        ),
    )

    outer = json.loads(stored)

    def envelope(
        name: str, about: str, says: str, error: str = "FormatError", raw: bytes | None = None, **change: Any
    ) -> tuple[str, Vector]:
        value = {**copy.deepcopy(outer), **change}
        made = canonical.encode(value) if raw is None else raw
        return f"envelope-{name}", bad(about, "entry", error, says, data=data(made), key=public)

    signature = outer["signatures"][0]
    yield envelope("extra-field", "a field that nothing signs", "does not have", more=1)
    yield envelope(
        "signature-extra-field",
        "a certificate beside the signature",
        "does not have",
        signatures=[{**signature, "cert": ""}],
    )
    yield envelope(
        "two-signatures", "a second signature", "not exactly one signature", signatures=[signature, signature]
    )
    yield envelope("no-signature", "none", "not exactly one signature", signatures=[])
    yield envelope("other-type", "signed as something else", "another type of payload", payloadType=KEY_TYPE)
    yield envelope(
        "type-in-capitals", "another spelling of the type", "another type", payloadType=ENTRY_TYPE.upper()
    )
    yield envelope(
        "url-base64",
        "the other alphabet",
        "base64",
        signatures=[{**signature, "sig": signature["sig"].replace("/", "_").replace("+", "-")}],
    )
    yield envelope(
        "no-padding",
        "base64 without its padding",
        "base64",
        signatures=[{**signature, "sig": signature["sig"].rstrip("=")}],
    )
    yield envelope(
        "signature-short",
        "63 bytes",
        "another length",
        signatures=[{**signature, "sig": b64(base64.b64decode(signature["sig"])[:63])}],
    )
    yield envelope(
        "signature-of-another",
        "the signature of another payload",
        "signature does not fit",
        "SignatureInvalid",
        signatures=[{**signature, "sig": b64(ADMIN.sign(b"x"))}],
    )
    yield envelope(
        "keyid-of-another",
        "another key id",
        "another key than the actor's",
        signatures=[{**signature, "keyid": SECOND.key_id}],
    )
    yield envelope(
        "keyid-upper-case",
        "another spelling of the key id",
        "not a SHA-256",
        signatures=[{**signature, "keyid": signature["keyid"].upper()}],
    )
    pretty = json.dumps(outer, indent=1, sort_keys=True).encode()
    yield envelope("not-canonical", "the same, indented", "canonical", raw=pretty)
    loose = json.dumps(good, indent=1).encode()
    made = envelopes.sign(ENTRY_TYPE, loose, ADMIN).to_bytes()
    yield envelope("body-not-canonical", "well signed, another spelling", "canonical", raw=made)
    floating = canonical.encode(good).replace(b'"acquisition":0', b'"acquisition":0.0')
    made = envelopes.sign(ENTRY_TYPE, floating, ADMIN).to_bytes()
    yield envelope("float-in-body", "well signed, a number with a point", "not a plain integer", raw=made)
    raw_signature = ADMIN.sign(canonical.encode(good))
    bare = Envelope(
        payload_type=ENTRY_TYPE, payload=canonical.encode(good), key_id=ADMIN.key_id, signature=raw_signature
    )
    yield envelope(
        "signed-without-pae",
        "the payload signed, not PAE",
        "signature does not fit",
        "SignatureInvalid",
        raw=bare.to_bytes(),
    )

    def compartment(name: str, part: str, value: Any, says: str | None, about: str) -> tuple[str, Vector]:
        given = {"compartment": part, "value": value}
        if says is None:
            return f"part-{name}", ok(about, "compartment", None, **given)
        return f"part-{name}", bad(about, "compartment", "FormatError", says, **given)

    latin = {"name": {"bytes": b64("café.txt".encode("latin-1")), "encoding": "filesystem bytes"}}
    yield compartment("name-not-utf8", "name", latin, None, "a name that is not Unicode is kept as its bytes")
    yield compartment("name-text", "name", {"name": {"text": "café.txt"}}, None, "a name that is")
    yield compartment(
        "name-bare", "name", {"name": "café.txt"}, "another type", "a text where an object must be"
    )
    yield compartment(
        "name-both",
        "name",
        {"name": {**latin["name"], "text": "x"}},
        "does not have",
        "text and bytes at once",
    )
    yield compartment(
        "handling-empty", "handling", {"flags": []}, "too short", "nobody looked is “unassessed”, not nothing"
    )
    yield compartment(
        "handling-unknown", "handling", {"flags": ["fine"]}, "not in the list", "a flag that does not exist"
    )
    yield compartment(
        "content-no-sha256",
        "content",
        {"digests": {"md5": "0" * 32}, "size": 1, "media_type": "text/plain", "media_type_from": "signature"},
        "missing",
        "SHA-256 always",
    )
    yield compartment(
        "source-empty-text", "source", {"text": ""}, "too short", "not stated is absent, not empty"
    )
    yield compartment("source-extra", "source", {"mood": "x"}, "does not have", "a field that does not exist")
    yield compartment("unknown", "diary", {}, "does not exist", "a compartment that does not exist")


# --- tree and note ----------------------------------------------------------------------------------------


def tree_and_note() -> Iterator[tuple[str, Vector]]:
    raw_entries = [f"entry {number}".encode() for number in range(11)]
    leaves = [merkle.leaf_hash(item) for item in raw_entries]

    def reader(level: int, index: int) -> bytes:
        return naive_root(leaves[index << level : (index + 1) << level])

    for size in (0, 1, 2, 3, 7, 8, 11):
        yield (
            f"root-{size}",
            ok(
                f"{size} entries",
                "root",
                naive_root(leaves[:size]).hex(),
                entries=[f"entry {n}" for n in range(size)],
            ),
        )

    def inclusion(index: int, size: int = 11, **change: Any) -> dict[str, Any]:
        path = [b64(digest) for digest in merkle.inclusion(index, size, reader)]
        return {
            "entry": f"entry {index}",
            "index": index,
            "size": size,
            "root": b64(naive_root(leaves[:size])),
            "path": path,
            **change,
        }

    for index in (0, 5, 7, 8, 10):
        given = inclusion(index)
        yield (
            f"inclusion-{index}",
            ok(
                "an entry among eleven, and the root before it",
                "inclusion",
                naive_root(leaves[:index]).hex(),
                **given,
            ),
        )
    yield "inclusion-single", ok("the only entry", "inclusion", naive_root([]).hex(), **inclusion(0, 1))

    def no_inclusion(name: str, about: str, says: str, given: dict[str, Any]) -> tuple[str, Vector]:
        return f"inclusion-{name}", bad(about, "inclusion", "ProofError", says, **given)

    five = inclusion(5)
    not_in = "not in the record"
    yield no_inclusion("other-entry", "another entry's path", not_in, {**five, "entry": "entry 6"})
    yield no_inclusion("other-index", "the right path at another place", not_in, {**five, "index": 4})
    yield no_inclusion("other-root", "the root of another tree", not_in, {**five, "root": b64(drawn("root"))})
    yield no_inclusion(
        "path-reordered", "two hashes have changed places", not_in, {**five, "path": five["path"][::-1]}
    )
    yield no_inclusion(
        "path-short", "the last hash is missing", "too short", {**five, "path": five["path"][:-1]}
    )
    yield no_inclusion(
        "path-long", "a hash too many", "too long", {**five, "path": [*five["path"], b64(drawn("x"))]}
    )
    yield no_inclusion("path-empty", "no path", "too short", {**five, "path": []})
    yield no_inclusion(
        "path-65", "more hashes than any tree has", "at most 64", {**five, "path": [b64(drawn("x"))] * 65}
    )
    yield no_inclusion("index-is-size", "one beyond the end", "no such leaf", {**five, "index": 11})
    yield no_inclusion("size-zero", "an empty tree", "no such leaf", {**five, "index": 0, "size": 0})
    yield no_inclusion("other-size", "the path under a false size", "too", {**five, "size": 5000})
    # An inner node passed off as a leaf: the node over entries 4 and 5 is "leaf 2" of a tree of six nodes.
    inner = b"\1" + leaves[4] + leaves[5]
    forged = {**five, "index": 2, "size": 6, "path": five["path"][1:]}
    yield (
        "inclusion-inner-node-as-leaf",
        bad(
            "both children's hashes given as an entry, under a false size: the leading byte tells",
            "inclusion",
            "ProofError",
            not_in,
            **{**forged, "entry": {"hex": inner[1:].hex()}},
        ),
    )

    record = begun()
    record.item()
    record.read()
    nodes = [merkle.leaf_hash(item) for item in record.stored]

    def entry_at(stored: bytes, index: int) -> dict[str, Any]:
        def read(level: int, position: int) -> bytes:
            return naive_root(nodes[position << level : (position + 1) << level])

        path = [b64(digest) for digest in merkle.inclusion(index, len(nodes), read)]
        return {
            "entry": data(stored),
            "index": index,
            "size": len(nodes),
            "root": b64(naive_root(nodes)),
            "path": path,
        }

    yield (
        "entry-good",
        ok(
            "the root that an entry quotes, from its own path",
            "entry-in-tree",
            None,
            **entry_at(record.stored[3], 3),
        ),
    )
    liar = begun()
    body = liar.body(
        "item.accessed",
        "item",
        ITEM,
        case=CASE,
        public={"what": "content", "result": "opened", "copy": False, "purpose": "examination"},
    )
    body["root"] = drawn("another past").hex()
    liar.put(body)
    nodes = [merkle.leaf_hash(item) for item in liar.stored]
    yield (
        "entry-wrong-root",
        bad(
            "an entry that quotes another past",
            "entry-in-tree",
            "CheckFailed",
            "another root",
            **entry_at(liar.stored[3], 3),
        ),
    )

    def consistency(first: int, second: int, **change: Any) -> dict[str, Any]:
        hashes_ = [b64(digest) for digest in merkle.consistency(first, second, reader)]
        return {
            "first": first,
            "first_root": b64(naive_root(leaves[:first])),
            "second": second,
            "second_root": b64(naive_root(leaves[:second])),
            "hashes": hashes_,
            **change,
        }

    for first, second in ((1, 1), (1, 2), (4, 11), (6, 11), (7, 8), (10, 11), (11, 11)):
        yield (
            f"consistency-{first}-{second}",
            ok("the smaller begins the larger", "consistency", None, **consistency(first, second)),
        )

    def no_consistency(name: str, about: str, says: str, given: dict[str, Any]) -> tuple[str, Vector]:
        return f"consistency-{name}", bad(about, "consistency", "ProofError", says, **given)

    six = consistency(6, 11)
    begin = "does not begin with"
    yield no_consistency("other-old-root", "an edited past", begin, {**six, "first_root": b64(drawn("x"))})
    yield no_consistency(
        "other-new-root", "an edited present", begin, {**six, "second_root": b64(drawn("x"))}
    )
    yield no_consistency(
        "two-roots-one-size",
        "two roots for one size",
        "two roots",
        {**consistency(11, 11), "first_root": b64(drawn("x"))},
    )
    yield no_consistency(
        "same-size-with-hashes",
        "a proof where none is needed",
        "two roots",
        {**consistency(11, 11), "hashes": [b64(drawn("x"))]},
    )
    yield no_consistency(
        "short", "the last hash is missing", "too short", {**six, "hashes": six["hashes"][:-1]}
    )
    yield no_consistency(
        "long", "a hash too many", "too long", {**six, "hashes": [*six["hashes"], b64(drawn("x"))]}
    )
    yield no_consistency("empty", "no hashes", "empty", {**six, "hashes": []})
    yield no_consistency("shrinking", "the older is larger", "no such pair", {**six, "first": 12})
    yield no_consistency(
        "from-nothing",
        "an empty tree begins every tree: nothing would be proven",
        "no such pair",
        {**six, "first": 0},
    )
    yield no_consistency(
        "reordered", "two hashes have changed places", begin, {**six, "hashes": six["hashes"][::-1]}
    )

    def lines(name: str, text: str, says: str | None, about: str, result: Any = None) -> tuple[str, Vector]:
        if says is None:
            return f"inclusion-lines-{name}", ok(about, "inclusion-lines", result, data=data(text))
        return f"inclusion-lines-{name}", bad(about, "inclusion-lines", "FormatError", says, data=data(text))

    line = f'{{"index":5,"path":["{five["path"][0]}"]}}\n'
    yield lines("good", line + line.replace("5,", "6,"), None, "two lines", [5, 6])
    yield lines("empty", "", None, "no line", [])
    yield lines("order", line.replace("5,", "6,") + line, "not in the order", "going back")
    yield lines("twice", line + line, "not in the order", "one entry twice")
    yield lines("no-end", line[:-1], "no end", "the last line has no end")
    yield lines("carriage-return", line[:-1] + "\r\n", "canonical", "a carriage return")
    yield lines("true-for-index", line.replace("5,", "true,"), "not in the order", "true is not 1")
    yield lines("short-hash", '{"index":0,"path":["AA=="]}\n', "not a hash", "one byte")
    yield lines(
        "extra-field", line.replace('{"index"', '{"checkpoint":"","index"'), "does not have", "a field more"
    )

    def text_file(name: str, raw: str | bytes, says: str | None, about: str) -> tuple[str, Vector]:
        if says is None:
            return f"consistency-file-{name}", ok(about, "consistency-file", 6, data=data(raw))
        return f"consistency-file-{name}", bad(about, "consistency-file", "FormatError", says, data=data(raw))

    good = proof.consistency_text(6, [base64.b64decode(digest) for digest in six["hashes"]]).decode()
    yield text_file("good", good, None, "old size and hashes")
    yield text_file("no-empty-line", good[:-1], "not a consistency proof", "the last empty line is missing")
    yield text_file(
        "size-leading-zero", good.replace("old 6", "old 06"), "plain decimal", "another spelling of 6"
    )
    yield text_file("size-plus", good.replace("old 6", "old +6"), "plain decimal", "another spelling of 6")
    yield text_file("size-missing", good.replace("old 6\n", "old \n"), "plain decimal", "no size")
    yield text_file("crlf", good.replace("\n", "\r\n"), "consistency proof", "carriage returns")
    yield text_file("not-ascii", good.replace("old", "öld"), "not a consistency proof", "not ASCII")
    yield text_file("hash-not-canonical", good.replace("=\n", "\n", 1), "base64", "base64 without padding")

    yield from notes_(leaves)


def notes_(leaves: list[bytes]) -> Iterator[tuple[str, Vector]]:
    def signed(checkpoint: note.Checkpoint, log: keys.LogKeys = LOG_KEYS) -> note.LogNote:
        def line(algorithm: int, public: bytes, signature: bytes) -> note.SignatureLine:
            identifier = note.key_id(checkpoint.origin, algorithm, public)
            return note.SignatureLine(name=checkpoint.origin, key_id=identifier, signature=signature)

        public = log.public
        return note.LogNote(
            checkpoint=checkpoint,
            ed25519=line(note.ED25519, public["ed25519"], log.sign_ed25519(checkpoint.to_text().encode())),
            ml_dsa_44=line(
                note.ML_DSA_44, public["ml-dsa-44"], bytes(8) + ml_dsa(log, note.ml_dsa_message(checkpoint))
            ),
        )

    head = note.Checkpoint(origin=ORIGIN, size=11, root=naive_root(leaves))
    made = signed(head)
    text = made.to_bytes().decode()
    public = {name: b64(key) for name, key in LOG_KEYS.public.items()}
    given = {"keys": public, "origin": ORIGIN}
    result = {"size": 11, "root": b64(head.root)}
    yield "note-good", ok("eleven entries", "note", result, data=data(text), **given)
    empty = signed(note.Checkpoint(origin=ORIGIN, size=0, root=merkle.EMPTY_ROOT))
    yield (
        "note-good-empty",
        ok(
            "no entries",
            "note",
            {"size": 0, "root": b64(merkle.EMPTY_ROOT)},
            data=data(empty.to_bytes()),
            **given,
        ),
    )

    def fault(
        name: str, changed: str | bytes, says: str, about: str, error: str = "FormatError", **other: Any
    ) -> tuple[str, Vector]:
        return f"note-{name}", bad(about, "note", error, says, data=data(changed), **{**given, **other})

    origin, size, root, blank, first, second, _ = text.split("\n")
    wrong = "not the signature lines"

    def joined(*lines_: str) -> str:
        return "".join(line + "\n" for line in lines_)

    yield fault(
        "without-pq-line", joined(origin, size, root, blank, first), wrong, "the ML-DSA-44 line stripped"
    )
    yield fault(
        "without-ed25519-line", joined(origin, size, root, blank, second), wrong, "the Ed25519 line stripped"
    )
    yield fault(
        "lines-swapped",
        joined(origin, size, root, blank, second, first),
        "another length",
        "the lines in another order",
    )
    yield fault(
        "ed25519-line-twice",
        joined(origin, size, root, blank, first, first),
        "another length",
        "one line twice",
    )
    yield fault(
        "cosigned",
        joined(origin, size, root, blank, first, second, second),
        wrong,
        "a witness line: it belongs into another file",
    )
    yield fault(
        "extension-line",
        joined(origin, size, root, "extra", blank, first, second),
        "not a checkpoint",
        "a line that the log did not mean",
    )
    yield fault("no-signatures", joined(origin, size, root), "without signatures", "a bare checkpoint")
    yield fault("no-newline-at-end", text[:-1], wrong, "the last line has no end")
    yield fault("newline-too-many", text + "\n", wrong, "an empty line behind it")
    yield fault("crlf", text.replace("\n", "\r\n"), "without signatures", "carriage returns")
    yield fault("bom", "\ufeff" + text, "not an origin", "a byte order mark")
    yield fault(
        "not-utf8", text.encode().replace("—".encode(), b"\x97"), "not UTF-8", "a dash of another encoding"
    )
    yield fault("hyphen", text.replace("—", "-"), "not a signature line", "a hyphen instead of the dash")
    for name, spelling in {
        "leading-zero": "011",
        "plus": "+11",
        "space": " 11",
        "underscore": "1_1",
        "other-digits": "١١",
        "minus": "-1",
        "hex": "0xb",
        "17-digits": "9" * 17,
    }.items():
        yield fault(
            f"size-{name}",
            joined(origin, spelling, root, blank, first, second),
            "plain decimal",
            "another spelling of a size",
        )
    yield fault(
        "root-short",
        joined(origin, size, b64(head.root[:31]), blank, first, second),
        "not a root",
        "31 bytes",
    )
    yield fault(
        "size-missing",
        joined(origin, "", root, blank, first, second),
        "not a checkpoint",
        "an empty line instead of the size",
    )
    yield fault(
        "root-no-padding",
        joined(origin, size, root.rstrip("="), blank, first, second),
        "base64",
        "base64 without its padding",
    )
    loose = root[:-2] + chr(ord(root[-2]) + 1) + "="
    yield fault(
        "root-not-canonical",
        joined(origin, size, loose, blank, first, second),
        "canonical",
        "unused bits of the base64 set",
    )
    other_name = OTHER_ORIGIN
    yield fault(
        "line-of-other-name",
        joined(origin, size, root, blank, first.replace(origin, other_name), second),
        "another name",
        "a signature line of another name",
    )
    yield fault("too-long", text + "x" * note.MAX_NOTE, "too long", "17 KiB")

    def changed_line(line: str, place: int) -> str:
        dash, name, blob = line.split(" ")
        raw = bytearray(base64.b64decode(blob))
        raw[place] ^= 1
        return f"{dash} {name} {b64(bytes(raw))}"

    invalid = "NoteInvalid"
    yield fault(
        "ed25519-bit",
        joined(origin, size, root, blank, changed_line(first, 10), second),
        "signature does not fit",
        "one bit of the Ed25519 signature",
        invalid,
    )
    yield fault(
        "ml-dsa-bit",
        joined(origin, size, root, blank, first, changed_line(second, 20)),
        "ML-DSA-44 signature does not fit",
        "one bit of the ML-DSA-44 signature",
        invalid,
    )
    yield fault(
        "ml-dsa-time",
        joined(origin, size, root, blank, first, changed_line(second, 11)),
        "states a time",
        "a time in the log's own line",
        invalid,
    )
    yield fault(
        "ed25519-other-key-id",
        joined(origin, size, root, blank, changed_line(first, 0), second),
        "not the log's",
        "another key id",
        invalid,
    )
    yield fault(
        "ml-dsa-other-key-id",
        joined(origin, size, root, blank, first, changed_line(second, 0)),
        "not the log's",
        "another key id",
        invalid,
    )
    yield fault(
        "size-changed",
        joined(origin, "12", root, blank, first, second),
        "signature does not fit",
        "another size under the old signatures",
        invalid,
    )
    foreign = signed(note.Checkpoint(origin=OTHER_ORIGIN, size=11, root=head.root))
    yield fault(
        "of-other-origin",
        foreign.to_bytes(),
        "another ledger",
        "a good note of another ledger, by the same keys",
        invalid,
    )
    thief = signed(head, keys.LogKeys(LOG_KEYS.ed25519_seed, drawn("thief")))
    yield fault(
        "ml-dsa-of-thief", thief.to_bytes(), "not the log's", "the second line by another key", invalid
    )
    one = {"ed25519": public["ed25519"]}
    yield fault(
        "keys-incomplete",
        text,
        "no full set",
        "the ledger names one key only: never enough",
        invalid,
        keys=one,
    )


# --- rights -----------------------------------------------------------------------------------------------


def all_entries(record: Record) -> list[Any]:
    return [data(item) for item in (*record.earlier, *record.stored)]


def good_rights(about: str, record: Record) -> Vector:
    given = all_entries(record)
    return ok(about, "rights", len(given), entries=given)


def bad_rights(about: str, record: Record, says: str, error: str = "NoRight") -> Vector:
    given = all_entries(record)
    made = bad(about, "rights", error, says, entries=given)
    made["expect"]["at"] = len(given) - 1
    return made


def rights() -> Iterator[tuple[str, Vector]]:
    yield from rights_in_one_volume()
    yield from rights_over_volumes()


def rights_in_one_volume() -> Iterator[tuple[str, Vector]]:
    good, fault = good_rights, bad_rights

    def grant(
        record: Record,
        key: keys.SignKey,
        rights_: list[str],
        *,
        kind: str = "access.granted",
        by: keys.SignKey = ADMIN,
    ) -> None:
        public = {"key_id": key.key_id, "rights": rights_, "classes": ["object", "record"]}
        record.add(kind, "case", CASE, key=by, case=CASE, public=public)

    def full() -> Record:
        record = begun()
        record.item()
        return record

    record = full()
    record.custodian(SECOND, [])
    grant(record, SECOND, ["read"])
    record.read(SECOND)
    yield "good", good("a second custodian reads what was granted", record)

    record = full()
    record.read(STRANGER)
    yield (
        "entry-by-key-without-right",
        fault("a key that the record does not have", record, "not one of this record's custodians"),
    )
    record = full()
    record.custodian(SECOND, ["collect"])
    record.read(SECOND)
    yield "read-by-collector", fault("a collector reads", record, "no right to read")
    record = full()
    record.custodian(SECOND, ["collect"])
    record.read(SECOND, "refused")
    yield "good-refused-try", good("a refused try is logged by whoever tried", record)
    record = full()
    record.custodian(COLLECTOR, ["collect"])
    record.item(COLLECTOR, uuid7("item 2"))
    yield "good-collector", good("ledger-wide collect writes into a case that others opened", record)
    record = full()
    record.custodian(SECOND, ["read"], all_cases=True)
    record.read(SECOND)
    yield "good-all-cases", good("all_cases makes a ledger-wide read count in every case", record)
    record = full()
    record.custodian(SECOND, ["read"])
    record.read(SECOND)
    yield (
        "read-without-all-cases",
        fault("a ledger-wide read without all_cases counts nowhere", record, "no right to read"),
    )
    record = full()
    record.custodian(SECOND, ["seal", "collect"])
    record.custodian(STRANGER, ["admin"], by=SECOND)
    yield "added-by-no-admin", fault("somebody without admin adds a custodian", record, "no right to admin")
    record = full()
    record.custodian(SECOND, ["collect"])
    grant(record, SECOND, ["read"], by=SECOND)
    yield (
        "granted-to-oneself",
        fault("somebody without admin grants himself a right", record, "no right to admin"),
    )
    record = full()
    record.custodian(SECOND, ["collect"])
    record.case(CASE, SECOND)
    yield "case-opened-again", fault("whoever opens a case has all rights in it", record, "second opening")
    record = full()
    record.custodian(SECOND, [])
    grant(record, SECOND, ["read"])
    grant(record, SECOND, ["read"], kind="access.revoked")
    record.read(SECOND)
    yield "read-after-revocation", fault("a right that was taken back", record, "no right to read")
    record = full()
    record.custodian(SECOND, ["admin", "seal", "collect", "audit"])
    record.add("custodian.retired", "ledger", LEDGER, public={"key_id": SECOND.key_id})
    record.add(
        "ledger.checked",
        "ledger",
        LEDGER,
        key=SECOND,
        public={"size": 1, "root": record.root(), "result": "passed"},
    )
    yield "retired-key", fault("a retired key signs", record, "retired by entry 5")
    record = full()
    record.custodian(SECOND, [])
    record.add(
        "custodian.compromised", "ledger", LEDGER, key=SECOND, public={"key_id": SECOND.key_id, "since": WALL}
    )
    yield "good-reports-itself", good("a key without rights reports itself as stolen", record)
    record = full()
    record.custodian(SECOND, [])
    record.add(
        "custodian.compromised", "ledger", LEDGER, key=SECOND, public={"key_id": ADMIN.key_id, "since": WALL}
    )
    yield (
        "reports-another",
        fault("a key without rights reports another as stolen", record, "no right to admin"),
    )
    record = full()
    record.custodian(SECOND, ["export"])
    package_ = {
        "package": uuid7("package"),
        "form": "bag/1",
        "contents": drawn("contents").hex(),
        "items": 1,
        "withheld": {},
        "heads": {"ledger": {"n": 0, "leaf": drawn("l").hex()}, "case": {"n": 0, "leaf": drawn("c").hex()}},
        "shown": drawn("shown").hex(),
    }
    grant(record, SECOND, ["export"])
    record.add("package.made", "case", CASE, key=SECOND, case=CASE, public=package_, parts=("purpose",))
    yield (
        "package-without-seal",
        fault("export alone makes no package: its note must be signed", record, "no right to seal"),
    )

    record = Record()
    record.custodian(SECOND, ["admin"])
    yield (
        "no-genesis",
        fault("a record that begins without its genesis", record, "does not begin with its genesis"),
    )
    record = full()
    record.genesis()
    yield "second-genesis", fault("a second genesis", record, "a second genesis")
    record = full()
    record.custodian(SECOND, [])
    record.custodian(SECOND, ["admin"])
    yield (
        "custodian-added-twice",
        fault("one key twice, with more rights", record, "added twice", "CheckFailed"),
    )
    record = full()
    body = record.body("custodian.retired", "ledger", LEDGER, public={"key_id": STRANGER.key_id})
    record.put(body)
    yield (
        "retires-nobody",
        fault("a custodian that the record does not have", record, "does not have", "CheckFailed"),
    )
    record = full()
    grant(record, STRANGER, ["read"])
    yield (
        "grants-to-nobody",
        fault("rights for somebody that the record does not have", record, "does not have", "CheckFailed"),
    )

    def added(approvals: list[Any], **change: Any) -> Record:
        made = full()
        public = {
            "sign_key": b64(SECOND.public),
            "wrap_key": None,
            "rights": [],
            "all_cases": False,
            "unattended": False,
            "recovery": False,
            **change,
        }
        made.put(
            made.body(
                "custodian.added", "ledger", LEDGER, public=public, parts=("identity",), approvals=approvals
            )
        )
        return made

    yield (
        "possession-of-another",
        fault("the public key file of another key", added([possession(STRANGER)]), "another", "CheckFailed"),
    )
    named = json.loads(public_keys.make(keys.CustodianKeys(SECOND, None), WALL).payload)
    named["sign_key"] = b64(STRANGER.public)
    forged = envelopes.sign(KEY_TYPE, canonical.encode(named), SECOND).to_value()
    yield (
        "possession-names-another",
        fault("signed by the new key, naming another", added([forged]), "another signing key", "CheckFailed"),
    )
    named["sign_key"] = b64(SECOND.public)
    named["more"] = 1
    loose = envelopes.sign(KEY_TYPE, canonical.encode(named), SECOND).to_value()
    yield (
        "possession-extra-field",
        fault("a public key file with a field more", added([loose]), "does not have", "FormatError"),
    )
    wrap_key = b64(wrapping.wrap_key_of(drawn("wrap seed", 96)))
    yield (
        "possession-other-wrap-key",
        fault(
            "a wrapping key that its owner never named",
            added([possession(SECOND)], wrap_key=wrap_key),
            "another wrapping key",
            "CheckFailed",
        ),
    )
    approval = envelopes.sign(APPROVAL_TYPE, b"{}", SECOND).to_value()
    yield (
        "possession-other-type",
        fault("an approval of another type", added([approval]), "another type of payload", "FormatError"),
    )
    yield "possession-missing", fault("no public key file", added([]), "number of approvals", "FormatError")
    small = b64(bytes([1]) + bytes(31))
    yield (
        "key-small-order",
        fault(
            "a custodian who could deny everything",
            added([possession(SECOND)], sign_key=small),
            "small order",
            "FormatError",
        ),
    )

    record = Record()
    record.genesis(custodian={"sign_key": b64(SECOND.public), "wrap_key": None, "rights": ["admin"]})
    yield (
        "genesis-of-another",
        fault("the genesis names another than who signed it", record, "another", "CheckFailed"),
    )
    record = Record()
    record.genesis(rules=True)
    yield "genesis-rules-true", fault("true is not 1", record, "another value", "FormatError")
    record = Record()
    record.genesis(log_keys=[{"alg": "ed25519", "key": b64(LOG_KEYS.public["ed25519"])}])
    yield "genesis-one-log-key", fault("a log with one key", record, "too short", "FormatError")
    record = Record()
    record.genesis(
        log_keys=[
            {"alg": "ed25519", "key": small},
            {"alg": "ml-dsa-44", "key": b64(LOG_KEYS.public["ml-dsa-44"])},
        ]
    )
    yield (
        "genesis-log-key-small-order",
        fault("a log key under which one signature fits all", record, "small order", "FormatError"),
    )


def rights_over_volumes() -> Iterator[tuple[str, Vector]]:
    def first() -> Record:
        record = begun()
        record.item()
        record.custodian(SECOND, ["read", "seal"], all_cases=True, recovery=True)
        record.custodian(COLLECTOR, ["collect"])
        return record

    def read_on(record: Record, old: Record, by: keys.SignKey, **change: Any) -> None:
        public = {"what": "content", "result": "opened", "copy": False, "purpose": "examination"}
        public |= {**old.from_(ITEM), **change}
        record.add("item.accessed", "item", ITEM, key=by, case=CASE, public=public)

    old = first()
    record = old.go_on(ADMIN, ["admin"])
    read_on(record, old, ADMIN)
    record.custodian(STRANGER, ["collect"])
    yield "volume-good", good_rights("an administrator goes on, and reads an old item", record)
    record = old.go_on(SECOND, ["admin", "collect", "audit"])
    record.custodian(STRANGER, ["admin"], by=SECOND)
    record.add("recovery.tried", "ledger", NEXT_LEDGER, key=SECOND)
    yield "volume-good-sheet", good_rights("the recovery sheet goes on, and adds an administrator", record)
    again = record.go_on(STRANGER, [], origin="custody/" + "c" * 26, ledger=uuid7("third ledger"))
    yield "volume-good-third", good_rights("a third volume, by who joined in the second", again)

    def fault(name: str, about: str, record: Record, says: str, error: str = "NoRight") -> tuple[str, Vector]:
        return f"volume-{name}", bad_rights(about, record, says, error)

    yield fault("by-collector", "a key without admin", old.go_on(COLLECTOR, ["admin"]), "no right to admin")
    yield fault("by-stranger", "a key of nobody", old.go_on(STRANGER, ["admin"]), "not one of this record")
    record = first()
    record.add("custodian.retired", "ledger", LEDGER, public={"key_id": SECOND.key_id})
    yield fault("by-retired", "a retired sheet", record.go_on(SECOND, ["admin"]), "retired by entry 6")
    record = first()
    stolen = {"key_id": SECOND.key_id, "since": WALL}
    record.add("custodian.compromised", "ledger", LEDGER, public=stolen)
    yield fault("by-stolen", "a stolen sheet", record.go_on(SECOND, ["admin"]), "reported as compromised")
    record = old.go_on(ADMIN, ["admin"], named=COLLECTOR)
    yield fault("for-another", "rights for another than the signer", record, "another custodian")
    record = old.go_on(ADMIN, ["admin"], origin=ORIGIN)
    yield fault("same-origin", "the origin of the volume before", record, "origin of an earlier volume")
    record = old.go_on(ADMIN, ["admin"], ledger=LEDGER)
    yield fault(
        "same-ledger", "the ledger subject of the volume before", record, "ledger of an earlier volume"
    )
    elsewhere = "custody/" + "d" * 26
    record = old.go_on(ADMIN, [], predecessor={"origin": elsewhere})
    yield fault("of-another", "it names another volume before it", record, "does not go on from this record")
    record = Record(NEXT_ORIGIN)
    alone = old.go_on(ADMIN, [])
    record.stored += alone.stored
    yield fault("alone", "without the volume before", record, "does not begin with its genesis")
    record = old.go_on(ADMIN, [])
    record.genesis()
    yield fault("genesis-again", "a genesis in a later volume", record, "a second genesis")
    record = old.go_on(ADMIN, [])
    record.case(CASE)
    yield fault("case-again", "a case of the volume before is opened again", record, "a second opening")
    record = old.go_on(ADMIN, [])
    body = record.body("case.opened", "case", OTHER_CASE, case=OTHER_CASE, parts=("title",))
    body["public"] = old.from_(CASE)
    record.put(body)
    yield fault("case-from", "an opening that goes on from something", record, "does not have", "FormatError")
    record = old.go_on(ADMIN, [])
    read_on(record, old, ADMIN)
    read_on(record, old, ADMIN)
    yield fault("from-later", "a second entry that says from", record, "and can't")
    record = old.go_on(ADMIN, [])
    read_on(record, old, ADMIN, **{"from": {"ledger": NEXT_ORIGIN, "n": 0, "leaf": drawn("x").hex()}})
    yield fault("from-itself", "from the volume that it stands in", record, "and can't")
    record = old.go_on(ADMIN, [])
    record.add("custodian.retired", "ledger", NEXT_LEDGER, public={"key_id": SECOND.key_id})
    read_on(record, old, SECOND)
    yield fault("retired-later", "retired in this volume: told by position", record, "retired by entry 7")
    record = old.go_on(ADMIN, [])
    record.add("recovery.tried", "ledger", NEXT_LEDGER, key=ADMIN)
    yield fault("tried-by-another", "a sheet's trial by a key that is none", record, "not a recovery sheet")
    record = first()
    read_on(record, old, ADMIN)
    yield fault("from-in-first", "from, where there is no earlier volume", record, "and can't")


# --- package and trust file -------------------------------------------------------------------------------


def package_() -> Iterator[tuple[str, Vector]]:
    def both(
        form: str, name: str, text: str | bytes, says: str | None, about: str, result: Any = None
    ) -> tuple[str, Vector]:
        if says is None:
            return f"{form}-{name}", ok(about, form, result, data=data(text))
        return f"{form}-{name}", bad(about, form, "FormatError", says, data=data(text))

    key = b64(drawn("shown key"))
    yield (
        "contents",
        ok(
            "what package.made binds",
            "contents",
            package.contents_digest(
                [("data/A-1/002.txt", "b" * 64), ("data/A-1/001.txt", "a" * 64)], [(7, "content", key)]
            ),
            files=[["data/A-1/002.txt", "b" * 64], ["data/A-1/001.txt", "a" * 64]],
            keys=[[7, "content", key]],
        ),
    )
    rows = sorted([("ledger", LEDGER, 3, "a" * 64), ("case", CASE, 2, "b" * 64)], key=lambda row: row[1])
    shown = package.shown_bytes(rows).decode()
    yield both("shown", "good", shown, None, "two subjects", [list(row) for row in rows])
    yield both(
        "shown",
        "order",
        canonical.encode([list(row) for row in rows[::-1]]),
        "not sorted",
        "not sorted by id",
    )
    yield both("shown", "twice", canonical.encode([list(rows[0])] * 2), "not sorted", "one subject twice")
    yield both(
        "shown",
        "item",
        canonical.encode([["item", ITEM, 0, "a" * 64]]),
        "not in the list",
        "items stand by themselves",
    )
    yield both("shown", "newline", shown + "\n", "canonical", "a line end behind it")
    yield both("shown", "object", "{}", "not a list", "an object")

    line = package.key_lines([(7, "content", key)]).decode()
    other = package.key_lines([(7, "name", key)]).decode()
    yield both("keys", "good", line + other, None, "two shown keys", [[7, "content"], [7, "name"]])
    yield both("keys", "order", other + line, "not in order", "out of order")
    yield both("keys", "twice", line + line, "not in order", "one key twice")
    yield both("keys", "no-end", line[:-1], "no end", "the last line has no end")
    yield both("keys", "short-key", line.replace(key, b64(bytes(16))), "another form", "16 bytes")
    yield both(
        "keys",
        "extra-field",
        line.replace('{"comp', '{"class":"record","comp'),
        "does not have",
        "a field more",
    )

    files = [["READ-ME-FIRST.txt", 10, "a" * 64], ["data/A-1/001.txt", 5, "b" * 64]]
    statement = {
        "v": 1,
        "package": uuid7("package"),
        "origin": ORIGIN,
        "size": 9,
        "root": drawn("root").hex(),
        "leaf": drawn("leaf").hex(),
        "certificate": None,
        "files": files,
    }

    def stated(name: str, says: str | None, about: str, **change: Any) -> tuple[str, Vector]:
        return both("statement", name, canonical.encode({**statement, **change}), says, about, len(files))

    yield stated("good", None, "two files")
    yield stated("newer", "another value", "version 2", v=2)
    yield stated("version-true", "another value", "true is not 1", v=True)
    yield stated("extra-field", "does not have", "a field more", more=1)
    yield stated("files-order", "not sorted", "files out of order", files=files[::-1])
    yield stated("files-twice", "not sorted", "one file twice", files=[files[0], files[0]])
    yield stated("files-row", "not a row", "a row of two", files=[files[0][:2]])
    yield stated("files-size", "another type", "a size as text", files=[["a", "1", "a" * 64]])

    def manifest(name: str, text: str | bytes, says: str | None, about: str) -> tuple[str, Vector]:
        return both("manifest", name, text, says, about, 2)

    one, two = "a" * 64 + "  data/A-1/001.txt\n", "b" * 64 + "  data/A-1/002.txt\n"
    yield manifest("good", one + two, None, "two files")
    yield manifest("order", two + one, "one order", "not sorted by path")
    yield manifest("twice", one + one, "not a line", "one path twice")
    yield manifest("star", one.replace("  ", " *") + two, "not a line", "the mark of binary mode")
    yield manifest("crlf", (one + two).replace("\n", "\r\n"), "not a line", "carriage returns")
    yield manifest("upper-case", one.upper() + two, "not a line", "digests in capitals")
    yield manifest("no-end", one + two[:-1], "one order", "the last line has no end")
    yield manifest("space-in-path", one.replace("001", "0 1"), "not a line", "a space in a path")
    yield manifest("not-ascii", one.replace("A-1", "Ä-1"), "not ASCII", "a path that is not ASCII")

    def path(name: str, label: str, media: str, result: str) -> tuple[str, Vector]:
        return f"path-{name}", ok("where an item lies", "payload-path", result, label=label, media_type=media)

    yield path("plain", "A-3/01", "text/plain", "data/A-3/001.txt")
    yield path("derived", "A-3/01.2", "image/png", "data/A-3/001.2.png")
    yield path("unknown-type", "A-3/1000", "application/x-made-up", "data/A-3/1000.bin")
    yield path("reserved-on-windows", "NUL/01", "text/plain", "data/NUL_/001.txt")
    yield path("reserved-with-dot", "COM1.A/01", "text/plain", "data/COM1_.A/001.txt")
    yield path("reserved-port-nought", "LPT0/01", "text/plain", "data/LPT0_/001.txt")
    yield path("dot-at-end", "A./01", "text/plain", "data/A._/001.txt")


def trust_file() -> Iterator[tuple[str, Vector]]:
    good = {
        "v": 1,
        "ledgers": [{"origin": ORIGIN, "genesis": drawn("genesis").hex(), "notes": []}],
        "authorities": [
            {"roots": [b64(drawn("root", 300))], "policies": ["1.2.3"], "source": "its site", "test": False}
        ],
        "witnesses": {"keys": [], "need": 0},
        "require": ["connected"],
        "max_future": 300,
    }
    form = "trust-file"
    yield "good", ok("a ledger and an authority", form, [ORIGIN], data=data(canonical.encode(good) + b"\n"))
    pretty = json.dumps(good, indent=2).encode()
    yield "good-edited", ok("a person may lay it out as they like", form, [ORIGIN], data=data(pretty))

    def fault(
        name: str, about: str, says: str, raw: bytes | None = None, **change: Any
    ) -> tuple[str, Vector]:
        made = canonical.encode({**good, **change}) if raw is None else raw
        return name, bad(about, form, "FormatError", says, data=data(made))

    ledger = good["ledgers"][0]
    yield fault("newer", "version 2", "another value", v=2)
    yield fault("version-true", "true is not 1", "another value", v=True)
    yield fault("extra-field", "a field that nothing reads", "does not have", ignore=["time"])
    yield fault(
        "origin-twice",
        "one origin with two beginnings",
        "one origin twice",
        ledgers=[ledger, {**ledger, "genesis": drawn("other").hex()}],
    )
    yield fault("genesis-short", "half a digest", "another form", ledgers=[{**ledger, "genesis": "a" * 32}])
    yield fault(
        "requirement-unknown",
        "a demand that this version can't hold",
        "not in the list",
        require=["moonlight"],
    )
    yield fault(
        "witnesses",
        "witnesses that this version can't check",
        "can't check",
        witnesses={"keys": [], "need": 1},
    )
    yield fault(
        "no-roots",
        "an authority without a root",
        "too short",
        authorities=[{**good["authorities"][0], "roots": []}],
    )
    yield fault(
        "key-twice",
        "readers differ in which one they take",
        "a key twice",
        raw=pretty.replace(b'"v": 1', b'"v": 1, "v": 1'),
    )
    yield fault(
        "float",
        "a number with a point",
        "value that our JSON does not have",
        raw=pretty.replace(b"300", b"300.0"),
    )
    yield fault("not-json", "a text", "not a trust file", raw=b"trust me")
    yield fault("list", "a list", "JSON object", raw=b"[]")
    yield fault("package", "a zip file", "not a trust file", raw=b"PK\x03\x04\xff")
    yield fault(
        "deep", "nested without end", "more lists and objects than a trust file can have", raw=b"[" * 100_000
    )
    foreign = note.Checkpoint(origin=OTHER_ORIGIN, size=0, root=merkle.EMPTY_ROOT)
    line = "— {} {}\n"
    text = (
        foreign.to_text()
        + "\n"
        + line.format(OTHER_ORIGIN, b64(bytes(4 + 64)))
        + line.format(OTHER_ORIGIN, b64(bytes(4 + 8 + 2420)))
    )
    yield fault(
        "note-of-another", "a note of another ledger", "another ledger", ledgers=[{**ledger, "notes": [text]}]
    )


# --- a chat's messages ------------------------------------------------------------------------------------

MESSAGE_FIELDS = [
    "attachments",
    "contact",
    "conversation",
    "details",
    "edit",
    "forward",
    "kind",
    "location",
    "reactions",
    "recipients",
    "reply_to",
    "sender",
    "sender_text",
    "source",
    "text",
    "time",
    "times",
]


def naive_leaf(index: int, member: int, start: int, end: int, salts: bytes, shown: dict[str, str]) -> bytes:
    """A message's leaf as the page has it: ``shown`` gives the text that is hashed for each field."""
    hashed = [
        hashlib.sha256(salts[32 * at : 32 * at + 32] + shown.get(name, "null").encode()).digest()
        for at, name in enumerate(MESSAGE_FIELDS)
    ]
    place = b"".join(n.to_bytes(size, "big") for n, size in ((index, 8), (member, 4), (start, 8), (end, 8)))
    return hashlib.sha256(b"\0custody/1 message\0" + place + b"".join(hashed)).digest()


def chat() -> Iterator[tuple[str, Vector]]:
    salts = drawn("salts", 32 * len(MESSAGE_FIELDS))
    place = {"index": 411, "member": 2, "start": 51_102, "end": 51_230}
    given = {**place, "salts": salts.hex()}
    time = (
        '{"basis":"unknown","local":"2022-03-27T21:41:35","precision":"second","text":"27.03.2022, 21:41:35"}'
    )
    plain = {
        "conversation": '"c1"',
        "kind": '"text"',
        "sender": '"p2"',
        "source": "27.03.2022, 21:41:35 - Anna: made up\n",
        "text": '"made up"',
        "time": time,
    }
    rare = {"call": '{"media":"audio"}', "flags": '["sender_split_ambiguous"]', "place": '"line 12"'}
    details = '{"call":{"media":"audio"},"flags":["sender_split_ambiguous"],"place":"line 12"}'
    for name, about, fields, shown in (
        ("plain", "a text message", plain, plain),
        ("nothing", "no field at all: every one is null", {}, {}),
        (
            "details",
            "call, flags and place go into one object",
            {**plain, **rare},
            {**plain, "details": details},
        ),
        (
            "other-letters",
            "text that is no ASCII, as UTF-8",
            {**plain, "text": '"Čekaj 🙏"'},
            {**plain, "text": '"Čekaj 🙏"'},
        ),
    ):
        leaf = naive_leaf(**place, salts=salts, shown=shown)
        yield f"leaf-{name}", ok(about, "message-leaf", leaf.hex(), **given, fields=fields)
    whole = naive_leaf(**place, salts=salts, shown=plain)
    for name, about, changes in (
        ("number", "another number", {"index": 412}),
        ("member", "another file of the export", {"member": 3}),
        ("start", "a range that begins elsewhere", {"start": 51_101}),
        ("end", "a range that ends elsewhere", {"end": 51_231}),
        ("salts", "other salts", {"salts": drawn("other salts", len(salts)).hex()}),
        ("text", "another text", {"fields": {**plain, "text": '"made  up"'}}),
        (
            "swapped",
            "the sender's name as its text",
            {"fields": {**plain, "sender_text": '"p2"', "sender": "null"}},
        ),
    ):
        values = {**given, "fields": plain, **changes}
        yield (
            f"bad-leaf-{name}",
            bad(about, "message-is", "CheckFailed", "not this message", leaf=whole.hex(), **values),
        )
    leaves = [drawn(f"message {n}") for n in range(7)]
    for count in (0, 1, 2, 3, 7):
        # Leaves are hashed already; only the nodes above them are RFC 6962's.
        yield (
            f"root-{count}",
            ok(
                f"{count} messages",
                "message-root",
                naive_root(leaves[:count]).hex(),
                leaves=[leaf.hex() for leaf in leaves[:count]],
            ),
        )
    key, origin, item = drawn("object key"), origin_of("chat"), uuid7("chat")
    info = b"custody/1 messages\0" + b"".join(len(x).to_bytes(2, "big") + x.encode() for x in (origin, item))
    made = HKDFExpand(hashes.SHA256(), 64, info).derive(_extracted(key))
    for index in (0, 1, 2**32):
        drawn_salts = hashlib.shake_256(made + index.to_bytes(8, "big")).digest(96)
        yield (
            f"salts-{index}",
            ok(
                f"the first three salts of message {index}",
                "message-salts",
                drawn_salts.hex(),
                key=key.hex(),
                origin=origin,
                item=item,
                index=index,
            ),
        )


def _extracted(key: bytes) -> bytes:
    """HKDF-Extract with an empty salt (RFC 5869, 2.2)."""
    return hmac.digest(bytes(32), key, "sha256")


FORMATS: dict[str, Callable[[], Iterator[tuple[str, Vector]]]] = {
    "chat": chat,
    "canonical-json": canonical_json,
    "contexts": contexts_,
    "entry": entries,
    "key-file": key_file,
    "names": names_,
    "package": package_,
    "padding": padding_,
    "rights": rights,
    "sealing": sealing_,
    "tree-and-note": tree_and_note,
    "trust-file": trust_file,
}


def made() -> dict[str, str]:
    """The text of each vector, by path below the folder of vectors."""
    files: dict[str, str] = {}
    for form, maker in FORMATS.items():
        for name, vector in maker():
            path = f"{form}/{name}.json"
            if path in files:
                raise SystemExit(f"{path}: made twice")
            files[path] = json.dumps(vector, indent=1, ensure_ascii=True) + "\n"
    files["stored.json"] = json.dumps(dict(sorted(STORE.used.items())), indent=1) + "\n"
    return files


def run(arguments: list[str], folder: Path = FOLDER) -> int:
    files = made()
    there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.json")}
    changed = [
        name
        for name, text in files.items()
        if name not in there or there[name].read_bytes() != text.encode("ascii")
    ]
    left = sorted(there.keys() - files.keys())
    if arguments == ["--check"]:
        for name in changed + left:
            print(f"tests/vectors/{name} is not what python -m tests.make_vectors makes")
        return 1 if changed or left else 0
    for name in changed:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name].encode("ascii"))
    for name in left:
        there[name].unlink()
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
