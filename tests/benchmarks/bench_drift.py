"""What drift and panes cost. ``python -m tests.benchmarks.bench_drift`` prints the table; ``run()`` gives its rows."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neural.monitoring.app.memory import keep_small
from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import METHODS, DriftDetector, DriftMonitor, DriftSettings
from neural.monitoring.records import RecordBatch
from neural.monitoring.windows import PaneStore, WindowSettings, build_reference, columns_from

Row = dict[str, Any]
HERE = Path(__file__).parent
STUDY = Path(os.environ.get("STUDY", HERE.parents[1] / ".venv-study"))


def best_seconds(work: Callable[[], Any], repeats: int) -> float:
    """The least of some runs: what the code costs when nothing else runs."""
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def row(name: str, value: float, unit: str, bar: float, *, lower: bool = True) -> Row:
    return {"name": name, "value": value, "unit": unit, "bar": bar, "met": value <= bar if lower else value >= bar}


def exact(columns: int = 50, rows: int = 10_000) -> Row:
    random = np.random.default_rng(0)
    detector = DriftDetector()
    detector.set_reference(random.normal(size=(rows, columns)))
    current = random.normal(size=(rows, columns))
    seconds = best_seconds(lambda: detector.detect_drift(current), 10)
    return row(f"check_drift, {rows} x {columns} against {rows}, KS + PSI + Wasserstein, exact", seconds * 1e3, "ms", 60.0)


def scipy_loop(columns: int = 50, rows: int = 10_000) -> Row:
    from scipy import stats

    random = np.random.default_rng(0)
    a, b = random.normal(size=(rows, columns)), random.normal(size=(rows, columns))

    def work() -> None:
        for at in range(columns):
            stats.ks_2samp(a[:, at], b[:, at])
            stats.wasserstein_distance(a[:, at], b[:, at])

    return {
        "name": "scipy in a loop, the same, without PSI",
        "value": best_seconds(work, 3) * 1e3,
        "unit": "ms",
        "bar": None,
        "met": None,
    }


def _store(columns: int, rows: int = 10_000) -> tuple[PaneStore, ManualClock, Callable[[int], RecordBatch]]:
    random = np.random.default_rng(0)
    clock = ManualClock()
    names = [f"f{at}" for at in range(columns)]
    panes = PaneStore(WindowSettings(), clock)
    panes.set_reference(
        "m",
        "1",
        build_reference(columns_from({name: random.normal(size=rows) for name in names}), source="bench", created_at=0.0),
    )

    def batch(n: int) -> RecordBatch:
        return RecordBatch("m", "1", np.full(n, clock()), [""] * n, columns_from({name: random.normal(size=n) for name in names}))

    return panes, clock, batch


def evaluation(columns: int = 50) -> list[Row]:
    panes, clock, batch = _store(columns)
    monitor = DriftMonitor(DriftSettings(methods={"numeric": list(METHODS)}))
    merged, judged = [], []
    for _ in range(120):
        panes.add_rows(batch(200))
        clock.advance(60.0)
        panes.expire(clock())
        began = time.perf_counter()
        seen = panes.evaluation("m", "1", clock())
        merged.append(time.perf_counter() - began)
        began = time.perf_counter()
        list(monitor.evaluate(seen))
        judged.append(time.perf_counter() - began)
    late = slice(60, None)  # the window and the grid of start times are full
    return [
        row(f"merging an hour of panes, {columns} features", float(np.median(merged[late])) * 1e3, "ms", 5.0),
        row(f"one evaluation from panes, {columns} features, all methods and the sequential detector",
            float(np.median(judged[late])) * 1e3, "ms", 5.0),
    ]  # fmt: skip


def ingest(columns: int = 20, rows: int = 1_000) -> Row:
    panes, _, batch = _store(columns)
    one = batch(rows)
    seconds = best_seconds(lambda: panes.add_rows(one), 50)
    return row(f"rows into panes, {columns} features, batches of {rows}", rows / seconds, "rows/s", 1e6, lower=False)


def memory() -> list[Row]:
    """In a process of its own: what the system counts, not what Python does."""
    above = _child(Path(sys.executable), "memory_drift")
    if not above:
        return []
    return [
        row(f"resident memory above bare, 100 features, an hour, after {int(rows):,} rows", value / 1e6, "MB", 60.0)
        for rows, value in above.items()
    ]


def peers() -> list[Row]:
    """Evidently, NannyML and alibi-detect, where ``make study`` has made their environment."""
    found = _child(STUDY / "bin" / "python", "peers_drift")
    return [{"name": name, "value": value, "unit": "ms", "bar": None, "met": None} for name, value in found.items()]


def _child(python: Path, script: str) -> dict[str, float]:
    """The JSON that a script beside this one prints; empty where it can't run."""
    if not python.exists():
        print(f"{script}: not measured, there is no {python} (make study makes it)", file=sys.stderr)
        return {}
    done = subprocess.run([str(python), "-W", "ignore", str(HERE / f"{script}.py")], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{script}: failed\n{done.stderr[-1000:]}", file=sys.stderr)
        return {}
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run() -> list[Row]:
    return [exact(), scipy_loop(), *peers(), *evaluation(), ingest(), *memory()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keep_small()  # as the sidecar does: what an allocation costs depends on it
    rows = run()
    for item in rows:
        bar = "" if item["bar"] is None else f"   (bar {item['bar']:,.0f}, {'met' if item['met'] else 'MISSED'})"
        print(f"{item['name']:<90} {item['value']:>14,.2f} {item['unit']}{bar}")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
