"""What the provers of all chains share: collecting steps, comparing values, and the first rungs of every ladder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from custody.errors import InputRefused
from custody.evidence.blockchain import ids
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.proof.claim import Bytes, Claim, Evidence, Statement
from custody.evidence.blockchain.proof.ladder import NOT_SHOWN, ORDER, Input, Ladder, Outcome, Step, shown
from custody.evidence.blockchain.reading import Reading
from custody.evidence.blockchain.recognise import recognise

NOT_GIVEN = "the raw transaction was not given"


class Work:
    """A ladder in the making. Steps may come in any order; each name is set once, but for statements."""

    def __init__(self, claim: Claim, evidence: Evidence) -> None:
        self.claim, self.evidence = claim, evidence
        self.steps: list[Step] = []
        self.facts: list[tuple[str, str]] = []
        self.not_shown: list[str] = list(NOT_SHOWN)
        self.flags: set[str] = set()

    def passed(self, name: str, what: str) -> None:
        """A step that passed."""
        self.steps.append(Step(name=name, outcome=Outcome.PASSED, what=what))

    def failed(
        self,
        name: str,
        what: str,
        expected: str | None = None,
        found: str | None = None,
        *,
        caps: bool = True,
    ) -> None:
        """A step that failed."""
        self.steps.append(
            Step(name=name, outcome=Outcome.FAILED, what=what, expected=expected, found=found, caps=caps)
        )

    def refused(self, name: str, error: InputRefused) -> None:
        """A step whose bytes could not be read as what they are given for."""
        self.failed(name, error.message if error.hint is None else f"{error.message}; {error.hint}")

    def unchecked(self, name: str, what: str) -> None:
        """A step that could not be taken, and why."""
        self.steps.append(Step(name=name, outcome=Outcome.NOT_CHECKED, what=what))

    def fact(self, name: str, value: object) -> None:
        """Something that was read from the bytes."""
        self.facts.append((name, str(value)))

    def has(self, name: str, outcome: Outcome) -> bool:
        """Whether a step of this name came out so."""
        return any(step.name == name and step.outcome is outcome for step in self.steps)

    def ladder(self) -> Ladder:
        """The whole, in ORDER."""
        steps = sorted(self.steps, key=lambda step: ORDER.index(step.name))
        return Ladder(
            chain=self.claim.chain,
            steps=tuple(steps),
            facts=tuple(self.facts),
            not_shown=tuple(self.not_shown),
            inputs=tuple(_inputs(self.evidence)),
            flags=tuple(sorted(self.flags)),
            unread=self.evidence.unread,
        )


def begin(work: Work) -> None:
    """The rungs that need no bytes: who says so, the forms, the checksums."""
    claim = work.claim
    if claim.typed is not None:
        work.passed("typed", shown(claim.typed))
    _statements(work)
    if claim.chain not in CHAINS:
        why = (
            "nobody said which chain"
            if claim.chain in ("", "unknown")
            else "this chain's forms are not known here"
        )
        work.unchecked("form_ok", why)
        return
    wrong = [
        name
        for name, spelled in (
            ("txid", _spelled(ids.canonical_txid, claim.chain, claim.txid)),
            ("block hash", _spelled(ids.canonical_block, claim.chain, claim.block_hash)),
        )
        if spelled == ""
    ]
    seen, bad, none = 0, [], []
    for name, text in (("sender", claim.sender), ("receiver", claim.receiver), ("contract", claim.contract)):
        if text is None:
            continue
        seen += 1
        reading = address(claim.chain, text)
        if reading is None:
            wrong.append(name)
        elif reading.network not in (None, "main"):
            wrong.append(f"{name} (of a test network, where coins have no value)")
        elif reading.checksum == "bad":
            bad.append(name)
        elif reading.checksum == "none":
            none.append(name)
    stated = seen + (claim.txid is not None) + (claim.block_hash is not None)
    if wrong:
        work.failed("form_ok", f"not of the form that {claim.chain} uses: {', '.join(wrong)}")
    elif stated:
        work.passed("form_ok", f"ids and addresses have the form that {claim.chain} uses")
    else:
        work.unchecked("form_ok", "no id or address was stated")
    if bad:
        work.failed("checksum_ok", f"the checksum does not match: {', '.join(bad)}")
    elif none or seen == 0 or wrong:
        work.unchecked(
            "checksum_ok",
            f"no checksum in: {', '.join(none)}" if none else "no address with a checksum was stated",
        )
    else:
        work.passed("checksum_ok", "the checksums of all stated addresses match")


def _spelled(read: object, chain: str, text: str | None) -> str | None:
    """The one spelling, None where nothing was stated, "" where it has none."""
    if text is None:
        return None
    return (read(chain, text) or "") if callable(read) else ""


def _statements(work: Work) -> None:
    for one in work.evidence.statements:
        name = "seen_on_screenshot" if one.kind == "screenshot" else "explorer_statement"
        agrees: list[tuple[str, str, str]] = []
        differs: list[tuple[str, str, str]] = []
        for field, text in one.says.items():
            claimed = _claimed(work.claim, field)
            if claimed is not None:
                (agrees if same(work.claim.chain, field, claimed, text) else differs).append(
                    (field, claimed, text)
                )
        label = shown(one.label)
        if differs:
            work.flags.add("capture_inconsistent")
            for field, claimed, text in differs:
                work.failed(
                    name,
                    f"{label} states another {field.replace('_', ' ')}",
                    shown(claimed),
                    shown(text),
                    caps=False,
                )
        elif agrees:
            fields = ", ".join(field.replace("_", " ") for field, _, _ in agrees)
            work.passed(name, f"{label} states the same {fields}")
        else:
            work.unchecked(name, f"{label} states nothing that can be compared")
        _outcome(work, name, one)


def _outcome(work: Work, name: str, one: Statement) -> None:
    label = shown(one.label)
    if one.outcome == "failed":
        work.failed(name, f"{label} states that the payment failed", caps=False)
    elif one.outcome == "pending":
        work.unchecked(name, f"{label} states that it was in no block yet when this was captured")
    elif one.outcome == "succeeded":
        depth = (
            "" if one.confirmations is None else f", {one.confirmations} confirmations when it was captured"
        )
        work.passed(name, f"{label} states that it succeeded{depth}; a node's word, and not final")


def _claimed(claim: Claim, field: str) -> str | None:
    values = {
        "txid": claim.txid,
        "sender": claim.sender,
        "receiver": claim.receiver,
        "amount_units": claim.amount_units,
        "contract": claim.contract,
        "height": claim.height,
        "block_hash": claim.block_hash,
    }
    value = values.get(field)
    return None if value is None else str(value)


def same(chain: str, field: str, one: str, other: str) -> bool:
    """Whether two texts mean the same in this field: ids and addresses by what they stand for."""
    if one == other:
        return True
    if chain not in CHAINS:
        return False
    if field in ("txid", "block_hash"):
        read = ids.canonical_txid if field == "txid" else ids.canonical_block
        first = read(chain, one)
        return first is not None and first == read(chain, other)
    if field in ("sender", "receiver", "contract"):
        return same_address(chain, one, other)
    return False


def address(chain: str, text: str) -> Reading | None:
    """The reading of a text as an address of this chain, sound ones before others; None where there is none."""
    found = [
        one for one in recognise(text).readings if one.kind in ("address", "contract") and chain in one.chains
    ]
    return min(found, key=lambda one: one.checksum == "bad", default=None)


def same_address(chain: str, one: str, other: str) -> bool:
    """Whether two texts are one address; an address whose checksum is wrong is none."""
    first, second = address(chain, one), address(chain, other)
    if first is None or second is None or "bad" in (first.checksum, second.checksum):
        return False
    # the same key has an address on test networks too, and with another tag it is another customer's
    one_of, other_of = (
        (each.payload_hex, each.script_type, each.network, each.tag) for each in (first, second)
    )
    return one_of == other_of


def check_id(work: Work, found: str) -> bool:
    """The step hash_matches: the claimed id against the one that follows from the bytes. False where it failed."""
    work.fact("txid", found)
    claimed = work.claim.txid
    if claimed is None:
        work.unchecked("hash_matches", f"no id was stated to compare; the id of these bytes is {found}")
        return True
    if not same(work.claim.chain, "txid", claimed, found):
        work.failed("hash_matches", "the bytes are not those of the stated id", shown(claimed), found)
        return False
    work.passed("hash_matches", "the stated id follows from the bytes")
    return True


class Content:
    """Collects whether the bytes say what was claimed, and gives the step content_agrees."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.agreed: list[str] = []
        self.differs = False
        self.open: list[str] = []
        if work.claim.amount_units is None and work.claim.amount_text is not None:
            self.leave(
                "amount", work.claim.amount_text, f"typed as {shown(work.claim.amount_text)}: units not known"
            )

    def compare(self, field: str, claimed: object, found: object, *, equal: bool | None = None) -> None:
        """One claimed value against what the bytes say; nothing where nothing was claimed."""
        if claimed is None:
            return
        if (claimed == found) if equal is None else equal:
            self.agreed.append(field)
        else:
            self.fail(f"another {field}", shown(str(claimed)), shown(str(found)))

    def fail(self, what: str, expected: str | None = None, found: str | None = None) -> None:
        """A difference, or something that no such transaction may hold."""
        self.differs = True
        self.work.failed("content_agrees", what, expected, found)

    def leave(self, field: str, claimed: object, why: str) -> None:
        """A claimed value that the bytes do not tell."""
        if claimed is not None:
            self.open.append(f"{field} ({why})")

    def end(self) -> None:
        """Set the step."""
        rest = f"; not checked: {', '.join(self.open)}" if self.open else ""
        if self.agreed and not self.differs:
            self.work.passed("content_agrees", f"the bytes say the same {', '.join(self.agreed)}{rest}")
        elif not self.differs:
            self.work.unchecked("content_agrees", f"nothing that was claimed can be compared{rest}")


