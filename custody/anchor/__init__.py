"""Timestamp authorities: the only package that opens a socket."""
