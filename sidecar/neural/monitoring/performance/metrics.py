"""The metrics of classification counts, equal to scikit-learn's, with confidence intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.averages import averages
from neural.monitoring.performance.by_class import one_class
from neural.monitoring.performance.classification import ClassificationCounts
from neural.monitoring.performance.intervals import Interval, normal, wilson
from neural.monitoring.performance.measured import Metric
from neural.monitoring.performance.scores import Ranking


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


def classification_metrics(
    counts: ClassificationCounts, confidence: float = 0.95, wanted: str | None = None
) -> dict[str, Metric]:
    """Every classification metric by name.

    With two classes precision, recall and F1 are the positive class's; with more they are macro averages. ``*_macro`` and ``*_weighted``
    are the averages over classes, plain and by support. Values are None, never NaN, where a metric is undefined.
    """
    names, matrix = confusion_matrix(counts)
    n = float(matrix.sum())
    if n <= 0:
        return {}
    positive = positive_class(sorted({*names, *counts.scores}), wanted)
    hits = float(np.trace(matrix))
    metrics = {"accuracy": Metric(hits / n, wilson(hits, n, confidence))}
    means = {name: Metric(*one) for name, one in averages(matrix, confidence).items()}
    if positive is not None:
        metrics |= _binary(names, matrix, positive, confidence)
        metrics |= _ranked(counts.ranking(positive), confidence)
    else:
        metrics |= {name: means[f"{name}_macro"] for name in ("precision", "recall", "f1")}
        metrics |= _ranked_many(counts, confidence)
    metrics |= means
    return metrics | _losses(counts, confidence)


def _binary(names: Sequence[str], matrix: NDArray[np.float64], positive: str, confidence: float) -> dict[str, Metric]:
    if positive not in names:
        return {name: Metric(None) for name in ("precision", "recall", "f1")}
    return dict(one_class(matrix, names.index(positive), positive, confidence).items())


def _ranked(ranking: Ranking | None, confidence: float) -> dict[str, Metric]:
    """The interval is widened by what folding the scores may have cost."""
    if ranking is None:
        return {}
    auc = ranking.roc_auc
    interval = normal(auc, ranking.roc_auc_variance, confidence, low=0.0, high=1.0, method="delong")
    if ranking.auc_error:
        low, high = max(interval.low - ranking.auc_error, 0.0), min(interval.high + ranking.auc_error, 1.0)
        interval = Interval(low, high, f"delong, ±{ranking.auc_error:.2g} for folded scores")
    return {
        "roc_auc": Metric(auc, interval),
        "pr_auc": Metric(ranking.average_precision, _precision_interval(ranking, confidence)),
    }


def _precision_interval(ranking: Ranking, confidence: float) -> Interval | None:
    """Average precision as a proportion of the positives (the binomial interval of Boyd, Eng and Page 2013)."""
    found = wilson(ranking.average_precision * ranking.positives, ranking.positives, confidence)
    return None if found is None else Interval(found.low, found.high, "wilson, positives as trials")


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
    doubt = sum(math.sqrt(one.average_precision * (1 - one.average_precision) / one.positives) for one in known) / len(known)
    width = normal(precision, doubt * doubt, confidence, low=0.0, high=1.0, method="binomial, classes fully correlated")
    return {"roc_auc": Metric(auc, interval), "pr_auc": Metric(precision, width)}


def _losses(counts: ClassificationCounts, confidence: float) -> dict[str, Metric]:
    if counts.scored <= 0:
        return {}
    intervals = counts.loss_intervals(confidence)
    return {
        "log_loss": Metric(max(counts.log_loss / counts.scored, 0.0), intervals["log_loss"]),
        "brier": Metric(max(counts.brier / counts.scored, 0.0), intervals["brier"]),
        "ece": Metric(counts.calibration.expected_error, counts.calibration.interval(confidence)),
    }


def binary_from(names: Sequence[str], matrix: NDArray[np.float64], positive: str) -> list[tuple[str, float, float]]:
    """(metric, value, rows it rests on) of a confusion matrix whose counts may be expectations; undefined ones are left out."""
    if positive not in names:
        return []
    at = names.index(positive)
    true, called, labelled = float(matrix[at, at]), float(matrix[:, at].sum()), float(matrix[at].sum())
    shares = (("precision", true, called), ("recall", true, labelled), ("f1", 2 * true, called + labelled))
    return [(name, min(top / bottom, 1.0), bottom) for name, top, bottom in shares if bottom > 0]
