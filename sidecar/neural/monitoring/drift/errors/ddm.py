"""DDM: the error rate should fall while a model serves the same concept; a rise of three standard deviations above its best is drift.

With p the error rate so far and s = √(p (1 - p) / n), the least p + s is remembered; drift when p + s > p_min + 3 s_min.
The rule looks after every row with a fixed multiple, so without drift it alarms sooner or later: use ADWIN where false alarms matter.

Source: Gama, Medas, Castillo and Rodrigues, Learning with drift detection, 2004.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.errors.protocol import Change

FEWEST_ROWS = 30
DEVIATIONS = 3.0


class DDM:
    """Errors count as wrong from one half upwards.

    >>> DDM().update(np.r_[np.tile([0.0, 0.0, 0.0, 1.0], 100), np.ones(100)]).worse
    True
    """

    name = "ddm"

    def __init__(self, deviations: float = DEVIATIONS) -> None:
        self.deviations = deviations
        self._start()

    def _start(self) -> None:
        self._n = self._wrong = 0
        self._best_rate, self._best_spread = math.inf, math.inf
        self._best_n = 0

    def update(self, errors: NDArray[np.float64]) -> Change | None:
        found: Change | None = None
        for wrong in (errors >= 0.5).tolist():
            self._n += 1
            self._wrong += wrong
            found = self._look() or found
        return found

    def _look(self) -> Change | None:
        rate = self._wrong / self._n
        spread = math.sqrt(rate * (1.0 - rate) / self._n)
        if self._n < FEWEST_ROWS:
            return None
        if rate + spread <= self._best_rate + self._best_spread:
            self._best_rate, self._best_spread, self._best_n = rate, spread, self._n
        if rate + spread <= self._best_rate + self.deviations * self._best_spread or self._best_spread == 0.0 == rate:
            return None
        since = max(self._n - self._best_n, 1)
        after = (self._wrong - self._best_rate * self._best_n) / since
        change = Change(self._best_rate, min(max(after, 0.0), 1.0), since)
        self._start()
        return change

    def snapshot(self) -> dict[str, Any]:
        known = self._best_n > 0
        best = [self._best_rate, self._best_spread] if known else None
        return {"n": self._n, "wrong": self._wrong, "best": best, "best_n": self._best_n}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._n, self._wrong, self._best_n = int(state["n"]), int(state["wrong"]), int(state["best_n"])
        self._best_rate, self._best_spread = state["best"] or (math.inf, math.inf)
