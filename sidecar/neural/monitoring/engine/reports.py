"""Signals of one evaluation as the dated reports that the seed's CLI and Python API read (store kinds "drift" and "quality")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.signal import Outcome, Signal
from neural.monitoring.store import Report

_CRITICAL_SCORE = 0.2
"""The seed's alert_threshold: a drift score above it is critical, when the verdict is drift."""


def drift_report(signals: Sequence[Signal], now: float, model: str, version: str) -> Report | None:
    """The drift signals as one report; None when no drift monitor ran."""
    values = _plain_values(signals)
    if "drift.alarm" not in values:
        return None
    alarm = next(signal for signal in signals if signal.name == "drift.alarm")
    drifting = alarm.value == 1.0
    score = values.get("drift.score") or 0.0
    body: dict[str, Any] = {
        "timestamp": now,
        "is_drifting": drifting,
        "drift_severity": ("critical" if score > _CRITICAL_SCORE else "warning") if drifting else "none",
        "prediction_drift": values.get("drift.prediction_score"),
        "performance_drift": values.get("drift.performance_score"),
        "data_distribution_drift": values.get("drift.score"),
        "concept_drift_score": values.get("drift.concept_score"),
        "feature_drift": _by_feature(signals, "drift.feature_score"),
        "status": _status(alarm),
        "reason": alarm.verdict.reason if alarm.verdict else "",
        "evidence": dict(alarm.verdict.evidence) if alarm.verdict else {},
        "sample_size": alarm.verdict.sample_size if alarm.verdict else None,
    }
    return Report("drift", now, model, version, body)


def quality_report(signals: Sequence[Signal], now: float, model: str, version: str) -> Report | None:
    """The quality signals as one report; None when no quality monitor ran."""
    values = _plain_values(signals)
    if "quality.alarm" not in values:
        return None
    alarm = next(signal for signal in signals if signal.name == "quality.alarm")
    body: dict[str, Any] = {
        "timestamp": now,
        "total_samples": values.get("rows.count"),
        "missing_rate": values.get("quality.missing_rate"),
        "outlier_rate": values.get("quality.outlier_rate"),
        "invalid_rate": values.get("quality.invalid_rate"),
        "unseen_rate": values.get("quality.unseen_rate"),
        "missing_values": _by_feature(signals, "quality.feature_missing_rate"),
        "quality_score": values.get("quality.score"),
        "is_healthy": alarm.value != 1.0,
        "warnings": [alarm.verdict.reason] if alarm.value == 1.0 and alarm.verdict else [],
        "status": _status(alarm),
        "evidence": dict(alarm.verdict.evidence) if alarm.verdict else {},
    }
    return Report("quality", now, model, version, body)


def _plain_values(signals: Sequence[Signal]) -> dict[str, float | None]:
    return {signal.name: signal.value for signal in signals if set(signal.labels) <= {"model", "version"}}


def _by_feature(signals: Sequence[Signal], name: str) -> dict[str, float | None]:
    return {signal.labels["feature"]: signal.value for signal in signals if signal.name == name}


def _status(alarm: Signal) -> str:
    if alarm.verdict is None or alarm.verdict.outcome is Outcome.UNKNOWN:
        return "no_data"
    return "bad" if alarm.verdict.outcome is Outcome.BAD else "ok"
