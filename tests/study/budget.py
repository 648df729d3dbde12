"""The mean time between false alarms of the sequential detector, by simulation: every column is a model of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from tests.study.worlds import WORLDS, World, columns_of

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.sequential import SequentialDetector

Counts = Callable[[], NDArray[np.float64]]
"""The counts of the next evaluation in the bins of all columns."""

REFERENCES = (200, 2_000, 20_000)
BATCH = 100
MODELS, STEPS = 200, 1_000
THRESHOLDS = (50.0, 500.0)
LONG = {"normal, watched ten times as long": "normal", "five categories, watched ten times as long": "five categories"}
"""Longer than the budget by far, so that nearly every model alarms: a rate that grows as evidence gathers would show."""
LONG_REFERENCE, LONG_MODELS = 2_000, 100
RUNS = {"rows in runs of 10": "repeated", "AR(1), ρ = 0.5": 0.5, "AR(1), ρ = 0.9": 0.9, "AR(1), ρ = 0.99": 0.99}
"""Rows that are not exchangeable: where the guarantee ends, and the estimate of runs begins."""
STUDIED = tuple(name for name in WORLDS if name not in ("heavy-tailed (Cauchy)", "skewed (log-normal)")) + (*LONG, *RUNS)
"""Counts on quantiles are the same for every continuous distribution, draw by draw: the normal stands for all of them."""


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


def study_world(name: str) -> list[dict[str, Any]]:
    """Over a million evaluations; half as many of rows in runs, which are drawn one by one."""
    if name in LONG:
        return [asdict(run) for run in _watched_longer(name)]
    found: list[BudgetRun] = []
    for rows in REFERENCES:
        if name in RUNS:
            found += run_autocorrelated(RUNS[name], name, reference_rows=rows)
        else:
            found += run_budget(
                World.of(name), reference_rows=rows, batch_rows=BATCH, columns=MODELS, steps=STEPS, thresholds=THRESHOLDS
            )
    return [asdict(run) for run in found]


def _watched_longer(name: str) -> list[BudgetRun]:
    runs = run_budget(
        World.of(LONG[name]),
        reference_rows=LONG_REFERENCE,
        batch_rows=BATCH,
        columns=LONG_MODELS,
        steps=10 * STEPS,
        thresholds=THRESHOLDS,
    )
    return [replace(run, world=name) for run in runs]


def run_budget(
    world: World,
    *,
    reference_rows: int,
    batch_rows: int,
    columns: int,
    steps: int,
    thresholds: Sequence[float],
    seed: int = 0,
) -> list[BudgetRun]:
    """Columns in parallel, each with its own reference and traffic; one unit of time an evaluation."""
    bins, shares = columns_of(world, reference_rows, columns, seed)
    random = np.random.default_rng(seed + 1)
    width = max(len(share) for share in shares)
    padded = np.zeros((columns, width))
    for at, share in enumerate(shares):
        padded[at, : len(share)] = share
    used = np.array([len(share) for share in shares])[:, None] > np.arange(width)

    def counts() -> NDArray[np.float64]:
        return random.multinomial(batch_rows, padded)[used].astype(float)

    return _first_alarms(world.name, bins, counts, reference_rows, batch_rows, steps, thresholds)


def run_autocorrelated(
    kind: str | float, name: str, *, reference_rows: int, columns: int = MODELS, steps: int = STEPS // 2, seed: int = 0
) -> list[BudgetRun]:
    """Normal rows that follow each other in runs, in the reference's order as in the traffic's."""
    bins, _ = columns_of(World.of("normal"), reference_rows, columns, seed)
    random = np.random.default_rng(seed + 2)
    width = len(bins[0])
    edges = np.sort(np.concatenate([_quantiles(item) for item in bins]).reshape(columns, width - 1), axis=1)
    state = random.normal(size=columns)

    def counts() -> NDArray[np.float64]:
        nonlocal state
        if kind == "repeated":
            rows = np.repeat(random.normal(size=(BATCH // 10, columns)), 10, axis=0)
        else:
            rho = float(kind)
            noise = random.normal(0.0, math.sqrt(1.0 - rho**2), (BATCH, columns))
            made: Any = lfilter([1.0], [1.0, -rho], noise, axis=0, zi=(rho * state)[None, :])
            rows, state = made[0], made[0][-1]
        below = np.stack([(rows <= edge).sum(axis=0) for edge in edges.T], axis=1)
        return np.diff(below, axis=1, prepend=0, append=len(rows)).astype(float).ravel()

    return _first_alarms(name, bins, counts, reference_rows, BATCH, steps, THRESHOLDS)


def _quantiles(bins: Bins) -> NDArray[np.float64]:
    """Upper ends of all bins but the last, read off their labels."""
    ends = [label.split(" to ")[-1].removeprefix("<= ") for label in bins.labels[:-1]]
    return np.array([float(end) for end in ends])


def _first_alarms(
    name: str, bins: list[Bins], counts: Counts, reference_rows: int, batch_rows: int, steps: int, thresholds: Sequence[float]
) -> list[BudgetRun]:
    columns = len(bins)
    detector = SequentialDetector(bins)
    peak = np.full(columns, -math.inf)
    first = {threshold: np.full(columns, steps + 1) for threshold in thresholds}
    for step in range(1, steps + 1):
        standing = detector.step(counts(), float(step), elapsed=1.0, seconds_between=1e300, patience=math.inf)
        peak[[*standing.started]] = math.inf  # evidence beyond numbers
        if standing.started or (detector.log_r > np.maximum(peak, math.log(min(thresholds)))).any():
            peak = np.maximum(peak, detector.refresh())  # as the detector does before it alarms
        for threshold, when in first.items():
            when[(peak >= math.log(threshold)) & (when > steps)] = step
    return [
        BudgetRun(name, reference_rows, batch_rows, threshold, int(np.minimum(when, steps).sum()), int((when <= steps).sum()))
        for threshold, when in first.items()
    ]
