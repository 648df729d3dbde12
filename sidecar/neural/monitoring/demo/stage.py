"""The demo's stage: a folder, the model server, the sidecar, and the eyes on what the sidecar stores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import httpx

from neural.monitoring.demo.options import DemoOptions
from neural.monitoring.demo.processes import Child, free_port, require_free
from neural.monitoring.errors import StoreError
from neural.monitoring.store import AlertRow, Store, open_store
from neural.wire import Ledger

CONFIG_NAME = "flights.yaml"
_WAITS_A_STORY, _INTERVALS_A_STORY = 10, 4
"""The channel's group_wait and group_interval are these parts of the story: an incident, and from one to the next."""


@dataclass(slots=True)
class Stage:
    """Everything of one run lives in ``folder``: socket, reference, config, logs, state."""

    folder: Path
    server_port: int
    dashboard_port: int
    metrics_port: int
    server: Child
    sidecar: Child
    _store: Store | None = field(default=None)

    @property
    def socket_path(self) -> str:
        return str(self.folder / "capture.sock")

    @property
    def storage_path(self) -> Path:
        return self.folder / "state"

    @property
    def config_path(self) -> Path:
        return self.folder / CONFIG_NAME

    @property
    def server_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def urls(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self.dashboard_port}"
        return {
            "dashboard": f"{base}/",
            "metrics": f"http://127.0.0.1:{self.metrics_port}/metrics",
            "api": f"{base}/api/v1/status",
            "model_server": self.server_url,
        }

    def server_ready(self) -> bool:
        """True once the server has trained its model, written the reference and serves. Some seconds after its start."""
        return _answers(f"{self.server_url}/v2/health/ready")

    def start_sidecar(self) -> None:
        self.sidecar.start()
        self.sidecar.wait_until(lambda: _answers(f"http://127.0.0.1:{self.dashboard_port}/ready"))

    def stop(self) -> None:
        """The server first: its shipper's last batch, and its ledger, still find the sidecar."""
        self.server.stop()
        self.sidecar.stop()
        self.close_store()

    # What the sidecar knows ------------------------------------------------------

    @property
    def store(self) -> Store | None:
        """The sidecar's state, read from this process while the sidecar writes; None until it exists."""
        if self._store is None:
            try:
                self._store = open_store(self.storage_path, read_only=True)
            except StoreError:
                return None
        return self._store

    def close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def alerts(self) -> list[AlertRow]:
        """Alerts that have fired, oldest first."""
        found = [] if self.store is None else self.store.alerts()
        return sorted((row for row in found if row.fired_at is not None), key=lambda row: row.fired_at or 0.0)

    def capture(self) -> Mapping[str, Any]:
        """The engine's account of what came in: ledger, sources, counters; empty until the first evaluation."""
        value: Mapping[str, Any] = {} if self.store is None else self.store.value("capture", {})
        return value

    def ledger(self) -> Ledger:
        return Ledger(**self.capture().get("ledger", {}))


def set_stage(options: DemoOptions, folder: Path) -> Stage:
    """Prepare the folder and the two commands; nothing is started. Raises NeuralError when the port is in use."""
    folder.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files("neural.monitoring.demo") / CONFIG_NAME) as source:
        shutil.copyfile(source, folder / CONFIG_NAME)
    if options.slack:
        with (folder / CONFIG_NAME).open("a", encoding="utf-8") as config:
            config.write(_slack(options.slack, options.seconds))
    server_port, metrics_port, dashboard_port = free_port(), free_port(), options.port or free_port()
    require_free(dashboard_port)
    server = [
        "-m", "neural.monitoring.demo.server", "--port", str(server_port), "--endpoint", f"unix://{folder / 'capture.sock'}",
        "--reference", str(folder / "reference.parquet"), "--seed", str(options.seed),
    ]  # fmt: skip
    sidecar = ["-m", "neural.monitoring.cli", "run", "--config", str(folder / CONFIG_NAME)]
    environment = {
        "NEURAL_DEMO": str(folder),
        "NEURAL_DEMO_PORT": str(dashboard_port),
        "NEURAL_DEMO_METRICS_PORT": str(metrics_port),
        "NEURAL_CAPTURE_HEARTBEAT_INTERVAL": "1",  # so that the story's last ledger is not waited for
    }
    return Stage(
        folder,
        server_port,
        dashboard_port,
        metrics_port,
        Child("model server", server, folder / "server.log", environment),
        Child("sidecar", sidecar, folder / "sidecar.log", environment),
    )


def _slack(webhook: str, story_seconds: float) -> str:
    """The channel, with times as short against the story as 30 s and 5 minutes are against a day's incidents."""
    wait, interval = (f"{story_seconds / parts:.1f}s" for parts in (_WAITS_A_STORY, _INTERVALS_A_STORY))
    return f"\nchannels:\n  slack: {{webhook: {json.dumps(webhook)}, group_wait: {wait}, group_interval: {interval}}}\n"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1, trust_env=False).is_success
    except httpx.HTTPError:
        return False
