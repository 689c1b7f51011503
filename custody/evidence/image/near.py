"""Pictures of a case that may show the same: groups for a person to look at. Nothing is ever dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from custody.errors import UsageError
from custody.evidence.image.perceptual import Hashed, NotHashed

MOST = 16
"""The largest distance that can be asked for: of 64 bits, chance alone gives about 32."""
DISTANCE = 6
"""The usual distance: what shrinking and saving again mostly stays below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pictures each of which is near to at least one other of the group; ``widest`` is the largest such distance."""

    names: tuple[str, ...]
    widest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Every picture is in exactly one of the three: a group, ``alone``, or ``not_compared`` with the reason."""

    distance: int
    groups: tuple[Group, ...]
    alone: tuple[str, ...]
    not_compared: tuple[tuple[str, NotHashed], ...]


def near(pictures: Sequence[tuple[str, Hashed | NotHashed]], distance: int = DISTANCE) -> Near:
    """Group pictures, named by whatever the caller calls them, whose two hashes both lie within ``distance``.

    ``distance``: differing bits of 64, 0 to MOST. UsageError for any other, or for a name that stands twice.
    """
    if not 0 <= distance <= MOST:
        raise UsageError("this distance can't be asked for", found=str(distance), expected=f"0 to {MOST}")
    names = [name for name, _ in pictures]
    if len(set(names)) != len(names):
        raise UsageError("a picture is named twice")
    # Equal hashes first: a thousand copies are one value to compare.
    values: dict[tuple[int, int], list[int]] = {}
    for at, (_, hashed) in enumerate(pictures):
        if isinstance(hashed, Hashed):
            values.setdefault((int(hashed.dhash, 16), int(hashed.phash, 16)), []).append(at)
    keys = list(values)
    parent = list(range(len(keys)))
    links = _links(keys, distance)
    for one, other, _ in links:
        parent[_root(parent, one)] = _root(parent, other)
    members: dict[int, list[int]] = {}
    widest: dict[int, int] = {}
    for at, key in enumerate(keys):
        members.setdefault(_root(parent, at), []).extend(values[key])
    for one, _, apart in links:
        root = _root(parent, one)
        widest[root] = max(widest.get(root, 0), apart)
    groups = sorted((sorted(found), widest.get(root, 0)) for root, found in members.items())
    return Near(
        distance=distance,
        groups=tuple(
            Group(names=tuple(names[at] for at in found), widest=apart)
            for found, apart in groups
            if len(found) > 1
        ),
        alone=tuple(names[found[0]] for found, _ in groups if len(found) == 1),
        not_compared=tuple((name, why) for name, why in pictures if isinstance(why, NotHashed)),
    )


def _root(parent: list[int], at: int) -> int:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


def _links(keys: list[tuple[int, int]], distance: int) -> list[tuple[int, int, int]]:
    """Pairs within the distance. Of distance + 1 pieces of 64 bits, one must be equal if no more bits differ."""
    pieces = distance + 1
    edges = [64 * number // pieces for number in range(pieces + 1)]
    found: dict[tuple[int, int], int] = {}
    for first, last in pairwise(edges):
        mask = (1 << (last - first)) - 1
        buckets: dict[int, list[int]] = {}
        for at, (difference, _) in enumerate(keys):
            bucket = buckets.setdefault(difference >> first & mask, [])
            for other in bucket:
                apart = (difference ^ keys[other][0]).bit_count()
                if apart <= distance:
                    apart = max(apart, (keys[at][1] ^ keys[other][1]).bit_count())
                    if apart <= distance:
                        found[other, at] = apart
            bucket.append(at)
    return [(one, other, apart) for (one, other), apart in found.items()]
