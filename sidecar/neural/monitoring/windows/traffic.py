"""Requests of one model version over some time: counts, status, and latency on a fixed logarithmic grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from neural.monitoring.records import TrafficBatch

Key = TypeVar("Key")

SHORTEST_SECONDS = 1e-5
CELLS_PER_DOUBLING = 16  # a cell is 4.4 % wide: quantiles are within 2.2 % of exact
DOUBLINGS = 27  # up to 1,342 s
LATENCY_EDGES: NDArray[np.float64] = SHORTEST_SECONDS * 2.0 ** (
    np.arange(CELLS_PER_DOUBLING * DOUBLINGS + 1) / CELLS_PER_DOUBLING
)
LATENCY_CELLS = len(LATENCY_EDGES) + 1


@dataclass(frozen=True, slots=True)
class TrafficPane:
    """``requests``, ``failed`` and the like are weighted by the inverse sampling fraction; ``events`` is how many were captured.

    ``latency_counts``: weights on the grid ``LATENCY_EDGES`` (seconds), float64 of shape (LATENCY_CELLS,); cell i is up
    to and with edge i.
    ``client_errors`` are 4xx; ``unparsed``: reason → requests whose bodies could not be decoded.
    """

    requests: float = 0.0
    failed: float = 0.0
    client_errors: float = 0.0
    events: int = 0
    by_status: Mapping[int, float] = field(default_factory=dict[int, float])
    latency_counts: NDArray[np.float64] = field(default_factory=lambda: np.zeros(LATENCY_CELLS))
    latency_sum: float = 0.0  # seconds
    latency_max: float | None = None  # seconds
    first_time: float | None = None  # Unix seconds of the first request
    last_time: float | None = None
    unparsed: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def latency_mean(self) -> float | None:
        """Seconds; None without requests."""
        return self.latency_sum / self.requests if self.requests else None

    def quantile(self, q: float) -> float | None:
        """Latency in seconds below which a share ``q`` of the requests lies, interpolated in its cell; None without requests."""
        total = float(self.latency_counts.sum())
        if total <= 0:
            return None
        reached = np.cumsum(self.latency_counts)
        cell = min(int(np.searchsorted(reached, q * total, side="left")), LATENCY_CELLS - 1)
        low = float(LATENCY_EDGES[cell - 1]) if cell else 0.0
        high = float(LATENCY_EDGES[cell]) if cell < len(LATENCY_EDGES) else max(low, self.latency_max or low)
        before = float(reached[cell - 1]) if cell else 0.0
        weight = float(self.latency_counts[cell])
        inside = (q * total - before) / weight if weight else 0.0
        value = low + (high - low) * min(max(inside, 0.0), 1.0)
        return value if self.latency_max is None else min(value, self.latency_max)

    def share_up_to(self, seconds: float) -> float | None:
        """The share of requests answered within ``seconds``, interpolated in its cell; None without requests."""
        total = float(self.latency_counts.sum())
        if total <= 0:
            return None
        reached = np.concatenate([[0.0], np.cumsum(self.latency_counts)])
        marks = np.concatenate([[0.0], LATENCY_EDGES, [max(float(LATENCY_EDGES[-1]), self.latency_max or 0.0) + 1e-9]])
        return float(np.interp(seconds, marks, reached)) / total

    def merge(self, other: TrafficPane) -> TrafficPane:
        return TrafficPane(
            requests=self.requests + other.requests,
            failed=self.failed + other.failed,
            client_errors=self.client_errors + other.client_errors,
            events=self.events + other.events,
            by_status=_added(self.by_status, other.by_status),
            latency_counts=self.latency_counts + other.latency_counts,
            latency_sum=self.latency_sum + other.latency_sum,
            latency_max=_pick(max, self.latency_max, other.latency_max),
            first_time=_pick(min, self.first_time, other.first_time),
            last_time=_pick(max, self.last_time, other.last_time),
            unparsed=_added(self.unparsed, other.unparsed),
        )


def traffic_pane(batch: TrafficBatch) -> TrafficPane:
    """The pane of one batch. Negative and non-finite latencies count as requests without a latency."""
    if len(batch) == 0:
        return TrafficPane(unparsed={reason: float(count) for reason, count in batch.unparsed.items()})
    weights = batch.weights
    timed = batch.latency_seconds >= 0
    timed &= np.isfinite(batch.latency_seconds)
    latency, timed_weights = batch.latency_seconds, weights
    if not timed.all():
        latency, timed_weights = latency[timed], weights[timed]
    cells = np.searchsorted(LATENCY_EDGES, latency, side="left")
    by_status = weight_by_status(batch.status, weights)
    return TrafficPane(
        requests=float(weights.sum()),
        failed=float(weights[batch.failed].sum()),
        client_errors=float(sum(weight for status, weight in by_status.items() if 400 <= status < 500)),
        events=len(batch),
        by_status=by_status,
        latency_counts=np.bincount(cells, weights=timed_weights, minlength=LATENCY_CELLS).astype(np.float64, copy=False),
        latency_sum=float(latency @ timed_weights),
        latency_max=float(latency.max()) if len(latency) else None,
        first_time=float(batch.times.min()),
        last_time=float(batch.times.max()),
        unparsed={reason: float(count) for reason, count in batch.unparsed.items()},
    )


def weight_by_status(status: NDArray[np.int32], weights: NDArray[np.float64]) -> dict[int, float]:
    """Status → weight. Most batches have one status."""
    first = int(status[0])
    if (status == first).all():
        return {first: float(weights.sum())}
    codes, where = np.unique(status, return_inverse=True)
    sums = np.bincount(where, weights=weights, minlength=len(codes))
    return dict(zip(codes.tolist(), sums.tolist(), strict=True))


def _added(a: Mapping[Key, float], b: Mapping[Key, float]) -> dict[Key, float]:
    merged = dict(a)
    for key, value in b.items():
        merged[key] = merged.get(key, 0.0) + value
    return merged


def _pick(choose: Callable[[float, float], float], a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else choose(a, b)
