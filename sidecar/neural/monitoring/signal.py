"""Signals: the currency between the rooms.

A signal is a named number with labels and a verdict. Whoever yields one gets alert rules, storage, metrics, charts and
the CLI for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Every verdict is three-valued: a monitor that can't know says so."""

    OK = "ok"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a number is called good or bad.

    ``reason`` is one plain sentence with the numbers in it. ``evidence`` is JSON-able (moved bins, example ids …).
    ``threshold`` is in the unit of ``statistic``.
    """

    outcome: Outcome
    reason: str
    statistic: float | None = None
    threshold: float | None = None
    sample_size: int | None = None
    p_value: float | None = None
    effect_size: float | None = None
    method: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class SignalSpec:
    """What a monitor promises to yield: the catalogue entry behind docs, metrics, rules and ``config check``.

    ``name`` is lower snake case, dots between family and name ("drift.score"). ``labels`` are the names beyond model and
    version. ``unit`` is a UCUM-like word: "1" (a ratio), "s", "By", "1/s", "count".
    """

    name: str
    help: str
    unit: str = "1"
    labels: tuple[str, ...] = ()
    higher_is_worse: bool = True


@dataclass(frozen=True, slots=True)
class Signal:
    """A named number at a time.

    ``value`` is finite or None ("no data"): no NaN leaves the house. ``labels`` always has model and version.
    """

    name: str
    value: float | None
    time: float  # Unix seconds
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    verdict: Verdict | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            object.__setattr__(self, "value", None)

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Identity of the series: name and sorted labels."""
        return self.name, tuple(sorted(self.labels.items()))
