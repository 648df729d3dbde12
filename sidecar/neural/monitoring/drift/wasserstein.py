"""Wasserstein-1 distance: how far values moved on average, ∫ |F - G|, in standard deviations of the reference.

Where the reference is constant the distance stays in the column's unit. From panes the integral runs over the edges of the
cells; what lies outside the reference's range is exact. It is off by at most the width of a cell times the share of rows in it,
summed.
"""

from __future__ import annotations

import numpy as np

from neural.monitoring.drift.method import NO_VALUES, numeric
from neural.monitoring.drift.pair import Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack


class Wasserstein:
    name = "wasserstein"
    title = "Wasserstein distance, in standard deviations"
    ordered = True
    threshold = 0.1

    def compare(self, pair: Pair) -> Measured:
        both = numeric(pair)
        if both.empty:
            return NO_VALUES
        distance = earth_moved(pair)
        with np.errstate(over="ignore", invalid="ignore"):
            scale = float(np.std(both.reference))
        if not np.isfinite(distance) or not np.isfinite(scale):
            return Measured(None, note="values too large")
        return Measured(distance / scale if scale > 0 else distance, note="" if scale > 0 else "constant reference: not scaled")

    def from_panes(self, stack: Stack) -> MeasuredMany:
        side, gaps = stack.side, np.abs(stack.gaps)
        before = np.concatenate([[0.0], gaps[:-1]])
        scale = np.where(side.scale > 0, side.scale, 1.0)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # cells may be as wide as a float can say
            inside = np.add.reduceat(np.where(side.widths > 0, side.widths * (gaps + before) / 2, 0.0), stack.starts)
            error = np.add.reduceat(side.widths * (side.shares + stack.current_shares), stack.starts)
            return MeasuredMany((inside + stack.outside / stack.n_current) / scale, error=error / scale)


def earth_moved(pair: Pair) -> float:
    """Not scaled; equals scipy's ``wasserstein_distance``. Infinite or NaN where values are."""
    both = numeric(pair)
    with np.errstate(invalid="ignore", over="ignore"):
        widths = np.diff(both.pooled)
        moved = float(np.abs(both.gaps[:-1]).astype(np.float64) @ widths)
    return moved / (len(both.reference) * len(both.current))
