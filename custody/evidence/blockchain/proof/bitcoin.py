"""The ladder of a Bitcoin payment."""

from __future__ import annotations

from typing import NamedTuple

from custody.errors import InputRefused
from custody.evidence.blockchain.bitcoin import known
from custody.evidence.blockchain.bitcoin.header import Header, read_headers
from custody.evidence.blockchain.bitcoin.inclusion import Inclusion, read_block, read_merkleblock
from custody.evidence.blockchain.bitcoin.script import shown_keys
from custody.evidence.blockchain.bitcoin.transaction import Transaction, read_transaction
from custody.evidence.blockchain.encodings.hashes import hash160
from custody.evidence.blockchain.proof.ladder import TIME_NOT_SHOWN, Outcome, shown
from custody.evidence.blockchain.proof.work import (
    NOT_GIVEN,
    Content,
    Work,
    address,
    check_id,
    leave_open,
    utc,
)

_SHOWN_OUTPUTS = 50
_PROBLEMS = {
    "value_out_of_range": "an amount in it can't be one",
    "same_output_twice": "it spends the same output twice",
    "sixty_four_bytes": "it is 64 bytes long, and could as well be two hashes of a block's tree (CVE-2017-12842)",
}


class _Found(NamedTuple):
    inclusion: Inclusion
    transactions: dict[str, Transaction]


def prove(work: Work) -> None:
    """Take all steps for a Bitcoin payment."""
    found = _block(work)
    transaction = _transaction(work, found)
    if transaction is not None:
        if check_id(work, transaction.txid):
            _describe(work, transaction)
            _content(work, transaction)
            _signatures(work, transaction)
        else:
            if work.claim.txid is not None and work.claim.txid.lower() == transaction.wtxid:
                work.fact("note", "the stated id is the witness id of these bytes; explorers show the txid")
            transaction = None
    if found is not None:
        _inclusion(work, found.inclusion, transaction)
    no_block = "no block that holds it was given"
    leave_open(work, ("hash_matches", "content_agrees", "signature_matches"), NOT_GIVEN)
    leave_open(work, ("work_enough", "included_in_given_block", "block_on_known_chain"), no_block)


def _block(work: Work) -> _Found | None:
    evidence = work.evidence
    try:
        partial = None if evidence.merkleblock is None else read_merkleblock(evidence.merkleblock)
        if evidence.block is not None:
            inclusion, transactions = read_block(evidence.block)
            if partial is not None and partial.header != inclusion.header:
                work.failed(
                    "included_in_given_block",
                    "block and merkleblock are not the same block's",
                    inclusion.header.hash,
                    partial.header.hash,
                )
            return _Found(inclusion, {one.txid: one for one in transactions})
        if partial is not None:
            return _Found(partial, {})
    except InputRefused as error:
        work.refused("included_in_given_block", error)
    return None


def _transaction(work: Work, found: _Found | None) -> Transaction | None:
    if work.evidence.transaction is None:
        # a whole block brings the transaction along
        return found.transactions.get((work.claim.txid or "").strip().lower()) if found is not None else None
    try:
        return read_transaction(work.evidence.transaction)
    except InputRefused as error:
        work.refused("hash_matches", error)
    return None


def _describe(work: Work, transaction: Transaction) -> None:
    if transaction.wtxid != transaction.txid:
        work.fact("wtxid", transaction.wtxid)
    for number, output in enumerate(transaction.outputs[:_SHOWN_OUTPUTS]):
        paid = output.paid
        work.fact(
            f"output {number}", f"{output.satoshis} satoshis to {paid.address or 'no address'} ({paid.kind})"
        )
    if len(transaction.outputs) > _SHOWN_OUTPUTS:
        work.fact("outputs", f"{len(transaction.outputs)}, of which {_SHOWN_OUTPUTS} are listed")


def _content(work: Work, transaction: Transaction) -> None:
    claim, content = work.claim, Content(work)
    for problem in transaction.problems:
        content.fail(f"no block may hold this transaction: {_PROBLEMS[problem]}")
    if claim.receiver is not None:
        amounts = _paid_to(work, transaction, claim.receiver)
        addresses = [one.paid.address or one.paid.kind for one in transaction.outputs[:5]]
        content.compare("receiver", claim.receiver, ", ".join(addresses), equal=bool(amounts))
        if amounts:
            paid = " and ".join(map(str, amounts))
            fits = claim.amount_units in (*amounts, sum(amounts))
            content.compare("amount", claim.amount_units, f"{paid} satoshis to this address", equal=fits)
    else:
        amounts = [one.satoshis for one in transaction.outputs]
        paid = ", ".join(map(str, amounts[:5]))
        content.compare(
            "amount", claim.amount_units, f"outputs of {paid}", equal=claim.amount_units in amounts
        )
    _sender(work, transaction, content)
    content.leave("contract", claim.contract, "Bitcoin has none")
    content.end()


