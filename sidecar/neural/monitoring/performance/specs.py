"""The performance signals."""

from __future__ import annotations

from neural.monitoring.performance.verdicts import LOWER_IS_BETTER
from neural.monitoring.signal import SignalSpec

_HELP = {
    "accuracy": "Share of labelled predictions that were right",
    "precision": "Share of positive calls that were right (macro average over more than two classes)",
    "recall": "Share of positives that were called (macro average over more than two classes)",
    "f1": "Harmonic mean of precision and recall (macro average over more than two classes)",
    "roc_auc": "Chance that a positive is scored above a negative (macro, one against the rest)",
    "pr_auc": "Average precision (macro, one against the rest)",
    "log_loss": "Mean negative log of the probability given to what happened",
    "brier": "Mean squared difference between probability and outcome",
    "ece": "Expected calibration error over 10 equal cells",
    "mae": "Mean absolute error",
    "rmse": "Root of the mean squared error",
    "r2": "Share of the labels' variance explained",
}
_MEANS = {"macro": "plain average over classes", "weighted": "average over classes, weighted by their labels"}
_HELP |= {
    f"{name}_{kind}": f"{name.capitalize()}, {text}" for name in ("precision", "recall", "f1") for kind, text in _MEANS.items()
}
METRICS = tuple(_HELP)
CLASS_METRICS = ("precision", "recall", "f1")
_ESTIMATED = ("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "mae", "rmse")

SPECS = (
    *(SignalSpec(f"performance.{name}", text, higher_is_worse=name in LOWER_IS_BETTER) for name, text in _HELP.items()),
    *(
        SignalSpec(
            f"performance.estimated_{name}",
            f"{_HELP[name]}: estimated over all predictions, before their labels come",
            higher_is_worse=name in LOWER_IS_BETTER,
        )
        for name in _ESTIMATED
    ),
    *(
        SignalSpec(f"performance.class_{name}", f"{name.capitalize()} of one class", labels=("class",), higher_is_worse=False)
        for name in CLASS_METRICS
    ),
    *(
        SignalSpec(
            f"performance.segment_{name}", f"{text}, by segment", labels=("segment",), higher_is_worse=name in LOWER_IS_BETTER
        )
        for name, text in _HELP.items()
    ),
    SignalSpec("performance.coverage", "Share of the predictions whose label is due that have it", higher_is_worse=False),
    SignalSpec("performance.labels", "Labels that arrived in the window", unit="count", higher_is_worse=False),
    SignalSpec("performance.label_delay", "Median time from a prediction to its label", unit="s"),
)
