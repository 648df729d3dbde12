"""Numbers, times and units as people read them. Times are UTC, and say so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

NOTHING = "–"
_SECONDS_IN = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e4, "k"))


def number(value: float | None, digits: int = 3) -> str:
    """Three significant digits, thousands grouped, k/M/G from ten thousand up."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for factor, letter in _PREFIXES:
        if abs(value) >= factor:
            return f"{_significant(value / (1e3 if letter == 'k' else factor), digits)} {letter}"
    return _significant(value, digits)


def _significant(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    if value == int(value) and abs(value) < 1e5:
        return f"{int(value):,}"
    if abs(value) < 1e-4:
        return f"{value:.1e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


LEAST_P_VALUE = 1e-4  # below this nobody decides otherwise


def p_value(value: float) -> str:
    """A p-value, or that it is smaller than anybody cares."""
    return f"< {LEAST_P_VALUE:g}" if value < LEAST_P_VALUE else _significant(value, 2)


def column_name(name: str) -> str:
    """A column as people call it: the model's outputs are columns too."""
    if not name.startswith("@"):
        return name
    kind, _, of = name[1:].partition(":")
    return f"{kind} of {of}" if of else kind


def with_column_names(text: str, names: Iterable[str]) -> str:
    """A sentence in which the model's outputs are called as people call them; ``names`` are the columns it may speak of."""
    for name in sorted((name for name in names if name.startswith("@")), key=len, reverse=True):
        text = text.replace(name, column_name(name))
    return text


def percent(value: float | None) -> str:
    """A share (0 to 1) as a percentage that never rounds a little to nothing, nor almost all to all."""
    if value is None or not math.isfinite(value):
        return NOTHING
    shown = value * 100
    if 0 < shown < 0.01:
        return "< 0.01%"
    if 99.99 < shown < 100:
        return "> 99.99%"
    return f"{_significant(shown, 4 if 99 < shown < 100 else 3)}%"


def seconds(value: float | None) -> str:
    """A latency or an age: µs, ms, s, min, h or d."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    if size == 0:
        return "0 s"
    if size < 1e-3:
        return f"{_significant(value * 1e6, 3)} µs"
    if size < 1:
        return f"{_significant(value * 1e3, 3)} ms"
    for letter, factor in _SECONDS_IN:
        if size >= factor:
            return f"{_significant(value / factor, 2 if letter != 's' else 3)} {letter}"
    return f"{_significant(value, 3)} s"


def size_bytes(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    for letter, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(value) >= factor:
            return f"{_significant(value / factor, 3)} {letter}"
    return f"{_significant(value, 3)} B"


def in_unit(value: float | None, unit: str) -> str:
    """A signal's value in its unit, as SignalSpec names them: 1, s, By, 1/s, count."""
    if unit == "share":
        return percent(value)
    if unit == "s":
        return seconds(value)
    if unit == "By":
        return size_bytes(value)
    if unit == "1/s":
        return f"{number(value)} /s" if value is not None else NOTHING
    return number(value)


def clock_time(moment: float | None) -> str:
    """14:03:07, in UTC."""
    return NOTHING if moment is None else _utc(moment).strftime("%H:%M:%S")


def date_time(moment: float | None) -> str:
    """23 Nov 14:03:07, in UTC."""
    return NOTHING if moment is None else _utc(moment).strftime("%-d %b %H:%M:%S")


def iso_time(moment: float | None) -> str:
    """RFC 3339, for files: 2026-11-23T14:03:07Z."""
    return "" if moment is None else _utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(items: Sequence[str], most: int = 3) -> str:
    """'a', 'a and b', 'a, b and 4 more'."""
    shown, rest = list(items[:most]), len(items) - most
    if rest > 0:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def plural(count: int, one: str, many: str = "") -> str:
    """'1 alert', '3 alerts'."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shortened(text: str, most: int = 28) -> str:
    """Long names keep both ends: what tells them apart is often at the end."""
    if len(text) <= most:
        return text
    head = (most - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def plain(text: str) -> str:
    """Plotly reads a little HTML in every text it draws: names are shown as they are, never as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("%{", "%\u200b{")


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=UTC)
