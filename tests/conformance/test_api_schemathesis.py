"""schemathesis reads a real sidecar's /openapi.json and does what a client may do, and what it may not: every reply must be a documented one."""

from __future__ import annotations

import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from neural.monitoring.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
HERE = Path(__file__).resolve().parent
FILL = runpy.run_path(str(HERE.parent / "unit" / "conftest.py"))["fill"]
BIN = Path(sys.executable).parent
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "15")
"""Requests made up for an operation; more with `SCHEMATHESIS_EXAMPLES=300 pytest tests/conformance/test_api_schemathesis.py`."""


@pytest.fixture
def sidecar(tmp_path):
    """The URL of a sidecar (a process of its own) over half an hour of state with an incident."""
    store = open_store(tmp_path / "state")
    FILL(store, time.time(), bad=True)
    store.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config, log = tmp_path / "c.yaml", tmp_path / "log"
    config.write_text(
        f"model: {{name: fraud, version: '3'}}\ncapture: {{listen: unix://{tmp_path}/c.sock}}\nstore: {{path: {tmp_path}/state}}\n"
        f"dashboard: {{port: {port}}}\nexport: {{prometheus: {{enabled: false}}}}\n"
    )
    with log.open("w") as out:
        process = subprocess.Popen([BIN / "neural", "monitor", "run", "--config", str(config)], stderr=out)
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while not _is_ready(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield url
        assert "Traceback" not in log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)


def _is_ready(url):
    try:
        return httpx.get(f"{url}/ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_schemathesis_finds_nothing(sidecar, tmp_path):
    command = [
        BIN / "schemathesis", "run", f"{sidecar}/openapi.json", "--exclude-path", "/api/v1/stream",  # never ends; see test_api_server
        "--max-examples", EXAMPLES, "--generation-database", "none", "--no-color", "--workers", "1",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=220)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "Stateful" in done.stdout  # silences are made, then ended
