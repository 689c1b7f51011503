"""One run of a command: its locker, its key file, its passphrase, and the person at the terminal."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from custody.cli.base import global_value, wants_json
from custody.cli.output import Output
from custody.errors import CustodyError, InputRefused, MachineError, UsageError, WrongPassphrase
from custody.format.text import show

if TYPE_CHECKING:
    from custody.keys.keyfile import KeyFile, Opening
    from custody.procedure.access import Purpose
    from custody.procedure.locker import Desk, Locker
    from custody.procedure.rim import Rim

NOT_STATED = "not stated"
MAX_ANSWER = 8192
SHORTEST_SECRET = 16
"""Characters; no secret of a wallet is shorter, and its patterns take a moment to load."""
SHORT_PASSPHRASE = 12
"""Characters; below that a new passphrase brings a line of advice."""


class Terminal:
    """The person at the terminal. Questions go to standard error: standard output is for data."""

    @property
    def present(self) -> bool:
        """True when somebody can be asked, and can see the question."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def can_hide(self) -> bool:
        """True when a passphrase can be typed: also while standard input is a pipe, on /dev/tty."""
        if self.present:
            return True
        if os.name != "posix" or not sys.stderr.isatty():
            return False
        try:
            os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        except OSError:
            return False
        return True

    def line(self, question: str) -> str:
        """The person's answer without its line end; Abort when the input ends instead."""
        sys.stderr.write(question)
        sys.stderr.flush()
        try:
            # Not input(): with standard output in a pipe it writes there, among the data.
            answer = sys.stdin.readline()
        except UnicodeDecodeError as error:
            raise InputRefused("what was typed is not text in this terminal's encoding") from error
        if not answer:
            sys.stderr.write("\n")
            raise click.Abort
        if len(answer) > MAX_ANSWER:
            raise InputRefused("the answer is too long", expected=f"at most {MAX_ANSWER} characters")
        return answer.rstrip("\r\n").strip()

    def hidden(self, question: str) -> str:
        """An answer that does not show while it is typed."""
        try:
            return getpass.getpass(question, stream=sys.stderr)
        except EOFError:
            raise click.Abort from None


terminal = Terminal()
"""Tests put their own in its place."""


