"""Which alert belongs to which incident, and how long it took. Looks only at what the sidecar stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neural.monitoring.demo.client import Traffic
from neural.monitoring.demo.feed import Incident
from neural.monitoring.demo.plan import Act
from neural.monitoring.store import AlertRow

# What an alert must be about to count as noticing the incident: the family of the signal that its rule watches.
_EXPECTED_SOURCES = {
    Incident.CELSIUS: ("drift",),
    Incident.SLOW: ("latency", "slo"),
    Incident.BROKEN: ("quality", "error_rate"),
}


@dataclass(frozen=True, slots=True)
class Detection:
    """What came of one incident. Delays count from its first affected request to the moment the alert fired."""

    incident: Incident
    started_at: float
    detected: bool
    delay_seconds: float | None = None
    delay_rows: int | None = None
    alert: str = ""
    message: str = ""


def judge(
    acts: Sequence[Act], alerts: Sequence[AlertRow], traffic: Traffic, started_at: float, grace_seconds: float
) -> list[Detection]:
    """One detection an act: the first fitting alert that fired between the act's start and ``grace_seconds`` after its end."""
    return [_detection(act, alerts, traffic, started_at, grace_seconds) for act in acts]


def _detection(act: Act, alerts: Sequence[AlertRow], traffic: Traffic, started_at: float, grace_seconds: float) -> Detection:
    begin, end = started_at + act.start_seconds, started_at + act.end_seconds + grace_seconds
    fitting = [
        (alert.fired_at, alert)
        for alert in alerts
        if alert.fired_at is not None and begin <= alert.fired_at <= end and concerns(alert, act.incident)
    ]
    if not fitting:
        return Detection(act.incident, begin, detected=False)
    fired_at, first = min(fitting, key=lambda pair: pair[0])
    rows = traffic.rows_at(fired_at) - traffic.rows_at(begin)
    return Detection(
        act.incident,
        begin,
        detected=True,
        delay_seconds=round(fired_at - begin, 3),
        delay_rows=rows,
        alert=first.title,
        message=first.message,
    )


def concerns(alert: AlertRow, incident: Incident) -> bool:
    """True when the alert's rule watches a signal that the incident can move."""
    return alert.source.startswith(_EXPECTED_SOURCES[incident])


def false_alarms(acts: Sequence[Act], alerts: Sequence[AlertRow], started_at: float) -> list[AlertRow]:
    """Alerts that fired before the first incident began; all of them when there was none."""
    first = started_at + acts[0].start_seconds if acts else float("inf")
    return [alert for alert in alerts if alert.fired_at is not None and alert.fired_at < first]
