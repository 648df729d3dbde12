"""From settings to channels. The log is always there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural.monitoring.alerts.channels.alertmanager import AlertmanagerChannel
from neural.monitoring.alerts.channels.email import EmailChannel
from neural.monitoring.alerts.channels.log import LogChannel
from neural.monitoring.alerts.channels.pagerduty import PagerDutyChannel
from neural.monitoring.alerts.channels.protocol import Channel, Policy
from neural.monitoring.alerts.channels.settings import (
    AlertmanagerSettings,
    ChannelSettings,
    EmailSettings,
    LogSettings,
    PagerDutySettings,
    SlackSettings,
    TeamsSettings,
    WebhookSettings,
)
from neural.monitoring.alerts.channels.slack import SlackChannel
from neural.monitoring.alerts.channels.teams import TeamsChannel
from neural.monitoring.alerts.channels.webhook import WebhookChannel
from neural.monitoring.clock import Clock, system_clock

_IMPLICIT_TLS_PORT = 465


def build_channels(settings: Mapping[str, ChannelSettings], clock: Clock = system_clock) -> dict[str, Channel]:
    """Every configured channel by name, and ``log``. Nothing is connected yet."""
    channels: dict[str, Channel] = {"log": LogChannel()}
    for name, one in settings.items():
        channels[name] = build_channel(name, one, clock)
    return channels


def build_channel(name: str, settings: ChannelSettings, clock: Clock = system_clock) -> Channel:
    """One channel."""
    match settings:
        case LogSettings():
            return LogChannel(name)
        case WebhookSettings():
            secret = settings.secret.get_secret_value() if settings.secret else ""
            policy = settings.policy_from(Policy(group_wait=0.0, group_interval=0.0))
            return WebhookChannel(
                settings.url.get_secret_value(), name=name, secret=secret, headers=_plain(settings.headers), form=settings.form,
                policy=policy, timeout=settings.timeout, clock=clock,
            )  # fmt: skip
        case SlackSettings():
            policy = settings.policy_from(Policy(min_interval=1.0))
            return SlackChannel(settings.webhook.get_secret_value(), name=name, policy=policy, timeout=settings.timeout)
        case TeamsSettings():
            policy = settings.policy_from(Policy(min_interval=1.0))
            return TeamsChannel(settings.webhook.get_secret_value(), name=name, policy=policy, timeout=settings.timeout)
        case EmailSettings():
            return _email(name, settings)
        case PagerDutySettings():
            policy = settings.policy_from(Policy(group_wait=0.0, group_interval=0.0, grouped=False))
            key = settings.routing_key.get_secret_value()
            return PagerDutyChannel(key, url=settings.url, name=name, policy=policy, timeout=settings.timeout)
        case AlertmanagerSettings():
            return AlertmanagerChannel(
                [url.get_secret_value() for url in settings.urls], name=name, headers=_plain(settings.headers),
                send_resolved=settings.send_resolved, timeout=settings.timeout, clock=clock,
            )  # fmt: skip


def _email(name: str, settings: EmailSettings) -> EmailChannel:
    security = settings.security or ("tls" if settings.smtp_port == _IMPLICIT_TLS_PORT else "starttls")
    return EmailChannel(
        settings.smtp_server, settings.smtp_port, settings.from_addr, settings.to_addrs, name=name, username=settings.username,
        password=settings.password.get_secret_value(), security=security, policy=settings.policy_from(Policy()), timeout=settings.timeout,
    )  # fmt: skip


def _plain(headers: Mapping[str, Any]) -> dict[str, str]:
    return {key: value.get_secret_value() for key, value in headers.items()}
