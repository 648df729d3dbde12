"""Running totals of traffic: what a counter and a histogram need, for signals look at windows only.

``TrafficTotals`` has the shape of a monitor: put it among the engine's monitors and it sees every batch, and survives restarts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.export import native
from neural.monitoring.export.family import Exemplar
from neural.monitoring.records import RecordBatch, TrafficBatch
from neural.monitoring.signal import Outcome, Signal, SignalSpec
from neural.monitoring.windows import Evaluation, weight_by_status

LATENCY_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds: OTel's bounds for http.server.request.duration, and four below, for models that answer in a millisecond."""
MAX_MODELS = 64
OTHER = "_other"
STORED_AS = "export.totals"
"""The store's key of the last snapshot, for ``neural monitor prometheus`` in another process."""
_EDGES: NDArray[np.float64] = np.array(LATENCY_BOUNDS)
_CELLS = len(LATENCY_BOUNDS) + 1
ModelKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """Totals of one model version, corrected for sampling. Frozen: a scrape on another thread sees one consistent state."""

    predictions: float = 0.0
    by_status: Mapping[str, float] = field(default_factory=dict[str, float])
    unparsed: Mapping[str, float] = field(default_factory=dict[str, float])
    server_errors: float = 0.0
    client_errors: float = 0.0
    latency_counts: tuple[float, ...] = (0.0,) * _CELLS
    latency_sum: float = 0.0  # seconds
    exemplars: tuple[Exemplar | None, ...] = (None,) * _CELLS
    native_cells: NDArray[np.float64] = field(default_factory=lambda: np.zeros(native.CELLS))  # the same latencies, finer
    verdicts: Mapping[str, float] = field(default_factory=dict[str, float])  # evaluations by the outcome of the drift verdict
    newest_trace: Exemplar | None = None  # of the traffic; its value is the latency
    drifting_trace: Exemplar | None = None  # a request of the last evaluation that found drift; its value is the drift score


