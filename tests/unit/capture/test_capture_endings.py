"""How a request ended, and that a broken application, message or middleware is no matter of the server's."""

from __future__ import annotations

import asyncio

import pytest
from capture_app import TestClient, call
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.routing import Route

from neural.capture.account import Account
from neural.wire import Outcome


def test_an_exception_is_recorded_and_raised(capture, events):
    app = capture()
    with TestClient(app) as client, pytest.raises(RuntimeError, match="boom"):
        client.get("/explode")
    [event] = events(app)
    assert (event.outcome, event.status, event.failed) == (Outcome.EXCEPTION, 500, True)


async def test_an_exception_without_a_response_has_status_0(capture, events):
    async def app(scope, receive, send):
        raise ValueError

    wrapped = capture(app)
    with pytest.raises(ValueError):
        await call(wrapped)
    [event] = events(wrapped)
    assert (event.outcome, event.status, event.first_byte_ns) == (Outcome.EXCEPTION, 0, 0)


async def test_an_application_that_says_nothing_has_no_response(capture, events):
    async def app(scope, receive, send):
        await receive()

    wrapped = capture(app)
    await call(wrapped)
    assert events(wrapped)[0].outcome is Outcome.NO_RESPONSE


async def test_a_client_that_leaves_early_is_disconnected(capture, events):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"par", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"

    wrapped = capture(app)
    await call(wrapped, after={"type": "http.disconnect"})
    [event] = events(wrapped)
    assert (event.outcome, event.status, event.response_body) == (Outcome.DISCONNECTED, 200, b"par")
    assert not event.failed


async def test_an_application_that_goes_on_after_the_client_left_has_not_completed(capture, events):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"to nobody"})

    wrapped = capture(app)
    await call(wrapped, after={"type": "http.disconnect"})
    assert events(wrapped)[0].outcome is Outcome.DISCONNECTED


async def test_a_disconnect_after_the_response_is_no_disconnect(capture, events):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"all"})
        await receive()
        await receive()

    wrapped = capture(app)
    await call(wrapped, after={"type": "http.disconnect"})
    assert events(wrapped)[0].outcome is Outcome.COMPLETED


async def test_a_cancelled_request_is_a_timeout(capture, events):
    async def app(scope, receive, send):
        await asyncio.Event().wait()

    wrapped = capture(app)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call(wrapped), 0.01)
    assert events(wrapped)[0].outcome is Outcome.TIMEOUT


def test_background_work_does_not_count_as_latency(capture, events):
    import time

    async def answer(request):
        return Response(b"x", background=BackgroundTask(time.sleep, 0.2))

    app = capture(Starlette(routes=[Route("/", answer)]))
    with TestClient(app) as client:
        client.get("/")
    assert events(app)[0].duration_ns < 150_000_000


async def test_messages_that_break_the_protocol_reach_the_server(capture):
    async def app(scope, receive, send):
        await send({"no": "type"})
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body", "body": 5})

    wrapped = capture(app)
    assert [*map(len, await call(wrapped))] == [1, 1, 2]
    assert wrapped.ledger().seen == 1


async def test_a_broken_scope_is_served_and_counted(capture):
    reached = []

    async def app(scope, receive, send):
        reached.append(scope)

    wrapped = capture(app)
    await wrapped({"type": "http", "path": "/"}, None, None)
    assert reached
    assert wrapped.ledger().dropped == {"internal": 1}


async def test_a_bug_of_ours_reaches_nobody(capture, monkeypatch):
    wrapped = capture()
    monkeypatch.setattr(Account, "finish", lambda *_: 1 / 0)
    wrapped.recorder.account.keeps_all = False  # else a plain request does without that call
    sent = await call(wrapped)
    assert sent[0]["status"] == 200
    assert wrapped.ledger().dropped == {"internal": 1}
