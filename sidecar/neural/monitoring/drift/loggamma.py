"""The logarithm of the beta function, on arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

_gammaln: Any = special.gammaln  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types


SHIFT = 4.0
"""Γ(x) = Γ(x + 4) / (x (x+1) (x+2) (x+3)): from there on Stirling's series with three corrections is right to 1e-7 for any x."""
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_beta(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln B(a, b), elementwise, to 1e-7; both positive and below 1e30. At half the cost of three ``gammaln``."""
    total = a + b
    result: NDArray[np.float64] = np.log(_rising(total) / (_rising(a) * _rising(b)))
    result += HALF_LOG_TWO_PI - SHIFT
    result += _stirling(a + SHIFT)
    result += _stirling(b + SHIFT)
    result -= _stirling(total + SHIFT)
    return result


def _rising(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """x (x+1) (x+2) (x+3)."""
    y = x + 3.0
    y *= x
    y *= y + 2.0
    return y


def _stirling(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln Γ(x) + x - ln(2π) / 2."""
    found: NDArray[np.float64] = np.log(x)
    found *= x - 0.5
    inverse = 1.0 / x
    square = inverse * inverse
    correction = square * (1.0 / 1260.0)
    correction -= 1.0 / 360.0
    correction *= square
    correction += 1.0 / 12.0
    correction *= inverse
    found += correction
    return found


def log_dirichlet_multinomial(parameters: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Log probability of an ordered sequence with these counts, under Dirichlet(parameters). Both of shape (bins,)."""
    total = float(parameters.sum())
    rows = _gammaln(parameters + counts) - _gammaln(parameters)
    return float(rows.sum() + _gammaln(total) - _gammaln(total + counts.sum()))
