"""Opening: the one way to a plain byte. Every opening is logged before it happens.

Nothing else in custody opens a compartment or an object (`tests/test_access.py` holds this): not a
list, not a search, not an export. Who is refused for want of right is logged too; a wrong passphrase
is not, since nothing could sign it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from custody.crypto import sealing
from custody.errors import CheckFailed, NoRight
from custody.format import contexts, names
from custody.format import entry as entries
from custody.format.text import from_base64
from custody.ledger.store import Stored
from custody.ledger.work import ItemRow
from custody.procedure.locker import Desk, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why something is opened: a code that stays public, and words that are sealed."""

    text: str
    code: str = "other"

    def part(self) -> dict[str, Any]:
        """The purpose compartment."""
        return {"text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Opened compartments of one entry, ``seq`` over all volumes.

    ``closed`` names those for which this custodian has no key.
    """

    seq: int
    entry: entries.Entry
    values: Mapping[str, dict[str, Any]]
    closed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedItem:
    """An opened item: what its entries say, and its content as pieces that are checked to the end."""

    item: ItemRow
    parts: tuple[Parts, ...]
    exhibit: tuple[Parts, ...]
    content: Callable[[], Iterator[bytes]] | None

    def first(self, name: str) -> dict[str, Any] | None:
        """A compartment of the item's first entry."""
        return self.parts[0].values.get(name) if self.parts else None


def open_item(
    desk: Desk, item: ItemRow, *, purpose: Purpose, what: str = "content", copy: bool = False
) -> OpenedItem:
    """Log `item.accessed`, then open. ``what``: "content" with the object, or "parts".

    ``copy``: a readable copy is written somewhere; it stays an open copy until it is reported as gone.
    Raises NoRight, logged as refused, when this custodian may not read the case.
    """
    keys = desk.ring.item_keys(item.id)
    wanted = "object" if what == "content" else "record"
    if not desk.rights.holds(desk.key_id, "read", item.case) or not {wanted, "record"} <= set(keys):
        refuse(desk, item, what=what, purpose=purpose)
    with desk.write() as writer:
        # Under the lock again: at a desk that was open for long the right may have gone meanwhile.
        allowed = desk.rights.holds(desk.key_id, "read", item.case)
        result = "opened" if allowed else "refused"
        _log_access(
            writer, desk, item, what=what, result=result, copy=copy and allowed, purpose=purpose, keys=keys
        )
    if not allowed:
        raise _not_allowed(item)
    parts = tuple(_open_history(desk, item.id, keys))
    exhibit = tuple(_open_history(desk, item.exhibit, desk.ring.class_keys(item.exhibit)))
    content = None
    if what == "content" and item.object is not None:
        content = _content(desk, item, keys, parts)
    return OpenedItem(item=item, parts=parts, exhibit=exhibit, content=content)


def refuse(desk: Desk, item: ItemRow, *, what: str, purpose: Purpose) -> None:
    """Log that somebody without the right tried, and raise NoRight."""
    with desk.write() as writer:
        _log_access(writer, desk, item, what=what, result="refused", copy=False, purpose=purpose, keys={})
    raise _not_allowed(item)


def _not_allowed(item: ItemRow) -> NoRight:
    return NoRight(
        "not allowed: your key has no right to read this, and the try is logged",
        where=item.label,
        hint="an administrator can grant it: custody custodian grant KEY --case REF --right read",
    )


def close_copy(desk: Desk, item: ItemRow, *, purpose: Purpose) -> None:
    """Log that a readable copy is gone."""
    keys = desk.ring.item_keys(item.id)
    with desk.write() as writer:
        _log_access(
            writer, desk, item, what="content", result="closed", copy=False, purpose=purpose, keys=keys
        )


def _log_access(
    writer: Writer,
    desk: Desk,
    item: ItemRow,
    *,
    what: str,
    result: str,
    copy: bool,
    purpose: Purpose,
    keys: Mapping[str, bytes],
) -> None:
    public = {"what": what, "result": result, "copy": copy, "purpose": purpose.code}
    parts = {} if result == "refused" else {"purpose": purpose.part()}
    writer.add("item.accessed", "item", item.id, case=item.case, public=public, parts=parts, keys=keys)


def consult(
    desk: Desk, case: str, *, what: str, exhibits: Sequence[str] | None, purpose: Purpose
) -> Callable[[str, Iterable[str]], Iterator[Parts]]:
    """Log one `case.consulted`, then give a function that opens histories of subjects of that case.

    The function takes a subject's id and the compartments wanted. ``exhibits`` None means all.
    """
    keys = desk.ring.class_keys(case)
    if not desk.rights.holds(desk.key_id, "read", case) or "record" not in keys:
        refuse_case(desk, case, what=what)
    with desk.write() as writer:
        # Under the lock again: see `open_item`.
        allowed = desk.rights.holds(desk.key_id, "read", case)
        public = {
            "what": what,
            "result": "opened" if allowed else "refused",
            "exhibits": "all" if exhibits is None or len(exhibits) > 512 else list(exhibits),
        }
        parts = {"purpose": purpose.part()} if allowed else {}
        writer.add("case.consulted", "case", case, case=case, public=public, parts=parts, keys=keys)
    if not allowed:
        raise _not_in_case(what)

    def open_some(subject: str, wanted: Iterable[str]) -> Iterator[Parts]:
        held = desk.ring.class_keys(subject) or desk.ring.item_keys(subject)
        return _open_history(desk, subject, held, frozenset(wanted))

    return open_some


def refuse_case(desk: Desk, case: str, *, what: str) -> NoReturn:
    """Log that somebody without the right tried to open or export a case's parts, and raise NoRight."""
    with desk.write() as writer:
        public = {"what": what, "result": "refused", "exhibits": "all"}
        writer.add("case.consulted", "case", case, case=case, public=public)
    raise _not_in_case(what)


def _not_in_case(what: str) -> NoRight:
    return NoRight(
        "not allowed: your key has no right to this case, and the try is logged",
        where=what,
        hint="an administrator can grant it: custody custodian grant KEY --case REF --right read",
    )


def roster_names(desk: Desk) -> dict[str, str]:
    """Custodians' names by key id, for those who hold the roster's keys; else empty.

    The roster is the locker's own staff list: who may open it is decided by its keys, and looking a
    colleague up is not an access to evidence.
    """
    found: dict[str, str] = {}
    for ledger in [volume.ledger for volume in desk.locker.volumes]:
        keys = desk.ring.class_keys(ledger)
        if "identity" not in keys:
            continue
        for parts in _open_history(desk, ledger, keys, frozenset({"identity"})):
            value = parts.values.get("identity")
            if value is None:
                continue
            if parts.entry.kind in ("ledger.created", "ledger.continued"):
                found[parts.entry.actor] = str(value.get("name", ""))
            elif parts.entry.kind == "custodian.added":
                found[_key_id(parts.entry)] = str(value.get("name", ""))
    return found


def ledger_title(desk: Desk) -> dict[str, Any] | None:
    """The organisation as the newest volume's beginning names it: as the roster, no access to evidence."""
    keys = desk.ring.class_keys(desk.locker.ledger_id)
    first = next(_open_history(desk, desk.locker.ledger_id, keys, frozenset({"title"})), None)
    return None if first is None else first.values.get("title")


def _key_id(entry: entries.Entry) -> str:
    return names.key_id(from_base64(entry.public["sign_key"], where=f"entry {entry.seq}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForExport:
    """What an export opens in memory before its entries are committed: compartments and their keys."""

    parts: tuple[Parts, ...]
    sealed: Mapping[str, bytes]
    """Sealed bytes by SHA-256 (hex)."""
    keys: Mapping[tuple[int, str], bytes]
    """Compartment keys by (position over all volumes, compartment)."""


def open_for_export(
    desk: Desk,
    case: str,
    subjects: Mapping[str, Iterable[str]],
    *,
    exhibits: frozenset[str] = frozenset(),
    stop: int | None = None,
) -> ForExport:
    """Open chosen compartments in memory only. The entries that log it are the export's own group.

    ``subjects``: compartments by subject id; ``exhibits``: ids of those that go along (see `hidden`);
    ``stop``: only of entries before this one. Nothing may be
    written outside the locker before the caller has committed `item.exported` and `package.made`
    (formats, section 6), or has called `open_again`.
    """
    if not desk.rights.holds(desk.key_id, "export", case):
        refuse_case(desk, case, what="export")
    opened: list[Parts] = []
    sealed: dict[str, bytes] = {}
    shown: dict[tuple[int, str], bytes] = {}
    for subject, wanted in subjects.items():
        keys = desk.ring.class_keys(subject) or desk.ring.item_keys(subject)
        chosen = frozenset(wanted)
        history = [one for one in desk.locker.history(subject) if stop is None or one.position < stop]
        for parts in _open_entries(desk, subject, history, keys, chosen, exhibits):
            opened.append(parts)
            for name in parts.values:
                data = desk.locker.erasable.part(parts.entry.ledger, subject, parts.entry.subject.n, name)
                assert data is not None
                sealed[parts.entry.sealed[name]] = data
                shown[parts.seq, name] = sealing.compartment_key(
                    keys[sealing.class_of(name)], parts.entry.ledger, subject, parts.entry.subject.n, name
                )
    return ForExport(parts=tuple(opened), sealed=sealed, keys=shown)


def open_again(
    desk: Desk, made: Stored, items: Sequence[ItemRow], *, text: str, recipient: str | None
) -> dict[str, Any]:
    """Log that a package leaves once more, then open what was kept with it: what it shows, its passphrase.

    ``made`` is its `package.made`, ``items`` what is in it. One `item.accessed` for each item, so that
    every item's history says how many copies left, and one `case.consulted` for what concerns the case;
    all in one group, after the package's own entries, so that the package does not contain them.
    """
    body = made.read()
    assert body.case is not None
    keys = desk.ring.class_keys(body.case)
    if not desk.rights.holds(desk.key_id, "export", body.case) or "record" not in keys:
        refuse_case(desk, body.case, what="export")
    part: dict[str, Any] = {"text": text, "package": body.public["package"]}
    if recipient:
        part["recipient"] = recipient
    group = desk.rim.new_id()
    exhibits = list(dict.fromkeys(item.exhibit for item in items))
    with desk.write() as writer:
        for item in items:
            writer.add(
                "item.accessed",
                "item",
                item.id,
                case=body.case,
                group=group,
                public={"what": "package", "result": "opened", "copy": False, "purpose": "again"},
                parts={"purpose": part},
                keys=desk.ring.item_keys(item.id),
            )
        writer.add(
            "case.consulted",
            "case",
            body.case,
            case=body.case,
            group=group,
            public={
                "what": "export",
                "result": "opened",
                "exhibits": "all" if len(exhibits) > 512 else exhibits,
            },
            parts={"purpose": part},
            keys=keys,
        )
    return _open_part(desk, body, "purpose", body.sealed["purpose"], keys["record"])


def export_content(desk: Desk, item: ItemRow, content: Mapping[str, Any]) -> Iterator[bytes]:
    """An item's content for a package whose group is committed; ``content`` is its opened compartment."""
    return _pieces(desk, item, desk.ring.item_keys(item.id), content)


def check_content(desk: Desk, item: ItemRow) -> None:
    """For `check --deep`, after its `ledger.checked` was logged: open the content and compare it as logged."""
    keys = desk.ring.item_keys(item.id)
    parts = tuple(_open_history(desk, item.id, keys, frozenset({"content"})))
    content = _content(desk, item, keys, parts)
    for _ in content():
        pass


def _open_history(
    desk: Desk, subject: str, keys: Mapping[str, bytes], wanted: frozenset[str] | None = None
) -> Iterator[Parts]:
    history = desk.locker.history(subject)
    return _open_entries(desk, subject, history, keys, wanted)


NEVER_SHIPPED = frozenset({("package.made", "purpose")})
"""Parts that no package shows, whatever is asked: earlier packages' passphrases stand there."""


def hidden(entry: entries.Entry, name: str, exhibits: frozenset[str]) -> bool:
    """True for a part that a package with these exhibits never shows.

    The same bytes received again with an exhibit that does not go along: that entry's name and source are of
    another acquisition, perhaps of another person's telephone.
    """
    if entry.kind == "item.received" and entry.public["exhibit"] not in exhibits:
        return True
    return (entry.kind, name) in NEVER_SHIPPED


def _open_entries(
    desk: Desk,
    subject: str,
    history: Sequence[Stored],
    keys: Mapping[str, bytes],
    wanted: frozenset[str] | None,
    exhibits: frozenset[str] | None = None,
) -> Iterator[Parts]:
    for stored in history:
        entry = stored.read()
        values: dict[str, dict[str, Any]] = {}
        closed = []
        for name, digest in entry.sealed.items():
            if wanted is not None and name not in wanted:
                continue
            if exhibits is not None and hidden(entry, name, exhibits):
                continue
            class_key = keys.get(sealing.class_of(name))
            if class_key is None:
                closed.append(name)
                continue
            values[name] = _open_part(desk, entry, name, digest, class_key)
        yield Parts(seq=stored.position, entry=entry, values=values, closed=tuple(closed))


def _open_part(desk: Desk, entry: entries.Entry, name: str, digest: str, class_key: bytes) -> dict[str, Any]:
    where = f"entry {entry.seq}, part {name}"
    sealed = desk.locker.erasable.part(entry.ledger, entry.subject.id, entry.subject.n, name)
    if sealed is None:
        raise CheckFailed("the sealed part is missing from the erasable store", where=where)
    if hashlib.sha256(sealed).hexdigest() != digest:
        raise CheckFailed("the sealed part is not what was logged", where=where)
    # Bound to the entry's own volume, whichever that is: there n is counted anew.
    key = sealing.compartment_key(class_key, entry.ledger, entry.subject.id, entry.subject.n, name)
    return sealing.open_compartment(
        key, entry.ledger, entry.subject.id, entry.subject.n, name, sealed, where=where
    )


def _content(
    desk: Desk, item: ItemRow, keys: Mapping[str, bytes], parts: Sequence[Parts]
) -> Callable[[], Iterator[bytes]]:
    content = parts[0].values.get("content") if parts else None
    if content is None:
        raise NoRight("your key was not given the keys for what is known of this item", where=item.label)
    return lambda: _pieces(desk, item, keys, content)


def _pieces(
    desk: Desk, item: ItemRow, keys: Mapping[str, bytes], content: Mapping[str, Any]
) -> Iterator[bytes]:
    if item.object is None or "object" not in keys:
        raise NoRight("your key was not given the keys for this item's content", where=item.label)
    context = contexts.object_(item.ledger, item.id)
    return desk.locker.vault.content(
        item.object,
        key=sealing.object_key(keys["object"], item.ledger, item.id),
        context=context,
        size=content["size"],
        sha256=content["digests"]["sha256"],
    )
