"""How soon a change in a stream is found, beside the peers' online detectors, when false alarms are no more frequent than theirs.

A peer is run with given settings on streams without drift, and its alarms are counted. Our detector then gets a budget of that many
false alarms in that many rows, or fewer, and both read streams that change after ``CALM`` rows. Rows are in chunks of ``CHUNK`` for us (an
evaluation each), and one by one for the peers.
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
CALM = 1_000
CHUNK = 10
SHIFTS = (0.1, 0.2, 0.3, 0.5, 1.0)


class Peer(Protocol):
    """Reads one row (features,); True when it alarms."""

    def step(self, row: NDArray[np.float64]) -> bool: ...


@dataclass(frozen=True)
class Setting:
    """A peer as set up. ``streams``: for the delay; ``calm_rows``: in all, for the false alarms; ``limit``: rows looked for a shift."""

    name: str
    build: Callable[[int, int], Peer]  # features, seed
    features: int
    streams: int
    calm_rows: int
    limit: int


def run(setting: Setting, shape: str, our_rows: int = 20_000) -> dict[str, Any]:
    alarms, read = false_alarms(setting, shape)
    between = read / max(alarms, 1)  # rows; one alarm is assumed where there was none
    ours_alarms, ours_read = our_false_alarms(shape, setting.features, between, our_rows)
    rows = []
    for shift in SHIFTS:
        theirs = peer_delays(setting, shape, shift)
        ours = our_delays(shape, shift, setting.features, between, setting.streams, setting.limit)
        rows.append({"shift": shift, "peer": summary(theirs), "ours": summary(ours)})
    return {
        "peer": setting.name,
        "shape": shape,
        "features": setting.features,
        "streams": setting.streams,
        "limit": setting.limit,
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
    """Alarms and rows read; a peer starts anew after each."""
    alarms, each = 0, setting.calm_rows // 10
    for seed in range(10):
        peer = setting.build(setting.features, 1_000 + seed)
        for row in stream(shape, 10_000 + seed, each, 0, setting.features, 0.0):
            if peer.step(row):
                alarms += 1
                peer = setting.build(setting.features, 2_000 + seed + alarms)
    return alarms, each * 10


def peer_delays(setting: Setting, shape: str, shift: float) -> list[float]:
    found = []
    for seed in range(setting.streams):
        peer = setting.build(setting.features, seed)
        rows = stream(shape, seed, CALM, setting.limit, setting.features, shift)
        calm = [peer.step(row) for row in rows[:CALM]]
        if any(calm[-200:]):  # an alarm just before the change would hide what follows
            continue
        after = next((at + 1 for at, row in enumerate(rows[CALM:]) if peer.step(row)), math.inf)
        found.append(float(after))
    return found


def our_delays(shape: str, shift: float, features: int, between_rows: float, streams: int, limit: int) -> list[float]:
    when = _our_alarms(shape, shift, features, between_rows, streams, CALM, limit)
    return [one - CALM for one in when if one > CALM]


def our_false_alarms(shape: str, features: int, between_rows: float, rows: int) -> tuple[int, int]:
    """First alarms, and rows read until them."""
    when = _our_alarms(shape, 0.0, features, between_rows, 50 if features == 1 else 5, rows, 0)
    return sum(math.isfinite(one) for one in when), int(sum(min(one, rows) for one in when))


def _our_alarms(shape: str, shift: float, features: int, between_rows: float, streams: int, calm: int, limit: int) -> list[float]:
    """The row of each stream's first alarm. All streams go through one detector, whose columns know nothing of each other."""
    rows = [stream(shape, seed if limit else 20_000 + seed, calm, limit, features, shift) for seed in range(streams)]
    references = [_reference(shape, seed, features) for seed in range(streams)]
    columns = [one for group in references for one in group]
    detector = SequentialDetector([bins for _, bins in columns])
    first = np.full(streams, math.inf)
    needed = math.log(max(between_rows / CHUNK, 1.0))
    for step in range((calm + limit) // CHUNK):
        part = np.hstack([one[step * CHUNK : (step + 1) * CHUNK] for one in rows])
        counts = np.concatenate([_counts(part[:, at], *column) for at, column in enumerate(columns)])
        detector.step(counts, float(step), elapsed=1.0, seconds_between=1e300, patience=math.inf)
        r = detector.log_r.reshape(streams, features)
        together = np.logaddexp.reduce(r, axis=1) - math.log(features)
        first[(together >= needed) & np.isinf(first)] = (step + 1) * CHUNK
        if np.isfinite(first).all():
            break
    return first.tolist()


def _reference(shape: str, seed: int, features: int) -> list[tuple[NDArray[np.float64], Bins]]:
    random = np.random.default_rng([9, seed])
    found = []
    for values in SHAPES[shape](random, REFERENCE, features, 0.0).T:
        column = build_reference({"x": column_of("x", values)}, source="study", created_at=0.0).columns["x"]
        bins = bins_of(column)
        assert bins is not None
        found.append((column.edges, bins))
    return found


def _counts(values: NDArray[np.float64], edges: NDArray[np.float64], bins: Bins) -> NDArray[np.float64]:
    return np.bincount(bins.group, weights=count_sorted(np.sort(values), edges), minlength=len(bins)).astype(float)
