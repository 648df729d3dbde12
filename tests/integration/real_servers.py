"""Model servers of other people, unmodified, in the environment that ``make test`` makes for them (.venv-servers)."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from neural.capture.testing import MemorySidecar
from neural.monitoring.decode import Decoded, Decoding
from neural.wire import CaptureBatch, CaptureEvent

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("SERVERS", ROOT / ".venv-servers")) / "bin" / "python"
FOLDER = ROOT / "tests" / "servers"

needs_servers = pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-servers here: make .venv-servers/.done")


@dataclass(frozen=True)
class Served:
    """A running server, and the sidecar that it ships to."""

    name: str
    address: str
    process: subprocess.Popen[bytes]
    sidecar: MemorySidecar

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def event(self, prediction_id: str) -> CaptureEvent:
        """The request that this id was sent with, once it has been shipped."""

        def found(kept) -> list[CaptureEvent]:
            return [event for event in kept.events if event.prediction_id == prediction_id]

        assert self.sidecar.wait_for(lambda kept: bool(found(kept)), 20), f"{prediction_id} did not arrive"
        [event] = found(self.sidecar)
        return event


@contextlib.contextmanager
def served(name: str, *command: str, folder: Path = FOLDER, health: str = "/healthz", **env: str) -> Iterator[Served]:
    """``python -m command`` with ``{port}`` filled in, until it answers; and a sidecar in memory."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with MemorySidecar() as sidecar:
        settings = {"NEURAL_CAPTURE_ENDPOINT": sidecar.endpoint, "NEURAL_CAPTURE_FLUSH_INTERVAL": "0.02", **env}
        arguments = [str(PYTHON), "-m", *[part.format(port=port) for part in command]]
        process = subprocess.Popen(
            arguments, cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(f"{address}{health}", process)
            yield Served(name, address, process, sidecar)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, timeout=5, trust_env=False).status_code < 500:
                return
        assert process.poll() is None, "the server has ended"
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.05)  # there is no event to wait for: the process is not ours


def decode(*events: CaptureEvent) -> Decoded:
    """As the sidecar reads them with its settings as they come."""
    return Decoding().decode(CaptureBatch("s", 1, events))
