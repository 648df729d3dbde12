"""Two raw samples of one column, laid out once for every exact method."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.sample import COARSE


@dataclass(frozen=True)
class NumericPair:
    """``reference`` and ``current``: sorted float64 of shapes (n,) and (m,), without NaN; infinities are values like any other."""

    reference: NDArray[np.float64]
    current: NDArray[np.float64]

    @property
    def empty(self) -> bool:
        return len(self.reference) == 0 or len(self.current) == 0

    @cached_property
    def _merged(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        n, m = len(self.reference), len(self.current)
        places = np.searchsorted(self.reference, self.current, side="right") + np.arange(m)
        pooled, steps = np.empty(n + m), np.full(n + m, m, dtype=np.int64)
        theirs = np.ones(n + m, dtype=bool)
        theirs[places] = False
        pooled[places], steps[places] = self.current, -n
        pooled[theirs] = self.reference
        return pooled, np.cumsum(steps)

    @property
    def pooled(self) -> NDArray[np.float64]:
        """Both samples, sorted, (n + m,)."""
        return self._merged[0]

    @property
    def gaps(self) -> NDArray[np.int64]:
        """(F - G) n m after each pooled value, exact; meaningful at the last of equal values, see ``last_of_ties``."""
        return self._merged[1]

    @cached_property
    def last_of_ties(self) -> NDArray[np.bool_]:
        last = np.ones(len(self.pooled), dtype=bool)
        np.not_equal(self.pooled[1:], self.pooled[:-1], out=last[:-1])
        return last

    @cached_property
    def coarse_edges(self) -> NDArray[np.float64]:
        """Deciles of the reference; one met twice cuts once."""
        ranks = np.ceil(np.arange(1, COARSE) / COARSE * len(self.reference)).astype(np.intp) - 1
        found: NDArray[np.float64] = np.unique(self.reference[ranks])
        return found

    @cached_property
    def coarse(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Counts of both samples between the deciles of the reference."""
        return _between(self.reference, self.coarse_edges), _between(self.current, self.coarse_edges)


def _between(ordered: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    reached = np.concatenate([[0], np.searchsorted(ordered, edges, side="right"), [len(ordered)]])
    return np.diff(reached).astype(np.float64)


@dataclass(frozen=True, slots=True)
class CategoricalPair:
    """Counts of two samples over the same categories, float64 of shape (categories,)."""

    reference: NDArray[np.float64]
    current: NDArray[np.float64]
    names: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        return not (self.reference.any() and self.current.any())

    @property
    def coarse(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.reference, self.current


Pair = NumericPair | CategoricalPair


def categorical_pair(reference: Counter[str] | NDArray[Any], current: Counter[str] | NDArray[Any]) -> CategoricalPair:
    """From values, or counts of values."""
    a = reference if isinstance(reference, Counter) else Counter(str(value) for value in reference.tolist())
    b = current if isinstance(current, Counter) else Counter(str(value) for value in current.tolist())
    names = tuple(sorted({**a, **b}))
    return CategoricalPair(
        np.array([a[name] for name in names], dtype=np.float64), np.array([b[name] for name in names], dtype=np.float64), names
    )
