"""Confidence-based performance estimation: what the confusion matrix must be on average, if the probabilities are honest.

A row predicted k adds its probability of class j to cell (j, k). Sums over rows are the expected counts (NannyML's CBPE, Kivimäki et al. 2024).
It sees covariate shift. It can't see concept drift: there the probabilities themselves are wrong, and only labels tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.scores import ScoreCounts

REST = "_rest"  # everything but the one class whose probability is known
MAX_CLASSES = 20  # expected cells are classes²


@dataclass(slots=True)
class ExpectedCounts:
    """Additive. ``positive``: the class the ranking is about (binary only)."""

    n: float = 0.0
    correct: float = 0.0  # Σ probability of the predicted class
    doubt: float = 0.0  # Σ q·(1 − q) of it: the variance of the number correct
    confusion: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    scores: ScoreCounts = field(default_factory=ScoreCounts)
    positive: str | None = None

    def add(self, names: tuple[str, ...], honest: NDArray[np.float64], raw: NDArray[np.float64], made: NDArray[np.intp]) -> None:
        """``honest`` and ``raw``: calibrated and given probabilities (classes ≥ 2, n); ``made``: the predicted classes' places in ``names`` (n,)."""
        own = honest[made, np.arange(len(made))]
        self.n += len(made)
        self.correct += float(own.sum())
        self.doubt += float((own * (1 - own)).sum())
        if len(names) <= MAX_CLASSES:
            for label, probabilities in zip(names, honest, strict=True):
                masses = np.bincount(made, weights=probabilities, minlength=len(names))
                for prediction, mass in zip(names, masses.tolist(), strict=True):
                    if mass:
                        self.confusion[label, prediction] = self.confusion.get((label, prediction), 0.0) + mass
        if self.positive in names:
            at = names.index(self.positive)
            self.scores.add_expected(raw[at], honest[at])

    @classmethod
    def merged(cls, many: Iterable[ExpectedCounts]) -> ExpectedCounts:
        group, result = list(many), cls()
        for item in group:
            result.n += item.n
            result.correct += item.correct
            result.doubt += item.doubt
            result.positive = result.positive or item.positive
            for pair, mass in item.confusion.items():
                result.confusion[pair] = result.confusion.get(pair, 0.0) + mass
        result.scores = ScoreCounts.merged(item.scores for item in group)
        return result

    def to_json(self) -> dict[str, Any]:
        return {
            "sums": [self.n, self.correct, self.doubt],
            "confusion": [[*pair, mass] for pair, mass in self.confusion.items()],
            "scores": self.scores.to_json(),
            "positive": self.positive,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ExpectedCounts:
        confusion = {(label, prediction): float(mass) for label, prediction, mass in state["confusion"]}
        n, correct, doubt = state["sums"]
        return cls(n, correct, doubt, confusion, ScoreCounts.from_json(state["scores"]), state["positive"])
