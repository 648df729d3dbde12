"""While no sidecar takes anything, a process holds about what its settings allow, whatever clients send and applications answer."""

from __future__ import annotations

import asyncio
import os
import tracemalloc

import pytest

from neural.capture import CaptureMiddleware

RING = 4_000_000
AT_ONCE = 25  # requests between two breaths: headers are weighed by the shipper, not by the request


async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for chunk in scope["chunks"]:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def send(message):
    pass


async def receive():
    return {"type": "http.request", "body": b"{}"}


def nothing(_):
    return []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("headers", "path", "chunks", "number"),
    [
        (lambda _: [(b"cookie", os.urandom(16_000))], "/p", nothing, 3_000),
        (lambda i: [(b"x-%d" % j, b"%d %d" % (i, j)) for j in range(60)], "/p", nothing, 3_000),
        (nothing, "/" + "p" * 16_000, nothing, 3_000),
        (nothing, "/p", lambda _: [os.urandom(2) for _ in range(10_000)], 16),
        (nothing, "/p", lambda _: [os.urandom(20) for _ in range(3_000)], 40),
        (nothing, "/p", lambda _: [os.urandom(1_000)], 3_000),
    ],
    ids=["large headers", "many headers", "long paths", "a stream of two-byte chunks", "a stream of words", "small bodies"],
)
def test_what_waits_stays_near_the_rings_size(tmp_path, headers, path, chunks, number):
    capture = CaptureMiddleware(
        app, endpoint=f"unix://{tmp_path}/none.sock", ring_bytes=RING, degrade=False, flush_interval=0.01, max_backoff=0.02, shutdown_timeout=0.1
    )  # fmt: skip

    async def go():
        for i in range(number):
            scope = {"type": "http", "method": "POST", "path": path + str(i), "headers": headers(i), "chunks": chunks(i)}
            await capture(scope, receive, send)
            del scope
            if not i % AT_ONCE:
                await asyncio.sleep(0.01)

    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        asyncio.run(go())
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    ledger = capture.ledger()
    capture.close(0.1)
    assert (ledger.seen, ledger.shipped) == (number, 0)
    assert ledger.balanced
    assert 0.1 * RING < held < 1.8 * RING, "there was more than fits"
