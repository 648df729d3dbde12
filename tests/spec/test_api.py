"""The Python API that scripts of the seed are written against, line by line: names, parameters with defaults, attributes, keys of what comes back."""

from __future__ import annotations

import inspect
import json
import math
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural.monitoring as api

SIGNATURES: dict[str, str] = {
    "ModelMonitor": "model_name='default', model_version='1.0', model_id=None, storage_path=None, enable_prometheus=True,"
    " enable_alerting=True, enable_slo_tracking=True, alert_config=None",
    "ModelMonitor.set_reference_data": "data, predictions=None, performance=None, feature_names=None",
    "ModelMonitor.log_prediction": "prediction_id, input_features, prediction, prediction_proba=None, ground_truth=None, latency_ms=0.0,"
    " metadata=None",
    "ModelMonitor.check_drift": "data, predictions=None, performance=None",
    "ModelMonitor.check_data_quality": "data",
    "ModelMonitor.update_performance_metrics": "metrics",
    "ModelMonitor.record_error": "error_type='unknown'",
    "ModelMonitor.start_prometheus_server": "port=9090",
    "ModelMonitor.send_alert": "title, message, severity=AlertSeverity.INFO, metadata=None",
    "ModelMonitor.get_monitoring_summary": "",
    "ModelMonitor.generate_health_report": "",
    "DriftDetector": "window_size=1000, drift_threshold=0.1, alert_threshold=0.2, storage_path=None",
    "DriftDetector.set_reference": "data, predictions=None, performance=None",
    "DriftDetector.detect_drift": "data, predictions=None, performance=None",
    "DriftDetector.get_drift_report": "window=100",
    "DataQualityMonitor": "feature_names=None, feature_types=None, missing_threshold=0.1, outlier_threshold=3.0, storage_path=None",
    "DataQualityMonitor.set_reference_statistics": "data",
    "DataQualityMonitor.check_quality": "data",
    "DataQualityMonitor.get_quality_summary": "window=100",
    "PredictionAnalyzer": "logger",
    "PredictionAnalyzer.analyze_predictions": "window=1000",
    "Alert": "timestamp, severity, title, message, source, metadata",
    "AlertRule": "name, condition, severity, channels, cooldown_seconds=300.0, message_template='{title}: {message}'",
    "AlertManager": "alert_config=None, email_config=None, webhook_url=None, storage_path=None",
    "AlertManager.add_rule": "rule",
    "AlertManager.remove_rule": "name",
    "AlertManager.check_rules": "data",
    "AlertManager.send_alert": "alert, channels=None",
    "AlertManager.get_recent_alerts": "n=100, severity=None",
    "AlertManager.get_alert_summary": "hours=24",
    "create_drift_alert_rule": "threshold=0.2",
    "create_quality_alert_rule": "threshold=0.7",
    "create_performance_alert_rule": "threshold=0.8",
    "create_latency_alert_rule": "threshold_ms=1000.0",
    "SLO": "name, slo_type, target, window_seconds, description=''",
    "SLOTracker": "storage_path=None",
    "SLOTracker.add_slo": "slo",
    "SLOTracker.remove_slo": "name",
    "SLOTracker.record_measurement": "slo_name, actual_value, timestamp=None",
    "SLOTracker.get_slo_status": "name",
    "SLOTracker.get_all_slo_status": "",
    "SLOTracker.generate_sla_report": "name, start_time=None, end_time=None",
    "create_availability_slo": "target=0.999, window_hours=24",
    "create_latency_slo": "target_ms=100.0, window_hours=1",
    "create_accuracy_slo": "target=0.95, window_hours=24",
    "create_error_rate_slo": "target=0.01, window_hours=1",
    "create_throughput_slo": "target=100.0, window_hours=1",
    "PrometheusExporter": "port=9090, registry=None",
    "PrometheusExporter.start_server": "",
    "PrometheusExporter.get_metrics_text": "",
}
"""In the order of the specification. More parameters may follow; these come first, under these names."""


def parameters(target: Any) -> list[tuple[str, Any]]:
    found = inspect.signature(target).parameters.values()
    return [(one.name, one.default) for one in found if one.name != "self"]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signature(name: str) -> None:
    target: Any = api
    for part in name.split("."):
        target = getattr(target, part)
    expected = [one.strip() for one in SIGNATURES[name].split(", ") if one.strip()]
    found = parameters(target)
    assert [one for one, _ in found][: len(expected)] == [one.split("=")[0] for one in expected]
    for text, (_, default) in zip(expected, found, strict=False):
        if "=" in text:
            assert default == eval(text.split("=", 1)[1], {"AlertSeverity": api.AlertSeverity}), text


