"""The logarithm of the beta function, on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

_gammaln: Any = special.gammaln  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types


def log_beta(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln B(a, b), elementwise; both positive."""
    result: NDArray[np.float64] = _gammaln(a) + _gammaln(b) - _gammaln(a + b)
    return result


def log_dirichlet_multinomial(parameters: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Log probability of an ordered sequence with these counts, under Dirichlet(parameters). Both of shape (bins,)."""
    total = float(parameters.sum())
    rows = _gammaln(parameters + counts) - _gammaln(parameters)
    return float(rows.sum() + _gammaln(total) - _gammaln(total + counts.sum()))
