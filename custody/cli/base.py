"""What every command has in common: the global options, errors as two lines, exit codes.

Imports click and custody.errors at load and nothing heavier: `--help` has to be quick.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import click

from custody.cli import output
from custody.errors import CustodyError

REPORT = "please report it, with what CUSTODY_DEBUG=1 prints (look it through first: it may hold names)"

_GLOBALS = (
    ("global_locker", "--locker", "DIR", "The locker. Else CUSTODY_LOCKER, else the current folder."),
    ("global_key", "--key", "FILE", "Your key file. Else CUSTODY_KEY, else its usual place."),
    (
        "global_passphrase_file",
        "--passphrase-file",
        "FILE",
        "A file with the passphrase. Else CUSTODY_PASSPHRASE_FILE, else it is asked for on the terminal.",
    ),
)


def global_options(*, hidden: bool) -> list[click.Parameter]:
    """The options that may stand before and after any command."""
    options: list[click.Parameter] = [
        # multiple: so that two different values are seen, wherever they stand
        click.Option(
            [flag, name], metavar=metavar, help=text, multiple=True, hidden=hidden, type=click.Path()
        )
        for name, flag, metavar, text in _GLOBALS
    ]
    options.append(
        click.Option(
            ["--json", "global_json"],
            is_flag=True,
            help="Print one JSON object on standard output (its schema is in schemas/).",
            hidden=hidden,
        )
    )
    return options


def global_value(context: click.Context, name: str, flag: str) -> str | None:
    """The one value of a global option over the whole line, or UsageError for two that differ."""
    found: list[str] = []
    here: click.Context | None = context
    while here is not None:
        found += here.params.get(name) or ()
        here = here.parent
    if len(set(found)) > 1:
        raise click.UsageError(f"{flag} is given twice, with two different values", ctx=context)
    return found[0] if found else None


def wants_json(context: click.Context) -> bool:
    """True when --json stands anywhere on the line."""
    here: click.Context | None = context
    while here is not None:
        if here.params.get("global_json"):
            return True
        here = here.parent
    return False


_SETTINGS = {"help_option_names": ["-h", "--help"]}
"""On every command: click keeps the help option that it made first, for whoever asked first."""


def always(_: Mapping[str, Any]) -> bool:
    """For commands that open the key file whatever their options say."""
    return True


class Command(click.Command):
    """A command: takes the global options too, and calls its function with the session first.

    ``unlocks`` tells by its options whether it will open the key file: that is then begun before the command
    loads what it works with.
    """

    def __init__(
        self, *args: Any, unlocks: Callable[[Mapping[str, Any]], bool] | None = None, **attributes: Any
    ) -> None:
        super().__init__(*args, **{"context_settings": _SETTINGS, **attributes})
        self._unlocks = unlocks
        self.params += global_options(hidden=True)
        self.epilog = self.epilog or "--locker, --key, --passphrase-file and --json: see custody --help."

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click, and keeps the order in which options were given: --tsa and --tsa-root go in pairs."""
        order = self.make_parser(ctx).parse_args(list(args))[2]
        ctx.meta["custody.order"] = [param.name for param in order]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Make the session and run the command's function."""
        from custody.cli.session import Session

        with Session.of(ctx) as session:
            own = {name: value for name, value in ctx.params.items() if not name.startswith("global_")}
            self._check_texts(ctx, own)
            if self._unlocks is not None and self._unlocks(own):
                session.unlock_ahead()
            assert self.callback is not None
            return ctx.invoke(self.callback, session, **own)

    def _check_texts(self, ctx: click.Context, values: dict[str, Any]) -> None:
        """Refuse arguments that are not Unicode, but for paths: names of files need not be."""
        for param in self.get_params(ctx):
            given = values.get(param.name or "")
            if isinstance(param.type, click.Path) or given is None:
                continue
            for text in given if isinstance(given, tuple | list) else (given,):
                try:
                    str(text).encode("utf-8")
                except UnicodeEncodeError:
                    raise click.UsageError(
                        f"{param.human_readable_name} is not text in this terminal's encoding", ctx=ctx
                    ) from None


