"""Rows to look at: five kinds of columns, independent of each other, which a shift of so many standard deviations moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Rows = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, float], Rows]

AR = 0.7  # of a row on the one before
POISSON = 4.0


def _autocorrelated(random: np.random.Generator, rows: int, columns: int, shift: float) -> Rows:
    """AR(1) of variance 1: neighbours are alike, so n rows say as much as n (1 - ρ) / (1 + ρ) would."""
    noise = random.normal(0.0, np.sqrt(1.0 - AR**2), (rows, columns))
    noise[0] = random.normal(size=columns)
    found: Rows = np.asarray(lfilter([1.0], [1.0, -AR], noise, axis=0))
    return found + shift


SHAPES: Mapping[str, Draw] = {
    "normal": lambda random, rows, columns, shift: random.normal(shift, 1.0, (rows, columns)),
    "heavy-tailed": lambda random, rows, columns, shift: random.standard_t(3, (rows, columns)) / np.sqrt(3.0) + shift,
    "skewed": lambda random, rows, columns, shift: random.exponential(1.0, (rows, columns)) + shift,
    "discrete": lambda random, rows, columns, shift: random.poisson(POISSON + shift * POISSON**0.5, (rows, columns)).astype(
        float
    ),
    "autocorrelated": _autocorrelated,
}
"""Student's t with 3 degrees of freedom, exponential, and Poisson of mean 4 (whose mean is what moves); all in standard deviations."""