def _paid_to(work: Work, transaction: Transaction, claimed: str) -> list[int]:
    """The satoshis of each output to the claimed address."""
    reading = address("bitcoin", claimed)
    if reading is None or reading.checksum == "bad" or reading.payload_hex is None:
        return []
    # a transaction can have a hundred thousand outputs: only those that hold the address's bytes are worked out
    payload = bytes.fromhex(reading.payload_hex)
    bare = reading.script_type == "p2pkh" and reading.network == "main"
    found = []
    for one in transaction.outputs:
        if payload in one.script and one.paid.address == reading.canonical:
            found.append(one.satoshis)
        elif bare and one.paid.kind == "p2pk" and hash160(one.script[1:-1]) == payload:
            work.fact("pays to the bare key of", f"{reading.canonical} (explorers show this address)")
            found.append(one.satoshis)
    return found


def _sender(work: Work, transaction: Transaction, content: Content) -> None:
    """Who is paid by the outputs that are spent: it stands in the transactions before, not in this one."""
    claim, before = work.claim, {}
    for number, raw in enumerate(work.evidence.previous):
        try:
            one = read_transaction(raw, where=f"previous transaction {number + 1}")
        except InputRefused as error:
            content.fail(error.message)
            continue
        before[one.txid] = one
    spent = [
        before[one.txid].outputs[one.index]
        for one in transaction.inputs
        if one.txid in before and one.index < len(before[one.txid].outputs)
    ]
    if any(one.txid in before and one.index >= len(before[one.txid].outputs) for one in transaction.inputs):
        content.fail("it spends an output that the transaction before does not have")
    unused = set(before) - {one.txid for one in transaction.inputs}
    if unused:
        content.fail(
            "a previous transaction is not one that this spends", found=shown(", ".join(sorted(unused)))
        )
    addresses = list(dict.fromkeys(one.paid.address for one in spent if one.paid.address is not None))
    for one_address in addresses[:_SHOWN_OUTPUTS]:
        work.fact("spends from", one_address)
    wanted = None if claim.sender is None else address("bitcoin", claim.sender)
    fits = wanted is not None and wanted.checksum != "bad" and wanted.canonical in addresses
    if len(spent) == len(transaction.inputs):
        fee = sum(one.satoshis for one in spent) - sum(one.satoshis for one in transaction.outputs)
        work.fact("fee", f"{fee} satoshis")
        if fee < 0:
            content.fail("it pays more than it spends", found=f"{-fee} satoshis more")
        content.compare("sender", claim.sender, ", ".join(addresses[:5]) or "no address", equal=fits)
        return
    if transaction.inputs[0].is_coinbase:
        work.fact("spends", "nothing: these are a block's new coins and fees")
        content.leave("sender", claim.sender, "new coins have none")
        return
    hints = [key for one in transaction.inputs[:20] for key in shown_keys(one.script, one.witness)]
    for hint in dict.fromkeys(hints):
        work.fact(
            "shows the key or script of", f"{hint} (a hint: what is spent stands in the transaction before)"
        )
    if fits:
        content.compare("sender", claim.sender, claim.sender)
    else:
        content.leave("sender", claim.sender, "the transactions that it spends from were not all given")


def _signatures(work: Work, transaction: Transaction) -> None:
    unsigned = [str(n) for n, one in enumerate(transaction.inputs) if not one.is_signed]
    if unsigned:
        work.failed("signature_matches", f"a draft: input {', '.join(unsigned[:10])} shows no signature")
    else:
        work.unchecked(
            "signature_matches",
            "Bitcoin's signatures are not worked out here; a block of the public chain would hold no wrong one",
        )


