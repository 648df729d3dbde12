"""A rule: a condition, how long it must hold, and whom it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from neural.monitoring.alerts.expression import Reference
from neural.monitoring.alerts.index import SignalView
from neural.monitoring.alerts.names import AlertSeverity, NoData
from neural.monitoring.signal import Signal

DEFAULT_COOLDOWN_SECONDS = 300.0
DEFAULT_REPEAT_SECONDS = 4 * 3600.0  # Alertmanager's repeat_interval


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition says of one instance: True, False, or None without data.

    ``reason`` is a sentence with the numbers in it. ``signals`` are those it looked at, the telling one first. ``error`` is set when the condition
    could not be evaluated: that is an alert of its own, not silence.
    """

    holds: bool | None
    reason: str = ""
    signals: tuple[Signal, ...] = ()
    value: float | None = None
    threshold: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    error: str = ""


NO = Answer(holds=False)


class Condition(Protocol):
    """Looks at the signals of a scope. ``references`` is empty when it may look at any signal."""

    @property
    def references(self) -> tuple[Reference, ...]: ...

    def check(self, view: SignalView, facts: Facts) -> list[Answer]:
        """One answer for each instance (one, unless the rule says ``for_each``); [] when there is nothing to say."""
        ...

    def describe(self) -> str:
        """The condition in words, for messages."""
        ...


class Facts:
    """What all conditions of a scope share, computed once: the CEL context and the flat numbers."""

    __slots__ = ("_view", "context", "held")

    def __init__(self, view: SignalView, context: object, held: set[str]) -> None:
        self._view = view
        self.context = context
        self.held = held

    @property
    def flat(self) -> dict[str, float]:
        """Every number by name."""
        return self._view.flat()


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule. Durations are seconds. ``channels`` None means every configured channel."""

    name: str
    condition: Condition
    severity: AlertSeverity = AlertSeverity.WARNING
    for_seconds: float = 0.0
    keep_firing_for_seconds: float = 0.0
    channels: tuple[str, ...] | None = None
    cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    repeat_seconds: float | None = DEFAULT_REPEAT_SECONDS
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    message: str = ""
    runbook: str = ""
    no_data: NoData = NoData.KEEP
    inhibits: tuple[str, ...] = ()
    source: str = ""

    @property
    def family(self) -> str:
        """The room the rule watches: the first word of its first signal ("drift", "slo" …)."""
        if self.source:
            return self.source
        references = self.condition.references
        return references[0].name.partition(".")[0] if references else "custom"
