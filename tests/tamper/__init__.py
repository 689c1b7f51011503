"""The tamper matrix: every kind of change at every place, really made, and what really finds it.

`rows` holds the table by hand: what is expected of each change, and the promise (design, section 2) that
it falls under. `tests/test_tamper.py` makes every change and compares. ``python -m tests.tamper`` writes
the page from the same table.
"""
