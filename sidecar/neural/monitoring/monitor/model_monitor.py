"""The seed's façade: one object that logs predictions, checks drift and quality, tracks objectives and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from neural.monitoring.alerts import Alert, AlertManager, AlertSeverity
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.drift import DriftDetector
from neural.monitoring.export import MetricsRegistry, PrometheusExporter
from neural.monitoring.monitor.consequences import Consequences
from neural.monitoring.monitor.defaults import make_exporter
from neural.monitoring.monitor.outcomes import Labels, Outcomes
from neural.monitoring.monitor.performance_report import performance_report
from neural.monitoring.monitor.results import StoredResults
from neural.monitoring.monitor.summary import health_report, monitoring_summary
from neural.monitoring.performance import PerformanceSettings, class_name
from neural.monitoring.predictions import PredictionAnalyzer, PredictionLogger
from neural.monitoring.quality import DataQualityMonitor
from neural.monitoring.slo import SLOTracker
from neural.monitoring.store import open_store

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
        performance: PerformanceSettings | None = None,
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
        self.prometheus_exporter = make_exporter(self.metrics_registry, model_name, model_version)
        self.alert_manager = AlertManager(alert_config, store=self._store, clock=clock) if enable_alerting else None
        self.slo_tracker = SLOTracker(store=self._store, clock=clock) if enable_slo_tracking else None
        self.total_predictions = self.total_errors = 0
        self._outcomes = Outcomes(model_name, model_version, clock, performance)
        self._outcomes.resume(self._store)
        self._consequences = Consequences(self, StoredResults(self._store, model_name, model_version, clock))
        self._consequences.begin(self.model_id, self._started_at)

    def set_reference_data(
        self,
        data: Any,
        predictions: Any = None,
        performance: Mapping[str, float] | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        """What current data is compared with: rows in any form the house reads (numpy, pandas, lists, dicts)."""
        self.drift_detector.set_reference(data, predictions, performance, feature_names)
        self._outcomes.reference_performance = dict(performance or {})
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
        """Log one prediction: to the prediction log, the metrics and the objectives. Its label may come later: ``log_labels``."""
        taken = self.prediction_logger.log_prediction(
            prediction_id, input_features, prediction, prediction_proba, ground_truth, latency_ms, metadata
        )
        self.total_predictions += 1
        if taken:
            self._outcomes.predicted(self.prediction_logger.get_recent_predictions(1)[0])
        right = None if ground_truth is None else class_name(prediction) == class_name(ground_truth)
        self._consequences.of_prediction(latency_ms / 1000, right=right)

    def log_labels(self, labels: Labels) -> dict[str, float]:
        """True outcomes of logged predictions, or of predictions to come: late, repeated or corrected, in any order.

        ``labels``: id → label, or (id, label) pairs, or dicts with id, label and time. Returns the counts of the join: matched, corrected,
        repeated, waiting … Raises DataError for what is no label.
        """
        matched = self._outcomes.told(labels)
        self._consequences.of_outcomes(matched, self._outcomes.signals())
        return self._outcomes.counts()

    def get_performance(self) -> dict[str, Any]:
        """Every metric with its interval, by class and segment too; coverage, label delay, and estimates for what has no label yet."""
        return performance_report(self._outcomes.signals(), self._outcomes.counts())

    def check_drift(self, data: Any, predictions: Any = None, performance: Mapping[str, float] | None = None) -> dict[str, Any]:
        """Exact two-sample drift of these rows against the reference; alerts and metrics follow. Keys: spec of ``DriftMetrics``."""
        found = self.drift_detector.detect_drift(data, predictions, performance)
        return self._consequences.of_drift(found.to_dict())

    def check_data_quality(self, data: Any) -> dict[str, Any]:
        """Missing, outlying, invalid values and schema violations of these rows. Keys: spec of ``QualityReport``."""
        return self._consequences.of_quality(self.quality_monitor.check_quality(data).to_dict())

    def update_performance_metrics(self, metrics: Mapping[str, float]) -> None:
        """Measured elsewhere: accuracy, precision, recall, f1 and others by name."""
        self._consequences.of_performance(metrics)

    def record_error(self, error_type: str = "unknown") -> None:
        """The model failed to answer."""
        self.total_errors += 1
        self._consequences.of_error(error_type)

    def start_prometheus_server(self, port: int = 9090, *, host: str = "127.0.0.1") -> int:
        """Serve /metrics in a thread; returns the port (useful with 0). Raises NeuralError when the port is taken.

        ``host``: loopback by default; ``0.0.0.0`` lets a Prometheus of another machine or pod scrape it.
        """
        if self.prometheus_exporter is None:
            self.metrics_registry = MetricsRegistry()
            self.prometheus_exporter = PrometheusExporter(registry=self.metrics_registry)
        self.prometheus_exporter.host, self.prometheus_exporter.port = host, port
        return self.prometheus_exporter.start_server()

    def send_alert(
        self, title: str, message: str, severity: AlertSeverity = AlertSeverity.INFO, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Tell the channels at once. Nothing happens when alerting is off."""
        if self.alert_manager is not None:
            self.alert_manager.send_alert(Alert(self._clock(), severity, title, message, self.model_name, dict(metadata or {})))

    def get_monitoring_summary(self) -> dict[str, Any]:
        """Everything in short: model, uptime, totals, drift, quality, predictions, slos, alerts."""
        self._consequences.write_state(self._clock() - self._started_at)
        return monitoring_summary(self, self._clock() - self._started_at)

    def generate_health_report(self) -> dict[str, Any]:
        """timestamp, model, version, status ("healthy" | "warning" | "critical") and issues, each one sentence."""
        return health_report(self, self._clock())

    def close(self) -> None:
        """Write what is batched, and stop what runs."""
        self._consequences.write_state(self._clock() - self._started_at)
        self._outcomes.keep(self._store)
        for part in (self.prediction_logger, self.quality_monitor, self.alert_manager, self.slo_tracker):
            if part is not None:
                part.close()
        if self.prometheus_exporter is not None:
            self.prometheus_exporter.stop_server()
        self._store.close()

    @property
    def error_rate(self) -> float:
        """Errors over all requests (predictions and errors) since the start; 0 before the first."""
        total = self.total_predictions + self.total_errors
        return self.total_errors / total if total else 0.0
