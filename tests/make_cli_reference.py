"""Write ``docs/reference/cli.md`` from click's own help: ``python -m tests.make_cli_reference [--check]``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parent.parent
PAGE = REPO / "docs" / "reference" / "cli.md"
WIDTH = 100

HEAD = """\
# Every command and its options

Made by `python -m tests.make_cli_reference` from what `--help` prints, and checked for drift by the tests: do
not edit it by hand. Exit codes: [exit-codes.md](exit-codes.md). Words: [glossary.md](glossary.md).
"""


def helps(command: Any, path: tuple[str, ...], parent: Any = None) -> Iterator[tuple[str, str]]:
    """Each visible command of the tree, outermost first, as (the words that call it, its help)."""
    import click

    # As click does it for a real call: the command's own settings decide, such as -h beside --help.
    context = click.Context(
        command,
        info_name=path[-1],
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    with context.scope(cleanup=False):
        yield " ".join(path), command.get_help(context)
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                part = command.get_command(context, name)
                if part is not None and not part.hidden:
                    yield from helps(part, (*path, name), context)


def page(main: Any) -> str:
    """The whole page; ``main`` is the click group behind the command ``custody``."""
    parts = [HEAD]
    for words, text in helps(main, ("custody",)):
        lines = "\n".join(line.rstrip() for line in text.splitlines())
        parts.append(f"## `{words}`\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


def command_group() -> Any:
    """``custody.cli.main``, or None while there is none."""
    try:
        from custody.cli import main
    except ImportError as error:
        # Only "there is no such room yet" may be taken for absence; a fault inside the CLI is a fault.
        if error.name == "custody.cli" or "cannot import name 'main'" in str(error):
            return None
        raise
    return main


def run(arguments: list[str]) -> int:
    main = command_group()
    if main is None:
        print("docs/reference/cli.md: skipped, custody.cli has no main yet")
        return 0
    text = page(main)
    if arguments == ["--check"]:
        found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if found != text:
            print("docs/reference/cli.md is out of date: run python -m tests.make_cli_reference")
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
