"""Write ``docs/reference/chats.md`` from the registry: ``python -m tests.make_chat_docs [--check]``.

What each reader reads, in which zone its times are, what it never contains; a page a reader tells more.
"""

from __future__ import annotations

import sys
from pathlib import Path

from custody.evidence.chat import registry

REPO = Path(__file__).resolve().parent.parent
PAGE = REPO / "docs" / "reference" / "chats.md"

HEAD = """\
# Chats that are read

Made by `python -m tests.make_chat_docs` from the readers themselves. The bytes decide which reader takes an export:
the one whose claim is surest; where two are alike, or none claims it, it is kept as a file and nothing is guessed.
`--format NAME` names one. What all readers give: [a chat's readable form](../format/chat.md); how to use it:
[read and cite a chat](../how-to/read-a-chat.md).

| Name | What | Times are in | May ask |
|---|---|---|---|
"""


def text() -> str:
    """The page."""
    out = [HEAD]
    for one in registry.READERS:
        asks = ", ".join(f"`{name}`" for name in one.asks) or "–"
        out.append(f"| [`{one.name}`](chats/{one.name}.md) | {one.title} | {one.zone} | {asks} |\n")
    for one in registry.READERS:
        out.append(f"\n## {one.title}\n\nReader `{one.name}`, version {one.version}.\n\n")
        out += [f"- contains {line}\n" for line in one.contains]
        out += [f"- **never contains** {line}\n" for line in one.never]
    return "".join(out)


def run(arguments: list[str]) -> int:
    made = text()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print("docs/reference/chats.md is out of date: run python -m tests.make_chat_docs")
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
