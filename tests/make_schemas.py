"""Write the JSON Schemas of our formats into ``schemas/``: ``python -m tests.make_schemas [--check]``.

They are made from the very tables that the readers check with (`custody.format.shape`), so they can't say
something else. The schemas of typed items and of the command line's output are not made here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custody.format import backup, entry, kinds, note, package, public_key, shape, trust
from custody.format.compartments import COMPARTMENTS
from custody.format.envelope import ENTRY_TYPE, KEY_TYPE, PACKAGE_TYPE

REPO = Path(__file__).resolve().parent.parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def head(name: str, title: str, description: str) -> Schema:
    return {"$schema": DIALECT, "$id": f"urn:custody:{name}:1", "title": title, "description": description}


def plain(value: Any) -> Any:
    """Mappings and tuples as JSON has them."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def of_kind(kind: kinds.Kind) -> Schema:
    """What holds for the body of an entry of one kind, as an if/then."""
    return {
        "if": {"properties": {"kind": {"const": kind.name}}},
        "then": {
            "properties": {
                "subject": {"properties": {"type": {"enum": list(kind.subject)}}},
                "public": {"$ref": f"urn:custody:entry-public:1#/$defs/{kind.name}"},
                "sealed": {
                    "required": list(kind.required),
                    "propertyNames": {"enum": [*kind.required, *kind.optional]},
                },
                "approvals": {"minItems": kind.approvals, "maxItems": kind.approvals},
            }
        },
    }


def entry_body() -> Schema:
    known = [kind for kind in kinds.KINDS.values() if not kind.draft]
    return {
        **head(
            "entry-body",
            "Entry",
            f"The payload of type {ENTRY_TYPE}. A kind that is not listed under allOf was made by a newer "
            "custody, or is a draft. docs/format/entry.md",
        ),
        **plain(entry.BODY_SHAPE),
        "allOf": [of_kind(kind) for kind in known],
    }


def entry_public() -> Schema:
    return {
        **head(
            "entry-public",
            "Public fields of an entry, by kind",
            "One definition a kind; those marked as drafts are reserved, not written. docs/format/kinds.md",
        ),
        "type": "object",
        "$defs": {
            kind.name: {
                "description": kind.about + (" (draft)" if kind.draft else ""),
                **plain(kind.public),
            }
            for kind in kinds.KINDS.values()
        },
    }


def compartments() -> Schema:
    return {
        **head(
            "compartments",
            "Compartments",
            "An object of opened compartments by name; each definition is the JSON inside one compartment. "
            "docs/format/entry.md",
        ),
        "type": "object",
        "properties": {name: {"$ref": f"#/$defs/{name}"} for name in COMPARTMENTS},
        "additionalProperties": False,
        "$defs": plain(COMPARTMENTS),
    }


def envelope() -> Schema:
    return {
        **head(
            "envelope",
            "Signed envelope",
            "DSSE with exactly one Ed25519 signature, as RFC 8785 JSON. docs/format/entry.md",
        ),
        **plain(entry.ENVELOPE_SHAPE),
    }


def _key(size: int) -> Schema:
    digits = -(-size // 3) * 4
    return {
        "type": "string",
        "pattern": "^[A-Za-z0-9+/]*={0,2}$",
        "minLength": digits,
        "maxLength": digits,
        "description": f"{size} bytes in base64",
    }


def public_key_file() -> Schema:
    fields = shape.record(
        {
            "v": {"const": 1},
            "sign_key": _key(public_key.SIGN_KEY_BYTES),
            "wrap_key": shape.or_null(_key(public_key.WRAP_KEY_BYTES)),
            "made": shape.TIME,
        }
    )
    title = "Public key file"
    return {**head("public-key", title, f"The payload of type {KEY_TYPE}. docs/format/key-file.md"), **fields}


def backup_head() -> Schema:
    about = f"The payload of type {backup.BACKUP_TYPE}. docs/format/backup.md"
    return {**head("backup-head", "Head of a backup file", about), **plain(backup.HEAD_SHAPE)}


def _row(*items: shape.Shape) -> Schema:
    return {"type": "array", "prefixItems": list(items), "minItems": len(items), "maxItems": len(items)}


def package_statement() -> Schema:
    fields = plain(package.STATEMENT_SHAPE)
    fields["properties"]["files"] = {
        "type": "array",
        "items": _row({"type": "string"}, shape.INTEGER, shape.DIGEST),
        "description": "[path, bytes, sha256], sorted by path, each once",
    }
    about = f"The payload of type {PACKAGE_TYPE}. docs/format/package.md"
    return {**head("package-statement", "What the exporter signs", about), **fields}


def package_shown() -> Schema:
    types = {"enum": [name for name in kinds.SUBJECTS if name != "item"]}
    return {
        **head("package-shown", "custody/shown.json", "[type, id, n, leaf]. docs/format/package.md"),
        "type": "array",
        "items": _row(types, shape.ID, shape.INTEGER, shape.DIGEST),
    }


def package_key() -> Schema:
    about = "One line of custody/keys.jsonl: the key of one shown compartment. docs/format/package.md"
    return {**head("package-key", "A shown key", about), **plain(package.KEY_SHAPE)}


def inclusion_line() -> Schema:
    fields = shape.record(
        {
            "index": shape.INTEGER,
            "path": {
                "type": "array",
                "items": {"type": "string", "pattern": "^[A-Za-z0-9+/]{43}=$"},
                "maxItems": 64,
            },
        }
    )
    about = "One line of custody/proofs.jsonl. docs/format/tree-and-note.md"
    return {**head("inclusion-proof", "An inclusion proof", about), **fields}


def trust_file() -> Schema:
    fields = plain(trust.SHAPE)
    notes = fields["properties"]["ledgers"]["items"]["properties"]["notes"]
    notes["description"] = f"log notes as text, each at most {note.MAX_NOTE} bytes"
    return {
        **head("trust-file", "Trust file", "What the verifier's side believes. docs/format/trust-file.md"),
        **fields,
    }


MAKERS = {
    "backup-head": backup_head,
    "compartments": compartments,
    "entry-body": entry_body,
    "entry-public": entry_public,
    "envelope": envelope,
    "inclusion-proof": inclusion_line,
    "package-key": package_key,
    "package-shown": package_shown,
    "package-statement": package_statement,
    "public-key": public_key_file,
    "trust-file": trust_file,
}


def made() -> dict[str, str]:
    """The text of each schema by file name."""
    return {
        f"{name}.schema.json": json.dumps(maker(), indent=2, ensure_ascii=False) + "\n"
        for name, maker in MAKERS.items()
    }


def run(arguments: list[str], folder: Path = REPO / "schemas") -> int:
    stale = []
    for name, text in made().items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if arguments != ["--check"]:
                path.write_text(text, encoding="utf-8", newline="\n")
    if arguments == ["--check"] and stale:
        print(f"out of date: {', '.join(stale)}: run python -m tests.make_schemas")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
