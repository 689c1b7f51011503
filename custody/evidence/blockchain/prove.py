"""What can be shown of a payment from bytes alone, without a network: ``prove(claim, evidence)`` gives the ladder.

The pure core of ``custody prove``. Nothing is fetched, nothing is believed that somebody wrote beside the bytes, and a
step that was not taken is said not to have been taken.
"""

from __future__ import annotations

from collections.abc import Callable

from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.proof import bitcoin, evm, others, tron
from custody.evidence.blockchain.proof.claim import Claim, Evidence, Statement
from custody.evidence.blockchain.proof.ladder import Ladder, Outcome, Step
from custody.evidence.blockchain.proof.work import Work, begin

__all__ = ["Claim", "Evidence", "Ladder", "Outcome", "Statement", "Step", "prove"]


def prove(claim: Claim, evidence: Evidence) -> Ladder:
    """The ladder of one payment. Never an error: bytes that can't be read are a failed step that says why."""
    work = Work(claim, evidence)
    begin(work)
    _prover(claim, evidence)(work)
    return work.ladder()


def _prover(claim: Claim, evidence: Evidence) -> Callable[[Work], None]:
    lightning = claim.chain.lower() in ("lightning", "other:lightning")
    if lightning or (evidence.preimage is not None and evidence.transaction is None):
        return others.prove_lightning
    if claim.chain in CHAINS and CHAINS[claim.chain].family == "evm":
        return evm.prove
    if claim.chain in others.BITCOIN_KIN:
        return others.prove_bitcoin_kin
    return {
        "bitcoin": bitcoin.prove,
        "tron": tron.prove,
        "solana": others.prove_solana,
        "xrp": others.prove_xrp,
    }.get(claim.chain, others.prove_nothing)