class Session:
    """What a command works with. Opens nothing before it is asked for."""

    def __init__(
        self,
        command: str,
        *,
        locker: str | None,
        key: str | None,
        passphrase_file: str | None,
        as_json: bool,
        order: tuple[str, ...] = (),
    ) -> None:
        self.out = Output(command, as_json=as_json)
        self.terminal = terminal
        self.order = order
        self._locker = locker
        self._key = key
        self._passphrase_file = passphrase_file
        self._purpose: Purpose | None = None
        self._desk: Desk | None = None
        self._opening: Opening | None = None
        self._locker_files: Locker | None = None
        self._rim: Rim | None = None

    @classmethod
    def of(cls, context: click.Context) -> Session:
        """The session of a command line. The command's name in its schema: its words with dashes."""
        return cls(
            "-".join(context.command_path.split()[1:]),
            locker=global_value(context, "global_locker", "--locker"),
            key=global_value(context, "global_key", "--key"),
            passphrase_file=global_value(context, "global_passphrase_file", "--passphrase-file"),
            as_json=wants_json(context),
            order=tuple(context.meta.get("custody.order", ())),
        )

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._locker_files is not None:
            self._locker_files.close()

    # Where things are

    @property
    def locker_option(self) -> str | None:
        """What --locker said, if anything."""
        return self._locker

    @property
    def locker_path(self) -> Path:
        """--locker, else CUSTODY_LOCKER, else the current folder."""
        return Path(self._locker or os.environ.get("CUSTODY_LOCKER") or ".")

    @property
    def key_path(self) -> Path:
        """--key, else CUSTODY_KEY, else the usual place."""
        from custody.keys import keyfile

        named = self._key or os.environ.get("CUSTODY_KEY")
        return Path(named) if named else keyfile.default_path(os.environ)

    @property
    def locker_words(self) -> str:
        """How the next command has to name the locker: nothing where it finds it by itself."""
        from custody.cli.words import quoted

        return f" --locker {quoted(self._locker)}" if self._locker else ""

    @property
    def rim(self) -> Rim:
        """Time and randomness."""
        if self._rim is None:
            from custody.procedure.rim import Rim

            self._rim = Rim()
        return self._rim

    # Opening

    def locker(self) -> Locker:
        """The locker without a key: for what is public in the record. Asks for no passphrase."""
        if self._locker_files is None:
            from custody.procedure.locker import Locker

            self._locker_files = Locker(self.locker_path)
        return self._locker_files

    def desk(self) -> Desk:
        """The locker, with this person's key unlocked; once a command."""
        if self._desk is None:
            from custody.procedure.locker import Desk

            # A locker that is not there is the plainer news, and comes before the 0.8 s of Argon2id.
            locker = self.locker()
            self.warn_of_place(locker)
            self._desk = Desk(locker, self.key_file(), self.rim)
        return self._desk

    def warn_of_place(self, locker: Locker) -> None:
        """Say what speaks against the folder that a locker lies in, before anything is written there."""
        if locker.misplaced is not None:
            self.out.warn(locker.misplaced.advice)

    def unlock_ahead(self) -> None:
        """Begin to open the key file beside what the command still loads, where its passphrase is in a file.

        Argon2id takes half a second in which Python is not needed. Whatever is wrong is told by `key_file`.
        """
        from custody.keys import keyfile

        with contextlib.suppress(CustodyError):
            named = self._passphrase_named
            if named is not None and keyfile.needs_passphrase(self.key_path):
                passphrase = keyfile.read_passphrase_file(named)
                self._opening = keyfile.Opening(self.key_path, passphrase, random=self.rim.random)

    def key_file(self) -> KeyFile:
        """The key file, opened."""
        from custody.keys import keyfile

        path = self.key_path
        passphrase = None
        if keyfile.needs_passphrase(path):
            passphrase = self._known_passphrase() or self._ask_passphrase(
                f"Passphrase of {show(str(path))}: "
            )
        ahead, self._opening = self._opening, None
        if ahead is not None and (ahead.path, ahead.passphrase) == (path, passphrase):
            opened = ahead.result()
        else:
            opened = keyfile.open_(path, passphrase, random=self.rim.random)
        if opened.too_open:
            self.out.advise(f"others on this machine can read your key file: chmod 600 {show(str(path))}")
        return opened

    def has_key(self) -> bool:
        """True when a key file is there and can be opened without a person, or with one at the terminal."""
        from custody.keys import keyfile

        if not self.key_path.exists():
            # A key that was named and isn't there is a mistake; none at the usual place is a choice.
            return bool(self._key or os.environ.get("CUSTODY_KEY"))
        return (
            self._passphrase_named is not None
            or self.terminal.can_hide
            or not keyfile.needs_passphrase(self.key_path)
        )

    def open_package(self, package: str) -> BinaryIO:
        """A package, taken out of its encrypted wrapper where it has one."""
        from custody.export import encrypted
        from custody.verify.container import is_encrypted_wrapper

        file = open_input(package)
        try:
            if not is_encrypted_wrapper(file):
                file.seek(0)
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        return encrypted.unwrap(Path(package), self.package_passphrase())

    def package_passphrase(self) -> str:
        """The passphrase of an encrypted package: --passphrase-file alone, else the terminal.

        CUSTODY_PASSPHRASE_FILE is not looked at: it holds that of the person's own key.
        """
        from custody.keys import keyfile

        if self._passphrase_file is not None:
            raw = keyfile.read_passphrase_file(Path(self._passphrase_file))
            text = raw.decode("utf-8", "replace")
        elif self.terminal.can_hide:
            text = self.terminal.hidden("The package's passphrase: ")
        else:
            raise WrongPassphrase(
                "the package is encrypted, and there is no terminal to type its passphrase on",
                hint="name a file that holds the package's passphrase with --passphrase-file",
            )
        # Ten words, dictated: capitals and spaces are forgiven.
        return " ".join(text.lower().split())

    def new_passphrase(self, what: str, *, rekey: bool = False, new_file: Path | None = None) -> bytes:
        """A passphrase for something new: out of the file, or typed twice.

        With ``rekey`` the session's own file holds the old one, and only ``new_file`` may hold the new one.
        """
        from custody.keys import keyfile

        named = new_file if rekey else self._passphrase_named
        given = None if named is None else self._passphrase_in(named)
        if given is None:
            if not self.terminal.can_hide:
                raise UsageError(
                    f"no passphrase for {what}",
                    expected="a terminal to type it on, or a file that holds it",
                    hint="name the file with --new-passphrase-file; never an argument"
                    if rekey
                    else "name the file with --passphrase-file or CUSTODY_PASSPHRASE_FILE; never an argument",
                )
            self.out.say(
                f"Choose a passphrase for {what}. Nobody can reset it: some six words that only you put together."
            )
            first = self.terminal.hidden("New passphrase: ")
            if self.terminal.hidden("Once more: ") != first:
                raise InputRefused(
                    "the two passphrases differ", hint="run the command again; nothing was made"
                )
            given = keyfile.passphrase_bytes(first)
            if not given:
                raise InputRefused("the passphrase is empty", hint="run the command again; nothing was made")
        if len(given) < SHORT_PASSPHRASE:
            self.out.advise(
                "this passphrase is short: whoever gets the key file can try out all short ones; another one:"
                " custody custodian passphrase"
            )
        return given

    @property
    def _passphrase_named(self) -> Path | None:
        """The file that --passphrase-file or CUSTODY_PASSPHRASE_FILE names."""
        named = self._passphrase_file or os.environ.get("CUSTODY_PASSPHRASE_FILE")
        return Path(named) if named else None

    def _known_passphrase(self) -> bytes | None:
        named = self._passphrase_named
        return None if named is None else self._passphrase_in(named)

    def _passphrase_in(self, named: Path) -> bytes:
        from custody.keys import keyfile

        passphrase = keyfile.read_passphrase_file(named)
        if keyfile.too_open(named):
            self.out.advise(
                f"others on this machine can read your passphrase file: chmod 600 {show(str(named))}"
            )
        return passphrase

    def _ask_passphrase(self, question: str) -> bytes:
        from custody.keys import keyfile

        if not self.terminal.can_hide:
            raise WrongPassphrase(
                "the key file needs its passphrase, and there is no terminal to type it on",
                where=show(str(self.key_path)),
                hint="name a file that holds it with --passphrase-file or CUSTODY_PASSPHRASE_FILE",
            )
        typed = self.terminal.hidden(question)
        if not typed:
            raise WrongPassphrase("no passphrase was typed", hint="run the command again")
        return keyfile.passphrase_bytes(typed)

    # Asking

    def text(self, given: str | None, question: str) -> str | None:
        """Free text that may name a person: the option's, else what is typed; None is "not stated".

        An argument stays in the shell's history, so the text is asked for when the option is absent or
        ``-``. Without a terminal nobody can be asked, and absent means "not stated".
        """
        if given is not None and given != "-":
            return _unicode(given) or None
        if not self.terminal.present:
            return None
        return _unicode(self.terminal.line(f"{question} (Enter: {NOT_STATED}): ")) or None

    def particular(self, given: str | None, question: str) -> str | None:
        """Free text that may name a person and may well be left out: asked for only when its option is ``-``."""
        return self.text(given, question) if given == "-" else given

    def narrowing(self, given: str | None, where: str, question: str) -> str | None:
        """A text that narrows what is shown and may name a person: asked for when its option is ``-``.

        None narrows nothing. UsageError where it should be asked for and nobody is there: without an answer all would
        be shown, as if nothing had been looked for.
        """
        if given != "-":
            return given
        if not self.terminal.present:
            raise UsageError(
                "nobody is there to be asked",
                where=f"{where} -",
                expected="a terminal to type it on",
                hint=f"run it on a terminal, or leave {where} out to see all",
            )
        return _unicode(self.terminal.line(f"{question} (Enter: all): ")) or None

    def purpose(self, given: str | None, question: str | None = None) -> Purpose:
        """Why something is opened: asked once a command, logged before the first plain byte."""
        if self._purpose is None:
            from custody.procedure.access import Purpose

            stated = self.text(given, question or "Why do you open this? It is logged")
            self._purpose = Purpose(text=stated or NOT_STATED)
        return self._purpose

    def confirm(self, question: str) -> bool:
        """Yes or no on the terminal; no where nobody is there."""
        if not self.terminal.present:
            return False
        return self.terminal.line(f"{question} [y/N] ").lower() in ("y", "yes")


