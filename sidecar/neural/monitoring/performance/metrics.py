"""The metrics of classification counts, equal to scikit-learn's, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.classification import ClassificationCounts
from neural.monitoring.performance.intervals import Interval, normal, wilson
from neural.monitoring.performance.scores import Ranking

MAX_SHOWN_CLASSES = 20


@dataclass(frozen=True, slots=True)
class Metric:
    """A value with its interval. None: it can't be known from these counts."""

    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Precision, recall and F1 of one class; 0 where undefined, as scikit-learn's ``zero_division=0``."""

    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(counts: ClassificationCounts) -> tuple[list[str], NDArray[np.float64]]:
    """Class names in order, and counts of shape (classes, classes): row label, column prediction."""
    names = sorted({name for pair in counts.confusion for name in pair})
    place = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    for (label, prediction), count in counts.confusion.items():
        matrix[place[label], place[prediction]] = count
    return names, matrix


def positive_class(names: Sequence[str], wanted: str | None) -> str | None:
    """The class the binary metrics are about; None when there are more than two classes."""
    if wanted is not None:
        return wanted
    if len(names) > 2:
        return None
    if "1" in names or set(names) == {"0"}:
        return "1"
    return names[-1] if len(names) == 2 else None


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


def class_evidence(counts: ClassificationCounts) -> list[dict[str, float | str]]:
    """Precision, recall, F1 and support of the most frequent classes, at most ``MAX_SHOWN_CLASSES``."""
    scores = by_class(*confusion_matrix(counts))
    ranked = sorted(scores.items(), key=lambda item: (-item[1].support, item[0]))[:MAX_SHOWN_CLASSES]
    return [
        {"class": name, "precision": one.precision, "recall": one.recall, "f1": one.f1, "support": one.support}
        for name, one in ranked
    ]


def classification_metrics(
    counts: ClassificationCounts, confidence: float = 0.95, wanted: str | None = None
) -> dict[str, Metric]:
    """Every classification metric by name.

    With two classes precision, recall and F1 are the positive class's; with more they are macro averages, and
    ``*_weighted`` are the averages by support. Values are None, never NaN, where a metric is undefined.
    """
    names, matrix = confusion_matrix(counts)
    n = float(matrix.sum())
    if n <= 0:
        return {}
    positive = positive_class(sorted({*names, *counts.scores}), wanted)
    hits = float(np.trace(matrix))
    metrics = {"accuracy": Metric(hits / n, wilson(hits, n, confidence))}
    if positive is not None:
        metrics |= _binary(names, matrix, positive, confidence)
        metrics |= _ranked(counts.ranking(positive), confidence)
    else:
        metrics |= _averages(matrix, confidence)
        metrics |= _ranked_many(counts, confidence)
    return metrics | _losses(counts, confidence)


def _binary(names: Sequence[str], matrix: NDArray[np.float64], positive: str, confidence: float) -> dict[str, Metric]:
    """F1 is 2J/(1+J) of the share J = TP/(TP+FP+FN): its interval is J's, carried over."""
    if positive not in names:
        return {name: Metric(None) for name in ("precision", "recall", "f1")}
    at = names.index(positive)
    true = float(matrix[at, at])
    called, labelled = float(matrix[:, at].sum()), float(matrix[at].sum())
    touched = called + labelled - true
    shared = wilson(true, touched, confidence)
    f1 = Interval(_f1(shared.low), _f1(shared.high), "wilson of TP/(TP+FP+FN)") if shared else None
    return {
        "precision": Metric(true / called if called else None, wilson(true, called, confidence)),
        "recall": Metric(true / labelled if labelled else None, wilson(true, labelled, confidence)),
        "f1": Metric(2 * true / (called + labelled) if touched else None, f1),
    }


