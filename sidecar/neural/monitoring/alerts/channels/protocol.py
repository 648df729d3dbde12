"""What a channel is: one file each, and all pass the same conformance suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Policy:
    """How a channel wants its messages. Times are seconds.

    ``group_wait``: collect alerts of one model for this long before the first message. ``group_interval``: the least time between messages of one
    group, unless something worse happens. ``min_interval``: the least time between any two messages (a rate limit). ``resend``: say it again this
    often while it fires, whatever the rule's repeat interval (for receivers that forget, such as Alertmanager).
    """

    group_wait: float = 30.0
    group_interval: float = 300.0
    min_interval: float = 0.0
    grouped: bool = True
    send_resolved: bool = True
    resend: float | None = None


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """How one attempt ended.

    ``retryable``: trying again may help. ``ambiguous``: the receiver may have got it (no answer after the message was sent), so that trying again may
    show it twice. ``retry_after_seconds``: the receiver's own wish.
    """

    ok: bool
    detail: str = ""
    retryable: bool = False
    ambiguous: bool = False
    retry_after_seconds: float | None = None


DELIVERED = DeliveryResult(ok=True)


class Channel(Protocol):
    """Sends one notification (see ``notification.py`` for its shape). Never raises; ends within its timeout; never follows redirects."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def policy(self) -> Policy: ...

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult: ...

    def close(self) -> None: ...
