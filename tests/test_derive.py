"""Derivations against published values: a wrong parameter opens nothing that was sealed with the right one."""

from __future__ import annotations

import pytest

from custody.crypto import derive


def test_hkdf_is_rfc_5869s():
    # Appendix A.3: no salt, no info, 42 bytes.
    made = derive.hkdf(b"\x0b" * 22, b"", 42)
    assert made.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )
    assert derive.hkdf(b"\x0b" * 22, b"") == made[:32]


def test_tags_are_rfc_4231s():
    # Test case 2.
    made = derive.tag(b"Jefe", b"what do ya want for nothing?")
    assert made.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize(
    ("lanes", "expected"),
    # What the reference implementation's own tests expect: version 0x13, 256 KiB, 2 passes.
    [
        (1, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
        (2, "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
    ],
)
def test_argon2id_is_the_reference_implementations(lanes, expected):
    made = derive.argon2id(b"password", b"somesalt", memory_kib=256, passes=2, lanes=lanes)
    assert made.hex() == expected
