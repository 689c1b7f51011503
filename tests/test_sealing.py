"""Sealing, judged by a second reader that is written from the C2SP description, apart from the library's."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from custody.crypto import derive, sealing
from custody.errors import FormatError
from custody.format import contexts
from tests import make_vectors

KEY = st.binary(min_size=32, max_size=32)
SIZES = st.sampled_from([0, 1, 16383, 16384, 16385, 32768, 40000]) | st.integers(0, 600)
LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"


def expand(key, info, length):
    """HKDF-Expand-SHA-512 (RFC 5869, section 2.3), by hand."""
    made, block, counter = b"", b"", 1
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([counter]), "sha512")
        made, counter = made + block, counter + 1
    return made[:length]


def read(key, context, sealed):
    """The plaintext, or None: salt 24, commitment 32, then chunks of 16 KiB with their tags."""
    salt, commitment, body = sealed[:24], sealed[24:56], sealed[56:]
    material = expand(key, LABEL + salt + context, 32 + 12 + 32)
    if len(sealed) < 56 + 16 or material[44:] != commitment:
        return None
    nonce, plain, index = int.from_bytes(material[32:44], "big"), b"", 0
    while True:
        chunk, body = body[: 16384 + 16], body[16384 + 16 :]
        if len(chunk) < 16:
            return None  # the last chunk is shorter than full: an end at a full one was cut off
        try:
            part = AESGCM(material[:32]).decrypt((nonce ^ index).to_bytes(12, "big"), chunk, None)
        except InvalidTag:
            return None
        plain, index = plain + part, index + 1
        if len(part) < 16384:
            return None if body else plain


@given(KEY, st.binary(max_size=100), SIZES)
def test_what_we_seal_the_second_reader_opens(key, context, size):
    plain = make_vectors.drawn("plain", size)
    sealed = sealing.seal(key, context, plain)
    assert read(key, context, sealed) == plain
    assert sealing.open_(key, context, sealed, where="x") == plain
    assert sealing.commits(key, context, sealed)
    assert len(sealed) == sealing.sealed_size(size)
    assert sealing.padded_size(len(sealed)) == size


@given(KEY, st.binary(max_size=100), SIZES, st.binary(min_size=24, max_size=24))
def test_what_the_second_writer_seals_we_open(key, context, size, salt):
    plain = make_vectors.drawn("plain", size)
    sealed = make_vectors.cobblestone(key, context, plain, salt)
    assert sealing.open_(key, context, sealed, where="x") == plain


def refused(key, context, sealed):
    with pytest.raises(sealing.SealBroken):
        sealing.open_(key, context, sealed, where="x")
    with pytest.raises(sealing.SealBroken):
        b"".join(sealing.open_stream(key, context, [sealed], where="x"))
    assert read(key, context, sealed) is None


def test_every_bit_counts():
    sealed = sealing.seal(bytes(32), b"context", b"a short text")
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            refused(bytes(32), b"context", bytes(changed))


def test_every_cut_is_seen():
    sealed = sealing.seal(bytes(32), b"context", b"a short text")
    for length in range(len(sealed)):
        refused(bytes(32), b"context", sealed[:length])
    refused(bytes(32), b"context", sealed + b"\0")


@given(st.integers(0, 2), st.integers(0, 15))
def test_chunks_can_be_neither_cut_nor_moved(chunk, byte):
    sealed = sealing.seal(bytes(32), b"context", make_vectors.drawn("long", 40000))
    size = 16384 + 16
    body = [sealed[56 + i : 56 + i + size] for i in range(0, len(sealed) - 56, size)]
    for wrong in (body[:chunk] + body[chunk + 1 :], [*body[:chunk], body[chunk], *body[chunk:]], body[::-1]):
        refused(bytes(32), b"context", sealed[:56] + b"".join(wrong))
    changed = bytearray(sealed)
    changed[56 + chunk * size + byte] ^= 1
    refused(bytes(32), b"context", bytes(changed))


@given(KEY, KEY, st.binary(max_size=20), st.binary(max_size=20))
def test_key_and_context_are_committed_to(key, other, context, other_context):
    sealed = sealing.seal(key, context, b"x")
    if (key, context) != (other, other_context):
        refused(other, other_context, sealed)
        assert not sealing.commits(other, other_context, sealed)


def test_two_seals_of_one_text_differ():
    assert sealing.seal(bytes(32), b"", b"x") != sealing.seal(bytes(32), b"", b"x")


@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from(["content", "name", "note", "identity"]))
def test_compartments_open_at_their_own_place_only(n, other, name):
    origin, subject, key = make_vectors.ORIGIN, make_vectors.ITEM, bytes(32)
    sealed = sealing.seal_compartment(key, origin, subject, n, name, {"a": "b"})
    own = sealing.compartment_key(key, origin, subject, n, name)
    assert sealing.open_compartment(own, origin, subject, n, name, sealed, where="x") == {"a": "b"}
    assert len(sealed) == sealing.sealed_size(256)
    if other != n:
        for shown in (own, sealing.compartment_key(key, origin, subject, other, name)):
            with pytest.raises(sealing.SealBroken):
                sealing.open_compartment(shown, origin, subject, other, name, sealed, where="x")


def test_compartment_keys_are_hkdf_with_the_context_as_info():
    context = contexts.compartment("o", "s", 1, "note")
    prk = hmac.digest(bytes(32), b"k" * 32, "sha256")  # RFC 5869, empty salt
    assert sealing.compartment_key(b"k" * 32, "o", "s", 1, "note") == hmac.digest(
        prk, context + b"\1", "sha256"
    )
    assert derive.hkdf(b"k" * 32, b"") == hmac.digest(prk, b"\1", "sha256")


def test_each_compartment_has_a_class():
    from custody.format.compartments import COMPARTMENTS

    classes = {name: sealing.class_of(name) for name in COMPARTMENTS}
    assert {name for name, cls in classes.items() if cls != "record"} == {"identity", "note"}


@given(st.integers(0, 200_000))
def test_sealed_sizes_are_those_of_one_plaintext_or_none(sealed):
    plain = sealing.padded_size(sealed)
    assert plain is None or sealing.sealed_size(plain) == sealed


def test_of_every_size_near_a_chunks_end_it_is_known_whether_a_plaintext_has_it():
    plains = [*range(99), *(chunks * 16384 + i for chunks in (1, 2) for i in range(-99, 99))]
    sizes = {sealing.sealed_size(plain): plain for plain in plains}
    for chunks in range(3):
        for sealed in range(chunks * (16384 + 16), 56 + chunks * (16384 + 16) + 40):
            assert sealing.padded_size(sealed) == sizes.get(sealed), sealed


def test_object_keys_are_hkdf_with_the_context_as_info():
    # In full, as docs/format/contexts.md has it: no helper of the code under test.
    context = b"custody/1 object\0" + b"\0\1o" + b"\0\4item"
    prk = hmac.digest(bytes(32), b"k" * 32, "sha256")
    assert sealing.object_key(b"k" * 32, "o", "item") == hmac.digest(prk, context + b"\1", "sha256")


@given(st.lists(st.integers(0, 20000), max_size=5))
def test_a_stream_seals_as_one_piece_does(pieces):
    sealer = sealing.Sealer(bytes(32), b"context", 20000)
    plain = [make_vectors.drawn(str(i), size) for i, size in enumerate(pieces)]
    sealed = b"".join(bytes(sealer.update(piece)) for piece in plain) + sealer.finish()
    assert read(bytes(32), b"context", sealed) == b"".join(plain)
    cut = [sealed[i : i + 777] for i in range(0, len(sealed), 777)]
    opened = b"".join(sealing.open_stream(bytes(32), b"context", cut, where="x"))
    assert hashlib.sha256(opened).digest() == hashlib.sha256(b"".join(plain)).digest()


@given(st.binary(max_size=2000))
def test_any_bytes_are_refused_with_our_own_error(sealed):
    refused(bytes(32), b"", sealed)


def test_padding_inside_is_checked_when_opened():
    origin, subject = make_vectors.ORIGIN, make_vectors.ITEM
    key = sealing.compartment_key(bytes(32), origin, subject, 0, "note")
    context = contexts.compartment(origin, subject, 0, "note")
    sealed = sealing.seal(key, context, b"\0\0\0\2{}" + bytes(249) + b"\1")
    with pytest.raises(FormatError, match="not zero"):
        sealing.open_compartment(key, origin, subject, 0, "note", sealed, where="x")
