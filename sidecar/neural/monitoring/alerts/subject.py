"""What an alert is about. One on an objective is about what the objective counts, and its evidence is taken from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.alerts.index import SignalView

_OF_OBJECTIVES: Mapping[str, str] = {
    "availability": "error_rate",
    "error_rate": "error_rate",
    "latency": "latency",
    "accuracy": "performance",
    "drift_free": "drift",
    "quality": "quality",
}
"""The type of an objective → the family of signals that it counts, where these have rows to show."""
_TELLS: Mapping[str, tuple[str, str]] = {"drift": ("drift.alarm", "features"), "quality": ("quality.alarm", "findings")}
"""Family → the signal whose verdict names columns and rows, and the key under which it does."""


def subject_of(family: str, details: Mapping[str, Any]) -> str:
    """The family itself, or of an objective that which it counts ("" where that has no rows). ``details`` are the verdict's evidence."""
    return _OF_OBJECTIVES.get(str(details.get("type", "")), "") if family == "slo" else family


def details_of(subject: str, views: Sequence[SignalView], details: Mapping[str, Any]) -> tuple[Mapping[str, Any], SignalView]:
    """(evidence, the view it is from): the verdict's own; where that names no columns, with what a version's verdict on the subject names.

    ``views``: at least one, the likeliest first.
    """
    if subject not in _TELLS or details.get(_TELLS[subject][1]):
        return details, views[0]
    name, key = _TELLS[subject]
    for view in views:
        for signal in view.series(name).values():
            if signal.verdict is not None and signal.verdict.evidence.get(key):
                return {**details, key: signal.verdict.evidence[key]}, view
    return details, views[0]
