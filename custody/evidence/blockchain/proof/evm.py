"""The ladder of a payment on Ethereum, or a chain that works like it."""

from __future__ import annotations

from custody.errors import InputRefused
from custody.evidence.blockchain import tokens
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.blockchain.cursor import from_hex
from custody.evidence.blockchain.encodings.eip55 import checksummed
from custody.evidence.blockchain.encodings.hashes import keccak256
from custody.evidence.blockchain.ethereum import block
from custody.evidence.blockchain.ethereum.token import TokenTransfer, read_call, read_event
from custody.evidence.blockchain.ethereum.transaction import LONGEST, Transaction, read_transaction
from custody.evidence.blockchain.proof.claim import Bytes
from custody.evidence.blockchain.proof.ladder import TIME_NOT_SHOWN, Outcome, shown
from custody.evidence.blockchain.proof.work import (
    NOT_GIVEN,
    Content,
    Work,
    check_id,
    leave_open,
    same_address,
    utc,
)

_NO_WORK = (
    "no work goes into a header of this chain (Ethereum since September 2022), or none that is worked out here: "
    "anybody can write one"
)


def prove(work: Work) -> None:
    """Take all steps for a payment on an EVM chain."""
    header = _header(work)
    raw = _raw(work, header)
    if raw is not None and _check_id(work, raw):
        try:
            transaction = read_transaction(raw)
        except InputRefused as error:
            work.refused("content_agrees", error)
        else:
            call = read_call(transaction.data) if transaction.to is not None else None
            _content(work, transaction, call)
            _signed(work, transaction, call)
            if header is not None and work.has("included_in_given_block", Outcome.PASSED):
                _carried_out(work, header, transaction, call)
    elif work.has("included_in_given_block", Outcome.PASSED):
        # what stands in the block is not what was claimed: the proof is about something else
        work.steps = [one for one in work.steps if one.name != "included_in_given_block"]
        work.unchecked("included_in_given_block", "what the block holds is not the stated transaction")
    leave_open(work, ("hash_matches", "content_agrees", "signature_matches"), NOT_GIVEN)
    if header is not None:
        work.unchecked("work_enough", _NO_WORK)
    leave_open(
        work, ("included_in_given_block",), "no header with a proof of the transaction's place was given"
    )
    leave_open(work, ("block_on_known_chain",), "there is no list of known blocks for this chain here")
    lacks = (
        "a receipt counts only with its transaction"
        if work.evidence.receipt_proof
        else "no receipt was given"
    )
    leave_open(work, ("carried_out",), f"{lacks} and the proofs of both places in one block")


def _check_id(work: Work, raw: Bytes) -> bool:
    """The id is the digest of the bytes, whatever they hold: also of kinds that are not read here."""
    try:
        digest = keccak256(from_hex(raw, "raw transaction", most=LONGEST))
    except InputRefused as error:
        work.refused("hash_matches", error)
        return False
    return check_id(work, "0x" + digest.hex())


def _header(work: Work) -> block.Header | None:
    given, claim = work.evidence.header, work.claim
    if given is None:
        return None
    try:
        header = block.read_header(given)
    except InputRefused as error:
        work.refused("included_in_given_block", error)
        return None
    digest = "0x" + header.hash.hex()
    work.not_shown.append(TIME_NOT_SHOWN)
    work.fact("block", digest)
    work.fact("height of the block, as its header states", header.number)
    work.fact("block's time, as its maker states", utc(header.time))
    if claim.block_hash is not None and claim.block_hash.strip().lower() != digest:
        work.failed(
            "included_in_given_block", "the header is not the stated block's", shown(claim.block_hash), digest
        )
        return None
    if claim.height is not None and claim.height != header.number:
        work.failed(
            "included_in_given_block",
            "the header states another height than was claimed",
            str(claim.height),
            str(header.number),
        )
        return None
    return header


def _raw(work: Work, header: block.Header | None) -> Bytes | None:
    """The raw transaction: the one given, or the one that the header's trie holds; sets included_in_given_block."""
    evidence, name = work.evidence, "included_in_given_block"
    given = evidence.transaction
    if header is None or not evidence.transaction_proof:
        return given
    if evidence.index is None or not 0 <= evidence.index < 1 << 32:
        work.failed(name, "a proof was given, but not the transaction's place in its block")
        return given
    try:
        nodes = _nodes(evidence.transaction_proof)
        held = block.prove_place(
            header.transactions_root, evidence.index, nodes, where="proof of the transaction's place"
        )
        raw = held if given is None else from_hex(given, "raw transaction", most=LONGEST)
    except InputRefused as error:
        work.refused(name, error)
        return given
    if held is None:
        work.failed(name, f"the header's block has no transaction at place {evidence.index}")
    elif held != raw:
        work.failed(name, f"the block holds another transaction at place {evidence.index}")
    else:
        work.passed(name, f"by its header, the block holds this transaction at place {evidence.index}")
    return raw


