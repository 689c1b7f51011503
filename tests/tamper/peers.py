"""Other people's tools under the same changes: ``python -m tests.tamper --peers`` runs them and writes the page.

Every tool seals the same three files in its own way, the files or its lists are changed, and it is asked whether all
is well. A miss is an exit code of 0. Tools that are not installed are left out of a run, and kept on the page as the
last run that had them left them (`peers.json`). ``CUSTODY_WACZ`` names the program `wacz`, where it is not on the path.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.tamper import package_rows as rows
from tests.tamper.world import by_verify, flipped, world

PATH = Path(__file__).resolve().parents[2] / "docs" / "reference" / "peers-tamper.md"
RESULTS = Path(__file__).resolve().parent / "peers.json"

FILES = {"a.txt": b"first\n" * 9, "b.bin": bytes(range(256)) * 20, "ключ 字.txt": b"third\n"}
OLDER = {**FILES, "a.txt": b"an older first\n"}

CHANGES = {
    "nothing": "nothing is changed",
    "flip": "one bit of a file",
    "remove": "a file is removed",
    "add": "a file is added",
    "rename": "a file is renamed",
    "swap": "the contents of two files are swapped",
    "truncate": "the last byte of a file is cut off",
    "duplicate": "a file is there once more under another name",
    "remove with its line": "a file is removed, and so is its line in the list",
    "reorder": "the lines of the list are put in another order",
    "notes": "what is said about the files (who, when) is edited",
    "notes, list removed": "the same, and what guards it is removed",
    "older state": "everything is exchanged for an older, sound state",
    "re-sign": "a file is changed and every list made anew: no key is needed, or a key of one's own is used",
}
"""By name, what is done."""

Answer = int | None
"""The exit code; None where the tool has no such thing."""


def _run(*command: str, cwd: Path) -> int:
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=120, check=False)
    return done.returncode


def _fill(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _change_files(folder: Path, change: str) -> bool:
    """Changes of plain files that every tool can meet; False for what is not one of these."""
    a, b = folder / "a.txt", folder / "b.bin"
    match change:
        case "nothing":
            pass
        case "flip":
            a.write_bytes(flipped(a.read_bytes(), 3))
        case "remove":
            b.unlink()
        case "add":
            (folder / "new.txt").write_bytes(b"new")
        case "rename":
            a.rename(folder / "z.txt")
        case "swap":
            first, second = a.read_bytes(), b.read_bytes()
            a.write_bytes(second)
            b.write_bytes(first)
        case "truncate":
            a.write_bytes(a.read_bytes()[:-1])
        case "duplicate":
            shutil.copy(a, folder / "twice.txt")
        case _:
            return False
    return True


# Lists of digests


def _listed(change: str, folder: Path, make: Callable[[Path], None], check: Callable[[Path], int]) -> Answer:
    """A tool whose list is one text file beside the folder."""
    files, listed = folder / "in", folder / "list"
    _fill(files, OLDER if change == "older state" else FILES)
    make(folder)
    if change in ("notes", "notes, list removed"):
        return None
    lines = listed.read_bytes().splitlines(keepends=True)
    head = [line for line in lines if line.startswith((b"%", b"#"))]
    rows_ = [line for line in lines if line not in head]
    match change:
        case "remove with its line":
            (files / "b.bin").unlink()
            listed.write_bytes(b"".join([*head, *(row for row in rows_ if b"b.bin" not in row)]))
        case "reorder":
            listed.write_bytes(b"".join([*head, *reversed(rows_)]))
        case "re-sign":
            _change_files(files, "flip")
            make(folder)
        case _:
            _change_files(files, change)
    return check(folder)


def sha256sum(change: str, folder: Path) -> Answer:
    """coreutils' `sha256sum -c`."""

    def make(at: Path) -> None:
        with (at / "list").open("wb") as out:
            names = sorted(str(p.relative_to(at)) for p in (at / "in").iterdir())
            subprocess.run(["sha256sum", *names], cwd=at, stdout=out, check=True)

    return _listed(change, folder, make, lambda at: _run("sha256sum", "-c", "--strict", "list", cwd=at))


def hashdeep(change: str, folder: Path) -> Answer:
    """`hashdeep -a`."""

    def make(at: Path) -> None:
        with (at / "list").open("wb") as out:
            subprocess.run(["hashdeep", "-c", "sha256", "-rl", "in"], cwd=at, stdout=out, check=True)

    return _listed(
        change, folder, make, lambda at: _run("hashdeep", "-c", "sha256", "-rla", "-k", "list", "in", cwd=at)
    )


# BagIt


