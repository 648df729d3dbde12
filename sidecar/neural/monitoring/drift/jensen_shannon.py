"""Jensen–Shannon distance, base 2, between 0 and 1: √(½ KL(p, m) + ½ KL(q, m)) with m the mean of both.

Over ten reference deciles, or over categories. Source: Endres and Schindelin 2003; equals scipy's ``jensenshannon(p, q, base=2)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.method import NO_VALUES
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack


class JensenShannon:
    name = "jensen_shannon"
    title = "Jensen–Shannon distance"
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
        middle = (p + q) / 2
        terms = _relative(p, middle) + _relative(q, middle)
        distance: NDArray[np.float64] = np.sqrt(np.maximum(np.add.reduceat(terms, starts) / 2, 0.0))
    return distance


def _relative(p: NDArray[np.float64], middle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(p == 0, 0.0, p * np.log2(p / middle))