class TrafficTotals:
    """Totals by model version. Written by the engine thread, read by any."""

    name = "export"
    specs: tuple[SignalSpec, ...] = ()

    def __init__(self) -> None:
        self._models: dict[ModelKey, ModelTotals] = {}

    def models(self) -> dict[ModelKey, ModelTotals]:
        return dict(self._models)

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        """No signals: totals are exported, not judged. The verdicts of the drift monitor, which has run before, are counted."""
        alarm = next((signal for signal in evaluation.earlier if signal.name == "drift.alarm" and signal.verdict), None)
        if alarm is not None and alarm.verdict is not None:
            score = next((signal.value for signal in evaluation.earlier if signal.name == "drift.score"), None)
            key = self._key(evaluation.model, evaluation.version)
            self._models[key] = _with_verdict(self._models.get(key, ModelTotals()), alarm.verdict.outcome, score)
        return ()

    def observe_traffic_at_once(self, batch: TrafficBatch) -> None:
        key = self._key(batch.model, batch.version)
        self._models[key] = _with_traffic(self._models.get(key, ModelTotals()), batch)

    def observe_rows_at_once(self, batch: RecordBatch) -> None:
        key = self._key(batch.model, batch.version)
        before = self._models.get(key, ModelTotals())
        rows = float(batch.weights.sum()) if batch.weights is not None else float(len(batch))
        self._models[key] = replace(before, predictions=before.predictions + rows)

    def snapshot(self) -> Mapping[str, Any]:
        """JSON-able. Exemplars are left out: they are about now."""
        return {"models": [[*key, _as_json(totals)] for key, totals in self._models.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._models = {(model, version): _from_json(body) for model, version, body in state["models"]}

    def _key(self, model: str, version: str) -> ModelKey:
        key = (model, version)
        return key if key in self._models or len(self._models) < MAX_MODELS else (OTHER, OTHER)


def _with_traffic(before: ModelTotals, batch: TrafficBatch) -> ModelTotals:
    if not len(batch):
        return replace(before, unparsed=_added(before.unparsed, _floats(batch.unparsed)))
    weights, latency, timed_weights = batch.weights, batch.latency_seconds, batch.weights
    timed = np.isfinite(latency) & (latency >= 0)
    if not timed.all():
        latency, timed_weights = latency[timed], weights[timed]
    cells = np.searchsorted(_EDGES, latency, side="left")
    counts = np.bincount(cells, weights=timed_weights, minlength=_CELLS)
    by_status = weight_by_status(batch.status, weights)
    client = weights[(batch.status >= 400) & (batch.status < 500) & ~batch.failed].sum() if max(by_status) >= 400 else 0.0
    return replace(
        before,
        by_status=_added(before.by_status, {str(code): weight for code, weight in by_status.items()}),
        unparsed=_added(before.unparsed, _floats(batch.unparsed)),
        server_errors=before.server_errors + float(weights[batch.failed].sum()),
        client_errors=before.client_errors + float(client),
        latency_counts=tuple((np.array(before.latency_counts) + counts).tolist()),
        latency_sum=before.latency_sum + float(latency @ timed_weights),
        exemplars=_exemplars(before.exemplars, batch, cells, np.flatnonzero(timed)) if batch.trace_ids else before.exemplars,
        native_cells=before.native_cells + np.bincount(native.cells_of(latency), weights=timed_weights, minlength=native.CELLS),
        newest_trace=_newest(batch) or before.newest_trace,
    )


def _floats(counts: Mapping[str, int]) -> dict[str, float]:
    return {reason: float(count) for reason, count in counts.items()}


def _with_verdict(before: ModelTotals, outcome: Outcome, score: float | None) -> ModelTotals:
    trace = before.drifting_trace
    if outcome is Outcome.BAD and score is not None and before.newest_trace is not None:
        trace = before.newest_trace._replace(value=score)
    return replace(before, verdicts=_added(before.verdicts, {outcome.value: 1.0}), drifting_trace=trace)


def _newest(batch: TrafficBatch) -> Exemplar | None:
    """The last request of the batch that has a trace."""
    for row in range(len(batch.trace_ids) - 1, -1, -1):
        if batch.trace_ids[row]:
            return Exemplar(batch.trace_ids[row], float(batch.latency_seconds[row]), float(batch.times[row]))
    return None


def _exemplars(
    before: tuple[Exemplar | None, ...], batch: TrafficBatch, cells: NDArray[np.intp], rows: NDArray[np.intp]
) -> tuple[Exemplar | None, ...]:
    """The newest traced request of each bucket."""
    after = list(before)
    for cell, row in zip(cells, rows, strict=True):
        trace_id = batch.trace_ids[int(row)]
        if trace_id:
            after[cell] = Exemplar(trace_id, float(batch.latency_seconds[row]), float(batch.times[row]))
    return tuple(after)


def _added(a: Mapping[str, float], b: Mapping[str, float]) -> dict[str, float]:
    merged = dict(a)
    for key, value in b.items():
        merged[key] = merged.get(key, 0.0) + value
    return merged


def _as_json(totals: ModelTotals) -> dict[str, Any]:
    return {
        "predictions": totals.predictions,
        "by_status": dict(totals.by_status),
        "unparsed": dict(totals.unparsed),
        "server_errors": totals.server_errors,
        "client_errors": totals.client_errors,
        "latency_counts": list(totals.latency_counts),
        "latency_sum": totals.latency_sum,
        "native": native.sparse(totals.native_cells),
        "verdicts": dict(totals.verdicts),
    }


def _from_json(body: Mapping[str, Any]) -> ModelTotals:
    counts = tuple(float(count) for count in body["latency_counts"])
    if len(counts) != _CELLS or "native" not in body:
        # Written by a release with other bounds: a counter that starts again is what Prometheus expects.
        return ModelTotals(predictions=float(body["predictions"]))
    known = {key: value for key, value in body.items() if key != "native"}
    return ModelTotals(**{**known, "latency_counts": counts, "native_cells": native.dense(body["native"])})