def bagit(change: str, folder: Path) -> Answer:
    """`bagit.py --validate`."""
    bag = folder / "bag"
    _fill(bag, OLDER if change == "older state" else FILES)
    program = (sys.executable, "-m", "bagit")
    assert _run(*program, "--sha256", "--contact-name", "X", str(bag), cwd=folder) == 0
    manifest, info = bag / "manifest-sha256.txt", bag / "bag-info.txt"

    def relist() -> None:
        payload = folder / "again"
        (bag / "data").rename(payload)
        shutil.rmtree(bag)
        payload.rename(bag)
        assert _run(*program, "--sha256", "--contact-name", "X", str(bag), cwd=folder) == 0

    if not _change_files(bag / "data", change):
        match change:
            case "remove with its line":
                (bag / "data" / "b.bin").unlink()
                lines = manifest.read_bytes().splitlines(keepends=True)
                manifest.write_bytes(b"".join(line for line in lines if b"b.bin" not in line))
            case "reorder":
                manifest.write_bytes(b"".join(reversed(manifest.read_bytes().splitlines(keepends=True))))
            case "notes":
                info.write_bytes(info.read_bytes().replace(b"X", b"Y"))
            case "notes, list removed":
                info.write_bytes(info.read_bytes().replace(b"X", b"Y"))
                (bag / "tagmanifest-sha256.txt").unlink()
            case "re-sign":
                _change_files(bag / "data", "flip")
                relist()
    return _run(*program, "--validate", str(bag), cwd=folder)


# WACZ