def _averages(matrix: NDArray[np.float64], confidence: float) -> dict[str, Metric]:
    """Macro and weighted averages. Intervals by the delta method over the multinomial of the confusion matrix."""
    labels, calls, hits = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    k = len(matrix)
    own = np.eye(k)[:, :, None] * np.eye(k)[:, None, :]  # (class, row, column): the class's own cell
    row = np.broadcast_to(np.eye(k)[:, :, None], (k, k, k))
    column = np.broadcast_to(np.eye(k)[:, None, :], (k, k, k))
    parts = {
        "precision": (hits, calls, column, 1.0),
        "recall": (hits, labels, row, 1.0),
        "f1": (2 * hits, labels + calls, row + column, 2.0),
    }
    metrics: dict[str, Metric] = {}
    for name, (top, bottom, touches, weight) in parts.items():
        safe = np.where(bottom > 0, bottom, 1.0)
        value = np.where(bottom > 0, top / safe, 0.0)
        slope = (weight * own - value[:, None, None] * touches) / safe[:, None, None]
        mean = float(value.mean())
        variance = float((matrix * np.square(slope.mean(axis=0))).sum())
        metrics[name] = Metric(mean, normal(mean, variance, confidence, low=0.0, high=1.0, method="delta"))
        metrics[f"{name}_weighted"] = Metric(float(value @ labels / labels.sum()))
    return metrics


def _ranked(ranking: Ranking | None, confidence: float) -> dict[str, Metric]:
    """The interval is widened by what folding the scores may have cost."""
    if ranking is None:
        return {}
    auc = ranking.roc_auc
    interval = normal(auc, ranking.roc_auc_variance, confidence, low=0.0, high=1.0, method="delong")
    if ranking.auc_error:
        low, high = max(interval.low - ranking.auc_error, 0.0), min(interval.high + ranking.auc_error, 1.0)
        interval = Interval(low, high, f"delong, ±{ranking.auc_error:.2g} for folded scores")
    return {"roc_auc": Metric(auc, interval), "pr_auc": Metric(ranking.average_precision)}


def _ranked_many(counts: ClassificationCounts, confidence: float) -> dict[str, Metric]:
    """Macro average of one-against-the-rest; None unless every class ranks. Its interval takes the classes as fully correlated."""
    rankings = [scores.ranking() for scores in counts.scores.values()]
    known = [ranking for ranking in rankings if ranking is not None]
    if not known or len(known) != len(rankings):
        return {}
    auc = sum(ranking.roc_auc for ranking in known) / len(known)
    spread = sum(math.sqrt(ranking.roc_auc_variance) for ranking in known) / len(known)
    interval = normal(auc, spread * spread, confidence, low=0.0, high=1.0, method="delong, classes fully correlated")
    precision = sum(ranking.average_precision for ranking in known) / len(known)
    return {"roc_auc": Metric(auc, interval), "pr_auc": Metric(precision)}


def _losses(counts: ClassificationCounts, confidence: float) -> dict[str, Metric]:
    if counts.scored <= 0:
        return {}
    intervals = counts.loss_intervals(confidence)
    return {
        "log_loss": Metric(max(counts.log_loss / counts.scored, 0.0), intervals["log_loss"]),
        "brier": Metric(max(counts.brier / counts.scored, 0.0), intervals["brier"]),
        "ece": Metric(counts.calibration.expected_error),
    }


def binary_from(names: Sequence[str], matrix: NDArray[np.float64], positive: str) -> list[tuple[str, float, float]]:
    """(metric, value, rows it rests on) of a confusion matrix whose counts may be expectations; undefined ones are left out."""
    if positive not in names:
        return []
    at = names.index(positive)
    true, called, labelled = float(matrix[at, at]), float(matrix[:, at].sum()), float(matrix[at].sum())
    shares = (("precision", true, called), ("recall", true, labelled), ("f1", 2 * true, called + labelled))
    return [(name, min(top / bottom, 1.0), bottom) for name, top, bottom in shares if bottom > 0]


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else 0.0


def _f1(share: float) -> float:
    return 2 * share / (1 + share)
