"""The multi-window burn-rate table, rescaled to an objective's window. The table itself is data: ``burn_rates.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from neural.monitoring.section import parse_duration_seconds, parse_fraction
from neural.monitoring.slo.settings import Severity

_KEEP_WINDOWS_FROM_SECONDS = 28 * 86400.0
"""From four weeks up, the windows stay as published and the factors are rescaled (as Sloth does); below, the windows shrink."""
_FEWEST_SLOTS_LONG, _FEWEST_SLOTS_SHORT = 5, 1
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """Alert when ``budget`` of the period's budget is burnt within ``long_seconds``, and still burns in ``short_seconds``.

    ``factor`` is the burn rate: 1 spends exactly the budget by the end of the period.
    """

    severity: Severity
    budget: float
    long_seconds: float
    short_seconds: float
    factor: float


def burn_windows(period_seconds: float, slot_seconds: float = 60.0) -> tuple[BurnWindow, ...]:
    """The table for an objective's window, in whole slots."""
    published_period, rows = _published()
    shrink = 1.0 if period_seconds >= _KEEP_WINDOWS_FROM_SECONDS else period_seconds / published_period
    return tuple(_rescaled(row, shrink, period_seconds, slot_seconds) for row in rows)


@cache
def window_name(seconds: float) -> str:
    """'5m', '1h', '3d': the largest unit that divides the time; '2.5s' when none does."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def highest_burn(goal: float) -> float:
    """The burn rate when every event is bad: 1 / (1 − goal)."""
    return 1 / (1 - goal)


def why_it_cannot_fire(window: BurnWindow, goal: float) -> str:
    """The arithmetic, when the factor is above the highest burn there can be; else ''."""
    highest = highest_burn(goal)
    if window.factor < highest:
        return ""
    needed = 1 - 1 / window.factor
    return (
        f"the {window.severity} over {window_name(window.long_seconds)} fires at a burn rate of {window.factor:.4g}, "
        f"but with a target of {goal:.4%} even total failure burns at 1 / (1 − {goal:.6g}) = {highest:.4g}: the target must be above {needed:.2%}"
    )


def _rescaled(row: BurnWindow, shrink: float, period: float, slot: float) -> BurnWindow:
    long = max(_whole(row.long_seconds * shrink, slot), _FEWEST_SLOTS_LONG * slot)
    short = max(_whole(row.short_seconds * shrink, slot), _FEWEST_SLOTS_SHORT * slot)
    return BurnWindow(row.severity, row.budget, long, short, row.budget * period / long)


def _whole(seconds: float, slot: float) -> float:
    return max(round(seconds / slot), 1) * slot


@cache
def _published() -> tuple[float, tuple[BurnWindow, ...]]:
    text = files("neural.monitoring.slo").joinpath("burn_rates.yaml").read_text("utf-8")
    table = yaml.safe_load(text)
    period = parse_duration_seconds(table["period"])
    rows: list[BurnWindow] = []
    for row in table["rows"]:
        budget, long, short = (
            parse_fraction(row["budget"]),
            parse_duration_seconds(row["long"]),
            parse_duration_seconds(row["short"]),
        )
        rows.append(BurnWindow(Severity(row["severity"]), budget, long, short, budget * period / long))
    return period, tuple(rows)
