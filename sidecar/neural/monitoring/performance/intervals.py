"""Confidence intervals, each by a named method."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import ndtri


@dataclass(frozen=True, slots=True)
class Interval:
    """``low`` and ``high`` enclose the value at the stated level; ``method`` says how they were found."""

    low: float
    high: float
    method: str


def z_score(confidence: float) -> float:
    """The two-sided normal quantile: 1.96 for 0.95."""
    return float(ndtri(0.5 + confidence / 2))


def wilson(successes: float, trials: float, confidence: float) -> Interval | None:
    """Wilson's score interval of a proportion (Wilson 1927); None without trials."""
    if trials <= 0:
        return None
    z, p = z_score(confidence), successes / trials
    scale = 1 + z * z / trials
    middle = (p + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(max(p * (1 - p) / trials + z * z / (4 * trials * trials), 0.0))
    # rounding must not push the interval off the value it is about
    return Interval(max(min(middle - half, p), 0.0), min(max(middle + half, p), 1.0), "wilson")


def normal(value: float, variance: float, confidence: float, *, low: float, high: float, method: str) -> Interval:
    """value ± z·√variance, cut to [low, high]."""
    half = z_score(confidence) * math.sqrt(max(variance, 0.0))
    return Interval(max(value - half, low), min(value + half, high), method)


def mean_interval(total: float, squares: float, n: float, confidence: float) -> Interval | None:
    """Of a mean of n terms, from their sum and sum of squares; None below two terms."""
    if n < 2:
        return None
    mean = total / n
    variance = max(squares / n - mean * mean, 0.0) / (n - 1)
    return normal(mean, variance, confidence, low=0.0, high=math.inf, method="normal")