def free_text(text: str, where: str) -> str | None:
    """What somebody said in free text, None for nothing; InputRefused where it holds a secret of a wallet."""
    said = _unicode(text) or None
    if said is not None and len(said) >= SHORTEST_SECRET:
        from custody.evidence.blockchain import secrets

        secrets.refuse(said, where)
    return said


def _unicode(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputRefused(
            "this text is not Unicode", found=show(text, 60), hint="type it on the terminal instead"
        ) from error
    return text.strip()


def open_input(path: str | Path) -> BinaryIO:
    """A file that a person named, open for reading; InputRefused or MachineError with its name."""
    where = show(str(path))
    hint = "check the name, and that you may read it"
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise InputRefused("there is no such file", where=where, hint=hint) from None
    except IsADirectoryError:
        raise InputRefused(
            "is a folder, not a file",
            where=where,
            hint="name the file itself: a package is checked as it came, not unpacked",
        ) from None
    except OSError as error:
        raise MachineError(
            "can't be read", where=where, found=(error.strerror or type(error).__name__).lower(), hint=hint
        ) from error


def read_small(path: str | Path, *, limit: int) -> bytes:
    """A small file that a person named: a public key, root certificates. At most ``limit`` bytes.

    InputRefused when it is not there, a folder, or larger; MachineError when it can't be read.
    """
    where = show(str(path))
    with open_input(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InputRefused("too large for what it should be", where=where, expected=f"at most {limit} bytes")
    return data
