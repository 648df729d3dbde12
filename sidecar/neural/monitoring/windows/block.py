"""Numeric columns counted all at once: a matrix with one row a column, a few vector operations for any number of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column
from neural.monitoring.windows.lookup import Buckets, Lookup
from neural.monitoring.windows.tally import At, Tally

_CHUNK_VALUES = 65_536  # values worked on together: more of them no longer fit the processor's cache (measured)


@dataclass(frozen=True, slots=True)
class NumericBlock:
    """The columns of one layout of batches, by their places: ``at`` in the sums, ``centres`` of their moments.

    ``lookup`` finds cells in the order of the block's columns; ``targets`` says which of the tally's counts each of them is.
    ``edges`` are each column's lowest and highest edge, shape (columns,).
    """

    at: NDArray[np.intp]
    centres: NDArray[np.float64]
    lookup: Lookup
    targets: NDArray[np.intp]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @classmethod
    def of(cls, columns: Sequence[tuple[int, float, int, Buckets]]) -> NumericBlock:
        """From (row of the sums, centre, first cell, table of the edges) of each column; at least one."""
        tables = [table for *_, table in columns]
        return cls(
            at=np.array([at for at, *_ in columns]),
            centres=np.array([centre for _, centre, *_ in columns]),
            lookup=Lookup(tables),
            targets=np.concatenate([np.arange(first, first + len(table.edges) + 1) for _, _, first, table in columns]),
            lowest=np.array([table.edges[0] for table in tables]),
            highest=np.array([table.edges[-1] for table in tables]),
        )

    def count(self, columns: Sequence[Column], tally: Tally) -> None:
        """Count these columns, in the block's order, all of the same length."""
        counts = np.zeros(self.lookup.total, dtype=np.int64)
        for start, stop in _chunks(len(columns), len(columns[0])):
            self._add([_part(column, start, stop) for column in columns], tally, counts)
        tally.counts[self.targets] += counts

    def _add(self, columns: Sequence[Column], tally: Tally, counts: NDArray[np.int64]) -> None:
        values = np.array([column.values for column in columns])
        usable, sums = _usable(values, columns)
        if usable is not None:
            values = np.where(usable, values, self.centres[:, None])
        with np.errstate(over="ignore", invalid="ignore"):
            deviations = values - self.centres[:, None]
            sums[:, At.DEVIATION] = deviations.sum(axis=1)
            sums[:, At.SQUARES] = np.einsum("ij,ij->i", deviations, deviations)
        cells = self.lookup.cells(values)
        if usable is None:
            low, high = values.min(axis=1), values.max(axis=1)
            counts += np.bincount(cells.reshape(-1), minlength=len(counts))
        else:
            low = np.min(values, axis=1, where=usable, initial=np.inf)
            high = np.max(values, axis=1, where=usable, initial=-np.inf)
            counts += np.bincount(cells[usable], minlength=len(counts))
        self._add_outside(values, usable, (low, high), sums)
        tally.sums[self.at] += sums
        tally.low[self.at] = np.minimum(tally.low[self.at], low)
        tally.high[self.at] = np.maximum(tally.high[self.at], high)

    def _add_outside(
        self,
        values: NDArray[np.float64],
        usable: NDArray[np.bool_] | None,
        range_: tuple[NDArray[np.float64], NDArray[np.float64]],
        sums: NDArray[np.float64],
    ) -> None:
        """By how much values lie outside of the reference's range: few columns have any."""
        low, high = range_
        for row in np.flatnonzero((low < self.lowest) | (high > self.highest)).tolist():
            kept = values[row] if usable is None else values[row][usable[row]]
            with np.errstate(over="ignore"):
                sums[row, At.BELOW] = np.maximum(self.lowest[row] - kept, 0.0).sum()
                sums[row, At.ABOVE] = np.maximum(kept - self.highest[row], 0.0).sum()


def _usable(values: NDArray[np.float64], columns: Sequence[Column]) -> tuple[NDArray[np.bool_] | None, NDArray[np.float64]]:
    """(which values count, None when all do; rows of sums with the counts filled in). A value has one reason only, missing first."""
    rows = values.shape[1]
    sums = np.zeros((len(columns), len(At)))
    sums[:, At.TOTAL] = sums[:, At.N] = rows
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):  # then every value is finite: what is missing or invalid is NaN
            return None, sums
    finite = np.isfinite(values)
    missing = np.array([column.missing for column in columns])
    marked = [column.invalid is not None for column in columns]
    if not any(marked) and not missing.any() and finite.all():
        return None, sums
    none = np.zeros(rows, dtype=np.bool_)
    invalid = np.array([none if column.invalid is None else column.invalid for column in columns]) & ~missing
    missing |= np.isnan(values) & ~invalid
    usable = finite & ~missing & ~invalid
    sums[:, At.N] = usable.sum(axis=1)
    sums[:, At.MISSING] = missing.sum(axis=1)
    sums[:, At.INVALID] = invalid.sum(axis=1)
    sums[:, At.NON_FINITE] = rows - sums[:, At.N] - sums[:, At.MISSING] - sums[:, At.INVALID]
    return usable, sums


def _chunks(columns: int, rows: int) -> Iterator[tuple[int, int]]:
    step = max(64, _CHUNK_VALUES // columns)
    return ((start, min(start + step, rows)) for start in range(0, rows, step))


def _part(column: Column, start: int, stop: int) -> Column:
    if start == 0 and stop == len(column):
        return column
    invalid = None if column.invalid is None else column.invalid[start:stop]
    return Column(column.name, column.kind, column.values[start:stop], column.missing[start:stop], invalid)
