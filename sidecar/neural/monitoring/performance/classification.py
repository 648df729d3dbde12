"""Additive counts behind accuracy, precision, recall, F1, AUC, log loss, Brier score and calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.calibration import CalibrationCounts
from neural.monitoring.performance.intervals import Interval, mean_interval
from neural.monitoring.performance.scores import FINE, Fineness, Ranking, ScoreCounts

OTHER = "_other"
OTHER_WRONG = "_other_wrong"  # a prediction beyond the bound that missed its label
MAX_RANKED_CLASSES = 20  # classes whose scores are kept for AUC: memory is bounded by it
_ROUNDING = 1e-6  # servers compute in single precision; what lies further outside [0, 1] is no probability
_SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)  # scikit-learn's log_loss clips here


@dataclass(slots=True)
class ClassificationCounts:
    """Sums over n pairs of label and predicted class. ``confusion`` is keyed (label, prediction)."""

    max_classes: int = 100
    fineness: Fineness = FINE
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    scored: float = 0.0  # pairs with probabilities
    log_loss: float = 0.0
    log_loss_squares: float = 0.0
    brier: float = 0.0
    brier_squares: float = 0.0
    scores: dict[str, ScoreCounts] = field(default_factory=dict[str, ScoreCounts])  # by class, one against the rest
    calibration: CalibrationCounts = field(default_factory=CalibrationCounts)
    _known: set[str] = field(default_factory=set[str])

    def add(
        self,
        predictions: NDArray[Any],
        labels: NDArray[Any],
        probabilities: Mapping[str, NDArray[np.float64]],
        sign: float = 1.0,
    ) -> None:
        """Count pairs of class names (object arrays (n,)) with their probabilities by class. ``sign`` −1 takes them out again."""
        self._learn(labels, predictions)
        pairs = Counter(self._pair(label, made) for label, made in zip(labels, predictions, strict=True))
        for pair, count in pairs.items():
            self.confusion[pair] += int(sign) * count
            if not self.confusion[pair]:
                del self.confusion[pair]
        if probabilities and len(labels):
            self._add_scores(labels, probabilities, sign)

    def _learn(self, *arrays: NDArray[Any]) -> None:
        for name in sorted({name for names in arrays for name in names} - self._known):
            if len(self._known) >= self.max_classes:
                return
            self._known.add(name)

    def _pair(self, label: str, made: str) -> tuple[str, str]:
        """Classes beyond the bound share one name each side, such that a wrong prediction never looks right."""
        if label in self._known and made in self._known:
            return label, made
        if label == made:
            return OTHER, OTHER
        return label if label in self._known else OTHER, made if made in self._known else OTHER_WRONG

    def _add_scores(self, labels: NDArray[Any], probabilities: Mapping[str, NDArray[np.float64]], sign: float) -> None:
        names = list(probabilities)
        matrix = np.column_stack([probabilities[name] for name in names]).astype(np.float64)
        known = ((matrix >= -_ROUNDING) & (matrix <= 1 + _ROUNDING)).all(axis=1)
        if not known.any():
            return
        matrix, labels = matrix[known], labels[known]
        truth = np.column_stack([labels == name for name in names])
        if len(names) <= 2:
            self._add_binary(names, matrix, truth, sign)
        else:
            self._add_many(matrix, truth, sign)
        self.scored += sign * len(labels)
        for name, column, hits in zip(names[:MAX_RANKED_CLASSES], matrix.T, truth.T, strict=False):
            self.scores.setdefault(name, ScoreCounts(self.fineness)).add(column, hits, sign)

    def _add_binary(self, names: list[str], matrix: NDArray[np.float64], truth: NDArray[np.bool_], sign: float) -> None:
        """One probability, or two that are complements: the class that is called positive is settled when metrics are read."""
        hit = truth[:, 0]
        given = matrix[:, 0]
        of_label = np.where(hit, given, matrix[:, 1] if len(names) == 2 else 1 - given)
        self._add_losses(of_label, np.square(given - hit), sign)
        last = -1  # calibration of the class that sorts last, which is the positive one unless settings say otherwise
        column, hits = (matrix[:, last], truth[:, last]) if names == sorted(names) else (matrix[:, 0], truth[:, 0])
        self.calibration.add(column, hits, sign)

    def _add_many(self, matrix: NDArray[np.float64], truth: NDArray[np.bool_], sign: float) -> None:
        of_label = np.where(truth, matrix, 0.0).sum(axis=1)
        unnamed = ~truth.any(axis=1)  # a label the model has no probability for: its own term of the Brier score is 1
        self._add_losses(of_label, np.square(matrix - truth).sum(axis=1) + unnamed, sign)
        top = matrix.argmax(axis=1)
        self.calibration.add(matrix.max(axis=1), truth[np.arange(len(top)), top], sign)

    def _add_losses(self, of_label: NDArray[np.float64], brier: NDArray[np.float64], sign: float) -> None:
        losses = -np.log(np.clip(of_label, _SMALLEST_PROBABILITY, 1 - _SMALLEST_PROBABILITY))
        self.log_loss += sign * float(losses.sum())
        self.log_loss_squares += sign * float(losses @ losses)
        self.brier += sign * float(brier.sum())
        self.brier_squares += sign * float(brier @ brier)

    @property
    def n(self) -> int:
        return sum(self.confusion.values())

    def ranking(self, positive: str) -> Ranking | None:
        """Of the positive class, also when only the other class's probability is given (its mirror image)."""
        if positive in self.scores:
            return self.scores[positive].ranking()
        if len(self.scores) != 1:
            return None
        (only,) = self.scores.values()
        only.settle()
        mirrored = ScoreCounts(only.fineness)
        mirrored.values, mirrored.counts, mirrored.folded = (
            1 - only.values[::-1],
            np.ascontiguousarray(only.counts[::-1, ::-1]),
            only.folded,
        )
        return mirrored.ranking()

    def loss_intervals(self, confidence: float) -> dict[str, Interval | None]:
        return {
            "log_loss": mean_interval(self.log_loss, self.log_loss_squares, self.scored, confidence),
            "brier": mean_interval(self.brier, self.brier_squares, self.scored, confidence),
        }

    @classmethod
    def merged(cls, many: Iterable[ClassificationCounts]) -> ClassificationCounts:
        group = list(many)
        result = cls()
        for item in group:
            result.confusion.update(item.confusion)
            result.scored += item.scored
            result.log_loss += item.log_loss
            result.log_loss_squares += item.log_loss_squares
            result.brier += item.brier
            result.brier_squares += item.brier_squares
            result.calibration.merge(item.calibration)
        for name in {name: None for item in group for name in item.scores}:
            result.scores[name] = ScoreCounts.merged(item.scores[name] for item in group if name in item.scores)
        return result

    def to_json(self) -> dict[str, Any]:
        return {
            "max_classes": self.max_classes,
            "fineness": [self.fineness.atoms, self.fineness.cells],
            "confusion": [[*pair, count] for pair, count in self.confusion.items()],
            "sums": [self.scored, self.log_loss, self.log_loss_squares, self.brier, self.brier_squares],
            "scores": {name: item.to_json() for name, item in self.scores.items()},
            "calibration": self.calibration.to_json(),
            "known": sorted(self._known),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ClassificationCounts:
        fineness = Fineness(*state["fineness"]) if "fineness" in state else FINE
        result = cls(int(state["max_classes"]), fineness)
        for label, prediction, count in state["confusion"]:
            result.confusion[label, prediction] = count
        result.scored, result.log_loss, result.log_loss_squares, result.brier, result.brier_squares = state["sums"]
        result.scores = {name: ScoreCounts.from_json(item) for name, item in state["scores"].items()}
        result.calibration = CalibrationCounts.from_json(state["calibration"])
        result._known = set(state["known"])
        return result
