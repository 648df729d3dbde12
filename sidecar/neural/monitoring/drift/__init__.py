"""Drift of features, predictions and performance, with a false-alarm budget."""

from __future__ import annotations

from neural.monitoring.drift.budget import FalseAlarms, parse_false_alarms
from neural.monitoring.drift.detector import DriftDetector, DriftMetrics, summarize_reports
from neural.monitoring.drift.monitor import DriftMonitor
from neural.monitoring.drift.registry import METHODS
from neural.monitoring.drift.settings import DriftMethods, DriftSettings

__all__ = [
    "METHODS",
    "DriftDetector",
    "DriftMethods",
    "DriftMetrics",
    "DriftMonitor",
    "DriftSettings",
    "FalseAlarms",
    "parse_false_alarms",
    "summarize_reports",
]
