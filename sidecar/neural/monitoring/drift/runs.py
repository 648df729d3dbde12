"""Do rows come in runs? Near-equal rows that follow each other count for fewer than they are.

Traffic is cut into blocks of 1, 4, 16 and 64 evaluations, and each block compared with the one before by a chi-squared statistic over its
degrees of freedom: about 1 for exchangeable rows, whatever their distribution, and the design effect φ for rows in runs (one
client's burst, an hour of the same weather). The median over the last 32 comparisons is not moved by a drift, which shows in one or two
of them only. A column's φ is the largest over the scales with at least 16 comparisons; below what chance reaches it is 1.

The detector divides the column's counts by φ. What this can't see is a rhythm much longer than 16 blocks of 64 evaluations: a weekly
pattern in hourly evaluations is drift, unless the reference holds whole weeks.

Related: Kish's design effect; McCullagh and Nelder, Generalized linear models, 1989, on quasi-likelihood for overdispersed counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALES = (1, 4, 16, 64)  # evaluations a block
KEPT = 32  # comparisons a scale
FEWEST = 16  # comparisons before a scale is believed
LEAST_ROWS = 20  # of a column, in either block
STANDARD_ERRORS = 4.0  # above 1 before φ is believed
EVERY = 8  # evaluations between estimates


class Runs:
    """``effect``: each column's φ, at least 1, shape (columns,)."""

    def __init__(self, starts: NDArray[np.intp], bins: int) -> None:
        self._starts = starts
        self._sizes = np.diff(np.append(starts, bins))
        self._now = np.zeros((len(SCALES), bins))
        self._before = np.zeros((len(SCALES), bins))
        self._found = np.full((len(SCALES), KEPT, len(starts)), np.nan)
        self._count = 0
        self.effect = np.ones(len(starts))

    def step(self, counts: NDArray[np.float64]) -> None:
        """Take in the counts of one evaluation, shape (bins of all columns,)."""
        self._count += 1
        self._now += counts
        for at, scale in enumerate(SCALES):
            if self._count % scale == 0:
                self._found[at, (self._count // scale) % KEPT] = self._compare(self._before[at], self._now[at])
                self._before[at], self._now[at] = self._now[at], 0.0
        if self._count % EVERY == 0:
            self.effect = self._estimate()

    def _compare(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chi-squared over its null's median, for each column; NaN where there are too few rows."""
        n, m = np.add.reduceat(a, self._starts), np.add.reduceat(b, self._starts)
        both = a + b
        with np.errstate(divide="ignore", invalid="ignore"):
            gaps = (a * np.repeat(m, self._sizes) - b * np.repeat(n, self._sizes)) ** 2
            terms = np.where(both > 0, gaps / (both * np.repeat(n * m, self._sizes)), 0.0)
            freedom = np.add.reduceat((both > 0).astype(np.float64), self._starts) - 1.0
            ratio = np.add.reduceat(terms, self._starts) / _median_of_chi_squared(freedom)
        return np.where((np.minimum(n, m) >= LEAST_ROWS) & (freedom >= 1.0), ratio, np.nan)

    def _estimate(self) -> NDArray[np.float64]:
        known = np.count_nonzero(~np.isnan(self._found), axis=1)
        enough = known >= FEWEST
        if not enough.any():
            return np.ones(len(self._starts))
        ordered = np.sort(self._found, axis=1)  # NaN last
        middle = np.take_along_axis(ordered, np.minimum(known // 2, KEPT - 1)[:, None, :], axis=1)[:, 0, :]
        effect = np.where(enough, np.nan_to_num(middle, nan=1.0), 1.0).max(axis=0)
        believed: NDArray[np.float64] = np.where(effect > 1.0 + self._noise(), effect, 1.0)
        return believed

    def _noise(self) -> NDArray[np.float64]:
        """Standard errors of the median of FEWEST chi-squared ratios with a bin's worth of freedom less than there are bins."""
        freedom = np.maximum(self._sizes - 1.0, 1.0)
        spread = np.sqrt(2.0 * freedom) / _median_of_chi_squared(freedom)
        noise: NDArray[np.float64] = STANDARD_ERRORS * 1.25 * spread / np.sqrt(FEWEST)
        return noise

    def snapshot(self) -> dict[str, Any]:
        found = [[[None if np.isnan(value) else value for value in row] for row in scale] for scale in self._found.tolist()]
        return {
            "now": self._now.tolist(),
            "before": self._before.tolist(),
            "found": found,
            "count": self._count,
            "effect": self.effect.tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._now = np.array(state["now"], dtype=np.float64)
        self._before = np.array(state["before"], dtype=np.float64)
        self._found = np.array(state["found"], dtype=np.float64)
        self._count = int(state["count"])
        self.effect = np.array(state["effect"], dtype=np.float64)


def _median_of_chi_squared(freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wilson and Hilferty's approximation; freedom at least 1."""
    known = np.maximum(freedom, 1.0)
    median: NDArray[np.float64] = known * (1.0 - 2.0 / (9.0 * known)) ** 3
    return median
