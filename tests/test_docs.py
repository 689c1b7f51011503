"""The docs are run: links, indexes, examples, generated pages, schemas, the changelog.

An example is a fenced block whose first line is ```` ```console custody-test ````. All such blocks of a page
run in one empty folder, in order, with a home, key file and passphrase of their own, without a terminal::

    $ custody init locker --name "A. Investigator" --no-recovery
    made the locker ...
    $ custody --locker locker case show NO-SUCH    # exit 4
    $ printf 'hello\\n' \\
    >   > note.txt

The lines under a command are what it prints (both streams), with ``...`` for anything; under a command
without such lines, anything is right. ``# exit N`` at the end of a command names its exit code, else 0.
A ``cd`` lasts; a variable does not.
"""

from __future__ import annotations

import doctest
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import jsonschema
import pytest

import custody
from custody import errors
from tests import make_cli_reference, make_docs_index

REPO = Path(__file__).resolve().parent.parent
PAGES = sorted([*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md")])
FENCE = re.compile(
    r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)[ ]*$", re.DOTALL | re.MULTILINE
)


def name_of(page: Path) -> str:
    return page.relative_to(REPO).as_posix() if page.is_relative_to(REPO) else page.name


# --- links ----------------------------------------------------------------------------------------------


def prose(text: str) -> str:
    """The page without fenced blocks and code spans, where brackets mean something else."""
    return re.sub(r"`[^`\n]+`", "code", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """The names under which a page's headings can be linked to, as git hosts make them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+?)\s*$", FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        base = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        name, number = base, 0
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found.add(name)
    return found


def broken_links(page: Path) -> list[str]:
    text = prose(page.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)", text)
    targets += re.findall(r"^\[[^\]]+\]:\s*(\S+)", text, re.MULTILINE)
    faults = []
    for target in targets:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue  # another place: no test of ours goes out to look
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            faults.append(f"{name_of(page)}: {target}: there is no such file")
        elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text(encoding="utf-8")):
            faults.append(f"{name_of(page)}: {target}: no such heading")
    return faults


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page):
    assert broken_links(page) == []


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "a.md"
    (tmp_path / "b.md").write_text("# The `b` page, *all* of it\n", encoding="utf-8")
    page.write_text(
        "[ok](b.md) [ok](b.md#the-b-page-all-of-it) [out](https://example.org/x) `[no](link)`\n"
        "[gone](c.md) [gone](b.md#other) ![gone](d.png)\n```\n[no](link)\n```\n[ref]: e.md\n",
        encoding="utf-8",
    )
    assert [fault.split(": ")[1] for fault in broken_links(page)] == ["c.md", "b.md#other", "d.png", "e.md"]


# --- the index ------------------------------------------------------------------------------------------


def test_the_index_lists_every_page_and_no_other():
    assert make_docs_index.index(REPO / "docs") == (REPO / "docs/README.md").read_text(encoding="utf-8"), (
        "run python -m tests.make_docs_index"
    )


def test_the_docs_have_no_other_folder():
    assert {path.name for path in (REPO / "docs").iterdir() if path.is_dir()} <= set(make_docs_index.FOLDERS)


def test_drift_of_the_index_is_seen_both_ways(tmp_path, capsys):
    for folder in make_docs_index.FOLDERS:
        (tmp_path / folder).mkdir()
    marks = "".join(f"<!-- index:{folder} -->\n<!-- end -->\n" for folder in make_docs_index.FOLDERS)
    (tmp_path / "README.md").write_text(marks, encoding="utf-8")
    (tmp_path / "format/entry.md").write_text("# The entry\n", encoding="utf-8")
    assert make_docs_index.run(["--check"], tmp_path) == 1
    assert make_docs_index.run([], tmp_path) == 0
    assert make_docs_index.run(["--check"], tmp_path) == 0
    assert "- [The entry](format/entry.md)\n" in (tmp_path / "README.md").read_text(encoding="utf-8")
    (tmp_path / "format/note.md").write_text("# The note\n", encoding="utf-8")
    assert make_docs_index.run(["--check"], tmp_path) == 1
    (tmp_path / "format/note.md").unlink()
    (tmp_path / "format/entry.md").unlink()
    assert make_docs_index.run(["--check"], tmp_path) == 1
    assert "out of date" in capsys.readouterr().out
    (tmp_path / "README.md").write_text(marks.replace("index:format", "index:formats"), encoding="utf-8")
    with pytest.raises(SystemExit, match="formats"):
        make_docs_index.index(tmp_path)


# --- the examples ---------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Example:
    """One command of a page, what it should print (None: anything), and its exit code."""

    command: str
    line: int
    exit_code: int = 0
    output: list[str] = field(default_factory=list)


def examples(text: str) -> list[Example]:
    found: list[Example] = []
    for block in FENCE.finditer(text):
        if block["info"].split() != ["console", "custody-test"]:
            continue
        first = text.count("\n", 0, block.start("body")) + 1
        continued = False
        started = False
        for number, line in enumerate(block["body"].splitlines(), first):
            if line.startswith("$ "):
                found.append(Example(command=line[2:], line=number))
                started = True
            elif not started:
                raise ValueError(f"line {number}: expected '$ ' and a command, found {line!r}")
            elif continued and line.startswith("> "):
                found[-1].command += "\n" + line[2:]
            else:
                found[-1].output.append(line)
                continue
            continued = line.endswith("\\")
    for example in found:
        code = re.search(r"\s+# exit (\d+)$", example.command)
        if code:
            example.command = example.command[: code.start()]
            example.exit_code = int(code[1])
    return found


# The command leaves its folder behind, so that a cd lasts to the next one.
_WRAPPED = "cd \"$(cat {place})\" || exit 99\ntrap 'pwd > {place}' EXIT\n{command}\n"


def run_examples(page: Path, scratch: Path) -> list[str]:
    """Run the page's examples below ``scratch``; the faults, as texts."""
    found = examples(page.read_text(encoding="utf-8"))
    work, tools, home = scratch / "work", scratch / "tools", scratch / "home"
    for folder in (work, tools, home):
        folder.mkdir()
    # This tree's command, whatever else may be installed under that name.
    command = tools / "custody"
    command.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPO))} exec {shlex.quote(sys.executable)} "
        '-c \'import sys; sys.argv[0] = "custody"; from custody.cli import main; main()\' "$@"\n',
        encoding="utf-8",
    )
    command.chmod(0o755)
    (home / "passphrase").write_text("a passphrase for the examples only\n", encoding="utf-8")
    (home / "passphrase").chmod(0o600)
    place = scratch / "place"
    place.write_text(f"{work}\n", encoding="utf-8")
    environment = {
        "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "CUSTODY_PASSPHRASE_FILE": str(home / "passphrase"),
        "CUSTODY_KEY": str(home / "key"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    faults = []
    for example in found:
        done = subprocess.run(
            ["bash", "-c", _WRAPPED.format(place=shlex.quote(str(place)), command=example.command)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # no terminal to fall back on, as /dev/tty would be
            timeout=120,
            check=False,
        )
        printed = done.stdout.decode("utf-8", "backslashreplace")
        where = f"{name_of(page)}:{example.line}: {example.command}"
        if done.returncode != example.exit_code:
            faults.append(
                f"{where}\nexpected exit code {example.exit_code}, found {done.returncode}\n{printed}"
            )
        wanted = "".join(line + "\n" for line in example.output)
        if wanted and not doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS):
            faults.append(f"{where}\nexpected\n{wanted}found\n{printed}")
    return faults


PAGES_WITH_EXAMPLES = [page for page in PAGES if examples(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=name_of)
def test_the_examples_of_a_page_do_what_it_says(page, tmp_path):
    assert run_examples(page, tmp_path) == []


def page_of(tmp_path: Path, text: str) -> Path:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n```console custody-test\n{text}```\n", encoding="utf-8")
    return page


def test_examples_run_in_one_folder_with_surroundings_of_their_own(tmp_path):
    page = page_of(
        tmp_path,
        "$ mkdir inner && cd inner\n"
        "$ printf 'one\\ntwo\\nthree\\n' \\\n>   > file\n"
        "$ cat file\none\n...\nthree\n"
        "$ basename $PWD; echo to stderr >&2\ninner\nto stderr\n"
        '$ test -f "$CUSTODY_PASSPHRASE_FILE" && test ! -e "$CUSTODY_KEY" && cd && ls\npassphrase\n'
        "$ command -v custody > /dev/null; test -t 0    # exit 1\n"
        "$ (exit 4)    # exit 4\n",
    )
    assert run_examples(page, tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "$ false\n",
        "$ true    # exit 1\n",
        "$ echo one\ntwo\n",
        "$ true\nsomething\n",
        "$ no-such-command-anywhere\n",
        "$ echo one; echo two\none\n",
    ],
)
def test_an_example_that_is_wrong_is_seen(tmp_path, text):
    assert len(run_examples(page_of(tmp_path, text), tmp_path)) == 1


def test_a_block_that_begins_without_a_command_is_refused():
    with pytest.raises(ValueError, match="line 2"):
        examples("```console custody-test\nhello\n```\n")


def test_other_blocks_are_not_run():
    assert examples("```console\n$ false\n```\n```python\n$ x\n```\n") == []


# --- what is generated from the code, or must agree with it ----------------------------------------------


def test_the_command_line_page_is_what_help_prints():
    main = make_cli_reference.command_group()
    if main is None:
        pytest.skip("custody/cli has no main yet")
    found = (REPO / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert found == make_cli_reference.page(main), "run python -m tests.make_cli_reference"


def test_the_command_line_page_walks_the_whole_tree():
    import click

    @click.group(help="All of it.")
    def main():
        pass

    @main.group(help="About cases.")
    def case():
        pass

    @case.command(name="open", help="Start one.")
    @click.option("--title", help="What it is called.")
    def open_(title):
        pass

    @main.command(hidden=True, help="Nobody's business.")
    def secret():
        pass

    text = make_cli_reference.page(main)
    assert re.findall(r"^## `(.*)`$", text, re.MULTILINE) == ["custody", "custody case", "custody case open"]
    assert "Usage: custody case open [OPTIONS]" in text
    assert "--title TEXT" in text
    assert "Nobody" not in text


def error_classes() -> dict[str, int]:
    return {
        name: cls.exit_code
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.CustodyError)
    }


def rows_of_exit_codes(text: str) -> dict[str, int]:
    rows = re.findall(r"^\| (\d+) \| ([^|]*) \|", text, re.MULTILINE)
    return {name: int(code) for code, names in rows for name in re.findall(r"`(\w+)`", names)}


def test_the_exit_codes_page_is_the_error_tree():
    text = (REPO / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    assert rows_of_exit_codes(text) == error_classes()
    assert re.search(r"^\| 0 \|", text, re.MULTILINE)


SCHEMAS = sorted((REPO / "schemas").glob("**/*.json"))


def faults_of_schema(schema: dict[str, object]) -> list[str]:
    faults = []
    if schema.get("$schema") != "https://json-schema.org/draft/2020-12/schema":
        faults.append("$schema is not draft 2020-12")
    if not re.fullmatch(r"urn:custody:[a-z0-9][a-z0-9:._/-]*", str(schema.get("$id"))):
        faults.append("$id is not of the form urn:custody:…")
    if not schema.get("title"):
        faults.append("no title")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        faults.append(f"not a schema: {error.message}")
    return faults


@pytest.mark.parametrize("path", SCHEMAS, ids=name_of)
def test_a_schema_is_one(path):
    assert faults_of_schema(json.loads(path.read_text(encoding="utf-8"))) == []


def test_no_two_schemas_have_one_id():
    ids = [json.loads(path.read_text(encoding="utf-8"))["$id"] for path in SCHEMAS]
    assert len(ids) == len(set(ids))


def test_a_faulty_schema_is_seen():
    good = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:custody:schema:entry:1",
        "title": "Entry",
    }
    assert faults_of_schema(good) == []
    for bad in ({"$schema": "x"}, {"$id": "https://example.org/x"}, {"title": ""}, {"type": "objekt"}):
        assert len(faults_of_schema({**good, **bad})) == 1


def test_the_changelog_speaks_of_this_version():
    text = (REPO / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == custody.__version__


@pytest.mark.parametrize("marker", ["ci:test", "ci:demo"])
def test_the_readme_holds_the_command_that_ci_runs(marker):
    text = (REPO / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^<!-- {marker} -->\n+```sh\n([^\n]+)\n```$", text, re.MULTILINE)
    assert len(blocks) == 1  # one command, in one line
