"""A real server under load while the sidecar misbehaves: every request is answered, and the ledger adds up to the last one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
import uvicorn

from neural.capture import CaptureMiddleware, Reply
from neural.capture.testing import MemorySidecar

REQUESTS = 300
QUICK = {"timeout": 0.3, "max_backoff": 0.1, "flush_interval": 0.02, "batch_events": 32, "shutdown_timeout": 1.0}


async def model(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def serving(app):
    """The application behind uvicorn, on a thread of this process. Yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def load(address: str, number: int = REQUESTS, *, midway=None) -> list[int]:
    """Requests, 20 at a time. ``midway`` is called when half of them are answered. Returns the statuses."""
    statuses: list[int] = []

    async def client(http: httpx.AsyncClient, share: int) -> None:
        nonlocal midway
        for i in range(share):
            response = await http.post(address, content=b'{"x": %d}' % i)
            assert response.content == b'{"x": %d}' % i
            statuses.append(response.status_code)
            if midway is not None and len(statuses) >= number // 2:
                act, midway = midway, None
                act()

    async with httpx.AsyncClient(timeout=20) as http:
        await asyncio.gather(*[client(http, number // 20) for _ in range(20)])
    return statuses


@pytest.fixture
def captured():
    made = []

    def make(endpoint, **options):
        made.append(CaptureMiddleware(model, endpoint=endpoint, **{**QUICK, **options}))
        return made[-1]

    yield make
    for app in made:
        app.close()


def accounted(app: CaptureMiddleware, sidecar: MemorySidecar | None = None, *, shipped: int | None = None) -> None:
    """The books add up to the requests that were sent, and to what the sidecar has."""
    ledger = app.ledger()
    assert ledger.balanced
    assert (ledger.seen, ledger.in_flight) == (REQUESTS, app.recorder.account.waiting)
    if shipped is not None:
        assert ledger.shipped == shipped
    if sidecar is not None:
        assert len(sidecar.events) == ledger.shipped
        assert len({event.prediction_id for event in sidecar.events}) == ledger.shipped


@contextlib.contextmanager
def misbehaving(handle):
    """A listener whose connections are given to ``handle``, each on a thread. Yields the endpoint."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=run, args=(peer,), daemon=True).start()

    def run(peer):
        with contextlib.suppress(OSError), peer:
            handle(peer, stop)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


async def test_with_a_sidecar_everything_arrives(captured):
    with MemorySidecar() as sidecar, serving(app := captured(sidecar.endpoint)) as address:
        assert await load(address) == [200] * REQUESTS
        assert app.flush()
        accounted(app, sidecar, shipped=REQUESTS)
        assert sidecar.ledgers == {app.recorder.account.source: app.ledger()}


async def test_a_sidecar_that_comes_late_gets_everything(captured, tmp_path):
    path = str(tmp_path / "late.sock")
    with serving(app := captured(f"unix://{path}")) as address:
        assert await load(address) == [200] * REQUESTS
        accounted(app, shipped=0)
        with MemorySidecar(path=path) as sidecar:
            assert app.flush(20)
            accounted(app, sidecar, shipped=REQUESTS)


async def test_without_a_sidecar_memory_is_bounded_and_losses_are_counted(captured, tmp_path):
    app = captured(f"unix://{tmp_path}/none.sock", ring_events=100, degrade=False)
    with serving(app) as address:
        assert await load(address) == [200] * REQUESTS
    accounted(app, shipped=0)
    assert app.ledger().dropped == {"ring_full": REQUESTS - 100}
    app.close()
    assert app.ledger().dropped == {"ring_full": REQUESTS - 100, "shutdown": 100}
    assert (app.ledger().in_flight, app.recorder.account.used) == (0, 0)


async def test_a_sidecar_that_goes_and_comes_back_misses_nothing(captured, tmp_path):
    path = str(tmp_path / "flaky.sock")
    first, second = MemorySidecar(path=path).start(), MemorySidecar(path=path)
    with serving(app := captured(f"unix://{path}")) as address:
        assert await load(address, midway=first.stop) == [200] * REQUESTS
        with second:
            assert app.flush(20)
    assert app.ledger().shipped == REQUESTS
    kept = {(batch.source, batch.sequence): batch for batch in [*first.batches, *second.batches]}
    ids = [event.prediction_id for batch in kept.values() for event in batch.events]
    assert len(ids) == len(set(ids)) == REQUESTS


async def test_a_sidecar_that_asks_for_time_gets_everything_later(captured):
    busy = threading.Event()
    busy.set()
    sidecar = MemorySidecar(answer=lambda _: Reply(429, 0.05) if busy.is_set() else Reply(200))
    with sidecar, serving(app := captured(sidecar.endpoint)) as address:
        assert await load(address) == [200] * REQUESTS
        accounted(app, sidecar, shipped=0)
        busy.clear()
        assert app.flush(20)
        accounted(app, sidecar, shipped=REQUESTS)
        assert "bodies_off" in {batch.degraded for batch in sidecar.batches}


def never_read(peer, stop):
    stop.wait(60)


def read_slowly(peer, stop):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    while not stop.wait(0.05) and peer.recv(16):
        pass


def answer_garbage(peer, stop):
    while peer.recv(65536):
        peer.sendall(os.urandom(2000) + b"\r\n\r\n")


def hang_up(peer, stop):
    peer.recv(10)


def answer_without_end(peer, stop):
    peer.recv(65536)
    while not stop.is_set():
        peer.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000)


@pytest.mark.parametrize("handle", [never_read, read_slowly, answer_garbage, hang_up, answer_without_end])
async def test_a_sidecar_that_misbehaves_is_not_noticed(captured, handle):
    with misbehaving(handle) as endpoint, serving(app := captured(endpoint)) as address:
        assert await load(address) == [200] * REQUESTS
        assert not app.flush(0.5)
        accounted(app, shipped=0)
        began = time.monotonic()
        app.close()
        assert time.monotonic() - began < 10
    ledger = app.ledger()
    assert (ledger.seen, ledger.in_flight, dict(ledger.dropped)) == (REQUESTS, 0, {"shutdown": REQUESTS})


SIDECAR = """
import sys
from neural.capture.testing import MemorySidecar
with MemorySidecar(path=sys.argv[1]) as sidecar:
    print("ready", flush=True)
    for line in sys.stdin:
        print(len(sidecar.events), flush=True)
"""


@contextlib.contextmanager
def sidecar_process(path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", SIDECAR, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


async def test_a_stopped_sidecar_gets_everything_when_it_goes_on(captured, tmp_path):
    with sidecar_process(tmp_path / "s.sock") as sidecar, serving(app := captured(f"unix://{tmp_path}/s.sock")) as address:
        assert await load(address, midway=lambda: sidecar.send_signal(signal.SIGSTOP)) == [200] * REQUESTS
        assert not app.flush(0.5)
        accounted(app)
        assert app.ledger().in_flight > 0
        sidecar.send_signal(signal.SIGCONT)
        assert app.flush(20)
        accounted(app, shipped=REQUESTS)
        sidecar.stdin.write("count\n")
        assert sidecar.stdout.readline() == f"{REQUESTS}\n"


async def test_a_killed_sidecar_is_not_noticed(captured, tmp_path):
    path = tmp_path / "k.sock"
    with sidecar_process(path) as sidecar, serving(app := captured(f"unix://{path}")) as address:
        assert await load(address, midway=sidecar.kill) == [200] * REQUESTS
        accounted(app)
        with MemorySidecar(path=str(path)):
            assert app.flush(20)
            accounted(app, shipped=REQUESTS)


async def test_many_slow_streams_at_once_stay_within_their_memory(tmp_path):
    streams, chunk = 1000, b"x" * 2000

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(10):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})

    app = CaptureMiddleware(stream, endpoint=f"unix://{tmp_path}/none.sock", ring_bytes=4_000_000, degrade=False, **QUICK)
    highest = 0

    async def one():
        nonlocal highest

        async def receive():
            return {"type": "http.disconnect"}

        async def send(message):
            nonlocal highest
            highest = max(highest, app.recorder.account.used)

        await app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)

    await asyncio.gather(*[one() for _ in range(streams)])
    ledger = app.ledger()
    assert highest <= 4_000_000
    assert (ledger.seen, ledger.balanced, ledger.in_flight) == (streams, True, app.recorder.account.waiting)
    app.close()
    assert app.ledger().in_flight == 0


async def test_an_upload_larger_than_memory_is_counted_and_cut(tmp_path):
    """One gigabyte in chunks of a mebibyte: the cap's worth is held, no more."""
    chunks = 1024
    with MemorySidecar() as sidecar:

        async def swallow(scope, receive, send):
            while (await receive())["more_body"]:
                assert app.recorder.account.used <= 4 * 2**20
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        app = CaptureMiddleware(swallow, endpoint=sidecar.endpoint)
        left = chunks
        block = b"x" * 2**20

        async def receive():
            nonlocal left
            left -= 1
            return {"type": "http.request", "body": block, "more_body": left > 0}

        async def send(message):
            pass

        await app({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
        assert app.flush()
        [event] = sidecar.events
        app.close()
    assert (event.request_size, len(event.request_body)) == (chunks * 2**20, 2**20)
