"""What the model was worth on the reference, where the truth about its rows is known: the bar for later, and the first calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neural.monitoring.performance.calibrator import Calibrator
from neural.monitoring.performance.estimate import Estimator
from neural.monitoring.performance.joiner import LabelJoiner
from neural.monitoring.performance.labels import Label
from neural.monitoring.performance.loss_trees import LossTrees
from neural.monitoring.performance.losses import LossModel
from neural.monitoring.performance.pane import PerformancePane, PerformanceWindow
from neural.monitoring.performance.rows import Expect
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.performance.values import pane_metrics
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX, Column, LabelledBatch, RecordBatch

TRUTH = "label"
"""The column of a reference that says what came true; only where the model's answers stand beside it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """``metrics``: by name, of the labelled reference rows. ``pane``: what they add up to; ``batches``: the rows, for
    whoever learns from them."""

    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    labels: int = 0
    pane: PerformancePane = field(default_factory=PerformancePane)
    batches: tuple[LabelledBatch, ...] = ()
    trees: LossTrees | None = None
    reference: str = ""
    """Hash of the reference that the rows are of; empty without labelled rows."""

    @property
    def expect(self) -> Expect | None:
        """Errors to expect of rows, where the labelled reference is a regression's and has enough of them."""
        return None if self.trees is None else self.trees.expect

    def learnt(self) -> tuple[Calibrator, LossModel]:
        """A fresh calibrator and loss model that have seen the reference: estimates are calibrated before the first label comes."""
        estimator = Estimator(None, 1.0)
        for batch in self.batches:
            estimator.observe_labels(batch)
        return estimator.calibrator, estimator.losses


def has_truth(columns: Mapping[str, Column]) -> bool:
    """A column ``label`` is the truth when the model's answers are there too, and a feature like any other when they are not."""
    answered = any(name == PREDICTION or name.startswith(PROBABILITY_PREFIX) for name in columns)
    return TRUTH in columns and answered


def baseline_of(columns: Mapping[str, Column], settings: PerformanceSettings | None = None) -> Baseline:
    """From the columns of a reference; rows without a label are left out. Empty where nothing can be compared."""
    settings = settings or PerformanceSettings()
    truth = columns[TRUTH]
    n = len(truth)
    unbounded = settings.model_copy(update={"max_pending": max(n, 1), "segments": ()})
    joiner = LabelJoiner(unbounded)
    ids = [str(at) for at in range(n)]
    joiner.observe_rows(_batch(columns, ids))
    values: list[Any] = truth.values.tolist()
    rows = np.flatnonzero(~truth.missing)
    batches = joiner.add_labels([Label(ids[at], values[at], 0.0) for at in rows.tolist()])
    window = PerformanceWindow(settings.max_classes, 1.0)
    for batch in batches:
        window.add(batch)
    pane = window.merged()
    found = pane_metrics(pane, settings.confidence, settings.positive_class)
    metrics = {name: metric.value for name, metric in found.items() if metric.value is not None}
    return Baseline(metrics, sum(len(batch) for batch in batches), pane, tuple(batches), _trees(columns, batches))


def _trees(columns: Mapping[str, Column], batches: Sequence[LabelledBatch]) -> LossTrees | None:
    """Learnt from the features of the labelled rows; None for a classification."""
    batch = next((batch for batch in batches if batch.predictions.dtype != object), None)
    if batch is None:
        return None
    rows = np.array([int(row_id) for row_id in batch.row_ids], dtype=np.int64)
    features = {
        name: Column(name, column.kind, column.values[rows], column.missing[rows])
        for name, column in columns.items()
        if not name.startswith("@") and name != TRUTH
    }
    return LossTrees.fit(features, batch.predictions, np.abs(batch.predictions - batch.labels.astype(np.float64)))


def _batch(columns: Mapping[str, Column], ids: list[str]) -> RecordBatch:
    probabilities = {
        name.removeprefix(PROBABILITY_PREFIX): column.values.astype(np.float64)
        for name, column in columns.items()
        if name.startswith(PROBABILITY_PREFIX)
    }
    return RecordBatch("", "", np.zeros(len(ids)), ids, {}, columns.get(PREDICTION), probabilities)
