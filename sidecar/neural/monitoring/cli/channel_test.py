"""One test message over one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neural.monitoring.errors import ConfigError

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings


def send_test(settings: Settings, name: str) -> dict[str, Any]:
    """{"channel", "delivered", "message"}. Raises ConfigError when there is no such channel."""
    from neural.monitoring.alerts import build_channels, test_channel

    channels = build_channels(settings.channels)
    if name not in channels:
        known = ", ".join(channels) or "none"
        raise ConfigError(f"there is no channel {name!r}; there are: {known}", key="channels")
    outcome = test_channel(channels[name], name)
    return {"channel": name, "delivered": outcome.delivered, "message": outcome.message}
