"""Requests as traffic: every one counts, decoded or not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import TrafficBatch
from neural.wire.event import CaptureEvent, Outcome
from neural.wire.event import Protocol as Transport

NANOSECONDS: Final = 1e9  # in a second
ModelVersion = tuple[str, str]
_GRPC_OK: Final = 0


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
    """Inverse sampling fractions; a fraction that makes no sense counts as 1."""
    fractions = np.array([event.sampling_fraction for event in events], dtype=np.float64)
    return 1.0 / np.where((fractions > 0) & (fractions <= 1), fractions, 1.0)


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
    traces = [trace_id(event.traceparent) for event in events]
    return TrafficBatch(
        model=key[0],
        version=key[1],
        times=seconds([event.started_unix_ns for event in events]),
        latency_seconds=seconds([event.duration_ns for event in events]),
        status=np.array([http_status(event) for event in events], dtype=np.int32),
        failed=np.array([event.failed for event in events], dtype=np.bool_),
        weights=weights_of(events),
        unparsed=dict(unparsed),
        trace_ids=traces if any(traces) else (),
    )
