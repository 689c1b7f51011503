"""custody add: references typed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from custody.cli.base import Group, always
from custody.cli.collect import say_collected
from custody.cli.session import Session
from custody.cli.stating import request, request_options
from custody.format.text import show

if TYPE_CHECKING:
    from custody.procedure.locker import Desk

_PARTICULARS = {
    "source": "The explorer or document that it was read from",
    "source_place": "Where in it (page 2, row 3)",
    "checked_by": "Who read it back against the page",
}
"""Fields of a reference that could name a person and may be left out: “-” asks for them."""
_FORM_UNKNOWN = "it has not the form that its chain uses; kept as typed"
_FLAG_WORDS = {
    "address_from_form_unknown": _FORM_UNKNOWN,
    "address_to_form_unknown": _FORM_UNKNOWN,
    "addresses_look_alike": "sender and receiver begin and end alike and are not the same",
    "amount_finer_than_unit": "more decimals than the coin has",
    "amount_not_understood": "not a plain decimal number",
    "amount_separator_ambiguous": "a thousand here and a bit over one there: no amount is made",
    "asset_by_name_only": "not the chain's own coin, and no contract was stated",
    "asset_contradicts_contract": "the contract belongs to another asset",
    "block_hash_form_unknown": _FORM_UNKNOWN,
    "chain_contradiction": "a text has the form of another chain than the one stated, or all fit no chain together",
    "chain_inferred": "nobody stated the chain, and only one fits",
    "chain_unknown": "the forms of this chain are not checked",
    "contract_form_unknown": _FORM_UNKNOWN,
    "end_before_start": "the session ends before it begins",
    "may_be_private_key": "64 hexadecimal digits where no id belongs: ask before this is shown to anybody",
    "no_checksum": "the address has no checksum: a slip of the hand can't be seen; let somebody else read it back",
    "no_tag": "no destination tag: at an exchange the customer can't be told",
    "old_form": "looks like an address of Bitcoin: only who typed it says which chain it is",
    "token_name_unproven": "a known coin's name with a contract that is not known: perhaps another token",
}
"""Flags that only what was typed has; the others have their words with those of records."""
_REQUEST = ("exhibit", "source", "fields", "form", "handling", "no_seal")


@click.group(cls=Group, short_help="add an IP address or a payment by hand")
def add() -> None:
    """References that stand on paper, in a letter or on a screen. Take in the file they came from first."""


@add.command("ip", unlocks=always, short_help="an IP address at a time")
@request_options
@click.option("--address", metavar="A", required=True, help="The address, as it stands there.")
@click.option("--port", metavar="N", help="The source port, if it is recorded; never one that you suppose.")
@click.option("--time", metavar="T", required=True, help="The time, as it stands there.")
@click.option("--time-end", metavar="T", help="When the session ended.")
@click.option("--offset", metavar="±hh:mm", help="The offset from UTC, only if the source says it.")
@click.option(
    "--clock", type=click.Choice(["24", "12"]), help="Whether the source writes a 24- or 12-hour clock."
)
@click.option("--epoch", type=click.Choice(["s", "ms"]), help="The time is a count of these since 1970.")
@click.option("--transport", metavar="P", help="tcp, udp, …")
@click.option("--role", metavar="WORD", help="Whose address it is in the exchange.")
@click.option("--dest-address", metavar="A", help="The address of the other end.")
@click.option("--dest-port", metavar="N", help="The port of the other end.")
@click.option("--event", metavar="WORD", help="What happened: login, …")
@click.option("--account", metavar="TEXT", help="The account; asked for when absent or “-”. Kept sealed.")
@click.option(
    "--from",
    "--source-item",
    "source_item",
    metavar="ITEM",
    help="The item that it was read from, like A-3/01; it has to be in this case.",
)
@click.option(
    "--place", "--source-place", "source_place", metavar="TEXT", help="Where in it: page 2, row 3; “-” asks."
)
@click.option(
    "--note", metavar="TEXT", help="A note on the source; asked for when absent or “-”. Kept sealed."
)
@click.option("--checked-by", metavar="TEXT", help="Who read it back against the page; “-” asks.")
def ip(session: Session, ref: str, account: str | None, note: str | None, **stated: Any) -> None:
    """An IP address at a time. It identifies a connection, not a person.

    A time without its offset is kept, and no instant is made of it.
    """
    from custody.evidence.network.ip import ip_reference
    from custody.procedure import cases, typed

    # Before anybody types a passphrase: an address that can't be one.
    given = {name: value for name, value in stated.items() if name not in _REQUEST}
    ip_reference(**_not_asked_yet(given))
    desk = session.desk()
    case = cases.find(desk, ref)
    given = _asked(session, given)
    given["source_item"] = _read_from(desk, given["source_item"], case.id)
    record = ip_reference(
        **given,
        account=session.text(account, "Account"),
        note_source=session.text(note, "A note on the source"),
    )
    wanted = request(session, case.id, questions=False, **{name: stated[name] for name in _REQUEST})
    done = typed.add_ip(desk, wanted, record)
    _read_back(session, record, ("ip_raw", "ip", "port", "time_raw", "instant", "offset"))
    say_collected(session, done, ref)


@add.command("payment", unlocks=always, short_help="a payment on a public chain")
@request_options
@click.option(
    "--chain",
    metavar="C",
    required=True,
    help="bitcoin, ethereum, tron, …; “unknown” if nobody knows. Never guessed from the id.",
)
@click.option("--txid", metavar="T", required=True, help="The transaction's id, whole.")
@click.option("--from", "address_from", metavar="A", help="The sender's address, whole.")
@click.option("--to", "address_to", metavar="A", help="The receiver's address, whole.")
@click.option("--amount", metavar="N", help="With a decimal point, without thousands separators.")
@click.option("--asset", metavar="NAME", help="The coin or token, as it was read.")
@click.option("--contract", metavar="A", help="The token's contract; its name alone proves nothing.")
@click.option("--time", metavar="T", help="The time, as it stands there.")
@click.option("--offset", metavar="±hh:mm", help="The offset from UTC, only if the source says it.")
@click.option(
    "--clock", type=click.Choice(["24", "12"]), help="Whether the source writes a 24- or 12-hour clock."
)
@click.option("--epoch", type=click.Choice(["s", "ms"]), help="The time is a count of these since 1970.")
@click.option("--block-height", metavar="N", help="The block's number.")
@click.option("--block-hash", metavar="HEX", help="The block's hash.")
@click.option("--read-from", metavar="TEXT", help="The explorer or document that it was read from; “-” asks.")
@click.option(
    "--from-item",
    "--source-item",
    "source_item",
    metavar="ITEM",
    help="The item that it was read from, like A-3/01; it has to be in this case.",
)
@click.option(
    "--place", "--source-place", "source_place", metavar="TEXT", help="Where in it: page 2, row 3; “-” asks."
)
@click.option("--checked-by", metavar="TEXT", help="Who read it back against the page; “-” asks.")
def payment(session: Session, ref: str, read_from: str | None, **stated: Any) -> None:
    """A payment on a public chain. Never type a private key or a seed phrase.

    Form and checksums of ids and addresses are looked at; nothing is asked of any server.
    """
    from custody.evidence.blockchain.payment import payment_reference
    from custody.procedure import cases, typed

    given = {name: value for name, value in stated.items() if name not in _REQUEST} | {"source": read_from}
    # Before anybody types a passphrase: texts that can't be, and secrets.
    payment_reference(**_not_asked_yet(given))
    desk = session.desk()
    case = cases.find(desk, ref)
    given = _asked(session, given)
    given["source_item"] = _read_from(desk, given["source_item"], case.id)
    record = payment_reference(**given)
    wanted = request(session, case.id, questions=False, **{name: stated[name] for name in _REQUEST})
    done = typed.add_payment(desk, wanted, record)
    _read_back(
        session,
        record,
        (
            "chain",
            "txid_raw",
            "address_from_raw",
            "address_to_raw",
            "amount_raw",
            "asset",
            "time_raw",
            "instant",
        ),
    )
    _say_checked(session, record)
    say_collected(session, done, ref)


def _not_asked_yet(given: dict[str, Any]) -> dict[str, Any]:
    return {name: None if name in _PARTICULARS and value == "-" else value for name, value in given.items()}


def _asked(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    asked = {
        name: session.particular(given[name], words) for name, words in _PARTICULARS.items() if name in given
    }
    return {**given, **asked}


def _read_from(desk: Desk, item: str | None, case: str) -> str | None:
    """The label of the item that somebody read it from; InputRefused where this case has none of that name."""
    from custody.procedure import items

    return None if item is None else items.find_item(desk, item, case).label


def _say_checked(session: Session, record: dict[str, Any]) -> None:
    """What the checks of a payment's texts came to, in words; addresses whole and in blocks."""
    from custody.evidence.blockchain.lookalikes import blocks

    names = {"address_from": "the sender", "address_to": "the receiver", "block_hash": "the block's hash"}
    for verdict in record["verdicts"]:
        name = names.get(verdict["of"], verdict["of"])
        words = "checksum matches" if verdict["level"] == "checksum_ok" else "form fits; there is no checksum"
        session.out.say(f"  {name}: {words}")
    for field in ("address_from", "address_to", "contract"):
        if record[field] is not None:
            session.out.say(f"  {names.get(field, field)} in blocks: {blocks(record[field])}")
    for fault in record["faults"]:
        place = "" if fault["character"] is None else f", at character {fault['character']}"
        session.out.say(f"  {names.get(fault['of'], fault['of'])}{place}: {fault['reason']}")
        for odd in fault["code_points"]:
            session.out.say(f"    character {odd}")
    if record["chain_origin"] == "none":
        fits = ", ".join(record["chain_candidates"]) or "none that we know"
        session.out.say(f"  the chain is an open question; the texts fit: {fits}")


def flag_words(flag: str) -> str:
    """What a flag of a typed reference means."""
    from custody.evidence.blockchain.captures.flags import FLAGS as COIN_FLAGS
    from custody.evidence.records import flags

    said = _FLAG_WORDS.get(flag) or flags.FLAGS.get(flag) or COIN_FLAGS.get(flag) or flags.reserved(flag)
    return said or "see docs/reference/typed-items.md"


def _read_back(session: Session, record: dict[str, Any], names: tuple[str, ...]) -> None:
    """What was understood, for comparing with the page, figure by figure."""
    for name in names:
        value = record.get(name)
        session.out.say(f"  {name:12} {show(str(value)) if value is not None else 'not stated'}")
    for flag in record.get("flags") or []:
        session.out.say(f"  look at: {flag}: {flag_words(flag)}")
    session.out.say("Read this against the page, figure by figure; better, let somebody else read it back.")