class Group(click.Group):
    """A command with commands of its own."""

    command_class = Command

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **{"context_settings": _SETTINGS, **attributes, "callback": None})
        self.params += global_options(hidden=True)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used, not by the alphabet."""
        return list(self.commands)


class Root(click.Group):
    """The command ``custody``: a table of commands, each imported when it is called."""

    def __init__(self, *, day: dict[str, tuple[str, str]], more: dict[str, tuple[str, str]]) -> None:
        super().__init__(
            name="custody",
            help="Keep digital evidence so that somebody else can check it without trusting you.",
            params=[
                *global_options(hidden=False),
                click.Option(
                    ["--version"],
                    is_flag=True,
                    expose_value=False,
                    is_eager=True,
                    callback=_print_version,
                    help="Show the version and exit.",
                ),
            ],
            context_settings=_SETTINGS,
            epilog="custody COMMAND --help tells more about each.",
        )
        self._day = day
        self._table = {**day, **more}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, those of a working day first."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in self._table:
            return None
        module, _, attribute = self._table[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click; an unknown word is compared with the table, since nothing is imported yet."""
        if args[0] not in self._table:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=list(self._table), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What can be done first, how it can be steered after."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Two lists, out of the table: nothing is imported for a line of help."""
        for title, names in (
            ("A working day", list(self._day)),
            ("More", [name for name in self._table if name not in self._day]),
        ):
            if names:
                with formatter.section(title):
                    formatter.write_dl([(name, self._table[name][1]) for name in names])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and exit; every error comes out as one line and a hint."""
        output.escape_what_consoles_cannot()
        sys.exit(self._run(list(sys.argv[1:] if args is None else args), extra))

    def _run(self, args: list[str], extra: dict[str, Any]) -> int:
        try:
            code = self._run_once(args, extra)
            output.flush()
        except Exception as error:  # noqa: BLE001 - also what flushing raises; told below
            code = report(error)
            output.settle()
        except KeyboardInterrupt:
            code = report(click.Abort())
            output.settle()
        return code

    def _run_once(self, args: list[str], extra: dict[str, Any]) -> int:
        try:
            with self.make_context("custody", args, **extra) as context:
                value = self.invoke(context)
        except click.exceptions.Exit as done:
            return done.exit_code
        return value if isinstance(value, int) else 0


def _print_version(context: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from custody import __version__

        click.echo(f"custody {__version__}")
        context.exit()


def report(error: Exception) -> int:
    """Print an error as it should be seen, and give the exit code. No traceback but with CUSTODY_DEBUG=1."""
    if os.environ.get("CUSTODY_DEBUG") == "1" and not isinstance(error, click.exceptions.NoArgsIsHelpError):
        import traceback

        traceback.print_exception(error)
    match error:
        case click.exceptions.NoArgsIsHelpError():
            sys.stderr.write(error.format_message() + "\n")
            return 2
        case CustodyError():
            output.print_error(error.message, error.hint or _default_hint(error.exit_code))
            return error.exit_code
        case click.UsageError():
            command = error.ctx.command_path if error.ctx is not None else "custody"
            output.print_error(_plain(error.format_message()), f"{command} --help shows what it takes")
            return 2
        case click.ClickException():
            output.print_error(_plain(error.format_message()), output.DEFAULT_HINTS[2])
            return 2
        case click.Abort() | EOFError():
            output.print_error("interrupted; what was reported as in, is in", None)
            return 130
        case BrokenPipeError():
            return 5  # nobody reads on: nobody is told
        case MemoryError():
            output.print_error(
                "this machine has not enough memory free", "close other programs and try again"
            )
            return 5
        case OSError():
            output.print_error(_os_error(error), output.DEFAULT_HINTS[5])
            return 5
    text = " ".join(part for part in (type(error).__name__, str(error)[:200]) if part)
    output.print_error(f"a fault in custody itself: {text}", REPORT)
    return output.FAULT


def _default_hint(code: int) -> str | None:
    return output.DEFAULT_HINTS.get(code)


def _plain(message: str) -> str:
    """Click's sentence in our spelling: lower case, no full stop."""
    text = message.rstrip(".")
    return text[:1].lower() + text[1:]


def _os_error(error: OSError) -> str:
    from custody.format.text import show

    reason = (error.strerror or type(error).__name__).lower()
    if error.filename is None:
        return f"this machine refused: {reason}"
    name = error.filename if isinstance(error.filename, str | bytes) else str(error.filename)
    return f"{show(name)}: {reason}"
