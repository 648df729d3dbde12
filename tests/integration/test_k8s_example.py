"""The example of k8s/ as its pod runs it: app and sidecar meet at the socket, and the probes answer where the kubelet asks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from sidecars import SidecarProcess, free_port

K8S = Path(__file__).parents[2] / "k8s"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]


def _get(url: str, seconds: float = 30) -> httpx.Response:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return httpx.get(url)
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_example_answers_and_its_sidecar_counts(tmp_path: Path) -> None:
    config = yaml.safe_load((K8S / "base" / "neural-monitor.yaml").read_text())
    metrics, port = free_port(), free_port()
    for key in ("store", "dashboard", "capture"):  # the places of this machine; everything else is the base's
        config.pop(key)
    config["export"]["prometheus"].update(enabled=True, host="127.0.0.1", port=metrics)
    sidecar = SidecarProcess(tmp_path, config)
    environment = {**os.environ, "NEURAL_CAPTURE_ENDPOINT": f"unix://{sidecar.socket}", "NEURAL_CAPTURE_MODEL": "my-model"}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--app-dir",
        str(K8S / "example"),
        "app:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    server = subprocess.Popen(command, env=environment)
    try:
        sidecar.start()
        assert _get(f"http://127.0.0.1:{port}/health").json() == {"status": "alive"}
        rows = [{"income": 1, "debt": 0.5, "years": 3}]
        answers = [
            httpx.post(f"http://127.0.0.1:{port}/v1/models/my-model:predict", json={"instances": rows}).json() for _ in range(5)
        ]
        assert answers[0]["predictions"][0] == pytest.approx(0.75, abs=0.01)
        door = f"http://127.0.0.1:{metrics}"
        assert _get(f"{door}/ready").json() == {"status": "ready"}
        assert _get(f"{door}/health").json()["status"] == "alive"
        deadline = time.monotonic() + 30
        while 'neural_predictions_total{model="my-model",version="1"} 5.0' not in _get(f"{door}/metrics").text:
            assert time.monotonic() < deadline, _get(f"{door}/metrics").text
            time.sleep(0.2)
    finally:
        server.terminate()
        server.wait(20)
        sidecar.close()
