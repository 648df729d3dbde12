"""Macro and weighted averages of precision, recall and F1 over classes, with intervals by the delta method.

Each is a function of the confusion matrix, homogeneous of degree 0; so with counts m and gradient g its variance is Σ m·g² (Agresti,
Categorical Data Analysis, 16.1: the multinomial's, whose other term vanishes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.intervals import Interval, normal

Average = tuple[float, Interval]


def averages(matrix: NDArray[np.float64], confidence: float) -> dict[str, Average]:
    """``<metric>_macro`` and ``<metric>_weighted`` of a matrix (classes, classes): row label, column prediction; not empty.

    Equal to scikit-learn's with ``zero_division=0``: a class that is never predicted, or never occurs, counts as 0.
    """
    hits, labels, calls = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    total = float(labels.sum())
    parts = {
        "precision": (hits, calls, False, True),
        "recall": (hits, labels, True, False),
        "f1": (2 * hits, labels + calls, True, True),
    }
    found: dict[str, Average] = {}
    for name, (top, bottom, by_row, by_column) in parts.items():
        safe = np.where(bottom > 0, bottom, 1.0)
        value = np.where(bottom > 0, top / safe, 0.0)
        weights = {"macro": np.full(len(value), 1.0 / len(value)), "weighted": labels / total}
        for kind, weight in weights.items():
            mean = float(value @ weight)
            own = (2.0 if name == "f1" else 1.0) * weight / safe
            gradient = np.diag(own)
            if by_row:
                gradient = gradient - (weight * value / safe)[:, None]
            if by_column:
                gradient = gradient - (weight * value / safe)[None, :]
            if kind == "weighted":  # the weights come from the same counts
                gradient = gradient + ((value - mean) / total)[:, None]
            variance = float((matrix * np.square(gradient)).sum())
            found[f"{name}_{kind}"] = mean, normal(mean, variance, confidence, low=0.0, high=1.0, method="delta")
    return found
