"""Addresses of each family of chains: what a text can be, judged by form and checksum alone."""
