"""Signals over time as lines, with thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BARE_TOP, MARGIN, RED, SEQUENCE, VEIL, axis, figure, level_line, time_axis
from neural.monitoring.dashboard.words import plain, shortened

_TICKS: dict[str, dict[str, Any]] = {
    "s": {"tickformat": "~s", "hoverformat": ".3~s", "ticksuffix": "s"},
    "1/s": {"tickformat": "~s", "hoverformat": ".3~s", "ticksuffix": "/s"},
    "By": {"tickformat": ".3~s", "hoverformat": ".3~s", "ticksuffix": "B"},
}
TICKS = 5  # about as many as Plotly sets on a small figure
LARGE = 10_000.0  # plain numbers get k and M from here
FEW_POINTS = 3  # fewer than this and a line alone would be invisible


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a series and how it is named and drawn."""

    name: str
    series: Series
    colour: str = ""
    fill: bool = False
    dash: bool = False


def lines(
    items: Sequence[Line],
    *,
    since: float,
    until: float,
    unit: str = "1",
    thresholds: Mapping[str, float] | None = None,
    log: bool = False,
    zero: bool = True,
    bounds: tuple[float, float] | None = None,
    provisional_since: float | None = None,
) -> dict[str, Any]:
    """``thresholds``: caption → level in the unit of the values. ``zero``: the y axis begins at zero. ``bounds`` overrides both.

    ``provisional_since``: from this moment (Unix seconds) on the ground is shaded: the values may still change.
    """
    limits = dict(thresholds or {})
    marks = [level_line(level, RED, plain(caption)) for caption, level in limits.items() if level > 0 or not log]
    notes = [{**note, "y": log10(note["y"])} if log else note for _, note in marks]
    return figure(
        [_trace(item, SEQUENCE[i % len(SEQUENCE)], again=i >= len(SEQUENCE)) for i, item in enumerate(items)],
        xaxis=time_axis(since, until),
        yaxis=axis(**_vertical(items, unit, list(limits.values()), log=log, zero=zero, bounds=bounds)),
        shapes=[*_shade(provisional_since, since, until), *(shape for shape, _ in marks)],
        annotations=notes,
        showlegend=len(items) > 1,
        margin={**MARGIN, "t": MARGIN["t"] if len(items) > 1 else BARE_TOP},
    )


def _shade(start: float | None, since: float, until: float) -> list[dict[str, Any]]:
    if start is None or start >= until:
        return []
    return [{
        "type": "rect", "xref": "x", "yref": "paper", "x0": max(start, since) * 1000, "x1": until * 1000, "y0": 0, "y1": 1,
        "fillcolor": VEIL, "line": {"width": 0}, "layer": "below",
    }]  # fmt: skip


def _vertical(
    items: Sequence[Line],
    unit: str,
    levels: Sequence[float],
    *,
    log: bool,
    zero: bool,
    bounds: tuple[float, float] | None,
) -> dict[str, Any]:
    if log:
        return {"type": "log", "exponentformat": "power", "hoverformat": ".3~g", "nticks": 6, "minexponent": 4}
    values = [value for item in items for value in item.series.values if value is not None] + list(levels)
    low, high = (min(values, default=0.0), max(values, default=1.0)) if bounds is None else bounds
    low = min(low, 0.0) if zero else low
    flat = 2 * high if high > 0 else 0.01 if unit == "share" else 1.0  # a flat line: Plotly's axis would go below zero
    out: dict[str, Any] = {"rangemode": "tozero" if zero else "normal", **_format(unit, low, high if high > low else flat)}
    if high == low:
        out["range"] = [0, flat]
    return out if bounds is None else {**out, "range": list(bounds)}


def _format(unit: str, low: float, high: float) -> dict[str, Any]:
    """How numbers are written on the axis, with as many digits as its ticks need to differ."""
    if unit == "share":
        step = (high - low) / TICKS * 100
        digits = min(max(ceil(-log10(step)), 0), 6) if step > 0 else 0
        return {"tickformat": f".{digits}%", "hoverformat": f".{digits + 2}~%"}
    if unit in _TICKS:
        return _TICKS[unit]
    large = max(abs(low), abs(high)) >= LARGE
    return {"tickformat": "~s" if large else "~g", "hoverformat": ".4~s" if large else ".4~g"}


def _trace(item: Line, colour: str, *, again: bool) -> dict[str, Any]:
    times, values = item.series.with_gaps()
    few = sum(value is not None for value in values) <= FEW_POINTS
    chosen = item.colour or colour
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "name": plain(shortened(item.name)),
        "x": [moment * 1000 for moment in times],
        "y": values,
        "line": {"color": chosen, "width": 1.8, **({"dash": "dot"} if item.dash else {"dash": "dash"} if again else {})},
        "connectgaps": False,
    }
    return {**trace, "fill": "tozeroy", "fillcolor": _veil(chosen)} if item.fill else trace


def _veil(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"
