"""Eight forked workers ship to a real sidecar that is killed, stopped, restarted, out of disk: both sides' books agree to the last request."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.model_server import GUNICORN, requests, server
from tests.sidecars import SidecarProcess

from neural.monitoring.predictions import read_predictions
from neural.monitoring.store import open_store
from neural.monitoring.views import capture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    # httpcore leaves the socket of a refused connection to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

WORKERS = 8
COMMAND = (*GUNICORN, "-w", str(WORKERS), "--preload", "-k", "uvicorn.workers.UvicornWorker")
PATIENT = {
    "NEURAL_CAPTURE_TIMEOUT": "0.5", "NEURAL_CAPTURE_MAX_BACKOFF": "0.2", "NEURAL_CAPTURE_FLUSH_INTERVAL": "0.02",
    "NEURAL_CAPTURE_DEGRADE": "false", "NEURAL_CAPTURE_SHUTDOWN_TIMEOUT": "15",
}  # fmt: skip


def killed(sidecar: SidecarProcess) -> Callable[[], object]:
    sidecar.kill()
    return sidecar.start


def stopped(sidecar: SidecarProcess) -> Callable[[], object]:
    os.kill(sidecar.process.pid, signal.SIGSTOP)
    return lambda: os.kill(sidecar.process.pid, signal.SIGCONT)


def restarted(sidecar: SidecarProcess) -> Callable[[], object]:
    sidecar.stop()
    return sidecar.start


def out_of_disk(sidecar: SidecarProcess) -> Callable[[], object]:
    filler = sidecar.state / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    assert shutil.disk_usage(sidecar.state).free == 0
    return filler.unlink


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """64 MiB mounted at ``folder``."""
    folder.mkdir(parents=True)
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("a tmpfs can't be mounted here: that needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("fault", [killed, stopped, restarted, out_of_disk], ids=lambda fault: fault.__name__)
def test_every_request_is_answered_and_both_books_agree(tmp_path, fault):
    sidecar = SidecarProcess(tmp_path)
    with contextlib.ExitStack() as stack:
        if fault is out_of_disk:
            stack.enter_context(small_disk(sidecar.state))
        stack.callback(sidecar.close)
        sidecar.start()
        with server(tmp_path, f"unix://{sidecar.socket}", *COMMAND, **PATIENT) as (address, process):
            before = requests(address, 80)
            heal = fault(sidecar)
            during = requests(address, 160)
            time.sleep(0.7)  # so that a batch in the making runs into its deadline
            heal()
            answered = before + during + requests(address, 80)
            process.send_signal(signal.SIGTERM)
            process.wait(40)
        sidecar.stop()
        with contextlib.closing(open_store(sidecar.state, read_only=True)) as store:
            books = capture(store, time.time())
        logged = read_predictions(sidecar.state / "predictions")
    pids = {answer.pid for answer in answered}
    assert {source.split(":")[1] for source in books["sources"]} == pids
    assert all(ledger["balanced"] for ledger in books["sources"].values())
    assert {name: books["ledger"][name] for name in ("seen", "shipped", "dropped", "in_flight")} == {
        "seen": len(answered), "shipped": len(answered), "dropped": {}, "in_flight": 0,
    }  # fmt: skip
    ids = sorted(logged["prediction_id"].to_pylist())
    assert len(set(ids)) == len(ids)
    if fault is out_of_disk:
        return  # the log may have refused rows then; the books have not
    assert ids == sorted(answer.prediction_id for answer in answered), "each exactly once"
