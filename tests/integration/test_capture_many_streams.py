"""Over real sockets: thousands of slow streams at once, and an upload of a gigabyte. Nothing is lost, and memory stays flat."""

from __future__ import annotations

import asyncio
import http.client
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.model_server import free_port, wait_for_port

from neural.capture.testing import MemorySidecar
from neural.wire import Flag, Outcome

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

WANTED = 10_000
APP = """
import asyncio, os
from neural.capture import CaptureMiddleware

everybody = asyncio.Event()
here = 0

async def app(scope, receive, send):
    global here
    if scope["path"] == "/upload":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        return await send({"type": "http.response.body", "body": b""})
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": b"first\\n", "more_body": True})
    here += 1
    if here == int(os.environ["STREAMS"]):
        everybody.set()
    await everybody.wait()                       # now all of them are under way at once
    for _ in range(3):
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"tick\\n", "more_body": True})
    await send({"type": "http.response.body", "body": b"last\\n"})

captured = CaptureMiddleware(app)
"""


def raise_limit() -> int:
    """As many streams as files may be open here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard - 500)


@pytest.fixture
def server(tmp_path):
    """(port, process, sidecar, number of streams)."""
    streams = raise_limit()
    (tmp_path / "streams.py").write_text(APP)
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "streams:captured",
        "--port",
        str(port),
        "--backlog",
        "4096",
        "--log-level",
        "critical",
    ]
    with MemorySidecar() as sidecar:
        env = {**os.environ, "NEURAL_CAPTURE_ENDPOINT": sidecar.endpoint, "STREAMS": str(streams)}
        process = subprocess.Popen(command, cwd=tmp_path, env=env)
        try:
            wait_for_port(port, process)
            yield port, process, sidecar, streams
        finally:
            process.kill()
            process.wait()


def memory(process: subprocess.Popen, field: str) -> int:
    """Bytes, from /proc: VmRSS now, VmHWM at its highest."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) * 1024


class Stream(asyncio.Protocol):
    """A client that asks once and reads to the end."""

    def __init__(self, name: str, done: asyncio.Future[bytes]) -> None:
        self.ask = f"GET / HTTP/1.1\r\nHost: a\r\nX-Prediction-Id: {name}\r\n\r\n".encode()
        self.data, self.done = b"", done

    def connection_made(self, transport) -> None:
        transport.write(self.ask)

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.done.set_result(self.data)


async def test_ten_thousand_slow_streams_at_once(server):
    port, process, sidecar, streams = server
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(streams)]
    for begin in range(0, streams, 500):
        wave = range(begin, min(begin + 500, streams))
        await asyncio.gather(*[loop.create_connection(lambda i=i: Stream(f"s{i}", ends[i]), "127.0.0.1", port) for i in wave])
    answers = await asyncio.gather(*ends)
    assert all(answer.count(b"tick") == 3 and b"last" in answer for answer in answers)
    assert await asyncio.to_thread(sidecar.wait_for, lambda kept: len(kept.events) >= streams, 60), len(sidecar.events)
    process.terminate()
    await asyncio.to_thread(process.wait, 30)
    assert {event.prediction_id for event in sidecar.events} == {f"s{i}" for i in range(streams)}
    whole = b"first\n" + b"tick\n" * 3 + b"last\n"
    for event in sidecar.events:  # some bodies are shed while more than half of the memory is in use; they say so
        assert event.outcome is Outcome.COMPLETED
        assert event.response_body == whole or event.flags & Flag.BODIES_OFF
    [ledger] = sidecar.ledgers.values()
    assert (ledger.seen, ledger.shipped, ledger.in_flight, dict(ledger.dropped)) == (streams, streams, 0, {})


def test_a_gigabyte_is_uploaded_past_capture_with_flat_memory(server):
    port, process, sidecar, _ = server
    block, blocks = b"x" * 2**20, 1024
    before = memory(process, "VmRSS")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(
        "POST", "/upload", (block for _ in range(blocks)), {"Content-Length": str(blocks * 2**20), "X-Prediction-Id": "big"}
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert sidecar.wait_for(lambda kept: bool(kept.events), 20)
    [event] = sidecar.events
    assert (event.prediction_id, event.request_size, len(event.request_body)) == ("big", 2**30, 2**20)
    assert event.flags & Flag.REQUEST_TRUNCATED
    assert memory(process, "VmHWM") - before < 48 * 2**20
