"""What an acknowledged column has become, where the reference has seasons: learnt by hour, for as long as it takes for each to come by once."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.episode import PRIOR_ROWS
from neural.monitoring.windows.seasons import FEWEST_ROWS


class Relearnt:
    """One column. An ``Expectation`` of rows in hours that are known: when all have come by, those with ``FEWEST_ROWS`` or more."""

    def __init__(self, prior: NDArray[np.float64], hours: int, since: float) -> None:
        """``prior``: pseudo-counts that say which bins there are, (bins,); ``since``: Unix seconds."""
        self._until = since + hours * 3600.0
        self._prior = prior * (PRIOR_ROWS / prior.sum())
        self._seen = np.zeros((hours, len(prior)))

    @property
    def hours(self) -> int:
        return len(self._seen)

    def learn(self, counts: NDArray[np.float64], hours: NDArray[np.float64], now: float) -> bool:
        """Take in counts, (bins,), and their rows by hour, while these are not known. False where they are: the counts can be judged."""
        unknown = (hours > 0) & ((now <= self._until) | (self._seen.sum(axis=1) < FEWEST_ROWS))
        if not unknown.any():
            return False
        if counts.any():
            self._seen[unknown] += counts * (hours[unknown] / hours.sum())[:, None]
        return True

    def pseudo_counts(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of rows by hour, (k, hours): a Dirichlet's parameters, (k, bins); the mixture of the hours, worth what these weigh together."""
        n = np.maximum(self._seen.sum(axis=1), 1e-300)
        total = rows.sum(axis=1, keepdims=True)
        weights = rows / np.maximum(total, 1e-300)
        worth = 1.0 / np.maximum((weights * weights / n).sum(axis=1), 1e-300)
        found: NDArray[np.float64] = (weights @ (self._seen / n[:, None])) * worth[:, None] + self._prior
        return np.where(total > 0, found, self._prior)

    def doubt(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        """As of an ``Expectation``, (1,)."""
        n = np.maximum(self._seen.sum(axis=1), 1.0)
        apart = a / max(float(a.sum()), 1.0) - b / max(float(b.sum()), 1.0)
        return np.array([float((apart * apart / n).sum())])

    def snapshot(self) -> list[list[float]]:
        found: list[list[float]] = self._seen.tolist()
        return found

    def restored(self, seen: Any) -> Self:
        self._seen = np.array(seen, dtype=np.float64).reshape(self._seen.shape)
        return self
