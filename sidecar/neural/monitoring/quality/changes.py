"""Has a column's mean, spread or range changed from the reference's, by an amount that matters and that chance does not explain?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.quality.findings import Finding
from neural.monitoring.records import Kind
from neural.monitoring.windows.pane import ColumnPane
from neural.monitoring.windows.reference import ColumnReference

MIN_VALUES = 20  # fewer numbers say nothing about a mean or a spread
MEAN_SHIFT = 0.3  # standard deviations of the reference: Cohen's small to medium effect
SPREAD_RATIO = 1.5
STANDARD_ERRORS = 5.0  # how sure: chance does this once in a million and a half
_QUARTILE_ERROR = (
    1.7  # standard error of the log of the middle half's width, times √n: 1.17 for normal values, more for skewed ones
)
RANGE_EXCESS = 0.5  # of the reference's own width, beyond its ends
MIN_DISTINCT = 20  # quartiles of a grid mean little where the reference has fewer different values


@dataclass(frozen=True, slots=True)
class Moments:
    """Of n finite values. ``worth``: as how many independent ones they count. ``box``: width of the middle half, None where not known."""

    n: float
    worth: float
    mean: float
    std: float
    minimum: float
    maximum: float
    box: float | None

    @classmethod
    def of_values(cls, values: NDArray[np.float64]) -> Moments | None:
        """None where a moment is beyond what a number holds."""
        if not len(values):
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = float(values.mean()), float(values.std())
        if not (math.isfinite(mean) and math.isfinite(std)):
            return None
        low, high = (float(value) for value in np.quantile(values, [0.25, 0.75]))
        return cls(len(values), len(values), mean, std, float(values.min()), float(values.max()), high - low)

    @classmethod
    def of_pane(cls, pane: ColumnPane, reference: ColumnReference, alike: float) -> Moments | None:
        """Rows of one request (``alike``) count once."""
        mean, std = pane.mean, pane.std
        if mean is None or std is None or pane.minimum is None or pane.maximum is None:
            return None
        box = _grid_box(pane.counts, reference) if reference.distinct >= MIN_DISTINCT else None
        return cls(pane.n, pane.n / alike, mean, std, pane.minimum, pane.maximum, box)


def _grid_box(counts: NDArray[np.int64], reference: ColumnReference) -> float | None:
    """Width of the middle half by the grid's edges; None where a quartile lies in an open end."""
    edges = reference.edges
    if len(counts) != len(edges) + 1 or not counts.sum():
        return None
    reached = np.cumsum(counts) / counts.sum()
    low, high = (int(np.searchsorted(reached, share)) for share in (0.25, 0.75))
    if low == 0 or high >= len(edges):
        return None
    return float((edges[high - 1] + edges[high]) / 2 - (edges[low - 1] + edges[low]) / 2)


def statistical_changes(name: str, found: Moments | None, reference: ColumnReference) -> Iterator[Finding]:
    """In words, with the numbers. None: there are no numbers."""
    if found is None or found.worth < MIN_VALUES or reference.n < MIN_VALUES or reference.mean is None or not reference.std:
        return
    yield from _mean_change(name, found, reference)
    yield from _spread_change(name, found, reference)
    yield from _range_change(name, found, reference)


def shifted_columns(
    columns: Mapping[str, ColumnPane], reference: Mapping[str, ColumnReference], alike: float
) -> Iterator[Finding]:
    """Of the stream: a window's panes beside the reference."""
    for name, pane in columns.items():
        known = reference.get(name)
        if known is not None and not name.startswith("@") and known.kind is Kind.NUMERIC and pane.kind is Kind.NUMERIC:
            yield from statistical_changes(name, Moments.of_pane(pane, known, alike), known)


def _finding(name: str, kind: str, found: Moments, reason: str, value: float, usual: float) -> Finding:
    more = {"value": value, "reference": usual}
    return Finding(name, kind, found.n, found.n, f"{name}: {reason}", examples=(f"{value:.4g}",), more=more)


def _mean_change(name: str, found: Moments, reference: ColumnReference) -> Iterator[Finding]:
    """Welch's statistic, with a floor on the effect."""
    base, spread = reference.mean or 0.0, reference.std or 0.0
    shift = found.mean - base
    error = math.sqrt(found.std * found.std / found.worth + spread * spread / reference.n)
    if abs(shift) > MEAN_SHIFT * spread and abs(shift) > STANDARD_ERRORS * error:
        reason = f"the mean is {found.mean:.4g}, {base:.4g} in the reference ({shift / spread:+.2f} σ)"
        yield _finding(name, "shifted_mean", found, reason, found.mean, base)


def _spread_change(name: str, found: Moments, reference: ColumnReference) -> Iterator[Finding]:
    """By the width of the middle half, which a few extreme values can't move."""
    spread = reference.std or 0.0
    if found.std <= 0:
        reason = f"all values are equal, the standard deviation is {spread:.4g} in the reference"
        yield _finding(name, "constant", found, reason, found.mean, spread)
        return
    if found.box is None or found.box <= 0 or reference.q1 is None or reference.q3 is None or reference.q3 <= reference.q1:
        return
    usual = reference.q3 - reference.q1
    ratio = found.box / usual
    error = _QUARTILE_ERROR * math.sqrt(1 / found.worth + 1 / reference.n)
    if abs(math.log(ratio)) > max(math.log(SPREAD_RATIO), STANDARD_ERRORS * error):
        reason = f"the spread is {ratio:.2f} times the reference's (the middle half is {found.box:.4g} wide)"
        yield _finding(name, "shifted_spread", found, reason, found.box, usual)


def _range_change(name: str, found: Moments, reference: ColumnReference) -> Iterator[Finding]:
    low, high = reference.minimum, reference.maximum
    if low is None or high is None:
        return
    room = RANGE_EXCESS * (high - low)
    if found.minimum < low - room or found.maximum > high + room:
        reason = f"the range is {found.minimum:.4g} to {found.maximum:.4g}, {low:.4g} to {high:.4g} in the reference"
        worst = found.maximum if found.maximum > high + room else found.minimum
        yield _finding(name, "shifted_range", found, reason, worst, high if worst > high else low)
