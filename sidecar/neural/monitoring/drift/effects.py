"""How much of each column moved, from counts in the detector's bins: what evidence of any strength must reach before it is an alarm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins


class Effects:
    """Shares of rows moved: the largest gap between distribution functions of ordered columns, total variation of the others.

    Over 16 bins, so a move within one of them is not seen, and the gap is read at their edges.
    """

    def __init__(self, bins: Sequence[Bins]) -> None:
        self._sizes = np.array([len(item) for item in bins], dtype=np.intp)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._ordered = np.array([item.ordered for item in bins], dtype=bool)
        self._expected = np.concatenate([item.expected for item in bins])[None, :]

    def of(self, counts: NDArray[np.float64], expected: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Between 0 and 1, shape (k, columns), of counts of shape (k, bins of all columns); 0 without rows.

        ``expected``: pseudo-counts of the same shape, where it is not the whole reference's that are to be expected.
        """
        apart = self._shares(counts) - self._shares(self._expected if expected is None else expected)
        reached = np.cumsum(apart, axis=1)
        before = np.take(reached - apart, self._starts, axis=1)
        gaps = np.abs(reached - np.repeat(before, self._sizes, axis=1))
        moved = np.where(
            self._ordered,
            np.maximum.reduceat(gaps, self._starts, axis=1),
            np.add.reduceat(np.abs(apart), self._starts, axis=1) / 2.0,
        )
        found: NDArray[np.float64] = np.where(np.add.reduceat(counts, self._starts, axis=1) > 0.0, moved, 0.0)
        return found

    def _shares(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = np.maximum(np.add.reduceat(counts, self._starts, axis=1), 1e-300)
        found: NDArray[np.float64] = counts / np.repeat(rows, self._sizes, axis=1)
        return found
