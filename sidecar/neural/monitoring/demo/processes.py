"""The demo's child processes: the model server and the sidecar, each started, awaited and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neural.monitoring.errors import NeuralError

START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 15.0
_POLL_SECONDS = 0.05
_TAIL_LINES = 8


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require_free(port: int) -> None:
    """Raise NeuralError when something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise NeuralError(f"port {port} is in use: choose another with --port (0 picks a free one)") from None


@dataclass(slots=True)
class Child:
    """One child process, its output in a log file."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        # One OpenMP thread: the demo's processes share a small machine.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"} | dict(self.environment)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own modules, run by this interpreter
                [sys.executable, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until ``ready()``. Raises NeuralError with the log's last lines when the process ends or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not ready():
            if not self.running:
                raise NeuralError(f"the {self.name} stopped at once:\n{self.tail()}")
            if time.monotonic() > deadline:
                self.stop()
                raise NeuralError(
                    f"the {self.name} was not ready within {START_TIMEOUT_SECONDS:.0f} s; its log: {self.log}\n{self.tail()}"
                )
            time.sleep(_POLL_SECONDS)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_TAIL_LINES:])

    def kill(self) -> None:
        """SIGKILL: no chance to say goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when it takes too long."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
