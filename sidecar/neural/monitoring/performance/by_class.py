"""Precision, recall and F1 of each class, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.intervals import Interval, wilson
from neural.monitoring.performance.measured import Metric

MAX_SHOWN_CLASSES = 20


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Of one class; 0 where undefined, as scikit-learn's ``zero_division=0``. ``support``: labels of this class."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Of one class, as they stand: None where undefined. ``called``: predictions of this class."""

    name: str
    support: int
    called: int
    precision: Metric
    recall: Metric
    f1: Metric

    def items(self) -> Iterator[tuple[str, Metric]]:
        yield "precision", self.precision
        yield "recall", self.recall
        yield "f1", self.f1


def by_class(names: Sequence[str], matrix: NDArray[np.float64]) -> dict[str, ClassScores]:
    hits, labels, calls = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return {
        name: ClassScores(
            precision=_ratio(hits[i], calls[i]),
            recall=_ratio(hits[i], labels[i]),
            f1=_ratio(2 * hits[i], labels[i] + calls[i]),
            support=int(labels[i]),
        )
        for i, name in enumerate(names)
    }


def one_class(matrix: NDArray[np.float64], at: int, name: str, confidence: float) -> ClassMetrics:
    """F1 is 2J/(1+J) of the share J = TP/(TP+FP+FN): its interval is J's, carried over."""
    true, called, labelled = float(matrix[at, at]), float(matrix[:, at].sum()), float(matrix[at].sum())
    touched = called + labelled - true
    shared = wilson(true, touched, confidence)
    f1 = Interval(_f1(shared.low), _f1(shared.high), "wilson of TP/(TP+FP+FN)") if shared else None
    return ClassMetrics(
        name,
        support=int(labelled),
        called=int(called),
        precision=Metric(true / called if called else None, wilson(true, called, confidence)),
        recall=Metric(true / labelled if labelled else None, wilson(true, labelled, confidence)),
        f1=Metric(2 * true / (called + labelled) if touched else None, f1),
    )


def class_metrics(names: Sequence[str], matrix: NDArray[np.float64], confidence: float) -> list[ClassMetrics]:
    """Of the most frequent classes, at most ``MAX_SHOWN_CLASSES``."""
    labels = matrix.sum(axis=1)
    ranked = sorted(range(len(names)), key=lambda at: (-labels[at], names[at]))[:MAX_SHOWN_CLASSES]
    return [one_class(matrix, at, names[at], confidence) for at in ranked]


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else 0.0


def _f1(share: float) -> float:
    return 2 * share / (1 + share)
