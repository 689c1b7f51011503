"""The tests; a package, so that helpers import as ``tests.name`` and makers run as ``python -m tests.make_…``."""
