"""The command line's rim: help, global options, errors as two lines, encodings, the terminal."""

from __future__ import annotations

import datetime as dt
import io
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner

from custody import errors
from custody.cli import DAY, base, main, output, session
from custody.cli.words import named_authorities, token_words

REPO = Path(__file__).resolve().parent.parent


def run(*args, **kwargs):
    return CliRunner().invoke(main, [str(arg) for arg in args], **kwargs)


def process(*args, cwd, env=None, stdin="", code=None):
    command = [sys.executable, *(["-c", code] if code else ["-m", "custody"]), *map(str, args)]
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPO), "PYTHONUNBUFFERED": "", **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="latin-1",
        start_new_session=True,
        timeout=60,
        check=False,
    )


def two_lines(result, code):
    """One line of error, one of hint, the right exit code, nothing else on standard error, no traceback."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("custody: advice: ")]
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("custody: error: ")
    assert lines[1].startswith("custody: hint: ")
    assert "Traceback" not in result.stderr
    assert (result.exit_code if hasattr(result, "exit_code") else result.returncode) == code
    return lines


# --- help -----------------------------------------------------------------------------------------------


def test_help_shows_the_day_first_and_only_commands_that_there_are():
    result = run("--help")
    assert result.exit_code == 0
    places = [result.stdout.index(f"\n  {name} ") for name in DAY]
    assert places == sorted(places)
    assert places[-1] < result.stdout.index("\nMore:") < result.stdout.index("\nOptions:")
    assert list(DAY) == ["init", "case", "collect", "list", "read", "export", "verify", "todo"]


def test_every_command_of_the_table_can_be_imported_and_has_help():
    context = click.Context(main, info_name="custody")
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        assert command.name == name
        result = run(name, "--help")
        assert result.exit_code == 0
        assert result.stdout.startswith(f"Usage: custody {name}")


def test_help_is_about_as_quick_as_click_alone(tmp_path):
    # The rule (which modules are loaded) is held by test_architecture; this looks at the import list's length.
    code = "import sys, click; before = set(sys.modules); import custody.cli; print(len(set(sys.modules) - before))"
    done = process(cwd=tmp_path, code=code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 20


def test_no_command_is_a_usage_error_with_the_help(tmp_path):
    result = run()
    assert result.exit_code == 2
    assert "A working day" in result.stderr
    assert result.stdout == ""


def test_the_version_is_a_word_of_its_own():
    from custody import __version__

    assert run("--version").stdout == f"custody {__version__}\n"


def test_python_m_custody_is_the_same_command(tmp_path):
    done = process("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


# --- usage errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["case", "nonsense"],
        ["--nonsense"],
        ["case", "open"],
        ["case", "open", "A", "B"],
        ["init", "--name"],
        ["--locker", "a", "case", "list", "--locker", "b"],
        ["case", "--locker", "a", "list", "--locker", "b"],
        ["--locker", "a", "--locker", "b", "case", "list"],
        ["--key", "a", "case", "--key", "b", "list"],
        ["--passphrase-file", "a", "case", "list", "--passphrase-file", "b"],
        ["collect", "--case", "R"],
        ["collect", "-", "x", "--case", "R"],
        ["collect", "x", "--case", "R", "--expect", "sha256:00"],
        ["collect", "x", "--case", "R", "--time-zone", "Mars/Base"],
        ["init", "--tsa-root", "x", "--tsa", "http://x", "--no-recovery", "d"],
        ["init", "d", "--name", "x"],
        ["init", "d", "--name", "x", "--no-recovery", "--recovery-sheet", "s"],
        ["init", "d", "--locker", "e", "--no-recovery"],
        ["custodian", "compromised", "abcdef", "--since", "yesterday"],
        ["custodian", "compromised", "abcdef", "--since", "2026-03-04T05:06:07"],
        ["export", "--case", "R"],
        ["read", "A-1/01", "--done", "-o", "x"],
        ["read", "A-1/01", "--json"],
        ["check", "--deep", "--no-key"],
        ["trust", "add", "--trust", "x"],
        ["trust", "add", "p.zip", "--trust", "x"],
        ["trust", "init", "-o", "x", "--require", "everything"],
    ],
    ids=" ".join,
)
def test_words_that_are_off_are_two_lines_and_2(args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    two_lines(result, 2)
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_same_value_before_and_after_is_no_contradiction(tmp_path):
    place = tmp_path / "none"
    two_lines(run("--locker", place, "case", "--locker", place, "list", "--locker", place), 10)


def test_init_explains_the_three_ways_back(tmp_path):
    lines = two_lines(run("init", tmp_path / "d", "--name", "x"), 2)
    for word in ("--recovery-sheet", "--custodian", "--no-recovery"):
        assert word in lines[1]


def test_control_characters_in_an_argument_do_not_reach_the_terminal():
    result = run("\x1b[31mred\u202e")
    two_lines(result, 2)
    assert "\x1b" not in result.stderr
    assert "\u202e" not in result.stderr


def test_an_argument_that_is_not_unicode_is_refused(tmp_path):
    for args in (["case", "open", "\udcff"], ["init", "d", "--organisation", "\udcff", "--no-recovery"]):
        two_lines(run("--locker", tmp_path / "none", *args) if args[0] == "case" else run(*args), 2)
    # A path need not be.
    two_lines(run("verify", tmp_path / "\udcff"), 4)


# --- exit codes -----------------------------------------------------------------------------------------


def failing(error):
    """The command group, with a command that raises."""

    @click.command(cls=base.Command)
    def fail(_session):
        raise error

    group = base.Root(day={}, more={"fail": ("x:y", "fails")})
    group.get_command = lambda _context, _name: fail
    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        *((cls("it is off"), cls.exit_code) for cls in vars(errors).values()
          if isinstance(cls, type) and issubclass(cls, errors.CustodyError) and cls is not errors.Interrupted),
        (OSError(28, "No space left on device", "a\nfile"), 5),
        (OSError("no number"), 5),
        (PermissionError(13, "Permission denied", b"\xff"), 5),
        (MemoryError(), 5),
        (RecursionError("deep"), 70),
        (ValueError("a fault\nin two lines"), 70),
        (KeyError("x"), 70),
        (click.UsageError("Oh."), 2),
        (click.FileError("f", "Oh."), 2),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)  # fmt: skip
def test_each_error_is_two_lines_and_its_exit_code(error, code):
    two_lines(failing(error), code)


@pytest.mark.parametrize(
    "error", [click.Abort(), KeyboardInterrupt(), EOFError()], ids=lambda e: type(e).__name__
)
def test_an_interruption_is_one_line_and_130(error):
    result = failing(error)
    assert result.exit_code == 130
    assert result.stderr == "custody: error: interrupted; what was reported as in, is in\n"


def test_a_traceback_only_for_those_who_ask(monkeypatch):
    assert "Traceback" not in failing(ValueError("x")).stderr
    monkeypatch.setenv("CUSTODY_DEBUG", "1")
    assert "Traceback" in failing(ValueError("x")).stderr


# Few bytes, so that they wait in a buffer until the command is done: then is when the fault shows.
SMALL = (
    "import os, sys, click\nfrom custody.cli.base import Root, Command\n"
    "@click.command(cls=Command)\ndef words(session):\n    session.out.data('few')\n"
    "group = Root(day={}, more={'words': ('x:y', 'z')})\ngroup.get_command = lambda c, n: words\n"
)


def test_a_reader_that_goes_away_is_quiet(tmp_path):
    code = SMALL + "r, w = os.pipe()\nos.close(r)\nos.dup2(w, 1)\ngroup.main(['words'])\n"
    done = process(cwd=tmp_path, code=code)
    assert (done.returncode, done.stderr) == (5, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_and_not_swallowed_at_exit(tmp_path):
    code = SMALL + "os.dup2(os.open('/dev/full', os.O_WRONLY), 1)\ngroup.main(['words'])\n"
    two_lines(process(cwd=tmp_path, code=code), 5)


# --- what consoles can't show ---------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp852", "utf-8"])
def test_no_console_ends_a_command(encoding, tmp_path):
    name = "Đorđe 中文 \U0001f600 \udcff"
    code = (
        "from custody.cli.base import Root, Command\nfrom custody.cli import output\nimport click\n"
        f"name = {name!a}\n"
        "@click.command(cls=Command)\n"
        "def words(session):\n"
        "    session.out.data(name)\n"
        "    session.out.result({'name': name})\n"
        "    session.out.say(name)\n"
        "    session.out.advise(name)\n"
        "    session.out.next(name)\n"
        "    from custody.errors import InputRefused\n"
        "    raise InputRefused(name)\n"
        "group = Root(day={}, more={'words': ('x:y', 'z')})\n"
        "group.get_command = lambda c, n: words\n"
        "import sys\ngroup.main(sys.argv[1:])\n"
    )
    for extra in ([], ["--json"]):
        done = process("words", *extra, cwd=tmp_path, code=code, env={"PYTHONIOENCODING": encoding})
        assert done.returncode == 4, done.stderr
        assert "UnicodeEncodeError" not in done.stderr
        assert done.stderr.count("custody: error: ") == 1
    assert output.one_line("a\n b\x1b") == "a b\\x1b"


def test_a_table_keeps_its_columns():
    assert output.table([("a", "bb"), ("cccc", "d")], ("H", "I")) == ["H     I", "a     bb", "cccc  d"]
    assert output.table([], ("H",)) == []


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (9999, "9999 bytes"),
        (10_240, "10.0 KiB"),
        (3 << 30, "3.0 GiB"),
        (5 << 40, "5.0 TiB"),
    ],
)
def test_sizes_for_people(count, text):
    assert output.size_text(count) == text


# --- the session ----------------------------------------------------------------------------------------


class Person(session.Terminal):
    """Somebody at the terminal who has the answers ready."""

    present = True
    can_hide = True

    def __init__(self, *answers):
        self.answers = list(answers)
        self.questions = []

    def line(self, question):
        self.questions.append(question)
        return self.answers.pop(0)

    hidden = line


def a_session(person=None, **options):
    made = session.Session(
        "test", **{"locker": None, "key": None, "passphrase_file": None, "as_json": False, **options}
    )
    made.terminal = person or session.Terminal()
    return made


def test_free_text_is_asked_for_only_where_somebody_is():
    person = Person("typed", "", "again")
    asked = a_session(person)
    assert asked.text("given", "Q") == "given"
    assert asked.text(None, "Q") == "typed"
    assert asked.text("-", "Q") is None
    assert asked.text("-", "Q") == "again"
    assert len(person.questions) == 3
    alone = a_session()
    assert alone.text(None, "Q") is None
    assert alone.text("-", "Q") is None


def test_the_purpose_is_asked_once():
    person = Person("because")
    asked = a_session(person)
    assert asked.purpose(None).text == "because"
    assert asked.purpose(None).text == "because"
    assert len(person.questions) == 1
    assert a_session().purpose(None).text == "not stated"


def test_a_new_passphrase_is_typed_twice_and_must_agree(capsys):
    assert (
        a_session(Person("long enough, this", "long enough, this")).new_passphrase("x")
        == b"long enough, this"
    )
    assert "short" not in capsys.readouterr().err
    with pytest.raises(errors.InputRefused, match="differ"):
        a_session(Person("a", "b")).new_passphrase("x")
    with pytest.raises(errors.InputRefused, match="empty"):
        a_session(Person("", "")).new_passphrase("x")
    with pytest.raises(errors.UsageError, match="no passphrase"):
        a_session().new_passphrase("x")


def test_a_passphrase_file_that_others_can_read_brings_advice(tmp_path, capsys):
    file = tmp_path / "p"
    file.write_text("a passphrase of some length\n")
    file.chmod(0o644)
    assert a_session(passphrase_file=str(file)).new_passphrase("x") == b"a passphrase of some length"
    assert capsys.readouterr().err.count("custody: advice: ") == 1
    file.chmod(0o600)
    a_session(passphrase_file=str(file)).new_passphrase("x")
    assert capsys.readouterr().err == ""


def test_where_the_locker_and_the_key_are(monkeypatch):
    assert a_session().locker_path == Path()
    monkeypatch.setenv("CUSTODY_LOCKER", "from-env")
    monkeypatch.setenv("CUSTODY_KEY", "key-env")
    assert a_session().locker_path == Path("from-env")
    assert a_session().key_path == Path("key-env")
    assert a_session(locker="said", key="said").locker_path == Path("said")
    assert a_session(locker="said", key="said").key_path == Path("said")


def test_a_package_passphrase_is_not_the_keys_own(tmp_path, monkeypatch):
    file = tmp_path / "p"
    file.write_text("  Abandon ability\n ABLE \n")
    monkeypatch.setenv("CUSTODY_PASSPHRASE_FILE", str(file))
    with pytest.raises(errors.WrongPassphrase):
        a_session().package_passphrase()
    assert a_session(passphrase_file=str(file)).package_passphrase() == "abandon ability able"


def test_a_line_is_read_from_the_terminal_and_its_end_is_an_abort(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\r\n"))
    terminal = session.Terminal()
    assert terminal.line("Q? ") == "one"
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Q? ")
    with pytest.raises(click.Abort):
        terminal.line("Q? ")


def test_authorities_come_in_pairs_in_the_order_given(tmp_path):
    from custody.anchor.test_authority import TestAuthority

    pem = tmp_path / "root.pem"
    pem.write_bytes(TestAuthority(clock=lambda: dt.datetime.now(dt.UTC)).root_pem)
    found = named_authorities(["tsa", "tsa", "tsa_root"], ["http://a", "http://b"], [str(pem)])
    assert [(one.url, len(one.roots)) for one in found] == [("http://a", 0), ("http://b", 1)]
    with pytest.raises(errors.UsageError, match="before any"):
        named_authorities(["tsa_root"], [], [str(pem)])


def test_a_token_says_what_it_is_worth():
    def words(**facts):
        token = SimpleNamespace(
            gen_time=dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC), signer="CN=X", **facts
        )
        return token_words(token)

    assert words(test=False, root_sha256="00") == "existed no later than 2026-03-04 05:06:07 UTC, says CN=X"
    assert words(test=True, root_sha256="00").endswith("(test authority, not for court)")
    assert words(test=True, root_sha256=None).endswith("(test authority, not for court)")
    assert "authority not known" in words(test=False, root_sha256=None)


def test_progress_is_for_terminals_only(monkeypatch, capsys):
    with output.ProgressLine() as line:
        line.bytes_done(1, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with output.ProgressLine() as line:
        line.bytes_done(20_480, 40_960, before="1 of 2 files, ")
        line.bytes_done(40_960, 40_960)  # too soon after the first
    written = capsys.readouterr().err
    assert "1 of 2 files, 20.0 KiB of 40.0 KiB, " in written
    assert written.count("KiB of") == 1
    assert written.endswith("\r\x1b[K")


# --- a real terminal ------------------------------------------------------------------------------------


def test_an_answer_that_does_not_fit_is_asked_for_again_and_the_others_are_kept(capsys):
    from custody.cli import stating

    person = Person("two screenshots", "", "", "", "", "phone", "device", "hers", "", "")
    nothing = {"exhibit": None, "source": None, "form": None}
    made = stating.request(a_session(person), "c", fields=(), handling=(), no_seal=True, **nothing)
    assert made.record == {
        "capture": {"description": "two screenshots"},
        "source": {"kind": "device", "text": "hers"},
    }
    assert person.answers == []
    said = capsys.readouterr().err
    assert "a value that is not in the list: expected device, account, " in said
    assert said.count("not in the list") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals there")
def test_on_a_terminal_a_passphrase_is_asked_for_and_not_shown(tmp_path):
    import pty
    import select

    pid, master = pty.fork()
    if pid == 0:  # the child: a terminal of its own
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = str(REPO)
        os.execv(sys.executable, [sys.executable, "-m", "custody", "custodian", "new", "-o", "mine"])
    seen = b""
    answers = [b"first passphrase\n", b"second passphrase\n"]
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
        if answers and (b"New passphrase: " if len(answers) == 2 else b"Once more: ") in seen:
            os.write(master, answers.pop(0))
    os.close(master)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 4, seen
    assert b"the two passphrases differ" in seen
    assert b"first passphrase" not in seen
    assert not (tmp_path / "mine").exists()
