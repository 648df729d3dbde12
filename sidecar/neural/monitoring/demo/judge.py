"""Which alert belongs to which incident, and how long it took. Looks only at what the sidecar stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neural.monitoring.demo.client import Traffic
from neural.monitoring.demo.feed import Incident
from neural.monitoring.demo.plan import Episode
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


def judge(episodes: Sequence[Episode], alerts: Sequence[AlertRow], traffic: Traffic, grace_seconds: float) -> list[Detection]:
    """One detection an episode: the first fitting alert that fired between its start and ``grace_seconds`` after its end."""
    return [_detection(episode, alerts, traffic, grace_seconds) for episode in episodes]


def _detection(episode: Episode, alerts: Sequence[AlertRow], traffic: Traffic, grace_seconds: float) -> Detection:
    begin = episode.started_at
    end = float("inf") if episode.ended_at is None else episode.ended_at + grace_seconds
    fitting = [
        (alert.fired_at, alert)
        for alert in alerts
        if alert.fired_at is not None and begin <= alert.fired_at <= end and concerns(alert, episode.incident)
    ]
    if not fitting:
        return Detection(episode.incident, begin, detected=False)
    fired_at, first = min(fitting, key=lambda pair: pair[0])
    return Detection(
        episode.incident,
        begin,
        detected=True,
        delay_seconds=round(fired_at - begin, 3),
        delay_rows=traffic.rows_at(fired_at) - traffic.rows_at(begin),
        alert=first.title,
        message=first.message,
    )


def concerns(alert: AlertRow, incident: Incident) -> bool:
    """True when the alert's rule watches a signal that the incident can move."""
    return alert.source.startswith(_EXPECTED_SOURCES[incident])


def false_alarms(episodes: Sequence[Episode], alerts: Sequence[AlertRow]) -> list[AlertRow]:
    """Alerts that fired before the first incident began; all of them when there was none."""
    first = min((episode.started_at for episode in episodes), default=float("inf"))
    return [alert for alert in alerts if alert.fired_at is not None and alert.fired_at < first]
