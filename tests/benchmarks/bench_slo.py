"""What objectives cost on one core: an evaluation of a hundred, counting their traffic, and the memory of thirty days of minutes.

Run with ``python tests/benchmarks/bench_slo.py``. Prints one line a case with its bar (CPU time, median of rounds); ``--json FILE`` for machines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from neural.monitoring.clock import ManualClock
from neural.monitoring.records import TrafficBatch
from neural.monitoring.slo import SLOMonitor, SLOSettings
from neural.monitoring.store import MemoryStore
from neural.monitoring.windows import Evaluation, PaneStore, WindowSettings

NOW = 1_700_000_000.0
OBJECTIVES, DAYS, BUSY_DAYS, MINUTES_A_STEP = 100, 30, 3, 60
REQUESTS_A_MINUTE = 20
Figure = dict[str, float | str]


def settings(number: int) -> SLOSettings:
    kind = {"type": "latency", "threshold": f"{50 + number}ms"} if number % 2 else {"type": "availability"}
    return SLOSettings.model_validate({"name": f"s{number}", "target": "99.9%", "window": "30d", **kind})


def batch(times: np.ndarray, failing: float, rng: np.random.Generator) -> TrafficBatch:
    status = np.where(rng.random(len(times)) < failing, 500, 200).astype(np.int32)
    slow = np.where(rng.random(len(times)) < failing, 1.0, 0.01)
    return TrafficBatch("m", "1", times, slow, status, status >= 500, np.ones(len(times)))


class Month:
    """A hundred objectives with a month of minutes behind them, in a store in memory."""

    def __init__(self, failing: float) -> None:
        self.failing, self.rng = failing, np.random.default_rng(7)
        self.clock = ManualClock(NOW - DAYS * 86400.0)
        self.monitor = SLOMonitor([settings(n) for n in range(OBJECTIVES)], MemoryStore(), self.clock, slot_seconds=60.0)
        panes = PaneStore(WindowSettings(), self.clock)
        self.evaluation = panes.evaluation("m", "1", NOW)
        step = MINUTES_A_STEP * 60.0
        for start in np.arange(NOW - DAYS * 86400.0, NOW, step):
            self.clock.now = start + step
            minutes = MINUTES_A_STEP if start >= NOW - BUSY_DAYS * 86400.0 else 1  # where minutes are kept singly, every minute
            self.monitor.observe_traffic(batch(start + np.arange(minutes) * 60.0, failing, self.rng))

    def minute(self) -> tuple[float, float, int]:
        """CPU seconds of counting a minute's traffic and of the evaluation after it, and the number of signals."""
        self.clock.advance(60)
        now = self.clock()
        traffic = batch(np.full(REQUESTS_A_MINUTE, now - 5), self.failing, self.rng)
        begin = time.process_time()
        self.monitor.observe_traffic(traffic)
        counted = time.process_time()
        found = list(self.monitor.evaluate(_at(self.evaluation, now)))
        return counted - begin, time.process_time() - counted, len(found)

    @property
    def megabytes(self) -> float:
        return sum(ledger.counts.bytes for ledger in self.monitor._ledgers.values()) / 2**20


def _at(evaluation: Evaluation, now: float) -> Evaluation:
    return Evaluation(
        evaluation.model, evaluation.version, now, evaluation.length_seconds, evaluation.window, evaluation.latest, evaluation.traffic,
        evaluation.reference,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    figures: list[Figure] = []

    def tell(name: str, value: float, unit: str, bar: float) -> None:
        figures.append({"name": name, "value": value, "unit": unit, "bar": bar, "met": str(value <= bar)})
        print(f"{name:<60} {value:>10.2f} {unit:<8} bar {bar:g}: {'met' if value <= bar else 'NOT met'}", flush=True)

    for words, failing in (("healthy", 0.0001), ("all burning", 0.3)):
        month = Month(failing)
        rounds = [month.minute() for _ in range(options.rounds)]
        tell(f"evaluation, {OBJECTIVES} objectives, {words}", statistics.median(one[1] for one in rounds) * 1e3, "ms CPU", 5)
        tell(f"counting {REQUESTS_A_MINUTE} requests for them", statistics.median(one[0] for one in rounds) * 1e3, "ms CPU", 5)
    tell(f"{DAYS} days of minutes for {OBJECTIVES} objectives", month.megabytes, "MB", 20)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
