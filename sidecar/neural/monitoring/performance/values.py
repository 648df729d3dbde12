"""The metrics of a pane, whatever its task."""

from __future__ import annotations

from neural.monitoring.performance.measured import Metric
from neural.monitoring.performance.metrics import classification_metrics
from neural.monitoring.performance.pane import PerformancePane


def pane_metrics(pane: PerformancePane, confidence: float, positive: str | None) -> dict[str, Metric]:
    """By name, each with its interval; None where it can't be known from these labels."""
    values: dict[str, Metric] = {}
    if pane.classification is not None:
        values |= classification_metrics(pane.classification, confidence, positive)
    if pane.regression is not None:
        found, intervals = pane.regression.metrics(), pane.regression.intervals(confidence)
        values |= {name: Metric(value, intervals.get(name)) for name, value in found.items()}
    return values
