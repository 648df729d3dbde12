"""Requests as traffic: every one counts, decoded or not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import TrafficBatch
from neural.wire.event import CaptureEvent, Outcome
from neural.wire.event import Protocol as Transport

NANOSECONDS: Final = 1e9  # in a second
ModelVersion = tuple[str, str]
_GRPC_OK: Final = 0
_SERVER_FAULT: Final = 500  # HTTP statuses from here on


def http_status(event: CaptureEvent) -> int:
    """The status as records.py counts it: gRPC 0 → 200, server faults → 500, others → 400; no HTTP status → 500 or 499."""
    if event.protocol is Transport.GRPC and event.grpc_status >= 0:
        if event.grpc_status == _GRPC_OK:
            return 200
        return 500 if event.failed else 400
    if event.status:
        return event.status
    if event.failed:
        return 500
    return 499 if event.outcome is Outcome.DISCONNECTED else 0


def seconds(nanoseconds: Sequence[int]) -> NDArray[np.float64]:
    return np.array(nanoseconds, dtype=np.int64) / NANOSECONDS


def weights_of(events: Sequence[CaptureEvent]) -> NDArray[np.float64]:
    return _weights([event.sampling_fraction for event in events])


def trace_id(traceparent: str) -> str:
    """The 32 hex digits of a W3C traceparent, "" when there is none."""
    return traceparent[3:35] if len(traceparent) >= 55 else ""


def traffic_batches(
    events: Iterable[tuple[ModelVersion, CaptureEvent]], unparsed: Mapping[ModelVersion, Counter[str]]
) -> list[TrafficBatch]:
    """One batch for each model version, in order of appearance."""
    by_model: defaultdict[ModelVersion, list[CaptureEvent]] = defaultdict(list)
    for key, event in events:
        by_model[key].append(event)
    return [_traffic(key, members, unparsed.get(key, Counter())) for key, members in by_model.items()]


def _traffic(key: ModelVersion, events: list[CaptureEvent], unparsed: Counter[str]) -> TrafficBatch:
    columns: Any = CaptureEvent._make(zip(*events, strict=True))  # a column for each field
    traces = list(map(trace_id, columns.traceparent)) if any(columns.traceparent) else []
    status = _statuses(columns, events)
    return TrafficBatch(
        model=key[0],
        version=key[1],
        times=seconds(columns.started_unix_ns),
        latency_seconds=seconds(columns.duration_ns),
        status=status,
        failed=_failures(columns, events, status),
        weights=_weights(columns.sampling_fraction),
        unparsed=dict(unparsed),
        trace_ids=traces if any(traces) else (),
        request_ids=columns.prediction_id,
    )


def _all_answered(columns: Any, rows: int) -> bool:
    """True when every event is an HTTP request with a whole response: no need to look at each."""
    http = columns.protocol.count(Transport.HTTP) == rows
    return bool(http and columns.outcome.count(Outcome.COMPLETED) == rows and columns.status.count(0) == 0)


def _statuses(columns: Any, events: list[CaptureEvent]) -> NDArray[np.int32]:
    if _all_answered(columns, len(events)):
        return np.array(columns.status, dtype=np.int32)
    return np.array(list(map(http_status, events)), dtype=np.int32)


def _failures(columns: Any, events: list[CaptureEvent], status: NDArray[np.int32]) -> NDArray[np.bool_]:
    if _all_answered(columns, len(events)):
        return np.asarray(status >= _SERVER_FAULT)
    return np.array([event.failed for event in events], dtype=np.bool_)


def _weights(fractions: Sequence[float]) -> NDArray[np.float64]:
    """Inverse sampling fractions; a fraction that makes no sense counts as 1."""
    known = np.array(fractions, dtype=np.float64)
    return np.asarray(1.0 / np.where((known > 0) & (known <= 1), known, 1.0))
