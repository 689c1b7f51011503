"""Synthetic chats, a folder a reader, and what must come of them."""
