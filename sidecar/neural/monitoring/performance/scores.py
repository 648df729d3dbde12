"""Scores of positives and negatives, kept so that ROC AUC and average precision add over panes.

Exact while a pane has few distinct scores: each distinct score is an atom with two counts. Beyond ``EXACT_ATOMS`` the atoms fold
into ``CELLS`` equal cells of [0, 1], and the error bound of the AUC (half the pairs that share a cell) is given beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.packing import pack, unpack

EXACT_ATOMS = 2_000  # distinct scores a pane keeps exactly: 48 kB
WINDOW_ATOMS = 16_384  # and panes together: beyond, they are folded for the sum, which keeps an evaluation short
CELLS = 2_048  # cells of [0, 1] when folded: AUC is then known to about 1e-4; a power of two, so that coarser ones divide it
_PENDING_PARTS = 64  # parts gathered before they are sorted in
_PENDING_SCORES = 8_192  # and scores: what waits is bounded


@dataclass(frozen=True, slots=True)
class Fineness:
    """How many distinct scores are kept exactly, and into how many cells of [0, 1] (a power of two) they are folded beyond."""

    atoms: int = EXACT_ATOMS
    cells: int = CELLS


FINE = Fineness()


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the scores say about the ranking. ``auc_error``: the folding's bound on the error of ``roc_auc`` (0 when exact)."""

    roc_auc: float
    roc_auc_variance: float
    average_precision: float
    auc_error: float
    positives: float
    negatives: float


class ScoreCounts:
    """Counts of positives and negatives at each score. Adds and subtracts; the order does not matter."""

    __slots__ = ("_parts", "_pending", "_ranking", "counts", "fineness", "folded", "values")

    def __init__(self, fineness: Fineness = FINE) -> None:
        self.fineness = fineness
        self.values: NDArray[np.float64] = np.empty(0)
        self.counts: NDArray[np.float64] = np.empty((2, 0))  # row 0 negatives, row 1 positives
        self.folded = False
        self._ranking: Ranking | None = None
        self._parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        self._pending = 0  # scores in them

    def add(self, scores: NDArray[np.float64], positive: NDArray[np.bool_], sign: float = 1.0) -> None:
        """Count scores (n,) by class; ``sign`` −1 takes them out again. Scores that are not finite are left out."""
        known = np.isfinite(scores)
        scores, positive = scores[known], positive[known]
        if not len(scores):
            return
        counts = np.where(np.vstack([~positive, positive]), sign, 0.0)
        self._gather(scores.astype(np.float64), counts)

    def add_expected(self, scores: NDArray[np.float64], positive: NDArray[np.float64]) -> None:
        """Count scores (n,) whose class is known only with a probability of being positive (n,)."""
        self._gather(scores.astype(np.float64), np.vstack([1 - positive, positive]))

    def _gather(self, scores: NDArray[np.float64], counts: NDArray[np.float64]) -> None:
        self._parts.append((scores, counts))
        self._pending += len(scores)
        if len(self._parts) >= _PENDING_PARTS or self._pending >= _PENDING_SCORES:
            self.settle()

    def settle(self) -> None:
        """Sort what is pending into the atoms, and fold if there are too many."""
        if not self._parts:
            return
        parts, self._parts, self._ranking, self._pending = self._parts, [], None, 0
        fresh = np.concatenate([part[0] for part in parts])
        values = np.concatenate([self.values, _cells(fresh, self.fineness.cells) if self.folded else fresh])
        counts = np.concatenate([self.counts, *(part[1] for part in parts)], axis=1)
        if self.folded:
            self.values, self.counts = _summed_cells(values, counts, self.fineness.cells)
            return
        self.values, self.counts = _compact(values, counts)
        if len(self.values) > self.fineness.atoms:
            self._fold()

    def _fold(self) -> None:
        self.folded = True
        self.values, self.counts = _compact(_cells(self.values, self.fineness.cells), self.counts)

    @classmethod
    def merged(cls, many: Iterable[ScoreCounts]) -> ScoreCounts:
        """The sum of many. Folded as soon as one of them is, or when they are too many together."""
        group = list(many)
        for item in group:
            item.settle()
        coarsest = min((item.fineness for item in group), key=lambda fineness: fineness.cells, default=FINE)
        result, cells = cls(coarsest), coarsest.cells
        fold = any(item.folded for item in group) or sum(len(item.values) for item in group) > WINDOW_ATOMS
        result.folded = fold
        if group:
            same = [item.folded and item.fineness.cells == cells for item in group]
            values = np.concatenate(
                [_cells(item.values, cells) if fold and not done else item.values for item, done in zip(group, same, strict=True)]
            )
            counts = np.concatenate([item.counts for item in group], axis=1)
            result.values, result.counts = _summed_cells(values, counts, cells) if fold else _compact(values, counts)
        return result

    def ranking(self) -> Ranking | None:
        """None until both a positive and a negative have been seen."""
        self.settle()
        if self._ranking is None:
            self._ranking = self._ranked()
        return self._ranking

    def _ranked(self) -> Ranking | None:
        negatives, positives = self.counts
        n, p = float(negatives.sum()), float(positives.sum())
        if n <= 0 or p <= 0:
            return None
        below = (np.cumsum(negatives) - negatives + negatives / 2) / n  # share of negatives beaten by a positive here
        above = (p - np.cumsum(positives) + positives / 2) / p  # share of positives above a negative here
        auc = float((positives * below).sum() / p)
        return Ranking(
            roc_auc=auc,
            roc_auc_variance=_spread(positives, below, auc, p) + _spread(negatives, above, auc, n),
            average_precision=_average_precision(negatives, positives, p),
            auc_error=float((negatives * positives).sum() / (2 * n * p)) if self.folded else 0.0,
            positives=p,
            negatives=n,
        )

    def to_json(self) -> dict[str, Any]:
        self.settle()
        fineness = [self.fineness.atoms, self.fineness.cells]
        return {"values": pack(self.values), "counts": pack(self.counts), "folded": self.folded, "fineness": fineness}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ScoreCounts:
        result = cls(Fineness(*state["fineness"]) if "fineness" in state else FINE)
        result.values = unpack(state["values"])
        result.counts = unpack(state["counts"]).reshape(2, -1)
        result.folded = bool(state["folded"])
        return result


