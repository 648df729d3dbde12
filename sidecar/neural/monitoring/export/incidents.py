"""Alerts in traces: a span for each incident, and an event on the first inference that was told after an alert began or ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from neural.monitoring.export.trace_context import TraceParent, span_id_for, trace_id_for
from neural.monitoring.store import AlertRow
from neural.monitoring.views import Snapshot, SnapshotBoard

ALERT_EVENT = "neural.alert"
MAX_WAITING_EVENTS = 32
"""Of one model version, until its next inference is told; of more the oldest are left out."""
_NANOSECONDS = 1e9
_SOURCE = "neural.incident"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span, at a Unix time in nanoseconds."""

    name: str
    time_ns: int
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Incident:
    """One alert from the moment its condition held (Unix nanoseconds) to the moment it no longer did."""

    alert: AlertRow
    start_ns: int
    end_ns: int
    events: tuple[SpanEvent, ...]

    @property
    def context(self) -> TraceParent:
        """A trace of its own, the same however often it is told."""
        ids = (_SOURCE, self.alert.alert_id, self.start_ns)
        return TraceParent(trace_id_for(*ids), span_id_for(*ids), sampled=True)


class IncidentWatch:
    """Looks at the board for alerts that began, were acknowledged, or ended. For one thread."""

    def __init__(self, board: SnapshotBoard | None = None) -> None:
        self._board = board
        self._seen: Snapshot | None = None
        self._open: dict[str, AlertRow] = {}
        self._told: dict[str, list[SpanEvent]] = {}
        self._waiting: dict[tuple[str, str], list[SpanEvent]] = {}

    def ended(self) -> list[Incident]:
        """The incidents that ended since the last look."""
        snapshot = self._board.current() if self._board is not None else None
        if snapshot is None or snapshot is self._seen:
            return []
        self._seen = snapshot
        return list(self._look(snapshot))

    def events_for(self, model: str, version: str) -> tuple[SpanEvent, ...]:
        """What began or ended and no inference of this model version has told yet. Each event is given away once."""
        return tuple(self._waiting.pop((model, version), ()))

    def _look(self, snapshot: Snapshot) -> Iterator[Incident]:
        firing = {alert.alert_id: alert for alert in snapshot.alerts if alert.state == "firing"}
        for identity, alert in firing.items():
            before = self._open.get(identity)
            if before is None:
                self._begin(alert, snapshot)
            elif alert.acknowledged_by and not before.acknowledged_by:
                self._tell(alert, "acknowledged", snapshot.time)
        for identity, alert in self._open.items():
            if identity not in firing:
                self._tell(alert, "resolved", snapshot.time)
                yield Incident(alert, _ns(alert.started_at), _ns(snapshot.time), tuple(self._told.pop(identity, ())))
        self._open = firing

    def _begin(self, alert: AlertRow, snapshot: Snapshot) -> None:
        fired_at = alert.fired_at or snapshot.time
        if fired_at >= snapshot.started_at:
            self._tell(alert, "firing", fired_at)
        else:  # it fired before this process began: that was told then
            self._told[alert.alert_id] = [SpanEvent(ALERT_EVENT, _ns(fired_at), alert_attributes(alert, "firing"))]

    def _tell(self, alert: AlertRow, state: str, moment: float) -> None:
        event = SpanEvent(ALERT_EVENT, _ns(moment), alert_attributes(alert, state))
        self._told.setdefault(alert.alert_id, []).append(event)
        waiting = self._waiting.setdefault((alert.labels.get("model", ""), alert.labels.get("version", "")), [])
        waiting.append(event)
        del waiting[:-MAX_WAITING_EVENTS]


def alert_attributes(alert: AlertRow, state: str) -> dict[str, str]:
    """The attributes of an alert in spans and logs; those without a value are left out."""
    attributes = {
        "neural.alert.id": alert.alert_id,
        "neural.alert.rule": alert.rule,
        "neural.alert.severity": alert.severity,
        "neural.alert.state": state,
        "neural.alert.acknowledged_by": alert.acknowledged_by,
        "ml.model.name": alert.labels.get("model", ""),
        "ml.model.version": alert.labels.get("version", ""),
        **{f"neural.alert.label.{name}": value for name, value in alert.labels.items() if name not in {"model", "version"}},
    }
    return {name: value for name, value in attributes.items() if value}


def _ns(seconds: float) -> int:
    return int(seconds * _NANOSECONDS)
