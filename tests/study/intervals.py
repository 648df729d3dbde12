"""How sure a simulated figure is: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

OUTSIDE = 0.05


def mean_between(alarms: int, evaluations: int) -> tuple[float, float]:
    """Of the mean time between alarms that come at a constant rate (exact, from the chi-squared distribution); to infinity without any."""
    most = float(stats.chi2.ppf(1.0 - OUTSIDE / 2.0, 2 * alarms + 2))
    least = float(stats.chi2.ppf(OUTSIDE / 2.0, 2 * alarms)) if alarms else 0.0
    return 2.0 * evaluations / most, 2.0 * evaluations / least if least else math.inf


def median(values: Sequence[float]) -> tuple[float, float]:
    """Of a median, whatever the distribution: the order statistics that are too high or too low once in 20 times together at most."""
    ordered = sorted(values)
    beyond = int(stats.binom.ppf(OUTSIDE / 2.0, len(ordered), 0.5))  # P(X < beyond) is at most half of what may be outside
    return ordered[max(beyond - 1, 0)], ordered[min(len(ordered) - beyond, len(ordered) - 1)]


def half_width(count: int, share: float = 0.5) -> float:
    """Of a share seen in so many cases, by the normal approximation."""
    return float(stats.norm.ppf(1.0 - OUTSIDE / 2.0)) * math.sqrt(share * (1.0 - share) / count)
