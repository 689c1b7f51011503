"""The names that files of a package may have: one spelling on every system (docs/format/container.md)."""

from __future__ import annotations

import itertools
import re

from custody.verify.zip_records import ContainerError

MAX_PATH = 240  # with a folder in front still within the 260 characters of Windows
MAX_COMPONENT = 100
MIMETYPE = "mimetype"

_NAME = re.compile(r"mimetype|(?:bag|META-INF)(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+", re.ASCII)
# Device names: Windows opens the console or a port for them, whatever the extension (COM0 and LPT0 too).
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE | re.ASCII)


def show_name(name: str | bytes) -> str:
    """A name from outside, safe on every console: ASCII with escapes, cut at 80 characters."""
    text = name.decode("latin-1") if isinstance(name, bytes) else name
    shown = ascii(text[:81])[1:-1]
    return shown if len(shown) <= 80 else shown[:79] + "~"


def check_name(name: str) -> None:
    """Refuse, with `ContainerError`, a member name that some system could take for something else."""
    if not _NAME.fullmatch(name):
        raise ContainerError(
            "a file name in the package is not allowed",
            where=show_name(name),
            expected="mimetype, bag/… or META-INF/… of ASCII letters, digits and . _ -",
        )
    if len(name) > MAX_PATH:
        raise ContainerError(
            "a path in the package is too long",
            where=show_name(name),
            expected=f"at most {MAX_PATH} characters",
            found=str(len(name)),
        )
    for component in name.split("/"):
        if len(component) > MAX_COMPONENT:
            raise ContainerError(
                "a part of a path in the package is too long",
                where=show_name(name),
                expected=f"at most {MAX_COMPONENT} characters",
                found=str(len(component)),
            )
        if component.endswith("."):
            # Windows drops the dot: two names would become one.
            raise ContainerError("a part of a path in the package ends in a dot", where=show_name(name))
        if _RESERVED.match(component):
            raise ContainerError(
                "a part of a path in the package is a device name on Windows", where=show_name(name)
            )


def check_names(names: list[str]) -> None:
    """Refuse, with `ContainerError`, names that can't all stand beside each other on every file system.

    No name twice, none that differs from another only in case, none that is also a folder, and no
    folder in two spellings. Sorting keeps memory at one key a name; a set of all parent folders would
    let 256 MiB of deep paths fill tens of gigabytes.
    """
    # With 00 for "/", a name sorts directly before everything that lies in a folder of that name.
    ordered = sorted(names, key=_folded)
    for one, other in itertools.pairwise(ordered):
        left, right = _folded(one), _folded(other)
        where = show_name(other)
        if one == other:
            raise ContainerError("a file name stands twice in the package", where=where)
        if left == right:
            raise ContainerError("two file names differ only in case", where=where, found=show_name(one))
        if right.startswith(left + "\0"):
            raise ContainerError(
                "a file name is also the name of a folder", where=where, found=show_name(one)
            )
        for mine, its in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
            if mine.lower() != its.lower():
                break
            if mine != its:
                raise ContainerError("a folder stands in two spellings", where=where, found=show_name(one))


def _folded(name: str) -> str:
    # Names are ASCII by now, or are refused for it: lower() is the whole of case folding.
    return name.lower().replace("/", "\0")
