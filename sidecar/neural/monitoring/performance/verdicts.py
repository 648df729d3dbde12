"""When a performance number is good, bad, or can't be judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.performance.intervals import z_score
from neural.monitoring.performance.metrics import Metric
from neural.monitoring.performance.segments import SegmentReading
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.signal import Outcome, Verdict

LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "mae", "rmse"})


def limit(name: str, settings: PerformanceSettings, reference: Mapping[str, float]) -> tuple[float, str] | None:
    """The worst acceptable value and where it comes from; None when there is nothing to compare with."""
    if name in settings.minimum:
        return settings.minimum[name], "the configured limit"
    if name not in reference:
        return None
    base = reference[name]
    if name in LOWER_IS_BETTER:
        return base * (1 + settings.tolerance), f"the reference's {base:.4g} + {settings.tolerance:.0%}"
    return base - settings.tolerance, f"the reference's {base:.4g} − {settings.tolerance:.4g}"


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric as it stands: ``shown`` has the interval people read, ``guarded`` the wide one that decides."""

    name: str
    shown: Metric
    guarded: Metric
    labels: int


def metric_verdict(
    reading: Reading, settings: PerformanceSettings, reference: Mapping[str, float], evidence: Mapping[str, Any]
) -> Verdict:
    """Bad when the guarded interval (chance of error ``settings.error_rate``) lies wholly beyond the limit."""
    name, value, interval = reading.name, reading.shown.value, reading.shown.interval
    facts: dict[str, Any] = dict(evidence)
    if interval is not None:
        facts["interval"] = [_finite(interval.low), _finite(interval.high)]
        facts["interval_method"] = interval.method
    facts["confidence"] = settings.confidence
    bound = limit(name, settings, reference)
    outcome, reason = _judge(reading, settings, bound)
    return Verdict(
        outcome=outcome,
        reason=reason,
        statistic=value,
        threshold=bound[0] if bound else None,
        sample_size=reading.labels,
        effect_size=None if value is None or name not in reference else value - reference[name],
        method=interval.method if interval else "",
        evidence=facts,
    )


def _judge(reading: Reading, settings: PerformanceSettings, bound: tuple[float, str] | None) -> tuple[Outcome, str]:
    name, value, n = reading.name, reading.shown.value, reading.labels
    if value is None:
        return Outcome.UNKNOWN, f"{name} is undefined over these {n} labels"
    text = f"{name} is {value:.4g} over {n} labels"
    if n < settings.min_labels:
        return Outcome.UNKNOWN, f"{text}: fewer than {settings.min_labels}"
    if bound is None:
        return Outcome.UNKNOWN, f"{text}: no reference and no limit to compare with"
    threshold, origin = bound
    lower_is_better = name in LOWER_IS_BETTER
    if value <= threshold if lower_is_better else value >= threshold:
        return Outcome.OK, f"{text}, within {threshold:.4g} ({origin})"
    text = f"{text}, {'above' if lower_is_better else 'below'} {threshold:.4g} ({origin})"
    interval = reading.guarded.interval
    if interval is None:
        return Outcome.UNKNOWN, f"{text}, but its uncertainty is not known"
    if interval.low > threshold if lower_is_better else interval.high < threshold:
        return Outcome.BAD, f"{text}, by more than chance explains"
    return Outcome.OK, f"{text}, but not by more than chance explains"


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a metric is expected to be over ``rows`` predictions. ``record``: how such estimates did where labels came."""

    name: str
    value: float
    error: float  # standard error, of sampling alone
    rows: float
    record: Mapping[str, Any]


def estimate_verdict(estimate: Estimate, settings: PerformanceSettings, reference: Mapping[str, float]) -> Verdict:
    """An estimate is bad when it lies beyond the limit by more than its own error and its record's bias explain."""
    name, value = estimate.name, estimate.value
    bound = limit(name, settings, reference)
    band = z_score(1 - 2 * settings.error_rate) * estimate.error + abs(estimate.record["bias"] or 0.0)
    text = f"{name} is estimated at {value:.4g} over {estimate.rows:.0f} predictions"
    if bound is None:
        outcome, reason = Outcome.UNKNOWN, f"{text}: no reference and no limit to compare with"
    elif estimate.rows < settings.min_labels:
        outcome, reason = Outcome.UNKNOWN, f"{text}: fewer than {settings.min_labels}"
    else:
        worst = value - band if name in LOWER_IS_BETTER else value + band
        is_bad = worst > bound[0] if name in LOWER_IS_BETTER else worst < bound[0]
        outcome = Outcome.BAD if is_bad else Outcome.OK
        reason = f"{text}, {'beyond' if is_bad else 'not clearly beyond'} {bound[0]:.4g} ({bound[1]})"
    half = z_score(settings.confidence) * estimate.error
    return Verdict(
        outcome,
        reason,
        statistic=value,
        threshold=bound[0] if bound else None,
        sample_size=int(estimate.rows),
        method="confidence-based estimation" if name not in {"mae", "rmse"} else "direct loss estimation",
        evidence={
            "interval": [value - half, value + half],
            "confidence": settings.confidence,
            "record": dict(estimate.record),
            "blind_to": "a changed relation between inputs and outcomes: only labels show that",
        },
    )


def segment_verdict(reading: SegmentReading, guarded: Metric, whole: float, settings: PerformanceSettings) -> Verdict:
    """Bad when the segment is worse than all labels together by more than the tolerance, and by more than chance explains."""
    value = reading.value.value
    lower_is_better = reading.metric in LOWER_IS_BETTER
    threshold = whole * (1 + settings.tolerance) if lower_is_better else whole - settings.tolerance
    text = f"{reading.metric} is {value:.4g} over {reading.n} labels of {reading.name}, {whole:.4g} over all"
    interval = guarded.interval
    if reading.n < settings.min_labels or interval is None:
        outcome, reason = Outcome.UNKNOWN, f"{text}: fewer than {settings.min_labels} labels"
    elif interval.low > threshold if lower_is_better else interval.high < threshold:
        outcome, reason = Outcome.BAD, f"{text}: worse by more than chance explains"
    else:
        outcome, reason = Outcome.OK, text
    shown = reading.value.interval
    evidence: dict[str, Any] = {"segment": reading.name, "whole": whole, "confidence": settings.confidence}
    if shown is not None:
        evidence["interval"] = [shown.low, shown.high]
    return Verdict(outcome, reason, statistic=value, threshold=threshold, sample_size=reading.n, evidence=evidence)


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