def _nodes(given: tuple[Bytes, ...]) -> list[bytes]:
    return [from_hex(one, f"node {number + 1}", most=LONGEST) for number, one in enumerate(given)]


def _content(work: Work, transaction: Transaction, call: TokenTransfer | None) -> None:
    content, chain = Content(work), work.claim.chain
    target = None if transaction.to is None else checksummed(transaction.to)
    work.fact(
        "to", target or f"nobody: it makes a contract at {checksummed(transaction.creates or bytes(20))}"
    )
    work.fact("value", f"{transaction.value} of the chain's smallest unit")
    if transaction.data:
        work.fact("data", f"{len(transaction.data)} bytes, beginning {transaction.data[:4].hex()}")
    for one in transaction.delegations:
        work.fact("lets its authorities' accounts act by", checksummed(one))
    named = CHAINS[chain].caip2 or ""
    if transaction.chain_id is None:
        work.fact("chain", "the signature binds to no chain: it holds on any of them")
    else:
        work.fact("chain", f"eip155:{transaction.chain_id}")
        content.compare("chain", named, f"eip155:{transaction.chain_id}")
    if call is not None:
        token = tokens.token_of(chain, target or "")
        work.fact(
            "asks the contract",
            f"to move {call.units} units of {token.symbol if token else 'a token not known here'}",
        )
        work.fact("units go to", checksummed(call.to))
        if call.owner is not None:
            work.fact("units are taken from", f"{checksummed(call.owner)} (owner), by the signer (caller)")
        if not call.units:
            work.flags.add("zero_transfer")
    _agree(content, work, call, target, transaction)
    content.end()


def _agree(
    content: Content, work: Work, call: TokenTransfer | None, target: str | None, transaction: Transaction
) -> None:
    claim, chain = work.claim, work.claim.chain
    if claim.contract is not None:
        fits = target is not None and same_address(chain, claim.contract, target)
        content.compare("contract", claim.contract, target, equal=fits)
        if call is None:
            content.leave("receiver", claim.receiver, "the call is not a plain transfer of tokens")
            content.leave("amount", claim.amount_units, "the call is not a plain transfer of tokens")
            return
        receiver, units = checksummed(call.to), call.units
    elif (
        call is not None
        and claim.receiver is not None
        and same_address(chain, claim.receiver, checksummed(call.to))
    ):
        # told as a payment, sent as a call: what moves are a contract's tokens, not the chain's coin
        content.compare("receiver", claim.receiver, claim.receiver)
        content.leave("amount", claim.amount_units, "it moves tokens, and no token's contract was stated")
        return
    else:
        receiver, units = target or "nobody", transaction.value
    content.compare(
        "receiver", claim.receiver, receiver, equal=same_address(chain, claim.receiver or "", receiver)
    )
    content.compare("amount", claim.amount_units, units)


def _signed(work: Work, transaction: Transaction, call: TokenTransfer | None) -> None:
    claim, signer = work.claim, checksummed(transaction.signer)
    work.fact("signed by", signer)
    if claim.sender is None or same_address(claim.chain, claim.sender, signer):
        work.passed("signature_matches", f"signed by the key of {signer}; that does not say that it was sent")
    elif (
        call is not None
        and call.owner is not None
        and same_address(claim.chain, claim.sender, checksummed(call.owner))
    ):
        work.failed(
            "signature_matches",
            "the stated sender did not sign this: another account asks the contract to move the sender's tokens",
            f"a signature of {shown(claim.sender)}",
            f"one of {signer}",
        )
    else:
        work.failed("signature_matches", "signed by another key", shown(claim.sender), signer)


def _carried_out(
    work: Work, header: block.Header, transaction: Transaction, call: TokenTransfer | None
) -> None:
    evidence = work.evidence
    if not evidence.receipt_proof or evidence.index is None:
        return
    try:
        nodes = _nodes(evidence.receipt_proof)
        raw = block.prove_place(
            header.receipts_root, evidence.index, nodes, where="proof of the receipt's place"
        )
        receipt = None if raw is None else block.read_receipt(raw)
    except InputRefused as error:
        work.refused("carried_out", error)
        return
    if receipt is None:
        work.failed("carried_out", "the header's block has no receipt at this place")
    elif receipt.succeeded is False:
        work.failed("carried_out", "the block holds this transaction, but it failed: nothing was paid by it")
    elif receipt.type != transaction.type:
        work.failed("carried_out", "the receipt is of another type of transaction")
    elif call is not None:
        wanted = TokenTransfer(call.owner or transaction.signer, call.to, call.units)
        events = [
            read_event(one.topics, one.data)
            for one in receipt.logs
            if one.contract == (transaction.to or b"")
        ]
        if wanted in events:
            work.passed("carried_out", "the receipt says that the contract reported this transfer")
        else:
            work.failed("carried_out", "the receipt does not hold the contract's report of this transfer")
    elif receipt.succeeded is None:
        work.unchecked("carried_out", "receipts did not say so before October 2017")
    else:
        work.passed("carried_out", "the receipt says that it succeeded")
