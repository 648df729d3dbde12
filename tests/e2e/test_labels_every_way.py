"""Labels for a real sidecar by every way there is (HTTP, the CLI's file, Python): before their prediction, late, repeated, corrected."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.realdata.sidecar import SidecarProcess

from neural.monitoring import send_labels
from neural.monitoring.store import open_store
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    # httpcore leaves the socket of a refused connection to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NEURAL = str(Path(sys.executable).parent / "neural")
START, ROWS = 1_700_000_000.0, 60
CONFIG = """
model: {{name: m}}
capture: {{listen: "unix://{folder}/capture.sock"}}
windows: {{pane: 1m, length: 1h, evaluate_every: 1m}}
performance: {{labels_within: 1d, min_labels: 10, minimum: {{accuracy: 0.5}}}}
store: {{path: "{folder}/state"}}
dashboard: {{enabled: false}}
export: {{prometheus: {{enabled: false}}}}
"""


class World:
    """Sixty predictions, every third wrong; class 1 is asked for throughout."""

    def __init__(self, folder: Path) -> None:
        self.sidecar = SidecarProcess(folder, CONFIG.format(folder=folder), START)
        self.folder, self.now, self.sequence = folder, START, 0
        self.endpoint = f"unix://{folder}/capture.sock"

    def capture(self, events: list[CaptureEvent]) -> None:
        self.sequence += 1
        self.sidecar.capture(encode_batch(CaptureBatch("test", self.sequence, events, Ledger())))

    def predict(self) -> None:
        body = b'{"instances": [{"x": 1.5}]}'
        answer = b'{"predictions": [{"label": 1, "probability": 0.8}]}'
        self.capture(
            [
                CaptureEvent(
                    f"p{at}", int(self.now * 1e9), 1_000_000, status=200, path="/v1/models/m:predict", model="m",
                    request_body=body, response_body=answer, request_size=len(body), response_size=len(answer),
                )
                for at in range(ROWS)
            ]
        )  # fmt: skip

    def evaluated(self) -> dict[str, object]:
        """The performance signals of a new evaluation, a minute later."""
        self.now += 60
        self.sidecar.clock.set(self.now)
        self.capture([])
        store = open_store(self.folder / "state", read_only=True)
        try:
            deadline = time.monotonic() + 30
            while not any(one.time >= self.now for one in store.latest_signals(["requests.count"])):
                assert time.monotonic() < deadline, self.sidecar.log()
                time.sleep(0.01)
            return {one.name: one for one in store.latest_signals() if set(one.labels) == {"model", "version"}}
        finally:
            store.close()

    def rolled(self) -> dict[str, str]:
        """Labels by id in the prediction log, two hours later: as Parquet."""
        self.now += 7_200
        deadline = time.monotonic() + 30
        while not (files := list((self.folder / "state" / "predictions").rglob("*.parquet"))):
            assert time.monotonic() < deadline, self.sidecar.log()
            self.evaluated()
        table = pq.read_table(files[0], partitioning=None)
        return dict(zip(table["prediction_id"].to_pylist(), table["label"].to_pylist(), strict=True))


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.sidecar.stop()


def label(at: int) -> int:
    return int(at % 3 > 0)


def cli(folder: Path, name: str, text: str, endpoint: str) -> str:
    (folder / name).write_text(text)
    command = [NEURAL, "monitor", "labels", "import", str(folder / name), "--sidecar", endpoint, "--format", "json"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_every_way_gives_the_same_and_nothing_counts_twice(world, tmp_path):
    early = [{"id": f"p{at}", "label": label(at)} for at in range(15)]
    world.sidecar.labels(json.dumps({"labels": early}).encode())  # before their predictions
    world.predict()
    rows = "".join(f"p{at},{label(at)}\n" for at in range(15, 30))
    assert json.loads(cli(tmp_path, "late.csv", f"id,label\n{rows}", world.endpoint)) == {"labels": 15}
    lines = "".join(json.dumps({"id": f"p{at}", "label": bool(label(at))}) + "\n" for at in range(30, 45))
    cli(tmp_path, "late.jsonl", lines, world.endpoint)
    assert send_labels({f"p{at}": str(label(at)) for at in range(45, 60)}, world.endpoint) == 15
    world.sidecar.labels(json.dumps({"labels": early}).encode())  # again
    send_labels([{"id": f"p{at}", "label": label(at)} for at in range(ROWS)], world.endpoint)  # and again, all of them
    found = world.evaluated()
    assert found["performance.labels"].value == ROWS
    assert found["performance.accuracy"].value == pytest.approx(2 / 3)
    assert found["performance.precision"].verdict.evidence["state"] == "provisional"
    assert found["performance.estimated_accuracy"].value == pytest.approx(0.8, abs=0.15)
    send_labels({"p0": 1, "p3": 1}, world.endpoint)  # corrections: they were right after all
    found = world.evaluated()
    assert found["performance.labels"].value == ROWS
    assert found["performance.accuracy"].value == pytest.approx(42 / 60)
    assert found["performance.accuracy"].verdict.evidence["corrections"] == 2
    assert world.rolled() == {f"p{at}": str(label(at)) for at in range(ROWS)} | {"p0": "1", "p3": "1"}


def test_a_label_that_comes_too_late_is_left_out(world):
    world.predict()
    world.evaluated()
    world.now += 2 * 86_400
    world.sidecar.clock.set(world.now)
    send_labels({f"p{at}": 1 for at in range(ROWS)}, world.endpoint)
    assert world.evaluated()["performance.labels"].value == 0
