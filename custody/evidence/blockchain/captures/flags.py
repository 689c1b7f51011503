"""What each flag of a captured transaction means, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "address_form_unknown": "this has the form of no address that is known here; kept as it stands",
        "address_of_other_chain": "an address of another chain than the one that the transaction is of",
        "after_damage": "the first row after bytes that could not be read",
        "bad_character": "a character stands in an address that can't be there",
        "block_abandoned": "the node says that the block that held it is not on its chain any more",
        "block_not_told": "no block is named: whether one holds it is not said",
        "broken_characters": "bytes that are no text are shown as a replacement character",
        "caller_is_not_owner": "whoever signed asked a contract to move somebody else's tokens",
        "chain_ambiguous": "which of several chains is meant does not stand in it: somebody has to say",
        "checksum_bad": "the checksum of an address does not match: mistyped, misread or changed; kept as it stands",
        "counterfeit_token": "it calls itself as a known token or coin of this chain does, and its contract is another",
        "doubled_key": "a key stands twice in the object: the later value was taken, and both are shown",
        "homoglyph": "characters that look like others, or can't be seen; nothing was put in their place",
        "json_repaired": "no JSON as it stands; read by mending one kind of slip",
        "lookalike_address": "an address begins and ends like another one of this file, and is not the same",
        "not_a_transfer": "no transfer: it allows somebody to take tokens, or does something else",
        "not_checked_again": "its id was not worked out again: a field is missing, or it can't be read here",
        "not_read_to_the_end": "of a kind whose contents are not read here: id and signatures only",
        "not_signed": "no signature stands in it",
        "other_network": "of another network (Liquid): not Bitcoin, though it looks alike",
        "outcome_not_told": "a block held it; whether it failed there is not said: its receipt tells",
        "possible_poisoning": "nothing, next to nothing or a counterfeit token, and an address that looks like another",
        "secret_hidden": "a private key or the like stands in it; it is not shown here, and is in the bytes",
        "signer_is_not_owner": "signed by another key than the sender's own: its owner may have allowed that",
        "test_network": "an address of a test network, where coins have no value",
        "token_not_known": "it calls itself as a known token or coin does; which contract is the right one "
        "on this chain is not known here",
        "too_deep": "nested too deeply to be read; its bytes are kept",
        "transaction_failed": "the answer says that it failed: it moved nothing but its fee",
        "transaction_unconfirmed": "the answer says that no block held it yet",
        "txid_form_unknown": "the id has not the form of its chain's ids; kept as it stands",
        "zero_transfer": "a transfer of nothing, as poisoners make them",
    }
)

COMMON = (
    "address_form_unknown", "address_of_other_chain", "after_damage", "bad_character", "broken_characters",
    "checksum_bad", "doubled_key", "homoglyph", "json_repaired", "lookalike_address", "possible_poisoning",
    "secret_hidden", "test_network", "too_deep", "transaction_failed", "transaction_unconfirmed", "txid_form_unknown",
)  # fmt: skip
"""Those that any of these readers gives."""


def of(names: tuple[str, ...]) -> dict[str, str]:
    """The common ones and these, with their meanings."""
    return {name: FLAGS[name] for name in sorted({*COMMON, *names})}
