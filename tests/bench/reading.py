"""How long readers of chats take, beside other people's programs: ``python -m tests.bench --only chats``.

Each work runs in a process of its own and says how many messages it found, its seconds and its peak memory. The peers
are found by the environment, and left out where they are not there: CUSTODY_BENCH_NODE, a folder in which
``npm install whatsapp-chat-parser`` was run; CUSTODY_BENCH_PYTHON, an interpreter that has whatstk and chat-miner.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from custody.evidence.chat import registry
from custody.evidence.chat.model import Message
from custody.evidence.chat.normalise import Normalised
from custody.evidence.export import Export, Member
from custody.evidence.reading import Settings
from custody.format import messages
from tests.bench import chats, telegram

REPO = Path(__file__).resolve().parent.parent.parent
ITEM = "01900000-0000-7000-8000-000000000001"

_NODE = """
const fs = require('fs'); const { parseString } = require('whatsapp-chat-parser');
const text = fs.readFileSync(process.argv[1], 'utf8'); const start = process.hrtime.bigint();
const found = parseString(text); const took = Number(process.hrtime.bigint() - start) / 1e9;
console.log(found.length, took, process.resourceUsage().maxRSS / 1024);
"""
_PEAK = "import resource; peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024"
_WHATSTK = f"""
import sys, time; from whatstk import WhatsAppChat; start = time.perf_counter()
found = WhatsAppChat.from_source(sys.argv[1], hformat='%d.%m.%Y, %H:%M - %name:', max_size=None)
took = time.perf_counter() - start
{_PEAK}; print(len(found.df), took, peak)
"""
_CHAT_MINER = f"""
import logging, sys, time; logging.disable(50); from chatminer.chatparsers import WhatsAppParser
start = time.perf_counter(); parser = WhatsAppParser(sys.argv[1]); parser.parse_file()
found = parser.parsed_messages.get_df(); took = time.perf_counter() - start
{_PEAK}; print(len(found), took, peak)
"""
_JSON_LOAD = f"""
import json, sys, time; start = time.perf_counter(); found = json.load(open(sys.argv[1], 'rb'))
took = time.perf_counter() - start; {_PEAK}; print(len(found['messages']), took, peak)
"""


@dataclass(frozen=True)
class Done:
    """Messages found, seconds, and peak memory in MiB."""

    messages: int
    seconds: float
    peak: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.peak:.0f} MiB"


def run(*words: object, **environment: str) -> Done:
    done = subprocess.run(
        [*map(str, words)],
        env={**os.environ, "PYTHONPATH": str(REPO), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{words[0]}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    found, seconds, peak = done.stdout.split()[-3:]
    return Done(int(float(found)), float(seconds), float(peak))


def ours(what: str, path: Path) -> Done:
    """``what``: core (the reader's records) or form (all lines, counted, covered, committed)."""
    return run(sys.executable, "-m", "tests.bench.reading", what, path)


def work(row: Callable[..., None], folder: Path, count: int) -> None:
    """The rows of chats, for files of so many messages."""
    path = chats.whatsapp_text(folder, count)
    peers: dict[str, Callable[[], Done]] = {}
    if node := os.environ.get("CUSTODY_BENCH_NODE"):
        peers["whatsapp-chat-parser"] = lambda: run(
            "node", "--max-old-space-size=8192", "-e", _NODE, path, NODE_PATH=f"{node}/node_modules"
        )
    if python := os.environ.get("CUSTODY_BENCH_PYTHON"):
        peers["whatstk"] = lambda: run(python, "-c", _WHATSTK, path)
        peers["chat-miner"] = lambda: run(python, "-c", _CHAT_MINER, path)
    _rows(row, "WhatsApp text", path, count, peers, "not slower; 300 MiB")
    path = telegram.export(folder / "result.json", count)
    load = {"json.load": lambda: run(sys.executable, "-c", _JSON_LOAD, path)}
    _rows(row, "Telegram JSON", path, count, load, "not slower; 300 MiB")


def _rows(
    row: Callable[..., None],
    what: str,
    path: Path,
    count: int,
    peers: dict[str, Callable[[], Done]],
    bar: str,
) -> None:
    found = {name: peer() for name, peer in peers.items()}
    first = next(iter(found.values()), None)
    for name, title in (("core", "read"), ("form", "whole form: counted, covered, committed")):
        done = ours(name, path)
        ratio = "–" if first is None else f"{done.seconds / first.seconds:.1f}"
        text = "; ".join(f"{peer}: {one}, {one.messages} messages" for peer, one in found.items()) or "–"
        row(
            f"{what}, {count} messages, {title}",
            f"{done}, {done.messages} messages",
            text if name == "core" else next(iter(found), "–"),
            ratio,
            bar,
        )


def main(what: str, path: Path) -> None:
    """One work in this process: messages, seconds, MiB."""
    held = telegram.OnDisk(path)
    export = Export(
        name=path.name,
        members=(Member(index=0, name=path.name, size=held.size, open=lambda: held),),
    )
    chosen = registry.choose(export)
    assert chosen is not None
    reader, detected = chosen
    start = time.perf_counter()
    if what == "core":
        count = sum(type(record) is Message for record in reader.read(export, detected, Settings()))
    else:
        salts = bytes(messages.SALTS)
        normalised = Normalised(export, reader, detected, Settings(), item=ITEM, salts=lambda _: salts)
        for _ in normalised.lines():
            pass
        summary = normalised.summary
        assert summary.whole
        count = summary.messages + summary.events
    took = time.perf_counter() - start
    status = Path("/proc/self/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    sys.stdout.write(f"{count} {took} {int(found[1]) / 1024}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
