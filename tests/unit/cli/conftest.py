"""Commands run in this process, as the console script runs them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neural.monitoring.cli.entry import monitor, run
from neural.monitoring.store import open_store


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def neural(capfd, monkeypatch):
    """``neural("status", "--format", "json")`` → exit code, stdout, stderr."""
    for name in ("NEURAL_MONITOR_STORAGE_PATH", "NEURAL_MONITOR_SIDECAR", "NEURAL_MONITOR_CONFIG", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        code = run(monitor, "neural monitor", [str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def folder(tmp_path, fill_store):
    """``folder(bad=True)``: a storage path with half an hour of state, up to now."""

    def make(**how: Any) -> Path:
        store = open_store(tmp_path / "state")
        fill_store(store, time.time(), **how)
        store.close()
        return tmp_path / "state"

    return make
