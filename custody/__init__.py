"""custody: a digital evidence chain-of-custody toolkit.

This file imports nothing: it runs before ``custody.verify``, whose reach is held small by a test.
"""

__version__ = "0.1.0"
