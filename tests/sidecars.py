"""A real sidecar process that tests feed, kill, starve and start again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

NEURAL = str(Path(sys.executable).parent / "neural")
CONTENT = {"content-type": "application/json"}
_WITH_BYTECODE = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As an installation has it: without bytecode a start compiles half a second of code, each time."""
Rows = Sequence[Mapping[str, Any]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SidecarProcess:
    """``neural monitor run`` in ``folder``, on a Unix socket. ``settings`` are laid over a quiet, quick configuration.

    ``before`` is put in front of the command, such as ``prlimit --as=…``.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any] | None = None, *, before: Sequence[str] = (), neural: str = NEURAL
    ) -> None:
        self.folder, self.socket, self.state = folder, folder / "c.sock", folder / "state"
        self.config = folder / "config.yaml"
        self.before, self.neural = list(before), neural
        self.process: subprocess.Popen[str] | None = None
        self.log = folder / "sidecar.log"
        self._client: httpx.Client | None = None
        quick: dict[str, Any] = {
            "model": {"name": "m"},
            "capture": {"listen": f"unix://{self.socket}"},
            "store": {"path": str(self.state), "checkpoint_every": "1s"},
            "windows": {"pane": "1s", "length": "10m", "evaluate_every": "500ms"},
            "dashboard": {"enabled": False},
            "export": {"prometheus": {"enabled": False}},
        }
        self.settings = _over(quick, settings or {})
        self.config.write_text(yaml.safe_dump(self.settings))

    def start(self, *, wait: float = 60) -> float:
        """Start, and wait until it answers. Returns the seconds that took."""
        begin = time.monotonic()
        with self.log.open("a") as log:
            command = [*self.before, self.neural, "monitor", "run", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log, stdout=log, text=True, env=_WITH_BYTECODE)
        while not self.answers():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < begin + wait, self.said()
            time.sleep(0.02)
        return time.monotonic() - begin

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def answers(self) -> bool:
        try:
            return self.post(b"not a batch").status_code in (200, 400)
        except httpx.HTTPError:
            return False

    def post(self, body: bytes, path: str = "/v1/capture", kind: str = "application/x-protobuf") -> httpx.Response:
        if self._client is None:
            self._client = httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://s", timeout=10)
        return self._client.post(path, content=body, headers={"content-type": kind})

    def send(self, bodies: Iterable[bytes], *, wait: float = 60) -> int:
        """Like a shipper: the same batch again until it is acknowledged. Returns how many were."""
        sent = 0
        for body in bodies:
            deadline = time.monotonic() + wait
            while True:
                try:
                    if self.post(body).status_code == 200:
                        break
                except httpx.HTTPError:
                    assert self.process is not None
                    if self.process.poll() is not None:
                        self.start()
                assert time.monotonic() < deadline, self.said()[-4000:]
                time.sleep(0.02)
            sent += 1
        return sent

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._drop_client()

    def stop(self, timeout: float = 40) -> str:
        """SIGTERM, and wait. Returns what the sidecar has said."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout)
        self._drop_client()
        assert self.process.returncode == 0, self.said()[-4000:]
        return self.said()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self._drop_client()

    def rss_bytes(self) -> int:
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _over(base: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in more.items():
        held = merged.get(key)
        merged[key] = _over(held, value) if isinstance(held, dict) and isinstance(value, Mapping) else value
    return merged


def event(prediction_id: str, rows: Rows, predictions: Sequence[Any], *, started: float | None = None) -> CaptureEvent:
    """One request in KServe's V1 form, as the middleware would have captured it."""
    begun = time.time() if started is None else started
    return CaptureEvent(
        prediction_id=prediction_id,
        started_unix_ns=int(begun * 1e9),
        duration_ns=5_000_000,
        status=200,
        path="/v1/models/m:predict",
        model="m",
        version="1.0",
        request_body=json.dumps({"instances": list(rows)}).encode(),
        response_body=json.dumps({"predictions": list(predictions)}).encode(),
        request_headers=CONTENT,
        response_headers=CONTENT,
    )


def batch(source: str, sequence: int, events: Sequence[CaptureEvent], *, seen: int | None = None) -> bytes:
    total = sequence * len(events) if seen is None else seen
    return encode_batch(CaptureBatch(source, sequence, list(events), Ledger(seen=total, shipped=total)))