def test_the_names_are_listed_before_they_are_loaded() -> None:
    names = {name.split(".")[0] for name in SIGNATURES}
    asked = "import neural.monitoring as m, sys; print('neural.monitoring.monitor' in sys.modules, *dir(m))"
    loaded, *listed = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == "False"
    assert names <= set(listed)


def test_metrics_are_served_on_loopback_unless_told_otherwise(monitor: Any) -> None:
    monitor.start_prometheus_server(port=0)
    assert monitor.prometheus_exporter.host == "127.0.0.1"
    other = api.ModelMonitor(storage_path=monitor.storage_path / "other")
    port = other.start_prometheus_server(port=0, host="0.0.0.0")
    with socket.create_connection(("127.0.0.2", port), timeout=5):
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", monitor.prometheus_exporter.port), timeout=5)
    other.close()


def test_enumerations_have_their_members() -> None:
    assert {one.name for one in api.AlertSeverity} == {"INFO", "WARNING", "CRITICAL"}
    assert {one.name for one in api.AlertChannel} >= {"SLACK", "EMAIL", "WEBHOOK", "LOG"}
    assert {one.name for one in api.SLOType} >= {"AVAILABILITY", "LATENCY", "ACCURACY", "ERROR_RATE", "THROUGHPUT"}


@pytest.fixture
def monitor(tmp_path: Path):
    made = api.ModelMonitor(storage_path=tmp_path)
    yield made
    made.close()


def test_the_monitors_attributes(monitor: Any, tmp_path: Path) -> None:
    kinds = {
        "drift_detector": api.DriftDetector, "quality_monitor": api.DataQualityMonitor, "prediction_logger": api.PredictionLogger,
        "prediction_analyzer": api.PredictionAnalyzer, "metrics_registry": api.MetricsRegistry,
        "prometheus_exporter": api.PrometheusExporter, "alert_manager": api.AlertManager, "slo_tracker": api.SLOTracker,
    }  # fmt: skip
    for name, kind in kinds.items():
        assert isinstance(getattr(monitor, name), kind), name
    assert (monitor.model_name, monitor.model_version) == ("default", "1.0")
    bare = api.ModelMonitor(
        storage_path=tmp_path / "bare", enable_prometheus=False, enable_alerting=False, enable_slo_tracking=False
    )
    assert (bare.metrics_registry, bare.prometheus_exporter, bare.alert_manager, bare.slo_tracker) == (None, None, None, None)
    bare.send_alert("t", "m")
    bare.get_monitoring_summary()
    bare.close()


def test_the_default_storage_is_monitoring_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    api.ModelMonitor().close()
    assert (tmp_path / "monitoring_data" / "state.db").is_file()


def test_the_default_rules_and_objectives(monitor: Any) -> None:
    conditions = {rule.name: rule.condition for rule in monitor.alert_manager.rules}
    assert len(conditions) == 4

    def fires(data: dict[str, float]) -> int:
        return sum(bool(condition(data)) for condition in conditions.values())

    calm = {"drift_score": 0.1, "quality_score": 0.9, "accuracy": 0.9, "latency_p95": 100.0}
    assert fires(calm) == 0
    for name, bad in {"drift_score": 0.21, "quality_score": 0.69, "accuracy": 0.79, "latency_p95": 1001.0}.items():
        assert fires(calm | {name: bad}) == 1, name
    assert set(monitor.slo_tracker.slos) == {"model_availability", "prediction_latency_p95", "model_accuracy", "error_rate"}


