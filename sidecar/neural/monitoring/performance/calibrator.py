"""Turns a model's probabilities into honest ones, learning from labels as they land."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

CELLS = 24
EDGES: NDArray[np.float64] = 1 / (1 + np.exp(-np.linspace(-6.0, 6.0, CELLS - 1)))
"""Cells of equal width in log odds: most models put most of their probabilities near 0 and 1, and there a little matters."""
PSEUDO_ROWS = 50.0  # a cell moves half way to its own hit rate after so many labels
_KEPT = 100_000.0  # labels a class remembers; beyond, all counts are halved, so that the map follows a model that changes
_MAX_CLASSES = 100


class Calibrator:
    """Histogram binning (Zadrozny and Elkan 2001), shrunk: in each cell of a class's probability, the mean error seen is taken off.

    Without labels it changes nothing.
    """

    def __init__(self) -> None:
        self._sums: dict[str, NDArray[np.float64]] = {}  # class → rows n, Σ hit − probability

    def learn(self, name: str, probabilities: NDArray[np.float64], hits: NDArray[np.bool_]) -> None:
        """Add labelled rows: the class's raw probabilities (n,), and whether the label was this class (n,)."""
        if name not in self._sums and len(self._sums) >= _MAX_CLASSES:
            return
        sums = self._sums.setdefault(name, np.zeros((2, CELLS)))
        cells = _cells(probabilities)
        sums[0] += np.bincount(cells, minlength=CELLS)
        sums[1] += np.bincount(cells, weights=hits - probabilities, minlength=CELLS)
        if sums[0].sum() > _KEPT:
            sums /= 2

    def apply(self, names: tuple[str, ...], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities, shape (classes, n); of two classes and more they add up to 1."""
        corrected = matrix.copy()
        for at, name in enumerate(names):
            sums = self._sums.get(name)
            if sums is not None:
                shift = sums[1] / (sums[0] + PSEUDO_ROWS)
                corrected[at] = np.clip(matrix[at] + shift[_cells(matrix[at])], 0.0, 1.0)
        if len(names) > 1:
            total = corrected.sum(axis=0)
            corrected = np.where(total > 0, corrected / np.where(total > 0, total, 1.0), 1.0 / len(names))
        return corrected

    def to_json(self) -> dict[str, Any]:
        return {name: sums.tolist() for name, sums in self._sums.items()}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Calibrator:
        result = cls()
        known = {name: np.asarray(sums, dtype=np.float64) for name, sums in state.items()}
        result._sums = {name: sums for name, sums in known.items() if sums.shape == (2, CELLS)}  # other cells: learnt anew
        return result


def _cells(probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(EDGES, probabilities, side="right").astype(np.int64)
