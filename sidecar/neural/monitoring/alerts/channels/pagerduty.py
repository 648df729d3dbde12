"""The PagerDuty channel: Events API v2. One event an alert; its fingerprint is the dedup key, so that a resolve finds its trigger."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from neural.monitoring.alerts.channels.alertmanager_form import rfc3339
from neural.monitoring.alerts.channels.http import HTTPPoster
from neural.monitoring.alerts.channels.protocol import DELIVERED, DeliveryResult, Policy

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
_SUMMARY_CHARACTERS = 1024
_MOST_DETAIL_BYTES = 400_000  # an event may hold 512 kB


class PagerDutyChannel:
    """POSTs events. 202 is success; PagerDuty answers 429 when there are too many."""

    kind = "pagerduty"

    def __init__(
        self,
        routing_key: str,
        *,
        url: str = EVENTS_URL,
        name: str = "pagerduty",
        policy: Policy | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.name = name
        self.policy = policy or Policy(group_wait=0.0, group_interval=0.0, grouped=False)
        self._key, self._url = routing_key, url
        self._poster = HTTPPoster(timeout=timeout)

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        for entry in notification["alerts"]:
            body = json.dumps({"routing_key": self._key, **pagerduty_event(entry)}, allow_nan=False, default=str).encode()
            result = self._poster.post(self._url, body, {"Content-Type": "application/json"})
            if not result.ok:
                return result
        return DELIVERED

    def close(self) -> None:
        """Close idle connections."""
        self._poster.close()


def pagerduty_event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The event without its key."""
    if entry["status"] == "resolved":
        return {"event_action": "resolve", "dedup_key": entry["fingerprint"]}
    details = {"message": entry["message"], "labels": entry["labels"], **entry["evidence"]}
    if len(json.dumps(details, default=str)) > _MOST_DETAIL_BYTES:
        details = {"message": entry["message"]}
    payload = {
        "summary": f"{entry['title']}: {entry['message']}"[:_SUMMARY_CHARACTERS],
        "source": entry["model"] or "neural-monitoring",
        "severity": entry["severity"],
        "timestamp": rfc3339(entry["fired_at"] or entry["started_at"]),
        "component": entry["source"],
        "custom_details": details,
    }
    event: dict[str, Any] = {"event_action": "trigger", "dedup_key": entry["fingerprint"], "payload": payload}
    if link := entry["evidence"].get("dashboard"):
        event["links"] = [{"href": link, "text": "Dashboard"}]
    return event
