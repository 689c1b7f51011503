"""A made-up Telegram export of any size, and how long our reader takes for it beside `json.load`.

``python -m tests.bench.telegram --messages 1000000`` prints rows; each work runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from custody.evidence.chat import json_slices, telegram_json
from custody.evidence.chat.export import Export, Member
from custody.evidence.chat.model import Message
from custody.evidence.chat.normalise import Normalised
from custody.evidence.chat.reader import Settings
from custody.format import messages

_WORDS = ["made", "up", "text", "of", "a", "message", "that", "nobody", "wrote", "and", "nobody", "read"]


class OnDisk:
    """Bytes of a file, by ranges."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size

    def read(self, start: int, end: int) -> bytes:
        """Those from ``start`` to before ``end``."""
        return os.pread(self._file.fileno(), end - start, start)


def message(number: int) -> dict[str, object]:
    """One message of a mix: most are text, some are replies, have formatting, a photo, or are events."""
    text = " ".join(_WORDS[(number * 7 + at) % len(_WORDS)] for at in range(3 + number % 9))
    stamp = 1_600_000_000 + number * 37
    clock = datetime(1970, 1, 1) + timedelta(seconds=stamp + 3 * 3600)  # noqa: DTZ001 — what a clock shows
    date = clock.isoformat()
    value: dict[str, object] = {
        "id": number + 1,
        "type": "message",
        "date": date,
        "date_unixtime": str(stamp),
    }
    if number % 50 == 49:
        value |= {
            "type": "service",
            "actor": "Person 1",
            "actor_id": "user100000001",
            "action": "pin_message",
        }
        return value | {"message_id": number, "text": "", "text_entities": []}
    value |= {"from": f"Person {number % 5}", "from_id": f"user10000000{number % 5}"}
    if number % 10 == 3:
        value["reply_to_message_id"] = number - 1
    if number % 20 == 7:
        value |= {"photo": f"photos/photo_{number}@01-01-2021_00-00-00.jpg", "width": 1280, "height": 960}
    if number % 12 == 5:
        text += " 🙂 ответ"
    parts: list[dict[str, str]] = [{"type": "plain", "text": text}]
    if number % 15 == 4:
        parts = [{"type": "plain", "text": text + " "}, {"type": "link", "text": "https://example.org/"}]
        return value | {"text": [parts[0]["text"], parts[1]], "text_entities": parts}
    return value | {"text": text, "text_entities": parts}


def export(path: Path, count: int) -> Path:
    """Write an export of ``count`` messages, laid out as Telegram Desktop does."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n "name": "Made up",\n "type": "private_supergroup",\n "id": 1,\n "messages": [')
        for number in range(count):
            written = json.dumps(message(number), ensure_ascii=False, indent=1).replace("\n", "\n  ")
            file.write(f"{',' if number else ''}\n  {written}")
        file.write("\n ]\n}\n")
    return path


def _load(path: Path) -> int:
    with path.open("rb") as file:
        return len(json.load(file)["messages"])


def _slices(path: Path) -> int:
    slices = json_slices.Slices(OnDisk(path), telegram_json.ARRAYS, like=telegram_json.like)
    return sum(type(piece) is json_slices.Element for piece in slices)


def _opened(path: Path) -> Export:
    data = OnDisk(path)
    return Export(
        name=path.name, members=(Member(index=0, name=path.name, size=data.size, open=lambda: data),)
    )


def _reader(path: Path) -> int:
    opened = _opened(path)
    found = telegram_json.detect(opened)
    assert found is not None
    return sum(type(record) is Message for record in telegram_json.read(opened, found, Settings()))


def _lines(path: Path) -> int:
    opened = _opened(path)
    found = telegram_json.detect(opened)
    assert found is not None
    salts = bytes(range(256)) * (messages.SALTS // 256 + 1)
    form = Normalised(
        opened,
        telegram_json.READER,
        found,
        Settings(),
        item="01900000-0000-7000-8000-000000000001",
        salts=lambda index: salts[: messages.SALTS],
    )
    for _ in form.lines():
        pass
    summary = form.summary
    assert summary.whole
    return summary.messages + summary.events


WORKS = {"json.load": _load, "slices": _slices, "reader": _reader, "lines": _lines}


def rows(path: Path, rounds: int) -> Iterator[tuple[str, float, int, int]]:
    """(work, best seconds, messages, peak MiB), the works in turns."""
    found: dict[str, list[tuple[float, int, int]]] = {name: [] for name in WORKS}
    for _ in range(rounds):
        for name in WORKS:
            words = [sys.executable, "-m", "tests.bench.telegram", "--one", name, "--file", str(path)]
            seconds, count, peak = subprocess.run(
                words, capture_output=True, check=True, text=True
            ).stdout.split()
            found[name].append((float(seconds), int(count), int(peak)))
    for name, times in found.items():
        yield name, min(one[0] for one in times), times[0][1], max(one[2] for one in times)


def main() -> None:
    """Print the rows, or do one work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", choices=WORKS)
    parser.add_argument("--file", type=Path)
    asked = parser.parse_args()
    if asked.one:
        start = time.process_time()
        count = WORKS[asked.one](asked.file)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(f"{time.process_time() - start:.3f} {count} {peak}\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = asked.file or export(Path(folder) / "result.json", asked.messages)
        sys.stdout.write(f"{path.stat().st_size / 1e6:.0f} MB; processor seconds, best of {asked.rounds}\n")
        for name, seconds, count, peak in rows(path, asked.rounds):
            sys.stdout.write(
                f"{name:10} {seconds:7.2f} s  {count / seconds:9,.0f}/s  {peak:5} MiB  {count} messages\n"
            )


if __name__ == "__main__":
    main()
