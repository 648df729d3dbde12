"""The short version of ``make ready``: a sidecar with a month behind it starts, has it all, and does not read it to be ready."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from ready import DAYS, fill, month
from sidecars import SidecarProcess

from neural.monitoring.store import open_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # httpcore and refused connections
]


def _bytes_read(sidecar: SidecarProcess) -> int:
    """By the process, from files, whether the kernel had them or not."""
    assert sidecar.process is not None
    text = Path(f"/proc/{sidecar.process.pid}/io").read_text()
    return int(text.split("rchar:")[1].split()[0])


def test_thirty_days_of_state_are_there_and_are_not_read_at_the_start(tmp_path: Path) -> None:
    fresh = SidecarProcess(tmp_path_of(tmp_path, "fresh"))
    sidecar, held, following = month(tmp_path_of(tmp_path, "month"), features=3, days=DAYS)
    try:
        assert held["points"] > 1_000_000
        assert held["reports"] > DAYS * 1_440
        assert held["log_files"] > 150
        fresh.start()
        sidecar.start()
        # What a start reads does not grow with the history: code, the checkpoint, and a few pages of each table.
        assert _bytes_read(sidecar) - _bytes_read(fresh) < held["state_mib"] * 2**20 / 10
        fill(sidecar, 3, rows=500, first=following)
        sidecar.kill()
        sidecar.start()
        sidecar.stop()
        store = open_store(sidecar.state, read_only=True)
        points = store.read_signals(["drift.score"], since=time.time() - DAYS * 86_400)
        assert points[-1].time - points[0].time > (DAYS - 1) * 86_400
        assert store.value("capture")["counters"]["rows"] == 2_500
        store.close()
    finally:
        fresh.close()
        sidecar.close()


def tmp_path_of(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name
