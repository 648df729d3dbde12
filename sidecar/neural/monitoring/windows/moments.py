"""Columns that hold times, as Unix seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column, Kind

_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From this size on a number of Unix time is in nano-, micro- or milliseconds: in seconds it would be beyond the year 5000."""


def unix_seconds(column: Column) -> NDArray[np.float64]:
    """The time each value tells (Unix time, or RFC 3339 text, UTC where it names no zone); NaN where it tells none. Shape (n,)."""
    if column.kind in (Kind.NUMERIC, Kind.BOOLEAN):
        told = column.values.astype(np.float64)
        for least, unit in _UNITS:
            told = np.where(np.abs(told) >= least, told / unit, told)
        return np.where(np.isfinite(told), told, np.nan)
    if column.kind is Kind.EMBEDDING:
        return np.full(len(column), np.nan)
    words = column.values.tolist()
    known = {word: _seconds(word) for word in set(words)}
    return np.array([known[word] for word in words], dtype=np.float64)


def _seconds(word: Any) -> float:
    try:
        moment = datetime.fromisoformat(str(word))
    except ValueError:
        return float("nan")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
