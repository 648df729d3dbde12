"""The words of alerting: severities, states, channels."""

from __future__ import annotations

from enum import StrEnum


class AlertSeverity(StrEnum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Higher is worse."""
        return list(AlertSeverity).index(self)


class AlertState(StrEnum):
    """Where an alert is in its life. A pending alert has not fired, and goes away without a trace when its condition does."""

    PENDING = "pending"
    FIRING = "firing"
    SUPPRESSED = "suppressed"  # firing, but silenced or inhibited
    RESOLVED = "resolved"


class NoData(StrEnum):
    """What a rule does when a signal it reads has no value."""

    KEEP = "keep"  # stay as it is (a firing alert resolves after an hour without data)
    OK = "ok"  # as if the condition were false
    ALERT = "alert"  # as if it were true


class AlertChannel(StrEnum):
    """The kinds of channel."""

    SLACK = "slack"
    EMAIL = "email"
    WEBHOOK = "webhook"
    LOG = "log"
    PAGERDUTY = "pagerduty"
    TEAMS = "teams"
    ALERTMANAGER = "alertmanager"
