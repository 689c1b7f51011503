"""custody messages: what a chat says, message by message, each with its number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from custody.cli.base import Command, always
from custody.cli.deriving import QUESTIONS, gap_lines
from custody.cli.output import count_text
from custody.cli.session import Session
from custody.format.text import show as safe

_LONG = 200_000
_SIDE = (
    "conversation",
    "participant",
    "reading",
    "notice",
    "range",
    "tally",
    "declared",
    "account",
    "import",
)


@click.command(
    cls=Command, unlocks=always, short_help="the messages of a chat, each with its number and its place"
)
@click.argument("item", metavar="ITEM")
@click.option(
    "--from", "since", metavar="TIME", help="From this time on, like 2022-03-27 or 2022-03-27T21:41."
)
@click.option("--until", metavar="TIME", help="Up to this time, the whole of that day, hour or minute.")
@click.option("--sender", metavar="TEXT", help="Only by senders whose name has this in it; “-” asks.")
@click.option(
    "--grep",
    "text",
    metavar="TEXT",
    help="Only messages with this in their text; case does not count. “-” asks.",
)
@click.option(
    "--message",
    "numbers",
    metavar="N",
    type=click.IntRange(1),
    multiple=True,
    help="Only this one. Repeatable.",
)
@click.option("--case", "ref", metavar="REF", help="The case, where two have an item of this label.")
@click.option("--purpose", metavar="TEXT", help="Why you open it; asked for when absent or “-”. Logged.")
def messages(
    session: Session,
    item: str,
    since: str | None,
    until: str | None,
    sender: str | None,
    text: str | None,
    numbers: Sequence[int],
    ref: str | None,
    purpose: str | None,
) -> None:
    """What a chat says. Cite a message by item and number: message 412 of A-3/01. Opening it is logged.

    Times are instants (ending in Z) where the export proves them or somebody stated its zone, else local
    times of an unknown zone, and are marked so. With --json: one JSON object a line, the records of the
    form custody.chat/1, after a first line that names the item.
    """
    from custody.procedure import cases, items
    from custody.procedure import messages as reading

    wanted = reading.Filter(
        since=since,
        until=until,
        sender=session.narrowing(sender, "--sender", "In the sender's name"),
        text=session.narrowing(text, "--grep", "In the text"),
        numbers=tuple(numbers),
    )
    desk = session.desk()
    row = items.find_item(desk, item, None if ref is None else cases.find(desk, ref).id)
    form, lines = reading.records(desk, row, session.purpose(purpose))
    writer = _Writer(session, whole=wanted == reading.Filter())
    writer.begin(row.label, row.id, form.label, form.id)
    for _, record in lines:
        if record["record"] == "message":
            if wanted.takes(record, writer.names):
                writer.message(record)
            writer.of += 1
        else:
            writer.beside(record)
    writer.end(row.label)


class _Writer:
    """Prints records as they come."""

    def __init__(self, session: Session, *, whole: bool) -> None:
        self._out = session.out
        self._whole = whole
        self.names: dict[str, str] = {}
        self._titles: dict[str, dict[str, Any]] = {}
        self._conversation: str | None = None
        self._shown = 0
        self.of = 0
        self._doubts = 0
        self._hidden = 0
        self._account: dict[str, Any] = {}

    def begin(self, label: str, identifier: str, form: str, form_id: str) -> None:
        if self._out.as_json:
            self._out.first_line({"item": identifier, "label": label, "form": form_id})
        else:
            self._out.say(f"messages of {label}, from its readable form {form}")

    def beside(self, record: dict[str, Any]) -> None:
        kind = record["record"]
        if kind == "participant":
            self.names[record["id"]] = record.get("name") or record["id"]
        elif kind == "conversation":
            self._titles[record["id"]] = record
        if kind == "account":
            self._account = record
        if self._out.as_json:
            self._out.line(record)
        elif kind == "range" and record["what"] in ("unread", "uncovered") and self._whole:
            source = record["source"]
            self._out.data(f"  ?? bytes {source['start']} to {source['end']} could not be read:")
            self._out.data(*(f"     {line}" for line in _text_lines(self._masked(record.get("text", "")))))
        elif kind == "reading" and record["state"] == "open" and record["what"] in QUESTIONS:
            self._out.say(
                f"open: {record['what'].replace('_', ' ')}: {safe('; '.join(record['reasons']), 400)}"
            )

    def message(self, record: dict[str, Any]) -> None:
        self._shown += 1
        if self._out.as_json:
            self._out.line(record)
            return
        if record["conversation"] != self._conversation:
            self._conversation = record["conversation"]
            about = self._titles.get(record["conversation"], {})
            title = safe(self._masked(about.get("title") or "without a title"), 200)
            self._out.data("", f"== {title} ({about.get('platform', '?')}, {about.get('kind', '?')})")
        self._out.data(*self._lines(record))

    def _masked(self, value: Any) -> Any:
        """A text as it is shown, or a value with its texts so: what quotes or edits a secret holds it too."""
        from custody.evidence.blockchain import secrets

        shown, hidden = secrets.masked(value)
        self._hidden += hidden
        return shown

    def _lines(self, record: dict[str, Any]) -> Iterator[str]:
        sender = self.names.get(record.get("sender", ""), record.get("sender_text", ""))
        who = f"{safe(self._masked(sender), 200)}: " if sender else ""
        event = "* " if record["kind"] == "system" else ""
        first, *rest = list(_text_lines(self._masked(record.get("text", "")))) or [""]
        if not first and record["kind"] not in ("text", "system"):
            first = f"({record['kind']})"
        yield f"[{record['sequence']}] {_time(record.get('time'))}  {event}{who}{first}".rstrip()
        for line in rest:
            yield f"    {line}"
        for one in record.get("attachments", ()):
            name = safe(self._masked(one.get("name") or one.get("placeholder") or "a file"), 200)
            yield f"    + {name} ({one['state'].replace('_', ' ')})"
        for name in (
            "reply_to",
            "forward",
            "edit",
            "deletion",
            "reactions",
            "poll",
            "location",
            "call",
            "contact",
        ):
            if name in record:
                value = json.dumps(self._masked(record[name]), ensure_ascii=False, sort_keys=True)
                yield f"    {name.replace('_', ' ')}: {safe(value, 2000)}"
        # That the order of the date is open shows in the time itself, and is said once for all.
        doubts = [flag.replace("_", " ") for flag in record.get("flags", ()) if flag != "date_order_open"]
        if doubts:
            self._doubts += 1
            yield f"    doubt: {', '.join(doubts)}"

    def end(self, label: str) -> None:
        if self._out.as_json:
            return
        self._out.say(f"{self._shown} of {count_text(self.of, 'message')} shown")
        self._out.say(*self._gaps())
        if self._doubts:
            self._out.say(
                f"{self._doubts} with a doubt: the format's page in docs/reference/chats says what each means"
            )
        if self._hidden:
            self._out.say(f"hidden: what looks like a wallet's secret, {count_text(self._hidden, 'time')}")
            self._out.say("  --json shows texts as they are; whoever reads a secret can take the money")
        if self._shown:
            self._out.say(f"cite one as: message N of {label}")

    def _gaps(self) -> Iterator[str]:
        """What the form says of itself at its end: where reading was not whole, the messages are not all there are."""
        account = self._account
        declared = account.get("declared")
        if declared is not None and declared != self.of:
            yield f"the export says that it has {declared}: look at what is missing"
        yield from gap_lines({}, account["unread"], account["notices"])
        if any(one["uncovered"] or one["overlaps"] for one in account["members"]):
            yield "bytes were passed over: this is a fault in custody, please report it; the export itself is whole"


def _time(time: dict[str, Any] | None) -> str:
    if time is None:
        return "no time"
    if "utc" in time:
        mark = {"stated": " (zone stated)", "assumed_utc": " (UTC assumed)", "derived": " (worked out)"}
        return str(time["utc"]) + mark.get(time["basis"], "")
    if "readings" in time:
        return " or ".join(str(one.get("utc", one["local"])) for one in time["readings"])
    if "local" in time:
        return f"{time['local']} (zone not known)"
    return f"“{safe(time['text'], 80)}” (not understood)"


def _text_lines(text: str) -> Iterator[str]:
    for line in text[:_LONG].split("\n"):
        yield safe(line, _LONG)
    if len(text) > _LONG:
        yield f"… {len(text) - _LONG} characters more; --json has all"
