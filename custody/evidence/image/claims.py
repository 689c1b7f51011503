"""Content credentials (C2PA 2.1, annex A.3) and ProofMode: whether they are there, and where. Nothing is judged.

A manifest of C2PA is a signed claim of whoever signed it. To judge it takes the list of signers that a court or
office trusts, and a program that is kept up with the standard; this one says only that the claim is there.
"""

from __future__ import annotations

from custody.evidence.image.walk import Walk

_PROOFMODE = (b"proofmode", b"proof mode")
_LONGEST = 8 << 20


def look(out: Walk) -> None:
    """Flag what is there. A text that names ProofMode may stand in the claim, in EXIF or in a comment."""
    for one in out.claims:
        start, end = one.place(0, one.size)
        data = one.take(0, min(one.size, _LONGEST)).lower()
        named = b"jumb" in data[:64] or b"c2pa" in data[:256]
        out.flags.add("content_credentials")
        what = "JUMBF, C2PA" if b"c2pa" in data[:256] else "JUMBF" if named else "not understood"
        out.says("container", "content_credentials", f"{what}, {one.size} bytes, not judged", start, end)
        if any(word in data for word in _PROOFMODE):
            out.flags.add("proofmode_mentioned")
    for statement in out.statements:
        if any(word.decode() in statement.value.lower() for word in _PROOFMODE):
            out.flags.add("proofmode_mentioned")
