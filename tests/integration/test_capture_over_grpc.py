"""Capture that ships over gRPC, against the sidecar's own gRPC ingest: it is told to wait, and it is forked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from neural.capture import CaptureMiddleware
from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.monitoring.ingest.grpc_ingest import build_grpc_server
from neural.wire.decode import decode_batch


class Ingest:
    """The sidecar's gRPC ingest and journal on a socket; ``pressure`` is how full the sidecar says it is."""

    def __init__(self, folder: Path) -> None:
        self.endpoint, self.pressure = f"grpc+unix://{folder}/g.sock", 0.0
        self._address, self._folder = f"unix:{folder}/g.sock", folder
        self.service: IngestService | None = None
        self.batches: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)
        self._up = threading.Event()

    def __enter__(self) -> Ingest:
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._until_told())
        self._loop.close()

    async def _until_told(self) -> None:
        self._stopped = asyncio.Event()
        with contextlib.closing(Journal(self._folder / "journal")) as journal:
            self.service = IngestService(
                journal, Deduplicator(), time.time, None, lambda entry: self.batches.append(entry.payload), lambda: self.pressure
            )
            server = build_grpc_server(self.service)
            server.add_insecure_port(self._address)
            await server.start()
            self._up.set()
            await self._stopped.wait()
            await server.stop(0)

    def refused(self) -> int:
        assert self.service is not None
        return int(sum(value for name, value in self.service.stats().items() if "back_pressure" in name))

    def shipped_by_source(self) -> dict[str, int]:
        latest = {batch.source: batch.ledger for batch in map(decode_batch, self.batches)}
        return {source: ledger.shipped for source, ledger in latest.items()}

    def prediction_ids(self) -> list[str]:
        return [event.prediction_id for batch in map(decode_batch, self.batches) for event in batch.events]


@pytest.fixture
def ingest(tmp_path: Path) -> Iterator[Ingest]:
    with Ingest(tmp_path) as running:
        yield running


def _until(condition: Callable[[], object], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return bool(condition())


async def _model(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def _receive() -> dict:
    return {"type": "http.request", "body": b"{}"}


async def _send(message: dict) -> None: ...


def _requests(app: CaptureMiddleware, number: int) -> None:
    async def go() -> None:
        for _ in range(number):
            await app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, _receive, _send)

    asyncio.run(go())


def test_a_full_sidecar_is_waited_for_and_nothing_is_lost(ingest: Ingest) -> None:
    """RESOURCE_EXHAUSTED with retry-after: the batch waits, is sent again, and counts once."""
    ingest.pressure = 1.0
    app = CaptureMiddleware(_model, model="m", endpoint=ingest.endpoint, flush_interval=0.01)
    _requests(app, 50)
    assert _until(lambda: ingest.refused() >= 1)
    waiting = app.ledger()
    assert (waiting.seen, waiting.shipped, waiting.in_flight, waiting.dropped) == (50, 0, 50, {})
    assert ingest.batches == []
    ingest.pressure = 0.0
    _requests(app, 10)
    assert app.flush(20)
    ledger = app.ledger()
    assert (ledger.seen, ledger.shipped, ledger.dropped) == (60, 60, {})
    assert ledger.balanced
    told = ingest.prediction_ids()
    assert len(told) == len(set(told)) == 60


def test_a_sidecar_that_stays_full_costs_the_server_only_what_the_ring_cannot_hold(ingest: Ingest) -> None:
    ingest.pressure = 1.0
    app = CaptureMiddleware(_model, model="m", endpoint=ingest.endpoint, flush_interval=0.01, ring_events=20, degrade=False)
    _requests(app, 100)
    ledger = app.ledger()
    assert ledger.seen == 100
    assert ledger.dropped == {"ring_full": 100 - ledger.in_flight}
    assert 0 < ledger.dropped["ring_full"] <= 80
    ingest.pressure = 0.0
    assert app.flush(20)
    ledger = app.ledger()
    assert ledger.balanced
    assert ledger.shipped == len(ingest.prediction_ids()) == 100 - ledger.dropped["ring_full"]


FORKING = """
import asyncio, os, sys
from neural.capture import CaptureMiddleware

async def model(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})

async def receive(): ...
async def send(message): ...
app = CaptureMiddleware(model, model="m")

def requests(number):
    async def go():
        for _ in range(number):
            await app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send)
    asyncio.run(go())

before = int(sys.argv[1])
if before:
    requests(before)
    assert app.flush(20)                 # the parent's channel is open
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        assert app.ledger().seen == 0
        requests(2)
        done = app.flush(20)
        os._exit(0 if done and app.ledger().shipped == 2 else 1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
requests(4)
assert app.flush(20)
ledger = app.ledger()
assert (ledger.seen, ledger.shipped) == (before + 4, before + 4), ledger
assert codes == [0, 0, 0], codes
"""


@pytest.mark.parametrize("before", [0, 5], ids=["forked before its first request", "forked with an open channel"])
def test_forked_workers_ship_over_channels_of_their_own(ingest: Ingest, before: int) -> None:
    env = os.environ | {"NEURAL_CAPTURE_ENDPOINT": ingest.endpoint, "NEURAL_CAPTURE_FLUSH_INTERVAL": "0.05"}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORKING), str(before)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(ingest.shipped_by_source().values()) == [2, 2, 2, before + 4]
    told = ingest.prediction_ids()
    assert len(told) == len(set(told)) == before + 10
