"""The command line: each command parses, calls one procedure and prints.

One table says which command lives where, with its line of help, so that `custody --help` imports
click and nothing else.
"""

from __future__ import annotations

from custody.cli.base import Root

DAY = {
    "init": ("custody.cli.init:init", "make a locker, your key, and a way back into it"),
    "case": ("custody.cli.case:case", "open a case, list cases, show or close one"),
    "collect": ("custody.cli.collect:collect", "take files in: encrypted, logged, time-stamped"),
    "list": ("custody.cli.list:list_", "what is in: labels, or names too"),
    "read": ("custody.cli.read:read", "give an item's bytes back; it is logged first"),
    "export": ("custody.cli.export:export", "write a package that somebody else can check"),
    "verify": ("custody.cli.verify:verify", "check a package: is it what was collected, when, by whom"),
    "todo": ("custody.cli.todo:todo", "what is still to be done"),
}
"""The verbs of a working day, in its order."""

MORE = {
    "demo": ("custody.cli.demo:demo", "the whole job on sample evidence, offline, in seconds"),
    "add": ("custody.cli.add:add", "add an IP address or a payment by hand"),
    "messages": ("custody.cli.messages:messages", "what a chat says, message by message"),
    "records": ("custody.cli.records:records", "what a log, a return or a capture says, row by row"),
    "derive": ("custody.cli.derive:derive", "an item's readable forms, made or made again"),
    "picture": ("custody.cli.picture:picture", "logins by time, or transfers, drawn with their table"),
    "prove": ("custody.cli.prove:prove", "what the bytes of a payment show, without a network"),
    "show": ("custody.cli.show:show", "all that is recorded of one item"),
    "log": ("custody.cli.log:log", "the record: who did what, when"),
    "seal": ("custody.cli.seal:seal", "sign the record's state and get time proofs"),
    "check": ("custody.cli.check:check", "this locker against itself, everything recomputed"),
    "backup": ("custody.cli.backup:backup", "everything of this locker in one sealed file"),
    "restore": ("custody.cli.restore:restore", "a locker out of a backup, in a new folder"),
    "trust": ("custody.cli.trust:trust", "senders and time authorities that you believe"),
    "custodian": ("custody.cli.custodian:custodian", "people and their keys: add, grant, retire, recover"),
    "formats": ("custody.cli.formats:formats", "the formats that custody writes, and the evidence it takes"),
}

main = Root(day=DAY, more=MORE)

__all__ = ["main"]
