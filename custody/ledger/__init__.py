"""The append-only tables, their guards, append and proofs."""
