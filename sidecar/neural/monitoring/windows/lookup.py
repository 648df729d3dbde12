"""Finding the cells of many values of many columns at once: a table look-up in place of a search.

Each column's span is cut into equal buckets, and for each bucket it is written down how many edges lie in the buckets before it. That is a value's
cell, up to the edges in its own bucket, which are then compared one after another. Exact, also in the last bit: the bucket is a
monotone function of the value, the same for edges and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BUCKETS_PER_EDGE = 4
_TRIMS = (0.0, 0.01, 0.05)  # shares of the edges left outside the span on either side: a far tail would take all buckets
MAX_STEPS = 4.0
"""Comparisons a value may cost on average; a column whose edges crowd more than that is searched."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Buckets:
    """One column's table: ``below[b]`` edges lie in buckets before b. A value x is in bucket ``(x - start) * scale``, clipped."""

    start: float
    scale: float
    below: Ints
    edges: Floats
    steps: float  # comparisons expected for a value drawn like the edges


def buckets_of(edges: Floats) -> Buckets | None:
    """The best table for ascending finite edges, shape (e,); None when no equal buckets keep them apart."""
    if len(edges) < 2:
        return None
    found = [table for trim in _TRIMS if (table := _table(edges, trim)) is not None]
    best = min(found, key=lambda table: table.steps, default=None)
    return best if best is not None and best.steps <= MAX_STEPS else None


def _table(edges: Floats, trim: float) -> Buckets | None:
    count = _BUCKETS_PER_EDGE * len(edges)
    left = int(trim * len(edges))
    start, end = float(edges[left]), float(edges[-1 - left])
    with np.errstate(over="ignore", divide="ignore"):
        scale = float(np.float64(count) / (np.float64(end) - start))
    if not (np.isfinite(scale) and scale > 0):
        return None
    buckets = _bucket(edges, start, scale, count)
    held = np.bincount(buckets, minlength=count)
    below = np.concatenate([[0], np.cumsum(held)[:-1]]).astype(np.intp)
    steps = 1.0 + float(((held + 1) / 2)[buckets].mean())
    return Buckets(start, scale, below, edges, steps)


def _bucket(values: Floats, start: Floats | float, scale: Floats | float, last: Floats | float) -> Ints:
    """Shape as ``values``, which are finite."""
    with np.errstate(over="ignore"):
        places = (values - start) * scale
    np.minimum(np.maximum(places, 0.0, out=places), np.subtract(last, 1), out=places)
    return places.astype(np.intp)


class Lookup:
    """The tables of several columns; their cells are counted end to end, in the order of the tables."""

    def __init__(self, tables: Sequence[Buckets]) -> None:
        sizes = np.array([len(table.below) for table in tables])
        cells = np.array([len(table.edges) + 1 for table in tables])
        firsts = np.cumsum(cells) - cells
        self.total = int(cells.sum())
        self._start = _upright([table.start for table in tables])
        self._scale = _upright([table.scale for table in tables])
        self._size = _upright(sizes)
        self._base = (np.cumsum(sizes) - sizes).reshape(-1, 1)
        self._below = np.concatenate([table.below + first for table, first in zip(tables, firsts, strict=True)])
        self._edges = np.concatenate([part for table in tables for part in (table.edges, [np.inf])])  # the last cell is open

    def cells(self, values: Floats) -> Ints:
        """The cell of each value. ``values``: finite, shape (columns, n)."""
        buckets = _bucket(values, self._start, self._scale, self._size)
        buckets += self._base
        cells = self._below.take(buckets, mode="wrap")  # no index is out of range, and this way nobody checks
        cells += values > self._edges.take(cells, mode="wrap")  # most buckets hold one edge or none: most values are done
        late = np.flatnonzero(values > self._edges.take(cells, mode="wrap"))
        flat, all_values = cells.reshape(-1), values.reshape(-1)
        while len(late):
            flat[late] += 1
            late = late[all_values[late] > self._edges[flat[late]]]
        return cells


def _upright(values: Sequence[float] | NDArray[np.int64]) -> Floats:
    return np.asarray(values, dtype=np.float64).reshape(-1, 1)
