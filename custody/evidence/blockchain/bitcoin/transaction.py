"""A raw Bitcoin transaction: every byte of it, its ids, what it spends and what it pays.

Bytes as BIP-144 has them; the id (txid) is the double SHA-256 of the bytes without witnesses, shown backwards,
the witness id (wtxid) that of all bytes. What is read here says nothing about whether it was ever sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from custody.evidence.blockchain.bitcoin.script import Paid, paid_to
from custody.evidence.blockchain.cursor import Cursor, from_hex
from custody.evidence.blockchain.encodings.hashes import sha256d

LONGEST = 4_000_000
"""A block's weight is at most 4,000,000, and every byte weighs one or four."""

MOST_SATOSHIS = 21_000_000 * 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What is spent: output ``index`` of the transaction ``txid`` (shown form)."""

    txid: str
    index: int
    script: bytes
    sequence: int
    witness: tuple[bytes, ...]

    @property
    def is_coinbase(self) -> bool:
        """New coins: it spends nothing."""
        return self.txid == "0" * 64 and self.index == 0xFFFFFFFF

    @property
    def is_signed(self) -> bool:
        """Whether anything stands where signatures stand. Whether they fit is not looked at."""
        return bool(self.script or self.witness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is paid: whole satoshis, and the script that they are paid to."""

    satoshis: int
    script: bytes

    @property
    def paid(self) -> Paid:
        """Kind of script and address."""
        return paid_to(self.script)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A transaction. ``size`` in bytes with witnesses, ``stripped_size`` without them.

    ``problems``: what no block may hold, though it can be read: ``value_out_of_range``, ``same_output_twice``,
    ``sixty_four_bytes`` (CVE-2017-12842: such bytes can also be read as two hashes of a block's tree).
    """

    version: int
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    locktime: int
    txid: str
    wtxid: str
    size: int
    stripped_size: int
    problems: tuple[str, ...]

    @property
    def is_signed(self) -> bool:
        """Every input shows something where signatures stand."""
        return all(one.is_signed for one in self.inputs)

    def paid_to_address(self, address: str) -> tuple[int, ...]:
        """The satoshis of each output to this address, in order."""
        return tuple(one.satoshis for one in self.outputs if one.paid.address == address)


def read_transaction(data: bytes | str, *, where: str = "raw transaction") -> Transaction:
    """Read one transaction that takes up all of ``data`` (bytes or hexadecimal); InputRefused otherwise."""
    cursor = Cursor(from_hex(data, where, most=LONGEST), where)
    found = take_transaction(cursor)
    cursor.end()
    return found


def take_transaction(cursor: Cursor) -> Transaction:
    """Read one transaction where the cursor stands, which is moved behind it."""
    start = cursor.at
    version = cursor.signed(4, "the version")
    with_witness = cursor.data[cursor.at : cursor.at + 1] == b"\x00"
    if with_witness:
        cursor.take(1, "the marker")
        if cursor.number(1, "the flag") != 1:
            raise cursor.refuse("neither inputs nor a witness flag", expected="01 behind the marker 00")
    body = cursor.at
    spent = [_input(cursor) for _ in range(cursor.count("the number of inputs", 41))]
    if not spent:
        raise cursor.refuse("no inputs")
    outputs = tuple(_output(cursor) for _ in range(cursor.count("the number of outputs", 9)))
    if not outputs:
        raise cursor.refuse("no outputs")
    behind = cursor.at
    witnesses = [_witness(cursor) if with_witness else () for _ in spent]
    if with_witness and not any(witnesses):
        # One transaction must have one spelling (Bitcoin Core: superfluous witness record).
        raise cursor.refuse("a witness flag without witnesses")
    locktime = cursor.number(4, "the lock time")
    raw = cursor.data[start : cursor.at]
    plain = raw[:4] + cursor.data[body:behind] + raw[-4:]
    inputs = tuple(
        Input(txid=txid, index=index, script=script, sequence=sequence, witness=witness)
        for (txid, index, script, sequence), witness in zip(spent, witnesses, strict=True)
    )
    return Transaction(
        version=version,
        inputs=inputs,
        outputs=outputs,
        locktime=locktime,
        txid=sha256d(plain)[::-1].hex(),
        wtxid=sha256d(raw)[::-1].hex(),
        size=len(raw),
        stripped_size=len(plain),
        problems=_problems(inputs, outputs, len(plain)),
    )


def _input(cursor: Cursor) -> tuple[str, int, bytes, int]:
    txid = cursor.take(32, "the spent transaction's id")[::-1].hex()
    index = cursor.number(4, "the spent output's number")
    script = cursor.take(cursor.compact("a script's length"), "an input's script")
    return txid, index, script, cursor.number(4, "a sequence number")


def _output(cursor: Cursor) -> Output:
    satoshis = cursor.signed(8, "an amount")
    return Output(
        satoshis=satoshis, script=cursor.take(cursor.compact("a script's length"), "an output's script")
    )


def _witness(cursor: Cursor) -> tuple[bytes, ...]:
    count = cursor.count("the number of a witness's parts", 1)
    return tuple(cursor.take(cursor.compact("a part's length"), "a witness") for _ in range(count))


def _problems(inputs: tuple[Input, ...], outputs: tuple[Output, ...], stripped_size: int) -> tuple[str, ...]:
    found = []
    amounts = [one.satoshis for one in outputs]
    if any(not 0 <= one <= MOST_SATOSHIS for one in amounts) or sum(amounts) > MOST_SATOSHIS:
        found.append("value_out_of_range")
    if len({(one.txid, one.index) for one in inputs}) < len(inputs):
        found.append("same_output_twice")
    if stripped_size == 64:
        found.append("sixty_four_bytes")
    return tuple(found)
