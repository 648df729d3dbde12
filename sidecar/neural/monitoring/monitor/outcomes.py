"""True outcomes in the Python API: predictions wait for their labels and labels for their predictions, joined and added up as in the sidecar."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from neural.monitoring.clock import Clock
from neural.monitoring.errors import DataError
from neural.monitoring.performance import Label, LabelJoiner, PerformanceMonitor, PerformanceSettings, class_name
from neural.monitoring.predictions.batching import record_batch
from neural.monitoring.predictions.record import PredictionRecord
from neural.monitoring.records import PREDICTION, Column, Kind, LabelledBatch, RecordBatch
from neural.monitoring.signal import Signal
from neural.monitoring.store import Store
from neural.monitoring.windows import Evaluation, Reference, Window
from neural.monitoring.windows.traffic import TrafficPane

Labels = Mapping[str, Any] | Iterable[Mapping[str, Any] | Sequence[Any]]
"""id → label, or an iterable of {"id", "label", "time"} or (id, label) pairs."""

ROWS_AT_ONCE = 1_000  # predictions gathered before they are handed to the join
WINDOW_SECONDS = 7 * 86_400.0
_BLOB = "outcomes"


class Outcomes:
    """Of one model version. What waits survives a restart by way of ``keep``. One thread at a time."""

    def __init__(self, model: str, version: str, clock: Clock, settings: PerformanceSettings | None = None) -> None:
        self._model, self._version, self._clock = model, version, clock
        self.settings = settings or PerformanceSettings(window=WINDOW_SECONDS)
        self._joiner, self._monitor = LabelJoiner(self.settings), PerformanceMonitor(self.settings)
        self._waiting: list[PredictionRecord] = []
        self.reference_performance: Mapping[str, float] = {}
        self._is_regression = self.settings.task == "regression"

    def predicted(self, record: PredictionRecord) -> list[LabelledBatch]:
        """Remember a prediction; its ground truth, where it has one, is its label."""
        self._waiting.append(record)
        if record.ground_truth is not None:
            return self.told({record.prediction_id: record.ground_truth})
        return self._flush() if len(self._waiting) >= ROWS_AT_ONCE else []

    def told(self, labels: Labels) -> list[LabelledBatch]:
        """Labels, late or early, repeated or corrected; returns the rows that became matched. Raises DataError for what is no label."""
        now = self._clock()
        found = self._flush()
        matched = self._joiner.add_labels([_label(item, now) for item in _items(labels)])
        for batch in matched:
            self._monitor.observe_labels(batch)
        return [*found, *matched]

    def _flush(self) -> list[LabelledBatch]:
        records, self._waiting = self._waiting, []
        if not records:
            return []
        batch = self._with_task(record_batch(records, self._model, self._version)[0], records)
        self._monitor.observe_rows(batch)
        matched = self._joiner.observe_rows(batch)
        for labelled in matched:
            self._monitor.observe_labels(labelled)
        return matched

    def _with_task(self, batch: RecordBatch, records: Sequence[PredictionRecord]) -> RecordBatch:
        """Whole numbers, booleans and words are classes, as in the sidecar's decoders; once a fraction has come, numbers are numbers."""
        made = [record.prediction for record in records]
        fractions = any(isinstance(one, float) and math.isfinite(one) and not one.is_integer() for one in made)
        self._is_regression = self._is_regression or (fractions and self.settings.task == "auto" and not batch.probabilities)
        if self._is_regression or batch.predictions is None:
            return batch
        missing = np.array([one is None for one in made], dtype=np.bool_)
        names = np.empty(len(made), dtype=object)
        names[:] = [None if one is None else class_name(one) for one in made]
        return replace(batch, predictions=Column(PREDICTION, Kind.CATEGORICAL, names, missing))

    def counts(self) -> dict[str, float]:
        """matched, corrected, repeated, waiting, pending … since the start."""
        return self._joiner.stats()

    def signals(self) -> list[Signal]:
        """The performance signals as they stand."""
        self._flush()
        now, length = self._clock(), self.settings.window or WINDOW_SECONDS
        self._joiner.expire(now)
        window = Window(now - length, now)
        reference = Reference({}, 0, "reference data", now, self.reference_performance) if self.reference_performance else None
        return list(
            self._monitor.evaluate(Evaluation(self._model, self._version, now, length, window, window, TrafficPane(), reference))
        )

    def keep(self, store: Store) -> None:
        self._flush()
        body = {"joiner": self._joiner.snapshot(), "monitor": self._monitor.snapshot(), "regression": self._is_regression}
        store.put_blob(_BLOB, f"{self._model}:{self._version}", orjson.dumps(body), time=self._clock())

    def resume(self, store: Store) -> None:
        """What an earlier process kept; nothing where there is none, or where it can't be read."""
        data = store.blob(_BLOB, f"{self._model}:{self._version}")
        if data is None:
            return
        body = orjson.loads(data)
        self._joiner.restore(body["joiner"])
        self._monitor.restore(body["monitor"])
        self._is_regression = bool(body["regression"])


def _items(labels: Labels) -> Iterable[tuple[Any, Any, Any]]:
    if isinstance(labels, Mapping):
        yield from ((row_id, label, None) for row_id, label in labels.items())
        return
    for item in labels:
        if isinstance(item, Mapping):
            if "id" not in item or "label" not in item:
                raise DataError(f'a label needs "id" and "label": {sorted(map(str, item))}')
            yield item["id"], item["label"], item.get("time")
        elif isinstance(item, str) or len(item) not in (2, 3):
            raise DataError(f"a label is (id, label), (id, label, time) or a dict, not {type(item).__name__}")
        else:
            yield item[0], item[1], item[2] if len(item) == 3 else None


def _label(item: tuple[Any, Any, Any], now: float) -> Label:
    row_id, label, time = item
    if hasattr(label, "item"):
        label = label.item()  # a NumPy scalar
    if not isinstance(label, str | int | float | bool):
        raise DataError(f"label of {row_id!r}: a text, a number or true/false, not {type(label).__name__}")
    return Label(str(row_id), label, now if time is None else float(time))
