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
    """One incident on the story's clock: seconds since the first request."""

    incident: Incident
    start_seconds: float
    end_seconds: float


def timetable(seconds: float, *, incidents: bool) -> list[Act]:
    """The acts of a story of that length; none when incidents are left out."""
    return [Act(incident, start * seconds, end * seconds) for incident, start, end in _TIMETABLE] if incidents else []


def incident_at(acts: list[Act], elapsed_seconds: float) -> Incident | None:
    """Which incident is under way, if any."""
    return next((act.incident for act in acts if act.start_seconds <= elapsed_seconds < act.end_seconds), None)
