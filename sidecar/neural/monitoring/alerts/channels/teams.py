"""The Microsoft Teams channel: an adaptive card to a workflow's webhook ("Post to a channel when a webhook request is received").

Limit (Microsoft's documentation): a message of about 28 kB. The URL is the secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.alerts.channels.http import HTTPPoster
from neural.monitoring.alerts.channels.protocol import DeliveryResult, Policy
from neural.monitoring.alerts.notification import headline, lines_of

_MOST_BYTES = 27_000
_MOST_ALERTS = 10
_TEXT_CHARACTERS = 1500
_COLORS = {"critical": "attention", "warning": "warning", "info": "accent"}


class TeamsChannel:
    """POSTs one card a message."""

    kind = "teams"

    def __init__(self, url: str, *, name: str = "teams", policy: Policy | None = None, timeout: float = 10.0) -> None:
        self.name = name
        self.policy = policy or Policy(min_interval=1.0)
        self._url = url
        self._poster = HTTPPoster(timeout=timeout)

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        return self._poster.post(self._url, teams_body(notification), {"Content-Type": "application/json"})

    def close(self) -> None:
        """Close idle connections."""
        self._poster.close()


def teams_body(notification: Mapping[str, Any]) -> bytes:
    """The card, with fewer alerts where it would be too big."""
    shown = list(notification["alerts"])[:_MOST_ALERTS]
    while True:
        body = json.dumps(_message(notification, shown), allow_nan=False).encode()
        if len(body) <= _MOST_BYTES or len(shown) <= 1:
            return body
        shown = shown[: len(shown) // 2]


def _message(notification: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    body: list[dict[str, Any]] = [_text(headline(notification), size="large", weight="bolder")]
    for entry in shown:
        color = "good" if entry["status"] == "resolved" else _COLORS.get(entry["severity"], "default")
        body.append(_text(entry["title"], weight="bolder", color=color))
        body.append(_text(entry["message"]))
        facts = [{"title": heading, "value": _plain(text)} for heading, text in lines_of(entry)]
        body.append({"type": "FactSet", "facts": facts})
    left = len(notification["alerts"]) - len(shown)
    if left > 0:
        body.append(_text(f"… and {left} more: neural monitor alerts"))
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}],
    }


def _text(text: str, **more: str) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _plain(text), "wrap": True, **more}


def _plain(text: str) -> str:
    """No Markdown links: texts may hold what strangers sent."""
    return text.replace("](", "] (")[:_TEXT_CHARACTERS]
