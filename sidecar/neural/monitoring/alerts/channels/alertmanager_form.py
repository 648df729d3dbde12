"""Alertmanager's JSON: the v2 API's alerts, and version 4 of its webhook. Labels are an alert's identity: no values, no times in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_BAD_LABEL = re.compile(r"[^a-zA-Z0-9_]")


def api_alert(entry: Mapping[str, Any], now: float, *, lifetime_seconds: float | None = None) -> dict[str, Any]:
    """One alert for POST /api/v2/alerts. While it fires, ``endsAt`` lies ``lifetime_seconds`` ahead, so that it ends by itself if we vanish."""
    resolved = entry["resolved_at"]
    ends = resolved if resolved is not None else now + lifetime_seconds if lifetime_seconds is not None else None
    alert = {
        "labels": labels_of(entry),
        "annotations": annotations_of(entry),
        "startsAt": rfc3339(entry["fired_at"] or entry["started_at"]),
    }
    if ends is not None:
        alert["endsAt"] = rfc3339(ends)
    if link := entry["evidence"].get("dashboard"):
        alert["generatorURL"] = str(link)
    return alert


def webhook_form(notification: Mapping[str, Any], receiver: str) -> dict[str, Any]:
    """The body Alertmanager itself would send to a webhook."""
    alerts: list[dict[str, Any]] = []
    for entry in notification["alerts"]:
        one = api_alert(entry, notification["created_at"])
        one.setdefault("endsAt", "0001-01-01T00:00:00Z")
        one.setdefault("generatorURL", "")
        alerts.append({"status": entry["status"], **one, "fingerprint": entry["fingerprint"]})
    return {
        "version": "4",
        "groupKey": f'{{}}:{{model="{notification["group"]}"}}',
        "truncatedAlerts": 0,
        "status": "resolved" if notification["status"] == "resolved" else "firing",
        "receiver": receiver,
        "groupLabels": {"model": notification["group"]},
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": "",
        "alerts": alerts,
    }


def labels_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """Identity only."""
    own = {_BAD_LABEL.sub("_", name): str(value) for name, value in entry["labels"].items() if value}
    return {**own, "alertname": str(entry["rule"]), "severity": str(entry["severity"])}


def annotations_of(entry: Mapping[str, Any]) -> dict[str, str]:
    """What it says now."""
    own = {_BAD_LABEL.sub("_", name): str(value) for name, value in entry["annotations"].items()}
    extra = {
        "summary": entry["title"],
        "description": entry["message"],
        "runbook": entry["runbook"],
        "command": entry["evidence"].get("command", ""),
    }
    return {**{name: str(value) for name, value in extra.items() if value}, **own}


def rfc3339(at: float) -> str:
    """UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _common(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    if not rows:
        return {}
    return {name: value for name, value in rows[0].items() if all(row.get(name) == value for row in rows[1:])}
