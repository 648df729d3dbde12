"""What people's looks cost: a scrape of 100 features, the CLI's probe, and the dashboard over a month of 100 features.

Run with ``python tests/benchmarks/bench_surfaces.py`` (``--evaluations 43200`` for a store evaluated every minute: some GB and minutes;
the default writes one every hour, 700,000 points). CPU is process time; ``--browser`` measures the first paint in Chromium.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from neural.monitoring.dashboard.rendering import Renderer
from neural.monitoring.export import SidecarMetrics
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import Store, open_store
from neural.monitoring.views import Snapshot, SnapshotBoard

HERE = Path(__file__).resolve().parent
FAKES = HERE.parent / "unit" / "export" / "export_fakes.py"
MODEL = {"model": "flights", "version": "3"}
FEATURES, DAYS = 100, 30
PAGES = ("", "drift", "quality", "performance", "slo", "alerts", "capture")
METHODS = ("feature_score", "evidence", "ks", "psi", "wasserstein")
ACCEPT = {
    "text": "text/plain",
    "OpenMetrics": "application/openmetrics-text",
    "protobuf, native histograms": "application/vnd.google.protobuf;encoding=delimited",
}
Row = dict[str, Any]


def row(name: str, value: float, unit: str, bar: float | None = None, **more: Any) -> Row:
    made: Row = {"name": name, "value": value, "unit": unit, **more}
    return made if bar is None else {**made, "bar": bar, "met": value <= bar}


def cpu_ms(work: Callable[[], object], repeats: int = 20) -> float:
    """Median CPU time of this process, milliseconds."""
    work()
    found = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1e3)
    return statistics.median(found)


def scrapes() -> list[Row]:
    sys.path.insert(0, str(FAKES.parent))
    fakes = runpy.run_path(str(FAKES))
    metrics = SidecarMetrics(fakes["board"](FEATURES), fakes["totals"]())
    series = sum(len(family.samples) for family in metrics.families())
    rows = [
        row(
            f"scrape, {FEATURES} features, {name}",
            cpu_ms(lambda accept=accept: metrics.scrape(accept)),
            "ms",
            15.0,
            series=series,
        )
        for name, accept in ACCEPT.items()
    ]
    peer = cpu_ms(_prometheus_client(series))
    rows.append(row(f"prometheus_client, {series} gauges of 4 labels, OpenMetrics", peer, "ms"))
    rows.append(row("OpenMetrics over prometheus_client", rows[1]["value"] / peer, "ratio"))
    return rows


def _prometheus_client(series: int) -> Callable[[], object]:
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry()
    gauge = Gauge("peer", "The same number of series", ("model", "version", "feature", "method"), registry=registry)
    for index in range(series):
        gauge.labels("flights", "3", f"f{index // 9}", f"m{index % 9}").set(0.01 * index)
    return lambda: generate_latest(registry)


def fill(store: Store, evaluations: int, now: float) -> int:
    """A month of signals, as the engine writes them. Returns the points."""
    dice, points = random.Random(5), 0
    names = [f"feature_{index}" for index in range(FEATURES)]
    every = DAYS * 86400 / evaluations
    store.put_value("sidecar", {"started_at": now - DAYS * 86400, "evaluate_every_seconds": every})
    ok = Verdict(Outcome.OK, "within what chance gives", statistic=0.01, threshold=0.2, sample_size=4000)
    for start in range(0, evaluations, 50):
        signals: list[Signal] = []
        for step in range(start, min(start + 50, evaluations)):
            signals += _evaluation(now - (evaluations - 1 - step) * every, step, names, dice, ok)
        store.write_signals(signals)
        points += len(signals)
    return points


def _evaluation(moment: float, step: int, names: list[str], dice: random.Random, ok: Verdict) -> list[Signal]:
    wave = math.sin(step / 300)
    plain = {
        "requests.rate": 40 + wave, "requests.count": 2400.0, "error_rate": 0.004, "client_error_rate": 0.002, "unparsed_rate": 0.0,
        "latency.p50": 0.012, "latency.p95": 0.031 + wave / 500, "latency.p99": 0.06, "drift.alarm": 0.0, "drift.score": 0.01,
        "drift.prediction_score": 0.01, "drift.features": 0.0, "drift.model_evidence": 1e-3, "quality.alarm": 0.0, "quality.score": 0.98,
        "quality.missing_rate": 0.01, "quality.outlier_rate": 0.01, "quality.invalid_rate": 0.0, "quality.unseen_rate": 0.0,
        "performance.accuracy": 0.84, "performance.f1": 0.6, "performance.log_loss": 0.4, "performance.coverage": 0.9, "performance.labels": 900.0,
        "capture.seen": 40.0 * step, "capture.shipped": 40.0 * step, "capture.loss_ratio": 0.0, "sidecar.memory_bytes": 2e8,
        "sidecar.evaluation_seconds": 0.02, "sidecar.backlog": 0.0,
    }  # fmt: skip
    made = [Signal(name, value, moment, MODEL, ok) for name, value in plain.items()]
    for name in ("compliance", "target", "budget_remaining"):
        made += [Signal(f"slo.{name}", 0.99, moment, {**MODEL, "slo": slo}, ok) for slo in ("fast", "right", "available")]
    for name in names:
        labels = {**MODEL, "feature": name}
        made += [Signal(f"drift.{method}", dice.random() / 50, moment, labels, ok) for method in METHODS]
        made += [
            Signal(f"quality.feature_{kind}_rate", 0.01, moment, labels) for kind in ("missing", "invalid", "unseen", "outlier")
        ]
    return made


def dashboard(folder: Path, evaluations: int, *, browser: bool) -> Iterator[Row]:
    now = time.time()
    store = open_store(folder)
    began = time.perf_counter()
    points = fill(store, evaluations, now)
    yield row("store filled", points, "points", seconds=round(time.perf_counter() - began, 1))
    board = SnapshotBoard(Snapshot.from_store(store, now))
    for span in ("", "30d"):
        slowest = max(
            ((_page_ms(store, board, page, span, now), page or "overview") for page in PAGES), key=lambda found: found[0]
        )
        yield row(f"refresh of the slowest page ({slowest[1]}), {span or 'last hour'}", slowest[0], "ms CPU", 300.0)
    if browser:
        yield from _first_paint(store, board)
    store.close()


def _page_ms(store: Store, board: SnapshotBoard, page: str, span: str, now: float) -> float:
    """A page made anew: another second, so that nothing remembered answers."""
    ticks = iter(range(1, 1_000_000))

    def make() -> object:
        renderer = Renderer(store, board, prefix="/", clock=lambda: now + next(ticks), refresh_seconds=15)
        return json.dumps(
            renderer.render(f"/{page}", f"?range={span}" if span else "").to_dict(), default=lambda node: node.to_plotly_json()
        )

    return cpu_ms(make, 3)


def _first_paint(store: Store, board: SnapshotBoard) -> list[Row]:
    """From navigation to every figure drawn, the browser's caches empty; and the browser's own first contentful paint."""
    from neural.monitoring.dashboard import build_dashboard

    shots = runpy.run_path(str(HERE.parent / "e2e" / "screenshots.py"))
    rows = []
    with shots["serving"](build_dashboard(store, board)) as url:
        for query in ("?range=1h", "?range=30d"):
            painted, drawn = [], []
            for _ in range(3):
                with shots["browser"]() as driver:
                    began = time.perf_counter()
                    driver.get(f"{url}/{query}")
                    shots["wait_until_drawn"](driver, 60)
                    drawn.append(time.perf_counter() - began)
                    paint = "return performance.getEntriesByName('first-contentful-paint')[0].startTime"
                    painted.append(driver.execute_script(paint) / 1e3)
            rows.append(row(f"first contentful paint, overview{query}", min(painted), "s", 1.5))
            rows.append(row(f"every figure drawn, overview{query}", min(drawn), "s"))
    return rows


def probe(folder: Path) -> Row:
    """``neural monitor health`` as a kubelet runs it: a process from cold."""
    command = [str(Path(sys.executable).parent / "neural"), "monitor", "health", "--storage-path", str(folder)]
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        times.append((time.perf_counter() - began) * 1e3)
    return row("neural monitor health, a process", min(times), "ms", 300.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--evaluations", type=int, default=DAYS * 24)
    parser.add_argument("--browser", action="store_true")
    chosen = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        parts = (scrapes, lambda: dashboard(Path(name), chosen.evaluations, browser=chosen.browser), lambda: [probe(Path(name))])
        for part in parts:
            for one in part():
                bar = f"{one['bar']:>8g} {'ok' if one['met'] else 'MISSED'}" if "bar" in one else ""
                print(f"{one['name']:64} {one['value']:>12,.2f} {one['unit']:8} {bar}", flush=True)
                rows.append(one)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
