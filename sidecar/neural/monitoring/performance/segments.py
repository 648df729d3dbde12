"""Performance by the values of a feature."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.classification import OTHER
from neural.monitoring.performance.intervals import mean_interval, wilson
from neural.monitoring.performance.metrics import Metric


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """One segment ("carrier=AA") with its accuracy, or its mean absolute error, and how many labels that rests on."""

    name: str
    metric: str  # accuracy or mae
    n: int
    value: Metric


class SegmentCounts:
    """By feature and value: labels n, Σ x, Σ x², where x is 1 for a right call, or the absolute error. Adds and subtracts."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[str, NDArray[np.float64]]] = {}
        self._regression = False

    def add(self, segments: Mapping[str, NDArray[Any]], made: NDArray[Any], truth: NDArray[Any], sign: float, limit: int) -> None:
        """Count pairs (n,). At most ``limit`` values a feature are counted by name."""
        self._regression = made.dtype != object
        gains = np.abs(made - truth.astype(np.float64)) if self._regression else (made == truth).astype(np.float64)
        for feature, names in segments.items():
            known = self._sums.setdefault(feature, {})
            for name in sorted(set(names)):
                mine = gains[names == name]
                if name not in known and len(known) >= limit:
                    name = OTHER
                known[name] = known.get(name, np.zeros(3)) + sign * np.array([len(mine), mine.sum(), mine @ mine])

    def merge(self, other: SegmentCounts) -> None:
        self._regression = self._regression or other._regression
        for feature, theirs in other._sums.items():
            mine = self._sums.setdefault(feature, {})
            for name, sums in theirs.items():
                mine[name] = mine.get(name, np.zeros(3)) + sums

    def readings(self, confidence: float) -> Iterator[SegmentReading]:
        for feature, values in self._sums.items():
            for name, (n, total, squares) in values.items():
                if n <= 0:
                    continue
                if self._regression:
                    metric = Metric(total / n, mean_interval(total, squares, n, confidence))
                else:
                    metric = Metric(total / n, wilson(total, n, confidence))
                yield SegmentReading(f"{feature}={name}", "mae" if self._regression else "accuracy", int(n), metric)

    def to_json(self) -> dict[str, Any]:
        sums = {feature: {name: item.tolist() for name, item in values.items()} for feature, values in self._sums.items()}
        return {"regression": self._regression, "sums": sums}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> SegmentCounts:
        result = cls()
        result._regression = bool(state["regression"])
        result._sums = {
            feature: {name: np.asarray(item, dtype=np.float64) for name, item in values.items()}
            for feature, values in state["sums"].items()
        }
        return result
