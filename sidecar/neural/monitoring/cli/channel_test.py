"""One test message over one channel."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from neural.monitoring.clock import system_clock
from neural.monitoring.errors import ConfigError

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings


def send_test(settings: Settings, name: str) -> dict[str, Any]:
    """{"channel", "kind", "delivered", "message", "ambiguous"}. Raises ConfigError when there is no such channel."""
    from neural.monitoring.alerts import build_channels, test_notification

    channels = build_channels(settings.channels)
    if name not in channels:
        known = ", ".join(channels) or "none"
        raise ConfigError(f"there is no channel {name!r}; there are: {known}", key="channels", where=settings.where("channels"))
    channel = channels[name]
    try:
        result = channel.send(test_notification(uuid.uuid4().hex, system_clock(), name))
    finally:
        for one in channels.values():
            one.close()
    message = f"{name}: delivered" if result.ok else f"{name}: not delivered: {result.detail}"
    return {"channel": name, "kind": channel.kind, "delivered": result.ok, "message": message, "ambiguous": result.ambiguous}
