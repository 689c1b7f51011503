"""Custodians' key files, recovery sheets and the erasable store."""
