"""How many rows the sequential detector needs to find a shift, all of whose false alarms together keep the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.study.worlds import World

from neural.monitoring.drift.bins import bins_of
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.drift.settings import DriftSettings

MONTH_OF_MINUTES = 43_200.0
SMALLEST = DriftSettings().smallest_effect


@dataclass(frozen=True)
class DelayRun:
    """``rows``: until found, one entry a run; infinite where it was not found in time."""

    world: str
    shift: float
    shifted: int
    rows: tuple[float, ...]

    @property
    def median(self) -> float:
        return float(np.median(self.rows))


def run_delay(
    world: World,
    shift: float,
    shifted: int,
    *,
    features: int,
    batch_rows: int,
    reference_rows: int,
    calm: int,
    limit: int,
    runs: int,
) -> DelayRun:
    """``calm`` evaluations without drift, then a shift of ``shift`` standard deviations in ``shifted`` of the features."""
    assert world.numbers is not None
    size = shift * float(np.std(world.numbers[len(world.numbers) // 100 : -len(world.numbers) // 100]))
    moved = World(world.name, world.numbers + size, None)
    found = [_one(world, moved, shifted, features, batch_rows, reference_rows, calm, limit, seed) for seed in range(runs)]
    return DelayRun(world.name, shift, shifted, tuple(found))


def _one(
    world: World, moved: World, shifted: int, features: int, batch: int, reference_rows: int, calm: int, limit: int, seed: int
) -> float:
    random = np.random.default_rng(seed)
    references = [world.reference(random, reference_rows) for _ in range(features)]
    bins = [found for reference in references if (found := bins_of(reference)) is not None]
    before = [world.shares(reference, item) for reference, item in zip(references, bins, strict=True)]
    after = [
        (moved if at < shifted else world).shares(reference, item)
        for at, (reference, item) in enumerate(zip(references, bins, strict=True))
    ]
    detector = SequentialDetector(bins, smallest=SMALLEST)
    for step in range(calm + limit // batch):
        shares = before if step < calm else after
        counts = np.concatenate([random.multinomial(batch, share) for share in shares]).astype(float)
        standing = detector.step(counts, float(step), elapsed=1.0, seconds_between=MONTH_OF_MINUTES, patience=math.inf)
        if standing.alarm and step >= calm:
            return float((step - calm + 1) * batch)
    return math.inf


DELAY_WORLDS = ("normal", "heavy-tailed (Cauchy)", "skewed (log-normal)", "whole numbers")
SHIFTS = (0.1, 0.2, 0.3, 0.5, 1.0)
RUNS, BATCH, CALM, LIMIT = 21, 50, 60, 20_000


def study_world(name: str) -> list[dict[str, Any]]:
    """Median rows until found, for every shift in 1, 5 and 50 of 50 features; None where it was not found in time."""
    found = []
    for shifted in (1, 5, 50):
        for shift in SHIFTS:
            run = run_delay(
                World.of(name), shift, shifted, features=50, batch_rows=BATCH, reference_rows=10_000, calm=CALM, limit=LIMIT, runs=RUNS
            )  # fmt: skip
            median = run.median if math.isfinite(run.median) else None
            found.append({"world": name, "shift": shift, "shifted": shifted, "median_rows": median, "rows": [
                one if math.isfinite(one) else None for one in run.rows]})  # fmt: skip
    return found
