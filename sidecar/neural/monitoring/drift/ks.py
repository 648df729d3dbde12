"""Kolmogorov–Smirnov: the largest gap between the two distribution functions.

Source: Smirnov 1939; p-value by Stephens 1970, λ = (√N + 0.12 + 0.11/√N) D with N = nm/(n+m). Ties make it conservative.
From panes the gap is read at the edges of the cells: it is below the exact one by at most the share of the reference's largest
cell that holds more than one value (about 1/cells).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.method import NO_VALUES, numeric
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import CHANCE, Measured, MeasuredMany, Stack

_kolmogorov: Any = special.kolmogorov  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
_kolmogi: Any = special.kolmogi  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types


class KolmogorovSmirnov:
    name = "ks"
    title = "Kolmogorov–Smirnov distance"
    ordered = True
    threshold = 0.1

    def compare(self, pair: Pair) -> Measured:
        """
        >>> from neural.monitoring.drift.pair import NumericPair
        >>> KolmogorovSmirnov().compare(NumericPair(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))).statistic
        0.5
        """
        both = numeric(pair)
        if both.empty:
            return NO_VALUES
        n, m = len(both.reference), len(both.current)
        statistic = int(np.abs(both.gaps[both.last_of_ties]).max()) / (n * m)
        threshold = float(corrected_threshold(np.array(n), np.array(m), self.threshold))
        return Measured(statistic, float(p_value(np.array(statistic), np.array(n), np.array(m))), threshold=threshold)

    def from_panes(self, stack: Stack) -> MeasuredMany:
        statistic = np.maximum.reduceat(np.abs(stack.gaps), stack.starts)
        inside = np.where(stack.side.widths > 0, stack.side.shares, 0.0)
        error = np.maximum.reduceat(inside, stack.starts)
        n, m = stack.n_reference, stack.n_current
        return MeasuredMany(statistic, p_value(statistic, n, m), error, corrected_threshold(n, m, self.threshold))


def corrected_threshold(n: NDArray[Any], m: NDArray[Any], customary: float) -> NDArray[np.float64]:
    """What the distance must exceed: ``customary``, or what chance reaches with n and m rows, if larger."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(n * (m / (n + m)))
        reached: NDArray[np.float64] = np.minimum(_kolmogi(CHANCE) / (root + 0.12 + 0.11 / root), 1.0)
    return np.maximum(customary, reached)


def p_value(statistic: NDArray[np.float64], n: NDArray[Any], m: NDArray[Any]) -> NDArray[np.float64]:
    """Two-sided, asymptotic."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(n * (m / (n + m)))
        p: NDArray[np.float64] = np.asarray(_kolmogorov((root + 0.12 + 0.11 / root) * statistic))
    return p
