"""Logged predictions as rows in columns."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from neural.monitoring.predictions.record import PredictionRecord
from neural.monitoring.records import PREDICTION, Column, RecordBatch
from neural.monitoring.windows.columns import column_of, columns_from

MAX_METADATA_CHARACTERS = 64 * 1024


def record_batch(
    records: Sequence[PredictionRecord], model: str, version: str
) -> tuple[RecordBatch, list[str | None] | None, list[str | None] | None]:
    """The batch, its labels, and its metadata as JSON (None where no record has any)."""
    labels = [None if record.ground_truth is None else str(record.ground_truth) for record in records]
    metadata = [_json(record.metadata) for record in records]
    batch = RecordBatch(
        model=model,
        version=version,
        times=np.array([record.timestamp for record in records], dtype=np.float64),
        row_ids=[record.prediction_id for record in records],
        features=columns_from([dict(record.input_features) for record in records]),
        predictions=_predictions(records),
        probabilities={
            name: np.array([record.prediction_proba.get(name, math.nan) for record in records], dtype=np.float64)
            for name in dict.fromkeys(name for record in records for name in record.prediction_proba)
        },
        latency_seconds=np.array([record.latency_ms / 1000 for record in records], dtype=np.float64),
        weights=np.array([record.weight for record in records], dtype=np.float64),
    )
    return (
        batch,
        labels if any(label is not None for label in labels) else None,
        metadata if any(text is not None for text in metadata) else None,
    )


def _predictions(records: Sequence[PredictionRecord]) -> Column:
    """Lists (several outputs) are kept as JSON text."""
    values = [_json_list(record.prediction) for record in records]
    return column_of(PREDICTION, values)


def _json_list(value: Any) -> Any:
    return json.dumps(value, default=str) if isinstance(value, list | tuple | dict) else value


def _json(metadata: Any) -> str | None:
    if not metadata:
        return None
    text = json.dumps(metadata, default=str)
    return text if len(text) <= MAX_METADATA_CHARACTERS else json.dumps({"_too_long_characters": len(text)})
