"""The seed's feature bullets, in its order, from where ``test_features.py`` ends: alerts, metrics, objectives, dashboard."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
import time

import httpx
import pytest
from feature_data import REFERENCE, SHIFTED

from neural.monitoring import (
    Alert,
    AlertChannel,
    AlertManager,
    AlertRule,
    AlertSeverity,
    MetricsRegistry,
    ModelMonitor,
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
