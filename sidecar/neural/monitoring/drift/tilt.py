r"""Evidence that an ordered column moved up or down: the alternative most drifts are close to, and which a tree of bins finds late.

The alternatives are exponential tilts of the null, p(b) exp(θ s(b)), with s the normal score of bin b: for a normal column a
shift of θ standard deviations, for any other the same in ranks. Null and alternative are Dirichlet-multinomials of the same concentration, so
that a finite reference is not called drift; the e-value is their ratio, averaged over θ of both signs. Bins are put together to groups first, as
fine as a normal's score needs (a sum of bins of a Dirichlet-multinomial is one as well, so the ratio stays an exact e-value).

Each θ is best at its own shift and loses at most a tenth half way to the next. A large shift is found in a few rows whatever its prior, so
the small ones, where each nat costs most rows, have most of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from neural.monitoring.drift.bins import Bins

_gammaln: Any = special.gammaln  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
_ndtri: Any = special.ndtri  # pyright: ignore[reportAttributeAccessIssue]  # compiled; scipy has no types
TILTS = (0.1, 0.18, 0.3, 0.6)
PRIOR = (4.0, 3.0, 2.0, 1.0)
"""Of the tilts, up to a factor; up and down alike."""
CUTS = (0.04, 0.147, 0.308, 0.5, 0.692, 0.853, 0.96)
"""Ranks between the groups: the best eight levels for a normal variable, which keep 0.965 of its variance. Source: Max, Quantizing for
minimum distortion, 1960."""
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
LEAST = 8.0
"""Rows of the reference in a group. Where a tilt leaves fewer, Stirling's series with one correction is no longer right to 6e-6."""


class TiltModel:
    """``ordered``: which columns have an order, (columns,)."""

    def __init__(self, bins: Sequence[Bins]) -> None:
        self.ordered = np.array([item.ordered for item in bins], dtype=bool)
        groups = [_groups(item) for item in bins]
        sizes = np.array([group.max() + 1 for group in groups])
        firsts = np.cumsum(sizes) - sizes
        whole = np.concatenate([group + first for group, first in zip(groups, firsts, strict=True)])
        self._order = np.argsort(whole, kind="stable")
        self._groups = np.searchsorted(whole[self._order], np.arange(sizes.sum()))
        self._columns = firsts
        self._sizes = sizes
        self._null = self._sum(np.concatenate([item.expected for item in bins])[None, :])
        scores = np.concatenate([_scores(self._null[0, a : a + size]) for a, size in zip(firsts, sizes, strict=True)])
        self._weights = np.exp(np.array([*np.negative(TILTS), *TILTS])[:, None] * scores)  # (tilts, groups)
        prior = np.array([*PRIOR, *PRIOR])
        self._log_prior = np.log(prior / prior.sum())[:, None]
        parameters = self._parameters(self._null)
        self._small = np.flatnonzero(parameters.min(axis=(0, 1)) < LEAST)
        self._norm = _terms(parameters, self._small)

    def log_evidence(
        self,
        counts: NDArray[np.float64],
        learnt: NDArray[np.float64] | None = None,
        expected: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Log e-values, shape (rows, columns), of counts of shape (rows, bins of all columns); 0 for columns without an order.

        ``learnt``: counts the null has besides the reference's, of the same shape. ``expected``: pseudo-counts of the null, where it is
        not the whole reference's.
        """
        null = self._null if expected is None else self._sum(expected)
        parameters = self._parameters(null if learnt is None else null + self._sum(learnt))
        small = self._small if expected is None else np.flatnonzero(parameters.min(axis=(0, 1)) < LEAST)
        norm = self._norm if learnt is None and expected is None else _terms(parameters, small)
        terms = _terms(parameters + self._sum(counts)[:, None], small)
        terms -= norm
        sums = np.add.reduceat(terms, self._columns, axis=2)
        ratios = sums[:, 1:] - sums[:, :1]  # the totals are equal, and cancel
        ratios += self._log_prior
        peak = ratios.max(axis=1)
        total: NDArray[np.float64] = peak + np.log(np.exp(ratios - peak[:, None]).sum(axis=1))
        return total

    def _sum(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Counts of bins → of groups."""
        found: NDArray[np.float64] = np.add.reduceat(counts[:, self._order], self._groups, axis=1)
        return found

    def _parameters(self, null: NDArray[np.float64]) -> NDArray[np.float64]:
        """Null first, then the tilts; (rows, tilts and null, groups)."""
        found = np.empty((len(null), len(self._weights) + 1, null.shape[1]))
        found[:, 0] = null
        tilted = np.multiply(null[:, None], self._weights, out=found[:, 1:])
        scale = np.add.reduceat(null, self._columns, axis=1)[:, None] / np.add.reduceat(tilted, self._columns, axis=2)
        tilted *= np.repeat(scale, self._sizes, axis=2)
        return found


def _terms(x: NDArray[np.float64], small: NDArray[np.intp]) -> NDArray[np.float64]:
    """ln Γ(x) + x - ln(2π) / 2: what is added is the same for every tilt."""
    terms: NDArray[np.float64] = np.log(x)
    terms *= x - 0.5
    terms += (1.0 / 12.0) / x
    few = x[:, :, small]
    terms[:, :, small] = _gammaln(few) + few - HALF_LOG_TWO_PI
    return terms


def _groups(bins: Bins) -> NDArray[np.intp]:
    """Bin → group, (bins,). One group, and so no evidence, where there is no order."""
    if not bins.ordered:
        return np.zeros(len(bins), dtype=np.intp)
    ordered = bins.rare or len(bins)  # what lies between known values has no rank: it goes to the middle
    expected = bins.expected[:ordered]
    ranks = (np.cumsum(expected) - expected / 2) / expected.sum()
    ranks = np.append(ranks, np.full(len(bins) - ordered, 0.5))
    found = np.searchsorted(CUTS, ranks)
    for step in (1, -1):  # small groups join their neighbour, from the ends to the middle
        for group in range(len(CUTS) // 2 + 1) if step > 0 else range(len(CUTS), len(CUTS) // 2, -1):
            if bins.expected[found == group].sum() < LEAST:
                found[found == group] += step
    return np.unique(found, return_inverse=True)[1].astype(np.intp)


def _scores(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of a standard normal variable between the group's ranks."""
    ends = np.concatenate([[0.0], np.cumsum(expected) / expected.sum()])
    ends[-1] = 1.0
    density = np.exp(-0.5 * _ndtri(ends) ** 2) / np.sqrt(2.0 * np.pi)
    found: NDArray[np.float64] = -np.diff(density) / np.diff(ends)
    return found
