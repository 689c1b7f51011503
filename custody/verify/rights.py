"""Who may do what, at each place of the record: derived from the entries before it, by one set of rules.

`append` and `verify` both hold these rules. Rights at entry s are the state after all entries about
the ledger and about the case before s (docs/format/rights.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from custody.crypto import envelopes, keys, wrapping
from custody.errors import CheckFailed
from custody.format import kinds, names
from custody.format.entry import Entry
from custody.format.envelope import KEY_TYPE
from custody.format.public_key import from_payload
from custody.format.text import from_base64, to_base64

ALL_CLASSES = frozenset(kinds.CLASSES)
_WRITTEN_AGAIN = (("item.accessed", "package"), ("case.consulted", "export"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Custodian:
    """A person's key as the record has it. ``added`` and ``retired`` are numbers of entries over all volumes."""

    key_id: str
    sign_key: bytes
    wrap_key: bytes | None
    rights: frozenset[str]
    all_cases: bool
    unattended: bool
    recovery: bool
    added: int
    retired: int | None = None
    compromised_since: str | None = None

    @property
    def in_force(self) -> bool:
        """True while the key may sign."""
        return self.retired is None and self.compromised_since is None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a custodian may do in one case."""

    rights: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A closed volume: its ledger, its log keys, the entries of the volumes before it, and its own."""

    origin: str
    ledger: str
    log_keys: Mapping[str, bytes]
    base: int
    size: int


