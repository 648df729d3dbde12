"""Results of the Python API as signals in the store, so that CLI, dashboard and metrics show them like the sidecar's."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neural.monitoring.clock import Clock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import Store
from neural.monitoring.views import SIDECAR

STORED_METRICS = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "mae", "rmse", "r2")


@dataclass(frozen=True, slots=True)
class StoredResults:
    """Writes one group of signals a call."""

    store: Store
    model: str
    version: str
    clock: Clock

    def introduce(self, model_id: str, started_at: float) -> None:
        """Tell readers of the store whose it is, and that nobody evaluates by the clock."""
        model = {"name": self.model, "version": self.version, "id": model_id}
        self.store.put_value(SIDECAR, {"started_at": started_at, "model": model, "pid": os.getpid(), "library": True})

    def drift(self, metrics: Mapping[str, Any]) -> None:
        drifting = bool(metrics["is_drifting"])
        verdict = Verdict(
            Outcome.BAD if drifting else Outcome.OK,
            f"check_drift: severity {metrics['drift_severity']}",
            statistic=metrics["data_distribution_drift"],
        )
        values = {
            "drift.score": metrics["data_distribution_drift"],
            "drift.prediction_score": metrics["prediction_drift"],
            "drift.performance_score": metrics["performance_drift"],
            "drift.concept_score": metrics["concept_drift_score"],
        }
        signals = [self._signal("drift.alarm", float(drifting), verdict)]
        signals += [self._signal(name, value) for name, value in values.items()]
        signals += [self._signal("drift.feature_score", score, feature=name) for name, score in metrics["feature_drift"].items()]
        self.store.write_signals(signals)

    def quality(self, report: Mapping[str, Any]) -> None:
        healthy = bool(report["is_healthy"])
        reason = "; ".join(report["warnings"]) or "check_data_quality: nothing found"
        verdict = Verdict(Outcome.OK if healthy else Outcome.BAD, reason, statistic=report["quality_score"])
        rates = {f"quality.{name}": report[name] for name in ("missing_rate", "outlier_rate", "invalid_rate")}
        signals = [
            self._signal("quality.alarm", float(not healthy), verdict),
            self._signal("quality.score", report["quality_score"], verdict),
        ]
        self.store.write_signals(signals + [self._signal(name, value) for name, value in rates.items()])

    def signals(self, signals: Sequence[Signal]) -> None:
        """As they are."""
        self.store.write_signals(signals)

    def performance(self, metrics: Mapping[str, float]) -> None:
        self.store.write_signals(
            [self._signal(f"performance.{name}", metrics[name]) for name in STORED_METRICS if name in metrics]
        )

    def traffic(self, predictions: int, errors: int, uptime_seconds: float, latency_ms: Mapping[str, Any]) -> None:
        """Requests since the start; ``latency_ms``: p50, p95, p99 and mean in milliseconds, as the analyzer has them."""
        requests = predictions + errors
        values: dict[str, float | None] = {
            "requests.count": requests,
            "requests.rate": requests / uptime_seconds,
            "rows.count": predictions,
            "error_rate": errors / requests if requests else None,
        }
        for name in ("p50", "p95", "p99", "mean"):
            value = latency_ms.get(name)
            values[f"latency.{name}"] = None if value is None else value / 1000
        self.store.write_signals([self._signal(name, value) for name, value in values.items()])

    def objectives(self, statuses: Mapping[str, Mapping[str, Any]]) -> None:
        """Compliance and budget of every objective, with "met" or "missed" as the verdict."""
        signals: list[Signal] = []
        for name, status in statuses.items():
            met, rate = status.get("is_meeting"), status.get("compliance_rate")
            outcome = Outcome.UNKNOWN if met is None else Outcome.OK if met else Outcome.BAD
            reason = (
                "no measurement yet" if rate is None else f"{rate:.2%} of {status['total_measurements']} measurements were good"
            )
            signals.append(self._signal("slo.compliance", rate, Verdict(outcome, reason, statistic=rate), slo=name))
            signals.append(self._signal("slo.budget_remaining", status.get("error_budget_remaining"), slo=name))
        self.store.write_signals(signals)

    def _signal(self, name: str, value: Any, verdict: Verdict | None = None, **labels: str) -> Signal:
        number = None if value is None else float(value)
        return Signal(name, number, self.clock(), {"model": self.model, "version": self.version, **labels}, verdict)
