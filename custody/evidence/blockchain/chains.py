"""The chains that we know: their coins, their decimals, and their CAIP-2 references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Family = Literal["utxo", "evm", "tron", "solana", "monero", "xrp", "ton"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """One chain. ``coins``: short names of its own coin; ``decimals``: of that coin's smallest unit;
    ``caip2``: of its main network, or None where no form is settled; ``slip44``: its coin type there."""

    name: str
    family: Family
    coins: tuple[str, ...]
    decimals: int
    caip2: str | None
    slip44: int


_ROWS: tuple[tuple[str, Family, tuple[str, ...], int, str | None, int], ...] = (
    ("bitcoin", "utxo", ("BTC", "XBT"), 8, "bip122:000000000019d6689c085ae165831e93", 0),
    ("ethereum", "evm", ("ETH",), 18, "eip155:1", 60),
    ("tron", "tron", ("TRX",), 6, None, 195),
    ("litecoin", "utxo", ("LTC",), 8, "bip122:12a765e31ffd4059bada1e25190f6e98", 2),
    ("bitcoin-cash", "utxo", ("BCH",), 8, "bip122:000000000000000000651ef99cb9fcbe", 145),
    ("dogecoin", "utxo", ("DOGE",), 8, "bip122:1a91e3dace36e2be3bf030a65679fe82", 3),
    ("bnb-smart-chain", "evm", ("BNB",), 18, "eip155:56", 714),
    ("polygon", "evm", ("POL", "MATIC"), 18, "eip155:137", 966),
    ("arbitrum-one", "evm", ("ETH",), 18, "eip155:42161", 60),
    ("optimism", "evm", ("ETH",), 18, "eip155:10", 60),
    ("base", "evm", ("ETH",), 18, "eip155:8453", 60),
    ("solana", "solana", ("SOL",), 9, "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", 501),
    ("monero", "monero", ("XMR",), 12, "monero:418015bb9ae982a1975da7d79277c270", 128),
    ("xrp", "xrp", ("XRP",), 6, "xrpl:0", 144),
    ("ton", "ton", ("TON",), 9, "tvm:-239", 607),
)
CHAINS: Mapping[str, Chain] = MappingProxyType(
    {
        name: Chain(name=name, family=family, coins=coins, decimals=decimals, caip2=caip2, slip44=slip44)
        for name, family, coins, decimals, caip2, slip44 in _ROWS
    }
)
"""By name, in the order in which they are listed everywhere."""

EVM = tuple(name for name, chain in CHAINS.items() if chain.family == "evm")
"""Chains with the addresses and ids of Ethereum: nothing in those says which of them is meant."""
