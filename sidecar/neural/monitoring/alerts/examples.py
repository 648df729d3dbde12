"""Recent requests and rows that show what an alert is about: ids a person can look up, and their traces.

It has the shape of a monitor: put among the engine's monitors it sees every batch. It keeps references to the newest batches only,
so it copies nothing on the way, and starts empty after a restart (the replayed journal fills it).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neural.monitoring.alerts.moved_rows import rows_in_bin
from neural.monitoring.records import PREDICTION, Column, LabelledBatch, RecordBatch, TrafficBatch
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.windows.evaluation import Evaluation
from neural.monitoring.windows.reference import Reference

MOST_EXAMPLES = 5
_MOST_MODELS = 64
_MOST_ROWS = 2000
"""Rows of one model version looked through."""
_KEPT = 32
_A_BATCH = 4
_A_FEATURE = 3
Example = dict[str, Any]
"""{"row_id", "trace_id" where known, "why"}"""


@dataclass(slots=True)
class _Recent:
    """The newest of one model version, newest last."""

    failed: deque[Example] = field(default_factory=lambda: deque[Example](maxlen=_KEPT))
    slow: deque[tuple[float, Example]] = field(default_factory=lambda: deque[tuple[float, Example]](maxlen=_KEPT))
    wrong: deque[Example] = field(default_factory=lambda: deque[Example](maxlen=_KEPT))
    batches: deque[RecordBatch] = field(default_factory=deque[RecordBatch])
    reference: Reference | None = None


class Examples:
    """Observes batches; ``of`` answers for an alert. Used by the engine thread alone."""

    name = "examples"
    specs: tuple[SignalSpec, ...] = ()

    def __init__(self) -> None:
        self._recent: dict[tuple[str, str], _Recent] = {}

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        """Nothing: examples go into alerts."""
        recent = self._of(evaluation.model, evaluation.version)
        if recent is not None:
            recent.reference = evaluation.reference
        return ()

    def observe_traffic(self, batch: TrafficBatch) -> None:
        recent = self._of(batch.model, batch.version)
        if recent is None or not batch.request_ids or not len(batch):
            return
        for at in np.flatnonzero(batch.failed)[-_A_BATCH:].tolist():
            recent.failed.append(_request(batch, at, f"status {int(batch.status[at])}"))
        for at in np.argsort(batch.latency_seconds)[-_A_BATCH:].tolist():
            seconds = float(batch.latency_seconds[at])
            recent.slow.append((seconds, _request(batch, at, f"{seconds:.3g} s")))

    def observe_rows(self, batch: RecordBatch) -> None:
        recent = self._of(batch.model, batch.version)
        if recent is not None and len(batch):
            recent.batches.append(batch)
            while len(recent.batches) > 1 and sum(map(len, recent.batches)) > _MOST_ROWS:
                recent.batches.popleft()

    def observe_labels(self, batch: LabelledBatch) -> None:
        recent = self._of(batch.model, batch.version)
        if recent is None or batch.labels.dtype.kind == "f":
            return
        for at in [at for at in range(len(batch)) if batch.labels[at] != batch.predictions[at]][-_A_BATCH:]:
            why = f"predicted {batch.predictions[at]}, was {batch.labels[at]}"
            recent.wrong.append({"row_id": batch.row_ids[at], "why": why})

    def of(self, families: Sequence[str], model: str, version: str, details: Mapping[str, Any]) -> list[Example]:
        """At most five, newest first. ``families``: what the rule's signals are about; ``details`` the verdict's evidence."""
        versions = [
            recent
            for (of_model, of_version), recent in self._recent.items()
            if model in ("", of_model) and version in ("", of_version)
        ]
        found: list[Example] = []
        for look in dict.fromkeys(_LOOKS[family] for family in families if family in _LOOKS):
            for recent in versions:
                found.extend(look(recent, details))
        return list({one["row_id"]: one for one in found}.values())[:MOST_EXAMPLES]

    def _of(self, model: str, version: str) -> _Recent | None:
        key = (model, version)
        if key not in self._recent and len(self._recent) < _MOST_MODELS:
            self._recent[key] = _Recent()
        return self._recent.get(key)


def _request(batch: TrafficBatch, at: int, why: str) -> Example:
    trace = batch.trace_ids[at] if batch.trace_ids else ""
    return {"row_id": batch.request_ids[at], **({"trace_id": trace} if trace else {}), "why": why}


def _failed(recent: _Recent, details: Mapping[str, Any]) -> Iterator[Example]:
    del details
    yield from reversed(recent.failed)


def _slow(recent: _Recent, details: Mapping[str, Any]) -> Iterator[Example]:
    del details
    yield from (example for _, example in sorted(recent.slow, key=lambda pair: -pair[0]))


def _wrong(recent: _Recent, details: Mapping[str, Any]) -> Iterator[Example]:
    del details
    yield from reversed(recent.wrong)


def _bad_rows(recent: _Recent, details: Mapping[str, Any]) -> Iterator[Example]:
    """The rows that quality's own findings name."""
    traces = _traces(recent)
    for finding in details.get("findings", ()):
        for row_id in finding.get("row_ids", ()):
            yield _row(row_id, traces, f"{finding['column']}: {finding['kind']}")


def _moved_rows(recent: _Recent, details: Mapping[str, Any]) -> Iterator[Example]:
    """Rows in the bin that grew most, of each feature that drifted."""
    traces = _traces(recent)
    for told in details.get("features", ()):
        grown = next((one for one in told.get("moved", ()) if one["change"] > 0), None)
        if grown is None:
            continue
        for row_id in _rows_in(recent, str(told["feature"]), str(grown["bin"])):
            yield _row(row_id, traces, f"{told['feature']}: {grown['bin']}")


def _rows_in(recent: _Recent, feature: str, bin_label: str) -> list[str]:
    reference = recent.reference.columns.get(feature) if recent.reference is not None else None
    found: list[str] = []
    for batch in reversed(recent.batches):
        column = _column(batch, feature)
        if column is not None:
            inside = np.flatnonzero(rows_in_bin(column, bin_label, reference))[::-1]
            found.extend(str(batch.row_ids[int(at)]) for at in inside[: _A_FEATURE - len(found)])
        if len(found) == _A_FEATURE:
            break
    return found


def _column(batch: RecordBatch, feature: str) -> Column | None:
    return batch.predictions if feature == PREDICTION else batch.features.get(feature)


def _traces(recent: _Recent) -> dict[str, str]:
    return {
        row_id: trace
        for batch in recent.batches
        if batch.trace_ids
        for row_id, trace in zip(batch.row_ids, batch.trace_ids, strict=True)
        if trace
    }


def _row(row_id: str, traces: Mapping[str, str], why: str) -> Example:
    return {"row_id": row_id, **({"trace_id": traces[row_id]} if row_id in traces else {}), "why": why}


_Look = Callable[[_Recent, Mapping[str, Any]], Iterator[Example]]
_LOOKS: Mapping[str, _Look] = {
    "error_rate": _failed,
    "client_error_rate": _failed,
    "latency": _slow,
    "performance": _wrong,
    "quality": _bad_rows,
    "drift": _moved_rows,
}
