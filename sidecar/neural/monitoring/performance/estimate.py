"""Performance before labels come, with the estimate's own track record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.by_class import by_class
from neural.monitoring.performance.calibrator import Calibrator
from neural.monitoring.performance.expected import REST, ExpectedCounts
from neural.monitoring.performance.labels import class_names
from neural.monitoring.performance.losses import LossModel
from neural.monitoring.performance.metrics import binary_from, positive_class
from neural.monitoring.performance.record import TrackRecord
from neural.monitoring.performance.rows import Rows
from neural.monitoring.performance.slots import slots
from neural.monitoring.records import Coding, LabelledBatch

ESTIMATED = ("accuracy", "precision", "recall", "f1", "roc_auc")


class Estimator:
    """Of one model version. Classification by CBPE, regression by the errors seen near such predictions.

    ``calibrator`` and ``losses`` may have learnt from a labelled reference already.
    """

    def __init__(
        self, positive: str | None, width: float, calibrator: Calibrator | None = None, losses: LossModel | None = None
    ) -> None:
        self._positive, self._width = positive, width
        self._panes: dict[float, ExpectedCounts] = {}
        self.calibrator = calibrator or Calibrator()
        self.record = TrackRecord()
        self.losses = losses or LossModel()

    def observe_rows(self, rows: Rows) -> None:
        """Add predictions, whether or not their labels will ever come."""
        starts = np.floor(rows.times / self._width) * self._width
        if rows.layout.regression:
            self.losses.observe(rows.predictions, starts, rows.expected)
            return
        usable = np.isfinite(rows.probabilities).all(axis=0) if len(rows.layout.classes) else np.zeros(len(rows), dtype=np.bool_)
        coding = rows.coding if rows.coding is not None else Coding.of(rows.predictions.tolist())
        present = np.array([name is not None for name in coding.names], dtype=np.bool_)[coding.codes]
        known = usable & present
        probabilities = rows.probabilities
        if not known.all():
            starts, probabilities, coding = starts[known], probabilities[:, known], Coding(coding.names, coding.codes[known])
        if not len(starts):
            return
        names, raw, made = self._binary_or_many(rows.layout.classes, probabilities, coding)
        honest = self.calibrator.apply(names, raw)
        for start, chosen in slots(starts):
            pane = self._panes.setdefault(start, ExpectedCounts(positive=self._positive_of(names)))
            pane.add(names, honest[:, chosen], raw[:, chosen], made[chosen])

    def observe_labels(self, batch: LabelledBatch) -> None:
        """Judge what was expected of these rows, then learn from them. Corrections are left out: they were judged once."""
        first = np.ones(len(batch), dtype=np.bool_) if batch.corrected is None else ~batch.corrected
        if batch.predictions.dtype != object:
            foreseen = None if batch.expected_errors is None else batch.expected_errors[first]
            self.record.add(*self.losses.learn(batch.predictions[first], batch.labels[first].astype(np.float64), foreseen))
            return
        if not batch.probabilities:
            return
        matrix = np.vstack(list(batch.probabilities.values()))
        rows = np.flatnonzero(first & np.isfinite(matrix).all(axis=0))
        if not len(rows):
            return
        names, raw, made = self._binary_or_many(
            tuple(batch.probabilities), matrix[:, rows], Coding.of(batch.predictions[rows].tolist())
        )
        honest = self.calibrator.apply(names, raw)
        own = honest[made, np.arange(len(rows))]
        self.record.add(own, (batch.predictions[rows] == batch.labels[rows]).astype(np.float64))
        for name, values in zip(names, raw, strict=True):
            hits = ~np.isin(batch.labels[rows], list(batch.probabilities)) if name == REST else batch.labels[rows] == name
            self.calibrator.learn(name, values, hits.astype(np.bool_))

    @staticmethod
    def _binary_or_many(
        classes: tuple[str, ...], matrix: NDArray[np.float64], made: Coding
    ) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.intp]]:
        """(classes, their probabilities, each prediction's place among them).

        A lone probability gets its complement; a prediction that has no probability counts as the rest.
        """
        names = tuple(class_names(classes))
        matrix = np.clip(matrix, 0.0, 1.0)
        predicted = class_names(made.names)
        counts = made.counts()
        if len(names) == 1:
            names, matrix = (*names, REST), np.vstack([matrix, 1 - matrix])
        elif any(count and name not in names for name, count in zip(predicted, counts, strict=True)):
            names, matrix = (*names, REST), np.vstack([matrix, np.clip(1 - matrix.sum(axis=0), 0.0, 1.0)])
        places = {name: place for place, name in enumerate(names)}
        rest = places.get(REST, 0)
        return names, matrix, np.array([places.get(name, rest) for name in predicted], dtype=np.intp)[made.codes]

    def _positive_of(self, names: tuple[str, ...]) -> str | None:
        given = [name for name in names if name != REST]
        return given[0] if len(given) == 1 else positive_class(sorted(given), self._positive)

    def expire(self, before: float) -> None:
        for start in [start for start in self._panes if start + self._width <= before]:
            del self._panes[start]
        self.losses.expire(before - self._width)

    def set_width(self, width: float) -> None:
        """Panes of another width, from now on: the present ones are added up where they share one."""
        if width == self._width:
            return
        self._width = width
        groups: dict[float, list[ExpectedCounts]] = {}
        for start, pane in self._panes.items():
            groups.setdefault(math.floor(start / width) * width, []).append(pane)
        self._panes = {start: ExpectedCounts.merged(group) for start, group in groups.items()}

    def values(self) -> Iterator[tuple[str, float, float, float]]:
        """(metric, estimate, standard error, rows) over the predictions of the window."""
        total = ExpectedCounts.merged(self._panes.values())
        if total.n > 0:
            yield "accuracy", total.correct / total.n, math.sqrt(total.doubt) / total.n, total.n
            yield from self._shares(total)
        yield from self.losses.values()

    @staticmethod
    def _shares(total: ExpectedCounts) -> Iterator[tuple[str, float, float, float]]:
        names = sorted({name for pair in total.confusion for name in pair})
        matrix = np.array([[total.confusion.get((label, made), 0.0) for made in names] for label in names]).reshape(
            len(names), -1
        )
        if total.positive is not None:
            for name, value, n in binary_from(names, matrix, total.positive):
                yield name, value, math.sqrt(max(value * (1 - value), 0.0) / n), total.n
            ranking = total.scores.ranking()
            if ranking is not None:
                yield "roc_auc", ranking.roc_auc, math.sqrt(ranking.roc_auc_variance), total.n
        elif len(names) > 1:
            scores = by_class(names, matrix).values()
            for name in ("precision", "recall", "f1"):
                mean = sum(getattr(score, name) for score in scores) / len(names)
                yield name, mean, math.sqrt(max(mean * (1 - mean), 0.0) / total.n), total.n

    def to_json(self) -> dict[str, Any]:
        return {
            "width": self._width,
            "panes": [[start, pane.to_json()] for start, pane in self._panes.items()],
            "calibrator": self.calibrator.to_json(),
            "record": self.record.to_json(),
            "losses": self.losses.to_json(),
        }

    def fill(self, state: Mapping[str, Any]) -> None:
        self._width = float(state["width"])
        self._panes = {float(start): ExpectedCounts.from_json(pane) for start, pane in state["panes"]}
        self.calibrator = Calibrator.from_json(state["calibrator"])
        self.record = TrackRecord.from_json(state["record"])
        self.losses = LossModel.from_json(state["losses"])
