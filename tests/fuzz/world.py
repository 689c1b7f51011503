"""The honest things that seeds are made of: one small world a process (tests.packages), made when first asked for."""

from __future__ import annotations

import functools

from tests import packages
from tests.packages import Files, Line


@functools.cache
def files() -> Files:
    """The files of an honest package, by path in the bag."""
    return packages.take_apart(packages.world().honest)


def lines() -> list[Line]:
    """The lines of its record, with what stands in the compartments."""
    return packages.world().lines


def root() -> bytes:
    """The root certificate of its test authority, in DER."""
    return packages.world().root
