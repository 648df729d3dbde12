"""The track record of an estimate: what it said of rows whose outcome has since become known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KEPT = 100_000.0  # rows remembered; beyond, all sums are halved


@dataclass(slots=True)
class TrackRecord:
    """Sums over labelled rows of what was expected and what came."""

    n: float = 0.0
    expected: float = 0.0
    realised: float = 0.0
    difference_squares: float = 0.0

    def add(self, expected: NDArray[np.float64], realised: NDArray[np.float64]) -> None:
        """Both of shape (n,)."""
        self.n += len(expected)
        self.expected += float(expected.sum())
        self.realised += float(realised.sum())
        self.difference_squares += float(np.square(expected - realised).sum())
        if self.n > _KEPT:
            self.n, self.expected, self.realised = self.n / 2, self.expected / 2, self.realised / 2
            self.difference_squares /= 2

    def to_dict(self) -> dict[str, Any]:
        """``bias``: expected − realised, on average; ``bias_error``: its standard error. None before the first label."""
        if self.n <= 0:
            return {"labels": 0, "expected": None, "realised": None, "bias": None, "bias_error": None}
        bias = (self.expected - self.realised) / self.n
        variance = max(self.difference_squares / self.n - bias * bias, 0.0)
        return {
            "labels": int(self.n),
            "expected": self.expected / self.n,
            "realised": self.realised / self.n,
            "bias": bias,
            "bias_error": math.sqrt(variance / self.n),
        }

    def to_json(self) -> list[float]:
        return [self.n, self.expected, self.realised, self.difference_squares]

    @classmethod
    def from_json(cls, state: Sequence[float]) -> TrackRecord:
        return cls(*state)
