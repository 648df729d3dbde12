"""Traffic signals: how much, how fast, how often it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neural.monitoring.records import TrafficBatch
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.windows import Evaluation

LEAST_SECONDS = 1.0
"""Traffic that is younger than this has a rate as if it were this old."""
_QUANTILES = {"latency.p50": 0.5, "latency.p95": 0.95, "latency.p99": 0.99}


class TrafficMonitor:
    """Rates, error shares and latency quantiles of the window. Counts are corrected for sampling (weights)."""

    name = "traffic"
    specs = (
        SignalSpec(
            "requests.rate", "Requests a second over the window, or since the first request", "1/s", higher_is_worse=False
        ),
        SignalSpec("requests.count", "Requests in the window", "count", higher_is_worse=False),
        SignalSpec("rows.count", "Decoded rows in the window", "count", higher_is_worse=False),
        SignalSpec("error_rate", "Share of requests the server failed (5xx, exceptions, timeouts)"),
        SignalSpec("client_error_rate", "Share of requests the client got wrong (4xx)"),
        SignalSpec("unparsed_rate", "Share of requests whose bodies could not be decoded"),
        SignalSpec("latency.p50", "Median latency", "s"),
        SignalSpec("latency.p95", "95th percentile of latency", "s"),
        SignalSpec("latency.p99", "99th percentile of latency", "s"),
        SignalSpec("latency.mean", "Mean latency", "s"),
        SignalSpec("traffic.staleness", "Time since the last request", "s"),
    )

    def __init__(self) -> None:
        self._first_seen: dict[tuple[str, str], float] = {}
        self._last_seen: dict[tuple[str, str], float] = {}

    def observe_traffic(self, batch: TrafficBatch) -> None:
        if len(batch.times):
            key, first = (batch.model, batch.version), float(batch.times.min())
            self._first_seen[key] = min(self._first_seen.get(key, first), first)

    def snapshot(self) -> dict[str, Any]:
        return {
            "first_seen": [[*key, time] for key, time in self._first_seen.items()],
            "last_seen": [[*key, time] for key, time in self._last_seen.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._first_seen = {(model, version): time for model, version, time in state["first_seen"]}
        self._last_seen = {(model, version): time for model, version, time in state["last_seen"]}

    def evaluate(self, evaluation: Evaluation) -> Iterable[Signal]:
        for name, value in self._values(evaluation).items():
            yield Signal(name, value, evaluation.now, evaluation.labels())

    def _values(self, evaluation: Evaluation) -> dict[str, float | None]:
        pane, requests = evaluation.traffic, evaluation.traffic.requests
        values: dict[str, float | None] = {
            "requests.rate": requests / self._covered_seconds(evaluation),
            "requests.count": requests,
            "rows.count": float(evaluation.window.rows),
            "error_rate": pane.failed / requests if requests else None,
            "client_error_rate": pane.client_errors / requests if requests else None,
            "unparsed_rate": sum(pane.unparsed.values()) / requests if requests else None,
            "latency.mean": pane.latency_mean,
            "traffic.staleness": self._staleness(evaluation),
        }
        return values | {name: pane.quantile(q) for name, q in _QUANTILES.items()}

    def _covered_seconds(self, evaluation: Evaluation) -> float:
        """How much of the window the model has been there: a server of two minutes has no hour to divide by."""
        first = self._first_seen.get((evaluation.model, evaluation.version))
        age = evaluation.length_seconds if first is None else evaluation.now - first
        return min(max(age, LEAST_SECONDS), evaluation.length_seconds)

    def _staleness(self, evaluation: Evaluation) -> float | None:
        key = (evaluation.model, evaluation.version)
        if evaluation.traffic.last_time is not None:
            self._last_seen[key] = max(self._last_seen.get(key, 0.0), evaluation.traffic.last_time)
        return max(0.0, evaluation.now - self._last_seen[key]) if key in self._last_seen else None
