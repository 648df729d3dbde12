"""Captured events for spans, and an exporter that keeps what it gets."""

from __future__ import annotations

import threading

from opentelemetry.sdk.trace.export import SpanExportResult

from neural.monitoring.decode import Decoded
from neural.monitoring.export import SpanOptions
from neural.monitoring.export.otlp_transport import Transport
from neural.monitoring.export.spans import SpanEmitter
from neural.wire import CaptureBatch, CaptureEvent

TRACE, CALLER, SERVER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"


PARENT = f"00-{TRACE}-{CALLER}-01"


START = 1_700_000_000_123_456_789


NOTHING = Decoded(rows=[], traffic=[], failures=[])


class Collected:
    """An exporter that keeps what it gets; ``gate`` holds it up, ``answer`` is what it says."""

    def __init__(self, answer=SpanExportResult.SUCCESS):
        self.batches, self.answer, self.gate, self.entered, self.closed = [], answer, threading.Event(), threading.Event(), False
        self.gate.set()

    def export(self, spans):
        self.entered.set()
        self.gate.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.batches.append(list(spans))
        return self.answer

    def shutdown(self):
        self.closed = True
        self.gate.set()

    @property
    def spans(self):
        return [span for batch in self.batches for span in batch]


def event(**changes) -> CaptureEvent:
    given = {
        "prediction_id": "p1",
        "started_unix_ns": START,
        "duration_ns": 25_000_000,
        "status": 200,
        "path": "/v2/models/flights/infer",
    }
    return CaptureEvent(**{**given, **changes})


def batch(*events: CaptureEvent, **changes) -> CaptureBatch:
    return CaptureBatch("host:1", 1, events, **{"resource": {"service.name": "flights-server", "host.name": "h"}, **changes})


def options(**changes) -> SpanOptions:
    return SpanOptions(**{"transport": Transport("grpc", "http://nowhere:1"), "delay_seconds": 3600.0, **changes})


def told(capture: CaptureBatch, decoded: Decoded = NOTHING, *, verdicts=None, **changes):
    collected = Collected()
    emitter = SpanEmitter(options(**changes), collected, **({"verdicts": verdicts} if verdicts else {}))
    emitter.emit(capture, decoded)
    assert emitter.stop(10)
    assert collected.closed
    return collected.spans