DRIFT = {
    "is_drifting", "drift_severity", "prediction_drift", "performance_drift", "data_distribution_drift", "concept_drift_score",
    "feature_drift", "timestamp",
}  # fmt: skip
QUALITY = {
    "timestamp", "total_samples", "missing_values", "missing_rate", "outliers", "outlier_rate", "invalid_values", "invalid_rate",
    "schema_violations", "data_types", "value_ranges", "quality_score", "is_healthy", "warnings",
}  # fmt: skip
SHAPES: dict[str, Callable[[np.ndarray], Any]] = {
    "a numpy array": lambda rows: rows,
    "lists of rows": lambda rows: rows.tolist(),
    "a dict of lists": lambda rows: {f"feature_{at}": column.tolist() for at, column in enumerate(rows.T)},
    "a list of dicts": lambda rows: [{f"feature_{at}": value for at, value in enumerate(row)} for row in rows.tolist()],
    "a pandas frame": lambda rows: pytest.importorskip("pandas").DataFrame(
        rows, columns=[f"feature_{at}" for at in range(rows.shape[1])]
    ),
    "an Arrow table": lambda rows: pytest.importorskip("pyarrow").table(
        {f"feature_{at}": column for at, column in enumerate(rows.T)}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_in_any_shape_give_the_same_answers(monitor: Any, shape: str) -> None:
    random = np.random.default_rng(0)
    reference, current = random.normal(size=(400, 3)), random.normal(0.5, 1, size=(200, 3))
    make = SHAPES[shape]
    monitor.set_reference_data(make(reference), predictions=reference[:, 0], performance={"accuracy": 0.9})
    drift = monitor.check_drift(make(current), predictions=current[:, 0], performance={"accuracy": 0.8})
    quality = monitor.check_data_quality(make(current))
    expected = api.DriftDetector()
    expected.set_reference(reference, reference[:, 0], {"accuracy": 0.9})
    wanted = expected.detect_drift(current, current[:, 0], {"accuracy": 0.8}).to_dict()
    assert set(drift) >= DRIFT
    assert {name: drift[name] for name in DRIFT - {"timestamp"}} == {name: wanted[name] for name in DRIFT - {"timestamp"}}
    assert drift["drift_severity"] in ("none", "warning", "critical")
    assert set(drift["feature_drift"]) == {"feature_0", "feature_1", "feature_2"}
    assert set(quality) >= QUALITY
    assert quality["total_samples"] == 200
    assert json.loads(json.dumps([drift, quality], allow_nan=False))


def test_results_have_their_keys_as_attributes_and_render(monitor: Any) -> None:
    random = np.random.default_rng(0)
    detector, quality = api.DriftDetector(), api.DataQualityMonitor()
    detector.set_reference(random.normal(size=(100, 2)))
    metrics, report = detector.detect_drift(random.normal(size=(50, 2))), quality.check_quality(random.normal(size=(50, 2)))
    assert isinstance(metrics, api.DriftMetrics)
    assert isinstance(report, api.QualityReport)
    for result, keys in ((metrics, DRIFT), (report, QUALITY)):
        assert all(hasattr(result, name) for name in keys)
        assert set(result.to_dict()) >= keys
        assert "<table" in result._repr_html_()
        assert len(result.plot().data[0].x) == 2


def test_the_reports_over_a_window(monitor: Any) -> None:
    assert api.DriftDetector().get_drift_report()["status"] == "no_data"
    assert api.DataQualityMonitor().get_quality_summary()["status"] == "no_data"
    random = np.random.default_rng(0)
    monitor.set_reference_data(random.normal(size=(300, 2)))
    for shift in (0.0, 3.0):
        monitor.check_drift(random.normal(shift, 1, size=(100, 2)))
        monitor.check_data_quality(random.normal(shift, 1, size=(100, 2)))
    drift = monitor.drift_detector.get_drift_report(window=100)
    assert set(drift) >= {
        "status", "total_samples", "drift_detected", "drift_rate", "avg_prediction_drift", "avg_performance_drift",
        "avg_distribution_drift", "severity_distribution",
    }  # fmt: skip
    assert (drift["status"], drift["drift_rate"]) == ("ok", 0.5)
    assert sum(drift["severity_distribution"][name] for name in ("critical", "warning", "none")) == 2
    quality = monitor.quality_monitor.get_quality_summary(window=100)
    assert set(quality) >= {
        "status", "total_reports", "healthy_rate", "avg_quality_score", "avg_missing_rate", "avg_outlier_rate", "avg_invalid_rate",
        "total_warnings", "recent_reports",
    }  # fmt: skip
    assert quality["total_reports"] == 2


def test_the_summary_and_the_health_report(monitor: Any) -> None:
    monitor.log_prediction("p", {"x": 1.0}, 1, [0.2, 0.8], 1, 12.0, {"k": "v"})
    monitor.record_error()
    monitor.update_performance_metrics({"accuracy": 0.9})
    summary = monitor.get_monitoring_summary()
    assert set(summary) >= {
        "model", "uptime_seconds", "total_predictions", "total_errors", "error_rate", "drift", "quality", "predictions", "slos", "alerts",
    }  # fmt: skip
    assert summary["model"] == {"name": "default", "version": "1.0"}
    assert (summary["total_predictions"], summary["total_errors"], summary["error_rate"]) == (1, 1, 0.5)
    assert set(summary["predictions"]) >= {"status", "latency", "confidence", "performance", "anomalies"}
    assert set(summary["predictions"]["latency"]) >= {"p50", "p95", "p99"}
    assert set(summary["slos"]) == {"model_availability", "prediction_latency_p95", "model_accuracy", "error_rate"}
    health = monitor.generate_health_report()
    assert set(health) >= {"timestamp", "model", "version", "status", "issues"}
    assert health["status"] in ("healthy", "warning", "critical")
    assert all(isinstance(issue, str) for issue in health["issues"])
    json.dumps([summary, health], allow_nan=False, default=str)


def test_alerts_and_their_summary(tmp_path: Path) -> None:
    manager = api.AlertManager(storage_path=tmp_path)
    told: list[Any] = []
    rule = api.AlertRule(
        "own",
        lambda data: data["x"] > 1,
        api.AlertSeverity.CRITICAL,
        [api.AlertChannel.LOG],
        message_template="x is {x:.1f} of {y}",
    )
    manager.add_rule(rule)
    manager.check_rules({"x": 2.0, "y": "z"})
    told = manager.get_recent_alerts(n=10, severity=api.AlertSeverity.CRITICAL)
    assert [alert.message for alert in told] == ["x is 2.0 of z"]
    assert {"timestamp", "severity", "title", "message", "source", "metadata"} <= set(
        vars(told[0]) if hasattr(told[0], "__dict__") else told[0].__slots__
    )
    summary = manager.get_alert_summary(hours=24)
    assert set(summary) >= {"status", "total_alerts", "time_period_hours", "by_severity", "by_source", "recent_critical"}
    assert (summary["total_alerts"], summary["time_period_hours"]) == (1, 24)
    manager.remove_rule("own")
    manager.check_rules({"x": 3.0, "y": "z"})
    assert manager.get_alert_summary()["total_alerts"] == 1
    manager.send_alert(api.Alert(0.0, api.AlertSeverity.INFO, "t", "m", "s"), channels=[api.AlertChannel.LOG])
    manager.close()


@pytest.mark.parametrize(
    "given",
    [
        {"alert_config": {"slack_webhook_url": "http://127.0.0.1:9/s", "webhook_url": "http://127.0.0.1:9/w"}},
        {"slack_webhook_url": "http://127.0.0.1:9/s", "webhook_url": "http://127.0.0.1:9/w"},
        {"alert_config": "http://127.0.0.1:9/s", "webhook_url": "http://127.0.0.1:9/w"},
    ],
    ids=["as a dict", "by name", "the address in place of the dict"],
)
def test_an_alert_manager_takes_its_channels_in_both_forms(given: dict[str, Any]) -> None:
    manager = api.AlertManager(**given)
    assert {channel.kind if hasattr(channel, "kind") else name for name, channel in manager._channels.items()} >= {
        "slack",
        "webhook",
    }
    manager.close()


def test_objectives_and_their_report(tmp_path: Path) -> None:
    tracker = api.SLOTracker(storage_path=tmp_path)
    for make, name in (
        (api.create_availability_slo, "model_availability"), (api.create_latency_slo, "prediction_latency_p95"),
        (api.create_accuracy_slo, "model_accuracy"), (api.create_error_rate_slo, "error_rate"), (api.create_throughput_slo, "throughput"),
    ):  # fmt: skip
        slo = make()
        assert slo.name == name
        tracker.add_slo(slo)
    assert api.create_latency_slo(target_ms=250.0).target == pytest.approx(0.25), "kept in seconds"
    for value in (1.0, 1.0, 0.0):
        tracker.record_measurement("model_availability", value)
    status = tracker.get_slo_status("model_availability")
    assert set(status) >= {
        "status", "slo", "compliance_rate", "is_meeting", "total_measurements", "total_breaches", "total_breach_duration",
        "max_breach_duration", "error_budget_remaining", "recent_compliance", "current_breach", "current_breach_duration",
    }  # fmt: skip
    assert math.isclose(status["compliance_rate"], 2 / 3)
    assert set(tracker.get_all_slo_status()) == set(tracker.slos)
    assert isinstance(tracker.generate_sla_report("model_availability"), api.SLAReport)
    tracker.remove_slo("throughput")
    assert "throughput" not in tracker.slos
    tracker.close()


def test_predictions_are_analysed(tmp_path: Path) -> None:
    logger = api.PredictionLogger(storage_path=tmp_path, batch_size=10)
    analyzer = api.PredictionAnalyzer(logger)
    assert analyzer.analyze_predictions()["status"] == "no_data"
    for at in range(40):
        logger.log_prediction(f"p{at}", {"x": at}, at % 2, {"0": 0.3, "1": 0.7}, at % 2, 10.0 + (2000.0 if at == 39 else 0.0))
    found = analyzer.analyze_predictions(window=1000)
    assert set(found) >= {"status", "latency", "confidence", "performance", "anomalies"}
    assert sum(found["confidence"]["distribution"].values()) == sum(found["confidence"]["margin_distribution"].values()) == 40
    assert (
        found["confidence"]["margin_distribution"]["0.4-0.5"] == 40 or found["confidence"]["margin_distribution"]["0.3-0.4"] == 40
    )
    assert [one["prediction_id"] for one in found["anomalies"] if one["type"] == "latency"] == ["p39"]
    logger.close()
