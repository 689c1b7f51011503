"""A file that is nothing but one raw transaction of Bitcoin or a chain that came from it, in bytes or hexadecimal.

Its id follows from the bytes, so no claim is checked by it. Which chain it is of does not stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from custody.errors import InputRefused
from custody.evidence.blockchain.bitcoin.transaction import LONGEST, Transaction, read_transaction
from custody.evidence.blockchain.captures import flags, marks
from custody.evidence.blockchain.captures.chain import Survey
from custody.evidence.blockchain.captures.esplora import MOST
from custody.evidence.blockchain.captures.shape import Coin, coin_of, transfer
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.export import Export, Member, cut
from custody.evidence.reading import Detected, Range, Settings
from custody.evidence.records.model import Record, Row
from custody.evidence.records.reader import RecordReader

_SPACE = b" \t\r\n"
_DIGITS = re.compile(rb"[ \t\r\n]{0,100}(?:0[xX])?[0-9a-fA-F]{20}")
_VERSIONS = tuple(bytes([one, 0, 0, 0]) for one in (1, 2, 3))
_SLACK = 1 << 10
"""White space around the digits."""


def _transaction(member: Member) -> tuple[Transaction, int, int] | None:
    """(the transaction, the first byte of it, the byte behind it); None where the file is not that."""
    head = member.head(256)
    digits = _DIGITS.match(head) is not None
    if not digits and not head.startswith(_VERSIONS):
        return None
    if member.size > (2 * LONGEST + _SLACK if digits else LONGEST):
        return None
    data = member.open().read(0, member.size)
    try:
        if not digits:
            return read_transaction(data), 0, len(data)
        word = data.strip(_SPACE)
        start = data.index(word)
        return read_transaction(word.decode("ascii")), start, start + len(word)
    except (InputRefused, UnicodeDecodeError):
        return None


def detect(export: Export) -> Detected | None:
    """Claim a file that can be read as one transaction to its last byte."""
    if export.zipped or _transaction(export.members[0]) is None:
        return None
    return Detected(score=60, reasons=("it can be read as one raw transaction, to its last byte",))


def read(export: Export, detected: Detected, settings: Settings) -> Iterator[Record]:
    """One row."""
    for at in detected.members:
        member = export.members[at]
        found = _transaction(member)
        if found is None:
            yield Range(at, 0, member.size, "unread")
            continue
        survey = Survey(at, None)
        yield from survey.settle(settings)
        chain = survey.chain if survey.chain is not None and CHAINS[survey.chain].family == "utxo" else None
        transaction, start, end = found
        if start:
            yield Range(at, 0, start, "blank")
        coin = _coin(transaction, chain)
        marks.mark(coin, {})
        yield Row(
            at, start, end, cut(member.open(), start, end), "coin", place="the whole file",
            values=coin.values(survey.origin), flags=tuple(sorted(coin.flags)),
        )  # fmt: skip
        if end < member.size:
            yield Range(at, end, member.size, "blank")


def _coin(found: Transaction, chain: str | None) -> Coin:
    coin = Coin(txid=found.txid, chain=chain)
    coin.verdicts.append({"of": "transaction", "level": "form_ok"})
    if chain is None:
        coin.flags.add("chain_ambiguous")
    asset, decimals = coin_of(chain)
    coin.details["wtxid"] = found.wtxid
    if any(one.is_coinbase for one in found.inputs):
        coin.details["what"] = "coinbase"
    if found.problems:
        coin.details["problems"] = list(found.problems)
    if not found.is_signed:
        coin.flags.add("not_signed")
    if len(found.inputs) > MOST or len(found.outputs) > MOST:
        coin.flags.add("row_not_split")
    coin.details["spends"] = [f"{one.txid}:{one.index}" for one in found.inputs[:MOST] if not one.is_coinbase]
    for index, one in enumerate(found.outputs[:MOST]):
        # The same script has another spelling on each chain: an address is given where the chain is known.
        address = one.paid.address if chain == "bitcoin" else None
        coin.transfers.append(
            transfer(
                sender=None, receiver=address, units=one.satoshis, decimals=decimals, asset=asset, index=index
            )
        )  # fmt: skip
    return coin


READER = RecordReader(
    name="coin-bytes",
    version=1,
    title="One raw transaction of Bitcoin or a chain that came from it, in bytes or hexadecimal",
    recorder="capture",
    zone="none: a transaction has no time",
    detect=detect,
    read=read,
    contains=("the transaction's id, what it spends, and what each of its outputs pays",),
    never=(
        "which chain it is of; say it with --mapping",
        "whether it was ever sent, and any time",
        "who paid: what it spends stands in other transactions",
        "who owns an address",
    ),
    asks=("mapping",),
    flags=flags.of(("chain_ambiguous", "not_signed")),
    shows_raw=False,
)