def _warc(files: dict[str, bytes]) -> bytes:
    """A WARC of these files as resource records, written out by hand (ISO 28500)."""
    out = io.BytesIO()
    for nth, (name, data) in enumerate(files.items()):
        uri = "https://example.org/" + name.encode("ascii", "ignore").decode().replace(" ", "-")
        head = (
            f"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{nth:012d}>\r\n"
            f"WARC-Date: 2026-03-04T05:06:07Z\r\nWARC-Target-URI: {uri}\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        out.write(head.encode() + data + b"\r\n\r\n")
    return out.getvalue()


def _wacz_program() -> str | None:
    return os.environ.get("CUSTODY_WACZ") or shutil.which("wacz")


def wacz(change: str, folder: Path) -> Answer:
    """`wacz validate`."""
    program = _wacz_program()
    assert program is not None

    def make(files: dict[str, bytes]) -> bytes:
        (folder / "f.warc").write_bytes(_warc(files))
        (folder / "f.wacz").unlink(missing_ok=True)
        assert _run(program, "create", "-o", "f.wacz", "f.warc", cwd=folder) == 0
        return (folder / "f.wacz").read_bytes()

    data = make(OLDER if change == "older state" else FILES)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    main, pages, notes = "archive/f.warc", "indexes/index.idx", "datapackage.json"
    match change:
        case "flip":
            members[main] = flipped(members[main], -40)
        case "remove":
            del members[main]
        case "add":
            members["archive/new.warc"] = _warc({"new.txt": b"new"})
        case "rename":
            members["archive/z.warc"] = members.pop(main)
        case "swap":
            members[main], members[pages] = members[pages], members[main]
        case "truncate":
            members[main] = members[main][:-1]
        case "duplicate":
            members["archive/twice.warc"] = members[main]
        case "remove with its line":
            value = json.loads(members[notes])
            value["resources"] = [one for one in value["resources"] if one["path"] != main]
            members[notes] = json.dumps(value, indent=2).encode()
            del members[main]
        case "reorder":
            value = json.loads(members[notes])
            value["resources"].reverse()
            members[notes] = json.dumps(value, indent=2).encode()
        case "notes" | "notes, list removed":
            value = json.loads(members[notes])
            value["created"] = "2001-01-01T00:00:00Z"
            members[notes] = json.dumps(value, indent=2).encode()
            if change != "notes":
                members.pop("datapackage-digest.json", None)
        case "re-sign":
            make({**FILES, "a.txt": b"another first\n"})
    if change not in ("nothing", "older state", "re-sign"):
        with zipfile.ZipFile(folder / "f.wacz", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    return _run(program, "validate", "-f", "f.wacz", cwd=folder)


# Ours

OURS: dict[str, Callable[[], rows.Made]] = {
    "nothing": lambda: rows.held(world().second),
    "flip": rows.content_bit,
    "remove": rows.content_removed,
    "add": rows.content_added,
    "rename": rows.content_renamed,
    "swap": rows.contents_swapped,
    "truncate": rows.content_cut,
    "duplicate": rows.content_twice,
    "remove with its line": rows.content_removed_signed,
    "reorder": rows.manifest_reordered,
    "notes": lambda: rows.edit(rows.bit("bag-info.txt", 30)),
    "notes, list removed": rows.tag_manifests_removed,
    "older state": rows.package_older,
    "re-sign": rows.content_bit_rebuilt,
}


def custody(change: str, _: Path) -> Answer:
    """`custody verify`, by somebody whose trust file has seen an older package (for the older state: the newer)."""
    data, _trust, older = OURS[change]()
    return by_verify(data, older).code


TOOLS: dict[str, Callable[[str, Path], Answer]] = {
    "sha256sum -c": sha256sum,
    "hashdeep -a": hashdeep,
    "bagit --validate": bagit,
    "wacz validate": wacz,
    "custody verify": custody,
}


def installed(tool: str) -> bool:
    """True where the tool can be run here."""
    match tool.split()[0]:
        case "bagit":
            return _run(sys.executable, "-c", "import bagit", cwd=Path.cwd()) == 0
        case "wacz":
            return _wacz_program() is not None
        case "custody":
            return True
        case name:
            return shutil.which(name) is not None


def version(tool: str) -> str:
    """What the tool says of itself."""
    commands = {
        "sha256sum": ("sha256sum", "--version"),
        "hashdeep": ("hashdeep", "-V"),
        "bagit": (sys.executable, "-c", "import bagit; print(bagit.VERSION)"),
        "wacz": (_wacz_program() or "wacz", "--version"),
        "custody": (sys.executable, "-c", "import custody; print(custody.__version__)"),
    }
    done = subprocess.run(commands[tool.split()[0]], capture_output=True, text=True, timeout=60, check=False)
    return (done.stdout or done.stderr).strip().splitlines()[0].split(" -- ")[0]


def answers(tool: str) -> dict[str, Answer]:
    """The tool's exit code by change."""
    found = {}
    for change in CHANGES:
        with tempfile.TemporaryDirectory(prefix="custody-peers-") as folder:
            found[change] = TOOLS[tool](change, Path(folder))
    return found


def write() -> None:
    """Run what is installed, keep the results, write the page."""
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for tool in TOOLS:
        if installed(tool):
            kept[tool] = {
                "version": version(tool),
                "date": dt.datetime.now(dt.UTC).date().isoformat(),
                "system": f"{platform.system()} {platform.machine()}",
                "answers": answers(tool),
            }
        else:
            sys.stdout.write(f"{tool}: not installed, its last results are kept\n")
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    PATH.write_text(text(), "utf-8")
    sys.stdout.write(f"wrote {PATH.name}\n")


def text() -> str:
    """The page, from the results that are kept."""
    kept = json.loads(RESULTS.read_text("utf-8"))
    tools = [tool for tool in TOOLS if tool in kept]
    lines = [
        "# The same changes under other tools\n\n"
        "Each tool seals the same three files in its own way; then one thing is changed, and the tool is asked whether"
        " all is well. **miss**: it says yes. A number is its exit code. Empty: it has nothing of the kind. `custody"
        " verify` is asked by somebody whose trust file has seen the record's other package.\n\n"
        "None of the others claims what it misses: a list of digests without a signature can be made anew by anybody, a"
        " signature says nothing about an older signed state, and `sha256sum -c` looks at what is listed. They are good"
        " tools; the table says what to put beside them.\n\n"
        f"| Change | {' | '.join(f'`{tool}`' for tool in tools)} |\n|{'---|' * (len(tools) + 1)}\n"
    ]
    for change, what in CHANGES.items():
        cells = [_cell(change, kept[tool]["answers"][change]) for tool in tools]
        lines.append(f"| {what} | {' | '.join(cells)} |\n")
    lines.append("\n| Tool | Version | Run | On |\n|---|---|---|---|\n")
    for tool in tools:
        one = kept[tool]
        lines.append(f"| `{tool}` | {one['version']} | {one['date']} | {one['system']} |\n")
    lines.append(
        "\n- Lines in another order mean the same to every list of digests; `custody` demands one spelling of it.\n"
        "- An added file is a finding for a closed list only.\n"
        "- `wacz` can sign with a signing server; without one its digests are a list like the others.\n\n"
        "Made by `python -m tests.tamper --peers`; a test compares the tools that are installed with this page.\n"
    )
    return "".join(lines)


def _cell(change: str, code: Answer) -> str:
    if code is None:
        return ""
    if change == "nothing":
        return "yes" if code == 0 else f"false alarm ({code})"
    if change == "reorder" and code == 0:
        return "same meaning"
    return "**miss**" if code == 0 else str(code)
