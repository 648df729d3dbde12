"""What recent predictions say: latency, confidence, performance, anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.predictions.anomalies import find_anomalies
from neural.monitoring.predictions.logger import PredictionLogger
from neural.monitoring.predictions.record import PredictionRecord
from neural.monitoring.predictions.scoring import performance_of

LOW_CONFIDENCE = 0.5
_BINS = 10


class PredictionAnalyzer:
    """Reads a logger's recent predictions."""

    def __init__(self, logger: PredictionLogger) -> None:
        self.logger = logger

    def analyze_predictions(self, window: int = 1000) -> dict[str, Any]:
        """Over the last ``window`` predictions. ``status`` is "no_data" when there are none.

        Keys: status, total_predictions, latency (milliseconds), confidence (None without probabilities), performance (None without
        ground truth), anomalies. Every number is finite.
        """
        records = self.logger.get_recent_predictions(window)
        if not records:
            return {"status": "no_data", "total_predictions": 0}
        return {
            "status": "ok",
            "total_predictions": len(records),
            "latency": summary(np.array([record.latency_ms for record in records])),
            "confidence": confidence_of(records),
            "performance": performance_of(records),
            "anomalies": find_anomalies(records),
        }


def summary(values: NDArray[np.float64]) -> dict[str, float]:
    """mean, std, min, max, p50, p90, p95, p99 of at least one value."""
    p50, p90, p95, p99 = (float(value) for value in np.quantile(values, [0.5, 0.9, 0.95, 0.99]))
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "p99": p99,
    }


def confidence_of(records: Sequence[PredictionRecord]) -> dict[str, Any] | None:
    """Of the most likely class, and its margin over the second; None when no prediction has probabilities."""
    ranked = [sorted(record.prediction_proba.values(), reverse=True) for record in records if record.prediction_proba]
    if not ranked:
        return None
    # a lone probability is of one of two classes
    top = np.array([max(p[0], 1 - p[0]) if len(p) == 1 else p[0] for p in ranked])
    margin = np.array([abs(2 * p[0] - 1) if len(p) == 1 else p[0] - p[1] for p in ranked])
    low = int((top < LOW_CONFIDENCE).sum())
    return {
        **summary(top),
        "margin_mean": float(margin.mean()),
        "margin_p10": float(np.quantile(margin, 0.1)),
        "low_confidence_count": low,
        "low_confidence_rate": low / len(top),
        "distribution": _distribution(top),
        "margin_distribution": _distribution(margin),
    }


def _distribution(values: NDArray[np.float64]) -> dict[str, int]:
    """Counts in ten equal cells of [0, 1]; the last one holds 1 too."""
    counts, edges = np.histogram(np.clip(values, 0.0, 1.0), bins=_BINS, range=(0.0, 1.0))
    return {f"{edges[at]:.1f}-{edges[at + 1]:.1f}": int(count) for at, count in enumerate(counts)}
