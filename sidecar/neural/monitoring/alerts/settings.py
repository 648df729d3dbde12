"""The ``alerts:`` and ``silences:`` parts of the YAML file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from neural.monitoring.alerts.expression import compile_expression
from neural.monitoring.alerts.names import AlertSeverity, NoData
from neural.monitoring.alerts.recurrence import LONGEST_SECONDS, parse_recurrence, zone
from neural.monitoring.alerts.rule import DEFAULT_COOLDOWN_SECONDS, DEFAULT_REPEAT_SECONDS
from neural.monitoring.alerts.template import problem
from neural.monitoring.errors import ConfigError
from neural.monitoring.section import Duration, Section


def _instant(value: Any) -> Any:
    """Unix seconds from a number, an RFC 3339 text, or the datetime YAML made of it."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} needs a time zone: write for example 2026-03-01T22:00:00Z")
        return value.timestamp()
    return value


Instant = Annotated[float, BeforeValidator(_instant, json_schema_input_type=str | float)]


class RuleSettings(Section):
    """One alert rule: ``when`` (a CEL expression over signals), or ``metric`` with ``above`` or ``below``."""

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(min_length=1, max_length=120)
    """What people read. A rule with the name of a predefined one replaces it."""
    enabled: bool = True
    """false switches a predefined rule off."""
    when: str | None = None
    """A CEL expression: error_rate > 0.05 && requests.rate > 1"""
    metric: str | None = None
    """The short form: a signal's name."""
    above: float | None = None
    """The short form: the condition holds above this."""
    below: float | None = None
    """The short form: the condition holds below this."""
    where: dict[str, str] = Field(default_factory=dict)
    """The short form: only series with these labels."""
    for_each: tuple[str, ...] = ()
    """The short form: an alert of its own for each value of these labels."""
    for_: Duration = Field(default=0.0, alias="for", ge=0)
    """How long the condition must hold before it fires."""
    keep_firing_for: Duration = Field(default=0.0, ge=0)
    """How long the condition must be gone before it resolves: damps flapping."""
    severity: AlertSeverity = AlertSeverity.WARNING
    """info, warning or critical."""
    channels: tuple[str, ...] | None = None
    """Whom to tell. Without it: every configured channel."""
    cooldown: Duration = Field(default=DEFAULT_COOLDOWN_SECONDS, ge=0)
    """The least time between two messages about the same alert firing anew."""
    repeat: Duration | None = Field(default=DEFAULT_REPEAT_SECONDS, gt=0)
    """Say it again this often while it fires; null for never."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Carried by every alert; silences match them."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Carried by every message."""
    message: str = Field(default="", max_length=2000)
    """A template: Error rate is {error_rate:.2%}. Without it, the reason in plain words."""
    runbook: str = Field(default="", max_length=2000)
    """Where it says what to do."""
    no_data: NoData = NoData.KEEP
    """When a signal has no value: keep (stay as it is), ok, or alert."""
    inhibits: tuple[str, ...] = ()
    """Rules (names or globs) that stay quiet while this one fires, for the same model."""

    @field_validator("message")
    @classmethod
    def _sound_template(cls, value: str) -> str:
        if wrong := problem(value):
            raise ValueError(wrong)
        return value

    @field_validator("when")
    @classmethod
    def _sound_expression(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                compile_expression(value)
            except ConfigError as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if not self.enabled:
            return self
        if (self.when is None) == (self.metric is None):
            raise ValueError("a rule has either when: (an expression) or metric: with above: or below:")
        if self.metric is not None and self.above is None and self.below is None:
            raise ValueError("metric: needs above: or below:")
        if self.when is not None and (self.above is not None or self.below is not None or self.where or self.for_each):
            raise ValueError("above:, below:, where: and for_each: go with metric:, not with when:")
        return self


class SilenceSettings(Section):
    """A time in which matching alerts are not sent: a maintenance window."""

    model_config = ConfigDict(populate_by_name=True)

    match: dict[str, str] = Field(min_length=1)
    """Labels and their values (globs allowed): rule, severity, model, version, and the rules' own labels."""
    starts: Instant = 0.0
    """When it begins, with time zone: 2026-03-01T22:00:00Z"""
    ends: Instant
    """When it ends; of one that comes again, when it has come for the last time."""
    every: str = ""
    """When it opens again and again: sat,sun 22:00, mon-fri 01:30, daily 02:00, 1,15 03:00 (days of the month)."""
    for_: Annotated[Duration, Field(gt=0, le=LONGEST_SECONDS)] | None = Field(default=None, alias="for")
    """How long each opening lasts; goes with every."""
    time_zone: str = "UTC"
    """Whose wall clock every means, such as Europe/Berlin."""
    author: str = Field(min_length=1)
    """Who wants it."""
    reason: str = ""
    """Why."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.ends <= self.starts:
            raise ValueError("a silence must end after it starts")
        if bool(self.every) != (self.for_ is not None):
            raise ValueError("every: (when it opens) and for: (how long) go together")
        if self.every:
            parse_recurrence(self.every)
        zone(self.time_zone)
        return self
