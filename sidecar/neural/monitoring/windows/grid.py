"""The fixed grid a numeric column is counted on: reference quantiles, with open ends and cells of their own for heavy ties.

Cell i holds the values x with ``edges[i-1] < x <= edges[i]``; the first and last cells are open, and lie outside the range of
the reference. So the share of values up to an edge is exact, and KS read off the grid is at most one reference cell below the
exact one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SORT_FROM = 64
"""Values from which sorting them and searching the edges is faster than searching each value (measured)."""


def grid_edges(ordered: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """Edges of at most about ``cells`` cells for a sorted array of finite values, shape (n,). No values give no edges.

    A column of few distinct values gets one cell for each value and one for each gap between, so that 20.5 among whole degrees
    shows at once. Otherwise: the quantiles, and a cell of its own for every value that holds more than one cell's share.
    """
    if len(ordered) == 0:
        return np.empty(0)
    distinct = np.unique(ordered)
    if len(distinct) <= cells // 2:
        return _finite(np.unique(np.concatenate([_just_below(distinct), distinct])))
    ranks = np.ceil(np.arange(1, cells) / cells * len(ordered)).astype(np.intp) - 1
    marks, repeats = np.unique(ordered[ranks], return_counts=True)
    tied = marks[repeats > 1]
    ends = (_just_below(ordered[:1]), ordered[-1:])
    return _finite(np.unique(np.concatenate([marks, _just_below(tied), *ends])))


def count_cells(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts of finite values, shape (n,), in each of the ``len(edges) + 1`` cells."""
    if len(values) >= SORT_FROM:
        return count_sorted(np.sort(values), edges)
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).astype(np.int64, copy=False)


def count_sorted(ordered: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The same for values already sorted."""
    reached = np.searchsorted(ordered, edges, side="right")
    counts = np.empty(len(edges) + 1, dtype=np.int64)
    counts[:-1] = reached
    counts[-1] = len(ordered)
    counts[1:] -= reached
    return counts


def _just_below(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # below the least float there is only -inf, which _finite drops
        return np.nextafter(values, -np.inf)


def _finite(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return edges[np.isfinite(edges)]
