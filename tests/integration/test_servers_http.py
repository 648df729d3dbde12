"""One Starlette application behind each ASGI server: whatever HTTP and websockets can do passes, and is recorded as it was."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time

import httpx
import pytest
from tests.integration.real_servers import Served, decode, needs_servers, served
from websockets.sync.client import connect

from neural.wire import Flag, Outcome

pytestmark = [needs_servers, pytest.mark.slow]

QUIET = ("--log-level", "critical")
SERVERS = {
    "uvicorn, httptools": ("uvicorn", "apps:wrapped", "--port", "{port}", "--http", "httptools", *QUIET),
    "uvicorn, h11": ("uvicorn", "apps:wrapped", "--port", "{port}", "--http", "h11", *QUIET),
    "hypercorn": ("hypercorn", "apps:wrapped", "-b", "127.0.0.1:{port}", *QUIET),
    "gunicorn, two forked uvicorn workers": (
        "gunicorn", "apps:wrapped", "-b", "127.0.0.1:{port}", "-w", "2", "-k", "uvicorn_worker.UvicornWorker", "--preload", *QUIET,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    with served(request.param, *SERVERS[request.param]) as running:
        yield running


@pytest.fixture
def http(server):
    with httpx.Client(base_url=server.address, timeout=20, trust_env=False) as client:
        yield client


def test_a_prediction_is_captured_and_its_id_comes_back(server: Served, http):
    response = http.post("/v1/models/fraud:predict", json={"instances": [[1, 2, 3], [4]]})
    assert response.json() == {"predictions": [3.0, 1.0]}
    event = server.event(response.headers["x-prediction-id"])
    assert (event.status, event.method, event.path) == (200, "POST", "/v1/models/fraud:predict")
    assert event.response_body == response.content
    assert event.outcome is Outcome.COMPLETED
    assert event.request_headers["content-type"] == "application/json"


def test_a_gzipped_request_is_kept_as_it_was_and_read_by_the_sidecar(server: Served, http):
    packed = gzip.compress(json.dumps({"instances": [[0.5], [1.5]]}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json", "x-prediction-id": f"{server.name} gzip in"}
    assert http.post("/v1/models/fraud:predict", content=packed, headers=headers).status_code == 200
    event = server.event(f"{server.name} gzip in")
    assert event.request_body == packed
    [batch] = decode(event).rows
    assert batch.features["feature_0"].values.tolist() == [0.5, 1.5]


def test_a_response_that_the_server_compresses_is_captured_as_the_client_got_it(server: Served, http):
    with http.stream(
        "GET", "/large", headers={"accept-encoding": "gzip", "x-prediction-id": f"{server.name} gzip out"}
    ) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    event = server.event(f"{server.name} gzip out")
    assert event.response_body == raw
    assert event.response_headers["content-encoding"] == "gzip"


def test_server_sent_events_pass_one_by_one(server: Served, http):
    arrivals: list[tuple[str, float]] = []
    with http.stream("GET", "/events", headers={"x-prediction-id": f"{server.name} sse"}) as response:
        arrivals += [(line, time.monotonic()) for line in response.iter_lines() if line]
    assert [line for line, _ in arrivals] == [f"data: {i}" for i in range(5)]
    assert arrivals[-1][1] - arrivals[0][1] > 0.04, "held back until the end"
    event = server.event(f"{server.name} sse")
    assert event.response_body == b"".join(b"data: %d\n\n" % i for i in range(5))
    assert event.flags & Flag.STREAMED
    assert 0 < event.first_byte_ns < event.duration_ns


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("HEAD", "/large", 200), ("GET", "/nothing", 204), ("DELETE", "/nothing", 204), ("GET", "/nowhere", 404)],
)
def test_responses_without_a_body_are_captured(server: Served, http, method, path, status):
    name = f"{server.name} {method} {path}"
    response = http.request(method, path, headers={"x-prediction-id": name})
    assert response.status_code == status
    assert response.headers["x-prediction-id"] == name
    event = server.event(name)
    assert (event.method, event.status, event.outcome) == (method, status, Outcome.COMPLETED)


def test_an_exception_is_captured_and_the_server_answers_as_ever(server: Served, http):
    response = http.get("/broken", headers={"x-prediction-id": f"{server.name} boom"})
    assert response.status_code == 500
    event = server.event(f"{server.name} boom")
    assert (event.status, event.outcome) == (500, Outcome.EXCEPTION)
    assert event.failed


def test_an_upload_in_chunks_is_counted_whole(server: Served, http):
    chunks = (b"x" * 100_000 for _ in range(30))
    response = http.post("/upload", content=chunks, headers={"x-prediction-id": f"{server.name} upload"})
    assert response.json() == {"size": 3_000_000}
    event = server.event(f"{server.name} upload")
    assert (event.request_size, len(event.request_body)) == (3_000_000, 2**20)
    assert event.flags & Flag.REQUEST_TRUNCATED


@pytest.mark.parametrize("path", ["/endless", "/stubborn"])
def test_a_client_that_leaves_is_a_disconnect(server: Served, path):
    name = f"{server.name} left {path}"
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nX-Prediction-Id: {name}\r\n\r\n".encode())
        while b"tick" not in peer.recv(4096):
            pass
    event = server.event(name)
    assert event.outcome is Outcome.DISCONNECTED
    assert event.status == 200
    assert event.response_size > 0


def test_a_client_that_leaves_in_the_middle_of_its_upload_is_counted(server: Served):
    name = f"{server.name} half"
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.sendall(
            f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nX-Prediction-Id: {name}\r\n\r\n".encode() + b"x" * 500
        )
        time.sleep(0.2)  # so that the server has begun
    event = server.event(name)
    assert (event.outcome, event.request_size) == (Outcome.DISCONNECTED, 500)


def test_websockets_lifespan_and_probes_pass_through_uncaptured(server: Served, http):
    with connect(f"ws://127.0.0.1:{server.port}/echo", proxy=None) as websocket:
        websocket.send("hello")
        assert websocket.recv() == "HELLO"
    assert http.get("/state").json() == {"model": "loaded"}, "the application's lifespan has run"
    probe = http.get("/healthz")
    assert probe.status_code == 204
    assert "x-prediction-id" not in probe.headers
    last = http.get("/nothing", headers={"x-prediction-id": f"{server.name} last"})
    assert last.status_code == 204
    server.event(f"{server.name} last")
    assert not {"/echo", "/healthz"} & {event.path for event in server.sidecar.events}


def test_requests_one_after_another_on_one_connection_keep_apart(server: Served):
    """HTTP pipelining: all sent before the first is answered."""
    names = [f"{server.name} pipelined {i}" for i in range(5)]
    asks = [
        f"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {i}\r\nX-Prediction-Id: {name}\r\n\r\n{'y' * i}"
        for i, name in enumerate(names)
    ]
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.settimeout(20)
        peer.sendall("".join(asks).encode())
        data = b""
        with contextlib.suppress(TimeoutError):
            while data.count(b'{"size":') < 5:
                got = peer.recv(4096)
                assert got, data
                data += got
    assert [server.event(name).request_size for name in names] == [0, 1, 2, 3, 4]


def test_afterwards_every_sources_ledger_adds_up(server: Served):
    """Runs last: each process's books balance, and agree with what arrived."""

    def settled(kept) -> bool:
        return all(ledger.in_flight == 0 for ledger in kept.ledgers.values()) and sum(
            ledger.shipped for ledger in kept.ledgers.values()
        ) == len(kept.events)

    server.process.terminate()  # the end of a server ships what is left and a last ledger
    server.process.wait(20)
    assert server.sidecar.wait_for(settled, 20), server.sidecar.ledgers
    ledgers = server.sidecar.ledgers.values()
    assert all(ledger.balanced and ledger.seen == ledger.shipped for ledger in ledgers)
    assert len({event.prediction_id for event in server.sidecar.events}) == len(server.sidecar.events)
