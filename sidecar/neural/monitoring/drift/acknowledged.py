"""Re-arming: an acknowledged drift is known, and the alarm is free to tell the next one.

A column whose drift was acknowledged is compared with what it has become: the rows since its drift began are the reference of a detector of
its own, which has the column's share of the budget. When that detector alarms, the column has moved on, and drifts anew. When the column
goes back to the reference its episode ends, as without an acknowledgement.

Where the reference has seasons, what the column has become is learnt for one of them (a week, a day) from the acknowledgement on, and rows
are compared with it from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.drift.bins import Bins
from neural.monitoring.drift.episode import PRIOR_ROWS
from neural.monitoring.drift.expectation import Expectation
from neural.monitoring.drift.relearnt import Relearnt
from neural.monitoring.drift.sequential import SequentialDetector, Standing

_NO_HOURS: NDArray[np.float64] = np.zeros(0)


@dataclass(slots=True)
class Acknowledged:
    """One column: ``at`` Unix seconds; ``expected``: pseudo-counts of what it has become (bins,); ``relearnt``: the same by hour, where the
    reference has seasons."""

    at: float
    expected: NDArray[np.float64]
    detector: SequentialDetector
    relearnt: Relearnt | None


class Acknowledgements:
    """Of the columns of one detector. ``bins``: of all columns; ``smallest``: share of rows that must have moved on."""

    def __init__(
        self, detector: SequentialDetector, bins: Sequence[Bins], season: Expectation | None = None, *, smallest: float = 0.0
    ) -> None:
        self._detector = detector
        self._smallest = smallest
        self._season = season
        self._bins = bins
        self._bounds = np.cumsum([0, *(len(item) for item in bins)])
        self.columns: dict[int, Acknowledged] = {}

    def acknowledge(self, columns: Collection[int] | None, now: float) -> list[int]:
        """Of the drifting columns those given, or all. Returns which were; ones that don't drift are left alone."""
        chosen = [at for at in self._detector.episodes if at not in self.columns and (columns is None or at in columns)]
        for at in chosen:
            drifted = self._detector.episodes[at].drifted / self._detector.runs.effect[at]
            share = self._bins[at].expected / self._bins[at].expected.sum()
            self.columns[at] = self._of(at, drifted + share * PRIOR_ROWS, now)
        return chosen

    def _of(self, at: int, expected: NDArray[np.float64], now: float, seen: Any = None) -> Acknowledged:
        relearnt = None if self._season is None else Relearnt(expected, self._season.hours, now)
        if relearnt is not None and seen is not None:
            relearnt = relearnt.restored(seen)
        detector = SequentialDetector([replace(self._bins[at], expected=expected)], season=relearnt, smallest=self._smallest)
        return Acknowledged(now, expected, detector, relearnt)

    def step(
        self,
        counts: NDArray[np.float64],
        standing: Standing,
        now: float,
        *,
        elapsed: float,
        seconds_between: float,
        hours: NDArray[np.float64] = _NO_HOURS,
    ) -> None:
        """Take in what the detector was just given, after it: columns that are over or have moved on are no longer acknowledged."""
        for at in list(self.columns):
            episode = self._detector.episodes.get(at)
            if episode is None:
                del self.columns[at]
                continue
            mine = counts[self._bounds[at] : self._bounds[at + 1]] / standing.rows_in_run[at]
            known = self.columns[at]
            if known.relearnt is not None and known.relearnt.learn(mine, hours, now):
                continue
            own = known.detector.step(
                mine, now, elapsed=elapsed, seconds_between=seconds_between * len(self._bins), patience=float("inf"), hours=hours
            )
            if own.alarm:
                moved = own.drifting[0]
                episode.since, episode.alarmed_at = moved.since, now
                episode.drifted, episode.recent, episode.gain = moved.drifted, np.zeros_like(mine), 0.0
                episode.drifted_hours, episode.recent_hours = moved.drifted_hours, np.zeros_like(moved.drifted_hours)
                del self.columns[at]

    def snapshot(self) -> list[dict[str, Any]]:
        return [
            {
                "column": at,
                "at": one.at,
                "expected": one.expected.tolist(),
                "relearnt": None if one.relearnt is None else one.relearnt.snapshot(),
                "detector": one.detector.snapshot(),
            }
            for at, one in self.columns.items()
        ]

    def restore(self, state: Sequence[Mapping[str, Any]]) -> None:
        self.columns = {}
        for item in state:
            at = int(item["column"])
            expected = np.array(item["expected"], dtype=np.float64)
            self.columns[at] = self._of(at, expected, float(item["at"]), item.get("relearnt"))
            self.columns[at].detector.restore(item["detector"])
