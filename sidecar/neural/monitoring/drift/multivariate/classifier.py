"""Domain classifier: can a model tell the current rows from the reference's? Its AUC is 0.5 where nothing drifts.

A ridge-regularised logistic regression on the row's dimensions, their squares and products (at most 200 of these, chosen at random), fitted
on half of both samples and scored on the other half, both ways. The p-value is Mann–Whitney's normal approximation, one-sided.

Source: Lopez-Paz and Oquab, Revisiting classifier two-sample tests, 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.sample import Measured

_ndtr: Any = special.ndtr  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
MOST_ROWS = 5_000  # of either sample: the AUC's error is below one percent
MOST_PAIRS = 200
RIDGE = 1.0
STEPS = 12  # of Newton's method


class DomainClassifier:
    name = "domain_classifier"
    title = "AUC of a classifier of current against reference rows"
    threshold = 0.55

    def __init__(self, reference: NDArray[np.float64], seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)
        self._reference = reference[self._random.permutation(len(reference))[:MOST_ROWS]]

    def compare(self, current: NDArray[np.float64]) -> Measured:
        now = current[np.random.default_rng(1).permutation(len(current))[:MOST_ROWS]]
        if min(len(now), len(self._reference)) < 4:
            return Measured(None, note="too few rows")
        folds = [(self._reference[at::2], now[at::2]) for at in (0, 1)]
        scores = [_scores(folds[1 - at], folds[at]) for at in (0, 1)]
        found = [_auc(*pair) for pair in scores]
        n, m = (min(len(fold[side]) for fold in folds) for side in (0, 1))
        auc = (found[0] + found[1]) / 2
        error = np.sqrt((n + m + 1) / (12.0 * n * m) / 2)  # of the mean of two independent halves
        return Measured(auc, float(_ndtr(-(auc - 0.5) / error)))


def _scores(
    fitted: tuple[NDArray[np.float64], NDArray[np.float64]], scored: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    weights = _logistic(_design(np.vstack(fitted)), np.repeat([0.0, 1.0], [len(fitted[0]), len(fitted[1])]))
    return _design(scored[0]) @ weights, _design(scored[1]) @ weights


def _design(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    left, right = _pairs(rows.shape[1])
    return np.hstack([np.ones((len(rows), 1)), rows, rows * rows, rows[:, left] * rows[:, right]])


def _pairs(dimensions: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    left, right = np.triu_indices(dimensions, 1)
    if len(left) > MOST_PAIRS:
        chosen = np.random.default_rng(0).permutation(len(left))[:MOST_PAIRS]
        left, right = left[chosen], right[chosen]
    return left, right


def _logistic(design: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both classes count alike, however many rows they have."""
    share = labels.mean()
    balance = np.where(labels == 1.0, 0.5 / share, 0.5 / (1.0 - share))
    weights = np.zeros(design.shape[1])
    ridge = RIDGE * np.eye(len(weights))
    for _ in range(STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ weights, -30.0, 30.0)))
        slope = design.T @ (balance * (p - labels)) + RIDGE * weights
        bend = (design * (balance * p * (1.0 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-6:
            break
    return weights


def _auc(negatives: NDArray[np.float64], positives: NDArray[np.float64]) -> float:
    """Ties count half."""
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left") + np.searchsorted(ordered, positives, side="right")
    return float(below.sum()) / (2.0 * len(negatives) * len(positives))
