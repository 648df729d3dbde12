"""ADWIN: a window of errors that grows while their mean holds and drops its older part when it does not.

The window is kept as an exponential histogram: buckets of 1, 2, 4 … rows, at most five of a size, so memory is logarithmic. Every 32 rows
all cuts between buckets are tried: two parts whose means differ by more than ε (Hoeffding–Bernstein, confidence δ corrected for
the number of cuts) show a change, and the older part goes.

Source: Bifet and Gavaldà, Learning from time-changing data with adaptive windowing, 2007.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.errors.protocol import Change

DELTA = 0.002
PER_SIZE = 5
EVERY = 32  # rows between looks
LEAST_PART = 5  # rows on either side of a cut


class Adwin:
    """
    >>> detector = Adwin()
    >>> detector.update(np.zeros(1000)) is None
    True
    >>> detector.update(np.ones(200)).worse
    True
    """

    name = "adwin"

    def __init__(self, delta: float = DELTA) -> None:
        self.delta = delta
        self._sizes: list[int] = []  # oldest first
        self._sums: list[float] = []
        self._squares: list[float] = []
        self._rows = 0

    def update(self, errors: NDArray[np.float64]) -> Change | None:
        found: Change | None = None
        for error in errors.tolist():
            self._insert(error)
            self._rows += 1
            if self._rows % EVERY == 0:
                found = self._look() or found
        return found

    @property
    def mean(self) -> float | None:
        """Of the rows in the window; None when it is empty."""
        return sum(self._sums) / sum(self._sizes) if self._sizes else None

    def _insert(self, error: float) -> None:
        self._sizes.append(1)
        self._sums.append(error)
        self._squares.append(error * error)
        size, end = 1, len(self._sizes)
        while True:
            start = end
            while start > 0 and self._sizes[start - 1] == size:
                start -= 1
            if end - start <= PER_SIZE:
                return
            self._merge(start)
            size, end = 2 * size, start + 1

    def _merge(self, at: int) -> None:
        """The two oldest buckets of a size become one of twice the size."""
        self._sizes[at : at + 2] = [self._sizes[at] + self._sizes[at + 1]]
        self._sums[at : at + 2] = [self._sums[at] + self._sums[at + 1]]
        self._squares[at : at + 2] = [self._squares[at] + self._squares[at + 1]]

    def _look(self) -> Change | None:
        found: Change | None = None
        while (cut := self._cut()) is not None:
            before = sum(self._sums[:cut]) / sum(self._sizes[:cut])
            del self._sizes[:cut], self._sums[:cut], self._squares[:cut]
            found = Change(before, self.mean or 0.0, sum(self._sizes))
        return found

    def _cut(self) -> int | None:
        """The latest cut whose sides differ; buckets before it belong to the past."""
        if len(self._sizes) < 2:
            return None
        n0 = np.cumsum(self._sizes)[:-1].astype(np.float64)
        s0 = np.cumsum(self._sums)[:-1]
        n, total = float(sum(self._sizes)), float(sum(self._sums))
        n1 = n - n0
        variance = max(sum(self._squares) / n - (total / n) ** 2, 0.0)
        spread = 1.0 / (1.0 / np.maximum(n0 - LEAST_PART + 1, 1e-9) + 1.0 / np.maximum(n1 - LEAST_PART + 1, 1e-9))
        log_term = math.log(2.0 * math.log(max(n, 3.0)) / self.delta)
        epsilon = np.sqrt(2.0 * variance * log_term / spread) + 2.0 * log_term / (3.0 * spread)
        differs = np.abs(s0 / n0 - (total - s0) / n1) > epsilon
        differs &= (n0 >= LEAST_PART) & (n1 >= LEAST_PART)
        found = np.flatnonzero(differs)
        return int(found[-1]) + 1 if len(found) else None

    def snapshot(self) -> dict[str, Any]:
        return {"sizes": self._sizes, "sums": self._sums, "squares": self._squares, "rows": self._rows}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._sizes = [int(size) for size in state["sizes"]]
        self._sums = [float(value) for value in state["sums"]]
        self._squares = [float(value) for value in state["squares"]]
        self._rows = int(state["rows"])
