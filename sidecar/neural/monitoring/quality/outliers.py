"""Where a column's outliers begin, from its reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.quality.settings import QualitySettings
from neural.monitoring.records import Kind
from neural.monitoring.windows.reference import ColumnReference

MAD_TO_SIGMA = 1.4826  # a normal distribution's standard deviation in MADs (1/Φ⁻¹(3/4))
MIN_REFERENCE_VALUES = 30  # fewer say nothing about what is far


@dataclass(frozen=True, slots=True)
class Bounds:
    """Numbers below ``low`` or above ``high`` are outliers. ``method`` says how they were found."""

    low: float
    high: float
    method: str

    def count(self, values: NDArray[Any]) -> int:
        """Outliers among finite float64 values (n,)."""
        return int(np.count_nonzero((values < self.low) | (values > self.high)))

    def mask(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        outside: NDArray[np.bool_] = (values < self.low) | (values > self.high)
        return outside


def outlier_bounds(column: ColumnReference, settings: QualitySettings) -> Bounds | None:
    """None where the reference has no spread or too few numbers: nothing is far then."""
    if column.kind is not Kind.NUMERIC or column.n < MIN_REFERENCE_VALUES:
        return None
    found = _box(column, settings)
    if found is None:
        return None
    middle, half, method = found
    if not (math.isfinite(middle) and math.isfinite(half)) or half <= 0:
        return None
    return Bounds(middle - half, middle + half, method)


def _box(column: ColumnReference, settings: QualitySettings) -> tuple[float, float, str] | None:
    times = settings.outlier_threshold
    if settings.outlier_method == "mad" and column.median is not None and column.mad:
        return column.median, times * MAD_TO_SIGMA * column.mad, f"{times:g} scaled MAD"
    if settings.outlier_method == "iqr" and column.q1 is not None and column.q3 is not None and column.q3 > column.q1:
        box = column.q3 - column.q1
        return (column.q1 + column.q3) / 2, box * (1 + times) / 2, f"{times / 2:g} IQR beyond the quartiles"
    if column.mean is None or not column.std:
        return None
    return column.mean, times * column.std, f"{times:g} σ"


def reference_outliers(column: ColumnReference, bounds: Bounds) -> float:
    """How many reference values lie outside the bounds, at most: cells that a bound cuts count whole."""
    edges = column.edges
    if not len(edges):
        return 0.0
    counts = column.counts
    below = int(np.searchsorted(edges, bounds.low, side="left"))  # the cell that holds the lower bound
    above = int(np.searchsorted(edges, bounds.high, side="left"))
    low = float(counts[: below + 1].sum()) if _reaches(column.minimum, bounds.low, below=True) else 0.0
    high = float(counts[above:].sum()) if _reaches(column.maximum, bounds.high, below=False) else 0.0
    return low + high


def _reaches(extreme: float | None, bound: float, *, below: bool) -> bool:
    if extreme is None:
        return False
    return extreme < bound if below else extreme > bound
