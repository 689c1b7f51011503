"""Which chain a captured file is of, and which of its addresses look alike: told before its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from custody.evidence.blockchain.captures.likeness import alike, chains_of, judge
from custody.evidence.blockchain.captures.shape import Coin
from custody.evidence.blockchain.chains import CHAINS
from custody.evidence.reading import Decided, Notice, Settings
from custody.evidence.records.model import Record
from custody.format.text import show

MOST = 100_000
"""Addresses of a file that are kept to be compared."""


def stated_chain(settings: Settings) -> tuple[str | None, str | None]:
    """(the chain that somebody stated, what was stated and is no chain that is known here)."""
    said = (settings.mapping or {}).get("chain")
    word = None if said is None else said.strip().lower()
    return (word, None) if word in CHAINS else (None, said)


class Survey:
    """What is learned from all transactions of a file. ``fixed``: the chain that its form belongs to."""

    def __init__(self, member: int, fixed: str | None) -> None:
        self.chain = fixed
        self.origin: str | None = "in_value" if fixed else None
        self.alike: Mapping[str, tuple[str, ...]] = {}
        """Each address that looks like others, with those."""
        self._member = member
        self._fixed = fixed
        self._addresses: dict[str, None] = {}
        self._more = False
        self._named: set[str] = set()
        self._unnamed = 0
        self._others = 0

    def take(self, coin: Coin) -> None:
        """Learn from one transaction."""
        for address in coin.addresses():
            if len(self._addresses) < MOST:
                self._addresses.setdefault(address)
            else:
                self._more |= address not in self._addresses
        self._others += "other_network" in coin.flags
        if coin.own_chain is None:
            self._unnamed += 1
        else:
            self._named.add(coin.own_chain)

    def settle(self, settings: Settings) -> Iterator[Record]:
        """Decide, and say what was decided and why."""
        at = self._member
        yield from self._likeness()
        stated, unknown = stated_chain(settings)
        if unknown is not None:
            yield Notice("chain_not_known", f"a chain that is not known here: {show(unknown, 60)}", at)
        if self._fixed is not None:
            yield Decided("chain", self._fixed, "decided", (f"the form belongs to {self._fixed}",), at)
            if stated not in (None, self._fixed):
                yield Notice(
                    "chain_contradicted", f"{stated} was stated, and the form is {self._fixed}'s", at
                )
        elif self._named and not self._unnamed:
            yield from self._by_bytes(stated)
        elif self._others:
            reason = f"{self._others} transactions are of another network, which is not known here"
            yield Decided("chain", None, "open", (reason,), at)
            if stated is not None:
                yield Notice("chain_contradicted", f"{stated} was stated, and not all is of it", at)
        elif stated is not None:
            yield from self._by_statement(stated)
        else:
            yield from self._by_addresses()
        self._addresses.clear()

    def _likeness(self) -> Iterator[Record]:
        at = self._member
        groups, left_out = alike(self._addresses)
        found: dict[str, tuple[str, ...]] = {}
        for group in groups:
            for one in group.addresses:
                found[one] = tuple(other for other in group.addresses if other != one)
        self.alike = found
        if found:
            text = f"{len(found)} addresses look like others of this file and are not the same"
            yield Notice("lookalikes", text, at)
        if self._more or left_out:
            yield Notice("many_addresses", "too many addresses: not all were compared with each other", at)

    def _by_bytes(self, stated: str | None) -> Iterator[Record]:
        at, why = self._member, "the signed bytes name it by its number"
        if len(self._named) == 1 and "" not in self._named:
            (self.chain,) = self._named
            self.origin = "in_value"
            yield Decided("chain", self.chain, "decided", (why,), at)
        else:
            yield Decided(
                "chain", None, "decided", ("each row's signed bytes name a chain by its number",), at
            )
        if stated is not None and {stated} != self._named:
            yield Notice(
                "chain_contradicted", f"{stated} was stated, and the signed bytes name another chain", at
            )

    def _by_statement(self, stated: str) -> Iterator[Record]:
        """A person's word counts, unless checked addresses contradict it: then nothing is decided."""
        at = self._member
        against = [
            one for one in self._addresses if (own := judge(one)).sound and stated not in (own.chains or ())
        ]
        if against or self._named - {stated}:
            shown = f", such as {show(against[0], 100)}" if against else ""
            reason = f"{stated} was stated, and {len(against)} addresses are not of it{shown}"
            yield Decided("chain", None, "open", (reason,), at)
            yield Notice("chain_contradicted", "the addresses are not all of the chain that was stated", at)
            return
        self.chain, self.origin = stated, "stated"
        yield Decided("chain", stated, "stated", (), at)

    def _by_addresses(self) -> Iterator[Record]:
        at, fitting = self._member, chains_of(self._addresses)
        if fitting is not None and len(fitting) == 1 and not self._more:
            (self.chain,) = fitting
            self.origin = "inferred_unique"
            yield Decided("chain", self.chain, "decided", ("all addresses are of this chain alone",), at)
            return
        known = ", ".join(sorted(fitting or ())) or "none that is known here"
        reason = "there is no address to judge by" if fitting is None else f"the addresses fit: {known}"
        yield Decided("chain", None, "open", (f"it does not stand in the file; {reason}",), at)
