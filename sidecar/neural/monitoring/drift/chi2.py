"""Pearson's chi-squared test that two samples share their category shares.

The effect size is the total variation distance, ½ Σ |p - q|: the share of rows that moved. The statistic is over all categories (equal to
scipy's ``chi2_contingency`` without correction); the p-value is over categories of which at least five rows are expected on either
side, the others taken together, since the χ² distribution does not hold for rarer ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.method import NO_VALUES
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack, sum_by

_chdtrc: Any = special.chdtrc  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
LEAST_EXPECTED = 5.0  # rows of a category, on the smaller side (Cochran's rule)


class ChiSquared:
    name = "chi2"
    title = "Chi-squared statistic"
    ordered = False
    threshold = 0.1  # of the effect size: the statistic itself grows with n

    def compare(self, pair: Pair) -> Measured:
        if pair.empty:
            return NO_VALUES
        many = _chi2(*pair.coarse, np.zeros(1, dtype=np.intp))
        return Measured(float(many.statistic[0]), None if many.p_value is None else float(many.p_value[0]))

    def from_panes(self, stack: Stack) -> MeasuredMany:
        return _chi2(stack.coarse_reference, stack.coarse_current, stack.coarse_starts)


def _chi2(reference: NDArray[np.float64], current: NDArray[np.float64], starts: NDArray[np.intp]) -> MeasuredMany:
    sizes = np.diff(np.append(starts, len(reference)))
    column = np.repeat(np.arange(len(starts)), sizes)
    n, m = np.add.reduceat(reference, starts), np.add.reduceat(current, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        scarce = (reference + current) * (np.minimum(n, m) / (n + m))[column] < LEAST_EXPECTED
    own = np.flatnonzero(~scarce)
    together = sum_by(column[scarce], reference[scarce], len(starts))
    together_now = sum_by(column[scarce], current[scarce], len(starts))
    parts = _terms(reference[own], current[own], n[column[own]], m[column[own]])
    pooled = sum_by(column[own], parts, len(starts)) + _terms(together, together_now, n, m)
    kept = np.bincount(column[own], minlength=len(starts)) + (together + together_now > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(kept > 1, _chdtrc(np.maximum(kept - 1, 1), pooled), 1.0)
    statistic = np.add.reduceat(_terms(reference, current, n[column], m[column]), starts)
    missing = (n == 0) | (m == 0)
    statistic[missing], p[missing] = np.nan, np.nan
    return MeasuredMany(statistic, p)


def _terms(a: NDArray[np.float64], b: NDArray[np.float64], n: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both cells of a category: (a m - b n)² / (n m (a + b)); 0 where the category is on neither side."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms: NDArray[np.float64] = np.where(a + b > 0, (a * m - b * n) ** 2 / (n * m * (a + b)), 0.0)
    return terms
