"""Results of the Python API as signals in the store, so that CLI, dashboard and metrics show them like the sidecar's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.clock import Clock
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import Store

_PERFORMANCE = ("accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "mae", "rmse", "r2")


@dataclass(frozen=True, slots=True)
class StoredResults:
    """Writes one group of signals a call."""

    store: Store
    model: str
    version: str
    clock: Clock

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

    def performance(self, metrics: Mapping[str, float]) -> None:
        self.store.write_signals([self._signal(f"performance.{name}", metrics[name]) for name in _PERFORMANCE if name in metrics])

    def _signal(self, name: str, value: Any, verdict: Verdict | None = None, **labels: str) -> Signal:
        number = None if value is None else float(value)
        return Signal(name, number, self.clock(), {"model": self.model, "version": self.version, **labels}, verdict)
