"""Small batches gathered into large ones: what a room does once a batch costs as much for 256 rows as for 4,096.

What is gathered, and when it is let go, depends on the entries alone, never on the clock or the queue: a replay gathers as the first run did.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from neural.monitoring.records import Coding, Column, RecordBatch, TrafficBatch
from neural.monitoring.row_ids import joined_ids

MAX_ROWS = 4_096
MAX_VALUES = 262_144  # rows times columns: bounds memory where rows are wide; 2,600 rows of 100 columns


Batch = TypeVar("Batch", RecordBatch, TrafficBatch)


@dataclass(slots=True)
class Gatherer(Generic[Batch]):
    """``take`` is given the batches of one layout as one, in the order in which layouts came up.

    ``layout``: what two batches must share to be joined; ``join`` joins them.
    """

    take: Callable[[Batch], None]
    layout: Callable[[Batch], tuple[Any, ...]]
    join: Callable[[Sequence[Batch]], Batch]
    _waiting: dict[tuple[Any, ...], list[Batch]] = field(default_factory=dict[tuple[Any, ...], list[Batch]])
    _rows: int = 0
    _values: int = 0

    def add(self, batch: Batch, width: int = 1) -> None:
        """Keep the batch for later, or let all go when enough wait. ``width``: values in a row."""
        self._waiting.setdefault(self.layout(batch), []).append(batch)
        self._rows += len(batch)
        self._values += len(batch) * width
        if self._rows >= MAX_ROWS or self._values >= MAX_VALUES:
            self.settle()

    def settle(self) -> None:
        """Let go of everything that waits."""
        waiting, self._waiting, self._rows, self._values = self._waiting, {}, 0, 0
        for batches in waiting.values():
            self.take(batches[0] if len(batches) == 1 else self.join(batches))


def row_layout(batch: RecordBatch) -> tuple[Any, ...]:
    """Model, version, and every column with its kind and width."""
    made = batch.predictions
    return (
        batch.model,
        batch.version,
        batch.decoder,
        tuple([(name, column.kind, column.values.shape[1:]) for name, column in batch.features.items()]),
        None if made is None else (made.name, made.kind),
        tuple(batch.probabilities),
        batch.latency_seconds is None,
        batch.weights is None,
        bool(batch.trace_ids),
    )


def row_width(batch: RecordBatch) -> int:
    """Feature values in a row, and one more."""
    return 1 + sum(math.prod(column.values.shape[1:]) for column in batch.features.values())


def traffic_layout(batch: TrafficBatch) -> tuple[Any, ...]:
    """Model, version, and whether requests are traced and named."""
    return batch.model, batch.version, bool(batch.trace_ids), bool(batch.request_ids)


def joined_traffic(batches: Sequence[TrafficBatch]) -> TrafficBatch:
    """Batches of one layout as one, in their order."""
    unparsed: Counter[str] = Counter()
    for batch in batches:
        unparsed.update(batch.unparsed)
    return TrafficBatch(
        batches[0].model,
        batches[0].version,
        np.concatenate([batch.times for batch in batches]),
        np.concatenate([batch.latency_seconds for batch in batches]),
        np.concatenate([batch.status for batch in batches]),
        np.concatenate([batch.failed for batch in batches]),
        np.concatenate([batch.weights for batch in batches]),
        dict(unparsed),
        [trace for batch in batches for trace in batch.trace_ids],
        [request for batch in batches for request in batch.request_ids],
    )


def joined_rows(batches: Sequence[RecordBatch]) -> RecordBatch:
    """Batches of one layout as one, in their order."""
    first = batches[0]
    return RecordBatch(
        model=first.model,
        version=first.version,
        times=np.concatenate([batch.times for batch in batches]),
        row_ids=joined_ids([batch.row_ids for batch in batches]),
        features={name: _column([batch.features[name] for batch in batches]) for name in first.features},
        predictions=None if first.predictions is None else _column([batch.predictions for batch in batches]),
        probabilities={name: np.concatenate([batch.probabilities[name] for batch in batches]) for name in first.probabilities},
        latency_seconds=None
        if first.latency_seconds is None
        else np.concatenate([_given(one.latency_seconds) for one in batches]),
        weights=None if first.weights is None else np.concatenate([_given(one.weights) for one in batches]),
        decoder=first.decoder,
        trace_ids=[trace for batch in batches for trace in batch.trace_ids],
    )


def _column(parts: Sequence[Column | None]) -> Column:
    columns = [_given(part) for part in parts]
    invalid = None
    if any(column.invalid is not None for column in columns):
        invalid = np.concatenate([np.zeros(len(one), dtype=np.bool_) if one.invalid is None else one.invalid for one in columns])
    return Column(
        columns[0].name,
        columns[0].kind,
        np.concatenate([column.values for column in columns]),
        np.concatenate([column.missing for column in columns]),
        invalid,
        _coding([column.coding for column in columns]),
    )


def _coding(parts: Sequence[Coding | None]) -> Coding | None:
    """None unless every part has one."""
    codings = [part for part in parts if part is not None]
    if len(codings) < len(parts):
        return None
    names = dict.fromkeys(name for coding in codings for name in coding.names)
    places = {name: place for place, name in enumerate(names)}
    codes = [np.array([places[name] for name in coding.names], dtype=np.intp)[coding.codes] for coding in codings]
    return Coding(tuple(names), np.concatenate(codes))


def _given(value: Any) -> Any:
    """The layout says that it is there."""
    assert value is not None
    return value
