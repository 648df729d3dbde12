"""From settings to rules: the predefined ones, overridden by name, and the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from neural.monitoring.alerts.condition import CelCondition, ThresholdCondition
from neural.monitoring.alerts.expression import ALIASES, Reference
from neural.monitoring.alerts.rule import Condition, Rule
from neural.monitoring.alerts.settings import RuleSettings, SilenceSettings
from neural.monitoring.errors import ConfigError
from neural.monitoring.store.rows import Silence


@cache
def predefined_rules() -> tuple[RuleSettings, ...]:
    """The shipped rules for common issues (``predefined.yaml``)."""
    text = files("neural.monitoring.alerts").joinpath("predefined.yaml").read_text("utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(RuleSettings.model_validate(row) for row in rows)


def build_rules(settings: Sequence[RuleSettings], predefined: Sequence[RuleSettings] | None = None) -> list[Rule]:
    """The rules in force: predefined ones (None: the shipped ones) unless replaced or switched off by name, then the others.

    Raises ConfigError when two rules of the settings have one name.
    """
    own = {rule.name: rule for rule in settings}
    if len(own) < len(settings):
        twice = next(rule.name for i, rule in enumerate(settings) if any(rule.name == other.name for other in settings[:i]))
        raise ConfigError(f"two alert rules are named {twice!r}: names tell alerts apart", key="alerts")
    shipped = predefined_rules() if predefined is None else predefined
    merged = {rule.name: own.get(rule.name, rule) for rule in shipped} | own
    return [build_rule(rule) for rule in merged.values() if rule.enabled]


def build_rule(settings: RuleSettings) -> Rule:
    """One rule. Raises ConfigError when its expression doesn't compile."""
    return Rule(
        name=settings.name,
        condition=_condition(settings),
        severity=settings.severity,
        for_seconds=settings.for_,
        keep_firing_for_seconds=settings.keep_firing_for,
        channels=settings.channels,
        cooldown_seconds=settings.cooldown,
        repeat_seconds=settings.repeat,
        labels=settings.labels,
        annotations=settings.annotations,
        message=settings.message,
        runbook=settings.runbook,
        no_data=settings.no_data,
        inhibits=settings.inhibits,
    )


def build_silences(settings: Sequence[SilenceSettings]) -> list[Silence]:
    """The maintenance windows of the configuration."""
    return [
        Silence(f"config-{i}", one.match, one.starts, one.ends, one.author, one.reason, one.every, one.for_ or 0.0, one.time_zone)
        for i, one in enumerate(settings)
    ]


def _condition(settings: RuleSettings) -> Condition:
    if settings.when is not None:
        return CelCondition(settings.when)
    if settings.metric is None:
        raise ConfigError("a rule has either when: or metric:", key=f"alerts.{settings.name}")
    return ThresholdCondition(_reference(settings.metric), settings.above, settings.below, settings.where, settings.for_each)


def _reference(metric: str) -> Reference:
    return Reference(ALIASES.get(metric, metric))
