"""The Slack channel: an incoming webhook, blocks within Slack's limits.

Limits (Slack's documentation): 1 message a second, 50 blocks, header text 150 and section text 3000 characters. The URL is the secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from neural.monitoring.alerts.channels.http import HTTPPoster
from neural.monitoring.alerts.channels.protocol import DeliveryResult, Policy
from neural.monitoring.alerts.notification import headline, lines_of

_MOST_BLOCKS, _HEADER_CHARACTERS, _SECTION_CHARACTERS, _FALLBACK_CHARACTERS = 50, 150, 3000, 1000
_SECONDS_A_MESSAGE = 1.0
_SIGNS = {"resolved": "✅", "critical": "🔴", "warning": "🟠", "info": "🔵"}


class SlackChannel:
    """POSTs to an incoming webhook. Success is 200 with the text "ok"."""

    kind = "slack"

    def __init__(
        self,
        url: str,
        *,
        name: str = "slack",
        policy: Policy | None = None,
        timeout: float = 10.0,
        poster: HTTPPoster | None = None,
    ) -> None:
        self.name = name
        self.policy = policy or Policy(min_interval=_SECONDS_A_MESSAGE)
        self._url = url
        self._poster = poster or HTTPPoster(timeout=timeout)

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        body = json.dumps(slack_message(notification), allow_nan=False).encode()
        return self._poster.post(self._url, body, {"Content-Type": "application/json"}, accept="ok")

    def close(self) -> None:
        """Close idle connections."""
        self._poster.close()


def slack_message(notification: Mapping[str, Any]) -> dict[str, Any]:
    """The blocks. A section an alert; what doesn't fit is counted in the last line."""
    title = escape(headline(notification))
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, _HEADER_CHARACTERS), "emoji": True}}
    ]
    alerts = notification["alerts"]
    shown = alerts[: _MOST_BLOCKS - 2]
    blocks += [
        {"type": "section", "text": {"type": "mrkdwn", "text": _cut(_section(entry), _SECTION_CHARACTERS)}} for entry in shown
    ]
    if len(alerts) > len(shown):
        text = f"… and {len(alerts) - len(shown)} more: neural monitor alerts"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": text}]})
    fallback = f"{title}: {escape(alerts[0]['message'])}" if alerts else title
    return {"text": _cut(fallback, _FALLBACK_CHARACTERS), "blocks": blocks}


def escape(text: str) -> str:
    """Slack's three control characters, so that no text can become a link or call @channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(entry: Mapping[str, Any]) -> str:
    sign = _SIGNS.get("resolved" if entry["status"] == "resolved" else entry["severity"], "")
    words = "resolved" if entry["status"] == "resolved" else entry["severity"]
    lines = [
        f"{sign} *{escape(entry['title'])}* ({words}{', still firing' if entry['repeat'] else ''})",
        escape(entry["message"]),
    ]
    lines += [f"*{heading}:* {escape(text)}" for heading, text in lines_of(entry)]
    return "\n".join(line for line in lines if line)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
