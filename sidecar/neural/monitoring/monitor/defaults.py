"""What every ModelMonitor begins with: the seed's rules and objectives, and an exporter of metrics."""

from __future__ import annotations

from neural.monitoring.alerts import (
    AlertManager,
    create_drift_alert_rule,
    create_latency_alert_rule,
    create_performance_alert_rule,
    create_quality_alert_rule,
)
from neural.monitoring.export import MetricsRegistry, PrometheusExporter
from neural.monitoring.slo import (
    SLOTracker,
    create_accuracy_slo,
    create_availability_slo,
    create_error_rate_slo,
    create_latency_slo,
)


def add_default_rules(manager: AlertManager) -> None:
    """Drift above 0.2, quality below 0.7, accuracy below 0.8, 95th percentile of latency above 1,000 ms."""
    for rule in (
        create_drift_alert_rule(threshold=0.2),
        create_quality_alert_rule(threshold=0.7),
        create_performance_alert_rule(threshold=0.8),
        create_latency_alert_rule(threshold_ms=1000.0),
    ):
        manager.add_rule(rule)


def add_default_slos(tracker: SLOTracker) -> None:
    """Availability, latency, accuracy and error rate; what the folder holds already is kept."""
    for slo in (create_availability_slo(), create_latency_slo(), create_accuracy_slo(), create_error_rate_slo()):
        if slo.name not in tracker.slos:
            tracker.add_slo(slo)


def make_exporter(registry: MetricsRegistry | None, model: str, version: str) -> PrometheusExporter | None:
    """None without a registry: metrics are off."""
    return None if registry is None else PrometheusExporter(registry=registry, model_name=model, model_version=version)
