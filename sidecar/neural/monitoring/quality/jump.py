"""Has a rate risen above the reference's by more than chance? A two-sample test with an exact bound.

Given x of n in the window and x₀ of n₀ in the reference, and no change, the window is a random part of both together, so x is
hypergeometric. Hoeffding (1963) bounds its upper tail by exp(−n·KL(x/n ‖ (x+x₀)/(n+n₀))): never too small, for any n and any rate, and
close enough for decisions at one in a million.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Jump:
    """A rate beside the reference's. ``p_value`` bounds the chance of seeing so high a rate without a change."""

    count: float
    n: float
    reference_count: float
    reference_n: float
    p_value: float

    @property
    def rate(self) -> float:
        return self.count / self.n if self.n > 0 else 0.0

    @property
    def reference_rate(self) -> float:
        return self.reference_count / self.reference_n if self.reference_n > 0 else 0.0

    @property
    def rise(self) -> float:
        return self.rate - self.reference_rate


def compare_rates(count: float, n: float, reference_count: float, reference_n: float, *, alike: float = 1.0) -> Jump:
    """``alike``: rows that share a request and may share its trouble; evidence counts once for so many rows."""
    effective, effective_count = n / alike, count / alike
    return Jump(count, n, reference_count, reference_n, _bound(effective_count, effective, reference_count, reference_n))


def _bound(x: float, n: float, x0: float, n0: float) -> float:
    if n <= 0 or n0 <= 0:
        return 1.0
    rate, pooled = x / n, (x + x0) / (n + n0)
    if rate <= pooled or pooled >= 1:
        return 1.0
    divergence = rate * math.log(rate / pooled)
    if rate < 1:
        divergence += (1 - rate) * math.log((1 - rate) / (1 - pooled))
    return math.exp(-n * divergence)


def lower_rate(count: float, n: float, sigmas: float = 3.0) -> float:
    """The rate that ``count`` of ``n`` shows at least (Wilson's lower bound at ``sigmas``); 0 without values."""
    if n <= 0:
        return 0.0
    p, z2 = count / n, sigmas * sigmas
    middle = p + z2 / (2 * n)
    half = sigmas * math.sqrt(max(p * (1 - p) / n + z2 / (4 * n * n), 0.0))
    return max((middle - half) / (1 + z2 / n), 0.0)


def upper_rate(count: float, n: float, sigmas: float = 3.0) -> float:
    """The rate that ``count`` of ``n`` shows at most (Wilson's upper bound at ``sigmas``); 1 without values."""
    return 1.0 - lower_rate(n - count, n, sigmas) if n > 0 else 1.0
