"""Files that lie inside the bytes of messages (mail, MMS): how an item of their own is cut from each.

`Reader.attached` gives them in the order of the messages and, within each, in the order of its
`attachments`; their content is decoded piece by piece when it is asked for. The record of the attachment states
size and SHA-256 of just these bytes (`declared`), so that the child item can be linked to it and checked against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One such file. ``message``: the sequence of its message (from 1); ``index``: its place (from 0) among that
    message's attachments. ``name`` is outside text, never a path to open. ``pieces`` gives its bytes anew each time.
    """

    message: int
    index: int
    name: str | None
    media_type: str | None
    pieces: Callable[[], Iterator[bytes]] = field(repr=False, compare=False)
