"""The scores that sum a model up, performance lost and the seed's combined score, each with its verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neural.monitoring.drift.concept import WEIGHTS, concept_score, metric_loss
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Reference

FEWEST_LABELS = 30
"""Of a performance metric, to be compared with the reference's."""
STANDARD_ERRORS = 3.0
"""Of a share, taken off a loss before it counts: chance goes further once in 700 looks."""
_WORDS = {"prediction": "predictions", "performance": "performance", "distribution": "distribution"}


@dataclass(frozen=True, slots=True)
class Loss:
    """One metric: its relative loss against the reference, less the ``slack`` that chance explains; ``n`` labels, None if not said."""

    metric: str
    before: float
    now: float
    slack: float
    n: int | None

    @property
    def value(self) -> float:
        return max(0.0, metric_loss(self.metric, self.before, self.now) - self.slack)

    def __str__(self) -> str:
        return f"{self.metric} is {self.now:.4g}, {self.before:.4g} on the reference"


def largest_loss(known: Mapping[str, float], earlier: Sequence[Signal]) -> Loss | None:
    """The metric that lost most. ``known``: of the reference; None where no metric stands on both sides with enough labels."""
    losses: list[Loss] = []
    for signal in earlier:
        metric = signal.name.removeprefix("performance.")
        if metric == signal.name or metric not in known or signal.value is None:
            continue
        labels = (signal.verdict.sample_size or 0) if signal.verdict else 0
        slack = STANDARD_ERRORS / math.sqrt(4.0 * labels) if labels else 0.0
        if signal.verdict is None or labels >= FEWEST_LABELS:
            losses.append(Loss(metric, known[metric], signal.value, slack, labels or None))
    return max(losses, key=lambda loss: loss.value, default=None)


def performance_verdict(loss: Loss | None, reference: Reference, threshold: float) -> Verdict:
    if loss is None:
        reason = (
            f"no metric of the reference has {FEWEST_LABELS} labels in the window yet"
            if reference.performance
            else "the reference does not say how well the model did: it has no column label beside the model's answers"
        )
        return Verdict(
            Outcome.UNKNOWN, reason, threshold=threshold, sample_size=0, method="relative loss", evidence=reference.named
        )
    lost = loss.value > threshold
    said = f"{loss}: {loss.value:.1%} lost beyond chance" if lost else f"{loss}: no more lost than chance explains"
    return Verdict(
        Outcome.BAD if lost else Outcome.OK,
        said if loss.n is None else f"{said} of {loss.n} labels",
        statistic=loss.value,
        threshold=threshold,
        sample_size=loss.n,
        effect_size=loss.value,
        method="relative loss",
        evidence={**reference.named, "metric": loss.metric, "before": loss.before, "now": loss.now, "slack": loss.slack},
    )


def concept_verdict(parts: Mapping[str, tuple[float | None, Verdict]], threshold: float) -> tuple[float | None, Verdict]:
    """``parts``: prediction, performance and distribution, each its score and verdict. Returns the score and its verdict."""
    scores = {name: score for name, (score, _) in parts.items()}
    score = concept_score(prediction=scores["prediction"], performance=scores["performance"], distribution=scores["distribution"])
    known = {name: part for name, part in scores.items() if part is not None}
    n = max((verdict.sample_size or 0 for name, (_, verdict) in parts.items() if name in known), default=0)
    if score is None:
        return None, Verdict(
            Outcome.UNKNOWN, "no part of the score is known", threshold=threshold, sample_size=0, method="weighted mean"
        )
    terms = " and ".join(f"{WEIGHTS[name]:g} x {part:.3g} ({_WORDS[name]})" for name, part in known.items())
    bad = any(parts[name][1].outcome is Outcome.BAD for name in known)
    missing = [_WORDS[name] for name in parts if name not in known]
    without = f"; not known, and left out: {', '.join(missing)}" if missing else ""
    reason = f"{terms}, over the sum of their weights{without}"
    return score, Verdict(
        Outcome.BAD if bad else Outcome.OK,
        reason,
        statistic=score,
        threshold=threshold,
        sample_size=n,
        effect_size=score,
        method="weighted mean",
        evidence={"parts": known, "weights": {name: WEIGHTS[name] for name in known}},
    )
