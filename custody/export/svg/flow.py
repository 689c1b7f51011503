"""Who paid whom on a chain, as it is told: addresses as lanes, transactions from left to right by time.

The stroke says how strong a statement is, and the words beside it say it again: solid is proven from bytes (a hash, a
signature, inclusion in a block), dotted is only captured or typed, dashed is inferred. An address is always whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from custody.export.svg import clock
from custody.export.svg.canvas import CHAR, Canvas
from custody.export.svg.labels import blocks, clean, drawn, units, wrap

Strength = Literal["proven", "stated", "inferred"]
STROKES: dict[Strength, str | None] = {"proven": None, "stated": "2 5", "inferred": "10 5"}
_MEANS: dict[Strength, str] = {
    "proven": "worked out again from bytes that are here; not that it was sent, or carried out",
    "stated": "captured or typed, so somebody's statement; not proven",
    "inferred": "a rule of thumb, which can be wrong",
}
MOST_TRANSFERS = 40
MOST_ADDRESSES = 40
LONGEST_ADDRESS = 200
COLUMNS = (
    "in picture", "transaction", "chain", "transaction id", "from", "from address", "to", "to address", "amount",
    "asset", "instant (UTC)", "time as written", "strength", "rests on", "item", "place", "flags",
)  # fmt: skip
_LEFT = 330
_LABEL = 22
"""Units of a label beside an edge; wider where an amount is longer, since a number is never broken in two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One movement. On an account chain from ``sender`` to ``receiver``; on a UTXO chain one input (``receiver`` is
    None) or one output (``sender`` is None) of the transaction ``txid``.

    ``amount`` is text in units of ``asset``, never a float; ``strength`` is how well it is known, ``basis`` what that
    rests on. ``flags``: of the movement (dust, possible_poisoning …); ``sender_flags`` and ``receiver_flags``: of the
    addresses (``lookalike_of:ADDRESS``).
    """

    chain: str
    model: Literal["utxo", "account"]
    strength: Strength
    item: str
    place: str = ""
    txid: str | None = None
    sender: str | None = None
    receiver: str | None = None
    amount: str | None = None
    asset: str | None = None
    instant: str | None = None
    time_raw: str | None = None
    basis: str = ""
    flags: tuple[str, ...] = ()
    sender_flags: tuple[str, ...] = ()
    receiver_flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.strength not in STROKES:
            raise ValueError(f"no such strength: {self.strength!r}")


@dataclass(slots=True)
class _Column:
    """A transaction of a UTXO chain with its inputs and outputs, or one movement on an account chain."""

    number: int
    parts: list[Transfer]
    moment: int | None
    x: int = 0

    @property
    def label(self) -> int:
        """Pixels of its widest label."""
        return CHAR * max(_LABEL, *(units(line) for one in self.parts for line in _words(one)))

    @property
    def width(self) -> int:
        return 2 * self.label + 130 if self.parts[0].model == "utxo" else self.label + 76


_Place = tuple[str, str | None]
"""Chain and address; None is an address that is not recorded."""


@dataclass(slots=True)
class _Plan:
    columns: list[_Column]
    lanes: dict[_Place, int]
    numbers: dict[tuple[str, str | None, int], int]
    states: list[int | None]
    """For each transfer the number of its transaction where it is drawn, else None."""
    flags: dict[_Place, set[str]]
    in_part: set[int]
    """Transactions of which some inputs or outputs are not drawn."""


def _ends(one: Transfer) -> list[_Place]:
    if one.model == "utxo":
        found: list[_Place] = [(one.chain, end) for end in (one.sender, one.receiver) if end is not None]
        return found or [(one.chain, None)]
    return [(one.chain, one.sender), (one.chain, one.receiver)]


def _plan(transfers: Sequence[Transfer], most: int) -> _Plan:
    plan = _Plan([], {}, {}, [None] * len(transfers), {}, set())
    moments = [clock.seconds(one.instant) for one in transfers]
    order = sorted(range(len(transfers)), key=lambda at: (moments[at] is None, moments[at] or 0, at))
    columns: dict[tuple[str, str | None, int], _Column] = {}
    count = 0
    for at in order:
        one = transfers[at]
        new = {end for end in _ends(one) if end not in plan.lanes}
        if count >= most or len(plan.lanes) + len(new) > MOST_ADDRESSES:
            continue
        count += 1
        # what has no id is no part of another transaction
        transaction = (one.chain, one.txid, -1 if one.txid is not None else at)
        number = plan.numbers.setdefault(transaction, len(plan.numbers) + 1)
        key = transaction if one.model == "utxo" else (one.chain, one.txid, at)
        column = columns.get(key)
        if column is None:
            column = columns[key] = _Column(number, [], moments[at])
            plan.columns.append(column)
        column.parts.append(one)
        plan.states[at] = number
        for end in _ends(one):
            plan.lanes.setdefault(end, len(plan.lanes) + 1)
        for address, flags in ((one.sender, one.sender_flags), (one.receiver, one.receiver_flags)):
            plan.flags.setdefault((one.chain, address), set()).update(flags)
    for one, drawn_as in zip(transfers, plan.states, strict=True):
        number_of = plan.numbers.get((one.chain, one.txid, -1))
        if drawn_as is None and one.txid is not None and number_of is not None:
            plan.in_part.add(number_of)
    return plan


def table(transfers: Sequence[Transfer], *, most: int = MOST_TRANSFERS) -> list[list[str]]:
    """All transfers, those drawn and those not, in the order given; the first line names the columns."""
    plan = _plan(transfers, most)
    out = [list(COLUMNS)]
    for one, number in zip(transfers, plan.states, strict=True):
        ends = [
            f"A{plan.lanes[one.chain, end]}"
            if number is not None and (one.chain, end) in plan.lanes and end
            else ""
            for end in (one.sender, one.receiver)
        ]
        out.append(
            [
                "no: too many" if number is None else "yes",
                "" if number is None else f"T{number}",
                one.chain,
                one.txid or "",
                ends[0],
                one.sender or "",
                ends[1],
                one.receiver or "",
                one.amount or "",
                one.asset or "",
                one.instant or "",
                one.time_raw or "",
                one.strength,
                one.basis,
                one.item,
                one.place,
                " ".join((*one.flags, *one.sender_flags, *one.receiver_flags)),
            ]
        )
    return out


def coin_flow(
    transfers: Sequence[Transfer], *, title: str = "Transfers by time", most: int = MOST_TRANSFERS
) -> str:
    """The picture: at most ``most`` transfers, the first by time; the rest is counted on it."""
    plan = _plan(transfers, most)
    x = _LEFT
    undated: int | None = None
    for column in plan.columns:
        if column.moment is None and undated is None:
            undated = x
            x += 20
        column.x = x
        x += column.width
    canvas = Canvas(max(x + 20, 1000))
    said = _said(transfers, plan)
    canvas.text(20, 32, drawn(title, 100), size=18, bold=True)
    canvas.text(20, 54, said)
    lanes, bottom = _lanes(canvas, plan, 136)
    if undated is not None:
        canvas.line([(undated + 4, 70), (undated + 4, bottom)], dash="10 5")
        canvas.text(undated + 12, 78, "no instant: in no order", size=12, bold=True)
    for column in plan.columns:
        _head(canvas, column, column.number in plan.in_part)
        if column.parts[0].model == "utxo":
            _transaction(canvas, column, lanes)
        else:
            _movement(canvas, column, lanes)
    y = _legend(canvas, plan, bottom + 10)
    return canvas.finish(
        y, title=clean(title, 100), description=f"{said} All of them stand in the table beside it."
    )


def _said(transfers: Sequence[Transfer], plan: _Plan) -> str:
    count = sum(number is not None for number in plan.states)
    text = f"{len(transfers)} transfers: {count} drawn, of {len(plan.numbers)} transactions"
    left = len(transfers) - count
    return f"{text}; {left} not drawn since they are too many, in the table only." if left else f"{text}."


def _lanes(canvas: Canvas, plan: _Plan, y: int) -> tuple[dict[_Place, int], int]:
    """Boxes with the whole addresses, and the height of each lane's line."""
    found: dict[_Place, int] = {}
    for (chain, address), number in plan.lanes.items():
        marks = _lookalikes(plan, chain, plan.flags.get((chain, address), set()))
        if address is None:
            lines = ["address not recorded", "(not always the same one)"]
        else:
            lines = blocks(clean(address, LONGEST_ADDRESS))
        height = 26 + 16 * (len(lines) + len(marks))
        middle = y + height // 2
        canvas.line([(300, middle), (canvas.width - 20, middle)], grey=True)
        canvas.begin(f"A{number}, {clean(chain, 40)}: {clean(address or 'not recorded', LONGEST_ADDRESS)}")
        canvas.rect(20, y, 280, height, line=3 if marks else 1, dash=None if address else "4 4")
        canvas.text(28, y + 17, f"A{number}  {drawn(chain, 24)}", bold=True)
        at = y + 17
        for line in lines:
            at += 16
            canvas.text(28, at, line, mono=True)
        for mark in marks:
            at += 16
            canvas.text(28, at, mark, size=12, bold=True)
        canvas.end()
        found[chain, address] = middle
        y += max(height + 14, 64)
    return found, y


