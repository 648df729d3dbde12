"""Bodies pass as they come, and are kept up to their caps."""

from __future__ import annotations

import gzip

import pytest
from capture_app import TestClient, call

from neural.capture.ladder import Rung
from neural.wire import Flag


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


async def test_bodies_off_keeps_everything_but_the_bodies(capture, events):
    wrapped = capture(degrade=False)
    wrapped.recorder.account.set_rung(Rung.BODIES_OFF)
    await call(wrapped, body=[b"abc", b"def"])
    [event] = events(wrapped)
    assert (event.status, event.request_body, event.request_size, event.flags) == (200, b"", 6, Flag.BODIES_OFF)
