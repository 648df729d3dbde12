"""The false-alarm budget: how many alarms without a cause are acceptable, as people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from neural.monitoring.section import parse_duration_seconds

_WORDS = {"hour": 3600.0, "day": 86_400.0, "week": 604_800.0, "month": 2_592_000.0, "year": 31_536_000.0}
_FORM = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:per|/|in|a|every)\s*(.+?)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """``count`` alarms in ``per_seconds`` are acceptable where nothing drifts."""

    count: float
    per_seconds: float

    @property
    def seconds_between(self) -> float:
        """The accepted mean time between false alarms."""
        return self.per_seconds / self.count

    def __str__(self) -> str:
        days = self.per_seconds / 86_400
        return f"{self.count:g} per {days:g}d" if days >= 1 else f"{self.count:g} per {self.per_seconds:g}s"


def parse_false_alarms(value: Any) -> FalseAlarms:
    """'1 per 30d', '2 per week'. Raises ValueError with an example."""
    if isinstance(value, FalseAlarms):
        return value
    match = _FORM.fullmatch(str(value))
    try:
        if match is None or float(match[1]) <= 0:
            raise ValueError
        seconds = _WORDS[match[2].lower()] if match[2].lower() in _WORDS else parse_duration_seconds(match[2])
        if seconds <= 0:
            raise ValueError
    except ValueError:
        raise ValueError(f"{value!r} is not a false-alarm budget: write for example 1 per 30d") from None
    return FalseAlarms(float(match[1]), seconds)


Budget = Annotated[
    FalseAlarms, BeforeValidator(parse_false_alarms, json_schema_input_type=str), PlainSerializer(str, return_type=str)
]
"""Written 1 per 30d."""
