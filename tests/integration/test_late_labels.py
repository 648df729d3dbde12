"""Labels that come after their hour is Parquet: in the log, in `analyze`, in the HTTP API and in the copy."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from neural.monitoring.predictions import PredictionLog
from neural.monitoring.predictions.upload import Uploader
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import columns_from

sys.path.insert(0, str(Path(__file__).parents[1]))
from sidecars import NEURAL, SidecarProcess, batch, event, free_port

HOUR = 3600.0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore and refused connections
def test_a_label_of_two_hours_ago_is_seen_by_the_api_and_by_analyze(tmp_path: Path) -> None:
    port = free_port()
    sidecar = SidecarProcess(tmp_path, {"dashboard": {"enabled": True, "port": port}})
    sidecar.start()
    try:
        then = time.time() - 2 * HOUR
        sidecar.send([batch("server", 1, [event("p", [{"x": 1.0}, {"x": 2.0}], ["yes", "no"], started=then)])])
        log = sidecar.state / "predictions"
        _until(lambda: list(log.rglob("*.parquet")) and not list(log.rglob("*.arrows")))
        told = {"labels": [{"id": "p:0", "label": "yes"}, {"id": "p:1", "label": "yes"}]}
        assert sidecar.post(json.dumps(told).encode(), "/v1/labels", "application/json").status_code == 200

        def answer() -> list[tuple[str, str | None]]:
            found = httpx.get(f"http://127.0.0.1:{port}/api/v1/predictions", timeout=10).raise_for_status().json()
            return [(row["prediction_id"], row.get("label")) for row in found["predictions"]]

        _until(lambda: sorted(answer()) == [("p:0", "yes"), ("p:1", "yes")])
        done = subprocess.run(
            [NEURAL, "monitor", "analyze", str(log), "--format", "json"], capture_output=True, text=True, timeout=60, check=False
        )
        performance = json.loads(done.stdout)["performance"]
        assert (performance["labelled"], performance["accuracy"]) == (2, 0.5)
    finally:
        sidecar.close()


def test_a_file_that_has_got_labels_is_sent_to_the_store_again(tmp_path: Path) -> None:
    now = time.time() // HOUR * HOUR
    log = PredictionLog(tmp_path / "log", clock=lambda: now)
    log.append(RecordBatch("m", "1", np.array([now]), ["a"], columns_from({"x": [1.0]})))
    log.roll(now + 2 * HOUR, lambda ids: [None] * len(ids))
    log.checkpoint()
    log.checkpoint()
    uploader = Uploader(tmp_path / "log", fs.LocalFileSystem(), str(tmp_path / "copy"), "pod-1")
    uploader.step()
    log.labelled("m", "1", np.array([now]))
    log.roll(now + 2 * HOUR, lambda ids: ["yes"] * len(ids))
    uploader.step()
    uploader.step()
    (copy,) = (tmp_path / "copy").rglob("*.parquet")
    assert pq.ParquetFile(copy).read()["label"].to_pylist() == ["yes"]
    assert uploader.stats()["uploaded_files"] == 2


def _until(done, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, done
        time.sleep(0.1)
