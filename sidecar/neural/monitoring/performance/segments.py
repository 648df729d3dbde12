"""Performance by the values of a feature: every metric of the whole, for each segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.performance.classification import OTHER, ClassificationCounts
from neural.monitoring.performance.measured import Metric
from neural.monitoring.performance.metrics import classification_metrics
from neural.monitoring.performance.regression import RegressionCounts
from neural.monitoring.performance.scores import Fineness

FINENESS = Fineness(atoms=256, cells=256)
"""Of the scores of one segment in one pane: 6 kB at most. The AUC of a busy segment is then known to about 1e-3, and says so."""

_Counts = ClassificationCounts | RegressionCounts


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """One segment ("carrier=AA") with its metrics by name, and how many labels they rest on."""

    name: str
    n: int
    metrics: Mapping[str, Metric]


class SegmentCounts:
    """By feature and value, the counts of that segment's labels. Adds and subtracts."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, _Counts]] = {}

    def add(
        self,
        segments: Mapping[str, NDArray[Any]],
        made: NDArray[Any],
        truth: NDArray[Any],
        probabilities: Mapping[str, NDArray[np.float64]],
        *,
        sign: float,
        limit: int,
        max_classes: int,
    ) -> None:
        """Count pairs (n,) with their probabilities by class. At most ``limit`` values a feature are counted by name."""
        for feature, names in segments.items():
            known = self._counts.setdefault(feature, {})
            for name in sorted(set(names.tolist())):
                rows = names == name
                kept = name if name in known or len(known) < limit else OTHER
                counts = known.get(kept)
                if made.dtype == object:
                    if not isinstance(counts, ClassificationCounts):
                        counts = known[kept] = ClassificationCounts(max_classes, FINENESS)
                    chosen = {each: values[rows] for each, values in probabilities.items()}
                    counts.add(made[rows], truth[rows], chosen, sign)
                else:
                    if not isinstance(counts, RegressionCounts):
                        counts = known[kept] = RegressionCounts()
                    counts.add(made[rows], truth[rows].astype(np.float64), sign)

    @classmethod
    def merged(cls, many: list[SegmentCounts], limit: int) -> SegmentCounts:
        """The sum; values beyond the limit share one name."""
        grouped: dict[str, dict[str, list[_Counts]]] = {}
        for feature, values in (pair for item in many for pair in item.by_feature()):
            mine = grouped.setdefault(feature, {})
            for name, counts in values.items():
                mine.setdefault(name if name in mine or len(mine) < limit else OTHER, []).append(counts)
        result = cls()
        result._counts = {feature: {name: _sum(group) for name, group in mine.items()} for feature, mine in grouped.items()}
        return result

    def by_feature(self) -> Iterator[tuple[str, Mapping[str, _Counts]]]:
        yield from self._counts.items()

    def __len__(self) -> int:
        return sum(len(values) for values in self._counts.values())

    def readings(self, confidence: float, positive: str | None) -> Iterator[SegmentReading]:
        for feature, values in self._counts.items():
            for name, counts in values.items():
                if counts.n <= 0:
                    continue
                if isinstance(counts, ClassificationCounts):
                    metrics = classification_metrics(counts, confidence, positive)
                else:
                    intervals = counts.intervals(confidence)
                    metrics = {each: Metric(value, intervals.get(each)) for each, value in counts.metrics().items()}
                yield SegmentReading(f"{feature}={name}", int(counts.n), metrics)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": [
                [feature, name, isinstance(counts, RegressionCounts), counts.to_json()]
                for feature, values in self._counts.items()
                for name, counts in values.items()
            ]
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> SegmentCounts:
        result = cls()
        for feature, name, regression, item in state.get("counts", ()):
            counts: _Counts = RegressionCounts.from_json(item) if regression else ClassificationCounts.from_json(item)
            result._counts.setdefault(feature, {})[name] = counts
        return result


def _sum(group: list[_Counts]) -> _Counts:
    classes = [counts for counts in group if isinstance(counts, ClassificationCounts)]
    if classes:
        return ClassificationCounts.merged(classes)
    total = RegressionCounts()
    for counts in group:
        if isinstance(counts, RegressionCounts):
            total.merge(counts)
    return total
