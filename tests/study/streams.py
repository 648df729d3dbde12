"""How soon a change in a stream is found, beside the peers' online detectors, when false alarms are no more frequent than theirs.

A peer is run with given settings on streams without drift, and its alarms are counted. Our detector then gets the smallest budget with which
its false alarms are no more frequent, found on streams without drift too, and both read streams that change after as many calm rows as the
reference has. Who alarms in calm rows goes on as after any alarm. Rows are in chunks of ``CHUNK`` for us (an evaluation each), and one by one for the peers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tests.study.shapes import SHAPES

from neural.monitoring.drift.bins import Bins, bins_of
from neural.monitoring.drift.sequential import SequentialDetector
from neural.monitoring.windows import build_reference, column_of
from neural.monitoring.windows.grid import count_sorted

REFERENCE = 1_000
SPARE = 8.0
"""A budget is not made smaller than this part of the peer's mean time between false alarms, even where our streams are too short to show one."""
CHUNK = 10
CALM_STREAMS = 200
"""Of one feature, for our false alarms; a tenth where there are many."""
SHIFTS = (0.1, 0.2, 0.3, 0.5, 1.0)


class Peer(Protocol):
    """Reads one row (features,); True when it alarms, after which it goes on by itself."""

    def step(self, row: NDArray[np.float64]) -> bool: ...


@dataclass(frozen=True)
class Setting:
    """A peer as set up. ``streams``: for the delay; ``calm_rows``: in all, for the false alarms; ``limit``: rows looked for a shift."""

    name: str
    build: Callable[[str, int, int], Peer]  # shape, features, seed
    features: int
    streams: int
    calm_rows: int
    limit: int
    reference: int = REFERENCE  # rows of the reference, and of calm traffic before the change


def run(setting: Setting, shape: str, our_rows: int = 50_000) -> dict[str, Any]:
    alarms, read = false_alarms(setting, shape)
    between = read / max(alarms, 1)  # rows; one alarm is assumed where there was none
    threshold, ours_alarms, ours_read = calibrated(setting, shape, between, our_rows)
    rows = []
    for shift in SHIFTS:
        theirs = peer_delays(setting, shape, shift)
        ours = our_delays(setting, shape, shift, threshold)
        rows.append({"shift": shift, "peer": summary(theirs), "ours": summary(ours)})
    return {
        "peer": setting.name,
        "shape": shape,
        "features": setting.features,
        "streams": setting.streams,
        "limit": setting.limit,
        "reference": setting.reference,
        "budget_evaluations": math.exp(threshold),
        "false_alarms": {"peer": [alarms, read], "ours": [ours_alarms, ours_read]},
        "delays": rows,
    }


def summary(delays: Sequence[float]) -> dict[str, Any]:
    """Median and mean rows until found; what was not found counts as the limit in the mean, and as infinite (None) in the median."""
    median = float(np.median(delays)) if delays else math.inf
    return {
        "median": median if math.isfinite(median) else None,
        "found": sum(math.isfinite(one) for one in delays) / max(len(delays), 1),
        "streams": len(delays),
    }


def stream(shape: str, seed: int, calm: int, rows: int, features: int, shift: float) -> NDArray[np.float64]:
    """Of the 50 features the first five change; of one feature that one."""
    random = np.random.default_rng([7, seed, list(SHAPES).index(shape)])
    before = SHAPES[shape](random, calm, features, 0.0)
    after = SHAPES[shape](random, rows, features, 0.0)
    moved = min(features, 5)
    after[:, :moved] = SHAPES[shape](random, rows, moved, shift)
    return np.vstack([before, after])


def false_alarms(setting: Setting, shape: str) -> tuple[int, int]:
    """Alarms and rows read."""
    alarms, each = 0, setting.calm_rows // 20
    for seed in range(20):
        peer = setting.build(shape, setting.features, 1_000 + seed)
        alarms += sum(peer.step(row) for row in stream(shape, 10_000 + seed, each, 0, setting.features, 0.0))
    return alarms, each * 20


def peer_delays(setting: Setting, shape: str, shift: float) -> list[float]:
    found = []
    for seed in range(setting.streams):
        peer = setting.build(shape, setting.features, seed)
        rows = stream(shape, seed, setting.reference, setting.limit, setting.features, shift)
        for row in rows[: setting.reference]:
            peer.step(row)
        found.append(next((at + 1.0 for at, row in enumerate(rows[setting.reference :]) if peer.step(row)), math.inf))
    return found


