"""The seed's façade: one object that logs predictions, checks drift and quality, tracks objectives and alerts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neural.monitoring.alerts import Alert, AlertManager, AlertSeverity
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.drift import DriftDetector
from neural.monitoring.export import MetricsRegistry, PrometheusExporter
from neural.monitoring.monitor.defaults import add_default_rules, add_default_slos
from neural.monitoring.monitor.results import StoredResults
from neural.monitoring.monitor.summary import health_report, monitoring_summary
from neural.monitoring.predictions import PredictionAnalyzer, PredictionLogger
from neural.monitoring.quality import DataQualityMonitor
from neural.monitoring.slo import SLOTracker
from neural.monitoring.store import open_store
from neural.monitoring.views import SIDECAR

DEFAULT_STORAGE = "monitoring_data"


class ModelMonitor:
    """Monitoring from inside a Python process, with the same storage as the sidecar: CLI and dashboard read it alike.

    ``alert_config``: slack_webhook, email_config, webhook_url. ``storage_path``: a folder, "monitoring_data" when left out.
    Raises StoreError when the folder can't be written, DataError for data of the wrong shape.
    """

    def __init__(
        self,
        model_name: str = "default",
        model_version: str = "1.0",
        model_id: str | None = None,
        storage_path: str | Path | None = None,
        enable_prometheus: bool = True,
        enable_alerting: bool = True,
        enable_slo_tracking: bool = True,
        alert_config: Mapping[str, Any] | None = None,
        *,
        clock: Clock = system_clock,
    ) -> None:
        self.model_name, self.model_version = model_name, model_version
        self.model_id = model_id or f"{model_name}:{model_version}"
        self.storage_path = Path(storage_path or DEFAULT_STORAGE)
        self._clock, self._started_at = clock, clock()
        self._store = open_store(self.storage_path)
        self.drift_detector = DriftDetector(store=self._store, model=model_name, version=model_version, clock=clock)
        self.quality_monitor = DataQualityMonitor(store=self._store, model=model_name, version=model_version, clock=clock)
        self.prediction_logger = PredictionLogger(self.storage_path, model=model_name, version=model_version, clock=clock)
        self.prediction_analyzer = PredictionAnalyzer(self.prediction_logger)
        self.metrics_registry = MetricsRegistry() if enable_prometheus else None
        self.prometheus_exporter = (
            PrometheusExporter(registry=self.metrics_registry, model_name=model_name, model_version=model_version)
            if enable_prometheus
            else None
        )
        self.alert_manager = AlertManager(alert_config, store=self._store, clock=clock) if enable_alerting else None
        self.slo_tracker = SLOTracker(store=self._store, clock=clock) if enable_slo_tracking else None
        self._results = StoredResults(self._store, model_name, model_version, clock)
        self.total_predictions = self.total_errors = 0
        self._begin()

    def _begin(self) -> None:
        if self.alert_manager is not None:
            add_default_rules(self.alert_manager)
        if self.slo_tracker is not None:
            add_default_slos(self.slo_tracker)
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.set_active_models(1)
        model = {"name": self.model_name, "version": self.model_version, "id": self.model_id}
        self._store.put_value(SIDECAR, {"started_at": self._started_at, "model": model, "pid": os.getpid(), "library": True})

    def set_reference_data(
        self,
        data: Any,
        predictions: Any = None,
        performance: Mapping[str, float] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        """What current data is compared with: rows in any form the house reads (numpy, pandas, lists, dicts)."""
        self.drift_detector.set_reference(data, predictions, performance, feature_names)
        if feature_names is not None:
            self.quality_monitor.feature_names = list(feature_names)
        self.quality_monitor.set_reference_statistics(data)

    def log_prediction(
        self,
        prediction_id: str,
        input_features: Mapping[str, Any],
        prediction: Any,
        prediction_proba: Mapping[str, float] | Sequence[float] | None = None,
        ground_truth: Any = None,
        latency_ms: float = 0.0,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Log one prediction: to the prediction log, the metrics and the objectives."""
        self.prediction_logger.log_prediction(
            prediction_id, input_features, prediction, prediction_proba, ground_truth, latency_ms, metadata
        )
        self.total_predictions += 1
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.record_prediction(latency_ms / 1000)
        self._measure("model_availability", 1.0)
        self._measure("error_rate", 0.0)
        self._measure("prediction_latency_p95", latency_ms / 1000)
        if ground_truth is not None:
            self._measure("model_accuracy", float(str(prediction) == str(ground_truth)))

    def check_drift(self, data: Any, predictions: Any = None, performance: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Exact two-sample drift of these rows against the reference; alerts and metrics follow. Keys: spec of ``DriftMetrics``."""
        metrics = self.drift_detector.detect_drift(data, predictions, performance).to_dict()
        self._results.drift(metrics)
        scores = {
            "prediction": metrics["prediction_drift"],
            "performance": metrics["performance_drift"],
            "distribution": metrics["data_distribution_drift"],
            "concept": metrics["concept_drift_score"],
        }
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.set_drift({**scores, "feature": max(metrics["feature_drift"].values(), default=None)})
        self._check_rules({**metrics, "drift_score": max((score for score in scores.values() if score is not None), default=0.0)})
        return metrics

    def check_data_quality(self, data: Any) -> dict[str, Any]:
        """Missing, outlying, invalid values and schema violations of these rows. Keys: spec of ``QualityReport``."""
        report = self.quality_monitor.check_quality(data).to_dict()
        self._results.quality(report)
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.set_quality(report["quality_score"], report["missing_rate"], report["outlier_rate"])
        self._check_rules(report)
        return report

    def update_performance_metrics(self, metrics: Mapping[str, float]) -> None:
        """Measured elsewhere: accuracy, precision, recall, f1 and others by name."""
        self._results.performance(metrics)
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.set_performance(metrics)
        if "accuracy" in metrics:
            self._measure("model_accuracy", float(metrics["accuracy"]))
        self._check_rules(dict(metrics))

    def record_error(self, error_type: str = "unknown") -> None:
        """The model failed to answer."""
        self.total_errors += 1
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.record_error(error_type)
        self._measure("model_availability", 0.0)
        self._measure("error_rate", 1.0)

    def start_prometheus_server(self, port: int = 9090) -> int:
        """Serve /metrics in a thread; returns the port (useful with 0). Raises NeuralError when the port is taken."""
        if self.prometheus_exporter is None:
            self.metrics_registry = MetricsRegistry()
            self.prometheus_exporter = PrometheusExporter(registry=self.metrics_registry)
        self.prometheus_exporter.port = port
        return self.prometheus_exporter.start_server()

    def send_alert(
        self, title: str, message: str, severity: AlertSeverity = AlertSeverity.INFO, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Tell the channels at once. Nothing happens when alerting is off."""
        if self.alert_manager is not None:
            self.alert_manager.send_alert(Alert(self._clock(), severity, title, message, self.model_name, dict(metadata or {})))

    def get_monitoring_summary(self) -> dict[str, Any]:
        """Everything in short: model, uptime, totals, drift, quality, predictions, slos, alerts."""
        self._write_state()
        return monitoring_summary(self, self._clock() - self._started_at)

    def generate_health_report(self) -> dict[str, Any]:
        """timestamp, model, version, status ("healthy" | "warning" | "critical") and issues, each one sentence."""
        return health_report(self, self._clock())

    def close(self) -> None:
        """Write what is batched, and stop what runs."""
        self._write_state()
        self.prediction_logger.close()
        self.quality_monitor.close()
        for part in (self.alert_manager, self.slo_tracker):
            if part is not None:
                part.close()
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.stop_server()
        self._store.close()

    def _write_state(self) -> None:
        """Traffic and objectives as signals, for the CLI and the dashboard."""
        uptime = max(self._clock() - self._started_at, 1.0)
        latency = self.prediction_analyzer.analyze_predictions().get("latency") or {}
        self._results.traffic(self.total_predictions, self.total_errors, uptime, latency)
        if self.slo_tracker is not None:
            self._results.objectives(self.slo_tracker.get_all_slo_status())

    def _measure(self, slo: str, value: float) -> None:
        if self.slo_tracker is not None and slo in self.slo_tracker.slos:
            self.slo_tracker.record_measurement(slo, value)

    def _check_rules(self, data: Mapping[str, Any]) -> None:
        if self.alert_manager is not None:
            latency = self.prediction_analyzer.analyze_predictions().get("latency", {})
            self.alert_manager.check_rules({"latency_p95": latency.get("p95") or 0.0, "error_rate": self.error_rate, **data})

    @property
    def error_rate(self) -> float:
        """Errors over all requests (predictions and errors) since the start; 0 before the first."""
        total = self.total_predictions + self.total_errors
        return self.total_errors / total if total else 0.0
