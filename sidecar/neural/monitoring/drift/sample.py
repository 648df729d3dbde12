"""What the methods compare: raw samples for exact answers, stacked cell counts for answers from panes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

COARSE = 10
"""Bins of PSI, Jensen–Shannon and Hellinger: reference deciles."""


CHANCE = 0.001
"""Thresholds corrected for sample size are what chance reaches so often without drift."""


def sum_by(group: NDArray[np.intp], values: NDArray[np.float64], size: int = 0) -> NDArray[np.float64]:
    """Sums of the values of each group, shape (groups,); at least ``size`` groups."""
    return np.bincount(group, weights=values, minlength=size).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Side:
    """The reference's side of several columns, worked out once: cell counts, end to end.

    ``starts``: each column's first cell. ``ordered``: cells are intervals, not categories. ``widths``: of inner cells, in units
    of the column, 0 for the open ends and for categories. ``scale``: the reference's standard deviation, (columns,).
    """

    counts: NDArray[np.float64]
    starts: NDArray[np.intp]
    widths: NDArray[np.float64]
    scale: NDArray[np.float64]
    ordered: bool = True

    @cached_property
    def sizes(self) -> NDArray[np.intp]:
        return np.diff(np.append(self.starts, len(self.counts)))

    @cached_property
    def n(self) -> NDArray[np.float64]:
        return np.add.reduceat(self.counts, self.starts)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        return self.counts / self.spread(self.n)

    @cached_property
    def reached_shares(self) -> NDArray[np.float64]:
        """F at the upper end of each cell."""
        return self.reach(self.counts) / self.spread(self.n)

    @cached_property
    def coarse(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Bins of about equal reference share (or the categories): each cell's bin, each column's first bin, counts."""
        if not self.ordered:
            return np.arange(len(self.counts)), self.starts, self.counts
        group, starts = coarse_groups(self.counts, self.starts)
        return group, starts, sum_by(group, self.counts)

    def reach(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts up to and with each cell, within its column."""
        total = np.cumsum(counts)
        before = (total - counts)[self.starts]
        return total - self.spread(before)

    def spread(self, per_column: NDArray[np.float64]) -> NDArray[np.float64]:
        """A value a column, repeated for its cells."""
        return np.repeat(per_column, self.sizes)


@dataclass(frozen=True)
class Stack:
    """Cell counts of several columns, in the reference and now.

    ``outside``: by how much values now lie outside the reference's range, summed, (columns,); used by Wasserstein only. Columns without
    values now are allowed: their statistics come out as NaN, inside this room only.
    """

    side: Side
    current: NDArray[np.float64]
    outside: NDArray[np.float64]

    @property
    def starts(self) -> NDArray[np.intp]:
        return self.side.starts

    @property
    def reference(self) -> NDArray[np.float64]:
        return self.side.counts

    @property
    def n_reference(self) -> NDArray[np.float64]:
        return self.side.n

    @cached_property
    def n_current(self) -> NDArray[np.float64]:
        return np.add.reduceat(self.current, self.starts)

    @cached_property
    def current_shares(self) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.current / self.side.spread(self.n_current)

    @cached_property
    def gaps(self) -> NDArray[np.float64]:
        """F - G at the upper end of each cell."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.side.reached_shares - self.side.reach(self.current) / self.side.spread(self.n_current)

    @property
    def coarse_reference(self) -> NDArray[np.float64]:
        """Counts in deciles of the reference, or in categories."""
        return self.side.coarse[2]

    @cached_property
    def coarse_current(self) -> NDArray[np.float64]:
        return sum_by(self.side.coarse[0], self.current, len(self.coarse_reference)) if self.side.ordered else self.current

    @property
    def coarse_starts(self) -> NDArray[np.intp]:
        return self.side.coarse[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """A method's answer. ``error``: how far the statistic may be from the exact one (0 when it is exact).

    ``threshold``: the customary size to call large, or what chance reaches once in a thousand looks with so few rows, if that is larger.
    """

    statistic: float | None
    p_value: float | None = None
    error: float = 0.0
    note: str = ""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class MeasuredMany:
    """Answers for the columns of a stack; NaN where there is none."""

    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64] | None = None
    error: NDArray[np.float64] | None = None
    threshold: NDArray[np.float64] | None = None


def coarse_groups(
    counts: NDArray[np.float64], starts: NDArray[np.intp], bins: int = COARSE
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Cells → bins of about equal reference share, for numeric stacks: (group of each cell, first group of each column)."""
    sizes = np.diff(np.append(starts, len(counts)))
    totals = np.maximum(np.add.reduceat(counts, starts), 1.0)
    reached = np.cumsum(counts)
    before = np.repeat((reached - counts)[starts], sizes)
    middle = (reached - before - counts / 2) / np.repeat(totals, sizes)
    wanted = np.minimum(np.floor(middle * bins), bins - 1)
    column = np.repeat(np.arange(len(starts)), sizes)
    key = column * bins + wanted.astype(np.intp)
    change = np.empty(len(key), dtype=bool)
    change[0:1] = True
    np.not_equal(key[1:], key[:-1], out=change[1:])
    group = np.cumsum(change) - 1
    return group, group[starts]
