"""Cramér–von Mises: the squared gap between the two distribution functions, summed over all values of both samples.

Source: Anderson 1962; equals scipy's ``cramervonmises_2samp`` (mid-ranks for ties). The p-value is of the limiting distribution
(Csörgő and Faraway 1996, eq. 1.2), after bringing mean and variance of the statistic to those of the limit.
From panes every value is put at the upper end of its cell.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.method import NO_VALUES, numeric
from neural.monitoring.drift.pair import NumericPair, Pair
from neural.monitoring.drift.sample import Measured, MeasuredMany, Stack

_gamma: Any = special.gamma  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
_kv: Any = special.kv  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
TERMS = 12  # of the series; enough for 1e-12 where p > 1e-9
TAIL = 4.0  # from here on p is below 1e-9, and given by its leading exponential
TAIL_SHARE = 0.177  # of the exponential: where the series meets it
LEAST_LOG = 40.0  # terms below e^-40 are left out
_K: NDArray[np.intp] = np.arange(TERMS)[:, None]
_Y: NDArray[np.intp] = 4 * _K + 1
_SCALE: NDArray[np.float64] = _gamma(_K + 0.5) / (np.pi**1.5 * _gamma(_K + 1.0)) * np.sqrt(_Y)


class CramerVonMises:
    name = "cramer_von_mises"
    title = "Cramér–von Mises statistic"
    ordered = True
    threshold = 0.46136  # the 5 % point of the limiting distribution

    def compare(self, pair: Pair) -> Measured:
        both = numeric(pair)
        if both.empty:
            return NO_VALUES
        n, m = len(both.reference), len(both.current)
        return Measured(_statistic(both), float(p_value(np.array([_from_gaps(both)]), np.array([n]), np.array([m]))[0]))

    def from_panes(self, stack: Stack) -> MeasuredMany:
        n, m = stack.n_reference, stack.n_current
        with np.errstate(divide="ignore", invalid="ignore"):
            squares = np.add.reduceat((stack.reference + stack.current) * stack.gaps**2, stack.starts)
            statistic = n * m / (n + m) ** 2 * squares
        return MeasuredMany(statistic, p_value(statistic, n, m))


def _from_gaps(both: NumericPair) -> float:
    """The same without ties; with them it stays small where nothing moved, as mid-ranks do not, so the p-value is taken of it."""
    n, m = len(both.reference), len(both.current)
    ends = np.flatnonzero(both.last_of_ties)
    gaps = both.gaps[ends] / (n * m)
    return n * m / (n + m) ** 2 * float((np.diff(np.append(-1, ends)) * gaps**2).sum())


def _statistic(both: NumericPair) -> float:
    n, m = len(both.reference), len(both.current)
    ends = np.flatnonzero(both.last_of_ties)
    firsts = np.concatenate([[0], ends[:-1] + 1])
    middle = (firsts + ends) / 2 + 1  # mid-rank of each distinct pooled value
    values = both.pooled[ends]
    rx = middle[np.searchsorted(values, both.reference)]
    ry = middle[np.searchsorted(values, both.current)]
    u = n * float(((rx - np.arange(1, n + 1)) ** 2).sum()) + m * float(((ry - np.arange(1, m + 1)) ** 2).sum())
    return u / (n * m * (n + m)) - (4 * n * m - 1) / (6 * (n + m))


def p_value(statistic: NDArray[np.float64], n: NDArray[Any], m: NDArray[Any]) -> NDArray[np.float64]:
    """Asymptotic; 1 where the standardised statistic is tiny."""
    n, m = n.astype(np.float64), m.astype(np.float64)
    total = n + m
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (1 + 1 / total) / 6
        variance = (total + 1) * (4 * n * m * total - 3 * (n**2 + m**2) - 2 * n * m) / (45 * total**2 * 4 * n * m)
        limit = 1 / 6 + (statistic - mean) / np.sqrt(45 * variance)
    p = np.where(limit > 0.003, 1.0 - limiting_distribution(np.clip(limit, 0.003, TAIL)), 1.0)
    p = np.where(
        limit > TAIL, TAIL_SHARE * np.exp(-(np.pi**2) * np.minimum(limit, 100.0) / 2), p
    )  # where 1 - F is lost in rounding
    p = np.where(variance > 0, p, 1.0)  # one value against one says nothing
    return np.where(np.isnan(statistic), np.nan, np.clip(np.nan_to_num(p, nan=1.0), 0.0, 1.0))


def limiting_distribution(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the one- and two-sample statistic; x > 0."""
    known = np.atleast_1d(np.nan_to_num(x, nan=1.0))
    needed = min(TERMS, 2 + int(np.sqrt(LEAST_LOG * 8 * float(known.max(initial=0.0))) / 4))
    q = _Y[:needed] ** 2 / (16 * known)
    terms = _SCALE[:needed] * np.exp(-q) * _kv(0.25, q)
    total: NDArray[np.float64] = np.asarray(terms.sum(axis=0) / np.sqrt(known))
    return np.minimum(total, 1.0)
