"""What follows when the façade is told something: signals in the store, metrics, measurements of objectives, alert rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neural.monitoring.monitor.defaults import add_default_rules, add_default_slos
from neural.monitoring.monitor.results import STORED_METRICS, StoredResults
from neural.monitoring.records import LabelledBatch
from neural.monitoring.signal import Signal

if TYPE_CHECKING:
    from neural.monitoring.monitor.model_monitor import ModelMonitor


class Consequences:
    """Of one monitor. Its parts are looked up at every call: a user may put another alert manager or exporter in place."""

    def __init__(self, monitor: ModelMonitor, results: StoredResults) -> None:
        self._monitor, self._results = monitor, results

    def begin(self, model_id: str, started_at: float) -> None:
        """The seed's rules and objectives, and a word to the readers of the store."""
        monitor = self._monitor
        if monitor.alert_manager is not None:
            add_default_rules(monitor.alert_manager)
        if monitor.slo_tracker is not None:
            add_default_slos(monitor.slo_tracker)
        if monitor.prometheus_exporter is not None:
            monitor.prometheus_exporter.set_active_models(1)
        self._results.introduce(model_id, started_at)

    def of_prediction(self, latency_seconds: float, *, right: bool | None) -> None:
        """``right``: whether the prediction was true; None while that is not known."""
        if (exporter := self._monitor.prometheus_exporter) is not None:
            exporter.record_prediction(latency_seconds)
        self._measure("model_availability", 1.0)
        self._measure("error_rate", 0.0)
        self._measure("prediction_latency_p95", latency_seconds)
        if right is not None:
            self._measure("model_accuracy", float(right))

    def of_error(self, error_type: str) -> None:
        if (exporter := self._monitor.prometheus_exporter) is not None:
            exporter.record_error(error_type)
        self._measure("model_availability", 0.0)
        self._measure("error_rate", 1.0)

    def of_drift(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """``metrics``: the dict of ``DriftMetrics``, returned as it is."""
        self._results.drift(metrics)
        scores = {
            "prediction": metrics["prediction_drift"],
            "performance": metrics["performance_drift"],
            "distribution": metrics["data_distribution_drift"],
            "concept": metrics["concept_drift_score"],
        }
        if (exporter := self._monitor.prometheus_exporter) is not None:
            exporter.set_drift({**scores, "feature": max(metrics["feature_drift"].values(), default=None)})
        self._check_rules({**metrics, "drift_score": max((score for score in scores.values() if score is not None), default=0.0)})
        return metrics

    def of_quality(self, report: dict[str, Any]) -> dict[str, Any]:
        """``report``: the dict of ``QualityReport``, returned as it is."""
        self._results.quality(report)
        if (exporter := self._monitor.prometheus_exporter) is not None:
            exporter.set_quality(report["quality_score"], report["missing_rate"], report["outlier_rate"])
        self._check_rules(report)
        return report

    def of_performance(self, metrics: Mapping[str, float]) -> None:
        self._results.performance(metrics)
        if (exporter := self._monitor.prometheus_exporter) is not None:
            exporter.set_performance(metrics)
        if "accuracy" in metrics:
            self._measure("model_accuracy", float(metrics["accuracy"]))
        self._check_rules(dict(metrics))

    def of_outcomes(self, matched: Sequence[LabelledBatch], signals: Sequence[Signal]) -> None:
        """Rows whose label has come, and the performance as it stands now."""
        self._results.signals(signals)
        plain = {one.name.removeprefix("performance."): one.value for one in signals if set(one.labels) <= {"model", "version"}}
        metrics = {name: value for name, value in plain.items() if value is not None and name in STORED_METRICS}
        if (exporter := self._monitor.prometheus_exporter) is not None and metrics:
            exporter.set_performance(metrics)
        for batch in matched:
            if batch.predictions.dtype == object:
                for right in (batch.predictions == batch.labels).tolist():
                    self._measure("model_accuracy", float(right))
        if metrics:
            self._check_rules(metrics)

    def write_state(self, uptime_seconds: float) -> None:
        """Traffic and objectives as signals, for the CLI and the dashboard."""
        monitor = self._monitor
        latency = monitor.prediction_analyzer.analyze_predictions().get("latency") or {}
        self._results.traffic(monitor.total_predictions, monitor.total_errors, max(uptime_seconds, 1.0), latency)
        if monitor.slo_tracker is not None:
            self._results.objectives(monitor.slo_tracker.get_all_slo_status())

    def _measure(self, slo: str, value: float) -> None:
        tracker = self._monitor.slo_tracker
        if tracker is not None and slo in tracker.slos:
            tracker.record_measurement(slo, value)

    def _check_rules(self, data: Mapping[str, Any]) -> None:
        if (manager := self._monitor.alert_manager) is not None:
            latency = self._monitor.prediction_analyzer.analyze_predictions().get("latency", {})
            manager.check_rules({"latency_p95": latency.get("p95") or 0.0, "error_rate": self._monitor.error_rate, **data})
