"""The readers by room."""
