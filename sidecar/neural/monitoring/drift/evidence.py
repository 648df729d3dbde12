r"""E-values that counts carry against "these rows come from where the reference came from".

For a column, bins are split by a binary tree: all bins in two halves of about equal share, each half again, and so on. At a node with l
counts to the left and r to the right,

- the null says Beta-binomial(l, r | a, b), with a and b the counts on either side, of the reference and of what is counted with it: it is finite,
  and known as such;
- the alternative says Beta-binomial(l, r | κm, κ(1-m)), with m = a / (a + b), averaged over a few κ far below a + b: the share
  moved by about sqrt(m(1-m)/κ), to either side.

The ratio is a node's e-value R. Nodes combine as a mixture over which of them moved, each with probability w: ∏ (1 - w + w R), averaged
over a few w. A Dirichlet is neutral, so without the mixture over nodes this is the Dirichlet-multinomial test; with it, a shift that shows in a
few nodes is not buried under the price of all the others.

Related: Lindon and Malek, Anytime-valid inference for multinomial count data, 2022; Ma, Coupling optional Pólya trees, 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.loggamma import log_beta
from neural.monitoring.drift.tilt import TiltModel

CONCENTRATIONS = (8.0, 80.0, 800.0)
"""κ: a share of one half moves by about 0.18, 0.056 and 0.018 (0.44, 0.14 and 0.044 σ at the median of a normal)."""
SHARES_MOVED = (0.05, 0.5)
"""w: the prior probability that a node moved."""
LEAST_RATIO = 4.0
"""Alternatives at least so much wider than the null: a κ is capped at (a + b) / LEAST_RATIO."""

LOG_LARGEST = 600.0
LOG_TILT, LOG_TREE = float(np.log(0.75)), float(np.log(0.25))
"""Columns with an order: three quarters of the prior is that they moved up or down (see ``tilt``), the rest that any of the nodes moved."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Nodes of all columns, end to end. A node's left side is bins ``low`` to ``middle``, its right ``middle`` to ``high``."""

    low: NDArray[np.intp]
    middle: NDArray[np.intp]
    high: NDArray[np.intp]
    starts: NDArray[np.intp]  # each column's first node


def build_tree(bins: Sequence[Bins]) -> Tree:
    nodes: list[tuple[int, int, int]] = []
    starts: list[int] = []
    offset = 0
    for item in bins:
        starts.append(len(nodes))
        _split(nodes, np.concatenate([[0.0], np.cumsum(item.expected)]), 0, len(item), offset)
        offset += len(item)
    low, middle, high = np.array(nodes, dtype=np.intp).reshape(-1, 3).T
    return Tree(low, middle, high, np.array(starts, dtype=np.intp))


def _split(nodes: list[tuple[int, int, int]], reached: NDArray[np.float64], low: int, high: int, offset: int) -> None:
    if high - low < 2:
        return
    half = (reached[low] + reached[high]) / 2
    middle = low + 1 + int(np.argmin(np.abs(reached[low + 1 : high] - half)))
    nodes.append((low + offset, middle + offset, high + offset))
    _split(nodes, reached, low, middle, offset)
    _split(nodes, reached, middle, high, offset)


def _only(values: NDArray[np.float64], at: int) -> NDArray[np.float64]:
    kept = np.zeros_like(values)
    kept[at] = values[at]
    return kept


@dataclass(frozen=True, slots=True)
class Null:
    """What is expected at each node, shape (rows, nodes), and the alternatives ``a`` and ``b`` around it, (rows, alternatives, nodes)."""

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    norm: NDArray[np.float64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    alternative_norm: NDArray[np.float64]


class EvidenceModel:
    """The null and the alternatives of all columns. ``log_evidence`` is the only thing it does."""

    def __init__(self, bins: Sequence[Bins], concentrations: Sequence[float] = CONCENTRATIONS) -> None:
        self.tree = build_tree(bins)
        self._concentrations = np.array(concentrations)[:, None]
        self._rare = np.concatenate([_only(np.ones_like(item.expected), item.rare) for item in bins])
        self._tilt = TiltModel(bins)
        self._null = self._of(np.concatenate([item.expected for item in bins])[None, :])

    def _of(self, expected: NDArray[np.float64]) -> Null:
        """``expected``: pseudo-counts, (rows, bins of all columns)."""
        left, right = self._sides(expected)
        total = left + right
        kappa = np.minimum(self._concentrations, total[:, None] / LEAST_RATIO)
        # A side the reference hardly fills may fill up; that it stays empty is no news. Hence the floors.
        floors = self._sides(expected * self._rare)
        a, b = (
            np.maximum(kappa * (side / total)[:, None], np.maximum(np.minimum(side, 1.0), floor)[:, None])
            for side, floor in zip((left, right), floors, strict=True)
        )
        return Null(left, right, log_beta(left, right), a, b, log_beta(a, b))

    def log_evidence(
        self,
        counts: NDArray[np.float64],
        learnt: NDArray[np.float64] | None = None,
        expected: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Log e-values, shape (rows, columns), of counts of shape (rows, bins of all columns). No counts: 0.

        ``learnt``: counts of the same shape that the null has besides the reference's. ``expected``: pseudo-counts for each row of
        counts, where it is not the whole reference's that are to be expected.
        """
        known = self._null if expected is None else self._of(expected)
        ratios = _ratios(known, *self._sides(counts), None if learnt is None else self._sides(learnt))
        peak = ratios.max(axis=1)
        ratios -= peak[:, None]
        node = peak + np.log(np.exp(ratios).mean(axis=1))
        tree = self._combine(node)
        tilt = np.logaddexp(tree + LOG_TREE, self._tilt.log_evidence(counts, learnt, expected) + LOG_TILT)
        return np.where(self._tilt.ordered, tilt, tree)

    def _combine(self, node: NDArray[np.float64]) -> NDArray[np.float64]:
        capped = np.minimum(node, LOG_LARGEST)  # exp of more would overflow; there w R is all of the sum
        ratio, rest = np.exp(capped), node - capped
        products = [np.add.reduceat(np.log((1.0 - w) + w * ratio) + rest, self.tree.starts, axis=1) for w in SHARES_MOVED]
        total: NDArray[np.float64] = np.logaddexp(*products) - np.log(len(SHARES_MOVED))
        return total

    def _sides(self, counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        reached = np.zeros((counts.shape[0], counts.shape[1] + 1))
        np.cumsum(counts, axis=1, out=reached[:, 1:])
        middle = np.take(reached, self.tree.middle, axis=1)
        return middle - np.take(reached, self.tree.low, axis=1), np.take(reached, self.tree.high, axis=1) - middle


def _ratios(
    known: Null,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    learnt: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> NDArray[np.float64]:
    """ln of each alternative over the null at each node, shape (rows, alternatives, nodes)."""
    null_a, null_b, norm = known.left, known.right, known.norm
    if learnt is not None:
        null_a, null_b = null_a + learnt[0], null_b + learnt[1]
        norm = log_beta(null_a, null_b)
    ratios = log_beta(known.a + left[:, None], known.b + right[:, None])
    ratios -= known.alternative_norm
    ratios -= (log_beta(null_a + left, null_b + right) - norm)[:, None]
    return ratios
