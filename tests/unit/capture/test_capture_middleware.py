"""What the middleware notes of a request, and that it changes nothing else."""

from __future__ import annotations

import asyncio

import pytest
from capture_app import APP, TRACEPARENT, TestClient, call

from neural.capture import CaptureMiddleware, SettingsError
from neural.capture.ladder import Rung
from neural.wire import Flag, Outcome


def test_a_request_is_recorded_as_it_was(capture, events):
    app = capture(model="fraud", version="3", query=True)
    with TestClient(app) as client:
        response = client.post(
            "/predict?a=1", content=b'{"x": 1}', headers={"traceparent": TRACEPARENT, "content-type": "application/json"}
        )
    [event] = events(app, 1)
    assert (event.method, event.path, event.query, event.status) == ("POST", "/predict", "a=1", 200)
    assert (event.model, event.version, event.traceparent) == ("fraud", "3", TRACEPARENT)
    assert (event.request_body, event.request_size) == (b'{"x": 1}', 8)
    assert (event.response_body, event.response_size) == (response.content, len(response.content))
    assert event.request_headers == {"content-type": "application/json"}
    assert event.response_headers == {"content-type": "application/json"}
    assert event.outcome is Outcome.COMPLETED
    assert event.flags == Flag.NONE
    assert 0 < event.first_byte_ns <= event.duration_ns
    assert response.headers["x-prediction-id"] == event.prediction_id


def test_started_is_a_calendar_time(capture, events):
    import time

    app = capture()
    before = time.time_ns()
    with TestClient(app) as client:
        client.post("/predict")
    [event] = events(app)
    assert before - 1_000_000 <= event.started_unix_ns <= time.time_ns()


def test_the_callers_prediction_id_is_kept_and_returned(capture, events):
    app = capture()
    with TestClient(app) as client:
        response = client.post("/predict", headers={"x-prediction-id": "order-17"})
    assert response.headers.get_list("x-prediction-id") == ["order-17"]
    assert events(app)[0].prediction_id == "order-17"


def test_an_id_too_long_for_a_header_is_replaced(capture, events):
    app = capture()
    with TestClient(app) as client:
        client.post("/predict", headers={"x-prediction-id": "x" * 300})
    assert len(events(app)[0].prediction_id) == 28


def test_the_applications_own_prediction_id_wins(capture, events):
    app = capture()
    with TestClient(app) as client:
        response = client.get("/own-id")
    assert response.headers.get_list("x-prediction-id") == ["mine"]
    assert events(app)[0].prediction_id == "mine"


def test_another_header_may_carry_the_id_or_none(capture, events):
    app = capture(id_header="X-Request-Id")
    with TestClient(app) as client:
        response = client.post("/predict", headers={"x-request-id": "r1"})
    assert response.headers["x-request-id"] == events(app)[0].prediction_id == "r1"
    bare = capture(id_header="")
    with TestClient(bare) as client:
        assert "x-prediction-id" not in client.post("/predict").headers


async def test_a_message_sent_again_by_the_application_gets_a_new_id(capture):
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def app(scope, receive, send):
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    wrapped = capture(app)
    first, second = await call(wrapped), await call(wrapped)
    assert first[0]["headers"] != second[0]["headers"]
    assert start["headers"] == []


async def test_every_message_passes_unchanged_but_for_the_id(capture):
    messages = [
        {"type": "http.response.start", "status": 201, "headers": [(b"a", b"b")], "trailers": True},
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.body"},
        {"type": "http.response.trailers", "headers": [(b"t", b"1")], "more_trailers": False},
    ]

    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    sent = await call(capture(app, id_header=""))
    assert sent == messages


