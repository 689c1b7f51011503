"""Asking which column of a table is what, once; the answers can be kept as a file for the next table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from custody.cli.output import table
from custody.cli.session import Session
from custody.errors import InputRefused, MachineError
from custody.format.text import show

if TYPE_CHECKING:
    from custody.evidence.chat.table.reader import Proposal
    from custody.evidence.network import ip_table

_QUESTIONS = {
    "time": "Which column has the time",
    "date": "Which column has the day, if it stands apart from the time",
    "sender": "Which column has the sender",
    "text": "Which column has the text",
    "recipient": "Which column has the recipient",
    "conversation": "Which column tells the conversations apart",
    "id": "Which column has the message's own number",
    "attachment": "Which column names an attached file",
}
_EXAMPLES = (
    'a JSON file such as {"time": "Date", "sender": "From", "text": "Message"}',
    'a JSON file such as {"ip": "Address", "port": "Port", "time": "Start", "account": "User"}',
)
_OF_ADDRESSES = {
    "ip": "Which column has the IP address",
    "port": "Which column has the source port",
    "time": "Which column has the time (or when it began)",
    "date": "Which column has the day, if it stands apart from the time",
    "clock": "Which column has the time of day, if it stands apart",
    "time_end": "Which column has the end of the session",
    "offset": "Which column has the offset from UTC",
    "dest_ip": "Which column has the address of the other end",
    "dest_port": "Which column has the port of the other end",
    "account": "Which column has the account or user name",
    "subscriber": "Which column has the subscriber or contract",
    "event": "Which column tells what happened (login, logout …)",
    "device": "Which column names the device",
}
_SHOWN = 30


def ask_mapping(
    session: Session, proposals: Sequence[Proposal] | Sequence[ip_table.Proposal], keep: str | None
) -> dict[str, str]:
    """Show a table's first rows and ask for its columns. ``keep``: a new file for the answers.

    Raises InputRefused where nobody is there to ask, naming the columns, and where no column was named.
    """
    if not proposals:
        raise InputRefused("no table is found in this", hint="custody formats tells what else is read")
    first = proposals[0]
    suggested: Mapping[str, str] = getattr(first, "roles", {})
    of_addresses = hasattr(first, "roles")
    header = [show(cell, 60) for cell in first.header]
    if not session.terminal.present:
        raise InputRefused(
            "which column is what has to be stated",
            where="--mapping",
            expected=_EXAMPLES[of_addresses],
            found=f"columns {', '.join(header)}"[:400],
            hint=f"docs/reference/{'records/ip-table' if of_addresses else 'chats/table'}.md tells all that it can say",
        )
    numbered = [(f"#{at}", name) for at, name in enumerate(header, 1)]
    out = session.out
    out.say("", f"The table {show(first.name, 80)} begins so:")
    from custody.evidence.blockchain import secrets

    rows = [
        tuple(show(secrets.masked(cell)[0], _SHOWN) for cell in row) for row in (first.header, *first.rows)
    ]
    width = max(len(row) for row in rows)
    filled = [row + ("",) * (width - len(row)) for row in rows]
    out.say(*table(filled[1:], filled[0]) if len(filled) > 1 else [" | ".join(filled[0])])
    out.say("", "Answer with a number or a name; Enter means that there is none.")
    out.say(*(f"  {number}  {name}" for number, name in numbered))
    mapping: dict[str, str] = {}
    for role, question in (_OF_ADDRESSES if of_addresses else _QUESTIONS).items():
        perhaps = f" (perhaps {show(suggested[role], 60)})" if role in suggested else ""
        answer = _column(session, f"{question}{perhaps}", first.header)
        if answer is not None:
            mapping[role] = answer
    if not mapping:
        raise InputRefused("no column was named, so nothing can be read", where="the mapping")
    if keep is not None:
        _keep(mapping, Path(keep))
        out.say(f"kept as {show(keep)}: the next table of this kind is read with --mapping {show(keep)}")
    return mapping


def _column(session: Session, question: str, header: Sequence[str]) -> str | None:
    while True:
        answer = session.terminal.line(f"{question}? ").strip()
        if not answer:
            return None
        if answer.lstrip("#").isdecimal() and 1 <= int(answer.lstrip("#")) <= len(header):
            return f"#{int(answer.lstrip('#'))}"
        if list(header).count(answer) == 1:
            return answer
        session.out.say("there is no such column, or it is there twice: give its number")


def _keep(mapping: dict[str, str], path: Path) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            json.dump(mapping, file, indent=2, ensure_ascii=False)
            file.write("\n")
    except OSError as error:
        raise MachineError(
            "the mapping can't be written", where=show(str(path)), found=error.strerror
        ) from error
