"""Corrections for asking many columns at once.

Sources: Benjamini and Hochberg 1995; Wang and Ramdas, False discovery rate control with e-values, 2022. BH holds for independent and positively
dependent columns, e-BH for any dependence.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values, equal to scipy's ``false_discovery_control``; NaN stays NaN and is not counted."""
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    count = len(known)
    if count:
        order = known[np.argsort(p[known], kind="stable")]
        stepped = p[order] * count / np.arange(1, count + 1)
        adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return adjusted


def bonferroni(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjusted p-values; NaN stays NaN and is not counted."""
    return np.minimum(p * np.count_nonzero(~np.isnan(p)), 1.0)


def e_bonferroni(log_e: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """Which of the columns with these log e-values are rejected at level ``alpha`` over all."""
    return np.asarray(log_e >= np.log(max(len(log_e), 1) / alpha))


def e_benjamini_hochberg(log_e: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """The same with the false discovery rate at ``alpha``: the k largest, for the largest k with e(k) ≥ columns / (k alpha)."""
    count = len(log_e)
    order = np.argsort(-log_e, kind="stable")
    enough = log_e[order] >= np.log(count / (np.arange(1, count + 1) * alpha)) if count else np.zeros(0, dtype=bool)
    rejected = np.zeros(count, dtype=bool)
    if enough.any():
        rejected[order[: int(np.flatnonzero(enough)[-1]) + 1]] = True
    return rejected
