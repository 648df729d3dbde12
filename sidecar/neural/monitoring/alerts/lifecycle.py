"""The state machine of one alert: pending → firing → resolved. Pure: time comes in as the seconds since the last evaluation.

The holding times (``for``, ``keep_firing_for``) add up observed time, each step bounded by the caller, so that a clock that jumps or a pause of the
sidecar can't make an alert fire that wasn't seen to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from neural.monitoring.alerts.names import NoData
from neural.monitoring.alerts.rule import Rule

NO_DATA_HOLD_SECONDS = 3600.0
"""A firing alert whose signals have vanished resolves after this long, and says so."""


class Change(StrEnum):
    """What an evaluation did to an alert."""

    NONE = "none"
    PENDING = "pending"
    CANCELLED = "cancelled"  # was pending, and the condition went away
    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(slots=True)
class Episode:
    """One alert from the moment its condition became true. Times are Unix seconds, ``…_for`` are seconds of observed time."""

    alert_id: str
    fingerprint: str
    rule: str
    scope: tuple[str, str]
    labels: Mapping[str, str]
    started_at: float
    held_for: float = 0.0
    fired_at: float | None = None
    clear_for: float = 0.0
    was_clear: bool = False
    no_data_for: float = 0.0
    notified_at: float | None = None
    told_at: dict[str, float] = field(default_factory=dict[str, float])  # channel → when it was last told
    evidence: dict[str, Any] = field(default_factory=dict[str, Any])
    message: str = ""
    suppressed_by: str = ""
    acknowledged: dict[str, Any] = field(default_factory=dict[str, Any])  # {by, at, note}; empty while nobody has it

    @property
    def firing(self) -> bool:
        """Whether it has fired (and not resolved: then it is gone)."""
        return self.fired_at is not None

    @property
    def progress(self) -> tuple[object, ...]:
        """What moves from one evaluation to the next."""
        told = max(self.told_at.values(), default=0.0)
        return (
            self.alert_id,
            self.held_for,
            self.fired_at,
            self.clear_for,
            self.was_clear,
            self.no_data_for,
            told,
            self.suppressed_by,
            self.acknowledged.get("at"),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; without message and evidence, which stand in the alert's row."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name not in ("evidence", "message")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Episode:
        """The inverse of ``to_dict``."""
        model, version = data["scope"]
        return cls(**{**data, "scope": (model, version)})


def step(episode: Episode, rule: Rule, holds: bool | None, elapsed: float, now: float, *, is_new: bool = False) -> Change:
    """Move an episode on by one evaluation, ``elapsed`` seconds after the last.

    ``holds`` is the condition's answer, None without data. A new episode is one whose condition has just become true.
    """
    if holds is None and rule.no_data is not NoData.KEEP:
        holds = rule.no_data is NoData.ALERT
    if not episode.firing:
        return _step_pending(episode, rule, holds, 0.0 if is_new else elapsed, now, is_new=is_new)
    if holds:
        episode.clear_for, episode.was_clear, episode.no_data_for = 0.0, False, 0.0
        return Change.NONE
    if holds is None:
        episode.no_data_for += elapsed
        return Change.RESOLVED if episode.no_data_for >= NO_DATA_HOLD_SECONDS else Change.NONE
    episode.no_data_for = 0.0
    episode.clear_for += elapsed if episode.was_clear else 0.0
    episode.was_clear = True
    return Change.RESOLVED if episode.clear_for >= rule.keep_firing_for_seconds else Change.NONE


def _step_pending(episode: Episode, rule: Rule, holds: bool | None, elapsed: float, now: float, *, is_new: bool) -> Change:
    if not holds:
        return Change.CANCELLED
    episode.held_for += elapsed
    if episode.held_for >= rule.for_seconds:
        episode.fired_at = now
        return Change.FIRED
    return Change.PENDING if is_new else Change.NONE
