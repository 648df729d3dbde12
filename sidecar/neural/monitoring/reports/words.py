"""Numbers as people say them. None is "–"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

NOTHING = "–"
_BLOCKS = "▁▂▃▄▅▆▇█"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_STEPS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def printable(value: Any) -> Any:
    """The same JSON with control characters made visible: names and messages come from outside, and a terminal obeys them."""
    if isinstance(value, str):
        return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", value)
    if isinstance(value, dict):
        return {printable(key): printable(inner) for key, inner in value.items()}
    return [printable(inner) for inner in value] if isinstance(value, list | tuple) else value


def percent(value: float | None, digits: int = 2) -> str:
    """A share: 0.0612 → 6.12%."""
    return NOTHING if value is None else f"{value * 100:.{digits}f}%"


def seconds(value: float | None) -> str:
    """A duration: 0.0453 → 45.3 ms, 2.5 → 2.50 s, 7200 → 2.0 h."""
    if value is None:
        return NOTHING
    if abs(value) < 1:
        return f"{value * 1000:.1f} ms"
    for size, unit in _STEPS:
        if abs(value) >= 2 * size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.2f} s" if abs(value) < 10 else f"{value:.0f} s"


def number(value: float | None, digits: int = 3) -> str:
    """A number with thousands separated, or so many decimals."""
    if value is None:
        return NOTHING
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if abs(value) >= 10**-digits else f"{value:.2g}"


def ago(then: float | None, now: float) -> str:
    return NOTHING if then is None else f"{seconds(max(0.0, now - then)) if now - then >= 1 else '0 s'} ago"


def clock_time(then: float | None) -> str:
    """2026-11-23 15:04:05 (UTC)."""
    return NOTHING if then is None else datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d %H:%M:%S")


def sparkline(points: Iterable[Iterable[float | None]]) -> str:
    """[time, value] pairs as block characters, scaled to their own range; a missing value is a space."""
    values = [value for _, value in points]
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, high = min(known), max(known)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(" " if value is None else _BLOCKS[round((value - low) * scale)] for value in values)


def between(interval: Sequence[float] | None, digits: int = 3) -> str:
    """An interval: [0.81, 0.87] → 0.810 to 0.870; "" where there is none."""
    return "" if interval is None else f"{number(interval[0], digits)} to {number(interval[1], digits)}"


def with_interval(measured: Mapping[str, Any] | None) -> str:
    """A value with its interval as views give them: 0.842 (0.810 to 0.870)."""
    if measured is None:
        return ""
    span = between(measured["interval"])
    return f"{number(measured['value'])} ({span})" if span else number(measured["value"])


CHECKS = {
    "schema_violations": ("Schema and column order", "1 violation", "{} violations"),
    "stuck_columns": ("Stuck columns", "1 column", "{} columns"),
    "shifted_columns": ("Shifted columns", "1 column", "{} columns"),
    "duplicate_rate": ("Repeated rows", "", ""),
    "freshness": ("Newest row", "", ""),
}
"""What the checks of whole columns and rows are called, and how their counts are said."""


def checked(name: str, check: Mapping[str, Any]) -> str:
    """What one check found: none, 2 columns, 0.30%, 12 s old."""
    value, unit = check["value"], check["unit"]
    if value is None:
        return NOTHING
    if unit == "s":
        return f"{seconds(value)} old"
    if unit == "1":
        return percent(value)
    _, one, many = CHECKS[name]
    return "none" if not value else one if value == 1 else many.format(number(value))
