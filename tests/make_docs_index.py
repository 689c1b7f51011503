"""Write the lists of pages into ``docs/README.md``: ``python -m tests.make_docs_index [--check]``.

Between ``<!-- index:FOLDER -->`` and ``<!-- end -->`` stands one line for each page of the folder: its first
heading, as a link. What stands outside the markers is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent
FOLDERS = ("tutorial", "how-to", "reference", "explanation", "format", "decisions")
_BLOCK = re.compile(r"(<!-- index:(?P<folder>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def title(page: Path) -> str:
    """The text of the page's first heading."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            return line[2:].strip()
    raise SystemExit(f"{page}: has no heading of the form '# …'")


def listing(docs: Path, folder: str) -> str:
    """The lines for one folder, in order of the file names; a folder's README first."""
    pages = sorted((docs / folder).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    lines = [f"- [{title(page)}]({folder}/{page.name})\n" for page in pages]
    return "".join(lines) or "- (no page yet)\n"


def index(docs: Path) -> str:
    """``docs/README.md`` with its lists as they should be."""
    text = (docs / "README.md").read_text(encoding="utf-8")
    marked = [match["folder"] for match in _BLOCK.finditer(text)]
    if sorted(marked) != sorted(FOLDERS):
        raise SystemExit(f"docs/README.md: expected one list for each of {FOLDERS}, found {marked}")
    return _BLOCK.sub(lambda match: match[1] + listing(docs, match["folder"]) + match[3], text)


def run(arguments: list[str], docs: Path = REPO / "docs") -> int:
    text = index(docs)
    page = docs / "README.md"
    if arguments == ["--check"]:
        if page.read_text(encoding="utf-8") != text:
            print("docs/README.md is out of date: run python -m tests.make_docs_index")
            return 1
        return 0
    page.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