def utc(seconds: int) -> str:
    """Seconds since 1970 as RFC 3339 in UTC; the number itself where no calendar has it."""
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return f"{seconds} seconds after 1970"
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year >= 1000 else f"{seconds} seconds after 1970"


def leave_open(work: Work, names: Iterable[str], why: str) -> None:
    """Steps that are not set yet are not checked, for this reason."""
    done = {step.name for step in work.steps}
    for name in names:
        if name not in done:
            work.unchecked(name, why)


def _inputs(evidence: Evidence) -> Iterable[Input]:
    given: list[tuple[str, Bytes | None]] = [
        (name, getattr(evidence, name))
        for name in ("transaction", "merkleblock", "block", "headers", "header", "preimage", "payment_hash")
    ]
    for name in ("signatures", "previous", "transaction_proof", "receipt_proof"):
        given += [(name, one) for one in getattr(evidence, name)]
    for name, value in given:
        if value is not None:
            raw = value if isinstance(value, bytes) else _raw(value)
            yield Input(
                name=name,
                label=evidence.labels.get(name),
                sha256=hashlib.sha256(raw).hexdigest(),
                size=len(raw),
            )


def _raw(text: str) -> bytes:
    """The bytes of hexadecimal; of anything else the text's own, so that it has a digest too."""
    digits = text.strip().removeprefix("0x").removeprefix("0X")
    if digits.isascii() and digits.isalnum():
        try:
            return bytes.fromhex(digits)
        except ValueError:
            pass
    return text.encode("utf-8", "surrogatepass")
