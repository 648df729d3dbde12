"""The Alertmanager channel: API v2, every instance gets every alert, said again while it fires.

Alertmanager forgets an alert at its ``endsAt``: while it fires, that lies four repeats ahead, so that an alert ends by itself if
the sidecar dies. An instance that is down gets the alert with the next repeat; the message counts as delivered when one instance has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.alerts.channels.alertmanager_form import api_alert
from neural.monitoring.alerts.channels.http import HTTPPoster
from neural.monitoring.alerts.channels.protocol import DeliveryResult, Policy
from neural.monitoring.clock import Clock, system_clock

RESEND_SECONDS = 60.0  # Prometheus says it again every minute
_LIFETIMES = 4.0


class AlertmanagerChannel:
    """POSTs to ``<url>/api/v2/alerts`` of all instances. Grouping, silences and repeats are Alertmanager's own there."""

    kind = "alertmanager"

    def __init__(
        self,
        urls: Sequence[str],
        *,
        name: str = "alertmanager",
        headers: Mapping[str, str] | None = None,
        send_resolved: bool = True,
        resend: float = RESEND_SECONDS,
        timeout: float = 10.0,
        clock: Clock = system_clock,
    ) -> None:
        self.name = name
        self.policy = Policy(group_wait=0.0, group_interval=0.0, send_resolved=send_resolved, resend=resend)
        self._urls = [f"{url.rstrip('/')}/api/v2/alerts" for url in urls]
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._lifetime = _LIFETIMES * resend
        self._poster = HTTPPoster(timeout=timeout, clock=clock)
        self._clock = clock

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        now = self._clock()
        alerts = [api_alert(entry, now, lifetime_seconds=self._lifetime) for entry in notification["alerts"]]
        body = json.dumps(alerts, allow_nan=False).encode()
        results = [self._poster.post(url, body, self._headers) for url in self._urls]
        failures = [result for result in results if not result.ok]
        if not failures:
            return results[0]
        detail = "; ".join(result.detail for result in failures)
        if len(failures) < len(results):
            return DeliveryResult(ok=True, detail=f"{len(failures)} of {len(results)} instances failed: {detail}")
        return DeliveryResult(
            ok=False,
            detail=detail,
            retryable=any(result.retryable for result in failures),
            ambiguous=any(result.ambiguous for result in failures),
            retry_after_seconds=max((result.retry_after_seconds or 0.0 for result in failures), default=0.0) or None,
        )

    def close(self) -> None:
        """Close idle connections."""
        self._poster.close()
