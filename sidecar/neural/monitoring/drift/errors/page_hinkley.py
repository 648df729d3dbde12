"""Page–Hinkley: a CUSUM of how far errors lie above their mean so far.

m = Σ (error - mean - tolerance); an increase is found when m has risen by more than the threshold above its least value.

Source: Page, Continuous inspection schemes, 1954; Mouss et al., Test of Page–Hinkley, 2004.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.errors.protocol import Change

FEWEST_ROWS = 30
TOLERANCE = 0.005
THRESHOLD = 50.0  # in rows gone from right to wrong


class PageHinkley:
    """
    >>> PageHinkley(threshold=20).update(np.r_[np.zeros(500), np.ones(40)]).worse
    True
    """

    name = "page_hinkley"

    def __init__(self, threshold: float = THRESHOLD, tolerance: float = TOLERANCE) -> None:
        self.threshold = threshold
        self.tolerance = tolerance
        self._start()

    def _start(self) -> None:
        self._n = self._least_n = 0
        self._total = self._risen = self._least = self._least_total = 0.0

    def update(self, errors: NDArray[np.float64]) -> Change | None:
        found: Change | None = None
        for error in errors.tolist():
            self._n += 1
            self._total += error
            self._risen += error - self._total / self._n - self.tolerance
            if self._risen < self._least:
                self._least, self._least_n, self._least_total = self._risen, self._n, self._total
            if self._n >= FEWEST_ROWS and self._risen - self._least > self.threshold:
                found = self._change()
        return found

    def _change(self) -> Change:
        since = self._n - self._least_n
        before = self._least_total / self._least_n if self._least_n else 0.0
        change = Change(before, (self._total - self._least_total) / since, since)
        self._start()
        return change

    def snapshot(self) -> dict[str, Any]:
        return {
            "n": self._n,
            "total": self._total,
            "risen": self._risen,
            "least": self._least,
            "least_n": self._least_n,
            "least_total": self._least_total,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._n, self._least_n = int(state["n"]), int(state["least_n"])
        self._total, self._risen = float(state["total"]), float(state["risen"])
        self._least, self._least_total = float(state["least"]), float(state["least_total"])
