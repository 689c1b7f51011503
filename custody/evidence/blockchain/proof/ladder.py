"""The result of a proof: steps that passed, failed or were not checked, how far they carry, and what they do not show.

There is no word "valid" in it. Not checked is never passed, and a step that failed is said first.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from custody.format.text import show

Json: TypeAlias = "str | int | bool | list[Json] | dict[str, Json] | None"

SCHEMA = "custody.coin-proof/1"

_ROOM = 200
"""Characters of a foreign text that a step repeats."""


class Outcome(enum.Enum):
    """What came of a step."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


STRENGTHS: dict[str, str] = {
    "nothing": "nothing was shown",
    "typed": "somebody typed it",
    "seen_on_screenshot": "it is seen in a picture; what the picture shows was not checked",
    "explorer_statement": "a website or a program stated it; its statement was not proven",
    "form_ok": "the ids and addresses have the form that this chain uses",
    "checksum_ok": "the checksums of the addresses match: a mistyped one would hardly ever pass",
    "hash_matches": "these are the bytes with this id; whether they were ever sent is not shown",
    "signature_matches": "signed by the key of the sending address; whether it was ever sent is not shown",
    "included_in_given_block": "the transaction stands in the block that was given; whether this block is one of the "
    "public chain is not shown",
    "block_on_known_chain": "the transaction stands in a block of the public chain, on which known blocks build",
}
"""How far a proof can carry, weakest first, in words."""

ORDER = (
    "typed",
    "seen_on_screenshot",
    "explorer_statement",
    "form_ok",
    "checksum_ok",
    "hash_matches",
    "content_agrees",
    "signature_matches",
    "work_enough",
    "included_in_given_block",
    "block_on_known_chain",
    "carried_out",
)
"""All steps. A failed one keeps the strength below it; steps that are no strength only do that."""

TITLES: dict[str, str] = {
    "typed": "typed",
    "seen_on_screenshot": "seen on a screenshot",
    "explorer_statement": "stated by an explorer or node",
    "form_ok": "form",
    "checksum_ok": "checksum",
    "hash_matches": "bytes have this id",
    "content_agrees": "bytes say what was claimed",
    "signature_matches": "signed by the sender",
    "work_enough": "work in the block's header",
    "included_in_given_block": "in the block given",
    "block_on_known_chain": "block is on the known chain",
    "carried_out": "carried out",
}

NOT_SHOWN = (
    "who owns or controls an address: that is never in these bytes",
    "what the payment was for, and that anything was delivered for it",
    "that it was not sent back or passed on later",
    "that it is final: confirmations are those at the moment of a capture, and a chain can be rewritten at its end",
)
TIME_NOT_SHOWN = "when it happened: a block's time is its maker's claim, and may be hours off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: ``name`` of ORDER, what came of it, in words; what was expected and found where it failed.

    ``caps``: whether a failure keeps the strength below this step. A captured statement that contradicts the bytes
    fails without taking anything from what the bytes prove.
    """

    name: str
    outcome: Outcome
    what: str
    expected: str | None = None
    found: str | None = None
    caps: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a proof was made from: its name, where it is from (an item's label), SHA-256 and size of its bytes."""

    name: str
    label: str | None
    sha256: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """All steps in order. ``facts``: what was read, as (name, text); amounts are whole smallest units, as text.

    ``flags``: ``capture_inconsistent`` (a captured statement contradicts the bytes), ``cheap_header`` (the
    header's work costs little), ``zero_transfer`` (a transfer of nothing, as poisoners make them). ``unread``: what
    was given and could not be used, as (label, why).
    """

    chain: str
    steps: tuple[Step, ...]
    facts: tuple[tuple[str, str], ...]
    not_shown: tuple[str, ...]
    inputs: tuple[Input, ...]
    flags: tuple[str, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()

    @property
    def strength(self) -> str:
        """The strongest step that passed, below the first one that failed; of STRENGTHS."""
        reached, passed = "nothing", {one.name for one in self.steps if one.outcome is Outcome.PASSED}
        for step in self.steps:
            if step.outcome is Outcome.FAILED and step.caps:
                break
            # A block of the public chain says nothing of a transaction that was not shown to be in it.
            lacking = step.name == "block_on_known_chain" and "included_in_given_block" not in passed
            if step.outcome is Outcome.PASSED and step.name in STRENGTHS and not lacking:
                reached = step.name
        return reached

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.outcome is Outcome.FAILED)

    def words(self) -> tuple[str, ...]:
        """Lines for people, the failures first. A terminal can show them as they are: nothing needs escaping."""
        lines = [f"FAILED: {_line(step)}" for step in self.failed]
        lines += [f"NOT USED: {shown(label)}: {shown(why)}" for label, why in self.unread]
        lines += [f"Shown so far, and no further: {STRENGTHS[self.strength]} ({self.strength})", "", "Steps:"]
        lines += [f"  [{step.outcome.value}] {_line(step)}" for step in self.steps]
        if self.facts:
            lines += ["", "Read from the bytes:", *(f"  {name}: {text}" for name, text in self.facts)]
        lines += ["", "This does not show:", *(f"  - {text}" for text in self.not_shown)]
        if self.inputs:
            lines += ["", "Made from:"]
            for one in self.inputs:
                label = "" if one.label is None else f" ({shown(one.label)})"
                lines.append(f"  {one.name}{label}: {one.size} bytes, sha256:{one.sha256}")
        return tuple(lines)

    def to_json(self) -> dict[str, Json]:
        """Texts, small whole numbers, booleans and lists only: ready for canonical JSON."""
        return {
            "schema": SCHEMA,
            "chain": self.chain,
            "strength": self.strength,
            "strength_words": STRENGTHS[self.strength],
            "failed": [step.name for step in self.failed],
            "steps": [
                {
                    "name": step.name,
                    "outcome": step.outcome.value,
                    "what": step.what,
                    "expected": step.expected,
                    "found": step.found,
                }
                for step in self.steps
            ],
            "facts": [[name, text] for name, text in self.facts],
            "not_shown": list(self.not_shown),
            "inputs": [
                {"name": one.name, "label": one.label, "sha256": one.sha256, "size": one.size}
                for one in self.inputs
            ],
            "unread": [[label, why] for label, why in self.unread],
            "flags": list(self.flags),
        }


def _line(step: Step) -> str:
    facts = [
        f"{word} {text}"
        for word, text in (("expected", step.expected), ("found", step.found))
        if text is not None
    ]
    return f"{TITLES[step.name]}: {step.what}" + (f" ({', '.join(facts)})" if facts else "")


def shown(text: str) -> str:
    """A foreign text, cut and safe to print.

    Whatever comes from outside into the words of a step or a fact goes through this once, where it comes in; nothing
    behind it escapes it again. Spaces that only look like one are spelled out too: they make an id another one.
    """
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in show(text, _ROOM))
