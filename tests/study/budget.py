"""The mean time between false alarms of the sequential detector, by simulation: every column is a model of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from tests.study.worlds import World, columns_of

from neural.monitoring.drift.sequential import SequentialDetector


@dataclass(frozen=True)
class BudgetRun:
    """``evaluations``: in all, until the first alarm or the end; ``alarms``: columns that alarmed."""

    world: str
    reference_rows: int
    batch_rows: int
    threshold: float
    evaluations: int
    alarms: int

    @property
    def mean_between(self) -> float:
        """At least this many evaluations between alarms, on average (one alarm is assumed where there was none)."""
        return self.evaluations / max(self.alarms, 1)


def run_budget(
    world: World, *, reference_rows: int, batch_rows: int, columns: int, steps: int, thresholds: list[float], seed: int = 0
) -> list[BudgetRun]:
    """Columns in parallel, each with its own reference and traffic; one unit of time an evaluation."""
    bins, shares = columns_of(world, reference_rows, columns, seed)
    random = np.random.default_rng(seed + 1)
    detector = SequentialDetector(bins)
    never = 1e300
    peak = np.full(columns, -math.inf)
    first = {threshold: np.full(columns, steps + 1) for threshold in thresholds}
    for step in range(1, steps + 1):
        counts = np.concatenate([random.multinomial(batch_rows, share) for share in shares]).astype(float)
        standing = detector.step(counts, float(step), elapsed=1.0, seconds_between=never, patience=math.inf)
        peak = np.maximum(peak, detector.log_r)
        assert not standing.alarm
        for threshold, when in first.items():
            when[(peak >= math.log(threshold)) & (when > steps)] = step
    return [
        BudgetRun(
            world.name, reference_rows, batch_rows, threshold, int(np.minimum(when, steps).sum()), int((when <= steps).sum())
        )
        for threshold, when in first.items()
    ]
