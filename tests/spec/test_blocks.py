"""The seed's Python blocks, as they stand, in their order, in one interpreter."""

from __future__ import annotations

from pathlib import Path

import pytest
from seed import best_practices, blocks, metric_names


@pytest.fixture
def in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_blocks_run_as_they_stand(in_a_fresh_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space: dict[str, object] = {"__name__": "seed"}
    for block in blocks("python"):
        code = block.code.replace("https://hooks.slack.com", "http://127.0.0.1:9").replace("smtp.gmail.com", "127.0.0.1")
        code = code.replace("https://your-webhook-endpoint.com", "http://127.0.0.1:9")  # tests talk to this machine only
        exec(compile(code, block.heading, "exec"), space)
    out = capsys.readouterr().out
    assert "Drift detected: " in out
    assert "Drift severity: " in out
    assert "Quality score: " in out
    assert "Is healthy: " in out
    assert "Warnings: " in out
    monitor = space["monitor"]
    assert monitor.get_monitoring_summary()["total_predictions"] == 1
    assert set(space["tracker"].get_all_slo_status()) == {
        "model_availability",
        "prediction_latency_p95",
        "model_accuracy",
        "error_rate",
        "throughput",
        "custom_metric",
    }
    assert (in_a_fresh_folder / "monitoring_data" / "state.db").exists()
    monitor.close()
    space["alert_manager"].close()
    space["tracker"].close()


def test_the_twelve_metrics_are_on_the_page_of_a_model_monitor(in_a_fresh_folder: Path) -> None:
    import numpy as np

    from neural.monitoring import ModelMonitor

    random = np.random.default_rng(0)
    monitor = ModelMonitor(model_name="m", model_version="2")
    monitor.set_reference_data(random.normal(size=(500, 3)), performance={"accuracy": 0.9})
    monitor.check_drift(random.normal(size=(100, 3)), performance={"accuracy": 0.8})
    monitor.check_data_quality(random.normal(size=(100, 3)))
    monitor.update_performance_metrics({"accuracy": 0.8, "precision": 0.7, "recall": 0.6, "f1": 0.65})
    monitor.log_prediction("p", {"x": 1.0}, 1, latency_ms=25.5)
    monitor.record_error("timeout")
    text = monitor.prometheus_exporter.get_metrics_text()
    monitor.close()
    lines = text.splitlines()
    assert len(metric_names()) == 12
    for name in metric_names():
        samples = [line for line in lines if line.startswith((f"{name} ", f"{name}{{", f"{name}_count"))]
        assert samples, name
        if name != "neural_active_models":
            assert 'model="m"' in samples[0]
            assert 'version="2"' in samples[0]
    assert 'neural_prediction_latency_seconds_sum{model="m",version="2"} 0.0255' in text
    assert 'error_type="timeout"' in text
    assert 'drift_type="distribution"' in text


def test_the_keys_of_every_report_are_those_of_the_api(in_a_fresh_folder: Path) -> None:
    import numpy as np

    from neural.monitoring import ModelMonitor

    random = np.random.default_rng(0)
    monitor = ModelMonitor()
    monitor.set_reference_data(random.normal(size=(500, 3)))
    drift = monitor.check_drift(random.normal(size=(100, 3)))
    assert {
        "is_drifting", "drift_severity", "prediction_drift", "performance_drift", "data_distribution_drift", "concept_drift_score",
        "feature_drift", "timestamp",
    } <= set(drift)  # fmt: skip
    quality = monitor.check_data_quality(random.normal(size=(100, 3)))
    assert {
        "timestamp", "total_samples", "missing_values", "missing_rate", "outliers", "outlier_rate", "invalid_values", "invalid_rate",
        "schema_violations", "data_types", "value_ranges", "quality_score", "is_healthy", "warnings",
    } <= set(quality)  # fmt: skip
    summary = monitor.get_monitoring_summary()
    assert {
        "model", "uptime_seconds", "total_predictions", "total_errors", "error_rate", "drift", "quality", "predictions", "slos", "alerts",
    } <= set(summary)  # fmt: skip
    assert set(summary["model"]) >= {"name", "version"}
    assert set(summary["slos"]) == {"model_availability", "prediction_latency_p95", "model_accuracy", "error_rate"}
    assert {
        "status", "total_samples", "drift_detected", "drift_rate", "avg_prediction_drift", "avg_performance_drift",
        "avg_distribution_drift", "severity_distribution",
    } <= set(summary["drift"])  # fmt: skip
    assert set(summary["drift"]["severity_distribution"]) == {"critical", "warning", "none"}
    assert {
        "status", "total_reports", "healthy_rate", "avg_quality_score", "avg_missing_rate", "avg_outlier_rate", "avg_invalid_rate",
        "total_warnings", "recent_reports",
    } <= set(summary["quality"])  # fmt: skip
    assert {"status", "total_alerts", "time_period_hours", "by_severity", "by_source", "recent_critical"} <= set(
        summary["alerts"]
    )
    health = monitor.generate_health_report()
    assert {"timestamp", "model", "version", "status", "issues"} <= set(health)
    assert health["status"] == "healthy"
    monitor.close()


# Best practices: each has something in the product that makes it the easy way.


def test_every_best_practice_has_its_test_in_the_seeds_order() -> None:
    here = [name for name in globals() if name.startswith("test_practice_")]
    assert [name.removeprefix("test_practice_").replace("_", " ") for name in here] == [one.lower() for one in best_practices()]


def test_practice_set_reference_data(in_a_fresh_folder: Path) -> None:
    """Without a reference nobody is told that there is no drift."""
    import numpy as np

    from neural.monitoring import ModelMonitor

    monitor = ModelMonitor()
    assert monitor.drift_detector.get_drift_report()["status"] == "no_data"
    with pytest.raises(ValueError, match="set_reference"):
        monitor.check_drift(np.zeros((50, 2)))
    monitor.close()


def test_practice_monitor_gradually(in_a_fresh_folder: Path) -> None:
    from neural.monitoring import ModelMonitor

    monitor = ModelMonitor(enable_prometheus=False, enable_alerting=False, enable_slo_tracking=False)
    monitor.log_prediction("p", {"x": 1.0}, 1)
    assert monitor.alert_manager is monitor.slo_tracker is monitor.prometheus_exporter is None
    assert monitor.get_monitoring_summary()["total_predictions"] == 1
    monitor.close()


def test_practice_tune_thresholds() -> None:
    import numpy as np

    from neural.monitoring import DriftDetector

    random = np.random.default_rng(0)
    reference, moved = random.normal(size=(2000, 2)), random.normal(size=(2000, 2)) + 0.4
    strict, lax = (
        DriftDetector(drift_threshold=0.05, alert_threshold=0.1),
        DriftDetector(drift_threshold=0.9, alert_threshold=0.95),
    )
    for detector in (strict, lax):
        detector.set_reference(reference)
    assert strict.detect_drift(moved).drift_severity == "critical"
    assert lax.detect_drift(moved).drift_severity == "none"


def test_practice_alert_wisely() -> None:
    from neural.monitoring import AlertChannel, AlertManager, AlertRule, AlertSeverity

    manager = AlertManager()
    manager.add_rule(AlertRule("r", lambda data: True, AlertSeverity.INFO, [AlertChannel.LOG], cooldown_seconds=600))
    for _ in range(10):
        manager.check_rules({})
    assert len(manager.get_recent_alerts()) == 1
    manager.close()


def test_practice_track_slos(in_a_fresh_folder: Path) -> None:
    from neural.monitoring import ModelMonitor

    monitor = ModelMonitor()
    for i in range(100):
        monitor.log_prediction(f"p{i}", {"x": 1.0}, 1, ground_truth=1, latency_ms=10.0)
    statuses = monitor.slo_tracker.get_all_slo_status()
    assert all(status["status"] == "ok" and status["is_meeting"] for status in statuses.values())
    monitor.close()


def test_practice_regular_reports() -> None:
    from neural.monitoring import SLOTracker, create_availability_slo

    tracker = SLOTracker()
    tracker.add_slo(create_availability_slo())
    tracker.record_measurement("model_availability", 1.0)
    assert tracker.generate_sla_report("model_availability").to_dict()["compliance_rate"] == 1.0


def test_practice_dashboard_monitoring() -> None:
    from neural.monitoring.dashboard import build_dashboard
    from neural.monitoring.store import MemoryStore

    assert callable(build_dashboard(MemoryStore()))
