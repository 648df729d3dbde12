"""Direct loss estimation: the error to expect of a prediction, from the errors of predictions like it whose labels have come.

"Like it" means: in the same leaves of trees that a labelled reference has taught (``loss_trees``); without one, in the same cell of the
predictions' own quantiles. Cells with few labels lean on the mean of all. It sees a shift towards
predictions that are harder; it can't see that a relation has changed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.slots import slots

CELLS = 16
FIRST_LABELS = 200  # labels gathered before the cells are laid
PSEUDO_ROWS = 5.0  # a cell's mean error is half its own after so many labels
_KEPT = 100_000.0
_LATELY = 5_000.0  # labels over which the trees are corrected
_PRIOR_LABELS = 500.0


class LossModel:
    """Cells are laid once, over the first labelled predictions, and kept."""

    def __init__(self) -> None:
        self._edges: NDArray[np.float64] | None = None
        self._first: list[tuple[float, float]] = []
        self._sums: NDArray[np.float64] = np.zeros((3, CELLS))  # n, Σ |error|, Σ error²
        self._panes: dict[float, NDArray[np.float64]] = {}  # start → predictions a cell
        self._foreseen: dict[float, NDArray[np.float64]] = {}  # start → rows n, Σ expected |error|, Σ expected error²
        self._drift: NDArray[np.float64] = np.zeros((2, 2))  # Σ came, Σ expected of |error|; of error²

    def observe(
        self, predictions: NDArray[np.float64], starts: NDArray[np.float64], expected: NDArray[np.float64] | None = None
    ) -> None:
        """Count predictions (n,) into the panes that start at ``starts`` (n,). Before the cells are laid nothing can be counted.

        ``expected``: (2, n), what trees learnt on a labelled reference expect; their sums then go before the cells.
        """
        if expected is not None:
            for start, chosen in slots(starts):
                errors = expected[:, chosen]
                self._foreseen[start] = self._foreseen.get(start, np.zeros(3)) + np.array([errors.shape[1], *errors.sum(axis=1)])
        if self._edges is None:
            return
        known = np.isfinite(predictions)
        cells = np.searchsorted(self._edges, predictions[known])
        for start, chosen in slots(starts[known]):
            self._panes[start] = self._panes.get(start, np.zeros(CELLS)) + np.bincount(cells[chosen], minlength=CELLS)

    def learn(
        self, predictions: NDArray[np.float64], labels: NDArray[np.float64], foreseen: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take labelled rows in; returns what |error| was expected of them, and what it was. Empty until the cells are laid.

        ``foreseen``: (n,) what the trees expected: by how much they are off lately corrects what they say next.
        """
        known = np.isfinite(predictions) & np.isfinite(labels) & (np.abs(predictions - labels) < 1e75)
        made, errors = predictions[known], np.abs(predictions[known] - labels[known])
        if foreseen is not None:
            said = foreseen[known] * self._factors()[0]
            self._correct(foreseen[known], errors)
            self._learn_cells(made, errors)
            return said, errors
        return self._learn_cells(made, errors)

    def _correct(self, foreseen: NDArray[np.float64], errors: NDArray[np.float64]) -> None:
        self._drift += [[errors.sum(), foreseen.sum()], [np.square(errors).sum(), np.square(foreseen).sum()]]
        if self._drift[0, 1] > 0 and len(errors):
            rows = self._drift[0, 1] / max(float(foreseen.mean()), 1e-300)
            if rows > _LATELY:
                self._drift *= _LATELY / rows

    def _factors(self) -> NDArray[np.float64]:
        """What came over what was expected, of |error| and of error², drawn to 1 by ``_PRIOR_LABELS`` rows' worth."""
        came, expected = self._drift.T
        mean = expected / _LATELY
        prior = _PRIOR_LABELS * np.where(mean > 0, mean, 1.0)
        ratio: NDArray[np.float64] = (came + prior) / (expected + prior)
        return np.array([ratio[0], ratio[0] ** 2])

    def _learn_cells(
        self, made: NDArray[np.float64], errors: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self._edges is None:
            self._first += zip(made.tolist(), errors.tolist(), strict=True)
            if len(self._first) >= FIRST_LABELS:
                self._lay()
            return np.empty(0), np.empty(0)
        cells = np.searchsorted(self._edges, made)
        expected = self._means()[0][cells]
        self._take(cells, errors)
        return expected, errors

    def _lay(self) -> None:
        made, errors = (np.array(column) for column in zip(*self._first, strict=True))
        self._edges = np.quantile(made, np.arange(1, CELLS) / CELLS)
        self._first = []
        self._take(np.searchsorted(self._edges, made), errors)

    def _take(self, cells: NDArray[np.intp], errors: NDArray[np.float64]) -> None:
        for row, weights in enumerate((np.ones(len(cells)), errors, np.square(errors))):
            self._sums[row] += np.bincount(cells, weights=weights, minlength=CELLS)
        if self._sums[0].sum() > _KEPT:
            self._sums /= 2

    def _means(self) -> NDArray[np.float64]:
        """Mean |error| and mean error² of each cell, shape (2, CELLS), shrunk towards the mean of all."""
        overall = self._sums[1:].sum(axis=1) / max(float(self._sums[0].sum()), 1.0)
        shrunk: NDArray[np.float64] = (self._sums[1:] + PSEUDO_ROWS * overall[:, None]) / (self._sums[0] + PSEUDO_ROWS)
        return shrunk

    def values(self) -> Iterator[tuple[str, float, float, float]]:
        """(metric, estimate, standard error, rows): mae and rmse of the predictions counted."""
        if self._foreseen:
            rows, first, second = sum(self._foreseen.values(), np.zeros(3))
            factors = self._factors()
            yield from _readings(float(first / rows * factors[0]), float(second / rows * factors[1]), float(rows))
            return
        counts = sum(self._panes.values(), np.zeros(CELLS))
        n = float(counts.sum())
        if self._edges is None or n <= 0:
            return
        absolute, squares = (float(counts @ means) / n for means in self._means())
        yield from _readings(absolute, squares, n)

    def expire(self, before: float) -> None:
        for panes in (self._panes, self._foreseen):
            for start in [start for start in panes if start < before]:
                del panes[start]

    def to_json(self) -> dict[str, Any]:
        return {
            "edges": None if self._edges is None else self._edges.tolist(),
            "first": self._first,
            "sums": self._sums.tolist(),
            "panes": [[start, counts.tolist()] for start, counts in self._panes.items()],
            "foreseen": [[start, sums.tolist()] for start, sums in self._foreseen.items()],
            "drift": self._drift.tolist(),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> LossModel:
        result = cls()
        result._edges = None if state["edges"] is None else np.asarray(state["edges"], dtype=np.float64)
        result._first = [(float(made), float(error)) for made, error in state["first"]]
        result._sums = np.asarray(state["sums"], dtype=np.float64)
        result._panes = {float(start): np.asarray(counts, dtype=np.float64) for start, counts in state["panes"]}
        result._foreseen = {float(start): np.asarray(sums, dtype=np.float64) for start, sums in state.get("foreseen", ())}
        if "drift" in state:
            result._drift = np.asarray(state["drift"], dtype=np.float64).reshape(2, 2)
        return result


def _readings(absolute: float, squares: float, n: float) -> Iterator[tuple[str, float, float, float]]:
    yield "mae", absolute, math.sqrt(max(squares - absolute * absolute, 0.0) / n), n
    yield "rmse", math.sqrt(squares), math.sqrt(squares / (2 * n)), n
