"""A share of the rows, chosen by their prediction ids: every process and every replay chooses alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Coding, Column, RecordBatch

_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))  # splitmix64 (Steele, Lea and Flood 2014)
_LAST_SHIFT = 31
_MULTIPLIER = 0x9E3779B97F4A7C15
_BITS = 53  # of a double


def positions(ids: Iterable[str], count: int) -> NDArray[np.float64]:
    """Where each id stands in [0, 1), shape (count,): the same everywhere, and independent of what a model server's own sample kept.

    CRC-32 alone is linear: of a request's rows, whose ids differ in a number, it would choose by a pattern.
    """
    sums = np.fromiter((zlib.crc32(one.encode("utf-8", "surrogatepass")) for one in ids), np.uint64, count)
    mixed = (sums + np.uint64(1)) * np.uint64(_MULTIPLIER)
    for shift, factor in _STEPS:
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(_LAST_SHIFT)
    return (mixed >> np.uint64(64 - _BITS)) / 2.0**_BITS


def sampled_places(ids: Sequence[str], share: float) -> NDArray[np.intp]:
    """Which rows a sample of ``share`` keeps. Those of a smaller share are among those of a larger one."""
    return np.flatnonzero(positions(ids, len(ids)) < share)


def rows_at(batch: RecordBatch, places: NDArray[np.intp], share: float) -> RecordBatch:
    """The rows at these places; each stands for 1/``share`` of what it stood for."""
    weights = np.ones(len(batch)) if batch.weights is None else batch.weights
    return replace(
        batch,
        times=batch.times[places],
        row_ids=_picked(list(batch.row_ids), places),
        features={name: _column(column, places) for name, column in batch.features.items()},
        predictions=None if batch.predictions is None else _column(batch.predictions, places),
        probabilities={name: values[places] for name, values in batch.probabilities.items()},
        latency_seconds=None if batch.latency_seconds is None else batch.latency_seconds[places],
        weights=weights[places] / share,
        trace_ids=_picked(batch.trace_ids, places) if batch.trace_ids else (),
    )


def _picked(values: Sequence[Any], places: NDArray[np.intp]) -> list[Any]:
    return [values[at] for at in places.tolist()]


def _column(column: Column, places: NDArray[np.intp]) -> Column:
    return replace(
        column,
        values=column.values[places],
        missing=column.missing[places],
        invalid=None if column.invalid is None else column.invalid[places],
        coding=None if column.coding is None else Coding(column.coding.names, column.coding.codes[places]),
    )
