"""The ``channels:`` part of the YAML file. The key is the channel's name, and its type too unless ``type:`` says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from neural.monitoring.alerts.channels.protocol import Policy
from neural.monitoring.section import Duration, Section

Seconds = Annotated[Duration, Field(gt=0, le=300)]


class _Common(Section):
    """What every channel can be told."""

    group_wait: Duration | None = Field(default=None, ge=0)
    """Collect alerts of one model for this long before the first message."""
    group_interval: Duration | None = Field(default=None, ge=0)
    """The least time between messages about one model, unless something worse happens."""
    send_resolved: bool = True
    """Say when it is over."""
    timeout: Seconds = 10.0
    """How long one attempt may take."""

    def policy_from(self, default: Policy) -> Policy:
        """The channel's own defaults, where nothing was said."""
        wait = default.group_wait if self.group_wait is None else self.group_wait
        interval = default.group_interval if self.group_interval is None else self.group_interval
        return Policy(wait, interval, default.min_interval, default.grouped, self.send_resolved, default.resend)


def _http(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith(("https://", "http://")):
        raise ValueError("must be an http:// or https:// address")
    return value


class LogSettings(_Common):
    """Structured lines in the sidecar's log."""

    type: Literal["log"] = "log"


class WebhookSettings(_Common):
    """JSON to any address."""

    type: Literal["webhook"] = "webhook"
    url: SecretStr
    """Where to POST."""
    secret: SecretStr | None = None
    """Signs each body with HMAC-SHA256 in X-Neural-Signature."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further headers, such as Authorization."""
    form: Literal["neural", "alertmanager"] = "neural"
    """The body's form: ours, or version 4 of Alertmanager's webhook."""

    _check = field_validator("url")(_http)


class SlackSettings(_Common):
    """An incoming webhook of Slack."""

    type: Literal["slack"] = "slack"
    webhook: SecretStr
    """The incoming webhook's address; it is a secret."""

    _check = field_validator("webhook")(_http)


class TeamsSettings(_Common):
    """A Microsoft Teams workflow webhook."""

    type: Literal["teams"] = "teams"
    webhook: SecretStr
    """The workflow's address; it is a secret."""

    _check = field_validator("webhook")(_http)


class EmailSettings(_Common):
    """SMTP. A login happens only over TLS."""

    type: Literal["email"] = "email"
    smtp_server: str
    """Host name of the mail server."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """587 for STARTTLS, 465 for TLS."""
    security: Literal["starttls", "tls", "none"] | None = None
    """Without it: tls on port 465, starttls elsewhere."""
    username: str = ""
    """Login name."""
    password: SecretStr = SecretStr("")
    """Password."""
    from_addr: str
    """The sender."""
    to_addrs: tuple[str, ...] = Field(min_length=1)
    """The recipients."""


class PagerDutySettings(_Common):
    """PagerDuty Events API v2."""

    type: Literal["pagerduty"] = "pagerduty"
    routing_key: SecretStr
    """The integration key of the service."""
    url: str = "https://events.pagerduty.com/v2/enqueue"
    """The API's address."""


class AlertmanagerSettings(_Common):
    """Prometheus Alertmanager, API v2. Every instance gets every alert."""

    type: Literal["alertmanager"] = "alertmanager"
    urls: tuple[SecretStr, ...] = Field(min_length=1)
    """Base addresses of all instances."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Further headers, such as Authorization."""


ChannelSettings = Annotated[
    LogSettings | WebhookSettings | SlackSettings | TeamsSettings | EmailSettings | PagerDutySettings | AlertmanagerSettings,
    Field(discriminator="type"),
]


def _fill_types(value: Any) -> Any:
    """The key is the type where none is given."""
    if not isinstance(value, Mapping):
        return value
    return {
        name: {"type": name, **one} if isinstance(one, Mapping) and "type" not in one else {"type": name} if one is None else one
        for name, one in value.items()
    }


ChannelsSettings = Annotated[dict[str, ChannelSettings], BeforeValidator(_fill_types)]
"""Name → settings."""
