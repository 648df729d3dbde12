"""When a performance number is good, bad, or can't be judged yet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.performance.by_class import ClassMetrics
from neural.monitoring.performance.intervals import z_score
from neural.monitoring.performance.measured import Metric
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
    """One metric as it stands: ``shown`` has the interval people read, ``guarded`` the wide one that decides.

    ``base``: the reference's own interval, as wide as ``guarded``, where the reference was measured on labels: it is uncertain too.
    """

    name: str
    shown: Metric
    guarded: Metric
    labels: int
    base: Metric | None = None


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
    slack = _slack(reading, settings)
    if slack is None:
        return Outcome.UNKNOWN, f"{text}, but its uncertainty is not known"
    if abs(value - threshold) > slack:
        return Outcome.BAD, f"{text}, by more than chance explains"
    return Outcome.OK, f"{text}, but not by more than chance explains"


def _slack(reading: Reading, settings: PerformanceSettings) -> float | None:
    """How far beyond the limit chance may carry the metric, on its worse side; None when that is not known.

    Where the limit comes from a reference that was itself measured on labels, both sides' errors count: the interval of a difference from
    the two intervals (MOVER: Zou and Donner 2008).
    """
    value, interval, name = reading.shown.value, reading.guarded.interval, reading.name
    if value is None or interval is None:
        return None
    lower_is_better = name in LOWER_IS_BETTER
    own = value - interval.low if lower_is_better else interval.high - value
    base = reading.base
    if base is None or base.value is None or base.interval is None or name in settings.minimum:
        return own
    theirs = base.interval.high - base.value if lower_is_better else base.value - base.interval.low
    return math.hypot(own, theirs * (1 + settings.tolerance if lower_is_better else 1.0))


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
            "interval": [_finite(value - half), _finite(value + half)],
            "confidence": settings.confidence,
            "record": dict(estimate.record),
            "blind_to": "a changed relation between inputs and outcomes: only labels show that",
        },
    )


@dataclass(frozen=True, slots=True)
class SegmentValue:
    """One metric of one segment beside the whole's. ``guarded`` has the wide interval that decides."""

    segment: str
    name: str
    shown: Metric
    guarded: Metric
    labels: int
    whole: float | None


def segment_verdict(reading: SegmentValue, settings: PerformanceSettings) -> Verdict:
    """Bad when the segment is worse than all labels together by more than the tolerance, and by more than chance explains."""
    value, whole, n = reading.shown.value, reading.whole, reading.labels
    evidence: dict[str, Any] = {"segment": reading.segment, "whole": whole, "confidence": settings.confidence}
    if reading.shown.interval is not None:
        evidence["interval"] = [_finite(reading.shown.interval.low), _finite(reading.shown.interval.high)]
    if value is None or whole is None:
        reason = f"{reading.name} is undefined over these {n} labels of {reading.segment}"
        return Verdict(Outcome.UNKNOWN, reason, sample_size=n, evidence=evidence)
    lower_is_better = reading.name in LOWER_IS_BETTER
    threshold = whole * (1 + settings.tolerance) if lower_is_better else whole - settings.tolerance
    text = f"{reading.name} is {value:.4g} over {n} labels of {reading.segment}, {whole:.4g} over all"
    interval = reading.guarded.interval
    if n < settings.min_labels:
        outcome, reason = Outcome.UNKNOWN, f"{text}: fewer than {settings.min_labels} labels"
    elif interval is None:
        outcome, reason = Outcome.UNKNOWN, f"{text}: its uncertainty is not known"
    elif interval.low > threshold if lower_is_better else interval.high < threshold:
        outcome, reason = Outcome.BAD, f"{text}: worse by more than chance explains"
    else:
        outcome, reason = Outcome.OK, text
    method = reading.shown.interval.method if reading.shown.interval is not None else ""
    return Verdict(outcome, reason, statistic=value, threshold=threshold, sample_size=n, method=method, evidence=evidence)


def class_verdict(scores: ClassMetrics, name: str, metric: Metric, settings: PerformanceSettings) -> Verdict:
    """A class has no bar of its own: its number stands with its interval, and a verdict only on the data behind it."""
    n = scores.called if name == "precision" else scores.support
    text = f"{name} of class {scores.name} over {scores.support} labels and {scores.called} predictions of it"
    enough = metric.value is not None and scores.support >= settings.min_labels
    evidence: dict[str, Any] = {
        "class": scores.name,
        "support": scores.support,
        "called": scores.called,
        "confidence": settings.confidence,
    }
    if metric.interval is not None:
        evidence["interval"] = [metric.interval.low, metric.interval.high]
    return Verdict(
        Outcome.OK if enough else Outcome.UNKNOWN,
        text
        if enough
        else f"{text}: fewer than {settings.min_labels} labels"
        if metric.value is not None
        else f"{text}: undefined",
        statistic=metric.value,
        sample_size=n,
        method=metric.interval.method if metric.interval is not None else "",
        evidence=evidence,
    )


def _finite(value: float) -> float | None:
    """None for an end that is open, or not known."""
    return value if abs(value) < float("inf") else None
