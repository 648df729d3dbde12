"""What one model version's labels add up to, pane by pane of their arrival."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.classification import ClassificationCounts
from neural.monitoring.performance.regression import RegressionCounts
from neural.monitoring.performance.segments import SegmentCounts
from neural.monitoring.performance.slots import slots
from neural.monitoring.records import LabelledBatch


@dataclass(slots=True)
class PerformancePane:
    """Additive counts of the labels that arrived in one stretch of time; ``oldest`` and ``newest`` are prediction times."""

    classification: ClassificationCounts | None = None
    regression: RegressionCounts | None = None
    segments: SegmentCounts = field(default_factory=SegmentCounts)
    labels: float = 0.0
    corrections: float = 0.0
    oldest: float | None = None
    newest: float | None = None

    @classmethod
    def merged(cls, many: Iterable[PerformancePane], max_segments: int = 50) -> PerformancePane:
        group, result = list(many), cls()
        result.segments = SegmentCounts.merged([pane.segments for pane in group], max_segments)
        classes = [pane.classification for pane in group if pane.classification is not None]
        if classes:
            result.classification = ClassificationCounts.merged(classes)
        for pane in group:
            if pane.regression is not None:
                result.regression = result.regression or RegressionCounts()
                result.regression.merge(pane.regression)
            result.labels += pane.labels
            result.corrections += pane.corrections
            result.see(pane.oldest)
            result.see(pane.newest)
        return result

    def see(self, time: float | None) -> None:
        if time is not None:
            self.oldest = time if self.oldest is None else min(self.oldest, time)
            self.newest = time if self.newest is None else max(self.newest, time)

    def to_json(self) -> dict[str, Any]:
        return {
            "classification": self.classification.to_json() if self.classification else None,
            "regression": self.regression.to_json() if self.regression else None,
            "segments": self.segments.to_json(),
            "sums": [self.labels, self.corrections, self.oldest, self.newest],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> PerformancePane:
        result = cls()
        if state["classification"] is not None:
            result.classification = ClassificationCounts.from_json(state["classification"])
        if state["regression"] is not None:
            result.regression = RegressionCounts.from_json(state["regression"])
        result.segments = SegmentCounts.from_json(state["segments"])
        result.labels, result.corrections, result.oldest, result.newest = state["sums"]
        return result


@dataclass(slots=True)
class PerformanceWindow:
    """The panes of one model version by the start of each. A correction is taken out of the pane that its old label arrived in."""

    max_classes: int
    width: float  # seconds
    max_segments: int = 50
    panes: dict[float, PerformancePane] = field(default_factory=dict[float, PerformancePane])

    def add(self, batch: LabelledBatch) -> None:
        self._count(batch, batch.labels, batch.label_times, np.ones(len(batch), dtype=np.bool_), 1.0)
        if batch.corrected is not None and batch.previous_labels is not None and batch.previous_label_times is not None:
            self._count(batch, batch.previous_labels, batch.previous_label_times, batch.corrected, -1.0)

    def _count(
        self,
        batch: LabelledBatch,
        labels: NDArray[Any],
        times: NDArray[np.float64],
        chosen: NDArray[np.bool_],
        sign: float,
    ) -> None:
        rows = np.flatnonzero(chosen & np.isfinite(times))
        starts = np.floor(times[rows] / self.width) * self.width
        for start, chosen_here in slots(starts):
            pane = self.panes.get(start)
            if pane is None:
                if sign < 0:
                    continue  # the old label has left the window already
                pane = self.panes[start] = PerformancePane()
            self._count_rows(pane, batch, labels, rows[chosen_here], sign)

    def _count_rows(
        self, pane: PerformancePane, batch: LabelledBatch, labels: NDArray[Any], rows: NDArray[np.intp], sign: float
    ) -> None:
        made, truth = batch.predictions[rows], labels[rows]
        if made.dtype == object:
            pane.classification = pane.classification or ClassificationCounts(self.max_classes)
            given = {name: values[rows] for name, values in batch.probabilities.items()}
            pane.classification.add(made, truth, given, sign)
        else:
            pane.regression = pane.regression or RegressionCounts()
            pane.regression.add(made, truth.astype(np.float64), sign)
        if batch.segments:
            named = {name: values[rows] for name, values in batch.segments.items()}
            given = {name: values[rows] for name, values in batch.probabilities.items()}
            pane.segments.add(named, made, truth, given, sign=sign, limit=self.max_segments, max_classes=self.max_classes)
        pane.labels += sign * len(rows)
        pane.corrections += len(rows) if sign < 0 else 0
        pane.see(float(batch.times[rows].min()))
        pane.see(float(batch.times[rows].max()))

    def set_width(self, width: float) -> None:
        """Use panes of another width, adding up those that now share one."""
        if width == self.width:
            return
        groups: dict[float, list[PerformancePane]] = {}
        for start, pane in self.panes.items():
            groups.setdefault(float(np.floor(start / width) * width), []).append(pane)
        self.width = width
        self.panes = {start: PerformancePane.merged(group, self.max_segments) for start, group in groups.items()}
        for pane in self.panes.values():
            if pane.classification is not None:
                pane.classification.max_classes = self.max_classes

    def expire(self, before: float) -> None:
        for start in [start for start in self.panes if start + self.width <= before]:
            del self.panes[start]

    def merged(self) -> PerformancePane:
        return PerformancePane.merged((self.panes[start] for start in sorted(self.panes)), self.max_segments)

    def to_json(self) -> dict[str, Any]:
        panes = [[start, pane.to_json()] for start, pane in self.panes.items()]
        limits = [self.max_classes, self.max_segments]
        return {"limits": limits, "width": self.width, "panes": panes}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> PerformanceWindow:
        panes = {float(start): PerformancePane.from_json(pane) for start, pane in state["panes"]}
        max_classes, max_segments = state["limits"]
        return cls(max_classes, float(state["width"]), max_segments, panes)
