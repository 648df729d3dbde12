"""The rows of the state store, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Report:
    """A dated JSON document: a drift report, a quality report, an SLA report …"""

    kind: str  # "drift", "quality", "performance", "prediction", "ledger", "decode_failure", …
    time: float
    model: str
    version: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as it stands. ``alert_id`` names one episode; ``fingerprint`` names the rule and labels over all episodes."""

    alert_id: str
    fingerprint: str
    rule: str
    severity: str  # info | warning | critical
    state: str  # pending | firing | resolved | suppressed
    title: str
    message: str
    source: str
    started_at: float  # when the condition became true
    fired_at: float | None = None
    resolved_at: float | None = None
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    acknowledged_note: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])
    updated_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts whose labels match every matcher are not delivered between the two times."""

    silence_id: str
    matchers: Mapping[str, str]  # label → value; "rule" and "severity" are labels too
    starts_at: float
    ends_at: float
    author: str
    reason: str
    every: str = ""  # "sat 22:00": between the two times it opens again and again; "" is all the time
    lasts: float = 0.0  # seconds of each opening
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to one channel: written before it is sent, kept until it is delivered or dead."""

    message_id: str
    alert_id: str
    channel: str
    payload: Mapping[str, Any]
    state: str = "queued"  # queued | sending | delivered | dead | withdrawn (before it was sent)
    attempts: int = 0
    created_at: float = 0.0
    next_attempt_at: float = 0.0
    delivered_at: float | None = None
    ambiguous: int = 0  # attempts whose end is unknown: the receiver may have got it
    error: str = ""
