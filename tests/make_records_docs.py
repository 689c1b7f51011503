"""Write ``docs/reference/records.md`` from the registry: ``python -m tests.make_records_docs [--check]``.

What each reader of records reads, in which zone its times are, what it never contains, and what every flag means.
"""

from __future__ import annotations

import sys
from pathlib import Path

from custody.evidence.network.ip import TABLE_DATE
from custody.evidence.records import flags, registry

REPO = Path(__file__).resolve().parent.parent
PAGE = REPO / "docs" / "reference" / "records.md"

HEAD = f"""\
# Records that are read

Made by `python -m tests.make_records_docs` from the readers themselves. The bytes decide which reader takes an item:
the one whose claim is surest; where two are alike, or none claims it, it is kept as a file and nothing is guessed.
`--format NAME` names one. What all readers give: [the form of records](../format/records.md); how to use it:
[read records](../how-to/read-records.md). Classes of addresses are by the IANA registries as of {TABLE_DATE}.

| Name | What | Written by | Times are in | May ask |
|---|---|---|---|---|
"""


def text() -> str:
    """The page."""
    out = [HEAD]
    for one in registry.READERS:
        asks = ", ".join(f"`{name}`" for name in one.asks) or "–"
        recorder = one.recorder.replace("_", " ")
        out.append(
            f"| [`{one.name}`](records/{one.name}.md) | {one.title} | {recorder} | {one.zone} | {asks} |\n"
        )
    for one in registry.READERS:
        asked = " Read when somebody asks, not stored." if one.on_asking else ""
        out.append(f"\n## {one.title}\n\nReader `{one.name}`, version {one.version}.{asked}\n\n")
        out += [f"- contains {line}\n" for line in one.contains]
        out += [f"- **never contains** {line}\n" for line in one.never]
        out += [f"- flag `{code}`: {words}\n" for code, words in sorted(one.flags.items())]
    out.append("\n## Flags that any reader may give\n\n| Flag | Means |\n|---|---|\n")
    out += [f"| `{code}` | {words} |\n" for code, words in sorted(flags.FLAGS.items())]
    out.append(f"| `ip_reserved:CLASS` | {flags.reserved('ip_reserved:CLASS')} |\n")
    return "".join(out)


def run(arguments: list[str]) -> int:
    made = text()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print("docs/reference/records.md is out of date: run python -m tests.make_records_docs")
            return 1
        return 0
    PAGE.write_text(made, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
