"""Builds the seasons of a reference, and says what the reference leads one to expect of rows by the hours they came in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column
from neural.monitoring.windows.reference import ColumnReference, Reference
from neural.monitoring.windows.seasons import HOURS, Seasonal, Seasons, hours_at, numbers_by_row, smallest_counts, words_by_row


def build_seasons(
    columns: Mapping[str, Column],
    built: Mapping[str, ColumnReference],
    times: NDArray[np.float64],
    halves: frozenset[str],
    seasonal: Seasonal,
) -> Seasons:
    """``times``: Unix seconds of each row; ``halves``: derived columns, which have every second row only."""
    hours, size = hours_at(times, seasonal), HOURS[seasonal]
    starts = np.cumsum([0, *(len(column.counts) for column in built.values())]).astype(np.intp)
    counts = np.zeros((size, int(starts[-1])), dtype=np.int64)
    sums = np.zeros((size, len(built), 3))
    for at, (name, column) in enumerate(built.items()):
        mine = hours[1::2] if name in halves else hours
        cells = _cells_by_row(columns[name], column)
        known = (mine >= 0) & (cells >= 0)
        total = len(column.counts)
        counts[:, starts[at] : starts[at + 1]] = np.bincount(mine[known] * total + cells[known], minlength=size * total).reshape(
            size, total
        )
        sums[:, at] = _sums(columns[name], column, mine, size)
    rows = np.bincount(hours[hours >= 0], minlength=size).astype(np.int64)
    return Seasons(seasonal, rows, tuple(built), starts, smallest_counts(counts), sums)


def _cells_by_row(column: Column, known: ColumnReference) -> NDArray[np.intp]:
    """Each row's cell; -1 where it is not usable."""
    if known.is_categorical:
        other = len(known.labels)
        codes = {**dict.fromkeys(known.categories, other), **{name: cell for cell, name in enumerate(known.labels)}}
        return np.array([-1 if word is None else codes.get(word, other + 1) for word in words_by_row(column)], dtype=np.intp)
    values = numbers_by_row(column)
    usable = np.isfinite(values)
    return np.where(usable, np.searchsorted(known.edges, np.where(usable, values, 0.0), side="left"), -1)


def _sums(column: Column, known: ColumnReference, hours: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    found = np.zeros((size, 3))
    found[:, 0] = np.bincount(hours[(hours >= 0) & column.missing], minlength=size)
    if known.is_categorical:
        return found
    values = numbers_by_row(column)
    good = np.isfinite(values) & (hours >= 0)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = values[good] - (known.mean or 0.0)
        found[:, 1] = np.bincount(hours[good], weights=apart, minlength=size)
        found[:, 2] = np.bincount(hours[good], weights=apart * apart, minlength=size)
    return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def in_season(reference: Reference, rows: Mapping[int, int]) -> Reference:
    """The reference as the mixture of the hours that ``rows`` (hour → rows) came in; itself without seasons or rows.

    Its columns have the mixture's counts, moments, quartiles and missing values, and as many rows as the mixture is worth: its reference
    rows count unequally, and n is Kish's effective number of them. Names, edges, extremes and categories are the whole reference's.
    """
    seasons = reference.seasons
    if seasons is None or not rows:
        return reference
    weights = seasons.by_hour(rows) @ seasons.lending
    used = np.flatnonzero(weights)
    mine = weights[used]
    expected, squares = mine @ seasons.n[used], (mine * mine) @ seasons.n[used]
    worth = expected**2 / np.maximum(squares, 1e-300)
    scale = np.divide(worth, expected, out=np.zeros_like(worth), where=expected > 0)
    cells = (mine @ seasons.counts[used]) * np.repeat(scale, np.diff(seasons.starts))
    reached = np.concatenate(
        [[0], np.rint(np.cumsum(cells)).astype(np.int64)]
    )  # rounded as a whole: no cell is off by more than one
    counts, n = np.diff(reached), np.diff(reached[seasons.starts])
    sums = np.tensordot(mine, seasons.sums[used], axes=1)
    missing = np.rint(sums[:, 0] * scale).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        apart = sums[:, 1] / expected
        std = np.sqrt(np.maximum(sums[:, 2] / expected - apart * apart, 0.0))
    columns = dict(reference.columns)
    for at, name in enumerate(seasons.columns):
        if n[at] > 0:
            mixed = replace(
                columns[name],
                counts=counts[seasons.starts[at] : seasons.starts[at + 1]],
                n=int(n[at]),
                missing=int(missing[at]),
                invalid=0,
                non_finite=0,
            )
            columns[name] = mixed if mixed.mean is None else _with_moments(mixed, float(apart[at]), float(std[at]))
    return replace(reference, columns=columns)


def _with_moments(column: ColumnReference, apart: float, std: float) -> ColumnReference:
    mean = (column.mean or 0.0) + apart
    if not (math.isfinite(mean) and math.isfinite(std)):
        return column
    q1, q3 = _quartiles(column) or (column.q1, column.q3)
    return replace(column, mean=mean, std=std, q1=q1, q3=q3)


def _quartiles(column: ColumnReference) -> tuple[float, float] | None:
    """In the middle of their cells; None where one lies in an open end."""
    edges = column.edges
    if len(edges) < 2:
        return None
    low, high = np.searchsorted(np.cumsum(column.counts), [0.25 * column.n, 0.75 * column.n]).tolist()
    if low == 0 or high >= len(edges):
        return None
    return float((edges[low - 1] + edges[low]) / 2), float((edges[high - 1] + edges[high]) / 2)
