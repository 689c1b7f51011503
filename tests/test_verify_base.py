"""The verifier as a program of its own: what it loads, what a hostile package can cost it, and the sweep."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import os
import random
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.export import encrypted
from custody.format import canonical, package, words
from custody.format.text import to_base64
from custody.format.trust import MAX_BYTES
from custody.verify import __main__ as program
from custody.verify import compare, times
from custody.verify.compare_text import together_lines
from custody.verify.package import verify
from custody.verify.text import lines
from tests.packages import LATER, Files, Forger, look, put_together, rebag, resign, summary, take_apart, world

REPO = Path(__file__).resolve().parent.parent
EMPTY_TRUST = (
    b'{"authorities":[],"ledgers":[],"max_future":300,"require":[],"v":1,"witnesses":{"keys":[],"need":0}}'
)


def run(*arguments: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    """The verifier in an isolated interpreter: no user site, no environment, nothing of the working folder."""
    body = code or "import runpy; runpy.run_module('custody.verify', run_name='__main__')"
    start = f"import sys; sys.path.insert(0, {str(REPO)!r}); sys.argv = ['verify', *{list(arguments)!r}]\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", start + body],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "package.zip"
    path.write_bytes(world().honest)
    return path


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "trust.json"
    path.write_bytes(world().trust().to_bytes())
    return path


# Alone


def test_the_verifier_runs_alone_and_loads_only_the_trusted_base(honest: Path, trust: Path) -> None:
    code = """
import runpy, socket
def refuse(*a, **k): raise AssertionError("a socket was opened")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import builtins, os
real_open = os.open
try:
    runpy.run_module("custody.verify", run_name="__main__")
except SystemExit as end:
    code = end.code
print("MODULES", code, *sorted(sys.modules))
"""
    done = run(str(honest), "--trust", str(trust), code=code)
    assert done.returncode == 0, done.stderr
    *_, last = done.stdout.strip().split("\n")
    word, exit_code, *modules = last.split(" ")
    assert (word, exit_code) == ("MODULES", "0"), done.stdout
    ours = {name for name in modules if name.split(".")[0] == "custody"}
    rooms = {".".join(name.split(".")[:2]) for name in ours}
    assert rooms <= {"custody", "custody.errors", "custody.format", "custody.crypto", "custody.verify"}
    others = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names) - {"custody"}
    known = {
        "cryptography",
        "_cffi_backend",
        "_cryptography_openssl",
        "__main__",
        "__mp_main__",
        "cffi",
        "bcrypt",
    }
    assert {name for name in others if not name.startswith("_")} <= known, others


def test_the_verifier_writes_nothing(honest: Path, trust: Path, tmp_path: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in honest.parent.iterdir()}
    done = run(str(honest), "--trust", str(trust))
    assert done.returncode == 0, done.stderr
    assert {p: p.stat().st_mtime_ns for p in honest.parent.iterdir()} == before


@pytest.mark.parametrize("names", [("trust",), ()])
def test_exit_codes_of_the_program(honest: Path, trust: Path, names: tuple[str, ...]) -> None:
    arguments = [str(honest), *(("--trust", str(trust)) if names else ())]
    done = run(*arguments)
    assert done.returncode == (0 if names else 6), done.stdout + done.stderr
    assert done.stdout.startswith("INTACT\n")
    assert done.stderr == ""
    value = json.loads(run(*arguments, "--json").stdout)
    assert value["schema"] == "custody.verify/1"
    assert value["exit_code"] == done.returncode


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (b"", 4, "the file is empty"),
        (b"hello", 4, "does not begin as a zip"),
        (b"PK\x03\x04", 4, "incomplete"),
        (b"PK\x05\x06" + bytes(18), 4, "holds no file"),
        (os.urandom(5000), 4, "does not begin as a zip"),
    ],
)
def test_what_is_no_package_is_said_in_words(tmp_path: Path, data: bytes, code: int, says: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(data)
    done = run(str(path))
    assert done.returncode == code, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_and_a_broken_trust_file_are_said_in_words(honest: Path, tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.zip"))
    assert done.returncode == 5
    assert "can't be read" in done.stderr
    for data in (b"", b"[", b"[]", b"\xff", b"{" * 5000, b'{"v":1}', EMPTY_TRUST[:-1] + b',"x":1}'):
        path = tmp_path / "trust.json"
        path.write_bytes(data)
        done = run(str(honest), "--trust", str(path))
        assert done.returncode == 4, (data[:20], done.stdout)
        assert "custody: error:" in done.stderr
        assert "Traceback" not in done.stderr
    for place in (tmp_path / "none.json", tmp_path):  # not there; a folder
        done = run(str(honest), "--trust", str(place))
        assert (done.returncode, done.stdout) == (5, "")
        assert f"custody: error: {place}: can't be read" in done.stderr
    path.write_bytes(EMPTY_TRUST.replace(b"300", b"9007199254740991"))
    assert run(str(honest), "--trust", str(path)).returncode == 6


def test_an_encrypted_package_is_said_to_be_one(honest: Path, tmp_path: Path) -> None:
    encrypted.wrap(honest, tmp_path / "locked.zip", "abandon " * 6 + "about")
    done = run(str(tmp_path / "locked.zip"))
    assert done.returncode == 4
    assert done.stdout.startswith("UNREADABLE\n")
    assert "the package is encrypted" in done.stdout
    assert "passphrase" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_console_that_knows_only_ascii_is_no_reason_to_stop(honest: Path) -> None:
    code = """
