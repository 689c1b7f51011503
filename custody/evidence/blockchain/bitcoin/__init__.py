"""Bitcoin's own bytes: transactions, headers, proofs that a block holds a transaction, and blocks that are known."""
