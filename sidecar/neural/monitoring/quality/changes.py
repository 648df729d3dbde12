"""Has a column's mean, spread or range changed from the reference's, by an amount that matters and that chance does not explain?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.windows.reference import ColumnReference

MIN_VALUES = 20  # fewer numbers say nothing about a mean or a spread
MEAN_SHIFT = 0.3  # standard deviations of the reference: Cohen's small to medium effect
SPREAD_RATIO = 1.5
STANDARD_ERRORS = 5.0  # how sure: chance does this once in a million and a half
_QUARTILE_ERROR = (
    1.7  # standard error of the log of the middle half's width, times √n: 1.17 for normal values, more for skewed ones
)
RANGE_EXCESS = 0.5  # of the reference's own width, beyond its ends


def statistical_changes(name: str, values: NDArray[np.float64], reference: ColumnReference) -> Iterator[str]:
    """In words, with the numbers. ``values``: finite numbers of the column (n,)."""
    if len(values) < MIN_VALUES or reference.n < MIN_VALUES or reference.mean is None or not reference.std:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(values.mean()), float(values.std())
    if not (math.isfinite(mean) and math.isfinite(std)):
        return
    yield from _mean_change(name, mean, std, len(values), reference)
    yield from _spread_change(name, values, std, reference)
    yield from _range_change(name, values, reference)


def _mean_change(name: str, mean: float, std: float, n: int, reference: ColumnReference) -> Iterator[str]:
    """Welch's statistic, with a floor on the effect."""
    base, spread = reference.mean or 0.0, reference.std or 0.0
    shift = mean - base
    error = math.sqrt(std * std / n + spread * spread / reference.n)
    if abs(shift) > MEAN_SHIFT * spread and abs(shift) > STANDARD_ERRORS * error:
        yield f"{name}: the mean is {mean:.4g}, {base:.4g} in the reference ({shift / spread:+.2f} σ)"


def _spread_change(name: str, values: NDArray[np.float64], std: float, reference: ColumnReference) -> Iterator[str]:
    """By the width of the middle half, which a few extreme values can't move."""
    if std <= 0:
        yield f"{name}: all values are equal, the standard deviation is {reference.std or 0.0:.4g} in the reference"
        return
    if reference.q1 is None or reference.q3 is None or reference.q3 <= reference.q1:
        return
    low, high = (float(value) for value in np.quantile(values, [0.25, 0.75]))
    if high <= low:
        return
    ratio = (high - low) / (reference.q3 - reference.q1)
    error = _QUARTILE_ERROR * math.sqrt(1 / len(values) + 1 / reference.n)
    if abs(math.log(ratio)) > max(math.log(SPREAD_RATIO), STANDARD_ERRORS * error):
        yield f"{name}: the spread is {ratio:.2f} times the reference's (the middle half is {high - low:.4g} wide)"


def _range_change(name: str, values: NDArray[np.float64], reference: ColumnReference) -> Iterator[str]:
    low, high = reference.minimum, reference.maximum
    if low is None or high is None:
        return
    room = RANGE_EXCESS * (high - low)
    smallest, largest = float(values.min()), float(values.max())
    if smallest < low - room or largest > high + room:
        yield f"{name}: the range is {smallest:.4g} to {largest:.4g}, {low:.4g} to {high:.4g} in the reference"
