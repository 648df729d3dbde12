"""The record names the server's own span, wherever the tracer sits; without a tracer nothing of OpenTelemetry is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, use_span

from neural.capture import CaptureMiddleware
from neural.capture.spans import span_id
from neural.capture.testing import Collector

TRACER = TracerProvider().get_tracer("server")
SPANS: list[str] = []


def hexadecimal(span) -> str:
    return f"{span.get_span_context().span_id:016x}"


async def model(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


def traced(app, *, messages=False):
    """As an instrumentation does it: a span around the application, and, where asked for, one for each message."""

    async def wrapped(scope, receive, send):
        async def send_in_span(message):
            with TRACER.start_as_current_span("http send"):
                await send(message)

        with TRACER.start_as_current_span("POST /", kind=SpanKind.SERVER) as span:
            SPANS.append(hexadecimal(span))
            await app(scope, receive, send_in_span if messages else send)

    return wrapped


@pytest.fixture
def capture():
    SPANS.clear()
    collector, made = Collector(), []

    def make(app):
        made.append(CaptureMiddleware(app, transport=collector))
        return made[-1]

    yield make, collector
    made[0].close()


async def request(app):
    async def receive():
        return {"type": "http.request", "body": b"x"}

    async def send(_message):
        pass

    await app({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)


@pytest.mark.parametrize("messages", [False, True], ids=["one span a request", "one a message too"])
@pytest.mark.parametrize("outside", [True, False], ids=["tracer outside", "tracer inside"])
async def test_the_servers_span_is_on_the_record(capture, outside, messages):
    make, collector = capture
    if outside:
        middleware = make(model)
        await request(traced(middleware, messages=messages))
    else:
        middleware = make(traced(model, messages=messages))
        await request(middleware)
    assert middleware.flush(10)
    assert [event.span_id for event in collector.events] == SPANS != []


async def test_without_an_active_span_there_is_no_id(capture):
    make, collector = capture
    middleware = make(model)
    await request(middleware)
    assert middleware.flush(10)
    assert collector.events[0].span_id == ""


def test_a_callers_span_is_not_the_servers():
    context = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))
    with use_span(NonRecordingSpan(context)):
        assert span_id() == b""


def test_a_tracer_that_fails_is_not_noticed(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    assert span_id() == b""


def test_capture_imports_nothing_of_opentelemetry():
    code = "import sys, neural.capture; sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