async def test_websockets_pass_through(capture):
    incoming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "text": "hi"}]
    sent = []

    async def receive():
        return incoming.pop(0)

    async def send(message):
        sent.append(message)

    app = capture()
    await app({"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.send", "websocket.close"]
    assert sent[1]["text"] == "hi"
    assert app.ledger().seen == 0


def test_excluded_paths_pass_through(capture):
    app = capture()
    with TestClient(app) as client:
        assert "x-prediction-id" not in client.get("/health").headers
    assert app.ledger().seen == 0


def test_disabled_capture_does_nothing(capture):
    app = capture(enabled=False)
    with TestClient(app) as client:
        assert "x-prediction-id" not in client.post("/predict").headers
    assert app.ledger().seen == 0


async def test_headers_may_be_lists_or_any_iterable(capture, events):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": iter([[b"content-type", b"a/b"]])})
        await send({"type": "http.response.body"})

    async def own(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [[b"x-prediction-id", b"mine"]]})
        await send({"type": "http.response.body"})

    first, second = capture(app), capture(own)
    sent = await call(first, scope={"headers": [[b"x-prediction-id", b"theirs"]]})
    assert sent[0]["headers"] == [[b"content-type", b"a/b"], (b"x-prediction-id", b"theirs")]
    assert (await call(second))[0]["headers"] == [[b"x-prediction-id", b"mine"]]
    events(first)
    assert [event.prediction_id for event in events(second)] == ["theirs", "mine"]


async def test_counts_only_captures_nothing_and_counts_all(capture, collector):
    wrapped = capture(degrade=False)
    wrapped.recorder.account.set_rung(Rung.COUNTS_ONLY)
    sent = await call(wrapped)
    assert sent[0]["status"] == 200
    ledger = wrapped.ledger()
    assert (ledger.seen, dict(ledger.dropped), ledger.in_flight) == (1, {"degraded": 1}, 0)


async def test_the_ledger_shows_a_request_under_way(capture):
    entered, leave = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        entered.set()
        await leave.wait()

    wrapped = capture(app)
    task = asyncio.ensure_future(call(wrapped))
    await entered.wait()
    assert (wrapped.ledger().seen, wrapped.ledger().in_flight) == (1, 1)
    leave.set()
    await task
    wrapped.flush()
    assert (wrapped.ledger().shipped, wrapped.ledger().in_flight) == (1, 0)


async def test_capture_measures_its_own_cost(capture, collector):
    wrapped = capture()
    for _ in range(65):
        await call(wrapped)
    assert wrapped.flush()
    assert wrapped.overhead_ns > 0
    assert collector.batches[-1].overhead_ns > 0


async def test_nothing_of_the_scope_is_kept(capture):
    import gc
    import weakref

    class State:
        pass

    state = State()
    gone = weakref.ref(state)
    wrapped = capture(flush_interval=60)
    await call(wrapped, scope={"state": {"session": state}})
    del state
    gc.collect()
    assert gone() is None
    assert wrapped.ledger().in_flight == 1


def test_model_and_version_may_come_from_headers(capture, events):
    app = capture(model="default", model_header="X-Model", version_header="X-Version")
    with TestClient(app) as client:
        client.post("/predict", headers={"x-model": "b", "x-version": "2"})
        client.post("/predict")
    first, second = events(app, 2)
    assert (first.model, first.version, second.model, second.version) == ("b", "2", "default", "")
    assert "x-model" not in first.request_headers


def test_a_malformed_traceparent_is_left_out(capture, events):
    app = capture()
    with TestClient(app) as client:
        client.post("/predict", headers={"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"})
    assert events(app)[0].traceparent == ""


def test_headers_not_on_the_list_stay_in_the_process(capture, collector, events):
    app = capture(headers="x-tenant")
    with TestClient(app) as client:
        client.post("/predict", headers={"authorization": "Bearer s3cret", "x-tenant": "a"})
    [event] = events(app)
    assert event.request_headers == {"x-tenant": "a"}
    assert "s3cret" not in repr(collector.batches)


def test_mistakes_in_settings_are_told_at_once(capture):
    with pytest.raises(SettingsError, match="there is no such setting; did you mean model"):
        capture(modle="x")
    with pytest.raises(SettingsError, match="endpoint"):
        CaptureMiddleware(APP, endpoint="ftp://x")
