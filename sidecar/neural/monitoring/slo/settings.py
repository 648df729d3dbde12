"""The ``slos:`` part of the YAML file: what is promised, of what, and over which time."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from neural.monitoring.section import Fraction, Section, parse_duration_seconds, parse_fraction
from neural.monitoring.slo.calendar import PERIODS, Period, zone


class SLOType(StrEnum):
    """What an objective promises. The first five are the seed's; the others are objectives on model quality."""

    AVAILABILITY = "availability"
    LATENCY = "latency"
    ACCURACY = "accuracy"
    ERROR_RATE = "error_rate"
    THROUGHPUT = "throughput"
    DRIFT_FREE = "drift_free"
    QUALITY = "quality"
    LABEL_COVERAGE = "label_coverage"


class Severity(StrEnum):
    """How loudly a budget burn calls: a page wakes someone, a ticket waits for the morning."""

    PAGE = "page"
    TICKET = "ticket"


SLICED = frozenset({SLOType.THROUGHPUT, SLOType.DRIFT_FREE, SLOType.QUALITY, SLOType.LABEL_COVERAGE})
"""Types whose events are slots of time: a slot is good or bad as a whole."""

_DEFAULT_GOAL = {
    SLOType.AVAILABILITY: 0.999,
    SLOType.LATENCY: 0.99,
    SLOType.ACCURACY: 0.95,
    SLOType.THROUGHPUT: 0.99,
    SLOType.DRIFT_FREE: 0.99,
    SLOType.QUALITY: 0.99,
    SLOType.LABEL_COVERAGE: 0.95,
}
_DEFAULT_THRESHOLD = {SLOType.QUALITY: 0.7, SLOType.LABEL_COVERAGE: 0.5, SLOType.ERROR_RATE: 0.01}
_NEEDS_THRESHOLD = {SLOType.LATENCY: "100ms", SLOType.THROUGHPUT: "50 (requests a second)"}
_DAY_SECONDS = 86400.0


def _window(value: Any) -> Any:
    return value if isinstance(value, str) and value in PERIODS else parse_duration_seconds(value)


class GuardSettings(Section):
    """When there is too little traffic to wake anyone: a burn alert also needs all of these in its long window."""

    events: float = Field(default=10, ge=0)
    """Fewest events (requests, labels, slots)."""
    failures: float = Field(default=3, ge=0)
    """Fewest bad events."""
    confidence: Fraction = Field(default=0.95, ge=0.5, lt=1)
    """How sure to be that the error rate is above what the target allows (one-sided Wilson bound)."""


class SLOSettings(Section):
    """One objective: ``target`` of the events over ``window`` must be good.

    availability: requests the server didn't fail. latency: answered requests within ``threshold``. accuracy: labelled
    predictions that were right (regression: within ``threshold`` of the label), counted when the label arrives. error_rate: at
    most ``threshold`` of the requests fail. throughput: slots of time with at least ``threshold`` requests a second. drift_free:
    slots without a drift alarm. quality, label_coverage: slots whose quality score, or labelled share, is at least ``threshold``.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=63)
    """Short, without spaces: it becomes a label."""
    type: SLOType
    """What is promised."""
    threshold: float | None = None
    """Where good ends: latency: a duration; error_rate, quality, label_coverage: a share; throughput: requests a second."""
    target: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """The share of events that must be good, such as 99.9%."""
    window: Annotated[float | Period, BeforeValidator(_window, json_schema_input_type=str | float)] = 28 * _DAY_SECONDS
    """A rolling time such as 28d, or a calendar period: day, week, month, quarter, year."""
    time_zone: str = "UTC"
    """Where a calendar period begins."""
    description: str = Field(default="", max_length=1050)
    """One sentence for the people who read reports."""
    model: str | None = None
    """Only this model; without it, each model has its own budget."""
    burn_alerts: tuple[Severity, ...] | None = None
    """Which burn-rate alerts to judge: page, ticket. Without it, those that the target allows to fire."""
    guard: GuardSettings = GuardSettings()
    """The low-traffic guard."""

    @field_validator("threshold", mode="before", json_schema_input_type=float | str | None)
    @classmethod
    def _read_threshold(cls, value: Any, info: ValidationInfo) -> float | None:
        if value is None:
            return None
        kind = info.data.get("type")
        number = parse_duration_seconds(value) if kind is SLOType.LATENCY else parse_fraction(value)
        if not math.isfinite(number) or number <= 0:
            raise ValueError(f"{value!r} must be above zero")
        return number

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.type in _NEEDS_THRESHOLD and self.threshold is None:
            raise ValueError(f"a {self.type} objective needs a threshold, such as {_NEEDS_THRESHOLD[self.type]}")
        if self.type is SLOType.ERROR_RATE:
            self._check_error_rate()
        if isinstance(self.window, float) and self.window <= 0:
            raise ValueError("the window must be longer than zero")
        return self

    def _check_error_rate(self) -> None:
        if self.threshold is not None and self.target is not None:
            raise ValueError("an error_rate objective has a threshold (what may fail) or a target (what must not), not both")
        if self.threshold is not None and self.threshold >= 1:
            raise ValueError(f"{self.threshold:g} is not a share: at most 1 % of failures is written threshold: 1%")
        if self.target is not None and self.target < 0.5:
            ceiling = f"{self.target:.2%}"
            raise ValueError(f"target is the share of good requests: for at most {ceiling} failures write threshold: {ceiling}")

    @property
    def goal(self) -> float:
        """The share of events that must be good, with the defaults filled in."""
        if self.target is not None:
            return self.target
        if self.type is SLOType.ERROR_RATE:
            return round(1 - self.limit, 12)
        return _DEFAULT_GOAL[self.type]

    @property
    def limit(self) -> float:
        """The threshold, with the defaults filled in; 0 where the type has none."""
        return self.threshold if self.threshold is not None else _DEFAULT_THRESHOLD.get(self.type, 0.0)

    @property
    def sliced(self) -> bool:
        """True when the events are slots of time."""
        return self.type in SLICED

    @property
    def period_seconds(self) -> float:
        """The window's length; a calendar period counts as its longest."""
        return PERIODS[self.window] if isinstance(self.window, str) else self.window

    @property
    def noun(self) -> str:
        """What the events are called in a sentence."""
        return "slots" if self.sliced else "labelled predictions" if self.type is SLOType.ACCURACY else "requests"


SLOList = list[SLOSettings]
BurnSeverity = Literal["page", "ticket"]
