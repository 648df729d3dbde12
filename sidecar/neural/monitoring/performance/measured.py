"""A number that was measured."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.performance.intervals import Interval


@dataclass(frozen=True, slots=True)
class Metric:
    """A value with its interval. None: it can't be known from these counts."""

    value: float | None
    interval: Interval | None = None
