"""Additive counts behind MAE, RMSE, R² and bias."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.intervals import Interval, mean_interval, normal

_LARGEST = 1e75  # its fourth power is still a number


@dataclass(slots=True)
class RegressionCounts:
    """Sums over n pairs of label y and prediction. Labels are taken about ``origin``: a large mean costs no digits."""

    n: float = 0.0
    origin: float | None = None
    label: float = 0.0  # Σ (y − origin)
    label_squares: float = 0.0  # Σ (y − origin)²
    error: float = 0.0  # Σ (prediction − y)
    absolute: float = 0.0  # Σ |prediction − y|
    squares: float = 0.0  # Σ (prediction − y)²
    fourths: float = 0.0  # Σ (prediction − y)⁴

    def add(self, predictions: NDArray[np.float64], labels: NDArray[np.float64], sign: float = 1.0) -> None:
        """Count pairs, both of shape (n,); pairs that are not finite, or of numbers beyond 1e75, are left out. ``sign`` −1 takes them out again."""
        known = (np.abs(predictions) < _LARGEST) & (np.abs(labels) < _LARGEST)
        if not known.any():
            return
        y, errors = labels[known], predictions[known] - labels[known]
        if self.origin is None:
            self.origin = float(y[0])
        shifted = y - self.origin
        self.n += sign * len(y)
        self.label += sign * float(shifted.sum())
        self.label_squares += sign * float(shifted @ shifted)
        self.error += sign * float(errors.sum())
        self.absolute += sign * float(np.abs(errors).sum())
        self.squares += sign * float(errors @ errors)
        self.fourths += sign * float(np.square(errors) @ np.square(errors))

    def merge(self, other: RegressionCounts) -> None:
        """Add another's sums to these, moving its origin to this one's."""
        if other.origin is None:
            return
        if self.origin is None:
            self.origin = other.origin
        move = other.origin - self.origin
        self.label += other.label + other.n * move
        self.label_squares += other.label_squares + 2 * move * other.label + other.n * move * move
        self.n += other.n
        self.error += other.error
        self.absolute += other.absolute
        self.squares += other.squares
        self.fourths += other.fourths

    def metrics(self) -> dict[str, float | None]:
        """mae, rmse, r2, bias. R² follows scikit-learn: None below two pairs; for constant labels 1 if all exact, else 0."""
        if self.n <= 0:
            return {"mae": None, "rmse": None, "r2": None, "bias": None}
        return {
            "mae": _finite(self.absolute / self.n),
            "rmse": _finite(math.sqrt(max(self.squares / self.n, 0.0))),
            "r2": self._r2(),
            "bias": _finite(self.error / self.n),
        }

    def _r2(self) -> float | None:
        if self.n < 2:
            return None
        spread = self.label_squares - self.label * self.label / self.n
        if spread <= 1e-14 * max(self.label_squares, 0.0):
            return 1.0 if self.squares <= 0 else 0.0
        return _finite(1 - self.squares / spread)

    def intervals(self, confidence: float) -> dict[str, Interval | None]:
        """Of each metric. R²: Var ≈ 4R²(1−R²)²/n (Olkin and Finn 1995), for R² above 0."""
        root = mean_interval(self.squares, self.fourths, self.n, confidence)
        r2 = self._r2()
        found: dict[str, Interval | None] = {
            "mae": mean_interval(self.absolute, self.squares, self.n, confidence),
            "rmse": Interval(math.sqrt(root.low), math.sqrt(root.high), "normal of squares") if root else None,
            "r2": None,
        }
        if r2 is not None and r2 > 0:
            variance = 4 * r2 * (1 - r2) ** 2 / self.n
            found["r2"] = normal(r2, variance, confidence, low=-math.inf, high=1.0, method="olkin-finn")
        return found

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> RegressionCounts:
        return cls(**state)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
