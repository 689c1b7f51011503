"""The one thin layer over `cryptography`: sign, verify, seal, open, derive, wrap."""
