"""``python -m custody``: the command line."""

from __future__ import annotations

from custody.cli import main

if __name__ == "__main__":
    main()