def _lookalikes(plan: _Plan, chain: str, flags: set[str]) -> list[str]:
    marks = []
    for flag in sorted(flags):
        name, _, other = flag.partition(":")
        if name == "lookalike_of":
            number = plan.lanes.get((chain, other))
            marks.append(f"! looks like {f'A{number}' if number else 'another address'}, is not it")
        elif name in ("dust", "possible_poisoning", "counterfeit_token", "homoglyph", "checksum_bad"):
            marks.append(f"! {name.replace('_', ' ')}")
    return marks[:4]


def _head(canvas: Canvas, column: _Column, in_part: bool) -> None:
    first = column.parts[0]
    x = column.x + 10
    if in_part:
        canvas.text(x, 124, "drawn in part: see the table", size=11, bold=True)
    canvas.text(x, 94, f"T{column.number}  {_short(first.txid)}", bold=True)
    if column.moment is not None:
        date, time = clock.written(column.moment)
        canvas.text(x, 110, f"{date} {time}Z", size=12)
    else:
        canvas.text(x, 110, drawn(first.time_raw or "no time written", 26), size=12)


def _short(txid: str | None) -> str:
    if txid is None:
        return "no id"
    text = drawn(txid, LONGEST_ADDRESS)
    return text if len(text) <= 14 else f"{text[:8]}… (below)"


