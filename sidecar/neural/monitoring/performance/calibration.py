"""Calibration: how often what was called 80 % sure came true."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.intervals import Interval, wilson, z_score

HALF_NORMAL_MEAN = math.sqrt(2 / math.pi)
BINS = 10  # equal cells of [0, 1], as in Guo et al. 2017


class CalibrationCounts:
    """Counts per confidence cell: n, Σ confidence, Σ hits. Adds and subtracts."""

    __slots__ = ("sums",)

    def __init__(self) -> None:
        self.sums: NDArray[np.float64] = np.zeros((3, BINS))

    def add(self, confidence: NDArray[np.float64], hit: NDArray[np.bool_], sign: float = 1.0) -> None:
        cell = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
        for row, weights in enumerate((np.ones(len(cell)), confidence, hit.astype(np.float64))):
            self.sums[row] += sign * np.bincount(cell, weights=weights, minlength=BINS)

    def merge(self, other: CalibrationCounts) -> None:
        self.sums += other.sums

    @property
    def expected_error(self) -> float | None:
        """ECE: Σ n_b/n · |mean confidence − hit rate|; None without data (Guo et al. 2017)."""
        n = float(self.sums[0].sum())
        return float(np.abs(self.sums[1] - self.sums[2]).sum() / n) if n > 0 else None

    def interval(self, confidence: float) -> Interval | None:
        """Of the ECE, on the safe side.

        Chance moves cell b's mean by σ_b = √(p(1−p)/n_b); by the triangle inequality the ECE then moves by no more than Σ n_b/n·|noise_b|, whose
        mean and spread are those of half-normal variables. The hit rate is drawn to 1/2 by one row each side, so that no cell is certain.
        """
        n = float(self.sums[0].sum())
        value = self.expected_error
        if value is None:
            return None
        rows, _, hits = self.sums[:, self.sums[0] > 0]
        rate = (hits + 1) / (rows + 2)
        noise = np.sqrt(rows * rate * (1 - rate))
        mean, variance = HALF_NORMAL_MEAN * float(noise.sum()), (1 - HALF_NORMAL_MEAN**2) * float(np.square(noise).sum())
        slack = (mean + z_score(confidence) * math.sqrt(variance)) / n
        return Interval(max(value - slack, 0.0), min(value + slack, 1.0), "triangle bound over cells")

    def curve(self, level: float = 0.95) -> list[dict[str, float]]:
        """One point a cell that has data: n, mean confidence, hit rate with its Wilson interval ``low`` to ``high`` at ``level``."""
        points: list[dict[str, float]] = []
        for n, confidence, hits in self.sums.T:
            shown = wilson(float(hits), float(n), level)
            if shown is not None:
                mean, rate = float(confidence / n), float(hits / n)
                points.append({"n": float(n), "confidence": mean, "hit_rate": rate, "low": shown.low, "high": shown.high})
        return points

    def to_json(self) -> list[list[float]]:
        result: list[list[float]] = self.sums.tolist()
        return result

    @classmethod
    def from_json(cls, state: Any) -> CalibrationCounts:
        result = cls()
        result.sums = np.asarray(state, dtype=np.float64).reshape(3, BINS)
        return result
