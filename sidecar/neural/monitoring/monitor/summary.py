"""The façade's two reports: the summary and the state of health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neural.monitoring.monitor.model_monitor import ModelMonitor

LEAST_ERROR_RATE = 0.05
"""Share of failed requests from which the report warns; the seed's "High Error Rate"."""
CRITICAL_ERROR_RATE = 0.10
_RANK = {"healthy": 0, "warning": 1, "critical": 2}


def monitoring_summary(monitor: ModelMonitor, uptime_seconds: float) -> dict[str, Any]:
    """The dict of ``ModelMonitor.get_monitoring_summary``."""
    slos = monitor.slo_tracker.get_all_slo_status() if monitor.slo_tracker is not None else {}
    return {
        "model": {"name": monitor.model_name, "version": monitor.model_version},
        "uptime_seconds": uptime_seconds,
        "total_predictions": monitor.total_predictions,
        "total_errors": monitor.total_errors,
        "error_rate": monitor.error_rate,
        "drift": monitor.drift_detector.get_drift_report(),
        "quality": monitor.quality_monitor.get_quality_summary(),
        "predictions": monitor.prediction_analyzer.analyze_predictions(),
        "slos": slos,
        "alerts": monitor.alert_manager.get_alert_summary() if monitor.alert_manager is not None else {"status": "no_data"},
    }


def health_report(monitor: ModelMonitor, now: float) -> dict[str, Any]:
    """The dict of ``ModelMonitor.generate_health_report``."""
    found = [*_drift(monitor), *_quality(monitor), *_objectives(monitor), *_errors(monitor)]
    status = max((level for level, _ in found), key=_RANK.__getitem__, default="healthy")
    return {
        "timestamp": now,
        "model": monitor.model_name,
        "version": monitor.model_version,
        "status": status,
        "issues": [issue for _, issue in found],
    }


def _drift(monitor: ModelMonitor) -> list[tuple[str, str]]:
    report = monitor.drift_detector.get_drift_report(window=1)
    if report["status"] == "no_data" or not report["drift_detected"]:
        return []
    critical = report["severity_distribution"]["critical"] > 0
    return [
        ("critical" if critical else "warning", f"drift in the last check (severity {'critical' if critical else 'warning'})")
    ]


def _quality(monitor: ModelMonitor) -> list[tuple[str, str]]:
    summary = monitor.quality_monitor.get_quality_summary(window=1)
    if summary["status"] == "no_data" or summary["healthy_rate"] == 1.0:
        return []
    return [("warning", f"data quality: score {summary['avg_quality_score']:.2f} in the last check")]


def _objectives(monitor: ModelMonitor) -> list[tuple[str, str]]:
    statuses = monitor.slo_tracker.get_all_slo_status() if monitor.slo_tracker is not None else {}
    missed = {name: status for name, status in statuses.items() if status.get("is_meeting") is False}
    return [
        ("warning", f"objective {name} is missed: compliance {status['compliance_rate']:.2%}") for name, status in missed.items()
    ]


def _errors(monitor: ModelMonitor) -> list[tuple[str, str]]:
    rate = monitor.error_rate
    if rate < LEAST_ERROR_RATE:
        return []
    return [("critical" if rate >= CRITICAL_ERROR_RATE else "warning", f"error rate {rate:.2%}")]
