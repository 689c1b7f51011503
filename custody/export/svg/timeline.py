"""Logins by time: a lane for each account, a mark for each address, in UTC.

Rows without an instant are listed under the picture and never placed on the axis. What is not drawn is
counted in words.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from custody.export.svg import clock
from custody.export.svg.canvas import Canvas
from custody.export.svg.labels import clean, drawable, drawn, wrap

MOST_ROWS = 200
MOST_LANES = 40
MOST_LISTED = 20
COLUMNS = (
    "in picture", "lane", "account", "event", "instant (UTC)", "time as written", "mark", "address", "class", "port",
    "item", "place", "flags",
)  # fmt: skip
_WIDTH = 1200
_LEFT, _RIGHT = 260, 1160
_MARK = 20
_GAP_SHARE = 8
"""A time without rows is told where it is at least this part of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One row. ``instant`` is RFC 3339 with Z, or None; ``item`` and ``place`` are where it can be read."""

    item: str
    place: str
    account: str | None = None
    event: str | None = None
    instant: str | None = None
    time_raw: str | None = None
    ip: str | None = None
    ip_raw: str | None = None
    ip_class: str | None = None
    port: int | None = None
    flags: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """As it is known, else as it was written."""
        return self.ip or self.ip_raw or ""


_Across = Callable[[int], int]
"""From an instant to its place on the axis."""


@dataclass(slots=True)
class _Plan:
    lanes: dict[str | None, int]
    marks: dict[str, int]
    drawn: list[tuple[int, Login]]
    states: list[str]
    counts: dict[str, int]


def _plan(rows: Sequence[Login], most: int) -> _Plan:
    timed = [
        (moment, at) for at, row in enumerate(rows) if (moment := clock.seconds(row.instant)) is not None
    ]
    timed.sort()
    plan = _Plan({}, {}, [], ["no instant"] * len(rows), {})
    for moment, at in timed:
        row = rows[at]
        if len(plan.drawn) >= most or (row.account not in plan.lanes and len(plan.lanes) >= MOST_LANES):
            plan.states[at] = "no: too many"
            continue
        plan.states[at] = "yes"
        plan.lanes.setdefault(row.account, len(plan.lanes) + 1)
        plan.marks.setdefault(row.address, len(plan.marks) + 1)
        plan.drawn.append((moment, row))
    for state in plan.states:
        plan.counts[state] = plan.counts.get(state, 0) + 1
    return plan


def table(rows: Sequence[Login], *, most: int = MOST_ROWS) -> list[list[str]]:
    """All rows, those drawn and those not, in the order given; the first line names the columns."""
    plan = _plan(rows, most)
    out = [list(COLUMNS)]
    for row, state in zip(rows, plan.states, strict=True):
        drawn = state == "yes"
        out.append(
            [
                state,
                f"K{plan.lanes[row.account]}" if drawn else "",
                row.account or "",
                row.event or "",
                row.instant or "",
                row.time_raw or "",
                str(plan.marks[row.address]) if drawn else "",
                row.address,
                row.ip_class or "",
                "" if row.port is None else str(row.port),
                row.item,
                row.place,
                " ".join(row.flags),
            ]
        )
    return out


def login_timeline(rows: Sequence[Login], *, title: str = "Logins by time", most: int = MOST_ROWS) -> str:
    """The picture: at most ``most`` rows, the first by time; the rest is counted on it."""
    plan = _plan(rows, most)
    canvas = Canvas(_WIDTH)
    said = _said(rows, plan)
    canvas.text(20, 32, drawn(title, 100), size=18, bold=True)
    canvas.text(20, 54, said)
    y = 84
    if plan.drawn:
        y = _axis(canvas, plan, y)
    y = _marks(canvas, plan, y + 12)
    y = _without(canvas, plan, rows, y)
    for note in (
        "Times are in UTC, as the source gives them. A time without rows is not a time without logins.",
        "An IP address identifies a connection, not a person.",
    ):
        y += 18
        canvas.text(20, y, note)
    return canvas.finish(
        y + 24, title=clean(title, 100), description=f"{said} All rows stand in the table beside it."
    )


def _said(rows: Sequence[Login], plan: _Plan) -> str:
    parts = [f"{len(rows)} rows: {len(plan.drawn)} drawn"]
    if plan.counts.get("no instant"):
        parts.append(f"{plan.counts['no instant']} without an instant, listed and not placed")
    if plan.counts.get("no: too many"):
        parts.append(f"{plan.counts['no: too many']} not drawn since they are too many, in the table only")
    return ", ".join(parts) + "."


def _axis(canvas: Canvas, plan: _Plan, y: int) -> int:
    first, last = plan.drawn[0][0], plan.drawn[-1][0]

    def across(moment: int) -> int:
        if first == last:
            return (_LEFT + _RIGHT) // 2
        return _LEFT + (moment - first) * (_RIGHT - _LEFT) // (last - first)

    y = _gaps(canvas, plan, across, y)
    bottom = _lanes(canvas, plan, across, y)
    times, step = clock.ticks(first, last)
    if not times:
        times, step = [first], 1
    canvas.line([(_LEFT - 14, bottom), (_RIGHT + 14, bottom)])
    for moment in times:
        x = across(moment)
        date, time = clock.written(moment)
        canvas.line([(x, bottom), (x, bottom + 6)])
        canvas.text(x, bottom + 20, date, size=12, anchor="middle")
        if step % clock.DAY:
            canvas.text(x, bottom + 35, time, size=12, anchor="middle")
    canvas.text(20, bottom + 20, "UTC", size=12)
    for label, stamp in (("from", first), ("to", last)):
        date, time = clock.written(stamp)
        canvas.text(20 if label == "from" else 260, bottom + 54, f"{label} {date} {time}Z", size=12)
    return bottom + 60


def _gaps(canvas: Canvas, plan: _Plan, across: _Across, y: int) -> int:
    moments = [moment for moment, _ in plan.drawn]
    whole = moments[-1] - moments[0]
    for before, after in itertools.pairwise(moments):
        if whole and (after - before) * _GAP_SHARE >= whole:
            left, right = across(before), across(after)
            canvas.line([(left, y - 5), (left, y + 5)])
            canvas.line([(left, y), (right, y)], dash="3 3")
            canvas.line([(right, y - 5), (right, y + 5)])
            canvas.text(
                (left + right) // 2, y - 7, f"no rows: {clock.span(after - before)}", size=11, anchor="middle"
            )
    return y + 16


def _lanes(canvas: Canvas, plan: _Plan, across: _Across, y: int) -> int:
    for account, lane in plan.lanes.items():
        rows = [(moment, row) for moment, row in plan.drawn if row.account == account]
        ends: list[int] = []
        placed: list[tuple[int, int, int, Login]] = []
        for moment, row in rows:
            x = across(moment)
            level = next((at for at, end in enumerate(ends) if end + _MARK + 2 <= x), len(ends))
            if level == len(ends):
                ends.append(x)
            ends[level] = x
            placed.append((x, level, moment, row))
        name = _name(account, lane)
        height = max(len(ends) * (_MARK + 2), len(name) * 16, 30) + 12
        canvas.line([(20, y), (_RIGHT + 14, y)], grey=True)
        for at, line in enumerate(name):
            canvas.text(20, y + 20 + at * 16, line, bold=not at)
        base = y + height - 6
        for x, level, moment, row in placed:
            _mark(canvas, x, base - _MARK // 2 - level * (_MARK + 2), plan.marks[row.address], row, moment)
        y += height
    return y


def _name(account: str | None, lane: int) -> list[str]:
    if account is None:
        return [f"K{lane}", "account not recorded"]
    if not drawable(account):
        return [f"K{lane}", "its name is in the table", "(not written from left to right)"]
    lines = wrap(clean(account, 90), 30)
    return [f"K{lane}", *lines]


def _mark(canvas: Canvas, x: int, y: int, number: int, row: Login, moment: int) -> None:
    date, time = clock.written(moment)
    event = clean(row.event or "event not stated", 40)
    canvas.begin(
        f"{date} {time}Z, {event}, address {clean(row.address, 60) or 'not recorded'}, {clean(row.item, 40)}"
    )
    half = _MARK // 2
    dash = "2 2" if row.event == "failed_login" else None
    shape = number % 4
    if shape == 1:
        canvas.circle(x, y, half, dash=dash)
    elif shape == 2:
        canvas.polygon(
            [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)],
            dash=dash,
        )
    elif shape == 3:
        canvas.polygon(
            [(x, y - half - 3), (x + half + 3, y), (x, y + half + 3), (x - half - 3, y)], dash=dash
        )
    else:
        canvas.polygon(
            [
                (x - 5, y - half),
                (x + 5, y - half),
                (x + half, y),
                (x + 5, y + half),
                (x - 5, y + half),
                (x - half, y),
            ],
            dash=dash,
        )
    canvas.text(x, y + 4, str(number), size=10, anchor="middle")
    canvas.end()


def _marks(canvas: Canvas, plan: _Plan, y: int) -> int:
    if not plan.marks:
        return y
    canvas.text(20, y + 16, "Addresses (dotted edge: the login failed)", bold=True)
    y += 20
    for address, number in plan.marks.items():
        of = [row for _, row in plan.drawn if row.address == address]
        ports = sum(row.port is not None for row in of)
        kinds = sorted({drawn(row.ip_class, 30) for row in of if row.ip_class})
        told = f"{number}:  {drawn(address, 80) or 'address not recorded'}"
        more = f"{len(of)} drawn, {ports} with a port{', ' + ' '.join(kinds) if kinds else ''}"
        y += 18
        canvas.text(20, y, told, mono=True)
        canvas.text(560, y, more, size=12)
    return y + 10


def _without(canvas: Canvas, plan: _Plan, rows: Sequence[Login], y: int) -> int:
    without = [row for row, state in zip(rows, plan.states, strict=True) if state == "no instant"]
    if not without:
        return y
    canvas.text(20, y + 20, f"Without an instant ({len(without)}): listed, not placed", bold=True)
    y += 24
    for row in without[:MOST_LISTED]:
        account = "account not recorded" if row.account is None else drawn(row.account, 40)
        time = drawn(row.time_raw or "no time written", 40)
        where = f"{drawn(row.item, 30)}, {drawn(row.place, 30)}"
        y += 18
        canvas.text(20, y, f"{where}: {account}, {time}, {drawn(row.address, 60)}", size=12)
    if len(without) > MOST_LISTED:
        y += 18
        canvas.text(20, y, f"and {len(without) - MOST_LISTED} more, in the table", size=12)
    return y + 10
