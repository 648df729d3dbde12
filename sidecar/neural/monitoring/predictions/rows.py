"""Rows of the log as Arrow: one flat column each, missing values null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from neural.monitoring.records import Coding, Column, Kind, RecordBatch
from neural.monitoring.row_ids import RowIds

FEATURE_PREFIX = "feature_"
PROBABILITY_PREFIX = "prob_"
TIME = pa.timestamp("us", tz="UTC")
_MICROSECONDS = 1e6


def arrow_rows(
    batch: RecordBatch,
    times: NDArray[np.float64],
    *,
    features: bool = True,
    labels: Sequence[str | None] | None = None,
    metadata: Sequence[str | None] | None = None,
) -> pa.RecordBatch:
    """Columns: prediction_id, time, latency_seconds, weight, prediction, [label], prob_<class> …, feature_<name> …, [metadata].

    ``times``: Unix seconds, finite. Numbers that are missing, invalid or NaN are null; infinities stay. ``weight``: how many predictions the
    row stands for, 1 where nothing is sampled (files of releases before may have null there, which means the same).
    """
    n = len(batch)
    columns: dict[str, pa.Array] = {
        "prediction_id": _ids(batch.row_ids),
        "time": pa.array(np.round(times * _MICROSECONDS).astype(np.int64), pa.int64()).view(TIME),
        "latency_seconds": _numbers(batch.latency_seconds, n),
        "weight": pa.array(np.ones(n)) if batch.weights is None else _numbers(batch.weights, n),
        "prediction": pa.nulls(n, pa.string()) if batch.predictions is None else arrow_column(batch.predictions),
    }
    if labels is not None:
        columns["label"] = pa.array(labels, pa.string())
    for name, values in batch.probabilities.items():
        columns[f"{PROBABILITY_PREFIX}{name}"] = _numbers(values, n)
    if features:
        for name, column in batch.features.items():
            columns[f"{FEATURE_PREFIX}{name}"] = arrow_column(column)
    if metadata is not None:
        columns["metadata"] = pa.array(metadata, pa.string())
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _ids(ids: Sequence[str]) -> pa.Array:
    if not isinstance(ids, RowIds):
        return pa.array(ids if isinstance(ids, list) else list(ids), pa.string())
    text, ends = ids.utf8()
    return pa.StringArray.from_buffers(len(ids), pa.py_buffer(ends), pa.py_buffer(text))


def arrow_column(column: Column) -> pa.Array:
    """float64 for numbers, bool, string for categories and text, list<float> for embeddings."""
    out = column.missing if column.invalid is None else column.missing | column.invalid
    if column.kind is Kind.NUMERIC:
        return _masked(column.values, out | np.isnan(column.values))
    if column.kind is Kind.BOOLEAN:
        unknown = out | np.isnan(column.values)
        return pa.array(np.where(unknown, 0.0, column.values) != 0, pa.bool_(), mask=unknown)
    if column.kind is Kind.EMBEDDING:
        rows: list[Any] = [None if gone else row for gone, row in zip(out, column.values, strict=True)]
        return pa.array(rows, pa.list_(pa.float32()))
    if column.coding is not None and column.invalid is None:
        return _coded(column.coding)
    values = column.values
    if out.any():
        values = values.copy()
        values[out] = None
    return _words(values)


def _coded(coding: Coding) -> pa.Array:
    """Not through Arrow's own cast: that loads pyarrow.compute, which a sidecar otherwise needs for nothing and which holds 17 MiB."""
    return pa.array(np.array(coding.names, dtype=object)[coding.codes], pa.string())


def _words(values: NDArray[Any]) -> pa.Array:
    """No mask: with one, Arrow takes six times as long."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in values.tolist()], pa.string())


def _numbers(values: NDArray[np.float64] | None, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, pa.float64())
    return _masked(values, np.isnan(values))


def _masked(values: NDArray[np.float64], gone: NDArray[np.bool_]) -> pa.Array:
    """Without a mask Arrow takes the numbers as they lie in memory."""
    return pa.array(values, pa.float64(), mask=gone) if gone.any() else pa.array(values, pa.float64())
