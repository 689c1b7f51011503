"""CAIP-2, CAIP-10 and CAIP-19: one spelling for chains, accounts and assets of all chains.

They stand beside what was typed, never in its place. Accounts are compared by what their chain compares:
on EVM chains by bytes, so that two spellings in different case are one account.

TRON's form is not settled: two drafts name its main network differently. We keep ``tron``, and whoever
exports an identifier says which draft it is of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from custody.errors import FormatError
from custody.evidence.blockchain.chains import CHAINS
from custody.format.text import show

TronDraft = Literal["decimal", "hexadecimal"]
TRON_DRAFTS: Mapping[TronDraft, str] = MappingProxyType(
    {"decimal": "tron:728126428", "hexadecimal": "tron:0x2b6653dc"}
)
TRON_NOTE = "TRON has no settled CAIP-2 form; this is a draft's"

_CHAIN = r"([-a-z0-9]{3,8}):([-_a-zA-Z0-9]{1,32})"
_ACCOUNT = r"([-.%a-zA-Z0-9]{1,128})"
_ASSET = r"([-a-z0-9]{3,8}):([-.%a-zA-Z0-9]{1,128})(?:/([-.%a-zA-Z0-9]{1,78}))?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainId:
    """CAIP-2: ``namespace:reference``."""

    namespace: str
    reference: str

    def __str__(self) -> str:
        return f"{self.namespace}:{self.reference}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountId:
    """CAIP-10: an account of a chain."""

    chain: ChainId
    account: str

    def __str__(self) -> str:
        return f"{self.chain}:{self.account}"

    def same_as(self, other: AccountId) -> bool:
        """Whether both name one account: on EVM chains the case of letters is no difference."""
        if self.chain != other.chain:
            return False
        if self.chain.namespace == "eip155":
            return self.account.lower() == other.account.lower()
        return self.account == other.account


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetId:
    """CAIP-19: an asset of a chain; ``token`` one of several, or None."""

    chain: ChainId
    namespace: str
    reference: str
    token: str | None = None

    def __str__(self) -> str:
        whole = f"{self.chain}/{self.namespace}:{self.reference}"
        return whole if self.token is None else f"{whole}/{self.token}"


def parse(text: str) -> ChainId | AccountId | AssetId:
    """An identifier of any of the three; FormatError for any other text."""
    if found := re.fullmatch(_CHAIN, text):
        return ChainId(namespace=found[1], reference=found[2])
    if found := re.fullmatch(f"{_CHAIN}:{_ACCOUNT}", text):
        return AccountId(chain=ChainId(namespace=found[1], reference=found[2]), account=found[3])
    if found := re.fullmatch(f"{_CHAIN}/{_ASSET}", text):
        chain = ChainId(namespace=found[1], reference=found[2])
        return AssetId(chain=chain, namespace=found[3], reference=found[4], token=found[5])
    raise FormatError("this is no CAIP-2, CAIP-10 or CAIP-19 identifier", found=show(text, 60))


def chain_id(chain: str, *, tron: TronDraft | None = None) -> ChainId | None:
    """Of a chain's main network, by our name; None where none is settled, and for TRON unless a draft is named."""
    known = CHAINS.get(chain)
    if known is None:
        return None
    text = TRON_DRAFTS[tron] if chain == "tron" and tron is not None else known.caip2
    if text is None:
        return None
    namespace, _, reference = text.partition(":")
    return ChainId(namespace=namespace, reference=reference)


def account_id(chain: str, account: str, *, tron: TronDraft | None = None) -> AccountId | None:
    """Of an account in its chain's spelling; None where the chain has no settled form or CAIP-10 no room for it.

    TON's accounts hold a colon, which CAIP-10 does not allow.
    """
    of = chain_id(chain, tron=tron)
    if of is None or not re.fullmatch(_ACCOUNT, account):
        return None
    return AccountId(chain=of, account=account)


def coin_id(chain: str, *, tron: TronDraft | None = None) -> AssetId | None:
    """A chain's own coin, by its SLIP-44 number."""
    of = chain_id(chain, tron=tron)
    return None if of is None else AssetId(chain=of, namespace="slip44", reference=str(CHAINS[chain].slip44))


def token_id(chain: str, contract: str) -> AssetId | None:
    """A token by its contract, on EVM chains only: there the form is registered (``erc20``)."""
    of = chain_id(chain)
    if of is None or of.namespace != "eip155" or not re.fullmatch("0x[0-9a-fA-F]{40}", contract):
        return None
    return AssetId(chain=of, namespace="erc20", reference=contract)