def _inclusion(work: Work, inclusion: Inclusion, transaction: Transaction | None) -> None:
    header, claim = inclusion.header, work.claim
    work.not_shown.append(TIME_NOT_SHOWN)
    work.fact("block", header.hash)
    work.fact("block's time, as its maker states", utc(header.time))
    work.fact("difficulty of the block", header.difficulty)
    work.fact("work of the block", f"{header.work} hashes on average")
    if not inclusion.whole:
        count = f"{inclusion.stated_count} (stated beside the proof; the header does not cover this number)"
        work.fact("transactions in the block", count)
    height = _known_chain(work, header)
    _work(work, header, claim.height if height is None else height)
    if claim.block_hash is not None and claim.block_hash.strip().lower() != header.hash:
        work.failed(
            "included_in_given_block", "the block is not the stated one", shown(claim.block_hash), header.hash
        )
        return
    txid = transaction.txid if transaction is not None else (claim.txid or "").strip().lower()
    if work.has("hash_matches", Outcome.FAILED):
        work.unchecked("included_in_given_block", "the bytes are not those of the stated id")
    elif not txid:
        work.unchecked("included_in_given_block", "no transaction was stated or given")
    elif transaction is None and not inclusion.whole:
        work.unchecked(
            "included_in_given_block",
            "without the raw transaction an id in the proof can't be told from a hash inside its tree",
        )
    elif txid not in inclusion.txids:
        work.failed(
            "included_in_given_block",
            "the block does not hold this transaction"
            if inclusion.whole
            else "the proof is not about this transaction: it fits its header, and proves nothing here",
            shown(txid),
            ", ".join(inclusion.txids[:3]) or "a proof of no transaction",
        )
    elif transaction is not None and "sixty_four_bytes" in transaction.problems:
        work.failed("included_in_given_block", _PROBLEMS["sixty_four_bytes"])
    else:
        work.passed("included_in_given_block", f"by its header, block {header.hash} holds this transaction")


def _work(work: Work, header: Header, height: int | None) -> None:
    floor = known.floor(header, height)
    named = f"difficulty {header.difficulty}, {header.work} hashes on average"
    if not floor.ok:
        work.failed(
            "work_enough",
            "the header does not have the difficulty that the network asked for at its place",
            floor.expected,
            f"bits {header.bits:08x}, {named}",
        )
        return
    if header.work < known.CHEAP_WORK:
        work.flags.add("cheap_header")
        work.passed(
            "work_enough",
            f"{named}: what the network asked for then, and little today: one machine can make such a header, so only "
            "known blocks that build on it can tell that it is not made up",
        )
    else:
        work.passed("work_enough", f"{named}: what the network asked for, and costly to make up")


def _known_chain(work: Work, header: Header) -> int | None:
    """Set the step block_on_known_chain; the block's height where it follows for certain."""
    name, claim = "block_on_known_chain", work.claim
    headers: tuple[Header, ...] = (header,)
    if work.evidence.headers is not None:
        try:
            headers = read_headers(work.evidence.headers)
        except InputRefused as error:
            work.refused(name, error)
            return None
        if header.hash not in {one.hash for one in headers}:
            work.failed(name, "the headers given are those of other blocks", header.hash, headers[0].hash)
            return None
    place = next(at for at, one in enumerate(headers) if one.hash == header.hash)
    after = headers[place + 1 :]
    if after:
        work.fact(
            "blocks that build on it, in the headers given", f"{len(after)}, {_sum(after)} hashes on average"
        )
    heights = known.known_heights()
    later = next((at for at in range(place, len(headers)) if headers[at].hash in heights), None)
    if later is not None:
        height = heights[headers[later].hash] - (later - place)
        work.fact("height of the block", height)
        if claim.height is not None and claim.height != height:
            work.failed(name, "the block has another height than was stated", str(claim.height), str(height))
        else:
            way = "it is itself" if later == place else f"{later - place} headers lead from it to"
            work.passed(
                name,
                f"{way} block {heights[headers[later].hash]} of the list of known blocks of {known.DATE}",
            )
        return height
    expected = None if claim.height is None else known.known_blocks().get(claim.height)
    if expected is not None:
        work.failed(name, f"the network's block at height {claim.height} is another", expected, header.hash)
        return None
    base = next((at for at in range(place, -1, -1) if headers[at].previous in heights), None)
    if base is not None:
        built = headers[base : place + 1]
        work.unchecked(
            name,
            f"it builds on known block {heights[headers[base].previous]} ({len(built)} headers, {_sum(built)} hashes "
            "on average), but no known block builds on it: that the network kept it is not shown",
        )
    else:
        work.unchecked(name, f"no header given leads to a block of the list of known blocks of {known.DATE}")
    return None


def _sum(headers: tuple[Header, ...]) -> int:
    return sum(one.work for one in headers)
