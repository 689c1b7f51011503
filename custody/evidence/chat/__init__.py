"""Chats as messengers export them, read into one form in which every message has its place in the bytes."""
