"""What of a batch of predictions the join needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.records import Coding, Column, Kind, RecordBatch

MISSING = "_missing"
_MAX_NAME = 64  # characters of a segment's name


class Layout(NamedTuple):
    """Rows of one layout share a block. ``classes``: the classes whose probabilities are known, in order."""

    model: str
    version: str
    regression: bool
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """``predictions``: float64 (n,) for regression, class names as given (object) for classification. ``probabilities``: (classes, n).

    ``segments``: values of the segment features as text, object of shape (features, n). ``expected``: of a regression, |error| and error²
    to expect, shape (2, n), where a labelled reference has taught it.
    """

    layout: Layout
    ids: Sequence[str]
    times: NDArray[np.float64]
    predictions: NDArray[Any]
    probabilities: NDArray[np.float64]
    segments: NDArray[Any]
    expected: NDArray[np.float64] | None = None
    coding: Coding | None = None  # of the predictions, where it is known

    def __len__(self) -> int:
        return len(self.times)


_Found = tuple[NDArray[Any], bool, Mapping[str, NDArray[np.float64]]]


Expect = Callable[[Mapping[str, Column], NDArray[np.float64]], NDArray[np.float64]]
"""(features, predictions) → expected |error| and error², shape (2, n)."""


def rows_of(batch: RecordBatch, settings: PerformanceSettings, expect: Expect | None = None) -> Rows | None:
    """None when the batch holds nothing to compare with a label."""
    if not len(batch):
        return None
    found = _classes(batch, settings) if settings.task == "classification" else _guess(batch)
    if found is None:
        return None
    predictions, regression, probabilities = found
    regression = regression or settings.task == "regression"
    made = batch.predictions
    matrix = np.empty((len(probabilities), len(batch)))
    for at, values in enumerate(probabilities.values()):
        matrix[at] = values
    return Rows(
        layout=Layout(batch.model, batch.version, regression, tuple(probabilities)),
        ids=batch.row_ids,
        times=batch.times,
        predictions=predictions if regression else predictions.astype(object, copy=False),
        probabilities=matrix,
        segments=_segments(batch, settings.segments),
        expected=expect(batch.features, predictions.astype(np.float64)) if regression and expect is not None else None,
        coding=None if made is None or predictions is not made.values else made.coding,
    )


def _segments(batch: RecordBatch, names: Sequence[str]) -> NDArray[Any]:
    result = np.full((len(names), len(batch)), MISSING, dtype=object)
    for at, name in enumerate(names):
        column = batch.features.get(name)
        if column is not None and column.kind is not Kind.EMBEDDING:
            known = {value: segment_name(value) for value in set(column.values.tolist())}
            result[at] = [known.get(value, MISSING) for value in column.values.tolist()]
    return result


def segment_name(value: Any) -> str:
    """A feature's value as the name of a segment: "AA", "3", "2.5"."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return MISSING
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:_MAX_NAME]


def _guess(batch: RecordBatch) -> _Found | None:
    """Numbers without probabilities are regression."""
    made = batch.predictions
    if made is not None and made.kind is Kind.NUMERIC and not batch.probabilities:
        return made.values, True, {}
    return _given(batch)


def _given(batch: RecordBatch) -> _Found | None:
    if batch.predictions is not None:
        return batch.predictions.values, False, batch.probabilities
    if not batch.probabilities:
        return None
    return _likeliest(batch.probabilities), False, batch.probabilities


def _classes(batch: RecordBatch, settings: PerformanceSettings) -> _Found | None:
    """With ``task: classification``: a number that is no whole one is the positive class's probability."""
    made = batch.predictions
    if made is None or made.kind is not Kind.NUMERIC or batch.probabilities:
        return _given(batch)
    values = np.asarray(made.values, dtype=np.float64)
    known = values[np.isfinite(values)]
    if not ((known >= 0) & (known <= 1)).all() or (known == np.floor(known)).all():
        return values, False, {}
    positive = settings.positive_class or "1"
    classes = np.where(values >= settings.score_threshold, positive, "0").astype(object)
    classes[~np.isfinite(values)] = None
    return classes, False, {positive: values}


def _likeliest(probabilities: Mapping[str, NDArray[np.float64]]) -> NDArray[Any]:
    """The class of highest probability; with a single class given, whether it is above one half."""
    names = list(probabilities)
    if len(names) == 1:
        return np.where(probabilities[names[0]] >= 0.5, names[0], "0").astype(object)
    matrix = np.nan_to_num(np.column_stack([probabilities[name] for name in names]), nan=-1.0)
    likeliest: NDArray[Any] = np.asarray(names, dtype=object)[matrix.argmax(axis=1)]
    return likeliest