import io, runpy
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="ascii")
runpy.run_module("custody.verify", run_name="__main__")
"""
    done = run(str(honest), code=code)
    assert done.returncode == 6, done.stderr
    assert "INTACT" in done.stdout


# The same in this process, each word of it


@dataclass(frozen=True, slots=True)
class Said:
    """What the program gave back and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run_here(*arguments: str | Path) -> Said:
        capsys.readouterr()
        code = program.main([str(one) for one in arguments])
        return Said(code, *capsys.readouterr())

    return run_here


def test_one_package_is_told_as_its_report_is(says: Callable[..., Said], honest: Path, trust: Path) -> None:
    report = look(honest.read_bytes(), world().trust(), now=dt.datetime.now(dt.UTC))
    assert says(honest, "--trust", trust) == Said(0, "\n".join(lines(report)) + "\n", "")
    done = says("--json", honest, "--trust", trust)
    assert done == Said(0, json.dumps(report.to_value(), indent=2) + "\n", "")
    # For a console that knows only ASCII: here are names that are not.
    assert done.out.isascii()
    assert "\\u" in done.out
    assert says(honest).out == "\n".join(lines(look(honest.read_bytes()))) + "\n"


def test_several_packages_are_told_together_under_the_names_that_were_given(
    says: Callable[..., Said], honest: Path, trust: Path, tmp_path: Path
) -> None:
    made = Forger(world())
    made.build()
    second = tmp_path / "second.zip"
    second.write_bytes(put_together(made.pack()))
    found = compare.together(
        [
            compare.examine(
                str(path),
                io.BytesIO(path.read_bytes()),
                trust=world().trust(),
                fingerprint=None,
                now=dt.datetime.now(dt.UTC),
            )
            for path in (honest, second)
        ]
    )
    arguments = (honest, second, "--trust", trust)
    assert says(*arguments) == Said(1, "\n".join(together_lines(found)) + "\n", "")
    assert json.loads(says(*arguments, "--json").out) == found.to_value()
    assert [one["file"] for one in found.to_value()["packages"]] == [str(honest), str(second)]


def test_the_twelve_words_confirm_the_origin(says: Callable[..., Said], honest: Path) -> None:
    origin = "passed: origin"
    spoken = " ".join(words.encode(world().desk.locker.genesis_leaf[:16]))
    for arguments in ((honest,), (honest, honest)):
        for heard, confirmed in ((None, False), (spoken, True)):
            done = says(*arguments, "--json", *(() if heard is None else ("--fingerprint", heard)))
            assert done.code == 6
            value = json.loads(done.out)
            reports = [value] if len(arguments) == 1 else [one["report"] for one in value["packages"]]
            for report in reports:
                found = {f"{one['outcome']}: {one['check']}" for one in report["findings"]}
                assert (origin in found) == confirmed, found
    for wrong in ("", "abandon", " ".join(spoken.split()[:11]), f"{spoken} abandon"):
        done = says(honest, "--fingerprint", wrong)
        assert (done.code, done.out) == (4, "")
        assert done.err.startswith("custody: error: --fingerprint: ")


