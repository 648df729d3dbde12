"""Head sampling that every process decides alike: by trace id, else by prediction id. Errors and slow requests are always kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from neural.capture.record import RawHeaders, Record
from neural.capture.settings import Settings
from neural.wire.event import Outcome, Protocol

_TRACEPARENT: Final = frozenset({b"traceparent", "traceparent"})  # ASGI, gRPC
_LOW_64_BITS: Final = slice(19, 35)
_TRACEPARENT_LENGTH: Final = 55
_COMPLETED: Final = int(Outcome.COMPLETED)
_FIRST_ERROR: Final = {int(Protocol.HTTP): 400, int(Protocol.GRPC): 1}  # statuses from here on are errors
_NS: Final = 1e9

Sampler = Callable[[Record], float]
"""The fraction a record stands for (its probability of being kept), or 0 when it is not kept."""


def make_sampler(settings: Settings, share: float | None = None) -> Sampler | None:
    """None when everything is kept. ``share``: instead of the settings' own."""
    share, keep_errors = settings.sample if share is None else share, settings.keep_errors
    if share >= 1.0:
        return None
    slow_ns = settings.keep_slow * _NS if settings.keep_slow else float("inf")

    def sample(record: Record) -> float:
        if keep_errors and (record.outcome != _COMPLETED or record.status >= _FIRST_ERROR[record.origin.protocol]):
            return 1.0
        if record.ended_ns - record.started_ns >= slow_ns:
            return 1.0
        return share if position(record.request_headers, record.prediction_id) < share else 0.0

    return sample


def position(headers: RawHeaders, prediction_id: bytes) -> float:
    """Where a request stands in [0, 1). The low 64 bits of the trace id, as OpenTelemetry's TraceIdRatioBased takes them."""
    from zlib import crc32  # only where sampling is asked for

    for name, value in headers:
        if name in _TRACEPARENT and len(value) == _TRACEPARENT_LENGTH:
            try:
                return int(value[_LOW_64_BITS], 16) / 2**64
            except ValueError:
                break
    return crc32(prediction_id) / 2**32
