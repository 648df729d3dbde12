"""Whole rows as vectors: what multivariate methods compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind
from neural.monitoring.windows.columns import as_category

MAX_CATEGORIES = 10  # of a column that get a dimension; the others share the origin
MAX_DIMENSIONS = 1_000
FARTHEST = 5.0  # scaled values are clipped here: a single outlier must not be the distance


@dataclass(frozen=True)
class Encoder:
    """Numbers centred on the reference's median and divided by its spread, missing ones 0; categories one-hot, divided by √2."""

    numbers: Mapping[str, tuple[float, float]]
    words: Mapping[str, tuple[str, ...]]

    @classmethod
    def fit(cls, columns: Mapping[str, Column]) -> Encoder:
        numbers: dict[str, tuple[float, float]] = {}
        words: dict[str, tuple[str, ...]] = {}
        for name, column in columns.items():
            if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
                numbers[name] = _centre_and_spread(column)
            elif column.kind is Kind.CATEGORICAL:
                found = Counter(as_category(value) for value in column.values.tolist() if value is not None)
                words[name] = tuple(sorted(found, key=lambda word: (-found[word], word))[:MAX_CATEGORIES])
        return cls(numbers, words)

    @property
    def dimensions(self) -> int:
        return min(len(self.numbers) + sum(len(names) for names in self.words.values()), MAX_DIMENSIONS)

    def rows(self, columns: Mapping[str, Column]) -> NDArray[np.float64]:
        """Shape (rows, dimensions); columns that are absent count as missing."""
        count = max((len(column) for column in columns.values()), default=0)
        parts = [_scaled(columns.get(name), centre, spread, count) for name, (centre, spread) in self.numbers.items()]
        for name, names in self.words.items():
            parts.extend(_one_hot(columns.get(name), names, count))
        return np.column_stack(parts[:MAX_DIMENSIONS]) if parts else np.zeros((count, 0))

    def to_json(self) -> dict[str, Any]:
        return {
            "numbers": [[name, *pair] for name, pair in self.numbers.items()],
            "words": [[name, list(names)] for name, names in self.words.items()],
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        numbers = {str(name): (float(centre), float(spread)) for name, centre, spread in body["numbers"]}
        return cls(numbers, {str(name): tuple(names) for name, names in body["words"]})


def _centre_and_spread(column: Column) -> tuple[float, float]:
    values = column.values[np.isfinite(column.values)]
    if len(values) == 0:
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        centre = float(np.median(values))
        spread = float(np.std(np.clip(values, *np.quantile(values, [0.01, 0.99]))))
    return centre, spread if np.isfinite(spread) and spread > 0 else 1.0


def _scaled(column: Column | None, centre: float, spread: float, count: int) -> NDArray[np.float64]:
    if column is None or column.values.dtype == object:
        return np.zeros(count)
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (column.values - centre) / spread
    return np.clip(np.nan_to_num(scaled, nan=0.0, posinf=FARTHEST, neginf=-FARTHEST), -FARTHEST, FARTHEST)


def _one_hot(column: Column | None, names: tuple[str, ...], count: int) -> list[NDArray[np.float64]]:
    if column is None:
        return [np.zeros(count) for _ in names]
    values = np.array([None if value is None else as_category(value) for value in column.values.tolist()], dtype=object)
    return [(values == name).astype(np.float64) / np.sqrt(2.0) for name in names]