@dataclass(slots=True)
class Rights:
    """The state after the entries applied so far, over all volumes in their order (decision 0021).

    ``origin``, ``ledger`` and ``log_keys`` are the newest volume's, ``base`` counts the entries of
    those ``before`` it: the number of an entry over all volumes is ``base`` + seq.
    """

    origin: str | None = None
    ledger: str | None = None
    log_keys: dict[str, bytes] = field(default_factory=dict)
    base: int = 0
    before: list[Volume] = field(default_factory=list)
    custodians: dict[str, Custodian] = field(default_factory=dict)
    cases: dict[str, dict[str, Grant]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    recovery: str | None = None
    authorities: tuple[Mapping[str, Any], ...] = ()

    def grant(self, key_id: str, case: str) -> Grant:
        """What ``key_id`` may do in ``case``, ledger-wide rights included; nothing when out of force."""
        custodian = self.custodians.get(key_id)
        if custodian is None:
            return Grant()
        own = self.cases.get(case, {}).get(key_id, Grant())
        if custodian.all_cases:
            wide = custodian.rights & frozenset(kinds.CASE_RIGHTS)
            return Grant(own.rights | wide, ALL_CLASSES)
        # Ledger-wide `collect` writes into any case and reads none: a collector names a case by its id.
        return Grant(own.rights | (custodian.rights & {"collect"}), own.classes)

    def holds(self, key_id: str, right: str, case: str | None) -> bool:
        """True when ``key_id`` has the right, ledger-wide or in the case."""
        custodian = self.custodians.get(key_id)
        if custodian is None:
            return False
        if right == "any":
            return True
        if right in kinds.LEDGER_RIGHTS and right in custodian.rights:
            return True
        return case is not None and right in self.grant(key_id, case).rights

    def why_not(self, entry: Entry) -> str | None:
        """Why the actor of ``entry`` may not make it here, in words; None when he may."""
        if not self.custodians:
            return None if entry.kind == "ledger.created" else "the record does not begin with its genesis"
        if entry.kind == "ledger.created":
            return "a second genesis"
        # Who opens a case has all rights in it: a second opening would be a way to take them.
        if entry.kind == "case.opened" and (entry.subject.n != 0 or entry.subject.id in self.cases):
            return "a second opening of the case"
        custodian = self.custodians.get(entry.actor)
        if custodian is None:
            return "the key is not one of this record's custodians"
        if custodian.retired is not None:
            return f"the key was retired by entry {custodian.retired}"
        if "from" in entry.public and not self._may_go_on(entry):
            return "it says that it goes on from an earlier volume, and can't"
        if entry.kind == "ledger.continued":
            return self._why_not_continue(entry, custodian)
        if entry.kind == "recovery.tried" and not custodian.recovery:
            return "the key is not a recovery sheet's"
        for right in self._needed(entry):
            if not self.holds(entry.actor, right, entry.case):
                return f"the key has no right to {right}"
        return None

    def _may_go_on(self, entry: Entry) -> bool:
        """True where an entry can be the first of its volume about something older; what was before, is not asked."""
        if entry.subject.type == "ledger" or entry.kind in kinds.BEGINNINGS or entry.subject.n != 0:
            return False
        return entry.public["from"]["ledger"] in [volume.origin for volume in self.before]

    def _why_not_continue(self, entry: Entry, custodian: Custodian) -> str | None:
        public, known = entry.public, [volume.ledger for volume in self.before]
        own = public["custodian"]
        wrap_key = None if custodian.wrap_key is None else to_base64(custodian.wrap_key)
        if entry.seq or entry.subject.n or public["predecessor"]["origin"] != self.origin:
            return "it does not go on from this record's last volume"
        if entry.ledger in [self.origin, *(volume.origin for volume in self.before)]:
            return "the origin of an earlier volume"
        if entry.subject.id in [self.ledger, *known]:
            return "the ledger of an earlier volume"
        if custodian.compromised_since is not None:
            return "the key is reported as compromised"
        if "admin" not in custodian.rights and not custodian.recovery:
            return "the key has no right to admin, and is no recovery sheet"
        if (own["sign_key"], own["wrap_key"]) != (to_base64(custodian.sign_key), wrap_key):
            return "it names another custodian than the one who signs it"
        return None

    def _needed(self, entry: Entry) -> tuple[str, ...]:
        if entry.kind in ("item.accessed", "case.consulted") and entry.public.get("result") == "refused":
            return ("any",)
        if entry.kind == "custodian.compromised" and entry.public.get("key_id") == entry.actor:
            return ("any",)
        # A package that is written once more: who may make one may do that, also without `read`.
        if (entry.kind, entry.public.get("what")) in _WRITTEN_AGAIN:
            return ("export",)
        kind = kinds.KINDS.get(entry.kind)
        return () if kind is None else kind.right

    def apply(self, entry: Entry) -> None:
        """Take an entry into account. Raises CheckFailed when what it says contradicts the record."""
        where = f"entry {entry.seq}"
        match entry.kind:
            case "ledger.created":
                self._begin(entry, where)
            case "ledger.continued":
                self._continue(entry, where)
            case "custodian.added":
                self._add(entry, entry.public, where)
            case "custodian.retired":
                self._change(entry, where, retired=self.base + entry.seq)
            case "custodian.compromised":
                # The earliest report counts: whoever holds a stolen key could else date it away.
                old = self.custodians.get(entry.public["key_id"])
                times = [
                    entry.public["since"],
                    *([old.compromised_since] if old and old.compromised_since else []),
                ]
                self._change(entry, where, compromised_since=min(times))
            case "policy.set":
                self.authorities = tuple(entry.public["authorities"])
            case "case.opened":
                self.cases[entry.subject.id] = {entry.actor: Grant(frozenset(kinds.CASE_RIGHTS), ALL_CLASSES)}
            case "case.closed":
                self.closed.add(entry.subject.id)
            case "access.granted" | "access.revoked":
                self._grant(entry, where)

    def _open_volume(self, entry: Entry, where: str) -> None:
        self.origin, self.ledger, self.log_keys = entry.ledger, entry.subject.id, {}
        self.recovery = entry.public["recovery"]
        for item in entry.public["log_keys"]:
            key = from_base64(item["key"], where=f"{where}, log key")
            if item["alg"] == "ed25519":
                keys.check_sign_key(key, where=f"{where}, log key")
            self.log_keys[item["alg"]] = key

    def _continue(self, entry: Entry, where: str) -> None:
        """A new volume: all rights go on, its maker's grow, and the log keys are new ones."""
        old = self.custodians.get(entry.actor)
        if old is None or self.origin is None or self.ledger is None:
            raise CheckFailed("the volume that the record goes on from is missing", where=where)
        self._check_possession(entry, old.sign_key, entry.public["custodian"]["wrap_key"], where)
        size = entry.public["predecessor"]["size"]
        self.before.append(
            Volume(origin=self.origin, ledger=self.ledger, log_keys=self.log_keys, base=self.base, size=size)
        )
        self.base += size
        self._open_volume(entry, where)
        more = frozenset(entry.public["custodian"]["rights"])
        self.custodians[entry.actor] = replace(old, rights=old.rights | more)

    def _begin(self, entry: Entry, where: str) -> None:
        self._open_volume(entry, where)
        first = {**entry.public["custodian"], "all_cases": False, "unattended": False, "recovery": False}
        self._add(entry, first, where)
        if entry.actor not in self.custodians:
            raise CheckFailed("the genesis is not signed by the custodian that it names", where=where)

    def _add(self, entry: Entry, public: Mapping[str, Any], where: str) -> None:
        sign_key = keys.check_sign_key(from_base64(public["sign_key"], where=where), where=where)
        wrap_key = None
        if public["wrap_key"] is not None:
            wrap_key = wrapping.check_wrap_key(from_base64(public["wrap_key"], where=where), where=where)
        key_id = names.key_id(sign_key)
        if key_id in self.custodians:
            raise CheckFailed("a custodian is added twice", where=where, found=key_id[:16])
        self._check_possession(entry, sign_key, public["wrap_key"], where)
        self.custodians[key_id] = Custodian(
            key_id=key_id,
            sign_key=sign_key,
            wrap_key=wrap_key,
            rights=frozenset(public["rights"]),
            all_cases=public["all_cases"],
            unattended=public["unattended"],
            recovery=public["recovery"],
            added=self.base + entry.seq,
        )

    @staticmethod
    def _check_possession(entry: Entry, sign_key: bytes, wrap_key: str | None, where: str) -> None:
        """The new key's own public key file stands in the approvals and says the same keys."""
        (approval,) = entry.approval_envelopes(KEY_TYPE, where=where)
        file = from_payload(approval.payload, f"{where}, public key file")
        envelopes.verify(approval, sign_key, where=f"{where}, public key file")
        if file.sign_key != sign_key:
            raise CheckFailed("the public key file names another signing key", where=where)
        if file.wrap_key != (None if wrap_key is None else from_base64(wrap_key, where=where)):
            raise CheckFailed("the public key file names another wrapping key", where=where)

    def _change(self, entry: Entry, where: str, **change: Any) -> None:
        key_id = entry.public["key_id"]
        if key_id not in self.custodians:
            raise CheckFailed(
                "an entry about a custodian that the record does not have", where=where, found=key_id[:16]
            )
        self.custodians[key_id] = replace(self.custodians[key_id], **change)

    def _grant(self, entry: Entry, where: str) -> None:
        key_id, case = entry.public["key_id"], entry.subject.id
        if key_id not in self.custodians:
            raise CheckFailed(
                "rights for a custodian that the record does not have", where=where, found=key_id[:16]
            )
        old = self.cases.setdefault(case, {}).get(key_id, Grant())
        rights, classes = frozenset(entry.public["rights"]), frozenset(entry.public["classes"])
        if entry.kind == "access.granted":
            new = Grant(old.rights | rights, old.classes | classes)
        else:
            new = Grant(old.rights - rights, old.classes - classes)
        self.cases[case][key_id] = new

    # Who keys are wrapped to

    def _with_wrap_key(self) -> Iterable[Custodian]:
        return (
            custodian for custodian in self.custodians.values() if custodian.wrap_key and custodian.in_force
        )

    def readers(self, case: str, opener: str | None = None) -> list[tuple[Custodian, frozenset[str]]]:
        """Custodians who may open something of the case, and which classes, in the record's order.

        ``opener`` is the actor of a `case.opened` that is not in the record yet: he will have all.
        """
        found = []
        for custodian in self._with_wrap_key():
            grant = self.grant(custodian.key_id, case)
            if custodian.key_id == opener:
                grant = Grant(frozenset(kinds.CASE_RIGHTS), ALL_CLASSES)
            if grant.rights & {"read", "export"} and grant.classes:
                found.append((custodian, grant.classes))
        return found

    def roster_readers(self) -> list[Custodian]:
        """Custodians who may open the names of all: those with admin, or export anywhere."""
        return [
            custodian
            for custodian in self._with_wrap_key()
            if "admin" in custodian.rights
            or (custodian.all_cases and custodian.rights & {"read", "export"})
            or any("export" in grants.get(custodian.key_id, Grant()).rights for grants in self.cases.values())
        ]

    def sealers(self) -> list[Custodian]:
        """Custodians who are given the log keys."""
        return [custodian for custodian in self._with_wrap_key() if "seal" in custodian.rights]
