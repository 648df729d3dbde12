"""``kill -9`` at random moments under load: what was acknowledged is there, once, and the verdicts are those of an engine never killed.

``make torture`` does it a thousand times; the suite's short version a few times. A sidecar in a process of its own gets batches and labels as
fast as it acknowledges them, and is killed and started again. Its journal's segments are linked aside before checkpoints free them, so that in
the end one undisturbed engine can be fed the very same entries. The two must agree on every row, every pane, every verdict ever stored, and
every alert.

``--fsync-price`` measures what ``store.journal.fsync: batch`` costs on this disk instead.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from sidecars import SidecarProcess, batch, event
from verdicts import agreed

ROWS, EVENTS = 2, 5
SHIFTED_FROM = 120
"""From this batch on the data has drifted, so that there are verdicts and alerts worth comparing."""
SETTINGS: dict[str, Any] = {
    "store": {"checkpoint_every": "1s"},
    "windows": {"pane": "1s", "length": "10m", "evaluate_every": "200ms"},
    "reference": {"learn": "400 rows"},
    "performance": {"task": "classification"},
    "alerts": [
        {"name": "drifted", "when": "drift.score > 0.3", "severity": "warning"},
        {"name": "busy", "when": "requests.count > 50", "severity": "info"},
    ],
}


def body(sequence: int) -> bytes:
    """Drawn by the number: a batch sent again is the same batch."""
    rng = np.random.default_rng(sequence)
    shift = 1.5 if sequence >= SHIFTED_FROM else 0.0
    events = []
    for number in range(EVENTS):
        rows = [{"x": round(float(rng.normal(shift)), 3), "kind": str(rng.choice(["a", "b"]))} for _ in range(ROWS)]
        events.append(event(f"{sequence}-{number}", rows, rng.random(ROWS).round(3).tolist()))
    return batch("server", sequence, events)


def labels(sequence: int) -> bytes:
    """What the first request of a batch turned out to be."""
    rng = np.random.default_rng(sequence + 1_000_000)
    return json.dumps([{"id": f"{sequence}-0:{row}", "label": int(rng.random() < 0.5)} for row in range(ROWS)]).encode()


def _sidecar(config: str, log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(file, 1)
    os.dup2(file, 2)
    from neural.monitoring.cli.entry import neural, run

    sys.exit(run(neural, "neural", ["monitor", "run", "--config", config]))


class Forked(SidecarProcess):
    """The same process, forked from one that has imported everything: a thousand starts in minutes."""

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.warm"])

    def start(self, *, wait: float = 60) -> float:
        begin = time.monotonic()
        self.process = _Child(self.context.Process(target=_sidecar, args=(str(self.config), str(self.log)), daemon=True))  # type: ignore[assignment]  # as much of a Popen as is needed here
        while not self.answers():
            assert self.process is not None
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < begin + wait, self.said()
            time.sleep(0.01)
        return time.monotonic() - begin


class _Child:
    def __init__(self, process: Any) -> None:
        self._process = process
        process.start()

    def poll(self) -> int | None:
        self._process.join(0)
        code: int | None = self._process.exitcode
        return code

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> None:
        self._process.join()


class Archive:
    """Links every segment of a journal aside while it is there."""

    def __init__(self, journal: Path, aside: Path) -> None:
        self._journal, self.aside = journal, aside
        aside.mkdir()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._done.wait(0.005):
            self.look()

    def look(self) -> None:
        for path in self._journal.glob("*.journal"):
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                os.link(path, self.aside / path.name)

    def close(self) -> None:
        self._done.set()
        self._thread.join()
        self.look()


class Tormentor:
    """Sends batches and labels, kills at a random moment, starts again, and keeps the account of what was acknowledged."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.sidecar = Forked(folder, SETTINGS)
        self.archive = Archive(self.sidecar.state / "journal", folder / "aside")
        self.random = random.Random(seed)
        self.acknowledged = 0
        self.labelled = 0
        self.ready_seconds: list[float] = []

    def run(self, kills: int) -> None:
        """The last kill is not followed by a start."""
        self.sidecar.start()
        for left in range(kills, 0, -1):
            self._send_until(time.monotonic() + self.random.expovariate(1 / 0.25))
            self.sidecar.kill()
            if left > 1:
                self.ready_seconds.append(self.sidecar.start())
        self.archive.close()

    def _send_until(self, end: float) -> None:
        """The last batch is sent again after a kill: its acknowledgement might have been on its way. The kill itself comes from here too,
        but the sidecar is at any point of its work then: it evaluates, stores and checkpoints beside what it answers."""
        while time.monotonic() < end:
            sequence = self.acknowledged + 1
            try:
                if self.sidecar.post(body(sequence)).status_code == 200:
                    self.acknowledged = sequence
                if sequence % 10 == 0 and self.acknowledged == sequence:
                    self.labelled += self.sidecar.post(labels(sequence), "/v1/labels", "application/json").status_code == 200
            except httpx.HTTPError:
                return


def torture(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Raises AssertionError when something acknowledged is lost or doubled, or a pane, verdict or alert differs."""
    tormentor = Tormentor(folder, seed)
    try:
        tormentor.run(kills)
    finally:
        tormentor.sidecar.close()
    found = agreed(tormentor.sidecar.config, tormentor.archive.aside, folder / "spared", acknowledged=tormentor.acknowledged)
    return {
        "kills": kills, "acknowledged_batches": tormentor.acknowledged, "acknowledged_labels": tormentor.labelled * ROWS, **found,
        "ready_seconds_median": round(statistics.median(tormentor.ready_seconds or [0.0]), 2),
        "ready_seconds_max": round(max(tormentor.ready_seconds, default=0.0), 2),
    }  # fmt: skip


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
    parser.add_argument("--fsync-price", action="store_true")
    options = parser.parse_args()
    if options.fsync_price:
        with tempfile.TemporaryDirectory(prefix="neural-fsync-", dir=".") as name:  # /tmp may be memory
            print(json.dumps(fsync_price(Path(name)), indent=2))
        return 0
    done = rows = 0
    while done < options.kills:
        with tempfile.TemporaryDirectory(prefix="neural-torture-") as name:
            kills = min(options.round, options.kills - done)
            found = torture(Path(name), kills, options.seed + done)
        print(json.dumps(found), flush=True)
        done += kills
        rows += found["rows"]
    print(f"{done} kills, {rows} acknowledged rows, none lost or doubled, panes, verdicts and alerts equal (seed {options.seed})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