@pytest.mark.parametrize("count", [1, 2])
def test_a_time_proof_from_the_future_of_this_machine_is_a_failure(
    says: Callable[..., Said], tmp_path: Path, count: int
) -> None:
    made = Forger(world())
    made.build()
    (tmp_path / "x.zip").write_bytes(put_together(made.pack(stamped=dt.datetime(2096, 1, 1, tzinfo=dt.UTC))))
    (tmp_path / "trust.json").write_bytes(made.trust().to_bytes())
    done = says(*[tmp_path / "x.zip"] * count, "--trust", tmp_path / "trust.json")
    assert done.code == 1
    assert "future" in done.out


def test_what_can_not_be_opened_is_told_where_and_why(
    says: Callable[..., Said], honest: Path, trust: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "a\u202eb.zip"
    told = f"{tmp_path}/a\\u202eb.zip"
    expected = Said(
        5,
        "",
        f"custody: error: {told}: can't be read: found No such file or directory\n"
        "custody: hint: check the file's name\n",
    )
    assert says(strange) == expected
    assert says(honest, strange) == expected
    assert says(honest, "--trust", strange) == expected
    # A trust file is read no further than a trust file goes.
    large = trust.read_bytes() + b" " * (MAX_BYTES + 1 - trust.stat().st_size)
    strange.write_bytes(large)
    done = says(honest, "--trust", strange)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"custody: error: {told}: too long")
    assert "hint" not in done.err


def test_of_a_trust_file_no_more_is_read_than_one_can_have(
    says: Callable[..., Said], honest: Path, trust: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    class Counted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return super().read(size)

    opened = program._open

    @contextlib.contextmanager
    def open_(path: Path) -> Iterator[BinaryIO]:
        with opened(path) as file:
            yield Counted(file.read()) if path == trust else file

    monkeypatch.setattr(program, "_open", open_)
    assert says(honest, "--trust", trust).code == 0
    assert asked == [MAX_BYTES + 1]


def test_a_fault_of_the_verifier_is_no_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, honest: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["verify", str(honest)])
    assert program._run() == 6
    assert capsys.readouterr().out.startswith("INTACT\n")

    def broken(*_: object, **__: object) -> None:
        raise LookupError("a name that is nobody's business")

    monkeypatch.setattr(program, "verify", broken)
    assert program._run() == 70
    done = capsys.readouterr()
    assert done.out == ""
    assert done.err == (
        "custody: error: a fault in custody itself: LookupError\n"
        "custody: hint: nothing is said about the package; please report this\n"
    )


def test_its_words_and_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in (([], 2), (["x.zip", "--unknown"], 2), (["--help"], 0)):
        with pytest.raises(SystemExit) as end:
            program.main(arguments)
        assert end.value.code == code
        done = capsys.readouterr()
        assert (done.out if code == 0 else done.err).startswith("usage: python -m custody.verify ")
    said = " ".join(done.out.split())
    assert "--trust FILE the trust file of your own side" in said
    assert "--fingerprint WORDS the twelve words, read out by somebody you know" in said
    assert "--json one JSON object, schema custody.verify/1" in said


@pytest.mark.parametrize(
    ("library", "found"),
    [
        ("__version__ = '38.0.4'", "cryptography 38.0.4"),
        ("raise ImportError('made up')", "cryptography none"),
    ],
)
def test_a_library_that_is_too_old_is_named_and_is_no_traceback(
    tmp_path: Path, honest: Path, library: str, found: str
) -> None:
    """What Debian 12 has: cryptography 38, without ML-DSA."""
    (tmp_path / "cryptography").mkdir()
    (tmp_path / "cryptography" / "__init__.py").write_text(library)
    done = run(
        str(honest),
        code=f"""
import runpy
sys.path.insert(0, {str(tmp_path)!r})
runpy.run_module("custody.verify", run_name="__main__")
""",
    )
    assert done.returncode == 5, done.stdout + done.stderr
    assert done.stdout == ""
    said = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in said] == ["error", "hint"]
    assert "cryptography 50, or newer" in said[0]
    assert found in said[0]


