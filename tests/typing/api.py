"""A user's script: it touches the whole public API and says what each answer's type is. It is checked, never run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware

import neural.capture
import neural.monitoring
from neural.capture import CaptureMiddleware, Recorder, Reply, Settings, SettingsError, Transport, flush, ledgers, load_settings
from neural.capture.grpc import AioCaptureInterceptor, CaptureInterceptor
from neural.capture.testing import Collector, MemorySidecar
from neural.monitoring import (
    SLO,
    Alert,
    AlertChannel,
    AlertManager,
    AlertRule,
    AlertSeverity,
    DataQualityMonitor,
    DriftDetector,
    DriftMetrics,
    MetricsRegistry,
    ModelMonitor,
    PredictionAnalyzer,
    PredictionLogger,
    PrometheusExporter,
    QualityReport,
    SimpleMetricsCollector,
    SLAReport,
    SLOTracker,
    SLOType,
    create_accuracy_slo,
    create_availability_slo,
    create_drift_alert_rule,
    create_error_rate_slo,
    create_latency_alert_rule,
    create_latency_slo,
    create_performance_alert_rule,
    create_quality_alert_rule,
    create_throughput_slo,
)

assert_type(neural.monitoring.__version__, str)
assert_type(neural.capture.__version__, str)

Message = MutableMapping[str, Any]


async def plain(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


def capture() -> None:
    assert_type(CaptureMiddleware(plain, model="fraud", version="3").settings, Settings)
    CaptureMiddleware(FastAPI(), model="fraud", endpoint="http://localhost:8051", sample=0.1, redact=("user.email",))
    app = Starlette(middleware=[Middleware(CaptureMiddleware, model="fraud", version="3")])
    app.add_middleware(CaptureMiddleware, model="fraud")
    FastAPI().add_middleware(CaptureMiddleware, settings=Settings(model="fraud", keep_slow=0.5))
    try:
        settings = load_settings({"model": "fraud", "sample": "0.5"})
    except SettingsError as error:
        raise SystemExit(str(error)) from error
    assert_type(settings.redact, tuple[str, ...])
    collector = Collector()
    transport: Transport = collector
    assert_type(Recorder(settings, transport).settings, Settings)
    assert_type(collector.receive(b""), Reply)
    with MemorySidecar() as sidecar:
        CaptureMiddleware(plain, endpoint=sidecar.endpoint)
    CaptureInterceptor(model="fraud", version="3")
    AioCaptureInterceptor(settings=settings, transport=transport)
    assert_type(flush(), bool)
    assert_type(sum(ledger.seen for ledger in ledgers().values()), int)


def monitor(folder: Path) -> None:
    watched = ModelMonitor(
        model_name="fraud",
        model_version="3",
        model_id=None,
        storage_path=folder,
        enable_prometheus=True,
        enable_alerting=True,
        enable_slo_tracking=True,
        alert_config={"slack_webhook": "https://hooks.slack.com/services/x"},
    )
    assert_type(watched.model_name, str)
    assert_type(watched.model_version, str)
    assert_type(watched.drift_detector, DriftDetector)
    assert_type(watched.quality_monitor, DataQualityMonitor)
    assert_type(watched.prediction_logger, PredictionLogger)
    assert_type(watched.prediction_analyzer, PredictionAnalyzer)
    assert_type(watched.metrics_registry, MetricsRegistry | None)
    assert_type(watched.prometheus_exporter, PrometheusExporter | None)
    assert_type(watched.alert_manager, AlertManager | None)
    assert_type(watched.slo_tracker, SLOTracker | None)
    data, labels = np.random.default_rng(0).normal(size=(100, 2)), np.zeros(100, dtype=np.int64)
    watched.set_reference_data(data, predictions=labels, performance={"accuracy": 1}, feature_names=["age", "income"])
    watched.log_prediction("p1", {"age": 4}, 1, {"0": 0.3, "1": 0.7}, ground_truth=1, latency_ms=25, metadata={"by": "me"})
    watched.log_prediction("p2", input_features={"age": 4.0}, prediction="a", prediction_proba=[0.1, 0.9])
    drift = watched.check_drift(data=[[1.0, 2.0]], predictions=[1], performance={"accuracy": 0.92})
    assert_type(drift, dict[str, Any])
    assert_type(watched.check_data_quality({"age": [1, 2]}), dict[str, Any])
    watched.update_performance_metrics({"accuracy": 0.92, "f1": 0.91})
    watched.record_error("timeout")
    watched.send_alert("Title", "message", AlertSeverity.WARNING, {"on": "call"})
    assert_type(watched.start_prometheus_server(port=0), int)
    assert_type(watched.get_monitoring_summary(), dict[str, Any])
    assert_type(watched.generate_health_report(), dict[str, Any])
    assert_type(watched.error_rate, float)
    watched.close()


def drift(data: Any) -> None:
    detector = DriftDetector(window_size=1000, drift_threshold=0.1, alert_threshold=0.2, storage_path="monitoring_data")
    detector.set_reference(data, predictions=None, performance={"accuracy": 0.9})
    found = detector.detect_drift(data)
    assert_type(found, DriftMetrics)
    assert_type(found.is_drifting, bool)
    assert_type(found.drift_severity, str)
    assert_type(found.prediction_drift, float)
    assert_type(found.feature_drift, Mapping[str, float])
    assert_type(found.missing_features, Sequence[str])
    assert_type(found.to_dict(), dict[str, Any])
    assert_type(detector.get_drift_report(window=100), dict[str, Any])


def quality(data: Any) -> None:
    checked = DataQualityMonitor(
        feature_names=["age"], feature_types={"age": "positive"}, missing_threshold=0.1, outlier_threshold=3.0, storage_path=None
    )
    checked.set_reference_statistics(data)
    report = checked.check_quality(data)
    assert_type(report, QualityReport)
    assert_type(report.is_healthy, bool)
    assert_type(report.missing_values, Mapping[str, int])
    assert_type(report.warnings, tuple[str, ...])
    assert_type(report.to_dict(), dict[str, Any])
    assert_type(checked.get_quality_summary(window=100), dict[str, Any])


def predictions(folder: Path) -> None:
    logger = PredictionLogger(folder, batch_size=100, sampling_rate=0.5)
    assert_type(logger.log_prediction("p1", {"age": 4}, 1, latency_ms=3.0), bool)
    assert_type(PredictionAnalyzer(logger).analyze_predictions(window=1000), dict[str, Any])
    assert_type([one.prediction_id for one in logger.get_recent_predictions(10)], list[str])


def alerts() -> None:
    manager = AlertManager(slack_webhook_url="https://hooks.slack.com/x", email_config={"smtp_port": 587}, webhook_url=None)
    AlertManager({"webhook_url": "https://example.com/alerts"}, storage_path="monitoring_data")
    manager.add_rule(
        AlertRule(
            name="High Error Rate",
            condition=lambda data: data.get("error_rate", 0) > 0.05,
            severity=AlertSeverity.CRITICAL,
            channels=[AlertChannel.SLACK, AlertChannel.EMAIL],
            cooldown_seconds=600,
            message_template="Error rate is {error_rate:.2%}",
        )
    )
    channels = [AlertChannel.LOG]  # a list of one type where a sequence of more is taken
    manager.add_rule(AlertRule("mine", lambda data: "x" in data, AlertSeverity.INFO, channels))
    for rule in (
        create_drift_alert_rule(threshold=0.2),
        create_quality_alert_rule(threshold=0.7),
        create_performance_alert_rule(threshold=0.8),
        create_latency_alert_rule(threshold_ms=1000),
    ):
        assert_type(rule, AlertRule)
        manager.add_rule(rule)
    assert_type(manager.remove_rule("mine"), bool)
    assert_type(manager.check_rules({"error_rate": 0.1}), list[Alert])
    manager.send_alert(Alert(0.0, AlertSeverity.INFO, "Title", "message", "script"), channels=channels)
    assert_type(manager.get_recent_alerts(n=100, severity=AlertSeverity.CRITICAL), list[Alert])
    assert_type(manager.get_alert_summary(hours=24), dict[str, Any])


def objectives() -> None:
    tracker = SLOTracker(storage_path=None)
    for slo in (
        create_availability_slo(target=0.999, window_hours=24),
        create_latency_slo(target_ms=100, window_hours=1),
        create_accuracy_slo(target=0.95, window_hours=24),
        create_error_rate_slo(target=0.01, window_hours=1),
        create_throughput_slo(target=100, window_hours=1),
        SLO(name="custom", slo_type=SLOType.ACCURACY, target=0.98, window_seconds=3600, description="Mine"),
    ):
        assert_type(slo, SLO)
        tracker.add_slo(slo)
    tracker.record_measurement("custom", 0.99, timestamp=None)
    assert_type(tracker.get_slo_status("custom"), dict[str, Any])
    assert_type(tracker.get_all_slo_status(), dict[str, dict[str, Any]])
    report = tracker.generate_sla_report("custom", start_time=0, end_time=None)
    assert_type(report, SLAReport)
    assert_type(report.compliance_rate, float | None)
    assert_type(report.to_dict(), dict[str, Any])
    tracker.remove_slo("custom")


def metrics() -> None:
    registry = MetricsRegistry()
    exporter = PrometheusExporter(port=9090, registry=registry)
    assert_type(exporter.start_server(), int)
    assert_type(exporter.get_metrics_text(), str)
    simple = SimpleMetricsCollector()
    simple.counter("predictions", "Predictions", ["model"]).labels(model="fraud").inc()
    assert_type(simple.get_metrics_text(), str)
