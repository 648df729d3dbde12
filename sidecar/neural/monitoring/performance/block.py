"""A run of predictions waiting for their labels: columns, found by the hash of the row id. About 40 bytes a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.hashing import hash_ids
from neural.monitoring.performance.labels import Scalar
from neural.monitoring.performance.packing import pack, unpack
from neural.monitoring.performance.rows import Layout, Rows


@dataclass(slots=True)
class Block:
    """n rows of one layout, in the order they came, and from the first look-up on by ``hashes`` (uint64; of equal ones the newest is last).

    Most predictions never get a label: they need not be sorted.
    ``sequence`` orders blocks by age. ``labels`` (object) and ``label_times`` (NaN: no label yet) exist once a row has a label.
    """

    layout: Layout
    sequence: int
    hashes: NDArray[np.uint64]
    times: NDArray[np.float64]
    predictions: NDArray[Any]
    probabilities: NDArray[np.float64]  # (classes, n)
    segments: NDArray[Any]  # (features, n)
    labels: NDArray[Any] | None = None
    label_times: NDArray[np.float64] | None = None
    expected: NDArray[np.float64] | None = None  # |error| to expect (n,)
    is_sorted: bool = False

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def newest(self) -> float:
        return float(self.times.max())

    @property
    def labelled(self) -> int:
        return 0 if self.label_times is None else int(np.count_nonzero(~np.isnan(self.label_times)))

    @classmethod
    def of(cls, parts: Sequence[Rows], sequence: int, key: int) -> Block:
        """A block of rows of one layout, in the order they came."""
        return cls(
            layout=parts[0].layout,
            sequence=sequence,
            hashes=np.concatenate([hash_ids(part.ids, key) for part in parts]),
            times=np.concatenate([part.times for part in parts]),
            predictions=np.concatenate([_shared(part) for part in parts]),
            probabilities=np.concatenate([part.probabilities for part in parts], axis=1),
            segments=np.concatenate([part.segments for part in parts], axis=1),
            expected=_joined([None if part.expected is None else part.expected[0] for part in parts]),
        )

    def merged(self, newer: Block) -> Block:
        """Both as one block."""
        result = Block(
            layout=self.layout,
            sequence=newer.sequence,
            hashes=np.concatenate([self.hashes, newer.hashes]),
            times=np.concatenate([self.times, newer.times]),
            predictions=np.concatenate([self.predictions, newer.predictions]),
            probabilities=np.concatenate([self.probabilities, newer.probabilities], axis=1),
            segments=np.concatenate([self.segments, newer.segments], axis=1),
            expected=_joined([self.expected, newer.expected]),
        )
        if self.labels is not None or newer.labels is not None:
            (old, old_times), (new, new_times) = self._label_columns(), newer._label_columns()
            result.labels = np.concatenate([old, new])
            result.label_times = np.concatenate([old_times, new_times])
        return result

    def _sort(self) -> None:
        if self.is_sorted:
            return
        order = _order(self.hashes)
        self.hashes, self.times, self.predictions = self.hashes[order], self.times[order], self.predictions[order]
        self.probabilities, self.segments = self.probabilities[:, order], self.segments[:, order]
        self.expected = None if self.expected is None else self.expected[order]
        if self.labels is not None and self.label_times is not None:
            self.labels, self.label_times = self.labels[order], self.label_times[order]
        self.is_sorted = True

    def _label_columns(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        if self.labels is None or self.label_times is None:
            return np.full(len(self), None, dtype=object), np.full(len(self), np.nan)
        return self.labels, self.label_times

    def find(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        """The row of each hash, −1 where there is none. Rows keep these places until another block is merged in."""
        self._sort()
        at = np.searchsorted(self.hashes, hashes, side="right") - 1
        return np.where((at >= 0) & (self.hashes[np.maximum(at, 0)] == hashes), at, -1)

    def label(self, row: int) -> tuple[Scalar, float] | None:
        """The row's label and when it arrived."""
        if self.labels is None or self.label_times is None or np.isnan(self.label_times[row]):
            return None
        return self.labels[row], float(self.label_times[row])

    def set_label(self, row: int, label: tuple[Scalar, float] | None) -> None:
        if self.labels is None or self.label_times is None:
            self.labels, self.label_times = self._label_columns()
        self.labels[row], self.label_times[row] = label if label is not None else (None, np.nan)

    def to_json(self) -> dict[str, Any]:
        labels, label_times = self._label_columns()
        return {
            "layout": list(self.layout),
            "sequence": self.sequence,
            "hashes": pack(self.hashes),
            "times": pack(self.times),
            "predictions": pack(self.predictions) if self.layout.regression else self.predictions.tolist(),
            "probabilities": pack(self.probabilities),
            "segments": self.segments.tolist(),
            "labels": None if self.labels is None else labels.tolist(),
            "label_times": None if self.label_times is None else pack(label_times),
            "expected": None if self.expected is None else pack(self.expected),
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Block:
        model, version, regression, classes = state["layout"]
        layout = Layout(model, version, bool(regression), tuple(classes))
        predictions = unpack(state["predictions"]) if layout.regression else _objects(state["predictions"])
        return cls(
            layout=layout,
            sequence=int(state["sequence"]),
            hashes=unpack(state["hashes"]).view(np.uint64),
            times=unpack(state["times"]),
            predictions=predictions,
            probabilities=unpack(state["probabilities"]).reshape(len(layout.classes), len(predictions)),
            segments=_matrix(state["segments"], len(predictions)),
            labels=None if state["labels"] is None else _objects(state["labels"]),
            label_times=None if state["label_times"] is None else unpack(state["label_times"]),
            expected=None if state.get("expected") is None else unpack(state["expected"]),
        )


def _order(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Ascending, equal ones in the order they came. Hashes are nearly always distinct, and then the sort need not be a stable one."""
    order = np.argsort(hashes)
    ascending = hashes[order]
    return np.argsort(hashes, kind="stable") if (ascending[1:] == ascending[:-1]).any() else order


def _joined(parts: Sequence[NDArray[np.float64] | None]) -> NDArray[np.float64] | None:
    """None unless every part has it."""
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known and len(known) == len(parts) else None


def _shared(rows: Rows) -> NDArray[Any]:
    """Equal class names as one object: rows then cost a pointer each. Coded ones are already."""
    values = rows.predictions
    if values.dtype != object or rows.coding is not None:
        return values
    given = values.tolist()
    if set(map(type, given)) == {str}:
        return _objects(list(map({value: value for value in given}.__getitem__, given)))
    names: dict[Any, Any] = {}
    return _objects([names.setdefault((type(value), value), value) for value in values])


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _matrix(rows: Sequence[Sequence[Any]], n: int) -> NDArray[Any]:
    result = np.empty((len(rows), n), dtype=object)
    for at, row in enumerate(rows):
        result[at] = row
    return result
