"""custody records: the rows of a log, a return, a capture or a picture, each with its number and its place."""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Command, always
from custody.cli.damage import damaged_value, end_partly, say_damaged
from custody.cli.deriving import QUESTIONS, balance_text, gap_lines
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.errors import UsageError
from custody.format.text import show as safe

if TYPE_CHECKING:
    from custody.evidence.blockchain.captures.joined import Joined
    from custody.evidence.records.wanted import Filter
    from custody.ledger.work import ItemRow
    from custody.procedure.locker import Desk
    from custody.procedure.records import CaseRows

ACCOUNT_HELP = (
    "Only rows whose account or device has this in it; “-” asks, so that no shell remembers a name."
)
ACCOUNT_QUESTION = "In the account or device"
_KINDS = ("ip", "coin", "picture", "page", "network", "listed", "unknown")
_SHOWN_ELSEWHERE = frozenset({
    "record", "number", "kind", "source", "place", "raw", "flags", "item", "id", "instant", "local", "readings",
    "time_raw", "precision", "offset", "offset_origin", "ip", "ip_raw", "ip_version", "port", "event", "account",
})  # fmt: skip
_HEADS = {
    "coin": ("chain", "txid", "canonical"),
    "page": ("type", "url", "status"),
    "picture": ("format", "width", "height"),
    "network": ("range", "name"),
    "listed": ("ip",),
}
"""What a row of each kind is told by, in its first line."""
_SHOWN = 6
_TOLD_ONCE = frozenset({"no_source_port", "no_offset", "ip_table_date"})
"""Flags that often all rows have: they are told with their number behind the rows."""
CSV_COLUMNS = (
    "item", "number", "place", "kind", "instant", "time_raw", "local", "offset", "offset_origin", "precision",
    "instant_end", "time_end_raw", "ip", "ip_raw", "ip_class", "ip_role", "port", "transport", "dest_ip", "dest_port",
    "event", "event_raw", "account", "device", "user_agent", "request", "status", "flags", "more", "raw",
)  # fmt: skip


@click.command(
    cls=Command, unlocks=always, short_help="the rows of a log, a return or a capture, each with its place"
)
@click.argument("item", metavar="[ITEM]", required=False)
@click.option(
    "--from", "since", metavar="TIME", help="From this time on, like 2026-03-03 or 2026-03-03T20:14."
)
@click.option("--until", metavar="TIME", help="Up to this time, the whole of that day, hour or minute.")
@click.option(
    "--address",
    metavar="A",
    help="Only rows with this IP address, network (192.0.2.0/24) or chain address; “-” asks.",
)
@click.option("--account", metavar="TEXT", help=ACCOUNT_HELP)
@click.option("--kind", type=click.Choice(_KINDS), help="Only rows of this kind.")
@click.option("--flag", metavar="CODE", help="Only rows with this flag.")
@click.option(
    "--row", "numbers", metavar="N", type=click.IntRange(1), multiple=True, help="Only this one. Repeatable."
)
@click.option(
    "--csv", "as_csv", is_flag=True, help="As a table for a spreadsheet; nothing in it runs as a formula."
)
@click.option(
    "--case", "ref", metavar="REF", help="The case: without ITEM, the rows of all its items by time."
)
@click.option(
    "--alike", is_flag=True, help="With --case: which pictures look alike, in groups; none is dropped."
)
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def records(
    session: Session,
    item: str | None,
    since: str | None,
    until: str | None,
    address: str | None,
    account: str | None,
    kind: str | None,
    flag: str | None,
    numbers: Sequence[int],
    as_csv: bool,
    ref: str | None,
    alike: bool,
    purpose: str | None,
) -> None:
    """What a log, a return, a capture or a picture says, row by row.

    An IP address identifies a connection, not a person. Cite a row by item and number: row 12 of A-3/01. Opening
    it is logged. Times are instants (ending in Z) where the source tells its zone or somebody stated it; all
    others are marked so. --from and --until are UTC, and leave a row without an instant out only where no zone on
    earth could bring it in. With --json: one JSON object a line, after a first line that names what follows.
    """
    from custody.evidence.records.wanted import Filter
    from custody.procedure import cases, items

    if item is None and ref is None:
        raise UsageError("nothing is named", expected="an ITEM, or --case REF for all items of a case")
    if as_csv and session.out.as_json:
        raise UsageError("--csv and --json are two forms of the same", expected="one of them")
    wanted = Filter(
        since=since,
        until=until,
        address=session.narrowing(address, "--address", "Address or network"),
        account=session.narrowing(account, "--account", ACCOUNT_QUESTION),
        kind=kind,
        flag=flag,
        numbers=tuple(numbers),
    )
    if alike and (item is not None or as_csv or wanted != Filter()):
        raise UsageError("pictures are compared over a whole case", expected="--case REF --alike and no more")
    desk = session.desk()
    case = None if ref is None else cases.find(desk, ref).id
    if alike and case is not None:
        from custody.cli.alike import say_alike

        say_alike(session, desk, case, purpose)
        return
    writer = _Csv(session) if as_csv else _Json(session) if session.out.as_json else _Text(session)
    if item is None:
        assert case is not None
        _of_case(session, desk, case, wanted, writer, purpose)
    else:
        _of_item(session, desk, items.find_item(desk, item, case), wanted, writer, purpose)


