"""Hellinger distance, between 0 and 1: √(1 - Σ √(p q)), over ten reference deciles, or over categories."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.method import NO_VALUES
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack


class Hellinger:
    name = "hellinger"
    title = "Hellinger distance"
    ordered = False
    threshold = 0.1

    def compare(self, pair: Pair) -> Measured:
        if pair.empty:
            return NO_VALUES
        return Measured(float(_distance(*pair.coarse, np.zeros(1, dtype=np.intp))[0]))

    def from_panes(self, stack: Stack) -> MeasuredMany:
        return MeasuredMany(_distance(stack.coarse_reference, stack.coarse_current, stack.coarse_starts))


def _distance(reference: NDArray[np.float64], current: NDArray[np.float64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    sizes = np.diff(np.append(starts, len(reference)))
    with np.errstate(divide="ignore", invalid="ignore"):
        p = reference / np.repeat(np.add.reduceat(reference, starts), sizes)
        q = current / np.repeat(np.add.reduceat(current, starts), sizes)
        # Half the summed squares of √p - √q: the same number, without cancellation where p and q are close.
        squares = (np.sqrt(p) - np.sqrt(q)) ** 2
        distance: NDArray[np.float64] = np.sqrt(np.add.reduceat(squares, starts) / 2)
    return distance
