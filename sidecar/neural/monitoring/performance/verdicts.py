"""When a performance number is good, bad, or can't be judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.performance.metrics import Metric
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


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
