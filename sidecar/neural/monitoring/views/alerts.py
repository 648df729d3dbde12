"""What fired, what fires, what is silenced, and whether the messages got through."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

from neural.monitoring.store import AlertRow, OutboxRow, Silence, Store

SECONDS_PER_HOUR = 3600.0
MAX_ALERTS = 1000
"""Alerts listed; the counts cover as many."""
RECENT_CRITICAL = 5
MOST_LETTERS = 20
SEVERITIES = ("critical", "warning", "info")
OPEN = ("pending", "firing", "suppressed")


def alerts(store: Store, now: float, hours: float = 24, severity: str | None = None) -> dict[str, Any]:
    """Alerts that fired within the last ``hours`` (or still fire), newest first.

    Keys of the seed: ``status`` ("ok" | "no_alerts"), ``total_alerts``, ``time_period_hours``, ``by_severity``, ``by_source``,
    ``recent_critical``. Beside them ``firing`` (how many now), ``pending``, ``alerts`` (every field of the stored alert),
    ``silences`` (in force), ``undelivered`` {queued, dead}: messages that have not reached their channel, and ``dead_letters``: the
    newest of those that never will, each with its channel, alerts, attempts, ``ambiguous`` ones among them, error and time.
    """
    since = now - hours * SECONDS_PER_HOUR
    touched = store.alerts(since=since, severity=severity, limit=MAX_ALERTS)
    still_open = store.alerts(states=OPEN, severity=severity, limit=MAX_ALERTS)
    rows = sorted({row.alert_id: row for row in (*touched, *still_open)}.values(), key=lambda row: -row.started_at)
    fired = [row for row in rows if row.fired_at is not None]
    dead = store.outbox(state="dead", limit=MAX_ALERTS)
    return {
        "status": "ok" if fired else "no_alerts",
        "timestamp": now,
        "total_alerts": len(fired),
        "time_period_hours": hours,
        "by_severity": {name: sum(row.severity == name for row in fired) for name in SEVERITIES},
        "by_source": dict(sorted(Counter(row.source for row in fired).items())),
        "recent_critical": [alert_dict(row) for row in fired if row.severity == "critical"][:RECENT_CRITICAL],
        "firing": sum(row.state == "firing" for row in rows),
        "pending": sum(row.state == "pending" for row in rows),
        "alerts": [alert_dict(row) for row in fired],
        "silences": [silence_dict(silence) for silence in store.silences(active_at=now)],
        "undelivered": {"queued": len(store.outbox(state="queued", limit=MAX_ALERTS)), "dead": len(dead)},
        "dead_letters": [_letter(row) for row in reversed(dead[-MOST_LETTERS:])],
    }


def _letter(row: OutboxRow) -> dict[str, Any]:
    return {
        "message_id": row.message_id,
        "channel": row.channel,
        "alerts": [f"{one.get('title', '')} ({one.get('status', '')})" for one in row.payload.get("alerts", ())],
        "attempts": row.attempts,
        "ambiguous": row.ambiguous,
        "error": row.error,
        "created_at": row.created_at,
    }


def alert_dict(row: AlertRow) -> dict[str, Any]:
    """An alert as JSON: the fields of ``AlertRow``."""
    return {field.name: _plain(getattr(row, field.name)) for field in fields(row)}


def silence_dict(silence: Silence) -> dict[str, Any]:
    """A silence as JSON: the fields of ``Silence``."""
    return {field.name: _plain(getattr(silence, field.name)) for field in fields(silence)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | type(None)) else dict(value)
