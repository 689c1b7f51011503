"""The tests; a package: helpers import as ``tests.name``, makers run as ``python -m tests.make_name``."""
