"""What was acknowledged survives ``kill -9``: exactly once, in the counters and in the prediction log."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from neural.monitoring.predictions import read_predictions
from neural.monitoring.store import open_store
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    # httpcore leaves the socket of a refused connection to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NEURAL = str(Path(sys.executable).parent / "neural")
ROWS_PER_EVENT, EVENTS_PER_BATCH = 3, 20


class Sidecar:
    """A real sidecar process on a Unix socket, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "c.sock"
        self.config = folder / "config.yaml"
        self.config.write_text(
            "model: {name: m}\n"
            f"capture: {{listen: unix://{self.socket}}}\n"
            f"store: {{path: {folder}/state, checkpoint_every: 1s}}\n"
            "windows: {pane: 1s, length: 10m, evaluate_every: 0.5s}\n"
            "dashboard: {enabled: false}\nexport: {prometheus: {enabled: false}}\n"
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [NEURAL, "monitor", "run", "--config", str(self.config)], stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return self.post(b"not a batch").status_code in (200, 400)
        except httpx.HTTPError:
            return False

    def post(self, body: bytes) -> httpx.Response:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://s", timeout=5) as client:
            return client.post("/v1/capture", content=body, headers={"content-type": "application/x-protobuf"})

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def said(self, command: str) -> tuple[int, str]:
        """Exit code and text of ``neural monitor <command>`` on the folder."""
        call = [NEURAL, "monitor", command, "--storage-path", str(self.folder / "state")]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def stop(self) -> str:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        err = self.process.communicate(timeout=40)[1]
        assert self.process.returncode == 0, err
        return err


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Sidecar]:
    running = Sidecar(tmp_path)
    yield running
    if running.process is not None and running.process.poll() is None:
        running.kill()


def _batch(source: str, sequence: int) -> bytes:
    begun = time.time_ns()
    events = []
    for i in range(EVENTS_PER_BATCH):
        request = {"instances": [{"x": random.random(), "kind": "a"} for _ in range(ROWS_PER_EVENT)]}
        response = {"predictions": [random.random() for _ in range(ROWS_PER_EVENT)]}
        events.append(
            CaptureEvent(
                prediction_id=f"{source}-{sequence}-{i}",
                started_unix_ns=begun,
                duration_ns=5_000_000,
                status=200,
                path="/v1/models/m:predict",
                model="m",
                version="1.0",
                request_body=json.dumps(request).encode(),
                response_body=json.dumps(response).encode(),
                request_headers={"content-type": "application/json"},
                response_headers={"content-type": "application/json"},
            )
        )
    total = sequence * EVENTS_PER_BATCH
    return encode_batch(CaptureBatch(source, sequence, events, Ledger(seen=total, shipped=total)))


def _send(sidecar: Sidecar, source: str, sequences: range) -> None:
    """Like a shipper: the same batch again until it is acknowledged."""
    for sequence in sequences:
        body = _batch(source, sequence)
        while True:
            try:
                if sidecar.post(body).status_code == 200:
                    break
            except httpx.HTTPError:
                if sidecar.process is not None and sidecar.process.poll() is not None:
                    sidecar.start()
            time.sleep(0.02)


def test_killed_at_random_moments_nothing_acknowledged_is_lost_or_doubled(sidecar: Sidecar) -> None:
    sidecar.start()
    sent = 0
    for _ in range(4):
        count = random.randint(5, 40)
        _send(sidecar, "server", range(sent + 1, sent + count + 1))
        sent += count
        time.sleep(random.random() * 1.5)
        sidecar.kill()
        sidecar.start()
        sidecar.post(_batch("server", sent))  # the acknowledgement might have been lost: the shipper sends again
    time.sleep(1.2)
    err = sidecar.stop()
    assert "Traceback" not in err
    events = sent * EVENTS_PER_BATCH
    store = open_store(sidecar.folder / "state", read_only=True)
    counters = store.value("capture")["counters"]
    store.close()
    assert counters["events"] == events
    assert counters["rows"] == events * ROWS_PER_EVENT
    table = read_predictions(sidecar.folder / "state" / "predictions")
    ids = table["prediction_id"].to_pylist()
    assert len(ids) == len(set(ids)) == events * ROWS_PER_EVENT


def test_a_clean_stop_keeps_the_ledger_and_a_restart_continues_the_counters(sidecar: Sidecar) -> None:
    sidecar.start()
    _send(sidecar, "server", range(1, 4))
    sidecar.stop()
    for command in ("status", "health"):
        code, text = sidecar.said(command)
        assert (code, "The sidecar was stopped at" in text) == (1, True), text
    sidecar.start()
    assert "was stopped" not in sidecar.said("health")[1]
    _send(sidecar, "server", range(4, 6))
    time.sleep(1.2)
    sidecar.stop()
    store = open_store(sidecar.folder / "state", read_only=True)
    capture = store.value("capture")
    store.close()
    assert capture["counters"]["events"] == 5 * EVENTS_PER_BATCH
    assert capture["ledger"]["seen"] == 5 * EVENTS_PER_BATCH
    assert capture["balanced"]
