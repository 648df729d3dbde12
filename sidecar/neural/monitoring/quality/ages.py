"""Columns that hold times: how old was what they tell when the model was asked?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import Column
from neural.monitoring.windows.moments import unix_seconds


def ages_seconds(column: Column, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from the time that each value tells (Unix time, or RFC 3339 text) to its request; NaN where it tells none. Shape (n,)."""
    ages: NDArray[np.float64] = times - unix_seconds(column)
    return ages
