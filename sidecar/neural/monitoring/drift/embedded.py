"""Mean-embedding distance from panes: how far the rows of a window, as vectors, are from the reference's (MMD with random features).

The mean of each random cosine is read off the window's panes (see ``windows.vectors``); the distance is that of the two mean vectors. The p-value
is of a gamma distribution with the mean and variance which the squared distance has without drift, from the reference's covariance.

Source: Gretton et al., A kernel two-sample test, 2012.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Evaluation, Reference
from neural.monitoring.windows.vectors import COSINES, Cosines

_gammaincc: Any = special.gammaincc  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
FEWEST_ROWS = 30
LARGE = 0.05
"""A distance from which vectors moved enough to matter, where identical distributions have 0 and disjoint ones about 1."""
SCALE = math.sqrt(2.0 / COSINES)


@dataclass(frozen=True, slots=True)
class Distance:
    """``value``: 0 to about 1; ``p_value``: of so large a distance by chance; ``rows``: of the window that have the vector."""

    value: float
    p_value: float
    rows: int


def mean_embedding_distance(evaluation: Evaluation, reference: Reference, prefix: str, known: Cosines) -> Distance | None:
    """None with fewer than 30 rows, or without the vector."""
    gaps: list[float] = []
    rows, n = math.inf, math.inf
    for at in range(COSINES):
        name = f"{prefix}:cos{at}"
        pane, column = evaluation.window.columns.get(name), reference.columns.get(name)
        if pane is None or column is None or pane.mean is None or column.mean is None:
            return None
        gaps.append(pane.mean - column.mean)
        rows, n = min(rows, pane.n), min(n, column.n)
    if rows < FEWEST_ROWS or n < 1:
        return None
    squared = float(np.square(gaps).sum())
    return Distance(SCALE * math.sqrt(squared), _p_value(squared, known, 1.0 / rows + 1.0 / n), int(rows))


def _p_value(squared: float, known: Cosines, share: float) -> float:
    mean, variance = known.trace * share, 2.0 * known.trace_of_square * share**2
    if mean <= 0.0 or variance <= 0.0:
        return 1.0 if squared == 0.0 else 0.0
    return float(_gammaincc(mean**2 / variance, squared * mean / variance))


def embedding_signals(evaluation: Evaluation, reference: Reference, alpha: float) -> Iterator[Signal]:
    """``drift.mmd`` of each embedding, and of whole rows. ``alpha``: of this look, for one vector."""
    vectors = reference.derivation.embeddings()
    for prefix, known in vectors.items():
        found = mean_embedding_distance(evaluation, reference, prefix, known)
        what = prefix.removeprefix("@vector:")
        labels = evaluation.labels(feature=what)
        if found is None:
            reason = f"fewer than {FEWEST_ROWS} rows of {what} in the window"
            yield Signal("drift.mmd", None, evaluation.now, labels, Verdict(Outcome.UNKNOWN, reason, method="mmd"))
            continue
        drifting = found.p_value < alpha / len(vectors) and found.value >= LARGE
        far = f"{what} is {found.value:.3f} from the reference, which chance reaches with probability {found.p_value:.2g}"
        verdict = Verdict(
            Outcome.BAD if drifting else Outcome.OK,
            f"{far}: {'too seldom, and far enough to matter' if drifting else 'chance explains that, or it is too little to matter'}",
            statistic=found.value,
            threshold=LARGE,
            sample_size=found.rows,
            p_value=found.p_value,
            effect_size=found.value,
            method="mmd",
            evidence=reference.named,
        )
        yield Signal("drift.mmd", found.value, evaluation.now, labels, verdict)
