"""The seed's combined concept-drift score: one number between 0 and 1 from what moved and what it did to the model.

    score = 0.3 prediction drift + 0.4 performance drift + 0.3 data distribution drift

over the parts that are known, with their weights scaled to sum to one. A part is the largest share of rows that moved (KS distance, or total
variation of categories) in any of its columns; performance drift is the largest relative loss of any metric against the
reference. It is a summary for charts: the verdict is the sequential detector's.
"""

from __future__ import annotations

from collections.abc import Mapping

WEIGHTS = {"prediction": 0.3, "performance": 0.4, "distribution": 0.3}
LOWER_IS_BETTER = frozenset({"mae", "rmse", "mse", "log_loss", "brier", "ece", "error_rate", "loss"})


def concept_score(*, prediction: float | None, performance: float | None, distribution: float | None) -> float | None:
    """None when nothing is known."""
    parts = {"prediction": prediction, "performance": performance, "distribution": distribution}
    known = {name: value for name, value in parts.items() if value is not None}
    if not known:
        return None
    weight = sum(WEIGHTS[name] for name in known)
    return sum(WEIGHTS[name] * value for name, value in known.items()) / weight


def performance_loss(reference: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    """The largest relative loss among metrics known on both sides, between 0 and 1; None when there are none."""
    shared = [name for name in reference if name in current]
    losses = [metric_loss(name, reference[name], current[name]) for name in shared]
    return max(losses, default=None)


def metric_loss(name: str, before: float, now: float) -> float:
    """Relative loss of one metric, between 0 and 1. Errors and losses count upwards, all others downwards."""
    if not (abs(before) < float("inf") and abs(now) < float("inf")):
        return 0.0
    loss = now - before if name.lower() in LOWER_IS_BETTER else before - now
    scale = max(abs(before), 1e-12)
    return min(max(loss / scale, 0.0), 1.0)
