"""``python -m custody.verify PACKAGE…``: the trusted base alone, without click or a database library.

Only what a package needs is loaded: comparing for several, time proofs where there is one (decision 0030).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    from custody.errors import CustodyError, MachineError
    from custody.format import words
    from custody.format.text import show
    from custody.format.trust import MAX_BYTES, Trust
    from custody.verify.package import verify
except (ImportError, SyntaxError, TypeError) as _error:  # what an older Python or an older library gives
    _found = getattr(sys.modules.get("cryptography"), "__version__", "none")
    print(
        "custody: error: this check needs Python 3.11 and its package cryptography 50, or newer: found"
        f" Python {sys.version.split()[0]} and cryptography {_found} ({_error})\n"
        "custody: hint: nothing is said about the package; docs/how-to/verify-a-package.md, “On a locked-down machine”",
        file=sys.stderr,
    )
    raise SystemExit(5) from None


def main(arguments: list[str] | None = None) -> int:
    """Verify one package, or several and each two together; gives the exit code of docs/reference/exit-codes.md."""
    for stream in (sys.stdout, sys.stderr):
        # A console that can't show a character gets its escape, never a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    about = "Verify packages of custody, offline; several are also compared."
    parser = ArgumentParser(prog="python -m custody.verify", description=about)
    add = parser.add_argument
    add("package", type=Path, nargs="+")
    add("--trust", type=Path, metavar="FILE", help="the trust file of your own side")
    add("--fingerprint", metavar="WORDS", help="the twelve words, read out by somebody you know")
    add("--json", action="store_true", help="one JSON object, schema custody.verify/1")
    options = parser.parse_args(arguments)
    try:
        trust = None if options.trust is None else _trust(options.trust)
        spoken = options.fingerprint
        fingerprint = None if spoken is None else words.decode(spoken, count=12, where="--fingerprint")
        now = dt.datetime.now(dt.UTC)
        check = _one if len(options.package) == 1 else _several
        return check(options, trust, fingerprint, now)
    except CustodyError as error:
        return _fail(error)


def _one(options: Namespace, trust: Trust | None, fingerprint: bytes | None, now: dt.datetime) -> int:
    with _open(options.package[0]) as file:
        report = verify(file, trust=trust, fingerprint=fingerprint, now=now)
    if options.json:
        _print_json(report.to_value())
    else:
        from custody.verify.text import lines

        print("\n".join(lines(report)))
    return report.exit_code


def _several(options: Namespace, trust: Trust | None, fingerprint: bytes | None, now: dt.datetime) -> int:
    from custody.verify.compare import examine, together

    packages = []
    for path in options.package:
        with _open(path) as file:
            packages.append(examine(str(path), file, trust=trust, fingerprint=fingerprint, now=now))
    answer = together(packages)
    if options.json:
        _print_json(answer.to_value())
    else:
        from custody.verify.compare_text import together_lines

        print("\n".join(together_lines(answer)))
    return answer.exit_code


def _print_json(value: dict[str, object]) -> None:
    print(json.dumps(value, ensure_ascii=True, indent=2))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        where, hint = show(str(path)), "check the file's name"
        raise MachineError("can't be read", where=where, found=error.strerror, hint=hint) from error


def _trust(path: Path) -> Trust:
    with _open(path) as file:
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
