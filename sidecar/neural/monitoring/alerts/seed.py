"""The seed's alert values and rule constructors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from neural.monitoring.alerts.names import AlertChannel, AlertSeverity

_DEFAULT_COOLDOWN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Alert:
    """Something worth telling. ``timestamp`` is Unix seconds."""

    timestamp: float
    severity: AlertSeverity
    title: str
    message: str
    source: str
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "timestamp": self.timestamp,
            "severity": str(self.severity),
            "title": self.title,
            "message": self.message,
            "source": self.source,
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A condition on a dict of numbers. The message template sees every key of the data, and ``title`` and ``message``."""

    name: str
    condition: Callable[[dict[str, Any]], Any]
    severity: AlertSeverity
    channels: Sequence[AlertChannel | str]
    cooldown_seconds: float = _DEFAULT_COOLDOWN_SECONDS
    message_template: str = "{title}: {message}"


def create_drift_alert_rule(threshold: float = 0.2) -> AlertRule:
    """``drift_score`` above the threshold."""
    return AlertRule(
        "Drift Detection",
        lambda data: data.get("drift_score") is not None and data["drift_score"] > threshold,
        AlertSeverity.WARNING,
        [AlertChannel.LOG, AlertChannel.SLACK],
        600.0,
        "The drift score is {drift_score:.3f}, above " + f"{threshold:g}",
    )


def create_quality_alert_rule(threshold: float = 0.7) -> AlertRule:
    """``quality_score`` below the threshold."""
    return AlertRule(
        "Data Quality",
        lambda data: data.get("quality_score") is not None and data["quality_score"] < threshold,
        AlertSeverity.WARNING,
        [AlertChannel.LOG, AlertChannel.SLACK],
        600.0,
        "The quality score is {quality_score:.3f}, below " + f"{threshold:g}",
    )


def create_performance_alert_rule(threshold: float = 0.8) -> AlertRule:
    """``accuracy`` below the threshold."""
    return AlertRule(
        "Performance Degradation",
        lambda data: data.get("accuracy") is not None and data["accuracy"] < threshold,
        AlertSeverity.CRITICAL,
        [AlertChannel.LOG, AlertChannel.SLACK, AlertChannel.EMAIL],
        600.0,
        "Accuracy is {accuracy:.3f}, below " + f"{threshold:g}",
    )


def create_latency_alert_rule(threshold_ms: float = 1000.0) -> AlertRule:
    """``latency_p95`` (milliseconds) above the threshold."""
    return AlertRule(
        "High Latency",
        lambda data: data.get("latency_p95") is not None and data["latency_p95"] > threshold_ms,
        AlertSeverity.WARNING,
        [AlertChannel.LOG, AlertChannel.SLACK],
        _DEFAULT_COOLDOWN_SECONDS,
        "The 95th percentile of latency is {latency_p95:.1f} ms, above " + f"{threshold_ms:g} ms",
    )
