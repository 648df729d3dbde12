"""One logged prediction, as the Python API gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """``timestamp``: Unix seconds. ``prediction_proba``: class → probability, or empty. ``weight``: inverse sampling rate."""

    prediction_id: str
    timestamp: float
    input_features: Mapping[str, Any]
    prediction: Any
    prediction_proba: Mapping[str, float] = field(default_factory=dict[str, float])
    ground_truth: Any = None
    latency_ms: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weight: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        return {
            "prediction_id": self.prediction_id,
            "timestamp": self.timestamp,
            "input_features": dict(self.input_features),
            "prediction": self.prediction,
            "prediction_proba": dict(self.prediction_proba),
            "ground_truth": self.ground_truth,
            "latency_ms": self.latency_ms,
            "metadata": dict(self.metadata),
            "weight": self.weight,
        }
