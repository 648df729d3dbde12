"""What a seasonal reference leads one to expect of rows, by the hours they came in: the null of the detector, for any stretch of time.

For rows from several hours the null is a Dirichlet whose mean is the mixture of the hours' shares, each with as many rows as came, and whose
concentration is the number of reference rows this mixture is worth (Kish's effective number, since they count unequally). Counts of several hours
scatter less than those of one multinomial with the mixture's shares, so the test errs on the calm side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import HALF, Bins
from neural.monitoring.drift.sample import sum_by
from neural.monitoring.windows import ColumnReference
from neural.monitoring.windows.seasons import Seasons


class Expectation(Protocol):
    """``hours``: how many there are. ``pseudo_counts``: of rows by hour, shape (k, hours), the Dirichlet's parameters, (k, bins)."""

    @property
    def hours(self) -> int: ...

    def pseudo_counts(self, rows: NDArray[np.float64]) -> NDArray[np.float64]: ...

    def doubt(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variance, in units of p(1 - p), of the difference of two expected shares: of rows ``a`` and ``b`` by hour; (columns,)."""
        ...


class SeasonalNull:
    """Of the watched columns of a reference with seasons."""

    def __init__(self, columns: Sequence[ColumnReference], bins: Sequence[Bins], seasons: Seasons) -> None:
        self._lending = seasons.lending
        self._sizes = np.array([len(item) for item in bins], dtype=np.intp)
        self._whole = np.concatenate([item.expected for item in bins])
        self._rows = np.array([float(column.n) for column in columns])
        at = [seasons.columns.index(column.name) for column in columns]
        self._n = seasons.n[:, at]
        self._binned = np.concatenate(
            [_binned(seasons.of(column.name), item) for column, item in zip(columns, bins, strict=True)], axis=1
        )
        found = np.concatenate(
            [sum_by(item.group, column.counts.astype(np.float64), len(item)) for column, item in zip(columns, bins, strict=True)]
        )
        # What the bins' expectation makes of the whole reference's counts, it makes of an hour's (see ``bins``).
        self._factor = np.where(found > 0, (self._whole - HALF) / np.maximum(found, 1.0), 0.0)
        self._news = np.where(found > 0, 0.0, self._whole - HALF)

    @property
    def hours(self) -> int:
        return len(self._lending)

    def pseudo_counts(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        weights = rows @ self._lending
        n, squares = weights @ self._n, (weights * weights) @ self._n
        worth = n * n / np.maximum(squares, 1e-300)
        scale = np.repeat(worth / np.maximum(n, 1e-300), self._sizes, axis=1)
        news = np.repeat(worth / self._rows, self._sizes, axis=1)
        found = (weights @ self._binned) * scale * self._factor + self._news * news + HALF
        return np.where(scale > 0.0, found, self._whole)

    def doubt(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        share_a, share_b = ((one @ self._lending) / max(float(one.sum()), 1.0) for one in (a, b))
        apart = share_a - share_b
        found: NDArray[np.float64] = (apart * apart) @ self._n
        return found


def _binned(counts: NDArray[np.unsignedinteger], bins: Bins) -> NDArray[np.float64]:
    """Cells → bins, by hour."""
    found = np.zeros((len(counts), len(bins)))
    for at in range(len(bins)):
        found[:, at] = counts[:, bins.group == at].sum(axis=1, dtype=np.float64)
    return found