def _of_item(
    session: Session, desk: Desk, row: ItemRow, wanted: Filter, writer: _Writer, purpose: str | None
) -> None:
    from custody.procedure import records as reading

    form, lines = reading.of_item(desk, row, session.purpose(purpose))
    first = next(lines)  # that there are none is said before anything else
    writer.begin({"item": row.id, "label": row.label, "form": form.id}, f"records of {row.label}")
    for _, record in itertools.chain([first], lines):
        if record["record"] != "row":
            writer.beside(record)
            continue
        writer.of += 1
        if wanted.takes(record):
            writer.row(record)
    writer.end(row.label)


def _of_case(
    session: Session, desk: Desk, case: str, wanted: Filter, writer: _Writer, purpose: str | None
) -> None:
    from custody.evidence.blockchain.captures.joined import lookalikes_in
    from custody.procedure import records as reading

    about = reading.CaseRows()
    rows = reading.of_case(desk, case, session.purpose(purpose), wanted, about)
    writer.begin({"case": case}, "records of the case, by time")
    alike = lookalikes_in(_written(writer, rows))
    writer.of = about.rows
    for one in about.damaged:
        writer.damaged(damaged_value(one))
    looked = {"rows": about.rows, "shown": writer.shown, **about_value(about), "lookalikes": _alike(alike)}
    session.out.line({"record": "looked", **looked})
    writer.end(None)
    _say_lookalikes(session, alike)
    session.out.say(f"from {count_text(len(about.items), 'item')}: {', '.join(about.items) or 'none'}")
    say_about(session, about)
    end_partly(about.damaged, about.skipped)


