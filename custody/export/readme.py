"""`READ-ME-FIRST.txt`: how to check a package with stock tools, in plain words."""

from __future__ import annotations


def text(*, package: str, made: str, items: int, of_items: int, tokens: tuple[str, ...]) -> bytes:
    """The page. ``tokens``: names of the token files without their ending, such as ``custody/log/57``."""
    stamps = "".join(
        f"    openssl ts -verify -data {name}.note -in {name}.tsr -CAfile ROOT.pem\n" for name in tokens
    )
    stamp_text = (
        "The time proofs, with the root certificate of the timestamp authority, which you\n"
        "must have from the authority itself, never from whoever gave you this package:\n\n"
        f"{stamps}\n"
        if tokens
        else "This package has no time proof.\n\n"
    )
    return (
        f"READ ME FIRST\n\n"
        f"This is an evidence package made by the program custody.\n"
        f"Package {package}, made {made} by its maker's clock.\n"
        f"It holds {items} of the {of_items} items of its case.\n\n"
        "If you look at it inside a zip program, extract all of it first.\n"
        "The evidence lies in the folder data, under neutral names. A file with a\n"
        "second number, such as 001.1.jsonl beside 001.txt, was made from that one by\n"
        "the program, or taken out of it: the one without is as it came in.\n\n"
        "TO CHECK THE FILES WITHOUT OUR PROGRAM\n\n"
        "In the folder that holds this page (the folder bag):\n\n"
        "    sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt\n"
        "    bagit.py --validate .\n\n"
        "These find a bad copy. They do not find a change by somebody who also rewrote\n"
        "the lists, nor a file that was added (sha256sum) or who sent this.\n\n"
        f"{stamp_text}"
        "TO CHECK EVERYTHING\n\n"
        '    custody verify PACKAGE.zip --fingerprint "TWELVE WORDS"\n\n'
        "or, in a copy of the program's folder, with nothing but Python (3.11 or newer)\n"
        "and its package cryptography (50 or newer):\n\n"
        '    python -m custody.verify PACKAGE.zip --fingerprint "TWELVE WORDS"\n\n'
        "Have the twelve words read out by the sender over a telephone number that you\n"
        "know, or take them from a signed letter. Words that come with a package prove\n"
        "nothing: whoever makes a false package can print false words.\n\n"
        "WHAT THIS DOES NOT SAY\n\n"
        "That what is written or shown in the files is true, that a device's clock was\n"
        "right, or that a court must accept it.\n"
    ).encode("ascii")


TRUST_IS_ELSEWHERE = (
    b"No key, certificate or word in this package can tell you who made it: whoever\n"
    b"makes a false package can put false ones in. What you believe stands in a trust\n"
    b"file of your own, or in twelve words that you had from somebody you know.\n"
)
