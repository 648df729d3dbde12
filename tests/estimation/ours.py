"""Our estimates of the same chunks: calibrated on the labelled reference, then with labels that come some chunks later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tests.estimation.worlds import Case, Part

from neural.monitoring.performance.baseline import TRUTH, baseline_of
from neural.monitoring.performance.estimate import Estimator
from neural.monitoring.performance.joiner import LabelJoiner
from neural.monitoring.performance.labels import Label
from neural.monitoring.performance.rows import rows_of
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX, Column, Kind, RecordBatch

METRICS = {"classification": ["accuracy", "roc_auc", "f1", "precision", "recall"], "regression": ["mae", "rmse"]}


@dataclass(frozen=True, slots=True)
class Estimates:
    """Metric → one estimate a chunk; ``seconds`` of CPU for all of it."""

    values: dict[str, list[float]]
    seconds: float


def estimate(case: Case, labels_after: int | None) -> Estimates:
    """``labels_after``: chunks until the labels of a chunk come; None: they never do."""
    task = "regression" if case.regression else "classification"
    settings = PerformanceSettings(task=task, max_pending=1_000_000, labels_within=1e9)
    begin = time.process_time()
    baseline = baseline_of(_columns(case.reference), settings)
    estimator = Estimator("1", 1.0, *baseline.learnt())
    joiner = LabelJoiner(settings, baseline.expect)
    chunks = case.analysis.chunks(case.chunk)
    found: dict[str, list[float]] = {}
    for number, chunk in enumerate(chunks):
        batch = _batch(chunk, number)
        joiner.observe_rows(batch)
        rows = rows_of(batch, settings, baseline.expect)
        assert rows is not None
        estimator.expire(float(number))  # the chunk before
        estimator.observe_rows(rows)
        said = {name: value for name, value, _, _ in estimator.values()}
        for name in METRICS[task]:
            found.setdefault(name, []).append(said.get(name, float("nan")))
        if labels_after is not None and number >= labels_after:
            past = number - labels_after
            for labelled in joiner.add_labels(_labels(chunks[past], past)):
                estimator.observe_labels(labelled)
    return Estimates(found, time.process_time() - begin)


def _columns(part: Part) -> dict[str, Column]:
    columns = _features(part)
    columns[TRUTH] = _column(TRUTH, part.labels, part.probability is not None)
    columns[PREDICTION] = _column(PREDICTION, part.predictions, part.probability is not None)
    if part.probability is not None:
        columns[f"{PROBABILITY_PREFIX}1"] = _column("p", part.probability, classes=False)
    return columns


def _features(part: Part) -> dict[str, Column]:
    return {f"f{at}": _column(f"f{at}", values, classes=False) for at, values in enumerate(part.features.T)}


def _batch(part: Part, number: int) -> RecordBatch:
    probabilities = {} if part.probability is None else {"1": part.probability}
    made = _column(PREDICTION, part.predictions, part.probability is not None)
    return RecordBatch("m", "1", np.full(len(part), number + 0.5), _ids(part, number), _features(part), made, probabilities)


def _labels(part: Part, number: int) -> list[Label]:
    classes = part.probability is not None
    return [
        Label(row_id, str(int(label)) if classes else float(label), number + 0.5)
        for row_id, label in zip(_ids(part, number), part.labels, strict=True)
    ]


def _ids(part: Part, number: int) -> Sequence[str]:
    return [f"{number}:{at}" for at in range(len(part))]


def _column(name: str, values: NDArray[np.float64], classes: bool) -> Column:
    missing = np.isnan(values)
    if classes:
        return Column(name, Kind.CATEGORICAL, np.array([str(int(value)) for value in values], dtype=object), missing)
    return Column(name, Kind.NUMERIC, values, missing)
