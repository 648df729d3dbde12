"""Re-arming: an acknowledged drift is known, and the alarm is free to tell the next one.

A column whose drift was acknowledged is compared with what it has become: the rows since its drift began are the reference of a detector of
its own, which has the column's share of the budget. When that detector alarms, the column has moved on, and drifts anew. When the column
goes back to the reference its episode ends, as without an acknowledgement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.episode import PRIOR_ROWS
from neural.monitoring.drift.sequential import SequentialDetector, Standing


@dataclass(slots=True)
class Acknowledged:
    """One column: ``at`` Unix seconds; ``expected``: pseudo-counts of what it has become (bins,)."""

    at: float
    expected: NDArray[np.float64]
    detector: SequentialDetector

    @classmethod
    def of(cls, bins: Bins, expected: NDArray[np.float64], at: float) -> Acknowledged:
        return cls(at, expected, SequentialDetector([replace(bins, expected=expected)]))


class Acknowledgements:
    """Of the columns of one detector. ``bins``: of all columns."""

    def __init__(self, detector: SequentialDetector, bins: Sequence[Bins]) -> None:
        self._detector = detector
        self._bins = bins
        self._bounds = np.cumsum([0, *(len(item) for item in bins)])
        self.columns: dict[int, Acknowledged] = {}

    def acknowledge(self, columns: Collection[int] | None, now: float) -> list[int]:
        """Of the drifting columns those given, or all. Returns which were; ones that don't drift are left alone."""
        chosen = [at for at in self._detector.episodes if at not in self.columns and (columns is None or at in columns)]
        for at in chosen:
            drifted = self._detector.episodes[at].drifted / self._detector.runs.effect[at]
            share = self._bins[at].expected / self._bins[at].expected.sum()
            self.columns[at] = Acknowledged.of(self._bins[at], drifted + share * PRIOR_ROWS, now)
        return chosen

    def step(
        self, counts: NDArray[np.float64], standing: Standing, now: float, *, elapsed: float, seconds_between: float
    ) -> None:
        """Take in what the detector was just given, after it: columns that are over or have moved on are no longer acknowledged."""
        for at in list(self.columns):
            episode = self._detector.episodes.get(at)
            if episode is None:
                del self.columns[at]
                continue
            mine = counts[self._bounds[at] : self._bounds[at + 1]] / standing.rows_in_run[at]
            own = self.columns[at].detector.step(
                mine, now, elapsed=elapsed, seconds_between=seconds_between * len(self._bins), patience=float("inf")
            )
            if own.alarm:
                moved = own.drifting[0]
                episode.since, episode.alarmed_at = moved.since, now
                episode.drifted, episode.recent, episode.gain = moved.drifted, np.zeros_like(mine), 0.0
                del self.columns[at]

    def snapshot(self) -> list[dict[str, Any]]:
        return [
            {"column": at, "at": one.at, "expected": one.expected.tolist(), "detector": one.detector.snapshot()}
            for at, one in self.columns.items()
        ]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        self.columns = {}
        for item in state:
            at = int(item["column"])
            self.columns[at] = Acknowledged.of(self._bins[at], np.array(item["expected"], dtype=np.float64), float(item["at"]))
            self.columns[at].detector.restore(item["detector"])
