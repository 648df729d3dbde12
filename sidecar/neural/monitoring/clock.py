"""The clock is a parameter. Domain code never calls ``time.time()``."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns Unix time in seconds."""

system_clock: Clock = time.time


class ManualClock:
    """A clock that tests and replays move by hand."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> float:
        self.now += seconds
        return self.now
