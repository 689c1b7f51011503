"""Making a custodian's keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from custody.crypto.keys import CustodianKeys, SignKey


def new_keys(
    random: Callable[[int], bytes], *, reads: bool = True, sign: SignKey | None = None
) -> CustodianKeys:
    """New secrets of a custodian; without ``reads`` a collector's, to whom nothing can be encrypted.

    ``sign`` is a signing key that was brought along.
    """
    from custody.crypto.keys import CustodianKeys, SignKey
    from custody.crypto.wrapping import WRAP_SEED_BYTES

    return CustodianKeys(sign or SignKey(random(32)), random(WRAP_SEED_BYTES) if reads else None)
