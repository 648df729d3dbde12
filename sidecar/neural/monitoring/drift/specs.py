"""The signals of this room."""

from __future__ import annotations

from neural.monitoring.drift.registry import METHODS
from neural.monitoring.signal import SignalSpec

BASE_SPECS = (
    SignalSpec("drift.alarm", "1 while any watched column drifts, by the sequential detector that keeps the false-alarm budget"),
    SignalSpec("drift.model_evidence", "Sequential evidence over all columns together, over its threshold: 1 is the alarm"),
    SignalSpec("drift.score", "The largest feature_score"),
    SignalSpec("drift.prediction_score", "The largest feature_score among predictions and probabilities"),
    SignalSpec("drift.performance_score", "How much of the reference's performance was lost, beyond chance"),
    SignalSpec("drift.concept_score", "0.3 prediction_score + 0.4 performance_score + 0.3 score, over those that are known"),
    SignalSpec("drift.features", "Watched columns that drift", unit="count"),
    SignalSpec("drift.acknowledged", "Drifting columns whose drift was acknowledged and goes no further", unit="count"),
    SignalSpec("drift.feature_score", "Share of the window's rows that moved, 0 while chance explains it", labels=("feature",)),
    SignalSpec(
        "drift.mmd",
        "How far the mean embedding moved, of embeddings and of whole rows (@rows)",
        labels=("feature",),
    ),
    SignalSpec("drift.errors", "1 while the errors of labelled rows rose within the window, by detector", labels=("detector",)),
    SignalSpec(
        "drift.evidence", "Sequential evidence over its threshold: at 1 a column alone raises the alarm", labels=("feature",)
    ),
)
DRIFT_SPECS: tuple[SignalSpec, ...] = (
    *BASE_SPECS,
    *(SignalSpec(f"drift.{method.name}", method.title, labels=("feature",)) for method in METHODS.values()),
)
