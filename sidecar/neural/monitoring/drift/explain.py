"""Verdicts in words: which bins moved, by how much, since when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins

MOVED_SHOWN = 5
NAMES_SHOWN = 5


def moved_bins(bins: Bins, counts: NDArray[np.float64], shown: int = MOVED_SHOWN) -> list[dict[str, Any]]:
    """The bins whose share moved most: label, share in the reference and now, rows now. Recompute by hand: rows / all rows."""
    n = float(counts.sum())
    if n == 0:
        return []
    expected = bins.expected / bins.expected.sum()
    current = counts / n
    order = np.argsort(-np.abs(current - expected), kind="stable")[:shown]
    return [
        {
            "bin": bins.labels[at],
            "reference": round(float(expected[at]), 6),
            "current": round(float(current[at]), 6),
            "change": round(float(current[at] - expected[at]), 6),
            "rows": int(counts[at]),
        }
        for at in order.tolist()
        if abs(current[at] - expected[at]) > 1e-9
    ]


def rounded_shares(counts: NDArray[np.float64]) -> list[float]:
    """Counts as shares, rounded to what can be seen; zeros without rows."""
    found: list[float] = np.round(counts / max(float(counts.sum()), 1e-300), 5).tolist()
    return found


def moved_sentence(moved: Sequence[dict[str, Any]]) -> str:
    """The bin that moved most, in words; empty when none did."""
    if not moved:
        return ""
    first = moved[0]
    return f"{first['bin']}: {first['reference']:.1%} in the reference, {first['current']:.1%} now"


def names_in_words(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else shown


def at_time(seconds: float) -> str:
    """A Unix time in words, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def times(log_ratio: float) -> str:
    """A ratio given by its logarithm: "0.02", "12", "over 1e12"."""
    return "over 1e12" if log_ratio > math.log(1e12) else f"{math.exp(log_ratio):.2g}"


def days_in_words(seconds: float) -> str:
    for unit, length in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} seconds"
