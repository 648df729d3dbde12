"""A run of predictions waiting for their labels, in columns."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.labels import Scalar
from neural.monitoring.performance.settings import PerformanceSettings
from neural.monitoring.records import Kind, RecordBatch


@dataclass(slots=True)
class Block:
    """Rows ``start`` … ``start + n − 1`` of one model and version.

    ``predictions``: float64 (n,) for regression, class names as given (object) for classification.
    ``labels``: row → (label, arrival), for the rows that have one.
    """

    model: str
    version: str
    start: int
    ids: Sequence[str]
    times: NDArray[np.float64]
    predictions: NDArray[Any]
    probabilities: Mapping[str, NDArray[np.float64]]
    regression: bool
    newest: float
    labels: dict[int, tuple[Scalar, float]] = field(default_factory=dict[int, tuple[Scalar, float]])

    def __len__(self) -> int:
        return len(self.ids)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "version": self.version,
            "ids": list(self.ids),
            "times": pack(self.times),
            "predictions": pack(self.predictions) if self.regression else list(self.predictions),
            "probabilities": {name: pack(values) for name, values in self.probabilities.items()},
            "regression": self.regression,
            "labels": [[row, label, at] for row, (label, at) in self.labels.items()],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any], start: int) -> Block:
        times = unpack(state["times"])
        regression = bool(state["regression"])
        return cls(
            model=state["model"],
            version=state["version"],
            start=start,
            ids=state["ids"],
            times=times,
            predictions=unpack(state["predictions"]) if regression else _objects(state["predictions"]),
            probabilities={name: unpack(values) for name, values in state["probabilities"].items()},
            regression=regression,
            newest=float(times.max()) if len(times) else 0.0,
            labels={int(row): (label, float(at)) for row, label, at in state["labels"]},
        )


def block_of(batch: RecordBatch, start: int, settings: PerformanceSettings) -> Block | None:
    """What of a batch the join needs; None when it holds nothing to compare with a label."""
    if not len(batch):
        return None
    found = _classes(batch, settings) if settings.task == "classification" else _guess(batch)
    if found is None:
        return None
    predictions, regression, probabilities = found
    return Block(
        model=batch.model,
        version=batch.version,
        start=start,
        ids=batch.row_ids,
        times=batch.times,
        predictions=predictions,
        probabilities=probabilities,
        regression=regression or settings.task == "regression",
        newest=float(batch.times.max()),
    )


_Found = tuple[NDArray[Any], bool, Mapping[str, NDArray[np.float64]]]


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
    return classes, False, {positive: values}


def _likeliest(probabilities: Mapping[str, NDArray[np.float64]]) -> NDArray[Any]:
    """The class of highest probability; with a single class given, whether it is above one half."""
    names = list(probabilities)
    if len(names) == 1:
        return np.where(probabilities[names[0]] >= 0.5, names[0], "0").astype(object)
    matrix = np.nan_to_num(np.column_stack([probabilities[name] for name in names]), nan=-1.0)
    likeliest: NDArray[Any] = np.asarray(names, dtype=object)[matrix.argmax(axis=1)]
    return likeliest


def pack(values: NDArray[Any]) -> str:
    """A float array as text that JSON can carry, exactly and briefly."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode("ascii")


def unpack(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), dtype="<f8").astype(np.float64)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result
