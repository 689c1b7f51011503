"""A locker's SQLite files, as somebody who can write them could leave them.

An input is a list of patches (offset, bytes) of a file that is made when the fuzzer starts: a file of 200 KiB
with random keys in it is no input to keep. Files that are hostile by their SQL are in tests/test_fuzz.py.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from custody.errors import CustodyError
from custody.keys.erasable import ErasableStore
from custody.ledger.store import Ledger
from custody.ledger.work import Work
from tests import packages
from tests.fuzz import mutate
from tests.fuzz.reader import Reader
from tests.fuzz.readers import keys


@functools.cache
def _bases() -> dict[str, bytes]:
    """The three files, with nothing left in a write-ahead log."""
    found = {}
    for name in ("ledger", "erasable", "work"):
        source = packages.world().desk.locker.path / f"{name}.sqlite"
        copy = keys.folder() / f"base-{name}.sqlite"
        with (
            contextlib.closing(sqlite3.connect(source)) as connection,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            connection.backup(target)
        found[name] = copy.read_bytes()
    return found


@contextlib.contextmanager
def _patched(name: str, data: bytes) -> Iterator[Path]:
    folder = keys.folder() / f"fuzzed-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / f"{name}.sqlite"
    path.write_bytes(mutate.apply_patches(_bases()[name], data))
    yield path


class _Compiled(dict[Any, Any]):
    """Statements of SQLAlchemy as SQL, for all engines together: compiling them for each file took half the time."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)  # the first is the engine's own dialect

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(key[1:], value)


_COMPILED = _Compiled()


def read_ledger(path: Path) -> None:
    """Everything that a view of the ledger gives."""
    ledger = Ledger(path)
    ledger._readers = ledger._readers.execution_options(compiled_cache=_COMPILED)
    try:
        with ledger.reading() as view:
            for stored in view.entries():
                with contextlib.suppress(CustodyError):
                    stored.read()
            (
                list(view.rows()),
                list(view.nodes()),
                view.notes(),
                view.newest_note(),
                view.tokens(),
                view.issued(),
            )
            (
                view.root_certificates(),
                list(view.entries_and_leaves(0)),
                view.misnamed_tokens(),
                view.count_witnesses(),
            )
            size = view.size
            view.check_count()
            view.root()
            if size:
                view.inclusion(0, size)
                view.consistency(1, size)
                genesis = view.entry(0).read()
                view.whole_history(genesis.subject.id)
                view.head(genesis.subject.id)
        ledger.file_checks()
    finally:
        ledger.close()


def read_erasable(path: Path) -> None:
    """Everything that the erasable store gives."""
    store = ErasableStore(path)
    store._engine = store._engine.execution_options(compiled_cache=_COMPILED)
    try:
        origin = store.origin
        (
            len(store.secret),
            store.origins,
            store.prepared(),
            store.cut_short(10),
            store.count_parts(),
            store.wraps(),
        )
        found = [(part.subject, part.n) for part in store.parts()]
        store.part_digests(origin, found[:3])
        list(store.all_item_keys())
        for subject in sorted(store.subjects_with_rows())[:3]:
            store.part(origin, subject, 0, "content"), store.item_keys(subject), store.wraps(subject=subject)
        store.find("019cb6d0-0000-7000-8000-00000000000a", [bytes(32)])
        store.strangers(), store.integrity()
    finally:
        store.close()


def read_work(path: Path) -> None:
    """The lists, brought up to date from the true ledger."""
    work = Work(path)
    try:
        with packages.world().desk.locker.record() as record:
            work.catch_up(record)
        for ask in (work.cases, work.items, work.acquisitions):
            ask()
    finally:
        work.close()


def _ledger(data: bytes) -> object:
    with _patched("ledger", data) as path:
        return read_ledger(path)


def _erasable(data: bytes) -> object:
    with _patched("erasable", data) as path:
        return read_erasable(path)


def _work(data: bytes) -> object:
    with _patched("work", data) as path:
        return read_work(path)


READERS = (
    Reader(
        name="ledger-file",
        about="a ledger.sqlite with other bytes in it: what was stored, or a refusal",
        covers=(
            "custody.ledger.store:Ledger",
            "custody.ledger.store:Stored.read",
            "custody.ledger.sqlite:check_file",
        ),
        read=_ledger,
        seeds=lambda: [b"", mutate.patches((100, b"\0"))],
        shape="patches",
        limit=600,
        slow=True,
    ),
    Reader(
        name="erasable-file",
        about="an erasable.sqlite with other bytes in it: what was stored, or a refusal",
        covers=("custody.keys.erasable:ErasableStore",),
        read=_erasable,
        seeds=lambda: [b"", mutate.patches((100, b"\0"))],
        shape="patches",
        limit=600,
        slow=True,
    ),
    Reader(
        name="work-file",
        about="a work.sqlite with other bytes in it: lists, or a refusal",
        covers=("custody.ledger.work:Work",),
        read=_work,
        seeds=lambda: [b"", mutate.patches((100, b"\0"))],
        shape="patches",
        limit=600,
        slow=True,
    ),
)
