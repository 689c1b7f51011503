"""Which functions of custody look like readers of outside bytes: found in its syntax trees, not listed by hand.

A reader has a name that says so and takes bytes, text, a path or an open file. What is found must be covered
by a reader of the registry, or stand in `NOT_READERS` with a reason.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "custody"
_NAME = re.compile(
    r"(read|from_|decode|parse|load|import_|open|unwrap|unpad|needs_|is_encrypted|sniff|flags|media_type_of|chain_name"
    r"|canonical_txid|merge|verify$|check_(token|name|sign_key|wrap_key|origin|id|exhibit_label|item_label|digest|time"
    r"|compartment|inclusion|consistency|fields)|name_bytes|lines_of|fingerprint_of|sort_certificates|decrypt|commits)"
)
_TAKES = re.compile(r"\b(bytes|str|BinaryIO|Path|object|RawIOBase|Envelope|LogNote)\b")

_ROOMS = (
    "format",
    "crypto",
    "verify",
    "keys",
    "vault",
    "ledger",
    "anchor",
    "evidence",
    "export",
    "procedure",
)


def found() -> Iterator[str]:
    """``module:function`` of each."""
    for room in _ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(("custody", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
                ".__init__"
            )
            tree = ast.parse(path.read_bytes())
            for node in tree.body:
                if isinstance(node, ast.FunctionDef) and _reads(node):
                    yield f"{module}:{node.name}"
                elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    for inner in node.body:
                        if isinstance(inner, ast.FunctionDef) and _reads(inner):
                            yield f"{module}:{node.name}.{inner.name}"


def _reads(node: ast.FunctionDef) -> bool:
    if node.name.startswith("_") or not _NAME.match(node.name):
        return False
    arguments = (*node.args.posonlyargs, *node.args.args)
    return any(one.annotation is not None and _TAKES.search(ast.unparse(one.annotation)) for one in arguments)
