"""The steps of the work; only this package joins keys, vault, ledger, anchor, evidence and export."""
