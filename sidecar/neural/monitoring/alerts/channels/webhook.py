"""The webhook channel: JSON with a schema version, signed with HMAC-SHA256; Alertmanager's own form as an option.

Signature: header ``X-Neural-Signature: t=<unix seconds>,v1=<hex>`` where hex = HMAC-SHA256(secret, "<t>." + body). A receiver
recomputes it and refuses old times, so that a recorded message can't be played again.
``Idempotency-Key`` is the message id: the same on every attempt.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Literal

from neural.monitoring.alerts.channels.alertmanager_form import webhook_form
from neural.monitoring.alerts.channels.http import HTTPPoster
from neural.monitoring.alerts.channels.protocol import DeliveryResult, Policy
from neural.monitoring.clock import Clock, system_clock

SIGNATURE_HEADER = "X-Neural-Signature"


class WebhookChannel:
    """POSTs the notification to one URL."""

    kind = "webhook"

    def __init__(
        self,
        url: str,
        *,
        name: str = "webhook",
        secret: str = "",
        headers: Mapping[str, str] | None = None,
        form: Literal["neural", "alertmanager"] = "neural",
        policy: Policy | None = None,
        timeout: float = 10.0,
        verify: bool = True,
        clock: Clock = system_clock,
    ) -> None:
        self.name = name
        self.policy = policy or Policy(group_wait=0.0, group_interval=0.0)
        self._url, self._secret, self._headers, self._form, self._clock = url, secret, dict(headers or {}), form, clock
        self._poster = HTTPPoster(timeout=timeout, verify=verify, clock=clock)

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        document = webhook_form(notification, self.name) if self._form == "alertmanager" else notification
        body = json.dumps(document, allow_nan=False, default=str).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(notification["id"]), **self._headers}
        if self._secret:
            headers[SIGNATURE_HEADER] = sign(self._secret, body, self._clock())
        return self._poster.post(self._url, body, headers)

    def close(self) -> None:
        """Close idle connections."""
        self._poster.close()


def sign(secret: str, body: bytes, at: float) -> str:
    """The signature header's value."""
    stamp = f"{at:.0f}"
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={digest}"