# The sweep


def _flips(size: int, count: int) -> list[tuple[int, int]]:
    """Places and bits, spread evenly over a package and a little shuffled; the same each run."""
    chosen = random.Random(20261122)
    return [(size * k // count + chosen.randrange(size // count), chosen.randrange(8)) for k in range(count)]


def test_every_flipped_bit_is_found() -> None:
    data = world().honest
    trust = world().trust()
    assert look(data, trust).exit_code == 0
    missed = []
    for place, bit in _flips(len(data), 420):
        changed = bytearray(data)
        changed[place] ^= 1 << bit
        report = look(bytes(changed), trust)
        if report.exit_code not in (1, 4):
            missed.append((place, bit, report.exit_code))
        assert lines(report)
    assert missed == []


def test_every_flipped_bit_is_found_when_the_checksums_are_made_to_fit() -> None:
    """In every file of the bag, with the container's CRC and all manifests rebuilt: only the record can tell."""
    files = take_apart(world().honest)
    trust = world().trust()
    chosen = random.Random(20261123)
    missed = []
    for path in sorted(files):
        for _ in range(4):
            data = bytearray(files[path])
            if not data:
                continue
            data[chosen.randrange(len(data))] ^= 1 << chosen.randrange(8)
            if path in (*package.MANIFESTS, *package.TAG_MANIFESTS):
                report = look({**files, path: bytes(data)}, trust)  # rebuilt it would be right again
            else:
                report = look(rebag({**files, path: bytes(data)}), trust)
            if report.exit_code not in (1, 4):
                missed.append((path, report.exit_code))
    assert missed == []


@settings(max_examples=150)
@given(
    cut=st.tuples(st.integers(0, 120_000), st.integers(0, 400)),
    insert=st.binary(max_size=60),
)
def test_cut_and_pasted_packages_raise_nothing(cut: tuple[int, int], insert: bytes) -> None:
    data = world().honest
    start, length = cut
    start %= len(data)
    changed = data[:start] + insert + data[start + length :]
    report = look(changed, world().trust())
    assert report.exit_code in ((0,) if changed == data else (1, 4)), summary(report)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_bytes_in_any_file_that_the_exporter_signs_raise_nothing(data: st.DataObject) -> None:
    files = take_apart(world().honest)
    path = data.draw(st.sampled_from(sorted(p for p in files if p.startswith("custody/"))))
    old = files[path]
    new = data.draw(
        st.one_of(
            st.binary(max_size=300),
            st.tuples(st.integers(0, len(old)), st.binary(max_size=9), st.integers(0, len(old))).map(
                lambda t: old[: t[0]] + t[1] + old[t[2] :]
            ),
        )
    )
    changed = {**files, path: new}
    if path != package.STATEMENT:
        changed = resign(changed, world().first)
    report = look(changed, world().trust())
    assert report.exit_code in ((0,) if new == old else (1, 4, 6, 0) if path.endswith(".txt") else (1, 4))
    assert lines(report)


# What it can cost


def _cost(files: Files | bytes) -> tuple[float, int, int]:
    """(seconds, bytes of memory at most beyond the package itself, exit code)."""
    data = files if isinstance(files, bytes) else put_together(files)
    file = io.BytesIO(data)
    start = time.process_time()
    tracemalloc.start()
    try:
        report = verify(file, trust=world().trust(), now=LATER)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lines(report)
    assert len(json.dumps(report.to_value())) < (8 << 20)
    return time.process_time() - start, peak, report.exit_code


def _with(path: str, data: bytes) -> Callable[[], Files]:
    return lambda: resign({**take_apart(world().honest), path: data}, world().first)


def _many_tokens() -> Files:
    files = take_apart(world().honest)
    stem = min(p for p in files if p.endswith(".tsr")).removesuffix(".tsr")
    for number in range(2, 100):
        files[f"{stem}.{number}.tsr"] = files[f"{stem}.tsr"]
    for size in range(1000, 1300):
        files[f"custody/log/{size}.tsr"] = files[f"{stem}.tsr"]
    return rebag(files)


def _many_findings() -> Files:
    files = take_apart(world().honest)
    for number in range(2_000):
        files[f"custody/entries/{10_000 + number}.json"] = b"{}"
    return rebag(files)


def _statement_of_zeros() -> Files:
    files = take_apart(world().honest)
    payload = b'{"files":[' + b"0," * 2_000_000 + b"0]}"
    outer = {"payload": to_base64(payload), "payloadType": "x", "signatures": []}
    return rebag({**files, package.STATEMENT: canonical.encode(outer)})


HOSTILE: dict[str, Callable[[], Files]] = {
    "proofs-of-empty-lines": _with(package.PROOFS, b"\n" * (16 << 20)),
    "proofs-in-one-line": _with(package.PROOFS, b"[" * (16 << 20)),
    "proofs-of-nothing": _with(
        package.PROOFS, b"".join(b'{"index":%d,"path":[]}\n' % n for n in range(100_000))
    ),
    "keys-of-empty-lines": _with(package.KEYS, b"\n" * (16 << 20)),
    "keys-of-100000": _with(package.KEYS, b'{"compartment":"name","key":"","seq":1}\n' * 100_000),
    "shown-deep": _with(package.SHOWN, b"[" * (16 << 20)),
    "shown-of-brackets": _with(package.SHOWN, b"[]" * (8 << 20)),
    "note-giant": _with("custody/log/31.note", b"custody/" + b"a" * (16 << 20)),
    "note-of-lines": _with("custody/log/9.note", b"\n" * (60 << 10)),
    "entry-giant": _with("custody/entries/5.json", b"{" * (16 << 20)),
    "entry-deep": _with("custody/entries/5.json", b"[" * 120_000),
    "consistency-giant": _with("custody/consistency/9.txt", b"old 9\n" + b"A\n" * (8 << 20)),
    "part-giant": _with("custody/parts/" + "0" * 64, bytes(16 << 20)),
    "manifest-of-lines": lambda: {**take_apart(world().honest), package.TAG_MANIFESTS[0]: b"\n" * (16 << 20)},
    "many-tokens": _many_tokens,
    "many-findings": _many_findings,
    "statement-of-zeros": _statement_of_zeros,
    "bagit-giant": _with("bagit.txt", b"B" * (16 << 20)),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_package_costs_bounded_memory_and_time(name: str) -> None:
    files = HOSTILE[name]()
    seconds, peak, code = _cost(files)
    assert code in (1, 4)
    # A number for "does not grow with the lie", far above what an honest package of this size takes.
    assert peak < (24 << 20), f"{peak >> 20} MiB"
    assert seconds < 30, f"{seconds:.1f} s"


def test_more_tokens_than_are_looked_at_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "MAX_TOKENS", 2)
    report = look(world().honest, world().trust())
    assert report.exit_code == 1
    assert any(f.text == "more tokens than are looked at" for f in report.findings)
    assert report.tokens == ()


def test_a_directory_that_claims_a_million_files_costs_nothing() -> None:
    data = world().honest
    end = bytearray(data[-22:])
    struct.pack_into("<2H", end, 8, 65_000, 65_000)
    seconds, peak, code = _cost(data[:-22] + bytes(end))
    assert code == 4
    assert peak < (8 << 20)
    assert seconds < 5


def test_sizes_that_lie_are_refused_before_anything_is_read() -> None:
    data = bytearray(world().honest)
    struct.pack_into("<2I", data, 18, 0xFFFFFFF0, 0xFFFFFFF0)  # the first local header's sizes
    assert look(bytes(data), world().trust()).exit_code == 4
    assert zlib.crc32(b"") == 0


def test_cost_grows_with_entries_and_not_with_their_square() -> None:
    """Twice the accesses: about twice the work. Counted in calls, since a timed test lies on a busy machine."""
    calls = [_calls(200), _calls(400)]
    assert calls[1] < calls[0] * 2.4


def _calls(accesses: int) -> int:
    from tests.packages import Forger

    made = Forger(world())
    made.lines += [made.access_line(world().items[0].id) for _ in range(accesses)]
    made.build()
    data = put_together(made.pack())
    trust = made.trust()
    count = 0

    def hook(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(hook)
    try:
        report = look(data, trust)
    finally:
        sys.setprofile(None)
    assert report.exit_code == 0, summary(report)
    return count
