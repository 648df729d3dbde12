"""The coarse bins the sequential detector counts in, and what the reference leads one to expect of each.

Bins are unions of a column's cells. What matters is that the expectation stays honest for a *finite* reference:

- Numeric bins are cut at reference quantiles, whose true shares are Dirichlet distributed given the cuts, so counts are fair.
  What lies below or above the whole reference has the share Beta(1, n): one pseudo-count each.
- The gaps between the values of a discrete column, and categories the reference does not know, share a bin. Its expected count is
  the number of values that occurred once (Good and Turing), so a column of ever new ids expects ever new ids.
- Where there are more categories than bins, the most frequent ones of one half of the reference get their own bin, and the other
  half says how frequent they are: a category must not be expected often because it was chosen for being frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.windows import ColumnReference

BINS = 16
"""Bins of a column, besides those outside the reference's range or categories."""
LEAST_OWN = 10
LEAST_OWN_SHARE = 0.005
"""A category needs so many rows, and such a share, to be watched on its own where there are more categories than bins."""
MOST_ONCE = 0.005
"""A column is discrete when at most this share of its values occurred once."""
HALF = 0.5  # Jeffreys' pseudo-count of a bin the reference can fill


@dataclass(frozen=True, slots=True)
class Bins:
    """One column's bins. ``group``: cell → bin, int of shape (cells,). ``expected``: pseudo-counts of the null's Dirichlet (bins,).

    ``rare`` is the first bin whose share is only an estimate of what was never seen; that fewer such values come is no news.
    """

    group: NDArray[np.intp]
    expected: NDArray[np.float64]
    labels: tuple[str, ...]
    rare: int
    ordered: bool = False

    def __len__(self) -> int:
        return len(self.expected)


def bins_of(column: ColumnReference, bins: int = BINS) -> Bins | None:
    """None when the reference holds no usable value of the column."""
    if column.n == 0:
        return None
    return _categorical(column, bins) if column.is_categorical else _numeric(column, bins)


def _numeric(column: ColumnReference, bins: int) -> Bins:
    """Order: below, the inner bins ascending, above, gaps (of a discrete column)."""
    counts = column.counts.astype(np.float64)
    filled = np.flatnonzero(counts[1:-1]) + 1
    if len(filled) == 0:  # all values are the least float there is: nothing lies below it, so they have the open cell
        group = np.minimum(np.arange(len(counts)), 1)
        return Bins(group, np.array([column.n + HALF, 1.0]), _numeric_labels(column, group, 0), 0, ordered=True)
    middle = np.cumsum(counts) - counts / 2
    _, ranks = np.unique(np.floor(middle[filled] / column.n * bins), return_inverse=True)
    k = int(ranks.max()) + 1
    # An empty cell belongs to the value that ends it, as the space between two order statistics does.
    following = np.minimum(np.searchsorted(filled, np.arange(len(counts))), len(filled) - 1)
    group = ranks[following] + 1
    group[0], group[-1] = 0, k + 1
    expected = np.bincount(group, weights=counts, minlength=k + 2).astype(np.float64) + HALF
    expected[0] = expected[0] if counts[0] else 1.0  # the least float has no cell inside
    expected[-1] = 1.0
    labels = _numeric_labels(column, group, k)
    once = np.flatnonzero(counts[1:-1] == 1) + 1
    if not _is_discrete(column, len(once)):
        return Bins(group, expected, labels, 0, ordered=True)
    np.subtract.at(expected, group[once], 1.0)
    group[1:-1][counts[1:-1] == 0] = k + 2
    return Bins(group, np.append(expected, len(once) + HALF), (*labels, "between known values"), k + 2, ordered=True)


def _is_discrete(column: ColumnReference, once: int) -> bool:
    """Every value has its cell, and hardly any occurred only once: a new value in between would be news."""
    every_value = np.count_nonzero(column.counts) == column.distinct
    return bool(every_value) and once * 4 <= column.distinct and once <= MOST_ONCE * column.n


def _numeric_labels(column: ColumnReference, group: NDArray[np.intp], k: int) -> tuple[str, ...]:
    labels = []
    for rank in range(k + 2):
        cells = np.flatnonzero(group == rank)
        labels.append(column.range_label(int(cells[0]), int(cells[-1])))
    return tuple(labels)


def _categorical(column: ColumnReference, bins: int) -> Bins:
    """Order: new, the rest (when not every category has a bin), own categories by frequency."""
    known = len(column.labels)
    all_own = known <= bins and column.distinct <= known
    selection = column.counts[:known] - (0 if all_own else column.held[:known])
    own = np.argsort(-selection, kind="stable")[:bins]
    if not all_own:
        own = own[selection[own] >= max(LEAST_OWN, LEAST_OWN_SHARE * (column.n - column.held.sum()))]
    source, share = (column.counts, 1.0) if all_own else (column.held, 0.5)
    expected = source[own].astype(np.float64)
    new = column.singletons * share + float(source[-1])
    rest = float(source.sum()) - float(source[-1]) - expected.sum()
    first = 1 if all_own else 2
    group = np.full(known + 2, first - 1, dtype=np.intp)
    group[-1] = 0
    group[own] = first + np.arange(len(own))
    names = [column.labels[at] for at in own]
    if all_own:
        expected[column.counts[own] == 1] = 0.0
        group[known] = 0
        return Bins(group, np.concatenate([[new], expected]) + HALF, ("unseen", *names), 0)
    rest = max(0.0, rest - column.singletons * share)
    return Bins(group, np.concatenate([[new, rest], expected]) + HALF, ("unseen", "other known", *names), 0)


def stack_groups(bins: Sequence[Bins]) -> NDArray[np.intp]:
    """Cells of all columns, end to end → bins of all columns, end to end."""
    offsets = np.cumsum([0, *(len(item) for item in bins)])
    return (
        np.concatenate([item.group + offset for item, offset in zip(bins, offsets, strict=False)])
        if bins
        else np.zeros(0, np.intp)
    )
