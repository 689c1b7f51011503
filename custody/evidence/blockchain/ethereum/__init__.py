"""Ethereum's own bytes, and those of the chains that took them over: RLP, transactions, headers, receipts, tries."""
