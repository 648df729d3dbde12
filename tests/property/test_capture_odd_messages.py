"""Applications that break ASGI's rules cost their own record at most: their neighbours arrive, and the books balance."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neural.capture import CaptureMiddleware
from neural.capture.testing import Collector

ODD = st.sampled_from(
    [None, -1, 2**40, 2**70, 1.5, True, "text", "é", "\udc80", b"bytes", b"", bytearray(b"xy"), memoryview(b"xyz"), [], {}, [1], [(b"a",)],
     [("name", "value")], [(b"name", None)], [(b"content-type", "text")], [("content-type", b"x")], [[b"a", b"b"]], object()]
)  # fmt: skip
START = st.fixed_dictionaries({"type": st.just("http.response.start")}, optional={"status": ODD, "headers": ODD})
BODY = st.fixed_dictionaries({"type": st.just("http.response.body")}, optional={"body": ODD, "more_body": ODD})
OTHER = st.fixed_dictionaries({}, optional={"type": ODD})
RECEIVED = st.fixed_dictionaries({"type": ODD | st.just("http.request")}, optional={"body": ODD, "more_body": ODD})
SCOPE = st.fixed_dictionaries(
    {}, optional={"method": ODD, "path": st.sampled_from(["/p", "/é", "/\udc80", ""]), "headers": ODD, "query_string": ODD}
)
GOOD = {"type": "http", "method": "POST", "path": "/good", "headers": [(b"content-type", b"a")], "query_string": b""}


async def answer(scope, receive, send):
    await receive()
    for message in scope.get(
        "say", ({"type": "http.response.start", "status": 200}, {"type": "http.response.body", "body": b"[]"})
    ):
        await send(message)


TRACE = b"00-0af7651916cd43dd0000000000000001-b7ad6b7169203331-01"  # sampled, whatever the share


def good(identity):
    return {**GOOD, "headers": [(b"content-type", b"a"), (b"traceparent", TRACE), (b"x-prediction-id", identity.encode())]}


async def send(message):
    pass


def receiving(message):
    async def receive():
        return message

    return receive


@pytest.mark.parametrize(
    "options",
    [{}, {"redact": ["a.b"]}, {"sample": 0.5, "keep_errors": True, "query": True}],
    ids=["plain", "redacting", "sampling"],
)
@settings(max_examples=150, deadline=None)
@given(scope=SCOPE, received=RECEIVED, said=st.lists(START | BODY | OTHER, max_size=4), times=st.integers(1, 3))
def test_neighbours_of_an_odd_request_arrive(options, scope, received, said, times):
    collector = Collector()
    app = CaptureMiddleware(answer, transport=collector, degrade=False, flush_interval=60, **options)

    async def go():
        await app(good("first"), receiving({"type": "http.request", "body": b"1"}), send)
        for _ in range(times):
            with contextlib.suppress(Exception):  # the server's own would raise as well
                await app({**GOOD, **scope, "say": said}, receiving(received), send)
        await app(good("last"), receiving({"type": "http.request", "body": b"2"}), send)

    try:
        asyncio.run(go())
        assert app.flush(10)
        ledger = app.ledger()
    finally:
        app.close()
    arrived = {event.prediction_id: event for event in collector.events}
    assert (arrived["first"].request_body, arrived["last"].request_body) == (b"1", b"2")
    assert (arrived["first"].response_body, arrived["last"].response_body) == (b"[]", b"[]")
    assert ledger.balanced
    assert (ledger.seen, ledger.in_flight) == (2 + times, 0)
    assert ledger.shipped == len(collector.events) >= 2
    assert set(ledger.dropped) <= {"internal"}
