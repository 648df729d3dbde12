from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neural.monitoring import AlertSeverity, ModelMonitor, PrometheusExporter
from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import ReferenceDataError
from neural.monitoring.store import open_store


@pytest.fixture
def monitor(tmp_path: Path):
    made = ModelMonitor(model_name="m", model_version="2", storage_path=tmp_path, clock=ManualClock())
    yield made
    made.close()


def test_errors_count_against_availability_error_rate_and_health(monitor: ModelMonitor) -> None:
    for i in range(8):
        monitor.log_prediction(f"p{i}", {"x": 1.0}, 1, latency_ms=5.0)
    assert monitor.generate_health_report()["status"] == "healthy"
    for _ in range(2):
        monitor.record_error("timeout")
    summary = monitor.get_monitoring_summary()
    assert summary["total_errors"] == 2
    assert summary["error_rate"] == pytest.approx(0.2)
    assert summary["slos"]["model_availability"]["compliance_rate"] == pytest.approx(0.8)
    report = monitor.generate_health_report()
    assert report["status"] == "critical"
    assert any("error rate 20.00%" in issue for issue in report["issues"])


def test_drift_reaches_report_alerts_metrics_and_store(monitor: ModelMonitor, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    monitor.set_reference_data(random.normal(size=(1000, 2)), feature_names=["a", "b"])
    found = monitor.check_drift(random.normal(size=(400, 2)) + [3, 0])
    assert found["drift_severity"] == "critical"
    assert monitor.generate_health_report()["status"] == "critical"
    assert monitor.alert_manager.get_recent_alerts()[0].severity in (AlertSeverity.WARNING, AlertSeverity.CRITICAL)
    for kind in ("prediction", "performance", "distribution", "concept", "feature"):
        assert (
            f'neural_drift_score{{drift_type="{kind}",model="m",version="2"}}' in monitor.prometheus_exporter.get_metrics_text()
        )
    reader = open_store(tmp_path, read_only=True)
    scores = {s.labels["feature"]: s.value for s in reader.latest_signals(["drift.feature_score"])}
    reader.close()
    assert scores["a"] > 0.5 > scores["b"]


def test_a_reference_without_rows_is_refused(monitor: ModelMonitor) -> None:
    with pytest.raises(ReferenceDataError, match="no rows"):
        monitor.set_reference_data(np.empty((0, 2)), feature_names=["a", "b"])
    with pytest.raises(ReferenceDataError, match="set_reference"):
        monitor.check_drift([[1.0, 2.0]])


def test_slow_and_wrong_predictions_count_against_their_objectives(monitor: ModelMonitor) -> None:
    for i in range(10):
        monitor.log_prediction(f"p{i}", {"x": 1.0}, 1, ground_truth=int(i < 9), latency_ms=500.0 if i == 0 else 10.0)
    slos = monitor.get_monitoring_summary()["slos"]
    assert slos["prediction_latency_p95"]["compliance_rate"] == pytest.approx(0.9)
    assert slos["model_accuracy"]["compliance_rate"] == pytest.approx(0.9)
    assert not slos["model_accuracy"]["is_meeting"]


def test_the_state_survives_the_process(tmp_path: Path) -> None:
    clock = ManualClock()
    first = ModelMonitor(storage_path=tmp_path, clock=clock)
    first.record_error()
    first.close()
    second = ModelMonitor(storage_path=tmp_path, clock=clock)
    assert second.slo_tracker.get_slo_status("model_availability")["total_measurements"] == 1
    second.close()


def test_what_is_switched_off_stays_silent_and_what_is_put_in_its_place_is_told(tmp_path: Path) -> None:
    quiet = {"enable_prometheus": False, "enable_alerting": False, "enable_slo_tracking": False}
    made = ModelMonitor(model_name="m", model_version="2", storage_path=tmp_path, clock=ManualClock(), **quiet)
    assert (made.prometheus_exporter, made.alert_manager, made.slo_tracker) == (None, None, None)
    made.record_error()
    made.update_performance_metrics({"accuracy": 0.5})
    made.prometheus_exporter = PrometheusExporter(model_name="m", model_version="2")
    made.log_prediction("p1", {"x": 1.0}, 1, latency_ms=20.0)
    assert 'neural_predictions_total{model="m",version="2"} 1.0' in made.prometheus_exporter.get_metrics_text()
    summary = made.get_monitoring_summary()
    assert (summary["total_predictions"], summary["total_errors"], summary["slos"]) == (1, 1, {})
    made.close()
    reader = open_store(tmp_path, read_only=True)
    assert reader.value("sidecar")["model"] == {"name": "m", "version": "2", "id": "m:2"}
    assert {s.name: s.value for s in reader.latest_signals(["requests.count", "performance.accuracy"])} == {
        "requests.count": 2.0,
        "performance.accuracy": 0.5,
    }
    reader.close()
