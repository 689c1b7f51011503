"""The ladder of a payment on TRON."""

from __future__ import annotations

from custody.errors import InputRefused
from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.proof.ladder import shown
from custody.evidence.blockchain.proof.work import (
    NOT_GIVEN,
    Content,
    Work,
    check_id,
    leave_open,
    same_address,
    utc,
)
from custody.evidence.blockchain.tron.shown import differences
from custody.evidence.blockchain.tron.transaction import (
    Transaction,
    address_text,
    read_transaction,
    signer,
    transaction_id,
)


def prove(work: Work) -> None:
    """Take all steps for a payment on TRON."""
    raw = work.evidence.transaction
    if raw is not None:
        try:
            txid = transaction_id(raw)
        except InputRefused as error:
            work.refused("hash_matches", error)
        else:
            if check_id(work, txid):
                _bytes(work, txid)
    leave_open(work, ("hash_matches", "content_agrees", "signature_matches"), NOT_GIVEN)
    leave_open(
        work,
        ("included_in_given_block", "block_on_known_chain"),
        "for TRON this can't be shown without the network: its blocks are not proven here",
    )
    leave_open(work, ("carried_out",), "whether it succeeded (contractRet) is a node's statement")


def _bytes(work: Work, txid: str) -> None:
    raw = work.evidence.transaction
    assert raw is not None
    transaction = None
    try:
        transaction = read_transaction(raw)
    except InputRefused as error:
        work.refused("content_agrees", error)
    if transaction is not None:
        _describe(work, transaction)
        _content(work, transaction)
        _statements(work, transaction)
    _signed(work, txid, transaction)


def _describe(work: Work, found: Transaction) -> None:
    work.fact("kind", shown(found.kind))
    if found.owner is not None and found.to is not None:
        work.fact("acts for (owner)", address_text(found.owner))
        work.fact("contract" if found.kind == "TriggerSmartContract" else "to", address_text(found.to))
        work.fact("amount", f"{found.amount} sun" if found.asset is None else f"{found.amount} units")
    if found.token is not None:
        work.fact("asks the contract", f"to move {found.token.units} units")
        work.fact("units go to", address_text(b"\x41" + found.token.to))
        if found.token.owner is not None:
            work.fact("units are taken from", address_text(b"\x41" + found.token.owner))
        if not found.token.units:
            work.flags.add("zero_transfer")
    if found.permission:
        work.fact("permission of the owner's account", found.permission)
    if found.not_read:
        work.fact("fields that are not read here", ", ".join(map(str, found.not_read)))
    if found.expiration:
        work.fact("could come into a block until", utc(found.expiration // 1000))
    if found.time:
        work.fact("time, as the sender's program wrote it", utc(found.time // 1000))


def _content(work: Work, found: Transaction) -> None:
    claim, content = work.claim, Content(work)
    if not found.understood or found.owner is None or found.to is None:
        for field, value in (
            ("sender", claim.sender),
            ("receiver", claim.receiver),
            ("amount", claim.amount_units),
        ):
            content.leave(field, value, f"{shown(found.kind)} is not read here")
        content.end()
        return
    owner, to, amount = address_text(found.owner), address_text(found.to), found.amount
    is_call = found.kind == "TriggerSmartContract"
    if claim.contract is not None:
        fits = is_call and same_address("tron", claim.contract, to)
        content.compare("contract", claim.contract, to if is_call else "no call of a contract", equal=fits)
        token = tokens.token_of("tron", to)
        if is_call and token is not None:
            work.fact("token", token.symbol)
    if is_call:
        if found.token is None:
            content.leave("receiver", claim.receiver, "the call is not a plain transfer of tokens")
            content.leave("amount", claim.amount_units, "the call is not a plain transfer of tokens")
            content.compare(
                "sender", claim.sender, owner, equal=same_address("tron", claim.sender or "", owner)
            )
            content.end()
            return
        to, amount = address_text(b"\x41" + found.token.to), found.token.units
        if found.token.owner is not None:
            owner = address_text(b"\x41" + found.token.owner)
        if claim.contract is None:
            content.leave("amount", claim.amount_units, "it moves tokens, and no token's contract was stated")
    elif found.asset is not None:
        content.leave("amount", claim.amount_units, "it moves a TRC-10 asset, which was not stated")
    content.compare("receiver", claim.receiver, to, equal=same_address("tron", claim.receiver or "", to))
    content.compare("sender", claim.sender, owner, equal=same_address("tron", claim.sender or "", owner))
    if found.asset is None and (not is_call or claim.contract is not None):
        content.compare("amount", claim.amount_units, amount)
    content.end()


def _statements(work: Work, found: Transaction) -> None:
    """The JSON that was captured beside the bytes: it is compared, never believed."""
    for one in work.evidence.statements:
        if one.tron is None:
            continue
        differs = differences(one.tron, found)
        for difference in differs:
            work.flags.add("capture_inconsistent")
            work.failed(
                "explorer_statement",
                f"{shown(one.label)} shows another {difference.field} than the bytes beside it",
                shown(difference.proven),
                difference.shown,
                caps=False,
            )
        if not differs:
            work.passed("explorer_statement", f"the JSON of {shown(one.label)} shows what the bytes say")


def _signed(work: Work, txid: str, found: Transaction | None) -> None:
    name, signers = "signature_matches", []
    for number, signature in enumerate(work.evidence.signatures):
        try:
            signers.append(address_text(signer(txid, signature, where=f"signature {number + 1}")))
        except InputRefused as error:
            work.refused(name, error)
            return
    if not signers:
        work.unchecked(name, "no signature was given")
        return
    for one in signers:
        work.fact("signed by", one)
    owner = None if found is None or found.owner is None else address_text(found.owner)
    who = ", ".join(signers)
    if owner is None:
        work.unchecked(name, f"signed by {who}; for whom is not read from the bytes")
    elif owner not in signers:
        if found is not None and found.permission:
            work.unchecked(
                name,
                f"signed by {who}, under permission {found.permission} of {owner}; whose that is only the chain knows",
            )
        else:
            work.failed(
                name,
                "signed by another key than the owner's; whether the owner let it sign only the chain knows",
                owner,
                who,
            )
    elif (
        found is not None
        and found.token is not None
        and found.token.owner not in (None, found.owner[1:] if found.owner else b"")
    ):
        work.failed(
            name,
            "the one whose tokens are to move did not sign this: another account asks the contract to move them",
            address_text(b"\x41" + (found.token.owner or b"")),
            owner,
        )
    else:
        work.passed(name, f"signed by the key of {owner}; that does not say that it was sent")
