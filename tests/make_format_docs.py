"""Write what the tables say into the pages of formats: ``python -m tests.make_format_docs [--check]``.

``kinds.md`` is made whole. In ``entry.md`` the fields of the compartments stand between markers.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from custody.format import compartments, kinds
from custody.format.shape import (
    BASE64,
    DIGEST,
    EXHIBIT_LABEL,
    ID,
    INTEGER,
    ITEM_LABEL,
    ORIGIN,
    TIME,
    Shape,
)

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "format"
PAGES = ("kinds.md", "entry.md")
_MARKED = re.compile(r"(<!-- generated:compartments -->\n).*?(<!-- end -->)", re.DOTALL)

NAMED = {
    "digest": DIGEST,
    "id": ID,
    "origin": ORIGIN,
    "time": TIME,
    "base64": BASE64,
    "number": INTEGER,
    "exhibit label": EXHIBIT_LABEL,
    "item label": ITEM_LABEL,
    "name": compartments.NAME_TEXT,
}

KINDS_HEAD = """# Kinds of entries

What an entry can say. This page is made from the table in `custody/format/kinds.py` (by
`python -m tests.make_format_docs`), as are `schemas/entry-body.schema.json`, `schemas/entry-public.schema.json` and
what `append` accepts: they can't differ.

An example: the public side of an `item.collected`, whose name and digests stand only in compartments:

```json
{"acquisition":0,"exhibit":"019ab000-0000-7c1e-a4f2-0a1b2c3d4e5f","label":"A-1/01","object":{"id":"4f0c…","size":1024},
"wrapped_to":["9d8f…"]}
```

Rules:

- `append` refuses a kind that is not here, a draft, a field or a compartment that the kind does not have, and a
  number of approvals that is not the one named.
- A reader reports a kind that it does not know, a draft among them, as *not checked: made by a newer custody*. Its
  place, signature and chain are checked all the same: those fields never change within version 1.
- *Right*: what the actor needs, all of it ([rights](rights.md)). *any*: every custodian of the record.
- *Compartments*: those in bold must be there, the others may ([entry](entry.md)). *Approvals*: see [entry](entry.md).
- A digest is 64 lower-case hex digits, an id a UUID version 7, a time UTC to the millisecond, a number 0 … 2^53−1.
- `from` stands in the first entry of a volume about something that an earlier volume has entries about, and nowhere
  else: what it goes on from ([a restored locker](locker.md)).
- A name, a digest of a content, a reason in free words never stands in a public field: public fields can't be erased.

"""


def words(shape: Shape) -> str:
    """A shape in a few words."""
    for name, known in NAMED.items():
        if shape == known:
            return name
    if "anyOf" in shape:
        return " or ".join(
            words(inner) for inner in sorted(shape["anyOf"], key=lambda s: s.get("type") == "null")
        )
    if "const" in shape:
        return f"`{shape['const']}`"
    if "enum" in shape:
        return "one of " + ", ".join(f"`{word}`" for word in shape["enum"])
    match shape.get("type"):
        case "array":
            return f"list of {words(shape['items'])}"
        case "object" if shape.get("properties"):
            return "{" + ", ".join(fields(shape)) + "}"
        case "object" if isinstance(shape.get("additionalProperties"), dict):
            return f"{{name: {words(shape['additionalProperties'])}}}"
        case "string" if "maxLength" in shape:
            return f"text, at most {shape['maxLength']:,}"
        case "string":
            return f"text of the form `{shape['pattern']}`"
        case other:
            return {"boolean": "yes or no", "null": "null", "object": "object"}[str(other)]


def fields(shape: Shape) -> list[str]:
    """Each field of an object in a few words; what may be absent ends with ``?``."""
    required = shape.get("required", ())
    return [
        f"`{name}`{'' if name in required else '?'} {words(inner)}"
        for name, inner in shape["properties"].items()
    ]


def kinds_page() -> str:
    rows = [KINDS_HEAD]
    for subject in kinds.SUBJECTS:
        rows.append(f"## About {'an' if subject[0] in 'aei' else 'a'} {subject}\n\n")
        for kind in kinds.KINDS.values():
            if kind.subject[0] == subject:
                rows.append(one_kind(kind))
    return "".join(rows).rstrip() + "\n"


def one_kind(kind: kinds.Kind) -> str:
    parts = [f"**{name}**" for name in kind.required] + list(kind.optional)
    lines = [
        f"### `{kind.name}`{' (draft)' if kind.draft else ''}\n\n",
        f"{kind.about[0].upper()}{kind.about[1:]}.\n\n",
    ]
    if len(kind.subject) > 1:
        lines.append(f"- Subject: {' or '.join(kind.subject)}\n")
    lines += [f"- {line}\n" for line in fields(kind.public)]
    lines.append(f"- Compartments: {', '.join(parts) or 'none'}\n")
    lines.append(f"- Right: {' and '.join(kind.right) or 'none before it; it is entry 0'}\n")
    if kind.approvals:
        lines.append(f"- Approvals: {kind.approvals}\n")
    return "".join(lines) + "\n"


def compartments_list() -> str:
    lines: list[str] = []
    for name, shape in compartments.COMPARTMENTS.items():
        lines.append(f"**`{name}`**\n\n")
        for field, inner in shape["properties"].items():
            mark = "" if field in shape.get("required", ()) else "?"
            about: Any = inner.get("description")
            note = f" ({about})" if about and words(inner) != "name" else ""
            lines.append(f"- `{field}`{mark}: {words(inner)}{note}\n")
        lines.append("\n")
    return "".join(lines)


def made(folder: Path = FOLDER) -> dict[str, str]:
    entry = (folder / "entry.md").read_text(encoding="utf-8")
    if not _MARKED.search(entry):
        raise SystemExit("docs/format/entry.md: no markers for the compartments")
    return {
        "kinds.md": kinds_page(),
        "entry.md": _MARKED.sub(lambda match: match[1] + compartments_list() + match[2], entry),
    }


def run(arguments: list[str], folder: Path = FOLDER) -> int:
    stale = []
    for name, text in made(folder).items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if arguments != ["--check"]:
                path.write_text(text, encoding="utf-8", newline="\n")
    if arguments == ["--check"] and stale:
        print(f"out of date: docs/format/{', '.join(stale)}: run python -m tests.make_format_docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