def _cells(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Each score's cell, named by its middle. Margins below 0 land in (−1, 0) and above 1 in (1, 2), keeping their order."""
    low, high = np.minimum(values, 0.0), np.maximum(values, 1.0)
    bounded = low / (1 - low) + np.clip(values, 0.0, 1.0) + (1 - 1 / high)
    cells: NDArray[np.float64] = (np.floor(bounded * count) + 0.5) / count
    return cells


def _compact(values: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    atoms, index = np.unique(values, return_inverse=True)
    summed = np.vstack([np.bincount(index, weights=row, minlength=len(atoms)) for row in counts]).astype(np.float64)
    kept = (summed != 0).any(axis=0)
    return atoms[kept], np.ascontiguousarray(summed[:, kept])


def _summed_cells(
    middles: NDArray[np.float64], counts: NDArray[np.float64], cells: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Like ``_compact`` for cells, without sorting: there are at most three times ``cells``."""
    index = np.floor(middles * cells).astype(np.int64) + cells
    summed = np.vstack([np.bincount(index, weights=row, minlength=3 * cells + 1) for row in counts]).astype(np.float64)
    kept = np.flatnonzero((summed != 0).any(axis=0))
    return (kept - cells + 0.5) / cells, np.ascontiguousarray(summed[:, kept])


def _spread(weights: NDArray[np.float64], placement: NDArray[np.float64], auc: float, n: float) -> float:
    """One half of the variance of the AUC (DeLong, DeLong and Clarke-Pearson 1988)."""
    if n < 2:
        return 0.0
    # sums, not dot products: the threads of a linear algebra library cost more than they bring here
    return float((weights * np.square(placement - auc)).sum()) / (n - 1) / n


def _average_precision(negatives: NDArray[np.float64], positives: NDArray[np.float64], p: float) -> float:
    """Σ (R_k − R_{k−1})·P_k over the distinct thresholds, highest first."""
    hits = np.cumsum(positives[::-1])
    called = hits + np.cumsum(negatives[::-1])
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called > 0)
    value = float((positives[::-1] * precision).sum() / p)
    return value if math.isfinite(value) else 0.0
