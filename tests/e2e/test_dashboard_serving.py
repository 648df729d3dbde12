"""`neural monitor dashboard` as a process of its own, over a store that another process writes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from neural.monitoring.signal import Signal
from neural.monitoring.store import open_store

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "neural.monitoring.cli", "dashboard"]
MODEL = {"model": "flights", "version": "3"}
START_SECONDS = 60
QUESTION = {
    "output": "..made.data...tick.disabled...tick.interval..",
    "outputs": [
        {"id": "made", "property": "data"},
        {"id": "tick", "property": "disabled"},
        {"id": "tick", "property": "interval"},
    ],
    "inputs": [
        {"id": "url", "property": "pathname", "value": "/"},
        {"id": "url", "property": "search", "value": ""},
        {"id": "tick", "property": "n_intervals", "value": 0},
    ],
    "changedPropIds": ["url.pathname"],
}


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_for(port, process):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            continue
    raise AssertionError(f"the dashboard did not start: {process.communicate(timeout=5)}")


def test_it_shows_what_another_process_writes_and_ends_on_ctrl_c(tmp_path):
    store, port = open_store(tmp_path), _free_port()
    command = [*COMMAND, "--storage-path", str(tmp_path), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(port, process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            assert 'id="react-entry-point"' in client.get("/drift").text
            assert "Nothing has been measured yet" in client.post("/_dash-update-component", json=QUESTION).text
            store.write_signals([Signal("requests.rate", 42.0, time.time(), MODEL)])
            assert '"42 /s"' in client.post("/_dash-update-component", json=QUESTION).text.replace("\\u002f", "/")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert "Traceback" not in errors
        assert process.returncode in (0, 130)
    finally:
        process.kill()
        process.communicate()
        store.close()


@pytest.mark.parametrize("trouble", ["port in use", "no store"])
def test_trouble_is_one_clear_line_and_exit_code_2(tmp_path, trouble):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if trouble == "port in use" else _free_port()
        folder = tmp_path if trouble == "port in use" else tmp_path / "nowhere"
        if trouble == "port in use":
            open_store(folder).close()
        command = [*COMMAND, "--storage-path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    complaint = [line for line in done.stderr.splitlines() if not line.startswith("Dashboard:")]
    assert len(complaint) == 1
    assert ("in use" in complaint[0]) == (trouble == "port in use")
