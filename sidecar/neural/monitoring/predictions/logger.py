"""The prediction logger of the Python API: batched, sampled, safe to call from many threads."""

from __future__ import annotations

import math
import threading
import uuid
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import DataError
from neural.monitoring.predictions.batching import record_batch
from neural.monitoring.predictions.log import PredictionLog
from neural.monitoring.predictions.record import PredictionRecord
from neural.monitoring.predictions.sampling import positions
from neural.monitoring.predictions.settings import PredictionLogSettings

FOLDER = "predictions"  # within the storage path
KEPT_RECORDS = 10_000  # in memory, for the analyzer


class PredictionLogger:
    """Writes predictions to ``<storage_path>/predictions`` as Parquet; without a path they stay in memory.

    ``batch_size`` rows are written at once; what waits is written by ``flush``, ``close`` and at exit. An hour becomes Parquet when it is
    over, and when the logger is closed or the process exits; until then our own readers see it. ``sampling_rate``: the share that is
    kept, chosen by the prediction id, so that every process chooses alike; kept rows carry the inverse as their weight. (``sampling`` of the
    settings multiplies it.)
    """

    def __init__(
        self,
        storage_path: str | Path | None = None,
        batch_size: int = 100,
        sampling_rate: float = 1.0,
        *,
        model: str = "default",
        version: str = "1.0",
        settings: PredictionLogSettings | None = None,
        clock: Clock = system_clock,
    ) -> None:
        if batch_size < 1:
            raise DataError(f"batch_size is {batch_size}; it must be at least 1")
        if not 0 <= sampling_rate <= 1:
            raise DataError(f"sampling_rate is {sampling_rate}; it must be between 0 and 1")
        settings = settings or PredictionLogSettings()
        self.batch_size, self.sampling_rate = int(batch_size), float(sampling_rate) * settings.sampling
        self.path = None if storage_path is None else Path(storage_path) / FOLDER
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[PredictionRecord] = deque(maxlen=KEPT_RECORDS)
        self._seen = 0
        whole = settings.model_copy(update={"sampling": 1.0})  # what is chosen is chosen here, once
        log = None if self.path is None else PredictionLog(self.path, whole, clock, writer=f"api{uuid.uuid4().hex[:12]}")
        self._sink = _Sink(log, model, version, clock)
        weakref.finalize(self, self._sink.close)  # also at exit

    def log_prediction(
        self,
        prediction_id: str,
        input_features: Mapping[str, Any],
        prediction: Any,
        prediction_proba: Any = None,
        ground_truth: Any = None,
        latency_ms: float = 0.0,
        metadata: Mapping[str, Any] | None = None,
    ) -> bool:
        """Log one prediction; True when the sample takes it. ``prediction_proba``: class → probability, a list of them, or one number."""
        if not isinstance(input_features, Mapping):
            raise DataError(f"input_features is {type(input_features).__name__}; a dict of features by name is needed")
        with self._lock:
            self._seen += 1
            if not self._chosen(str(prediction_id)):
                return False
            record = PredictionRecord(
                prediction_id=str(prediction_id),
                timestamp=self._clock(),
                input_features=dict(input_features),
                prediction=_plain(prediction),
                prediction_proba=_probabilities(prediction_proba),
                ground_truth=_plain(ground_truth),
                latency_ms=_latency(latency_ms),
                metadata=dict(metadata or {}),
                weight=1.0 / self.sampling_rate,
            )
            self._recent.append(record)
            self._sink.waiting.append(record)
            if len(self._sink.waiting) >= self.batch_size:
                self._sink.write(record.timestamp)
            return True

    def _chosen(self, prediction_id: str) -> bool:
        return self.sampling_rate >= 1 or bool(positions((prediction_id,), 1)[0] < self.sampling_rate)

    def update_ground_truth(self, prediction_id: str, ground_truth: Any) -> bool:
        """Give a recent prediction its outcome, for the analyzer; False when it is not among the recent ones."""
        with self._lock:
            for at in range(len(self._recent) - 1, -1, -1):
                record = self._recent[at]
                if record.prediction_id == str(prediction_id):
                    self._recent[at] = replace(record, ground_truth=_plain(ground_truth))
                    self._sink.replace(record, self._recent[at])
                    return True
        return False

    def get_recent_predictions(self, n: int = 100) -> list[PredictionRecord]:
        """The last ``n``, oldest first; at most the ``KEPT_RECORDS`` in memory."""
        with self._lock:
            return list(self._recent)[-n:] if n > 0 else []

    @property
    def total_predictions(self) -> int:
        """Calls of ``log_prediction``, sampled or not."""
        return self._seen

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._sink.write(self._clock())

    def close(self) -> None:
        """Write what waits, all of it as Parquet. What is logged after it goes to new files."""
        with self._lock:
            self._sink.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Sink:
    """What outlives the logger until its rows are written."""

    def __init__(self, log: PredictionLog | None, model: str, version: str, clock: Clock) -> None:
        self._log, self._model, self._version, self._clock = log, model, version, clock
        self.waiting: list[PredictionRecord] = []

    def replace(self, old: PredictionRecord, new: PredictionRecord) -> None:
        for at, record in enumerate(self.waiting):
            if record is old:
                self.waiting[at] = new

    def write(self, now: float) -> None:
        records, self.waiting = self.waiting, []
        if self._log is None or not records:
            return
        batch, labels, metadata = record_batch(records, self._model, self._version)
        self._log.append(batch, labels=labels, metadata=metadata)
        self._log.roll(now)
        self._log.checkpoint()

    def close(self) -> None:
        now = self._clock()
        self.write(now)
        if self._log is None:
            return
        self._log.roll(now, unfinished=True)  # nobody else would: each logger is a writer of its own
        for _ in range(2):  # no restart takes this log back to a checkpoint: the segments can go
            self._log.checkpoint()
        self._log.close()


def _plain(value: Any) -> Any:
    """NumPy scalars and one-element arrays as Python values."""
    if hasattr(value, "tolist"):
        value = value.tolist()
        while isinstance(value, list) and len(value) == 1:
            value = value[0]
    return value


def _latency(value: Any) -> float:
    number = float(value)
    return number if math.isfinite(number) and number >= 0 else 0.0


def _probabilities(given: Any) -> dict[str, float]:
    given = _plain(given)
    if given is None:
        return {}
    if isinstance(given, Mapping):
        named: Iterable[tuple[Any, Any]] = given.items()
    elif isinstance(given, list | tuple):
        named = enumerate(given)
    else:
        named = [("1", given)]
    return {str(name): number for name, value in named if math.isfinite(number := float(value))}
