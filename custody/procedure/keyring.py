"""The keys that are wrapped to one custodian. Unwrapping opens nothing: that is for `procedure.access`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from custody.crypto import derive, sealing, wrapping
from custody.crypto.keys import CustodianKeys, LogKeys
from custody.errors import CheckFailed, NoRight
from custody.format import contexts
from custody.keys.erasable import ErasableStore, ItemKeys, Lookup, Wrap
from custody.procedure.lookups import lookup_tag
from custody.verify.rights import Custodian

SealedPart = tuple[str, int, str, bytes]
"""(origin of its volume, number of the entry about its subject there, compartment, sealed bytes)"""


class KeyRing:
    """Finds and unwraps a custodian's keys, each once."""

    def __init__(
        self,
        origin: str,
        store: ErasableStore,
        keys: CustodianKeys,
        first_parts: Callable[[str], Sequence[SealedPart]],
        first_origin: Callable[[str], str | None],
    ) -> None:
        self._origin = origin
        self._store = store
        self._keys = keys
        self._me = keys.sign.key_id
        self._first_parts = first_parts
        self._first_origin = first_origin
        self._cache: dict[tuple[str, str], dict[str, bytes]] = {}
        self._compared: dict[str, dict[str, bytes]] = {}

    def _unwrapped(self, subject: str, use: str) -> dict[str, bytes]:
        found = self._cache.get((subject, use))
        if found is not None:
            return found
        keys: dict[str, bytes] = {}
        for wrap in self._store.wraps(recipient=self._me, subject=subject, use=use):
            keys |= self.open_wrap(wrap)
        if keys:
            self._cache[subject, use] = keys
        return keys

    def open_wrap(self, wrap: Wrap) -> dict[str, bytes]:
        """The keys of one wrap to this custodian by class; WrapBroken when they don't open."""
        if self._keys.wrap_seed is None:
            return {}
        info = contexts.wrap(wrap.origin, wrap.subject, self._me, wrap.classes)
        secret = wrapping.unwrap(
            self._keys.wrap_seed, info, wrap.message, where=f"keys of {wrap.subject[-8:]}"
        )
        return {name: secret[32 * i : 32 * i + 32] for i, name in enumerate(wrap.classes)}

    def class_keys(self, subject: str) -> dict[str, bytes]:
        """The class keys of a case, an exhibit or the ledger that this custodian holds; may be empty."""
        known = self._cache.get((subject, "keys"))
        return known if known is not None else self._fitting(subject, self._unwrapped(subject, "keys"))

    def _fitting(self, subject: str, keys: dict[str, bytes]) -> dict[str, bytes]:
        """Those keys, once they fit what was sealed and logged first about the subject.

        HPKE says nothing about who wrapped: anybody with the public key can put a wrap of keys of his
        own in the place of ours, and would read what is sealed from then on. The commitment in a part
        whose digest the ledger holds tells; comparing it opens nothing.
        """
        if self._compared.get(subject) == keys:
            return keys
        compared = not keys
        for origin, n, name, sealed in self._first_parts(subject) if keys else ():
            key = keys.get(sealing.class_of(name))
            if key is None:
                continue
            own = sealing.compartment_key(key, origin, subject, n, name)
            context = contexts.compartment(origin, subject, n, name)
            if not sealing.commits(own, context, sealed[: sealing.OVERHEAD]):
                self._cache.pop((subject, "keys"), None)
                raise _exchanged(subject, "are not those that were used: somebody exchanged them")
            compared = True
        # An item's object class has no part of its own to be compared with; it seals nothing either.
        if not compared and set(keys) - {"object"}:
            self._cache.pop((subject, "keys"), None)
            raise _exchanged(subject, "can't be compared with anything that was sealed under them")
        self._compared[subject] = keys
        return keys

    def remember(self, subject: str, keys: Mapping[str, bytes], use: str = "keys") -> None:
        """Keep keys that were just drawn, for the rest of this run."""
        self._cache[subject, use] = dict(keys)

    def item_keys(self, item: str) -> dict[str, bytes]:
        """The class keys of an item that this custodian holds; may be empty."""
        keys = dict(self._unwrapped(item, "keys"))
        row = self._store.item_keys(item)
        if row is not None:
            keys |= self.open_row(row)
        return self._fitting(item, keys)

    def open_row(self, row: ItemKeys) -> dict[str, bytes]:
        """The class keys in an item's row, by the batch keys that this custodian holds."""
        batch = self._unwrapped(row.batch, "batch")
        return {
            name: wrapping.unwrap_row(
                key,
                contexts.row(row.origin, row.batch, row.subject, name),
                row.wrapped[name],
                where=f"keys of {row.subject[-8:]}",
            )
            for name, key in batch.items()
        }

    def batch_keys(self, batch: str) -> dict[str, bytes]:
        """The batch keys that this custodian holds; may be empty."""
        return self._unwrapped(batch, "batch")

    def index_key(self, case: str) -> bytes | None:
        """The key of a case's look-ups, derived from its `record` key; None for who does not hold that."""
        key = self.class_keys(case).get("record")
        return None if key is None else index_key(key, self._first_origin(case) or self._origin, case)

    def log_keys(self, ledger: str) -> LogKeys:
        """The log's signing keys, or NoRight."""
        keys = self._unwrapped(ledger, "log")
        if "ed25519" not in keys or "ml-dsa-44" not in keys:
            raise NoRight(
                "your key holds no log keys: it has no right to seal",
                hint="entries wait for somebody who has it: custody seal",
            )
        return LogKeys(keys["ed25519"], keys["ml-dsa-44"])


def _exchanged(subject: str, what: str) -> CheckFailed:
    return CheckFailed(
        f"the keys that are wrapped to you {what}",
        where=f"keys of {subject[-8:]}",
        hint="write nothing more here; compare this locker with a backup, and run custody check",
    )


def wrap_for(
    origin: str,
    subject: str,
    use: str,
    keys: Mapping[str, bytes],
    recipient: Custodian,
    classes: Iterable[str],
) -> Wrap | None:
    """One HPKE message with those of ``keys`` that are in ``classes``; None when there are none."""
    allowed = set(classes)
    names = tuple(name for name in keys if name in allowed)
    if not names or recipient.wrap_key is None:
        return None
    info = contexts.wrap(origin, subject, recipient.key_id, names)
    message = wrapping.wrap(recipient.wrap_key, info, b"".join(keys[name] for name in names))
    return Wrap(
        origin=origin,
        subject=subject,
        recipient=recipient.key_id,
        use=use,
        classes=names,
        message=message,
    )


def wraps_for_readers(
    origin: str,
    subject: str,
    use: str,
    keys: Mapping[str, bytes],
    readers: Sequence[tuple[Custodian, frozenset[str]]],
) -> list[Wrap]:
    """One wrap for each reader, with the classes that each may have."""
    made = (wrap_for(origin, subject, use, keys, custodian, classes) for custodian, classes in readers)
    return [wrap for wrap in made if wrap is not None]


def index_key(record_key: bytes, origin: str, case: str) -> bytes:
    """The key of a case's look-ups: not wrapped by itself, since nothing could tell a false one from it."""
    return derive.hkdf(record_key, contexts.index(origin, case))


def lookup(key: bytes, case: str, kind: str, value: bytes, subject: str) -> Lookup:
    """A row by which ``subject`` is found again: HMAC over the framed kind and value."""
    return Lookup(case=case, tag=lookup_tag(key, kind, value), subject=subject)
