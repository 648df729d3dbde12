"""The story's timetable: when each incident begins and ends."""

from __future__ import annotations

from dataclasses import dataclass

from neural.monitoring.demo.feed import Incident

# Shares of the story's length. The quiet stretch at the start is the longest: it shows that nothing fires without a cause.
_TIMETABLE = (
    (Incident.CELSIUS, 0.30, 0.43),
    (Incident.SLOW, 0.55, 0.67),
    (Incident.BROKEN, 0.78, 0.92),
)

IN_WORDS = {
    Incident.CELSIUS: "the weather feed switches from °F to °C",
    Incident.SLOW: "a service the model server calls on every request becomes slow",
    Incident.BROKEN: "an upstream sends nulls, a carrier code nobody knows, and requests that make the server fail",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One incident on the story's clock: shares of the rows sent."""

    incident: Incident
    start_share: float
    end_share: float


@dataclass(slots=True)
class Episode:
    """An act as it happened: Unix seconds of its first affected request and of the first request after it (None: not over yet)."""

    incident: Incident
    started_at: float
    ended_at: float | None = None


def timetable(*, incidents: bool) -> list[Act]:
    """The acts of a story; none when incidents are left out."""
    return [Act(incident, start, end) for incident, start, end in _TIMETABLE] if incidents else []


def incident_at(acts: list[Act], share: float) -> Incident | None:
    """Which incident is under way when this share of the rows has been sent, if any."""
    return next((act.incident for act in acts if act.start_share <= share < act.end_share), None)