def _words(one: Transfer) -> list[str]:
    """Amount, strength and doubts of one movement, in lines."""
    amount = drawn(one.amount, 60) if one.amount else "amount not stated"
    asset = drawn(one.asset or "", 24)
    together = f"{amount} {asset}".strip()
    lines = [together] if units(together) <= _LABEL or not asset else [amount, asset]
    lines.append(one.strength)
    lines += [f"! {drawn(flag, 26).replace('_', ' ')}" for flag in one.flags[:3]]
    return lines


def _movement(canvas: Canvas, column: _Column, lanes: dict[_Place, int]) -> None:
    """A directed edge between two lanes."""
    one = column.parts[0]
    start, end = lanes[one.chain, one.sender], lanes[one.chain, one.receiver]
    x = column.x + 24
    canvas.begin(_about(one, column.number))
    stroke, width = STROKES[one.strength], 1 if "dust" in one.flags else 3
    canvas.circle(x, start, 4, filled=True)
    if start == end:
        canvas.line(
            [(x, start), (x, start - 22), (x + 26, start - 22), (x + 26, start)], width=width, dash=stroke
        )
        canvas.polygon([(x + 26, end), (x + 20, end - 10), (x + 32, end - 10)], filled=True)
        middle = start - 20
    else:
        back = -12 if end > start else 12
        canvas.line([(x, start), (x, end + back)], width=width, dash=stroke)
        canvas.polygon([(x, end), (x - 6, end + back), (x + 6, end + back)], filled=True)
        middle = (start + end) // 2 - 8
    canvas.label(x + (38 if start == end else 12), middle, _words(one))
    canvas.end()


def _transaction(canvas: Canvas, column: _Column, lanes: dict[_Place, int]) -> None:
    """A small square with its inputs on the left and its outputs on the right."""
    left = column.x + column.label + 10
    middle, right = left + 50, left + 100
    ends = [lanes[end] for one in column.parts for end in _ends(one)]
    y = sum(ends) // len(ends)
    if y in ends:
        y += 26  # not on a lane, where it would seem to belong to that address
    for one in column.parts:
        canvas.begin(_about(one, column.number))
        stroke, width = STROKES[one.strength], 1 if "dust" in one.flags else 3
        if one.sender is not None:
            at = lanes[one.chain, one.sender]
            canvas.line([(left, at), (middle, y)], width=width, dash=stroke)
            canvas.circle(left, at, 4, filled=True)
            if one.receiver is None:
                canvas.label(left - 8, at - 6, _words(one), anchor="end")
        if one.receiver is not None:
            at = lanes[one.chain, one.receiver]
            canvas.line([(middle, y), (right - 10, at), (right, at)], width=width, dash=stroke)
            canvas.polygon([(right, at), (right - 12, at - 6), (right - 12, at + 6)], filled=True)
            canvas.label(right + 8, at - 6, _words(one))
        canvas.end()
    canvas.rect(middle - 8, y - 8, 16, 16, line=2)


def _about(one: Transfer, number: int) -> str:
    ends = f"from {clean(one.sender or 'not recorded', 120)} to {clean(one.receiver or 'not recorded', 120)}"
    amount = f"{clean(one.amount or 'amount not stated', 60)} {clean(one.asset or '', 24)}"
    return f"T{number}, {amount}, {ends}, {one.strength}, {clean(one.item, 40)}"


def _legend(canvas: Canvas, plan: _Plan, y: int) -> int:
    for strength, dash in STROKES.items():
        y += 20
        canvas.line([(20, y - 4), (90, y - 4)], width=3, dash=dash)
        canvas.text(100, y, f"{strength}: {_MEANS[strength]}")
    y += 12
    told: set[int] = set()
    for column in plan.columns:
        if column.number in told:
            continue
        told.add(column.number)
        first = column.parts[0]
        y += 20
        canvas.text(20, y, f"T{column.number}", bold=True)
        where = ", ".join(dict.fromkeys(drawn(one.item, 30) for one in column.parts))
        for at, line in enumerate(wrap(f"{drawn(first.chain, 40)}, from {where}", 110)):
            y += 16 if at else 0
            canvas.text(70, y, line, size=12)
        for line in blocks(drawn(first.txid, LONGEST_ADDRESS), 20) if first.txid else ["no id recorded"]:
            y += 16
            canvas.text(70, y, line, mono=True, size=12)
    for note in (
        "Times are in UTC. A transfer says nothing about who owns an address, nor whether anything was given for it.",
        "Addresses are whole. Those that look alike are different addresses.",
    ):
        y += 20
        canvas.text(20, y, note)
    return y + 24
