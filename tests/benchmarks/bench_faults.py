"""Does a sidecar in trouble reach the model server's clients? p50 and p99 of one server beside the same server bare.

Five servers, each a process: bare, and with capture whose sidecar is well, away, wedged (accepts and never reads), or answers
garbage. Clients take turns between them, in a new order each round, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench_capture import sidecar_process

ROUNDS, REQUESTS = 25, 300  # requests a round and server
BODY = json.dumps({"instances": [[i * 0.5 for i in range(20)]]}).encode()
APP = """
import os
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from neural.capture import CaptureMiddleware

async def predict(request):
    rows = (await request.json())["instances"]
    return JSONResponse({"predictions": [sum(row) for row in rows]})

app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])
if os.environ.get("NEURAL_CAPTURE_ENDPOINT"):
    app = CaptureMiddleware(app)
"""


@contextlib.contextmanager
def listener(handle: Callable[[socket.socket], None]) -> Iterator[str]:
    """A peer that treats every connection like this. Yields the endpoint."""
    server = socket.create_server(("127.0.0.1", 0))

    def run(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            handle(peer)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=run, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def never_read(_: socket.socket) -> None:
    threading.Event().wait(600)


def garbage(peer: socket.socket) -> None:
    while peer.recv(65_536):
        peer.sendall(os.urandom(500) + b"\r\n\r\n")


@contextlib.contextmanager
def server(folder: Path, endpoint: str) -> Iterator[socket.socket]:
    """A connection to a new server process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    env = {**os.environ, "NEURAL_CAPTURE_ENDPOINT": endpoint, "NEURAL_CAPTURE_TIMEOUT": "0.5"}
    command = [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), "--log-level", "critical"]
    process = subprocess.Popen(command, cwd=folder, env=env)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                connection = socket.create_connection(("127.0.0.1", port))
                break
            time.sleep(0.05)
        with connection:
            yield connection
    finally:
        process.kill()
        process.wait()


ASK = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


def answered(connection: socket.socket) -> None:
    """Wait for one whole answer: head and body may come apart."""
    answer = b""
    while True:
        chunk = connection.recv(65_536)
        assert chunk, "the server closed the connection"
        answer += chunk
        head, end, body = answer.partition(b"\r\n\r\n")
        if end and len(body) >= int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            break
    assert answer.startswith(b"HTTP/1.1 200")


def latencies(connection: socket.socket, number: int) -> list[float]:
    """Seconds of each request, one after another."""
    found = []
    for _ in range(number):
        begun = time.perf_counter()
        connection.sendall(ASK)
        answered(connection)
        found.append(time.perf_counter() - begun)
        time.sleep(0.0002)  # the shipper's turn, as between real requests
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "served.py").write_text(APP)
        endpoints = {
            "bare": "",
            "sidecar well": stack.enter_context(sidecar_process()),
            "sidecar away": f"unix://{folder}/none.sock",
            "sidecar wedged": stack.enter_context(listener(never_read)),
            "sidecar answers garbage": stack.enter_context(listener(garbage)),
        }
        connections = {name: stack.enter_context(server(folder, endpoint)) for name, endpoint in endpoints.items()}
        for connection in connections.values():
            latencies(connection, 300)
        times: dict[str, list[list[float]]] = {name: [] for name in connections}
        order = list(connections)
        for _ in range(ROUNDS):
            random.shuffle(order)
            for name in order:
                times[name].append(latencies(connections[name], REQUESTS))
    results = {name: summary(rounds, times["bare"]) for name, rounds in times.items()}
    print(f"{'':26}{'p50':>9}{'p99':>9}{'p99 / bare':>22}   ({ROUNDS} rounds of {REQUESTS} requests each, in turns)")
    for name, one in results.items():
        low, middle, high = one["p99_ratio_quartiles"]
        print(f"{name:26}{one['p50_us']:6.0f} µs{one['p99_us']:6.0f} µs{middle:10.2f} ({low:.2f} to {high:.2f})")
    if options.json:
        options.json.write_text(json.dumps(results))


def summary(rounds: list[list[float]], bare: list[list[float]]) -> dict[str, object]:
    """Percentiles over all requests in µs; and quartiles, over the rounds, of this round's p99 to the bare server's."""
    everything = statistics.quantiles([one for seconds in rounds for one in seconds], n=100)
    ratios = [
        statistics.quantiles(mine, n=100)[98] / statistics.quantiles(theirs, n=100)[98]
        for mine, theirs in zip(rounds, bare, strict=True)
    ]
    return {
        "p50_us": everything[49] * 1e6,
        "p99_us": everything[98] * 1e6,
        "p99_ratio_quartiles": statistics.quantiles(ratios, n=4),
    }


if __name__ == "__main__":
    main()
