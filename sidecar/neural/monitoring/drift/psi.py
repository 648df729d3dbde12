"""Population stability index: Σ (a - e) ln(a / e) over ten reference deciles, or over categories.

Shares are taken with half a row added to every bin, so an empty bin gives a finite number: a = (count + ½) / (n + bins/2).
Without drift PSI is not zero but about (B - 1)(1/n + 1/m), and PSI / (1/n + 1/m) is χ² with B - 1 degrees of freedom: that gives the p-value
and the threshold corrected for sample size. The customary 0.1 and 0.2 know neither n nor B.

Source: Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.method import NO_VALUES
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import CHANCE, Measured, MeasuredMany, Stack

_chdtrc: Any = special.chdtrc  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
_chdtri: Any = special.chdtri  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
ADDED = 0.5  # rows added to each bin


class PopulationStability:
    name = "psi"
    title = "Population stability index"
    ordered = False
    threshold = 0.1

    def compare(self, pair: Pair) -> Measured:
        if pair.empty:
            return NO_VALUES
        many = _psi(*pair.coarse, np.zeros(1, dtype=np.intp))
        assert many.p_value is not None
        assert many.threshold is not None
        return Measured(float(many.statistic[0]), float(many.p_value[0]), threshold=float(many.threshold[0]))

    def from_panes(self, stack: Stack) -> MeasuredMany:
        return _psi(stack.coarse_reference, stack.coarse_current, stack.coarse_starts)


def _psi(reference: NDArray[np.float64], current: NDArray[np.float64], starts: NDArray[np.intp]) -> MeasuredMany:
    sizes = np.diff(np.append(starts, len(reference)))
    n, m = np.add.reduceat(reference, starts), np.add.reduceat(current, starts)
    expected = (reference + ADDED) / np.repeat(n + ADDED * sizes, sizes)
    actual = (current + ADDED) / np.repeat(m + ADDED * sizes, sizes)
    statistic = np.add.reduceat((actual - expected) * np.log(actual / expected), starts)
    used = np.add.reduceat((reference + current > 0).astype(np.float64), starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = 1.0 / n + 1.0 / m
        p = np.where(used > 1, _chdtrc(np.maximum(used - 1, 1), statistic / spread), 1.0)
    missing = (n == 0) | (m == 0)
    statistic[missing], p[missing] = np.nan, np.nan
    return MeasuredMany(statistic, p, threshold=corrected_threshold(used, spread, PopulationStability.threshold))


def corrected_threshold(used: NDArray[np.float64], spread: NDArray[np.float64], customary: float) -> NDArray[np.float64]:
    """What PSI must exceed: ``customary``, or what chance reaches with ``used`` bins and ``spread`` = 1/n + 1/m, if larger."""
    with np.errstate(invalid="ignore"):
        reached: NDArray[np.float64] = np.where(used > 1, _chdtri(np.maximum(used - 1, 1), CHANCE), 0.0) * spread
    return np.maximum(customary, reached)
