"""When to try again."""

from __future__ import annotations

import random

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0
GIVE_UP_AFTER_SECONDS = 24 * 3600.0
"""News older than this is dead."""
_JITTER = 0.2


def next_wait(attempts: int, retry_after: float | None, generator: random.Random) -> float:
    """Seconds until attempt ``attempts + 1``: doubling from 5 s to 5 min, ±20 % at random so that many senders don't come at once.

    The receiver's own wish is the least.
    """
    wait: float = min(FIRST_SECONDS * 2.0 ** min(max(attempts - 1, 0), 16), LONGEST_SECONDS)
    return max(wait * generator.uniform(1 - _JITTER, 1 + _JITTER), retry_after or 0.0)
