"""What the middleware notes of a request, and that it changes nothing else."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from neural.capture import CaptureMiddleware, SettingsError
from neural.capture.account import Account
from neural.capture.ladder import Rung
from neural.capture.testing import Collector
from neural.wire import Flag, Outcome

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def predict(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"size": len(body)}, status_code=int(request.query_params.get("status", "200")))


async def stream(request: Request) -> Response:
    async def chunks():
        for i in range(3):
            yield f"data: {i}\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def explode(request: Request) -> Response:
    raise RuntimeError("boom")


async def empty(request: Request) -> Response:
    return Response(status_code=204)


async def own_id(request: Request) -> Response:
    return Response(b"x", headers={"X-Prediction-Id": "mine"})


class TestClient:
    """Requests against an application in process, one event loop each."""

    __test__ = False

    def __init__(self, app):
        self.app = app

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def request(self, method, path, **kwargs):
        async def send():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test") as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(send())

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def head(self, path, **kwargs):
        return self.request("HEAD", path, **kwargs)

    def post(self, path, **kwargs):
        return self.request("POST", path, **kwargs)


async def echo(websocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/predict", predict, methods=["POST"]),
        Route("/stream", stream),
        Route("/explode", explode),
        Route("/empty", empty),
        Route("/own-id", own_id),
        Route("/health", empty),
        WebSocketRoute("/ws", echo),
    ]
)


@pytest.fixture
def collector():
    return Collector()


@pytest.fixture
def capture(collector):
    made = []

    def make(app=APP, **options):
        middleware = CaptureMiddleware(app, transport=collector, **options)
        made.append(middleware)
        return middleware

    yield make
    for middleware in made:
        middleware.close()


@pytest.fixture
def events(collector):
    def shipped(middleware, count=None):
        assert middleware.flush(10)
        found = collector.events
        assert count is None or len(found) == count
        return found

    return shipped


async def call(app, *, body=(b"",), scope=None, after=None):
    """One request by hand. Returns the messages the application sent; ``after`` is what receive gives once the body is over."""
    queue = [{"type": "http.request", "body": part, "more_body": i < len(body) - 1} for i, part in enumerate(body)]
    sent = []

    async def receive():
        if queue:
            return queue.pop(0)
        if after is None:
            await asyncio.Event().wait()
        return after

    async def send(message):
        sent.append(message)

    base = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
    await app({**base, **(scope or {})}, receive, send)
    return sent


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


def test_a_stream_passes_chunk_by_chunk(capture, events):
    app = capture()
    with TestClient(app) as client:
        assert client.get("/stream").text == "data: 0\n\ndata: 1\n\ndata: 2\n\n"
    [event] = events(app)
    assert event.response_body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
    assert event.flags == Flag.STREAMED
    assert 0 < event.first_byte_ns < event.duration_ns


async def test_a_chunk_is_on_its_way_before_the_next_is_made(capture):
    order = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        for i in range(3):
            order.append(f"made {i}")
            await send({"type": "http.response.body", "body": b"x", "more_body": i < 2})

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        order.append(message["type"])

    await capture(app)({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
    body = "http.response.body"
    assert order == ["http.response.start", "made 0", body, "made 1", body, "made 2", body]


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


def test_head_and_no_content_have_no_body(capture, events):
    app = capture()
    with TestClient(app) as client:
        assert client.get("/empty").status_code == 204
        client.head("/stream")
    first, second = events(app, 2)
    assert (first.status, first.response_body, first.response_size) == (204, b"", 0)
    assert second.method == "HEAD"


def test_a_gzip_body_is_kept_as_it_came(capture, events):
    app = capture()
    packed = gzip.compress(b'{"x": 1}')
    with TestClient(app) as client:
        client.post("/predict", content=packed, headers={"content-encoding": "gzip"})
    [event] = events(app)
    assert event.request_body == packed
    assert event.request_headers["content-encoding"] == "gzip"


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


async def test_a_body_in_chunks_is_one_body(capture, events):
    wrapped = capture()
    await call(wrapped, body=[b"a" * 1000, b"b" * 1000, b"c" * 10_000, b"d"])
    [event] = events(wrapped)
    assert event.request_body == b"a" * 1000 + b"b" * 1000 + b"c" * 10_000 + b"d"
    assert event.request_size == 12_001
    assert Flag.REQUEST_TRUNCATED not in event.flags


@pytest.mark.parametrize("parts", [[b"x" * 50], [b"x" * 7] * 7 + [b"x"], [b"x" * 20, b"x" * 30], [b"x"] * 50])
async def test_a_body_over_its_cap_keeps_its_beginning_and_its_true_size(capture, events, parts):
    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})

    wrapped = capture(app, max_request_body=20, max_response_body=10)
    await call(wrapped, body=parts)
    [event] = events(wrapped)
    assert (event.request_body, event.request_size) == (b"x" * 20, 50)
    assert (event.response_body, event.response_size) == (b"x" * 10, 50)
    assert event.flags == Flag.REQUEST_TRUNCATED | Flag.RESPONSE_TRUNCATED | Flag.STREAMED


async def test_bodies_a_setting_leaves_out_are_said_to_be_off(capture, events):
    wrapped = capture(max_request_body=0, max_response_body=0)
    await call(wrapped, body=[b"secret"])
    [event] = events(wrapped)
    assert (event.request_body, event.response_body, event.request_size) == (b"", b"", 6)
    assert event.flags == Flag.BODIES_OFF


async def test_bodies_that_find_no_memory_are_let_go_of(capture, events):
    wrapped = capture(ring_bytes=100_000)
    await call(wrapped, body=[b"x" * 60_000] * 5)
    [event] = events(wrapped)
    assert (event.request_body, event.request_size) == (b"", 300_000)
    assert Flag.BODIES_OFF in event.flags
    assert wrapped.recorder.account.used == 0


async def test_odd_buffers_are_captured(capture, events):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": bytearray(b"ab"), "more_body": True})
        await send({"type": "http.response.body", "body": memoryview(b"cd")})

    wrapped = capture(app)
    await call(wrapped)
    assert events(wrapped)[0].response_body == b"abcd"


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


async def test_what_comes_after_the_end_reaches_the_server_and_nobodys_books(capture, events):
    late = []

    async def app(scope, receive, send):
        late[:] = receive, send
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x" * 5_000})

    wrapped = capture(app)
    sent = await call(wrapped, body=[b"a" * 5_000, b"b" * 5_000])
    receive, send = late
    used = wrapped.recorder.account.used
    await receive()
    for _ in range(3):
        await send({"type": "http.response.body", "body": b"y" * 5_000})
    await send({"type": "nothing"})
    assert len(sent) == 6
    assert wrapped.recorder.account.used == used
    [event] = events(wrapped)
    assert (event.request_body, event.response_body, event.response_size) == (b"", b"x" * 5_000, 5_000)


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


async def test_bodies_off_keeps_everything_but_the_bodies(capture, events):
    wrapped = capture(degrade=False)
    wrapped.recorder.account.set_rung(Rung.BODIES_OFF)
    await call(wrapped, body=[b"abc", b"def"])
    [event] = events(wrapped)
    assert (event.status, event.request_body, event.request_size, event.flags) == (200, b"", 6, Flag.BODIES_OFF)


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


async def test_a_bug_of_ours_reaches_nobody(capture, monkeypatch):
    wrapped = capture()
    monkeypatch.setattr(Account, "finish", lambda *_: 1 / 0)
    wrapped.recorder.account.keeps_all = False  # else a plain request does without that call
    sent = await call(wrapped)
    assert sent[0]["status"] == 200
    assert wrapped.ledger().dropped == {"internal": 1}
