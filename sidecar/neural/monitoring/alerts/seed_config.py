"""The seed's ``alert_config``: slack_webhook or slack_webhook_url, email_config, webhook_url."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from neural.monitoring.alerts.channels import Channel, ChannelsSettings, build_channels
from neural.monitoring.clock import Clock
from neural.monitoring.errors import ConfigError

_KEYS = ("slack_webhook", "slack_webhook_url", "email_config", "webhook_url")
_EMAIL_KEYS = ("smtp_server", "smtp_port", "username", "password", "from_addr", "to_addrs", "security")
_CHANNELS: TypeAdapter[ChannelsSettings] = TypeAdapter(ChannelsSettings)


def channels_from_config(config: Mapping[str, Any], clock: Clock) -> dict[str, Channel]:
    """The channels of an ``alert_config``, and the log. Raises ConfigError for keys it doesn't know and addresses that aren't any."""
    for key in config:
        if key not in _KEYS:
            raise ConfigError(f"alert_config has no key {key!r}", key="alert_config", hint=f"there are {', '.join(_KEYS)}")
    settings: dict[str, Any] = {}
    if slack := config.get("slack_webhook") or config.get("slack_webhook_url"):
        settings["slack"] = {"webhook": slack, "group_wait": 0}
    if url := config.get("webhook_url"):
        settings["webhook"] = {"url": url}
    if mail := config.get("email_config"):
        settings["email"] = {**_email(mail), "group_wait": 0}
    try:
        return build_channels(_CHANNELS.validate_python(settings), clock)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]  # the input may be a secret
        raise ConfigError(first["msg"], key="alert_config." + ".".join(str(part) for part in first["loc"])) from None


def _email(config: Mapping[str, Any]) -> dict[str, Any]:
    for key in config:
        if key not in _EMAIL_KEYS:
            raise ConfigError(
                f"email_config has no key {key!r}", key="alert_config.email_config", hint=f"there are {', '.join(_EMAIL_KEYS)}"
            )
    recipients = config.get("to_addrs", ())
    known = {key: value for key, value in config.items() if value is not None}
    known["to_addrs"] = [recipients] if isinstance(recipients, str) else list(recipients)
    known.setdefault("from_addr", config.get("username", ""))
    return known
