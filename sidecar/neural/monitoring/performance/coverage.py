"""How many predictions have their label by now, and how long labels take."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RECENT_SECONDS = 3600.0  # counted by the second; older ones by the minute
_CELLS_PER_DOUBLING = 4  # of the delay histogram: a quantile is known within 19 %
_SHORTEST_SECONDS = 1e-3
_DELAYS_KEPT = 100_000  # beyond it all counts are halved, so that the histogram follows a feed that changes


@dataclass(frozen=True, slots=True)
class Cohort:
    """Predictions made in [since, until): how many, and how many have a label. ``settled``: no label can come any more."""

    since: float
    until: float
    predictions: float
    labelled: float
    settled: bool

    @property
    def coverage(self) -> float | None:
        return min(self.labelled / self.predictions, 1.0) if self.predictions > 0 else None


class Coverage:
    """Counts of predictions and of labelled predictions by the time of the prediction, and a histogram of label delays."""

    def __init__(self) -> None:
        self._slots: dict[int, list[float]] = {}
        self._delays: dict[int, float] = {}

    def add_predictions(self, times: NDArray[np.float64]) -> None:
        self._add(times, 0)

    def add_labels(self, times: NDArray[np.float64], delays: NDArray[np.float64]) -> None:
        """First labels of predictions made at ``times``, each ``delays`` seconds later."""
        self._add(times, 1)
        cells = np.floor(np.log2(np.maximum(delays, _SHORTEST_SECONDS)) * _CELLS_PER_DOUBLING).astype(np.int64)
        for cell, count in zip(*np.unique(cells, return_counts=True), strict=True):
            self._delays[int(cell)] = self._delays.get(int(cell), 0.0) + float(count)
        if sum(self._delays.values()) > _DELAYS_KEPT:
            self._delays = {cell: count / 2 for cell, count in self._delays.items()}

    def _add(self, times: NDArray[np.float64], which: int) -> None:
        for second, count in _by_second(times):
            slot = self._slots.get(second)
            if slot is None:
                slot = self._slots[second] = [0.0, 0.0]
            slot[which] += count

    def expire(self, now: float, horizon_seconds: float) -> None:
        """Forget what is older than the horizon, and keep what is older than an hour by the minute."""
        recent = now - RECENT_SECONDS
        for second in [second for second in self._slots if second < recent]:
            minute = second - second % 60
            if second < now - horizon_seconds:
                del self._slots[second]
            elif minute != second:
                slot, kept = self._slots.pop(second), self._slots.setdefault(minute, [0.0, 0.0])
                kept[0] += slot[0]
                kept[1] += slot[1]

    def cohort(self, since: float, until: float, settled_before: float) -> Cohort:
        chosen = [slot for second, slot in self._slots.items() if since <= second < until]
        return Cohort(
            since=since,
            until=until,
            predictions=sum(slot[0] for slot in chosen),
            labelled=sum(slot[1] for slot in chosen),
            settled=until <= settled_before,
        )

    def delay(self, share: float) -> float | None:
        """The quantile of the label delay in seconds (upper edge of its cell); None before the first label."""
        total = sum(self._delays.values())
        if total <= 0:
            return None
        reached = 0.0
        for cell in sorted(self._delays):
            reached += self._delays[cell]
            if reached >= share * total - 1e-9:
                return float(2 ** ((cell + 1) / _CELLS_PER_DOUBLING))
        return None

    def to_json(self) -> dict[str, Any]:
        return {
            "slots": [[second, *slot] for second, slot in self._slots.items()],
            "delays": [[cell, count] for cell, count in self._delays.items()],
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Coverage:
        result = cls()
        result._slots = {int(second): [float(a), float(b)] for second, a, b in state["slots"]}
        result._delays = {int(cell): float(count) for cell, count in state["delays"] if math.isfinite(count)}
        return result


def _by_second(times: NDArray[np.float64]) -> Iterable[tuple[int, float]]:
    """(second, how many of the times fall into it), ascending."""
    seconds = np.floor(times).astype(np.int64)
    if not len(seconds):
        return ()
    first = int(seconds.min())
    if int(seconds.max()) - first < RECENT_SECONDS:  # nearly always: nothing to sort
        counts = np.bincount(seconds - first)
        found = np.flatnonzero(counts)
        return zip((found + first).tolist(), counts[found].astype(np.float64).tolist(), strict=True)
    distinct, counts = np.unique(seconds, return_counts=True)
    return zip(distinct.tolist(), counts.astype(np.float64).tolist(), strict=True)
