"""``kill -9`` at random moments under load: what was acknowledged is there, once, and the verdicts are those of a sidecar never killed.

``make torture`` does it a thousand times; the suite's short version a few times. One journal of batches with fixed times is played to
two sidecars, one of which is killed again and again. Both get the same entries, so at the end panes and counters must be equal.

``--fsync-price`` measures what ``store.journal.fsync: batch`` costs on this disk instead.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from neural.monitoring.predictions import read_predictions
from neural.monitoring.store import open_store

sys.path.insert(0, str(Path(__file__).parent))
from sidecars import SidecarProcess, batch, event

ROWS, EVENTS = 2, 5
SETTINGS: dict[str, Any] = {
    "store": {"checkpoint_every": "1s"},
    "windows": {
        "pane": "10s",
        "length": "1h",
        "evaluate_every": "1h",
    },  # the last evaluation, at the clean stop, is the one compared
    "reference": {"learn": "200 rows"},
}

TIMED = {"drift.alarm", "drift.evidence", "drift.model_evidence", "quality.alarm", "quality.freshness"}
"""These spend their budget over time, and the two sidecars live at different times; that a replay comes to the same ones is held, with
the clock as a parameter, by tests/unit/engine/test_engine_replay.py."""


def body(sequence: int, at: float) -> bytes:
    """Always the same for a number: a batch can be made again for the sidecar that is not killed."""
    rng = np.random.default_rng(sequence)
    events = []
    for number in range(EVENTS):
        rows = [{"x": round(float(rng.normal()), 3), "kind": str(rng.choice(["a", "b"]))} for _ in range(ROWS)]
        events.append(event(f"{sequence}-{number}", rows, rng.random(ROWS).round(3).tolist(), started=at))
    return batch("server", sequence, events)


class Tormentor:
    """Sends batches, kills at a random moment of a random operation, starts again, and keeps the account of what was acknowledged."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.sidecar = SidecarProcess(folder, SETTINGS)
        self.random = random.Random(seed)
        self.begun = time.time()
        self.acknowledged = 0
        self.ready_seconds: list[float] = []

    def run(self, kills: int) -> None:
        self.sidecar.start()
        for _ in range(kills):
            self._send_until(time.monotonic() + self.random.expovariate(1 / 0.15))
            self.sidecar.kill()
            self.ready_seconds.append(self.sidecar.start())
        self._send_until(time.monotonic() + 0.5)

    def _send_until(self, end: float) -> None:
        """The last batch is sent again after a kill: its acknowledgement might have been on its way."""
        while time.monotonic() < end:
            sequence = self.acknowledged + 1
            try:
                if self.sidecar.post(body(sequence, self.begun)).status_code == 200:
                    self.acknowledged = sequence
            except httpx.HTTPError:
                return


def account(sidecar: SidecarProcess) -> dict[str, Any]:
    """After a clean stop: counters, rows of the log, and the last verdicts."""
    store = open_store(sidecar.state, read_only=True)
    try:
        counters = store.value("capture")["counters"]
        signals = {
            f"{one.name}{sorted((one.labels or {}).items())}": (
                one.value,
                one.verdict.outcome if one.verdict else None,
                one.verdict.statistic if one.verdict else None,
            )
            for one in store.latest_signals()
            if one.name not in TIMED and one.name.startswith(("drift.", "quality.", "rows.", "requests.count", "latency."))
        }
    finally:
        store.close()
    ids = read_predictions(sidecar.state / "predictions")["prediction_id"].to_pylist()
    return {"events": counters["events"], "rows": counters["rows"], "ids": sorted(ids), "signals": signals}


def torture(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Raises AssertionError when something acknowledged is lost or doubled, or a verdict differs."""
    for name in ("killed", "spared"):
        (folder / name).mkdir()
    tormentor = Tormentor(folder / "killed", seed)
    spared = SidecarProcess(folder / "spared", SETTINGS)
    try:
        tormentor.run(kills)
        tormentor.sidecar.stop()
        spared.start()
        spared.send(body(sequence, tormentor.begun) for sequence in range(1, tormentor.acknowledged + 1))
        spared.stop()
        found, wanted = account(tormentor.sidecar), account(spared)
    finally:
        tormentor.sidecar.close()
        spared.close()
    # A batch that was journalled when the kill came is one the sender did not hear about: it is sent again and must count once.
    batches = tormentor.acknowledged
    assert found["events"] == wanted["events"] == batches * EVENTS, (found["events"], wanted["events"], batches)
    assert found["rows"] == wanted["rows"] == batches * EVENTS * ROWS
    assert found["ids"] == wanted["ids"]
    assert len(set(found["ids"])) == len(found["ids"]) == batches * EVENTS * ROWS
    differing = {
        name: (found["signals"].get(name), value)
        for name, value in wanted["signals"].items()
        if not _same(found["signals"].get(name), value)
    }
    assert not differing, differing
    return {
        "kills": kills, "acknowledged_batches": batches, "rows": found["rows"], "lost": 0, "doubled": 0, "verdicts_compared": len(wanted["signals"]),
        "ready_seconds_median": round(statistics.median(tormentor.ready_seconds), 2), "ready_seconds_max": round(max(tormentor.ready_seconds), 2),
    }  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    """Sums of the same numbers in another order differ in the last bits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(map(_same, one, other))
    return bool(one == other)


def fsync_price(folder: Path, batches: int = 2_000) -> dict[str, Any]:
    """Seconds a batch of about 4 kB takes in the journal, by policy."""
    from neural.monitoring.ingest import Journal
    from neural.monitoring.ingest.journal import EntryKind

    found: dict[str, Any] = {}
    for policy in ("never", "batch"):
        journal = Journal(folder / policy, fsync=policy)
        payload, taken = b"x" * 4096, []
        for _ in range(batches):
            begin = time.perf_counter()
            journal.append(EntryKind.BATCH, payload)
            taken.append(time.perf_counter() - begin)
        journal.close()
        found[policy] = {
            "median_us": round(statistics.median(taken) * 1e6, 1),
            "p99_us": round(statistics.quantiles(taken, n=100)[98] * 1e6, 1),
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--round", type=int, default=50, help="kills between two comparisons")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no further round after so long")
    parser.add_argument("--fsync-price", action="store_true")
    options = parser.parse_args()
    begin, done = time.monotonic(), 0
    while done < options.kills and time.monotonic() - begin < options.minutes * 60:
        with tempfile.TemporaryDirectory(prefix="neural-torture-") as name:
            if options.fsync_price:
                print(json.dumps(fsync_price(Path(name)), indent=2))
                return 0
            kills = min(options.round, options.kills - done)
            print(json.dumps(torture(Path(name), kills, options.seed + done)), flush=True)
            done += kills
    print(f"{done} kills, nothing acknowledged lost or doubled, verdicts equal (seed {options.seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
