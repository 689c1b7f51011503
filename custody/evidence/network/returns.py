"""The readers of provider returns and user exports: one for each profile, made from its data file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping

from custody.evidence.export import Export
from custody.evidence.network import found_row, json_records, meta_records, table_layout, table_records
from custody.evidence.network.profile import Profile, profiles
from custody.evidence.reading import Detected, Settings
from custody.evidence.records.model import Record
from custody.evidence.records.reader import RecordReader

ENGINE = 1
"""Rises whenever an engine may make other rows of the same bytes. A reader is version ENGINE × 100 + its profile's."""

_Detect = Callable[[Profile, Export], Detected | None]
_Read = Callable[[Profile, Export, Detected, Settings], Iterator[Record]]
_TABLE: tuple[_Detect, _Read, Mapping[str, str]] = (
    table_records.detect, table_records.read, table_layout.ENGINE_FLAGS,
)  # fmt: skip
_ENGINES: Mapping[str, tuple[_Detect, _Read, Mapping[str, str]]] = {
    "table": _TABLE,
    "workbook": _TABLE,
    "html_table": _TABLE,
    "json": (json_records.detect, json_records.read, json_records.ENGINE_FLAGS),
    "meta_html": (meta_records.detect, meta_records.read, meta_records.ENGINE_FLAGS),
}


def reader(profile: Profile) -> RecordReader:
    """The reader of a profile."""
    detect, read, flags = _ENGINES[profile.engine]
    return RecordReader(
        name=profile.name,
        version=ENGINE * 100 + profile.version,
        title=profile.title,
        recorder=profile.recorder,
        zone=profile.zone_words,
        detect=functools.partial(detect, profile),
        read=functools.partial(read, profile),
        contains=profile.contains,
        never=profile.never,
        asks=_asks(profile),
        flags={**found_row.FLAGS, **flags},
        ordered=profile.ordered,
    )


def _asks(profile: Profile) -> tuple[str, ...]:
    counted = all(form.startswith("unix") for form in profile.forms)
    return (*(() if counted else ("time_zone",)), *(("date_order",) if "numeric" in profile.forms else ()))


READERS = tuple(reader(one) for one in profiles())
