"""Calendar periods with a time zone: the month of a report begins at local midnight, also when the clocks change."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["day", "week", "month", "quarter", "year"]

_DAY_SECONDS = 86400.0
_DST_SECONDS = 3600.0  # a local day can be an hour longer than 24 h

PERIODS: dict[str, float] = {
    "day": _DAY_SECONDS + _DST_SECONDS,
    "week": 7 * _DAY_SECONDS + _DST_SECONDS,
    "month": 31 * _DAY_SECONDS + _DST_SECONDS,
    "quarter": 92 * _DAY_SECONDS + _DST_SECONDS,
    "year": 366 * _DAY_SECONDS,
}
"""The longest each period can be, in seconds."""


def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises ValueError with an example."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone: write for example UTC or Europe/Berlin") from None


def period_start(period: str, at: float, time_zone: str = "UTC") -> float:
    """Unix seconds at which the period that holds ``at`` began."""
    # Whole seconds, downwards: fromtimestamp rounds to the microsecond, which could be tomorrow's first.
    local = datetime.fromtimestamp(math.floor(at), zone(time_zone))
    return _start_of(period, local).timestamp()


def period_end(period: str, at: float, time_zone: str = "UTC") -> float:
    """Unix seconds at which the period that holds ``at`` ends (the next begins)."""
    start = period_start(period, at, time_zone)
    return period_start(period, start + PERIODS[period] + _DAY_SECONDS / 2, time_zone)


def months_between(since: float, until: float, time_zone: str = "UTC") -> list[tuple[str, float, float]]:
    """(name such as "2026-02", start, end) of each month that touches [since, until), cut to it."""
    months: list[tuple[str, float, float]] = []
    at = since
    while at < until:
        end = period_end("month", at, time_zone)
        name = datetime.fromtimestamp(math.floor(at), zone(time_zone)).strftime("%Y-%m")
        months.append((name, at, min(end, until)))
        at = end
    return months


def iso(at: float) -> str:
    """RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _start_of(period: str, local: datetime) -> datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "day":
        return midnight
    if period == "week":
        monday = midnight.toordinal() - midnight.weekday()
        return datetime.fromordinal(monday).replace(tzinfo=local.tzinfo)
    first = midnight.replace(day=1)
    if period == "month":
        return first
    if period == "quarter":
        return first.replace(month=3 * ((first.month - 1) // 3) + 1)
    return first.replace(month=1)
