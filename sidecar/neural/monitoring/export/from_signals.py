"""Signals become metrics: each has a metric of its own, or stands in ``neural_signal``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from neural.monitoring.export.family import Family, Labels, Sample
from neural.monitoring.signal import Outcome, Signal

_MODEL = ("model", "version")

METRIC_OF: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "performance.accuracy": ("neural_model_accuracy", ()),
    "performance.precision": ("neural_model_precision", ()),
    "performance.recall": ("neural_model_recall", ()),
    "performance.f1": ("neural_model_f1", ()),
    "performance.coverage": ("neural_label_coverage_ratio", ()),
    "performance.labels": ("neural_labels_in_window", ()),
    "drift.score": ("neural_drift_score", ("distribution",)),
    "drift.prediction_score": ("neural_drift_score", ("prediction",)),
    "drift.performance_score": ("neural_drift_score", ("performance",)),
    "drift.concept_score": ("neural_drift_score", ("concept",)),
    "drift.alarm": ("neural_drift_alarm", ()),
    "drift.model_evidence": ("neural_drift_evidence", ()),
    "drift.features": ("neural_drifting_features", ()),
    "drift.acknowledged": ("neural_acknowledged_drifting_features", ()),
    "drift.feature_score": ("neural_feature_drift", ("score",)),
    "drift.evidence": ("neural_feature_drift_evidence", ()),
    "quality.alarm": ("neural_quality_alarm", ()),
    "quality.score": ("neural_data_quality_score", ()),
    "quality.missing_rate": ("neural_missing_values_rate", ()),
    "quality.outlier_rate": ("neural_outlier_rate", ()),
    "quality.invalid_rate": ("neural_data_quality_ratio", ("invalid",)),
    "quality.unseen_rate": ("neural_data_quality_ratio", ("unseen",)),
    "quality.feature_missing_rate": ("neural_feature_quality_ratio", ("missing",)),
    "quality.feature_outlier_rate": ("neural_feature_quality_ratio", ("outlier",)),
    "quality.feature_invalid_rate": ("neural_feature_quality_ratio", ("invalid",)),
    "quality.feature_unseen_rate": ("neural_feature_quality_ratio", ("unseen",)),
    "slo.compliance": ("neural_slo_compliance_ratio", ()),
    "slo.target": ("neural_slo_target_ratio", ()),
    "slo.budget_remaining": ("neural_slo_budget_remaining_ratio", ()),
    "slo.burn_rate": ("neural_slo_burn_rate", ()),
    "slo.burn_alert": ("neural_slo_burn_alert", ()),
    "requests.rate": ("neural_window_request_rate", ()),
    "error_rate": ("neural_window_error_ratio", ()),
    "latency.p50": ("neural_window_latency_seconds", ("50",)),
    "latency.p95": ("neural_window_latency_seconds", ("95",)),
    "latency.p99": ("neural_window_latency_seconds", ("99",)),
    "traffic.staleness": ("neural_traffic_staleness_seconds", ()),
}
"""Signal → (metric, values of the metric's last labels that the signal's name stands for)."""

_NOT_OF_A_MODEL: Mapping[str, str] = {
    "capture.loss_ratio": "neural_capture_loss_ratio",
    "sidecar.evaluation_seconds": "neural_sidecar_evaluation_seconds",
    "sidecar.memory_bytes": "neural_sidecar_memory_bytes",
    "sidecar.backlog": "neural_sidecar_backlog",
}
_FROM_LEDGERS = frozenset({"capture.seen", "capture.shipped", "capture.sampled_out", "capture.dropped"})
_DRIFT, _PERFORMANCE = "drift.", "performance."


def add_signals(signals: Iterable[Signal], families: Mapping[str, Family]) -> None:
    """Every signal with a value becomes one sample."""
    bad: dict[tuple[str, str], int] = {}
    for signal in signals:
        model, version = signal.labels.get("model", ""), signal.labels.get("version", "")
        if signal.verdict is not None:
            is_bad = signal.verdict.outcome is Outcome.BAD
            bad[model, version] = bad.get((model, version), 0) + is_bad
        if signal.value is not None:
            _add_one(signal, signal.value, model, version, families)
    for (model, version), count in bad.items():
        families["neural_signals_bad"].add(count, model, version)
    _add_worst_feature(families)


def _add_one(signal: Signal, value: float, model: str, version: str, families: Mapping[str, Family]) -> None:
    name = signal.name
    found = METRIC_OF.get(name)
    if found is not None:
        family, fixed = families[found[0]], found[1]
        own = family.spec.labels[len(_MODEL) : len(family.spec.labels) - len(fixed)]
        family.add(value, model, version, *(signal.labels.get(label, "") for label in own), *fixed)
    elif name in _NOT_OF_A_MODEL:
        families[_NOT_OF_A_MODEL[name]].add(value)
    elif name.startswith(_DRIFT) and set(signal.labels) == {*_MODEL, "feature"}:  # a method: ks, psi, wasserstein, chi2 …
        families["neural_feature_drift"].add(value, model, version, signal.labels["feature"], name.removeprefix(_DRIFT))
    elif name.startswith(_PERFORMANCE) and set(signal.labels) <= set(_MODEL):
        families["neural_model_performance"].add(value, model, version, name.removeprefix(_PERFORMANCE))
    elif name not in _FROM_LEDGERS:
        families["neural_signal"].samples.append(Sample(_own_labels(signal, model, version), value))


def _own_labels(signal: Signal, model: str, version: str) -> Labels:
    """Model, version, signal, and the signal's own labels in the order of their names."""
    more = sorted((_label_name(key), text) for key, text in signal.labels.items() if key not in _MODEL)
    return (("model", model), ("version", version), ("signal", signal.name), *more)


def _label_name(name: str) -> str:
    """A custom monitor's label as Prometheus allows it."""
    cleaned = "".join(letter if letter.isascii() and (letter.isalnum() or letter == "_") else "_" for letter in name) or "_"
    return (
        f"label_{cleaned}"
        if cleaned[0].isdigit() or cleaned.startswith("__") or cleaned in {"signal", "model", "version"}
        else cleaned
    )


def _add_worst_feature(families: Mapping[str, Family]) -> None:
    """The seed's drift_type "feature": the score of the feature that drifted most."""
    worst: dict[tuple[str, str], float] = {}
    for sample in families["neural_feature_drift"].samples:
        labels = dict(sample.labels)
        if labels["method"] == "score":
            key = (labels["model"], labels["version"])
            worst[key] = max(worst.get(key, sample.value), sample.value)
    for key, value in worst.items():
        families["neural_drift_score"].add(value, *key, "feature")
