"""Native histograms: exponential buckets, as many as there are values for, so that no bound has to be guessed.

Format: https://prometheus.io/docs/specs/native_histograms/ . Buckets of schema 3 grow by 2^(1/8), 9 %: a quantile is right within that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCHEMA = 3
"""Buckets end at 2^(k / 2^SCHEMA)."""
_PER_DOUBLING = 2**SCHEMA
_FIRST, _LAST = -20 * _PER_DOUBLING, 12 * _PER_DOUBLING  # 2^-20 s is about 1 µs, 2^12 s is above an hour
ZERO_THRESHOLD = 2.0**-20
"""Seconds. What is not above it is in the zero bucket."""
_EDGES: NDArray[np.float64] = 2.0 ** (np.arange(_FIRST, _LAST + 1) / _PER_DOUBLING)
CELLS = len(_EDGES)
"""The zero bucket, then one bucket for each exponent; the last one holds everything above."""


@dataclass(frozen=True, slots=True)
class NativeHistogram:
    """``buckets``: exponent k → values in (2^((k-1)/8), 2^(k/8)], sorted, none empty; ``zero``: values up to the zero threshold."""

    zero: float
    buckets: tuple[tuple[int, float], ...]


def cells_of(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """The cell of each value."""
    return np.minimum(np.searchsorted(_EDGES, values, side="left"), CELLS - 1)


def native_histogram(cells: Sequence[float] | NDArray[np.float64]) -> NativeHistogram:
    """From the counts of all cells."""
    counts = np.asarray(cells)
    used = np.flatnonzero(counts[1:]) + 1
    return NativeHistogram(float(counts[0]), tuple((int(cell) + _FIRST, float(counts[cell])) for cell in used))


def sparse(cells: NDArray[np.float64]) -> list[list[float]]:
    """The counts that are not zero, as [cell, count]: for a checkpoint."""
    return [[int(cell), float(cells[cell])] for cell in np.flatnonzero(cells)]


def dense(stored: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    """The counts of all cells from ``sparse``."""
    cells = np.zeros(CELLS)
    for cell, count in stored:
        cells[int(cell)] = count
    return cells


def spans_of(buckets: Sequence[tuple[int, float]]) -> list[tuple[int, int]]:
    """Runs of neighbouring buckets as (gap since the last run, length), as the exposition wants them."""
    spans: list[tuple[int, int]] = []
    last = 0
    for index, _ in buckets:
        if spans and index == last:
            spans[-1] = (spans[-1][0], spans[-1][1] + 1)
        else:
            spans.append((index - last, 1))
        last = index + 1
    return spans
