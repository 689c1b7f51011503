"""Deciding the order of a file's dates and their calendar, once for the whole file, with the reasons.

Never by language, region or habit. Evidence in this order: (a) a number that no month can be, (b) the dates
in attachments' names, (c) no message is younger than its export, (d) messages follow each other in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from custody.evidence.chat.whatsapp_text import calendars
from custody.evidence.chat.whatsapp_text.survey import FileDates, Survey
from custody.evidence.chat.whatsapp_text.words import BUDDHIST_WORDS, ISLAMIC_WORDS, PERSIAN_WORDS
from custody.evidence.reading import Settings

_MANY = 10
"""One reading outweighs another when it has so many times its evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``orders``: one, or all that are open; ``others``: what else the numbers could be; see model.Decided.

    ``contradicted``: how many dates can't be in the order that a person stated.
    """

    orders: tuple[str, ...]
    others: tuple[str, ...]
    state: str
    reasons: tuple[str, ...]
    contradicted: int = 0

    @property
    def value(self) -> str | None:
        """The order, or None while it is open."""
        return self.orders[0] if len(self.orders) == 1 else None


def calendar(facts: Survey, orders: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """(calendar, state, reasons): by the words and eras of the stamps, else by the years."""
    if "e" in facts.layout.fields:
        return calendars.JAPANESE, "decided", ("years are counted in an era",)
    words = (
        (BUDDHIST_WORDS, calendars.BUDDHIST),
        (ISLAMIC_WORDS, calendars.ISLAMIC),
        (PERSIAN_WORDS, calendars.PERSIAN),
    )
    word = facts.layout.tail.strip(". ")
    for names, name in words:
        if word and word in {one.strip(". ") for one in names}:
            return name, "decided", (f"the word {word} stands behind the year",)
    years = facts.years[orders[0]]
    found = {name: count for name, count in years.items() if name}
    if not found:
        return calendars.GREGORIAN, "inferred", ("no year lies in the time of any calendar that we know",)
    name = max(sorted(found), key=lambda one: (found[one], one == calendars.GREGORIAN))
    alone = len(years) == 1
    four = any(one == "y" for one in facts.layout.fields)
    if name == calendars.GREGORIAN:
        reason = "years from 2009 on" if four else "years from 09 on"
    else:
        reason = f"years that only the {name} calendar has in this time"
    state = "decided" if alone and (four or name == calendars.GREGORIAN) else "inferred"
    return name, state, (reason,) if alone else (reason, "some years lie outside it")


def order(facts: Survey, settings: Settings, files: Callable[[tuple[str, ...]], FileDates]) -> Decision:
    """The order of the dates. ``files``: asked for the attachments' names where the numbers don't decide."""
    first, third = facts.layout.fields
    if first in "ye":
        how = "four digits" if first == "y" else "an era"
        found = Decision(
            orders=("YMD",), others=(), state="decided", reasons=(f"the first number is a year: {how}",)
        )
    elif facts.korean:
        found = Decision(
            orders=("YMD",), others=(), state="decided", reasons=("Korean phones write the year in front",)
        )
    else:
        found = _order(facts, settings, files, four=third in "ye")
    stated = settings.date_order
    if stated is None:
        return found
    possible = {"YMD"} if first in "ye" else {"DMY", "MDY"} if third in "ye" else {"DMY", "MDY", "YMD"}
    if stated not in possible:
        reason = f"{stated} was stated, but the year is written where it can't be"
        return Decision(
            orders=found.orders,
            others=found.others,
            state=found.state,
            reasons=(*found.reasons, reason),
            contradicted=facts.lines,
        )
    reasons = (f"stated; the file itself says: {'; '.join(found.reasons)}",)
    against = facts.orders[stated].impossible
    return Decision(orders=(stated,), others=(), state="stated", reasons=reasons, contradicted=against)


def _order(
    facts: Survey, settings: Settings, files: Callable[[tuple[str, ...]], FileDates], *, four: bool
) -> Decision:
    day_first, month_first, year_first = (facts.orders[name] for name in ("DMY", "MDY", "YMD"))
    both = ("DMY", "MDY")
    if (
        not four
        and not year_first.impossible + year_first.odd_year
        and min(_odd(facts, name) for name in both)
    ):
        reason = "only with the year in front all dates lie in WhatsApp's time"
        return Decision(orders=("YMD",), others=both, state="inferred", reasons=(reason,))
    if day_first.impossible and month_first.impossible:
        return _against_itself(facts)
    if month_first.impossible:
        return _decided("DMY", f"(a) a second number above 12: {month_first.example}")
    if day_first.impossible:
        return _decided("MDY", f"(a) a first number above 31 or a second above 12: {day_first.example}")
    return _by_other_means(facts, settings, files(both))


def _odd(facts: Survey, name: str) -> int:
    return facts.orders[name].impossible + facts.orders[name].odd_year


def _decided(name: str, reason: str, state: str = "decided") -> Decision:
    other = "MDY" if name == "DMY" else "DMY"
    return Decision(orders=(name,), others=(other,), state=state, reasons=(reason,))


def _against_itself(facts: Survey) -> Decision:
    # A date that only one order can have stands against others that only the other can: pasted lines.
    only_day_first, only_month_first = facts.orders["MDY"], facts.orders["DMY"]
    reasons = (
        f"(a) {only_day_first.impossible} dates can only have the day in front: {only_day_first.example}",
        f"(a) {only_month_first.impossible} dates can't have it in front: {only_month_first.example}",
    )
    for name, mine, other in (
        ("DMY", only_day_first, only_month_first),
        ("MDY", only_month_first, only_day_first),
    ):
        if mine.impossible >= _MANY * other.impossible:
            return Decision(
                orders=(name,), others=("MDY" if name == "DMY" else "DMY",), state="inferred", reasons=reasons
            )
    return Decision(orders=("DMY", "MDY"), others=(), state="open", reasons=reasons)


def _by_other_means(facts: Survey, settings: Settings, files: FileDates) -> Decision:
    both = ("DMY", "MDY")
    reasons = ["(a) no number is above 12"]
    weak: dict[str, str] = {}
    for name, other in (both, both[::-1]):
        hits, against = files.hits[name], files.hits[other]
        if not hits:
            continue
        reason = (
            f"(b) {hits} attachments' names bear the message's own date in this order: {files.examples[name]}"
        )
        if not against and (hits > 1 or files.strong[name]):
            return _decided(name, reason)
        if hits >= _MANY * against:
            weak[name] = reason
        if against:
            reasons.append(reason)
    if not files.hits:
        reasons.append("(b) no attachment's name bears its message's date in one order alone")
    limit = _limit(settings)
    if limit is None:
        reasons.append("(c) not known when the export was made")
    else:
        late = [name for name in both if _latest(facts, name) > limit]
        if len(late) == 1:
            name = "MDY" if late == ["DMY"] else "DMY"
            return _decided(name, f"(c) the other order would put a message after {limit}, when it came in")
        reasons.append(f"(c) {'both orders put' if late else 'no order puts'} a message after {limit}")
    forth, back = facts.orders["DMY"].back, facts.orders["MDY"].back
    for name, fewer, more in (("DMY", forth, back), ("MDY", back, forth)):
        if more >= 2 and more >= _MANY * fewer:
            weak.setdefault(
                name, f"(d) the date goes back {fewer} times in {facts.steps} changes, else {more} times"
            )
    if len(weak) == 1:
        ((name, reason),) = weak.items()
        return _decided(name, reason, "inferred")
    reasons.append(f"(d) the date goes back {forth} times with the day in front, {back} times with the month")
    return Decision(orders=both, others=(), state="open", reasons=tuple(reasons))


def _limit(settings: Settings) -> date | None:
    """The last day that a clock anywhere can have shown on the day that the item came in."""
    if settings.not_after is None:
        return None
    try:
        return date.fromisoformat(settings.not_after) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None


def _latest(facts: Survey, name: str) -> date:
    values = facts.orders[name].latest
    which = calendar(facts, (name,))[0]
    digits = 2 if facts.layout.fields[1] == "d" else 4
    for back in range(4):  # 31 February is after 28 February at least
        try:
            year = calendars.whole_year(values[0], digits, which)
            return calendars.to_ours(which, year, values[1], values[2] - back)
        except (ValueError, OverflowError):
            continue
    return date.min
