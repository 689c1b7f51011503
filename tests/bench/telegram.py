"""A made-up Telegram export of any size, the same bytes every time."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

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
