"""The monitoring sidecar, and the Python API of the seed.

Names are loaded when they are first used, so that ``import neural.monitoring`` costs little and one room does not need the others.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if any(find_spec(name) is None for name in ("numpy", "pydantic", "scipy")):  # looked for, not loaded: that would cost 0.2 s
    raise ModuleNotFoundError("neural.monitoring needs its dependencies: pip install 'neural-monitoring[sidecar]'")

if TYPE_CHECKING:
    from neural.capture.version import __version__
    from neural.monitoring.alerts import (
        Alert,
        AlertChannel,
        AlertManager,
        AlertRule,
        AlertSeverity,
        create_drift_alert_rule,
        create_latency_alert_rule,
        create_performance_alert_rule,
        create_quality_alert_rule,
    )
    from neural.monitoring.drift import DriftDetector, DriftMetrics
    from neural.monitoring.export import MetricsRegistry, PrometheusExporter, SimpleMetricsCollector
    from neural.monitoring.monitor import ModelMonitor, send_labels
    from neural.monitoring.predictions import PredictionAnalyzer, PredictionLogger
    from neural.monitoring.quality import DataQualityMonitor, QualityReport
    from neural.monitoring.slo import (
        SLO,
        SLAReport,
        SLOTracker,
        SLOType,
        create_accuracy_slo,
        create_availability_slo,
        create_error_rate_slo,
        create_latency_slo,
        create_throughput_slo,
    )

_ROOMS = {
    "alerts": (
        "Alert", "AlertChannel", "AlertManager", "AlertRule", "AlertSeverity", "create_drift_alert_rule",
        "create_latency_alert_rule", "create_performance_alert_rule", "create_quality_alert_rule",
    ),
    "drift": ("DriftDetector", "DriftMetrics"),
    "export": ("MetricsRegistry", "PrometheusExporter", "SimpleMetricsCollector"),
    "monitor": ("ModelMonitor", "send_labels"),
    "predictions": ("PredictionAnalyzer", "PredictionLogger"),
    "quality": ("DataQualityMonitor", "QualityReport"),
    "slo": (
        "SLO", "SLAReport", "SLOTracker", "SLOType", "create_accuracy_slo", "create_availability_slo",
        "create_error_rate_slo", "create_latency_slo", "create_throughput_slo",
    ),
}  # fmt: skip
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "SLO",
    "Alert",
    "AlertChannel",
    "AlertManager",
    "AlertRule",
    "AlertSeverity",
    "DataQualityMonitor",
    "DriftDetector",
    "DriftMetrics",
    "MetricsRegistry",
    "ModelMonitor",
    "PredictionAnalyzer",
    "PredictionLogger",
    "PrometheusExporter",
    "QualityReport",
    "SLAReport",
    "SLOTracker",
    "SLOType",
    "SimpleMetricsCollector",
    "__version__",
    "create_accuracy_slo",
    "create_availability_slo",
    "create_drift_alert_rule",
    "create_error_rate_slo",
    "create_latency_alert_rule",
    "create_latency_slo",
    "create_performance_alert_rule",
    "create_quality_alert_rule",
    "create_throughput_slo",
    "send_labels",
]


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("neural.capture.version").__version__
    if name in _HOME:
        return getattr(import_module(f"neural.monitoring.{_HOME[name]}"), name)
    raise AttributeError(f"module 'neural.monitoring' has no attribute {name!r}")
