"""The keys that are wrapped to one custodian. Unwrapping opens nothing: that is for `procedure.access`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from custody.crypto import derive, wrapping
from custody.crypto.keys import CustodianKeys, LogKeys
from custody.errors import NoRight
from custody.format import contexts
from custody.keys.erasable import ErasableStore, ItemKeys, Lookup, Wrap
from custody.verify.rights import Custodian


class KeyRing:
    """Finds and unwraps a custodian's keys, each once."""

    def __init__(self, origin: str, store: ErasableStore, keys: CustodianKeys) -> None:
        self._origin = origin
        self._store = store
        self._keys = keys
        self._me = keys.sign.key_id
        self._cache: dict[tuple[str, str], dict[str, bytes]] = {}

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
        info = contexts.wrap(self._origin, wrap.subject, self._me, wrap.classes)
        secret = wrapping.unwrap(
            self._keys.wrap_seed, info, wrap.message, where=f"keys of {wrap.subject[-8:]}"
        )
        return {name: secret[32 * i : 32 * i + 32] for i, name in enumerate(wrap.classes)}

    def class_keys(self, subject: str) -> dict[str, bytes]:
        """The class keys of a case, an exhibit or the ledger that this custodian holds; may be empty."""
        return self._unwrapped(subject, "keys")

    def remember(self, subject: str, keys: Mapping[str, bytes], use: str = "keys") -> None:
        """Keep keys that were just drawn, for the rest of this run."""
        self._cache[subject, use] = dict(keys)

    def item_keys(self, item: str) -> dict[str, bytes]:
        """The class keys of an item that this custodian holds; may be empty."""
        keys = dict(self._unwrapped(item, "keys"))
        row = self._store.item_keys(item)
        if row is not None:
            keys |= self.open_row(row)
        return keys

    def open_row(self, row: ItemKeys) -> dict[str, bytes]:
        """The class keys in an item's row, by the batch keys that this custodian holds."""
        batch = self._unwrapped(row.batch, "batch")
        return {
            name: wrapping.unwrap_row(
                key,
                contexts.row(self._origin, row.batch, row.subject, name),
                row.wrapped[name],
                where=f"keys of {row.subject[-8:]}",
            )
            for name, key in batch.items()
        }

    def batch_keys(self, batch: str) -> dict[str, bytes]:
        """The batch keys that this custodian holds; may be empty."""
        return self._unwrapped(batch, "batch")

    def index_key(self, case: str) -> bytes | None:
        """The key of a case's look-ups, or None."""
        return self._unwrapped(case, "index").get("index")

    def log_keys(self, ledger: str) -> LogKeys:
        """The log's signing keys, or NoRight."""
        keys = self._unwrapped(ledger, "log")
        if "ed25519" not in keys or "ml-dsa-44" not in keys:
            raise NoRight(
                "your key holds no log keys: it has no right to seal",
                hint="entries wait for somebody who has it: custody seal",
            )
        return LogKeys(keys["ed25519"], keys["ml-dsa-44"])


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
    return Wrap(subject=subject, recipient=recipient.key_id, use=use, classes=names, message=message)


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


def index_wraps(
    origin: str, case: str, key: bytes, readers: Sequence[tuple[Custodian, frozenset[str]]]
) -> list[Wrap]:
    """The key of a case's look-ups, for each reader."""
    everyone = [(custodian, frozenset({"index"})) for custodian, _ in readers]
    return wraps_for_readers(origin, case, "index", {"index": key}, everyone)


def lookup(index_key: bytes, case: str, kind: str, value: bytes, subject: str) -> Lookup:
    """A row by which ``subject`` is found again: HMAC over the framed kind and value."""
    return Lookup(case=case, tag=lookup_tag(index_key, kind, value), subject=subject)


def lookup_tag(index_key: bytes, kind: str, value: bytes) -> bytes:
    """The tag of a value; kinds are ref, content, origin and paths. Long values go in by their SHA-256."""
    return derive.tag(index_key, contexts.framed(kind) + value)
