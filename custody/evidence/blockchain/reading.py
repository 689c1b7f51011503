"""What one text can be: its readings, each with the strength of what is said of it.

There is no word "valid" here. ``form_ok`` says that a text has the shape that its chain uses; ``checksum_ok``
that its checksum matches: a mistyped text would hardly ever pass. Neither says that anything exists on a chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["address", "contract", "tx", "block", "invoice", "secret"]
Level = Literal["form_ok", "checksum_ok"]
Checksum = Literal["ok", "none", "bad"]
Network = Literal["main", "test", "regtest"]
"""``test``: one of a family of test networks; which one stands nowhere in the text."""
Origin = Literal["in_value", "inferred_unique"]

FLAGS: dict[str, str] = {
    "bad_character": "a character stands in it that can't be there",
    "chain_ambiguous": "the text does not say which of several chains is meant: somebody has to",
    "checksum_bad": "the checksum does not match: mistyped, misread or changed; kept as it stands",
    "homoglyph": "characters that look like others, or can't be seen; nothing was put in their place",
    "invoice_unsound": "the invoice breaks a rule that all wallets hold it to",
    "key_not_a_point": "the keys in it are no points of the curve: nobody can have made it as an address",
    "may_be_private_key": "looks the same as a private key: ask before this is shown to anybody",
    "no_checksum": "this form has no checksum: a slip of the hand can't be seen",
    "no_prefix": "the 0x in front is missing",
    "no_tag": "no destination tag: where an exchange is the receiver, the account holder can't be told",
    "old_form": "an old form, which other chains use too",
    "tag_unsupported": "the tag is of a kind that is reserved; it was not read",
    "test_network": "of a test network, where coins have no value",
    "witness_unknown": "of a kind that has no rules yet",
}
"""Each flag of a reading or of a whole text, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One thing that a text can be.

    ``chains``: every chain of ours that this fits; ``chain`` the only one, or None. ``origin``: whether the
    chain stands in the text, or is the only one that has this form. ``canonical``: the one spelling, in
    which two texts for one thing are equal. ``payload_hex``: the bytes that it stands for. ``level`` is None
    where the text is not sound as this. ``position``: a character that can't be right, counted from 0.
    ``tag``: XRP's destination tag or Monero's payment id. ``facts``: what else was read, as (name, text).
    """

    kind: Kind
    chains: tuple[str, ...]
    canonical: str
    level: Level | None
    checksum: Checksum
    origin: Origin | None = None
    network: Network | None = None
    script_type: str | None = None
    payload_hex: str | None = None
    position: int | None = None
    reason: str | None = None
    tag: str | None = None
    caip: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def chain(self) -> str | None:
        """The chain, where there is only one."""
        return self.chains[0] if len(self.chains) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A text and all its readings, the soundest first. ``raw`` is never changed.

    ``shown`` is what may be shown of it: the text, or words in its place where it is a secret. ``reason``
    says why there is no reading; ``odd`` lists characters beyond ASCII as (place from 0, "U+0430", name).
    """

    raw: str = field(repr=False)
    shown: str
    readings: tuple[Reading, ...]
    reason: str | None = None
    flags: tuple[str, ...] = ()
    odd: tuple[tuple[int, str, str], ...] = ()

    @property
    def secret(self) -> bool:
        """Whether the text is, or holds, what gives its reader the money."""
        return any(reading.kind == "secret" for reading in self.readings)