def _written(writer: _Writer, rows: Iterator[dict[str, Any]]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    for record in rows:
        writer.row(record)
        # What somebody typed is one movement, and has its addresses at the top.
        typed = {"from": record.get("address_from_raw"), "to": record.get("address_to_raw")}
        ends = {end: address for end, address in typed.items() if address is not None}
        yield record["item"], {**record, "transfers": [ends]} if ends else record


def _alike(found: Joined) -> list[dict[str, Any]]:
    """Addresses of chains over the whole case that look alike and are not the same, for --json."""
    return [
        {
            "addresses": [
                {"address": one.address, "rows": [{"item": item, "number": at} for item, at in one.places]}
                for one in group.addresses
            ]
        }
        for group in found.groups
    ]


def _say_lookalikes(session: Session, found: Joined) -> None:
    from custody.evidence.blockchain.lookalikes import blocks

    for group in found.groups[:_SHOWN]:
        session.out.say(
            "look: addresses that look alike and are not the same; one may be made to be taken for another:"
        )
        for one in group.addresses[:_SHOWN]:
            first = ", ".join(f"row {at} of {item}" for item, at in one.places[:3])
            session.out.say(f"  {blocks(safe(one.address, 300))}  ({first})")
    if len(found.groups) > _SHOWN:
        session.out.say(f"  and {len(found.groups) - _SHOWN} groups more; --json has all")
    if found.left_out:
        session.out.say(f"{found.left_out} addresses more were not compared with the others")


def about_value(about: CaseRows) -> dict[str, Any]:
    """What was looked at over a case and what was not, for --json."""
    return {
        "items": about.items,
        "not_opened": [{"label": label, "why": why} for label, why in about.not_opened],
        "without": about.without,
        "pictures": about.pictures,
        "damaged": list(dict.fromkeys(one.label for one in about.damaged)),
        "doubts": [{"label": label, "what": what} for label, what in about.doubts],
    }


def say_about(session: Session, about: CaseRows) -> None:
    """What was not looked at over a case, and what is in doubt, for people."""
    for label, what in about.doubts:
        session.out.say(f"look: {label}: {what}")
    for label, why in about.not_opened:
        session.out.say(f"not looked at: {label}: {why}")
    if about.pictures:
        session.out.say(
            f"{count_text(about.pictures, 'picture')} not among these rows: custody records ITEM shows one, "
            "--alike compares all"
        )
    if about.without:
        more = f" and {len(about.without) - _SHOWN} more" if len(about.without) > _SHOWN else ""
        session.out.say(
            f"no records were made of {count_text(len(about.without), 'item')} that may hold some: "
            f"{', '.join(about.without[:_SHOWN])}{more}"
        )
        session.out.say(
            "  custody derive ITEM makes them where a reader takes it; of mails custody records ITEM shows them"
        )
    say_damaged(session, about.damaged)


class _Writer:
    """Takes rows as they come. ``of``: how many there were, wanted or not."""

    def __init__(self, session: Session) -> None:
        self.out = session.out
        self.of = 0
        self.shown = 0
        self.hidden = 0
        self._gaps: list[str] = []

    def begin(self, value: dict[str, Any], words: str) -> None:
        self.out.say(words)

    def beside(self, record: dict[str, Any]) -> None:
        """What stands in a form beside its rows."""
        if record["record"] == "account":
            self._gaps = list(_gap_lines(record))

    def row(self, record: dict[str, Any]) -> None:
        self.shown += 1

    def damaged(self, record: dict[str, Any]) -> None:
        """What could not be read: it stands among what is handed on, not only on the screen."""

    def masked(self, value: Any) -> Any:
        """What may be shown to people: secrets of wallets are hidden, and counted."""
        from custody.evidence.blockchain import secrets

        shown, hidden = secrets.masked(value)
        self.hidden += hidden
        return shown

    def end(self, label: str | None) -> None:
        if self.hidden:
            self.out.say(f"hidden: what looks like a wallet's secret, {count_text(self.hidden, 'time')}")
            self.out.say("  --json shows rows as they are; whoever reads a secret can take the money")
        self.out.say(f"{self.shown} of {count_text(self.of, 'row')} shown", *self._gaps)


class _Json(_Writer):
    def begin(self, value: dict[str, Any], words: str) -> None:
        self.out.first_line(value)

    def beside(self, record: dict[str, Any]) -> None:
        self.out.line(record)

    def row(self, record: dict[str, Any]) -> None:
        super().row(record)
        self.out.line(record)

    def damaged(self, record: dict[str, Any]) -> None:
        self.out.line(record)

    def end(self, label: str | None) -> None:
        """The account was the last line."""


class _Csv(_Writer):
    def begin(self, value: dict[str, Any], words: str) -> None:
        from custody.export import csv_safe

        super().begin(value, words)
        sys.stdout.write(csv_safe.line(CSV_COLUMNS))

    def row(self, record: dict[str, Any]) -> None:

        super().row(record)
        record = self.masked(record)
        more = {name: value for name, value in record.items() if name not in _KNOWN}
        values = {**record, "flags": " ".join(record.get("flags", ()))}
        if more:
            values["more"] = json.dumps(more, ensure_ascii=False, sort_keys=True)
        self._line(values)

    def damaged(self, record: dict[str, Any]) -> None:
        more = f"DAMAGED, and nothing of it is in this table: {record['what']}; to do: {record['to_do']}"
        self._line({"item": record["item"], "kind": "damaged", "more": more})

    def _line(self, values: dict[str, Any]) -> None:
        from custody.export import csv_safe

        sys.stdout.write(csv_safe.line([str(values.get(name, "")) for name in CSV_COLUMNS]))


_KNOWN = frozenset({*CSV_COLUMNS, "record", "source", "id", "ip_version"})


class _Text(_Writer):
    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._flags: Counter[str] = Counter()
        self._kinds: Counter[str] = Counter()
        self._notes: list[str] = []
        self._table_date: str | None = None
        self._flag_words: dict[str, str] = {}

    def beside(self, record: dict[str, Any]) -> None:
        if record["record"] == "account":
            # the first notices of each code were shown as they came
            more = {code: count for code, count in record["notices"].items() if count > 1}
            record = {**record, "notices": more}
        super().beside(record)
        if record["record"] == "import":
            self._table_date = record["ip_table_date"]
            self._flag_words = _reader_flags(record["reader"]["name"])
        elif record["record"] == "reading" and record["state"] == "open":
            option = QUESTIONS.get(record["what"])
            answer = f" (custody derive … {option[1]})" if option else ""
            reasons = safe(self.masked("; ".join(record["reasons"])), 400)
            self.out.say(f"open: {record['what'].replace('_', ' ')}: {reasons}{answer}")
        elif record["record"] == "reading" and record["what"] not in ("zone", "date_order", "year"):
            reasons = safe(self.masked("; ".join(record["reasons"])), 400)
            value = safe(self.masked(str(record.get("value"))), 200)
            said = f"{record['what'].replace('_', ' ')}: {value} ({record['state']})"
            self.out.say(f"{said}{': ' if reasons else ''}{reasons}")
        elif record["record"] == "notice":
            place = f"{safe(self.masked(record['place']), 200)}: " if "place" in record else ""
            self.out.say(f"look: {place}{safe(self.masked(record['text']), 400)}")
        elif record["record"] == "account":
            self._notes.append(
                balance_text(record["rows"], record["plain"], record["flagged"], record["kept_raw"])
            )

    def row(self, record: dict[str, Any]) -> None:
        super().row(record)
        record = self.masked(record)
        self._flags.update(record.get("flags", ()))
        self._kinds[record["kind"]] += 1
        self.out.data(*row_lines(record))

    def end(self, label: str | None) -> None:
        super().end(label)
        self.out.say(*self._notes)
        if self._flags:
            from custody.evidence.records import flags

            meanings = self._flag_words or _reader_flags(None)
            self.out.say("flags of the rows shown:")
            for flag, count in sorted(self._flags.items()):
                words = flags.FLAGS.get(flag) or meanings.get(flag) or flags.reserved(flag) or ""
                once = " (told here alone, not at each row)" if flag in _TOLD_ONCE else ""
                self.out.say(f"  {count:>7}  {flag}{': ' if words else ''}{words}{once}")
        if self._kinds["ip"]:
            self.out.say("An IP address identifies a connection, not a person.")
            if self._table_date:
                self.out.say(f"Classes of addresses are by the IANA registries as of {self._table_date}.")
        if self.shown and label is not None:
            self.out.say(f"cite one as: row N of {label}")


def _gap_lines(account: dict[str, Any]) -> Iterator[str]:
    """What the form says of itself at its end: where reading was not whole, the rows are not all there are."""
    yield from gap_lines({}, account["unread"], account["notices"], beside="rows")
    if any(one["uncovered"] or one["overlaps"] for one in account["members"]):
        yield "bytes were passed over: this is a fault in custody, please report it; the item itself is whole"


def _reader_flags(name: str | None) -> dict[str, str]:
    """The flags of one reader, or of all, with their meanings."""
    from custody.evidence.records import registry

    return {
        flag: words
        for reader in registry.READERS
        if name in (None, reader.name)
        for flag, words in reader.flags.items()
    }


def row_lines(record: dict[str, Any]) -> Iterator[str]:
    """A row, for people: its number and time, what it is about, then all else that it says."""
    item = f"{record['item']} " if "item" in record else ""
    place = f"  ({safe(record['place'], 120)})" if "place" in record else ""
    yield f"[{item}{record['number']}] {time_text(record)}  {headline(record)}{place}"
    if record["kind"] == "unknown":
        yield f"    as it stands: {safe(record.get('raw', ''), 4096)}"
    if record["kind"] == "picture":
        from custody.evidence.image import words

        yield from (f"    {safe(line, 2000)}" for line in words.lines(record))
        record = {name: record[name] for name in ("kind", "flags") if name in record}
    for name, value in record.items():
        # a raw value says nothing more where it is the normalised one
        same = name.endswith("_raw") and record.get(name.removesuffix("_raw")) == value
        if name in _SHOWN_ELSEWHERE or same or name in _HEADS.get(record["kind"], ()):
            continue
        if name == "transfers":
            yield from _transfer_lines(value)
            continue
        if name == "verdicts":
            value = ", ".join(f"{one['of']} {one['level']}" for one in value)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
        yield f"    {name.replace('_', ' ')}: {safe(text, 2000)}"
    doubts = [flag for flag in record.get("flags", ()) if flag not in _TOLD_ONCE]
    if doubts:
        yield f"    flags: {', '.join(doubts)}"


def _transfer_lines(transfers: list[dict[str, Any]]) -> Iterator[str]:
    """Movements, one a line, addresses whole; an end that is not there is a transaction's input or output."""
    for one in transfers:
        ends = f"{safe(str(one.get('from', '…')), 300)} → {safe(str(one.get('to', '…')), 300)}"
        units = f"{one['amount_units']} of the smallest unit" if "amount_units" in one else "amount not told"
        asset = f" {safe(str(one['asset']), 100)}" if "asset" in one else ""
        amount = f"{one['amount']}{asset}" if "amount" in one else f"{units}{asset and f' of{asset}'}"
        yield f"    {ends}  {amount}"
        more = [*one.get("flags", ()), *one.get("from_flags", ()), *one.get("to_flags", ())]
        if more:
            yield f"      {safe(', '.join(map(str, more)), 600)}"


def headline(record: dict[str, Any]) -> str:
    """What a row is about, in few words; addresses in full."""
    kind = record["kind"]
    if kind == "ip":
        address = record.get("ip") or record.get("ip_raw") or "no address"
        port = f" port {record['port']}" if "port" in record else ""
        more = [str(record[name]) for name in ("event", "account") if name in record]
        return "  ".join([safe(address, 255) + port, *(safe(one, 200) for one in more)])
    if kind == "unknown":
        return "not understood"
    told = [str(record[name]) for name in _HEADS.get(kind, ()) if name in record]
    return "  ".join([kind, *(safe(one, 300) for one in told)])


def time_text(record: dict[str, Any]) -> str:
    """The time of a row: an instant, or what is known of it, marked so."""
    if "instant" in record:
        stated = " (zone stated)" if record.get("offset_origin") == "stated_by_user" else ""
        return str(record["instant"]) + stated
    if "readings" in record:
        return " or ".join(record["readings"])
    if "local" in record:
        return f"{record['local']} (zone not known)"
    if "time_raw" in record:
        return f"“{safe(record['time_raw'], 80)}” (no instant)"
    return "no time"
