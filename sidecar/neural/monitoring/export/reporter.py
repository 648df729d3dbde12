"""Metrics and alerts over OTLP, for those who have a collector and no Prometheus. Off unless asked for."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.export.collector import SidecarMetrics
from neural.monitoring.export.otlp_client import Client, SendError, otlp_client
from neural.monitoring.export.otlp_transport import asked_for, resource_from, transport, whole
from neural.monitoring.settings import OTLPSettings
from neural.monitoring.store import AlertRow
from neural.monitoring.views import SnapshotBoard

log = logging.getLogger(__name__)
MAX_WAITING_ALERTS = 2_048  # OTEL_BLRP_MAX_QUEUE_SIZE's default
MAX_ALERTS_SENT = 512  # OTEL_BLRP_MAX_EXPORT_BATCH_SIZE's default
_DEFAULT_LOOK_EVERY_MS = 1_000  # OTEL_BLRP_SCHEDULE_DELAY's default
_DEFAULT_METRICS_EVERY_MS = 60_000  # OTEL_METRIC_EXPORT_INTERVAL's default


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is pushed. ``metrics_every_seconds`` is None where metrics are not.

    ``look_every_seconds``: how often the board is looked at for alerts that began or ended. ``waiting``: alerts that wait at most;
    ``batch``: alerts in one request.
    """

    resource: Mapping[str, str] = field(default_factory=dict[str, str])
    metrics_every_seconds: float | None = None
    look_every_seconds: float = _DEFAULT_LOOK_EVERY_MS / 1000
    waiting: int = MAX_WAITING_ALERTS
    batch: int = MAX_ALERTS_SENT


class OTLPReporter:
    """Pushes from a thread of its own. ``clients`` by signal: "metrics", "logs"; what has no client is not pushed.

    Metrics are cumulative: one that didn't arrive is made good by the next. Alerts wait, bounded, until the collector takes them.
    """

    def __init__(
        self,
        board: SnapshotBoard,
        metrics: SidecarMetrics,
        options: ReportOptions,
        clients: Mapping[str, Client],
        clock: Clock = system_clock,
    ) -> None:
        self._board, self._metrics, self._options, self._clients, self._clock = board, metrics, options, clients, clock
        self._firing: dict[str, AlertRow] = {}
        self._waiting: deque[tuple[AlertRow, str, float]] = deque()
        self._counts = dict.fromkeys(
            ("metrics_exported", "metrics_failed", "alerts_exported", "alerts_failed", "alerts_dropped"), 0.0
        )
        self._started = clock()
        self._next_metrics = self._started
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="neural-otlp", daemon=True)

    def start(self) -> OTLPReporter:
        self._thread.start()
        return self

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """One last push, then the end."""
        self._stop.set()
        self._thread.join(timeout_seconds)
        for client in self._clients.values():
            client.close()

    def stats(self) -> Mapping[str, float]:
        return {**self._counts, "alerts_waiting": float(len(self._waiting))}

    def push(self, *, last: bool = False) -> None:
        """Look once: alerts that began or ended, and metrics when their time has come."""
        now = self._clock()
        if "logs" in self._clients:
            self._watch(now)
            self._push_alerts(self._clients["logs"])
        every = self._options.metrics_every_seconds
        if every is not None and "metrics" in self._clients and (last or now >= self._next_metrics):
            self._next_metrics = now + every
            self._push_metrics(self._clients["metrics"], now)

    def _run(self) -> None:
        while not self._stop.wait(self._options.look_every_seconds):
            self._guarded(last=False)
        self._guarded(last=True)

    def _guarded(self, *, last: bool) -> None:
        try:
            self.push(last=last)
        except Exception:
            log.exception("metrics and alerts could not be pushed")

    def _watch(self, now: float) -> None:
        snapshot = self._board.current()
        if snapshot is None:
            return
        firing = {alert.alert_id: alert for alert in snapshot.alerts if alert.state == "firing"}
        for name, alert in firing.items():
            if name not in self._firing:
                self._queue(alert, "firing", alert.fired_at or now)
        for name, alert in self._firing.items():
            if name not in firing:
                self._queue(alert, "resolved", snapshot.time)
        self._firing = firing

    def _queue(self, alert: AlertRow, state: str, time: float) -> None:
        if len(self._waiting) >= self._options.waiting:
            self._waiting.popleft()
            self._counts["alerts_dropped"] += 1
        self._waiting.append((alert, state, time))

    def _push_alerts(self, client: Client) -> None:
        while self._waiting:
            from neural.monitoring.export.otlp_messages import (
                logs_request,
            )  # loads protobuf's classes: only where they are asked for

            batch = list(islice(self._waiting, self._options.batch))
            try:
                client.send(logs_request(batch, self._options.resource).SerializeToString())
            except SendError as error:
                if error.retryable:
                    return
                self._counts["alerts_failed"] += len(batch)
            else:
                self._counts["alerts_exported"] += len(batch)
            for _ in batch:
                self._waiting.popleft()

    def _push_metrics(self, client: Client, now: float) -> None:
        from neural.monitoring.export.otlp_messages import metrics_request

        request = metrics_request(self._metrics.families(), self._options.resource, started=self._started, now=now)
        try:
            client.send(request.SerializeToString())
        except SendError:
            self._counts["metrics_failed"] += 1
        else:
            self._counts["metrics_exported"] += 1


def otlp_reporter(
    settings: OTLPSettings | None, board: SnapshotBoard, metrics: SidecarMetrics, env: Mapping[str, str] = os.environ
) -> OTLPReporter | None:
    """The reporter that ``export.otlp.metrics`` and ``export.otlp.logs`` ask for, not yet started; None where neither does.

    Raises ConfigError as ``otlp_client``.
    """
    if settings is None:
        return None
    clients: dict[str, Client] = {}
    if settings.metrics and asked_for(settings, env, "metrics"):
        clients["metrics"] = otlp_client(transport(settings, env, "metrics"), "metrics")
    if settings.logs and asked_for(settings, env, "logs"):
        clients["logs"] = otlp_client(transport(settings, env, "logs"), "logs")
    if not clients:
        return None
    every = settings.metrics_every or whole(env, "OTEL_METRIC_EXPORT_INTERVAL", _DEFAULT_METRICS_EVERY_MS) / 1000
    options = ReportOptions(
        resource_from(settings, env),
        every,
        whole(env, "OTEL_BLRP_SCHEDULE_DELAY", _DEFAULT_LOOK_EVERY_MS) / 1000,
        whole(env, "OTEL_BLRP_MAX_QUEUE_SIZE", MAX_WAITING_ALERTS),
        whole(env, "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", MAX_ALERTS_SENT),
    )
    return OTLPReporter(board, metrics, options, clients)