def our_delays(setting: Setting, shape: str, shift: float, threshold: float) -> list[float]:
    ours = Ours(setting, shape, [*range(setting.streams)], setting.reference, setting.limit, shift)
    calm = setting.reference // CHUNK
    when = np.full(setting.streams, math.inf)
    for step in range(ours.steps):
        alarmed = ours.step(step, np.full(setting.streams, threshold)) >= threshold
        if step >= calm:
            when[alarmed & np.isinf(when)] = (step - calm + 1.0) * CHUNK
        for at in np.flatnonzero(alarmed):
            ours.restart(int(at))
    return [float(one) for one in when]


def calibrated(setting: Setting, shape: str, between_rows: float, rows: int) -> tuple[float, int, int]:
    """ln of the smallest budget (in evaluations) with which false alarms are no more frequent than the peer's; alarms, and rows read until them.

    Our guarantee is a bound with room to spare, so this is less than the peer's mean time. On streams that the delays don't use.
    """
    most = math.log(max(between_rows / CHUNK, 1.0))
    least = max(most - math.log(SPARE), 0.0)
    count = CALM_STREAMS if setting.features == 1 else CALM_STREAMS // 10
    ours = Ours(setting, shape, [20_000 + seed for seed in range(count)], rows, 0, 0.0)
    peak = np.full((ours.steps, count), -math.inf)
    for step in range(ours.steps):
        before = peak[step - 1] if step else peak[0]
        peak[step] = np.maximum(before, ours.step(step, np.maximum(before, least)))
    alarms, read = 0, 0
    for threshold in np.arange(least, most + 0.1, 0.1).tolist():
        reached = peak >= threshold
        first = np.where(reached[-1], reached.argmax(axis=0) + 1.0, math.inf)
        alarms, read = int(np.isfinite(first).sum()), int((np.minimum(first, ours.steps) * CHUNK).sum())
        if read >= between_rows * alarms:
            return threshold, alarms, read
    return most, alarms, read


class Ours:
    """Our detector on many streams at a time: all go through one, whose columns know nothing of each other."""

    def __init__(self, setting: Setting, shape: str, seeds: Sequence[int], calm: int, limit: int, shift: float) -> None:
        self._features, self._streams = setting.features, len(seeds)
        self._rows = [stream(shape, seed, calm, limit, setting.features, shift) for seed in seeds]
        references = [_reference(shape, seed, setting.features, setting.reference) for seed in seeds]
        self._columns = [one for group in references for one in group]
        self._detector = SequentialDetector([bins for _, bins in self._columns])
        self.steps = (calm + limit) // CHUNK

    def step(self, step: int, above: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln R of each stream, (streams,), as of now where any is over ``above``."""
        part = np.hstack([one[step * CHUNK : (step + 1) * CHUNK] for one in self._rows])
        counts = np.concatenate([_counts(part[:, at], *column) for at, column in enumerate(self._columns)])
        self._detector.step(counts, float(step), elapsed=1.0, seconds_between=1e300, patience=math.inf)
        found = self._of_streams()
        if (found > above).any():
            self._detector.refresh()
            found = self._of_streams()
        return found

    def restart(self, at: int) -> None:
        for column in range(at * self._features, (at + 1) * self._features):
            self._detector.restart(column)

    def _of_streams(self) -> NDArray[np.float64]:
        parts = self._detector.log_r.reshape(self._streams, self._features)
        found: NDArray[np.float64] = np.logaddexp.reduce(parts, axis=1) - math.log(self._features)
        return found


def _reference(shape: str, seed: int, features: int, rows: int) -> list[tuple[NDArray[np.float64], Bins]]:
    random = np.random.default_rng([9, seed])
    found = []
    for values in SHAPES[shape](random, rows, features, 0.0).T:
        column = build_reference({"x": column_of("x", values)}, source="study", created_at=0.0).columns["x"]
        bins = bins_of(column)
        assert bins is not None
        found.append((column.edges, bins))
    return found


def _counts(values: NDArray[np.float64], edges: NDArray[np.float64], bins: Bins) -> NDArray[np.float64]:
    return np.bincount(bins.group, weights=count_sorted(np.sort(values), edges), minlength=len(bins)).astype(float)
