"""Tokens that are known by their contract. A name or symbol proves nothing: anybody can call a token "USDT"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from custody.evidence.blockchain.chains import CHAINS, EVM


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token: the symbol that its issuer gave it, and the decimals of its smallest unit."""

    chain: str
    contract: str
    symbol: str
    decimals: int


KNOWN = (
    Token(chain="ethereum", contract="0xdAC17F958D2ee523a2206206994597C13D831ec7", symbol="USDT", decimals=6),
    Token(chain="ethereum", contract="0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", symbol="USDC", decimals=6),
    Token(chain="tron", contract="TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", symbol="USDT", decimals=6),
)


def _key(chain: str, contract: str) -> tuple[str, str]:
    # EVM addresses are compared by their bytes; everywhere else case is part of the address
    return chain, contract.lower() if chain in EVM else contract


_BY_CONTRACT: Mapping[tuple[str, str], Token] = MappingProxyType(
    {_key(token.chain, token.contract): token for token in KNOWN}
)
_SYMBOLS = frozenset(token.symbol for token in KNOWN)


def token_of(chain: str, contract: str) -> Token | None:
    """The token with this contract on this chain, if we know it."""
    return _BY_CONTRACT.get(_key(chain, contract.strip()))


def counterfeit(chain: str, contract: str, symbol: str) -> bool:
    """Whether a contract calls itself as a known token or coin does, and is none that we know on this chain.

    It is a reason to look, no proof: the same issuer has contracts on chains that are not in the table.
    """
    word = symbol.strip().upper()
    named = word in _SYMBOLS or any(word in known.coins for known in CHAINS.values())
    return named and token_of(chain, contract) is None


def called(chain: str, contract: str | None, symbol: str) -> str:
    """How a token is named to people: by its symbol only where its contract is known."""
    known = None if contract is None else token_of(chain, contract)
    return known.symbol if known is not None else f"token calling itself {symbol}"
