"""PCA reconstruction: how badly rows are rebuilt from the directions in which the reference varies.

Fitted on one half of the reference; the errors of the other half are what is to be expected. The statistic is the mean error over that of
the reference (1 without drift), the p-value that of Kolmogorov–Smirnov between the two samples of errors. It sees columns
that no longer go together, and nothing of shifts along the directions kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.ks import KolmogorovSmirnov
from neural.monitoring.drift.pair import NumericPair
from neural.monitoring.drift.sample import Measured

KEPT_VARIANCE = 0.8


class Reconstruction:
    name = "pca"
    title = "PCA reconstruction error, relative to the reference's"
    threshold = 1.05

    def __init__(self, reference: NDArray[np.float64]) -> None:
        fitted, held = reference[::2], reference[1::2]
        self._mean = fitted.mean(axis=0)
        _, sizes, directions = np.linalg.svd(fitted - self._mean, full_matrices=False)
        explained = np.cumsum(sizes**2)
        kept = int(np.searchsorted(explained, KEPT_VARIANCE * explained[-1])) + 1 if len(explained) and explained[-1] > 0 else 0
        self._directions = directions[: min(kept, max(directions.shape[0] - 1, 0))]
        self._errors = np.sort(self._error(held))

    def compare(self, current: NDArray[np.float64]) -> Measured:
        errors = np.sort(self._error(current))
        expected = float(self._errors.mean())
        ratio = float(errors.mean()) / expected if expected > 1e-12 else 1.0 + float(errors.mean())
        return Measured(ratio, KolmogorovSmirnov().compare(NumericPair(self._errors, errors)).p_value)

    def _error(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        centred = rows - self._mean
        rest = centred - (centred @ self._directions.T) @ self._directions
        errors: NDArray[np.float64] = np.sqrt((rest * rest).sum(axis=1))
        return errors.round(12)
