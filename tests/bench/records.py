"""How long readers of records take, beside a plain loop: ``python -m tests.bench --only records``.

Each work runs in a process of its own and says how many lines it found, its seconds of processor time (neighbours
take away the rest) and its peak memory. The peer is
what a person writes who only wants the fields: one pattern of `combined`, matched line by line, the groups thrown away.
"""

from __future__ import annotations

import datetime as dt
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from custody.evidence.export import Export, Member
from custody.evidence.reading import Settings
from custody.evidence.records import registry
from custody.evidence.records.form import Recorded
from custody.evidence.records.model import Row
from tests.bench.reading import Done, run
from tests.bench.telegram import OnDisk

ITEM = "01900000-0000-7000-8000-000000000001"
ROUNDS = 3

_COMBINED = re.compile(
    rb"(?P<host>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]+)\] "
    rb'"(?P<request>[^"]*)" (?P<status>\d{3}) (?P<size>\S+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"'
)
_PATHS = (
    "/", "/index.html", "/static/app.3f2a1.js", "/static/style.css?v=12", "/api/v1/messages?after={}",
    "/img/a{}.png", "/forum/viewtopic.php?f=3&t={}", "/search?q=made+up+words&page={}",
)  # fmt: skip
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
    "made-up-client/8.5.0",
    "-",
)
_REFERRERS = ("-", "https://www.example.org/", "https://www.example.org/forum/viewforum.php?f=3")
_AT_ONCE = 30
_A_SECOND = 7


def access_log(path: Path, count: int) -> Path:
    """A made-up log of so many lines, the same bytes every time: 30 visitors at a time, ten lines each, 7 a second."""
    dice = random.Random(5)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)

    def visitor() -> tuple[str, str, str]:
        host = f"198.51.{dice.randrange(64)}.{dice.randrange(1, 255)}"
        if dice.random() < 0.2:
            host = (
                f"2001:db8:{dice.randrange(65536):x}:{dice.randrange(65536):x}::{dice.randrange(1, 65536):x}"
            )
        user = "-" if dice.random() < 0.95 else f"user{dice.randrange(500)}"
        return host, user, dice.choice(_AGENTS)

    visitors = [visitor() for _ in range(_AT_ONCE)]
    with path.open("w", encoding="ascii", newline="\n") as file:
        for at in range(count):
            which = dice.randrange(_AT_ONCE)
            if dice.random() < 0.1:
                visitors[which] = visitor()
            host, user, agent = visitors[which]
            status = dice.choice((200, 200, 200, 200, 304, 404))
            size = "-" if status == 304 else dice.randrange(60000)
            file.write(
                f"{host} - {user} [{start + dt.timedelta(seconds=at // _A_SECOND):%d/%b/%Y:%H:%M:%S} +0000] "
                f'"GET {dice.choice(_PATHS).format(at)} HTTP/1.1" {status} {size} '
                f'"{dice.choice(_REFERRERS)}" "{agent}"\n'
            )
    return path


def work(row: Callable[..., None], folder: Path, count: int) -> None:
    """The rows of an access log of so many lines: the least of several rounds of each, one after the other."""
    path = access_log(folder / "access.log", count)
    found: dict[str, Done] = {}
    for _ in range(ROUNDS):
        for what in ("loop", "core", "form"):
            done = run(sys.executable, "-m", "tests.bench.records", what, path)
            found[what] = min(found.get(what, done), done, key=lambda one: one.seconds)
    loop = found["loop"]
    for what, title, bar in (
        ("core", "read", "2; 300 MiB"),
        ("form", "whole form: counted, covered, hashed", "none"),
    ):
        done = found[what]
        row(
            f"access log, {count} lines, {title}",
            f"{done}, {done.messages} rows",
            f"a loop of re: {loop}, {loop.messages} lines",
            f"{done.seconds / loop.seconds:.1f}",
            bar,
        )


def main(what: str, path: Path) -> None:
    """One work in this process: lines, seconds of processor time, MiB."""
    held = OnDisk(path)
    export = Export(
        name=path.name, members=(Member(index=0, name=path.name, size=held.size, open=lambda: held),)
    )
    chosen = registry.choose(export)
    assert chosen is not None
    reader, detected = chosen
    count = 0
    start = time.process_time()
    if what == "loop":
        with path.open("rb") as file:
            for line in file:
                _COMBINED.match(line).groups()  # type: ignore[union-attr]
                count += 1
    elif what == "core":
        for record in reader.read(export, detected, Settings()):
            count += type(record) is Row
    else:
        recorded = Recorded(export, reader, detected, Settings(), item=ITEM)
        for _ in recorded.lines():
            pass
        summary = recorded.summary
        assert summary.whole
        count = summary.rows
    took = time.process_time() - start
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))
    assert peak is not None
    sys.stdout.write(f"{count} {took} {int(peak[1]) / 1024}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
