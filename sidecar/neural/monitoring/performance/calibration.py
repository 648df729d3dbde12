"""Calibration: how often what was called 80 % sure came true."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

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

    def curve(self) -> list[dict[str, float]]:
        """One point a cell that has data: n, mean confidence, hit rate."""
        return [
            {"n": float(n), "confidence": float(confidence / n), "hit_rate": float(hits / n)}
            for n, confidence, hits in self.sums.T
            if n > 0
        ]

    def to_json(self) -> list[list[float]]:
        result: list[list[float]] = self.sums.tolist()
        return result

    @classmethod
    def from_json(cls, state: Any) -> CalibrationCounts:
        result = cls()
        result.sums = np.asarray(state, dtype=np.float64).reshape(3, BINS)
        return result
