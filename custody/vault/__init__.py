"""Sealed bytes at rest, named by the SHA-256 of what is stored."""
