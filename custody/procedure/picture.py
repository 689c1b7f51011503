"""Pictures of a case: its logins by time, its transfers. Each with the table of the same numbers, nothing looked up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from custody.errors import InputRefused
from custody.export.svg import table
from custody.export.svg.flow import Strength, Transfer, coin_flow
from custody.export.svg.flow import table as flow_table
from custody.export.svg.timeline import Login, login_timeline
from custody.export.svg.timeline import table as login_table
from custody.format.text import show
from custody.procedure.access import Purpose
from custody.procedure.locker import Desk
from custody.procedure.records import CaseRows, Filter, of_case
from custody.vault.writing import machine_error

Kind = Literal["logins", "transfers"]
MOST = 100_000
"""Rows that a picture's table takes; a picture shows far fewer, and says how many it leaves out."""

_PROVEN = frozenset({"hash_matches", "signature_matches", "included_in_given_block", "block_on_known_chain"})
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
    about = CaseRows(items=[], not_opened=[])
    rows: list[Mapping[str, Any]] = []
    left_out = 0
    for row in of_case(desk, case, purpose, wanted, about):
        if row["kind"] != ("ip" if kind == "logins" else "coin"):
            continue
        if len(rows) < MOST:
            rows.append(row)
        else:
            left_out += 1
    if kind == "logins":
        logins = [login(row) for row in rows]
        made = login_table(logins)
        svg, caption = login_timeline(logins), "Logins by time"
    else:
        transfers = [one for row in rows for one in transfers_of(row)]
        made = flow_table(transfers)
        svg, caption = coin_flow(transfers), "Transfers by time"
    return Picture(
        svg=svg,
        html=table.as_html(made, caption=caption),
        csv=table.as_csv(made),
        rows=len(made) - 1,
        left_out=left_out,
        about=about,
    )


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


def transfers_of(row: Mapping[str, Any]) -> Iterator[Transfer]:
    """The movements of a row of kind "coin": those that it lists, or the one that somebody typed."""
    levels = {one.get("level") for one in row.get("verdicts", ())}
    strength: Strength = "proven" if levels & _PROVEN else "stated"
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
            strength=strength,
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


def new_files(svg: Path) -> tuple[Path, ...]:
    """The files that a picture becomes: itself, its table as a page fragment, and for a spreadsheet.

    InputRefused where the name is not that of an SVG file, or one of the three is there already.
    """
    if svg.suffix != ".svg":
        raise InputRefused(
            "a picture is an SVG file", where=show(str(svg)), expected="a name that ends in .svg"
        )
    paths = tuple(svg.with_suffix(suffix) for suffix in _SUFFIXES)
    for path in paths:
        if os.path.lexists(path):
            raise InputRefused(
                "this file is there already",
                where=show(str(path)),
                hint="name a new one: nothing is overwritten",
            )
    return paths


def write(made: Picture, paths: Sequence[Path]) -> None:
    """Write the three files of `new_files`, or none: MachineError where that can't be."""
    written: list[Path] = []
    try:
        for path, text in zip(paths, (made.svg, made.html, made.csv), strict=True):
            with path.open("x", encoding="utf-8", newline="") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise machine_error(error, f"the picture can't be written to {show(str(paths[0]))}") from error
