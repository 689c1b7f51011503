"""``python -m custody.verify PACKAGE…``: the trusted base alone, without click or a database library."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from pathlib import Path

from custody.errors import CustodyError, MachineError
from custody.format import words
from custody.format.text import show
from custody.format.trust import MAX_BYTES, Trust
from custody.verify.compare import Package, examine, together
from custody.verify.compare_text import together_lines
from custody.verify.text import lines


def main(arguments: list[str] | None = None) -> int:
    """Verify one package, or several and each two together; gives the exit code of docs/reference/exit-codes.md."""
    for stream in (sys.stdout, sys.stderr):
        # A console that can't show a character gets its escape, never a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    parser = argparse.ArgumentParser(
        prog="python -m custody.verify",
        description="Verify packages of custody, offline; several are also compared.",
    )
    parser.add_argument("package", type=Path, nargs="+")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the trust file of your own side")
    parser.add_argument(
        "--fingerprint", metavar="WORDS", help="the twelve words, read out by somebody you know"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, schema custody.verify/1")
    options = parser.parse_args(arguments)
    try:
        trust = None if options.trust is None else _trust(options.trust)
        spoken = options.fingerprint
        fingerprint = None if spoken is None else words.decode(spoken, count=12, where="--fingerprint")
        now = dt.datetime.now(dt.UTC)
        packages = [_examine(path, trust, fingerprint, now) for path in options.package]
    except CustodyError as error:
        return _fail(error)
    report = packages[0].report
    several = together(packages) if len(packages) > 1 else None
    if options.json:
        print(json.dumps((several or report).to_value(), ensure_ascii=True, indent=2))
    else:
        print("\n".join(lines(report) if several is None else together_lines(several)))
    return (several or report).exit_code


def _examine(path: Path, trust: Trust | None, fingerprint: bytes | None, now: dt.datetime) -> Package:
    try:
        with path.open("rb") as file:
            return examine(str(path), file, trust=trust, fingerprint=fingerprint, now=now)
    except OSError as error:
        where = show(str(path))
        raise MachineError(
            "can't be read", where=where, found=error.strerror, hint="check the file's name"
        ) from error


def _trust(path: Path) -> Trust:
    with path.open("rb") as file:
        return Trust.from_bytes(file.read(MAX_BYTES + 1), where=show(str(path)))


def _fail(error: CustodyError) -> int:
    print(f"custody: error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"custody: hint: {error.hint}", file=sys.stderr)
    return error.exit_code


def _run() -> int:
    try:
        return main()
    except Exception as error:  # noqa: BLE001 — 1 would say that a check failed; a fault of ours says neither
        print(f"custody: error: a fault in custody itself: {type(error).__name__}", file=sys.stderr)
        print("custody: hint: nothing is said about the package; please report this", file=sys.stderr)
        return 70


if __name__ == "__main__":
    sys.exit(_run())
