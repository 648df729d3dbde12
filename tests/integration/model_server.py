"""A model server of several processes, with capture in it, as a process of its own; and clients that load it."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

SERVER = """
import os
from neural.capture import CaptureMiddleware

async def model(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-pid", b"%d" % os.getpid())]})
    await send({"type": "http.response.body", "body": b'{"predictions":[1]}'})

app = CaptureMiddleware(model, model="m")
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(tmp_path: Path, endpoint: str, *command: str, **env: str):
    """A server process in a folder that holds ``server.py``. Yields (its address, the process)."""
    (tmp_path / "server.py").write_text(SERVER)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *[part.format(port=port) for part in command]],
        cwd=tmp_path,
        env={**os.environ, "NEURAL_CAPTURE_ENDPOINT": endpoint, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port, process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "the server has ended"
        assert time.monotonic() < deadline, "the server does not listen"
        time.sleep(0.05)  # there is no event to wait for: the process is not ours


@dataclass(frozen=True)
class Answer:
    """Who answered, and the id under which the request was captured."""

    pid: str
    prediction_id: str


def requests(address: str, number: int, connections: int = 8) -> list[Answer]:
    """Predictions, each over a connection of its own, so that every worker gets some. All of them are answered with 200."""
    place = address.removeprefix("http://")

    def one(_: int) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(place, timeout=20)) as connection:
            connection.request("POST", "/v1/models/m:predict", b'{"instances":[{"x":1.5}]}')
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b'{"predictions":[1]}')
            return Answer(response.headers["x-pid"], response.headers["x-prediction-id"])

    with ThreadPoolExecutor(connections) as pool:
        return list(pool.map(one, range(number)))


def load(address: str, number: int, connections: int = 8) -> set[str]:
    """The same. Returns the workers' process ids."""
    return {answer.pid for answer in requests(address, number, connections)}


UVICORN = ("uvicorn", "server:app", "--port", "{port}", "--log-level", "critical")
GUNICORN = ("gunicorn", "server:app", "-b", "127.0.0.1:{port}", "--log-level", "critical")
