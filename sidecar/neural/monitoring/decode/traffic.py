"""Requests as traffic: every one counts, decoded or not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import TrafficBatch
from neural.wire.event import CaptureEvent, Outcome
from neural.wire.event import Protocol as Transport
from neural.wire.table import EventTable, Same

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


def numbers(column: Sequence[Any], kind: type[np.generic]) -> NDArray[Any]:
    """A column of numbers as an array."""
    return np.full(len(column), column.value, dtype=kind) if isinstance(column, Same) else np.array(column, dtype=kind)


def seconds(nanoseconds: Sequence[int]) -> NDArray[np.float64]:
    return np.asarray(numbers(nanoseconds, np.int64) / NANOSECONDS)


def trace_id(traceparent: str) -> str:
    """The 32 hex digits of a W3C traceparent, "" when there is none."""
    return traceparent[3:35] if len(traceparent) >= 55 else ""


def traffic_batches(
    table: EventTable, keys: Sequence[ModelVersion], unparsed: Mapping[ModelVersion, Counter[str]]
) -> list[TrafficBatch]:
    """One batch for each model version, in order of appearance. ``keys``: that of each event."""
    if isinstance(keys, Same):
        return [_traffic(keys.value, table, unparsed.get(keys.value, Counter()))]
    by_model: defaultdict[ModelVersion, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        by_model[key].append(place)
    return [_traffic(key, table.take(places), unparsed.get(key, Counter())) for key, places in by_model.items()]


def _traffic(key: ModelVersion, table: EventTable, unparsed: Counter[str]) -> TrafficBatch:
    traceparents = table.column("traceparent")
    traces = [] if isinstance(traceparents, Same) and not traceparents.value else list(map(trace_id, traceparents))
    status, failed = _answers(table)
    return TrafficBatch(
        model=key[0],
        version=key[1],
        times=seconds(table.column("started_unix_ns")),
        latency_seconds=seconds(table.column("duration_ns")),
        status=status,
        failed=failed,
        weights=weights_of(table),
        unparsed=dict(unparsed),
        trace_ids=traces if any(traces) else (),
        request_ids=table.column("prediction_id"),
    )


def _answers(table: EventTable) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """(status of each event, whether it failed)."""
    status = numbers(table.column("status"), np.int32)
    http = table.column("protocol").count(Transport.HTTP) == len(table)
    if http and table.column("outcome").count(Outcome.COMPLETED) == len(table) and status.all():
        return status, np.asarray(status >= _SERVER_FAULT)  # HTTP requests with a whole response: no need to look at each
    events = list(table)
    return np.array(list(map(http_status, events)), dtype=np.int32), np.array([one.failed for one in events], dtype=np.bool_)


def weights_of(table: EventTable) -> NDArray[np.float64]:
    """Inverse sampling fractions; a fraction that makes no sense counts as 1."""
    known = numbers(table.column("sampling_fraction"), np.float64)
    return np.asarray(1.0 / np.where((known > 0) & (known <= 1), known, 1.0))
