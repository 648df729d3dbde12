"""The seed's feature bullets, in its order: one test each, named after it."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from seed import feature_bullets, slug

from neural.monitoring import (
    Alert,
    AlertChannel,
    AlertManager,
    AlertRule,
    AlertSeverity,
    DataQualityMonitor,
    DriftDetector,
    MetricsRegistry,
    ModelMonitor,
    PredictionAnalyzer,
    PredictionLogger,
    PrometheusExporter,
    SimpleMetricsCollector,
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

RANDOM = np.random.default_rng(0)
REFERENCE = RANDOM.normal(size=(2000, 4))
CURRENT = RANDOM.normal(size=(500, 4))
SHIFTED = CURRENT + np.array([2.0, 0.0, 0.0, 0.0])


def test_every_bullet_of_the_seed_has_its_test_in_the_seeds_order() -> None:
    here = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    wanted = [slug(bullet) for _, bullet in feature_bullets()]
    assert len(wanted) == 40
    assert [name for name in here if name in wanted] == wanted


# Model performance drift detection


@pytest.fixture
def detector() -> DriftDetector:
    detector = DriftDetector()
    detector.set_reference(REFERENCE, predictions=RANDOM.integers(0, 2, 2000), performance={"accuracy": 0.95, "f1": 0.94})
    return detector


def test_multiple_statistical_methods_ks_test_psi_wasserstein_distance(detector: DriftDetector) -> None:
    from neural.monitoring.drift import METHODS

    assert {"ks", "psi", "wasserstein"} <= set(METHODS)
    found = detector.detect_drift(SHIFTED)
    assert found.is_drifting
    assert all({"ks", "psi", "wasserstein"} <= set(one) for one in found.features.values())


def test_feature_level_drift_tracking(detector: DriftDetector) -> None:
    found = detector.detect_drift(SHIFTED).feature_drift
    assert len(found) == 4
    assert max(found, key=found.get) == list(found)[0]
    assert found[list(found)[0]] > 5 * found[list(found)[1]]


def test_prediction_distribution_drift(detector: DriftDetector) -> None:
    same = detector.detect_drift(CURRENT, predictions=RANDOM.integers(0, 2, 500)).prediction_drift
    moved = detector.detect_drift(CURRENT, predictions=np.ones(500, dtype=int)).prediction_drift
    assert moved > 0.3 > same


def test_performance_metrics_drift(detector: DriftDetector) -> None:
    found = detector.detect_drift(CURRENT, performance={"accuracy": 0.70, "f1": 0.69})
    assert found.performance_drift > 0.2
    assert detector.detect_drift(CURRENT, performance={"accuracy": 0.95, "f1": 0.94}).performance_drift == pytest.approx(
        0, abs=1e-9
    )


def test_concept_drift_detection_with_combined_scoring(detector: DriftDetector) -> None:
    calm = detector.detect_drift(CURRENT, predictions=RANDOM.integers(0, 2, 500), performance={"accuracy": 0.95, "f1": 0.94})
    storm = detector.detect_drift(SHIFTED, predictions=np.ones(500, dtype=int), performance={"accuracy": 0.6, "f1": 0.5})
    assert 0 <= calm.concept_drift_score < 0.1 < storm.concept_drift_score <= 1


# Data quality monitoring


@pytest.fixture
def quality() -> DataQualityMonitor:
    monitor = DataQualityMonitor(feature_names=["a", "b", "c", "d"])
    monitor.set_reference_statistics(REFERENCE)
    return monitor


def test_missing_value_detection(quality: DataQualityMonitor) -> None:
    data = CURRENT.copy()
    data[:100, 1] = np.nan
    report = quality.check_quality(data)
    assert report.missing_rate == pytest.approx(100 / 2000)
    assert report.missing_values["b"] == 100


def test_outlier_detection_using_z_score(quality: DataQualityMonitor) -> None:
    data = CURRENT.clip(-2, 2)
    data[:5, 2] = 50.0
    report = quality.check_quality(data)
    assert report.outliers["c"] == 5
    assert report.outlier_rate > 0


def test_invalid_value_checks_type_constraints() -> None:
    names = ["p", "q", "r"]
    monitor = DataQualityMonitor(feature_names=names, feature_types={"p": "positive", "q": "probability", "r": "binary"})
    good = np.column_stack([np.ones(100), np.full(100, 0.5), np.tile([0, 1], 50)])
    assert monitor.check_quality(good).invalid_rate == 0
    bad = good.copy()
    bad[:10] = [-1, 1.5, 2]
    report = monitor.check_quality(bad)
    assert report.invalid_values == {"p": 10, "q": 10, "r": 10}


def test_schema_validation(quality: DataQualityMonitor) -> None:
    report = quality.check_quality({"a": CURRENT[:, 0], "b": CURRENT[:, 1], "c": CURRENT[:, 2], "z": CURRENT[:, 3]})
    text = str(report.schema_violations)
    assert "d" in text
    assert "z" in text


def test_statistical_drift_from_reference_data(quality: DataQualityMonitor) -> None:
    assert not any("mean" in warning for warning in quality.check_quality(CURRENT).warnings)
    assert any("a" in warning and "mean" in warning for warning in quality.check_quality(CURRENT + [5, 0, 0, 0]).warnings)


def test_quality_scoring_and_health_checks(quality: DataQualityMonitor) -> None:
    good = quality.check_quality(CURRENT)
    assert good.is_healthy
    assert good.quality_score > 0.9
    broken = CURRENT.copy()
    broken[:, :3] = np.nan
    bad = quality.check_quality(broken)
    assert not bad.is_healthy
    assert bad.quality_score < good.quality_score
    assert bad.warnings


# Prediction logging & analysis


def _log(folder: Path, n: int, **options) -> PredictionLogger:
    logger = PredictionLogger(storage_path=folder, **options)
    for i in range(n):
        truth = i % 2
        logger.log_prediction(
            f"p{i}",
            {"x": float(i)},
            truth if i % 10 else 1 - truth,
            {"0": 0.3, "1": 0.7},
            ground_truth=truth,
            latency_ms=10.0 + i % 5,
        )
    logger.flush()
    return logger


def test_efficient_batch_logging(tmp_path: Path) -> None:
    from neural.monitoring.predictions import read_predictions

    logger = _log(tmp_path, 250, batch_size=100)
    logger.close()
    table = read_predictions(tmp_path / "predictions")
    assert table.num_rows == 250
    files = [path for path in (tmp_path / "predictions").rglob("*") if path.is_file()]
    assert len(files) < 10  # not a file a prediction


def test_sampling_support(tmp_path: Path) -> None:
    from neural.monitoring.predictions import read_predictions

    logger = _log(tmp_path, 1000, sampling_rate=0.2)
    logger.close()
    assert 120 < read_predictions(tmp_path / "predictions").num_rows < 280


def test_latency_tracking(tmp_path: Path) -> None:
    latency = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["latency"]
    assert latency["p50"] == pytest.approx(12.0)
    assert latency["p50"] <= latency["p95"] <= latency["p99"] == pytest.approx(14.0)


def test_confidence_analysis(tmp_path: Path) -> None:
    found = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["confidence"]
    assert found["mean"] == pytest.approx(0.7)


def test_performance_metrics_calculation(tmp_path: Path) -> None:
    found = PredictionAnalyzer(_log(tmp_path, 100)).analyze_predictions()["performance"]
    assert found["accuracy"] == pytest.approx(0.9)


def test_anomaly_detection_in_predictions(tmp_path: Path) -> None:
    logger = _log(tmp_path, 200)
    calm = PredictionAnalyzer(logger).analyze_predictions()["anomalies"]
    logger.log_prediction("slow", {"x": 1.0}, 1, latency_ms=5000.0)
    logger.flush()
    assert len(PredictionAnalyzer(logger).analyze_predictions()["anomalies"]) > len(calm)


# Alerting system


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.bodies[self.path] = body.decode()  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


def test_multiple_channels_slack_email_webhook_log(caplog: pytest.LogCaptureFixture) -> None:
    from aiosmtpd.controller import Controller
    from aiosmtpd.handlers import Message

    class Mailbox(Message):
        def handle_message(self, message) -> None:
            letters.append(str(message["subject"]))

    letters: list[str] = []
    assert {channel.name for channel in AlertChannel} >= {"SLACK", "EMAIL", "WEBHOOK", "LOG"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    server.bodies = {}  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    post = Controller(Mailbox(), hostname="127.0.0.1", port=free_port())
    post.start()
    url = f"http://127.0.0.1:{server.server_port}"
    manager = AlertManager(
        alert_config={
            "slack_webhook": f"{url}/slack",
            "webhook_url": f"{url}/hook",
            "email_config": {
                "smtp_server": "127.0.0.1",
                "smtp_port": post.port,
                "from_addr": "a@example.com",
                "to_addrs": ["b@example.com"],
                "security": "none",
            },
        }
    )
    try:
        with caplog.at_level("INFO"):
            manager.send_alert(Alert(time.time(), AlertSeverity.CRITICAL, "Four ways", "to say it", "test"))
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline and (len(server.bodies) < 2 or not letters):  # type: ignore[attr-defined]
                time.sleep(0.05)
        assert set(server.bodies) == {"/slack", "/hook"}  # type: ignore[attr-defined]
        assert all("Four ways" in body for body in server.bodies.values())  # type: ignore[attr-defined]
        assert "Four ways" in letters[0]
        assert "Four ways" in caplog.text
    finally:
        manager.close()
        server.shutdown()
        server.server_close()
        post.stop()


def _rule(**options) -> AlertRule:
    settings = {
        "name": "High Error Rate",
        "condition": lambda data: data.get("error_rate", 0) > 0.05,
        "severity": AlertSeverity.CRITICAL,
        "channels": [AlertChannel.LOG],
        "message_template": "Error rate is {error_rate:.2%}",
    }
    return AlertRule(**(settings | options))


def test_configurable_alert_rules() -> None:
    manager = AlertManager()
    manager.add_rule(_rule())
    manager.check_rules({"error_rate": 0.01})
    assert not manager.get_recent_alerts()
    manager.check_rules({"error_rate": 0.0712})
    alerts = manager.get_recent_alerts()
    assert [alert.message for alert in alerts] == ["Error rate is 7.12%"]
    manager.remove_rule("High Error Rate")
    manager.close()


def test_severity_levels_info_warning_critical() -> None:
    assert [level.name for level in AlertSeverity] == ["INFO", "WARNING", "CRITICAL"]
    manager = AlertManager()
    for level in AlertSeverity:
        manager.send_alert(Alert(time.time(), level, level.name, "message", "test"), channels=[AlertChannel.LOG])
    assert len(manager.get_recent_alerts()) == 3
    assert [alert.title for alert in manager.get_recent_alerts(severity=AlertSeverity.CRITICAL)] == ["CRITICAL"]
    manager.close()


def test_cooldown_periods_to_prevent_alert_storms() -> None:
    manager = AlertManager()
    manager.add_rule(_rule(cooldown_seconds=300))
    for _ in range(50):
        manager.check_rules({"error_rate": 0.5})
    assert len(manager.get_recent_alerts()) == 1
    manager.close()


def test_predefined_rules_for_common_issues() -> None:
    manager = AlertManager()
    for rule in (
        create_drift_alert_rule(threshold=0.2),
        create_quality_alert_rule(threshold=0.7),
        create_performance_alert_rule(threshold=0.8),
        create_latency_alert_rule(threshold_ms=1000.0),
    ):
        manager.add_rule(rule)
    manager.check_rules({"drift_score": 0.1, "quality_score": 0.9, "accuracy": 0.9, "latency_p95": 100.0})
    assert not manager.get_recent_alerts()
    manager.check_rules({"drift_score": 0.5, "quality_score": 0.5, "accuracy": 0.5, "latency_p95": 2000.0})
    assert len(manager.get_recent_alerts()) == 4
    manager.close()


# Prometheus/Grafana integration


def test_standard_metrics_export() -> None:
    from seed import metric_names

    exporter = PrometheusExporter(registry=MetricsRegistry())
    exporter.record_prediction(0.02)
    exporter.record_error("timeout")
    text = exporter.get_metrics_text()
    for name in metric_names():
        assert f"# TYPE {name} " in text or f"# TYPE {name.removesuffix('_total')} " in text, name


def test_counter_gauge_histogram_support() -> None:
    registry = MetricsRegistry()
    registry.counter("my_events_total", "events").inc(2)
    registry.gauge("my_level", "level").set(1.5)
    registry.histogram("my_seconds", "time").observe(0.2)
    text = registry.get_metrics_text()
    assert "my_events_total 2.0" in text
    assert "my_level 1.5" in text
    assert 'my_seconds_bucket{le="+Inf"} 1.0' in text


def test_custom_metrics_registry() -> None:
    registry = MetricsRegistry()
    registry.gauge("queue_length", "what waits", ["queue"]).labels(queue="fast").set(3)
    text = PrometheusExporter(registry=registry).get_metrics_text()
    assert 'queue_length{queue="fast"} 3.0' in text
    assert "neural_active_models" in text


def test_http_endpoint_for_metrics() -> None:
    exporter = PrometheusExporter(port=0, registry=MetricsRegistry(), host="127.0.0.1")
    port = exporter.start_server()
    try:
        reply = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert reply.status_code == 200
        assert "neural_active_models" in reply.text
    finally:
        exporter.stop_server()


def test_fallback_to_simple_collector_when_prometheus_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    import neural.monitoring.export.registry as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    for name in [name for name in sys.modules if name.startswith("prometheus_client")]:
        monkeypatch.setitem(sys.modules, name, None)
    exporter = PrometheusExporter()
    assert isinstance(exporter.registry.simple, SimpleMetricsCollector)
    exporter.record_prediction(0.02)
    text = exporter.get_metrics_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["neural_predictions"].samples[0].value == 1


# SLO/SLA tracking


def test_multiple_slo_types_availability_latency_accuracy_error_rate_throughput() -> None:
    slos = [
        create_availability_slo(),
        create_latency_slo(),
        create_accuracy_slo(),
        create_error_rate_slo(),
        create_throughput_slo(),
    ]
    assert [slo.slo_type for slo in slos] == [
        SLOType.AVAILABILITY,
        SLOType.LATENCY,
        SLOType.ACCURACY,
        SLOType.ERROR_RATE,
        SLOType.THROUGHPUT,
    ]
    assert [slo.name for slo in slos] == [
        "model_availability",
        "prediction_latency_p95",
        "model_accuracy",
        "error_rate",
        "throughput",
    ]
    assert slos[1].target == pytest.approx(0.1)  # kept in seconds


@pytest.fixture
def tracker() -> SLOTracker:
    tracker = SLOTracker(clock=lambda: 1_700_000_000.0)
    tracker.add_slo(create_latency_slo(target_ms=100.0, window_hours=1))
    return tracker


NAME, NOW = "prediction_latency_p95", 1_700_000_000.0


def test_time_windowed_measurements(tracker: SLOTracker) -> None:
    tracker.record_measurement(NAME, 5.0, timestamp=NOW - 7200)
    tracker.record_measurement(NAME, 0.05, timestamp=NOW - 60)
    assert tracker.get_slo_status(NAME)["total_measurements"] == 1


def test_compliance_rate_calculation(tracker: SLOTracker) -> None:
    for i in range(10):
        tracker.record_measurement(NAME, 0.05 if i else 0.5, timestamp=NOW - 100 + i)
    assert tracker.get_slo_status(NAME)["compliance_rate"] == pytest.approx(0.9)


def test_error_budget_tracking(tracker: SLOTracker) -> None:
    for i in range(200):
        tracker.record_measurement(NAME, 0.05, timestamp=NOW - 600 + i)
    assert tracker.get_slo_status(NAME)["error_budget_remaining"] == pytest.approx(1.0)
    for i in range(100):
        tracker.record_measurement(NAME, 0.5, timestamp=NOW - 300 + i)
    status = tracker.get_slo_status(NAME)
    assert status["error_budget_remaining"] < 0
    assert status["is_meeting"] is False


def test_breach_detection_and_duration_tracking(tracker: SLOTracker) -> None:
    for i in range(30):
        tracker.record_measurement(NAME, 0.5 if 10 <= i < 20 else 0.05, timestamp=NOW - 1800 + 60 * i)
    status = tracker.get_slo_status(NAME)
    assert status["total_breaches"] == 1
    assert status["max_breach_duration"] == pytest.approx(600, abs=61)
    assert not status["current_breach"]


def test_sla_report_generation(tracker: SLOTracker) -> None:
    for i in range(30):
        tracker.record_measurement(NAME, 0.05, timestamp=NOW - 1800 + 60 * i)
    report = tracker.generate_sla_report(NAME, NOW - 3600, NOW)
    body = report.to_dict()
    assert body["compliance_rate"] == pytest.approx(1.0)


# Dashboard UI: what each bullet names is on the page (the browser tests click through it)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory):
    """The pages of a dashboard over a store that a ModelMonitor has filled, as what the browser gets to draw."""
    from dashboard_pages import DashboardPages

    folder = tmp_path_factory.mktemp("dashboard")
    monitor = ModelMonitor(model_name="seed", storage_path=folder, alert_config={})
    monitor.set_reference_data(REFERENCE, feature_names=["a", "b", "c", "d"])
    for i in range(30):
        monitor.log_prediction(f"p{i}", {"a": 0.0}, 1, ground_truth=1, latency_ms=20.0)
        monitor.get_monitoring_summary()
    monitor.check_drift(SHIFTED)
    monitor.check_data_quality(SHIFTED)
    monitor.send_alert("Something moved", "look at it", AlertSeverity.WARNING)
    monitor.close()
    with DashboardPages(folder) as pages:
        yield pages


def test_real_time_monitoring_visualization(page) -> None:
    assert page.graphs("overview")


def test_drift_charts(page) -> None:
    assert page.graphs("drift")


def test_data_quality_trends(page) -> None:
    assert page.graphs("quality")


def test_latency_distribution(page) -> None:
    assert "latency" in page.text("overview").lower()


def test_slo_compliance_visualization(page) -> None:
    assert "compliance" in page.text("slo").lower()
    assert page.graphs("slo")


def test_recent_alerts_display(page) -> None:
    assert "Something moved" in page.text("alerts")


def test_auto_refresh_capability(page) -> None:
    assert page.has_interval()
