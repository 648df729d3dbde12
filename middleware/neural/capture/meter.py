"""What capture itself costs a request: a few are timed, the median is told."""

from __future__ import annotations

from collections import deque
from time import perf_counter_ns
from typing import Final

METER_EVERY: Final = 64  # requests; a power of two
_KEEP: Final = 129
_ENOUGH: Final = (
    5  # measurements before anything is decided by them: the first request runs cold, and a busy machine stalls one or two
)
_TRIES: Final = 16


class Meter:
    """Collects costs in nanoseconds. Appending is atomic; readers copy."""

    def __init__(self) -> None:
        self._costs: deque[int] = deque(maxlen=_KEEP)
        self._clock_ns = _cost_of_the_clock()

    def add(self, cost_ns: int, stretches: int = 0) -> None:
        """``stretches``: how many the cost is the sum of; reading the clock is taken off for each."""
        self._costs.append(max(cost_ns - stretches * self._clock_ns, 0))

    def median_ns(self) -> int:
        """0 when nothing was measured yet."""
        costs = sorted(self._costs.copy())
        return costs[len(costs) // 2] if costs else 0

    def proven_ns(self) -> int:
        """The median to decide by; 0 while too few were measured."""
        return self.median_ns() if len(self._costs) >= _ENOUGH else 0

    def forget(self) -> None:
        """After a change of rung: the old costs say nothing about the new one."""
        self._costs.clear()


def _cost_of_the_clock() -> int:
    """Nanoseconds that an empty stretch seems to take."""
    shortest = 1_000_000
    for _ in range(_TRIES):
        begun = perf_counter_ns()
        shortest = min(shortest, perf_counter_ns() - begun)
    return shortest
