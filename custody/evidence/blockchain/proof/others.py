"""The ladders of chains of which less can be shown offline: Solana, Lightning, the XRP ledger, Bitcoin's kin."""

from __future__ import annotations

from custody.errors import InputRefused
from custody.evidence.blockchain import lightning, solana, xrp
from custody.evidence.blockchain.bitcoin.transaction import read_transaction
from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings import base58
from custody.evidence.blockchain.proof.ladder import shown
from custody.evidence.blockchain.proof.work import NOT_GIVEN, Content, Work, check_id, leave_open

BITCOIN_KIN = ("litecoin", "bitcoin-cash", "dogecoin")

_NO_BLOCKS = "blocks of this chain are not proven here"


def prove_solana(work: Work) -> None:
    """Id and signatures by the bytes; the plain transfers in them."""
    if work.evidence.transaction is not None:
        try:
            found = solana.read_transaction(work.evidence.transaction)
        except InputRefused as error:
            work.refused("hash_matches", error)
        else:
            if check_id(work, found.txid):
                _solana(work, found)
    _rest(work)


def _solana(work: Work, found: solana.Transaction) -> None:
    claim, content = work.claim, Content(work)
    signers = [base58.encode(one) for one in found.signers]
    work.fact("signed by", ", ".join(signers))
    work.fact(
        "instructions", f"{found.instructions}, of which {len(found.transfers)} are transfers read here"
    )
    moved = [(base58.encode(one.sender), base58.encode(one.to), one) for one in found.transfers]
    for sender, to, one in moved:
        what = "lamports" if not one.is_token else "units of a token, between accounts that hold tokens"
        work.fact("transfer", f"{one.units} {what}, from {sender} to {to}")
    for field, claimed, values in (
        ("receiver", claim.receiver, [to for _, to, _ in moved]),
        ("sender", claim.sender, [sender for sender, _, _ in moved]),
    ):
        if claimed is not None and (
            claimed in values or (values and not any(one.is_token for _, _, one in moved))
        ):
            content.compare(field, claimed, ", ".join(values), equal=claimed in values)
        else:
            content.leave(
                field,
                claimed,
                "no plain transfer of SOL; the owners of token accounts do not stand in the bytes",
            )
    if claim.contract is None and moved and not any(one.is_token for _, _, one in moved):
        units = [one.units for _, to, one in moved if claim.receiver in (None, to)]
        content.compare(
            "amount", claim.amount_units, ", ".join(map(str, units)), equal=claim.amount_units in units
        )
    else:
        content.leave(
            "amount", claim.amount_units, "which token's units they are does not always stand in the bytes"
        )
    content.leave("token", claim.contract, "compared by nobody here")
    content.end()
    if claim.sender is None or claim.sender in signers:
        work.passed("signature_matches", f"all {len(signers)} signatures fit: {', '.join(signers)}")
    else:
        work.failed(
            "signature_matches",
            "the stated sender is not among the signers",
            shown(claim.sender),
            ", ".join(signers),
        )


def prove_lightning(work: Work) -> None:
    """The preimage against the payment hash."""
    evidence = work.evidence
    if evidence.preimage is not None and evidence.payment_hash is not None:
        try:
            found = lightning.payment_hash_of(evidence.preimage)
            wanted = from_hex(evidence.payment_hash, "payment hash", most=32)
        except InputRefused as error:
            work.refused("hash_matches", error)
        else:
            work.fact("payment hash", found.hex())
            if found == wanted:
                work.passed(
                    "hash_matches",
                    "the preimage is that of the payment hash: whoever has it settled the payment, or was given it by "
                    "somebody who knew it",
                )
            else:
                work.failed(
                    "hash_matches", "the preimage is of another payment hash", wanted.hex(), found.hex()
                )
    work.not_shown.append(
        "who paid and who was paid: payee, payer and nodes between them can know a preimage"
    )
    work.not_shown.append("the amount: it stands in the invoice, which the payee signs")
    leave_open(work, ("hash_matches",), "preimage and payment hash were not both given")


def prove_xrp(work: Work) -> None:
    """The id by the bytes; nothing in them is read."""
    if work.evidence.transaction is not None:
        try:
            check_id(work, xrp.transaction_hash(work.evidence.transaction))
        except InputRefused as error:
            work.refused("hash_matches", error)
    leave_open(
        work,
        ("content_agrees", "signature_matches"),
        "the fields of this chain's transactions are not read here",
    )
    _rest(work)


def prove_bitcoin_kin(work: Work) -> None:
    """The id by the bytes, as Bitcoin has it; addresses and blocks of these chains are not worked out."""
    if work.evidence.transaction is not None:
        try:
            found = read_transaction(work.evidence.transaction)
        except InputRefused as error:
            work.refused("hash_matches", error)
        else:
            for number, output in enumerate(found.outputs[:50]):
                work.fact(
                    f"output {number}",
                    f"{output.satoshis} smallest units to script {output.script[:40].hex()}",
                )
            check_id(work, found.txid)
    leave_open(
        work,
        ("content_agrees", "signature_matches"),
        "addresses and signatures of this chain are not worked out here",
    )
    _rest(work)


def prove_nothing(work: Work) -> None:
    """A chain that nothing can be shown for."""
    leave_open(
        work,
        ("hash_matches", "content_agrees", "signature_matches"),
        "transactions of this chain can't be proven here; the bytes are kept",
    )
    _rest(work)


def _rest(work: Work) -> None:
    leave_open(work, ("hash_matches", "content_agrees", "signature_matches"), NOT_GIVEN)
    leave_open(work, ("included_in_given_block", "block_on_known_chain"), _NO_BLOCKS)
