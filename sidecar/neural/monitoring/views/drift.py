"""Has the data drifted: now, and over the last evaluations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.signal import Signal
from neural.monitoring.store import Report, Store
from neural.monitoring.views.current import Current, current, history, outcome, reason, reports_of, verdict_dict

SEVERITIES = ("critical", "warning", "none")
SCORES = ("model_evidence", "score", "prediction_score", "performance_score", "concept_score")
METHODS = {"ks": "drift.ks", "psi": "drift.psi", "wasserstein": "drift.wasserstein", "evidence": "drift.evidence"}
CRITICAL_SCORE = 0.2
"""The seed's alert threshold: a verdict of drift with a score above it is critical."""


def drift(store: Store, window: int = 100, *, model: str | None = None, version: str | None = None) -> dict[str, Any]:
    """The newest ``window`` drift reports summed up, and the state now.

    Keys of the seed: ``status`` ("ok" | "no_data"), ``total_samples`` (reports looked at), ``drift_detected`` (reports with
    drift), ``drift_rate``, ``avg_prediction_drift``, ``avg_performance_drift``, ``avg_distribution_drift`` (None without data),
    ``severity_distribution`` {critical, warning, none}. Beside them ``model``, ``window`` and ``current``: outcome, is_drifting,
    drift_severity, score, prediction_score, performance_score, concept_score, reason, time, verdict, ``features`` (worst first:
    feature, score, threshold, sample_size, p_value, ks, psi, wasserstein, evidence, outcome, reason), ``history`` ([time, score], oldest
    first). ``verdicts``: of the model's own numbers, by name.
    """
    now_state = current(store, model=model, version=version)
    reports = reports_of(store, "drift", window, now_state, version)
    return {
        "status": "ok" if reports or now_state.one("drift.alarm") else "no_data",
        "model": {"name": now_state.model, "version": now_state.version},
        "window": window,
        **_summary(reports),
        "current": {**drift_now(now_state), "history": history(store, now_state, "drift.score")},
    }


def _summary(reports: Sequence[Report]) -> dict[str, Any]:
    severities = Counter(str(report.body.get("drift_severity", "none")) for report in reports)
    drifting = sum(bool(report.body.get("is_drifting")) for report in reports)
    return {
        "total_samples": len(reports),
        "drift_detected": drifting,
        "drift_rate": drifting / len(reports) if reports else None,
        "avg_prediction_drift": mean_of([report.body for report in reports], "prediction_drift"),
        "avg_performance_drift": mean_of([report.body for report in reports], "performance_drift"),
        "avg_distribution_drift": mean_of([report.body for report in reports], "data_distribution_drift"),
        "severity_distribution": {name: severities.get(name, 0) for name in SEVERITIES},
    }


def mean_of(bodies: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """The mean of a key over the documents that have a number there."""
    values = [float(value) for body in bodies if isinstance(value := body.get(key), int | float)]
    return sum(values) / len(values) if values else None


def drift_now(now_state: Current) -> dict[str, Any]:
    """The drift verdict of the newest evaluation."""
    alarm = now_state.one("drift.alarm")
    score = now_state.value("drift.score")
    is_drifting = outcome(alarm) == "bad"
    severe = is_drifting and score is not None and score > CRITICAL_SCORE
    return {
        "outcome": outcome(alarm),
        "is_drifting": is_drifting,
        "drift_severity": "critical" if severe else "warning" if is_drifting else "none",
        "score": score,
        "prediction_score": now_state.value("drift.prediction_score"),
        "performance_score": now_state.value("drift.performance_score"),
        "concept_score": now_state.value("drift.concept_score"),
        "reason": reason(alarm),
        "time": alarm.time if alarm else None,
        "verdict": verdict_dict(alarm.verdict) if alarm else None,
        "verdicts": {name: verdict_dict(one.verdict) for name in SCORES if (one := now_state.one(f"drift.{name}")) is not None},
        "features": _features(now_state),
    }


def _features(now_state: Current) -> list[dict[str, Any]]:
    scores = now_state.by_label("drift.feature_score", "feature")
    methods = {key: now_state.by_label(name, "feature") for key, name in METHODS.items()}
    names = sorted(set(scores).union(*methods.values()))
    rows = [_feature(name, scores.get(name), {key: found.get(name) for key, found in methods.items()}) for name in names]
    return sorted(
        rows, key=lambda row: (row["outcome"] != "bad", -(row["evidence"] or 0.0), -(row["score"] or 0.0), row["feature"])
    )


def _feature(name: str, score: Signal | None, methods: Mapping[str, Signal | None]) -> dict[str, Any]:
    judged = [signal for signal in (score, *methods.values()) if signal is not None and signal.verdict is not None]
    worst = min(judged, key=lambda signal: ("bad", "ok", "unknown").index(outcome(signal)), default=None)
    verdict = score.verdict if score is not None else None
    return {
        "feature": name,
        "score": score.value if score else None,
        "threshold": verdict.threshold if verdict else None,
        "sample_size": verdict.sample_size if verdict else None,
        "p_value": verdict.p_value if verdict else None,
        **{key: signal.value if signal else None for key, signal in methods.items()},
        "outcome": outcome(worst),
        "reason": reason(worst),
    }
