"""Pictures of a case: its logins by time, its transfers. Each with the table of the same numbers, nothing looked up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from custody import machine
from custody.errors import InputRefused, MachineError
from custody.evidence.blockchain import secrets
from custody.evidence.records.wanted import Filter
from custody.export.svg import table
from custody.export.svg.flow import Transfer, coin_flow
from custody.export.svg.flow import table as flow_table
from custody.export.svg.timeline import Login, login_timeline
from custody.export.svg.timeline import table as login_table
from custody.format.text import show
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.records import CaseRows, of_case
from custody.vault.writing import machine_error

Kind = Literal["logins", "transfers"]
MOST = 100_000
"""Rows that a picture's table takes; a picture shows far fewer, and says how many it leaves out."""

_PROVEN = frozenset({"hash_matches", "signature_matches", "included_in_given_block", "block_on_known_chain"})
_CARRIED = frozenset({"confirmed", "in_block"})
_UTXO = frozenset({"bitcoin", "litecoin", "bitcoin-cash", "dogecoin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture (SVG), its table as a page fragment and for a spreadsheet; ``rows`` that it is of, and those left out.

    ``about``: the items that were read, and those that were not.
    """

    svg: str
    html: str
    csv: str
    rows: int
    left_out: int
    about: CaseRows


def draw(desk: Desk, case: str, kind: Kind, wanted: Filter, purpose: Purpose) -> Picture:
    """Read the rows of a case (logged, as `records.of_case`) and draw them."""
    about = CaseRows()
    left_out = 0
    logins: list[Login] = []
    transfers: list[Transfer] = []
    for row in of_case(desk, case, purpose, wanted, about):
        # only what is drawn is kept: a row can hold far more. The files go round: no wallet's secret is in them.
        row, _ = secrets.masked(row)
        if kind == "logins" and row["kind"] == "ip":
            if len(logins) < MOST:
                logins.append(login(row))
            else:
                left_out += 1
        elif kind == "transfers" and row["kind"] == "coin":
            for one in transfers_of(row):
                if len(transfers) < MOST:
                    transfers.append(one)
                else:
                    left_out += 1
    if kind == "logins":
        made = login_table(logins)
        svg = login_timeline(logins, title=f"Logins by time{_partly(about, left_out, wanted)}")
        caption = "Logins by time (an IP address identifies a connection, not a person)"
    else:
        made = flow_table(transfers)
        svg = coin_flow(transfers, title=f"Transfers by time{_partly(about, left_out, wanted)}")
        caption = "Transfers by time"
    return Picture(
        svg=svg,
        html=table.as_html(made, caption="; ".join([caption, *_limits(about, left_out, wanted)])),
        csv=table.as_csv(made),
        rows=len(made) - 1,
        left_out=left_out,
        about=about,
    )


def _limits(about: CaseRows, left_out: int, wanted: Filter) -> Iterator[str]:
    """What a picture is not of: who is handed the table must be able to ask for it."""
    if wanted != Filter():
        asked = {
            "from": wanted.since,
            "until": wanted.until,
            "address": wanted.address,
            "account": wanted.account,
        }
        chosen = ", ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
        yield f"only rows that may be of: {chosen or 'a choice'}"
    if left_out:
        yield f"{left_out} rows more than a table takes are not in it"
    if about.not_opened:
        yield f"not looked at: {', '.join(label for label, _ in about.not_opened)}"
    if about.damaged:
        yield f"damaged, and not read: {', '.join(dict.fromkeys(one.label for one in about.damaged))}"
    if about.without:
        yield f"no records were made of: {', '.join(about.without)}"
    if about.doubts:
        yield f"in doubt: {', '.join(dict.fromkeys(label for label, _ in about.doubts))}"


def _place(row: Mapping[str, Any]) -> str:
    return str(row.get("place") or row.get("source_place") or f"row {row['number']}")


def login(row: Mapping[str, Any]) -> Login:
    """A row of kind "ip" as it is drawn."""
    return Login(
        item=row["item"],
        place=_place(row),
        account=row.get("account"),
        event=row.get("event") or row.get("event_raw"),
        instant=row.get("instant"),
        time_raw=row.get("time_raw"),
        ip=row.get("ip"),
        ip_raw=row.get("ip_raw"),
        ip_class=row.get("ip_class"),
        port=row.get("port"),
        flags=tuple(row.get("flags", ())),
    )


def _partly(about: CaseRows, left_out: int, wanted: Filter = Filter()) -> str:  # noqa: B008 - it is frozen
    """A picture goes round alone: where it is of chosen rows, or something was not looked at, its title says so."""
    chosen = " (chosen rows: see the table)" if wanted != Filter() else ""
    missing = any(_limits(about, left_out, Filter()))
    return chosen + (" (not everything was looked at: see the table)" if missing else "")


def transfers_of(row: Mapping[str, Any]) -> Iterator[Transfer]:
    """The movements of a row of kind "coin": those that it lists, or the one that somebody typed."""
    levels = {one.get("level") for one in row.get("verdicts", ())}
    # What the signed bytes say of a transaction that nobody calls failed or pending; what they only ask a contract
    # for, and whose outputs they spend, stands in other bytes.
    worked_out = bool(levels & _PROVEN) and row.get("status") in _CARRIED
    asks = "asks" in (row.get("details") or {})
    listed: Sequence[Mapping[str, Any]] = row.get("transfers") or ()
    if not listed and (row.get("address_from_raw") or row.get("address_to_raw")):
        listed = (
            {
                "from": row.get("address_from_raw"),
                "to": row.get("address_to_raw"),
                "amount": row.get("amount") or row.get("amount_raw"),
                "asset": row.get("asset"),
            },
        )
    chain = str(row.get("chain") or "unknown chain")
    for one in listed:
        utxo = chain in _UTXO and (one.get("from") is None or one.get("to") is None)
        yield Transfer(
            chain=chain,
            model="utxo" if utxo else "account",
            strength="proven"
            if worked_out and not asks and not (utxo and one.get("to") is None)
            else "stated",
            item=row["item"],
            place=_place(row),
            txid=row.get("txid") or row.get("txid_raw"),
            sender=one.get("from"),
            receiver=one.get("to"),
            amount=one.get("amount") or one.get("amount_units"),
            asset=one.get("asset") or ("smallest units" if one.get("amount_units") else None),
            instant=row.get("instant"),
            time_raw=row.get("time_raw"),
            basis="typed"
            if row.get("recorder") == "manual"
            else ", ".join(sorted(map(str, levels))) or "captured",
            flags=(*row.get("flags", ()), *one.get("flags", ())),
            sender_flags=tuple(one.get("from_flags", ())),
            receiver_flags=tuple(one.get("to_flags", ())),
        )


_SUFFIXES = (".svg", ".html", ".csv")


def new_files(desk: Desk, svg: Path) -> tuple[Path, ...]:
    """The files that a picture becomes: itself, its table as a page fragment, and for a spreadsheet.

    InputRefused where the name is not that of an SVG file, one of the three is there already, or they would lie
    inside the locker; MachineError where there is no such folder.
    """
    if svg.suffix != ".svg":
        raise InputRefused(
            "a picture is an SVG file", where=show(str(svg)), expected="a name that ends in .svg"
        )
    paths = tuple(svg.with_suffix(suffix) for suffix in _SUFFIXES)
    for path in paths:
        if os.path.lexists(path):
            raise _exists(path)
    folder, locker = svg.parent.resolve(), desk.locker.path.resolve()
    if folder == locker or locker in folder.parents:
        raise InputRefused(
            "a picture may not lie inside the locker",
            where=show(str(svg)),
            hint="name a place outside of it",
        )
    if not folder.is_dir():
        raise MachineError("there is no such folder", where=show(str(svg.parent)))
    return paths


def write(made: Picture, paths: Sequence[Path]) -> None:
    """Write the three files of `new_files` (mode 0600), or none.

    None has a name before all are whole. MachineError where that can't be, InputRefused where one is there by now.
    """
    placed: list[Path] = []
    try:
        with contextlib.ExitStack() as stack:
            files = [stack.enter_context(machine.NewFile(path)) for path in paths]
            for new, text in zip(files, (made.svg, made.html, made.csv), strict=True):
                new.file.write(text.encode())
                new.file.flush()
                os.fsync(new.file.fileno())
            for new in files:
                new.place()
                placed.append(new.output)
        machine.sync_directory(paths[0].parent)
    except BaseException as error:
        for path in placed:
            path.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise _exists(paths[len(placed)]) from error
        if isinstance(error, OSError):
            raise machine_error(error, f"the picture can't be written to {show(str(paths[0]))}") from error
        raise


def _exists(path: Path) -> InputRefused:
    return InputRefused(
        "this file is there already", where=show(str(path)), hint="name a new one: nothing is overwritten"
    )
