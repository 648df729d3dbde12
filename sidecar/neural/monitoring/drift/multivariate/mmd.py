"""Mean-embedding distance: maximum mean discrepancy with a Gaussian kernel, by random Fourier features.

Rows become D cosines; the distance is that of the two means, so sums of features add over batches, panes and pods. The p-value is of a gamma
distribution with the mean and variance that the squared distance has without drift, from the reference's covariance.

Sources: Gretton et al., A kernel two-sample test, 2012; Rahimi and Recht, Random features for large-scale kernel machines, 2007.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.sample import Measured

_gammaincc: Any = special.gammaincc  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
FEATURES = 256
MEDIAN_ROWS = 500  # for the median distance that sets the kernel's width


class MeanEmbedding:
    name = "mmd"
    title = "Mean-embedding distance (MMD)"
    threshold = 0.05

    def __init__(self, reference: NDArray[np.float64], seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        width = _median_distance(reference, random)
        self._directions = random.normal(0.0, 1.0 / width, (reference.shape[1], FEATURES))
        self._phases = random.uniform(0.0, 2.0 * np.pi, FEATURES)
        features = self._features(reference)
        self._n = len(reference)
        self._mean = features.mean(axis=0)
        covariance = np.cov(features, rowvar=False)
        self._trace = float(np.trace(covariance))
        self._trace_of_square = float((covariance * covariance).sum())

    def compare(self, current: NDArray[np.float64]) -> Measured:
        gap = self._features(current).mean(axis=0) - self._mean
        squared = float(gap @ gap)
        share = 1.0 / self._n + 1.0 / len(current)
        mean, variance = self._trace * share, 2.0 * self._trace_of_square * share**2
        if mean <= 0.0 or variance <= 0.0:
            return Measured(np.sqrt(squared), 1.0 if squared == 0.0 else 0.0)
        shape, scale = mean**2 / variance, variance / mean
        return Measured(float(np.sqrt(squared)), float(_gammaincc(shape, squared / scale)))

    def _features(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        features: NDArray[np.float64] = np.cos(rows @ self._directions + self._phases) * np.sqrt(2.0 / FEATURES)
        return features


def _median_distance(rows: NDArray[np.float64], random: np.random.Generator) -> float:
    chosen = rows[random.permutation(len(rows))[:MEDIAN_ROWS]]
    half = len(chosen) // 2
    apart = np.sqrt(((chosen[:half] - chosen[half : 2 * half]) ** 2).sum(axis=1))
    median = float(np.median(apart)) if half else 0.0
    return median if median > 0.0 else 1.0
