"""A sidecar as a process of its own, with the data's clock: ``python -m tests.realdata.sidecar CONFIG CLOCK``.

Everything in it is what ``neural monitor run`` runs, but for the clock: eight bytes in a shared file, moved by whoever plays the data. A
year then passes as fast as the machine can evaluate it, and every window, delay and budget means what it says in the file.
"""

from __future__ import annotations

import mmap
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import httpx

from neural.monitoring.app.run import run_sidecar
from neural.monitoring.settings import load_settings
from neural.wire import CONTENT_TYPE

START_SECONDS = 60.0


class SharedClock:
    """Unix seconds in a file of eight bytes that two processes have mapped."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8)

    @classmethod
    def create(cls, path: Path, now: float) -> SharedClock:
        path.write_bytes(struct.pack("d", now))
        return cls(path)

    def __call__(self) -> float:
        return float(struct.unpack("d", self._memory[:8])[0])

    def set(self, now: float) -> None:
        self._memory[:8] = struct.pack("d", now)


class SidecarProcess:
    """Started, spoken to over its socket, stopped."""

    def __init__(self, folder: Path, config: str, now: float) -> None:
        self.folder, self.socket = folder, folder / "capture.sock"
        (folder / "sidecar.yaml").write_text(config, encoding="utf-8")
        self.clock = SharedClock.create(folder / "clock", now)
        self._client = httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://sidecar", timeout=60)
        with (folder / "sidecar.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.realdata.sidecar", str(folder / "sidecar.yaml"), str(folder / "clock")],
                stdout=log, stderr=log, cwd=Path(__file__).parents[2],
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the sidecar did not start:\n{self.log()}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self._client.post("/v1/labels", json={"labels": []}).is_success
        except httpx.HTTPError:
            return False

    def log(self) -> str:
        return (self.folder / "sidecar.log").read_text(errors="replace")

    def capture(self, batch: bytes) -> None:
        self._post("/v1/capture", batch, CONTENT_TYPE)

    def labels(self, body: bytes) -> None:
        self._post("/v1/labels", body, "application/json")

    def _post(self, path: str, body: bytes, content_type: str) -> None:
        reply = self._client.post(path, content=body, headers={"content-type": content_type})
        while reply.status_code == 429:  # asked to wait
            time.sleep(0.2)
            reply = self._client.post(path, content=body, headers={"content-type": content_type})
        reply.raise_for_status()

    def stop(self) -> None:
        self._client.close()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


if __name__ == "__main__":
    sys.exit(run_sidecar(load_settings(Path(sys.argv[1])), clock=SharedClock(Path(sys.argv[2]))))
