"""Signals over time as lines, with thresholds and with the time in which alerts fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from typing import Any

from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import RED, SEQUENCE, axis, figure, level_line, time_axis
from neural.monitoring.dashboard.words import plain, shortened
from neural.monitoring.store.rows import AlertRow

_TICKS: dict[str, dict[str, Any]] = {
    "share": {"tickformat": ".1~%", "hoverformat": ".3~%"},
    "s": {"tickformat": "~s", "hoverformat": ".3~s", "ticksuffix": "s"},
    "1/s": {"tickformat": "~s", "hoverformat": ".3~s", "ticksuffix": "/s"},
    "By": {"tickformat": ".3~s", "hoverformat": ".3~s", "ticksuffix": "B"},
}
_NUMBER = {"tickformat": "~s", "hoverformat": ".4~g"}
FEW_POINTS = 3  # fewer than this and a line alone would be invisible


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a series and how it is named and drawn."""

    name: str
    series: Series
    colour: str = ""
    dash: str = "solid"
    fill: bool = False


def lines(
    items: Sequence[Line],
    *,
    since: float,
    until: float,
    unit: str = "1",
    thresholds: Mapping[str, float] | None = None,
    alerts: Sequence[AlertRow] = (),
    log: bool = False,
    bounds: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """``thresholds``: caption → level in the unit of the values. ``bounds``: the y axis, else from the data and from zero."""
    traces = [_trace(item, SEQUENCE[i % len(SEQUENCE)]) for i, item in enumerate(items)]
    shapes = [_span(row, since, until) for row in alerts if row.fired_at is not None]
    notes: list[dict[str, Any]] = []
    for caption, level in (thresholds or {}).items():
        shape, note = level_line(level, RED, plain(caption))
        if log:
            note["y"] = _log10(level)
        shapes.append(shape)
        notes.append(note)
    vertical: dict[str, Any] = {"rangemode": "tozero", **_TICKS.get(unit, _NUMBER)}
    if log:
        vertical = {"type": "log", "tickformat": "~g", "hoverformat": ".3~g", "nticks": 6}
    elif bounds is not None:
        vertical |= {"range": list(bounds)}
    many = len(items) > 1
    margin = {"l": 52, "r": 12, "t": 30 if many else 8, "b": 30}
    return figure(
        traces,
        xaxis=time_axis(since, until),
        yaxis=axis(**vertical),
        shapes=shapes,
        annotations=notes,
        showlegend=many,
        margin=margin,
    )


def _trace(item: Line, colour: str) -> dict[str, Any]:
    times, values = item.series.with_gaps()
    few = sum(value is not None for value in values) <= FEW_POINTS
    chosen = item.colour or colour
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if few else "lines",
        "name": plain(shortened(item.name)),
        "x": [moment * 1000 for moment in times],
        "y": values,
        "line": {"color": chosen, "width": 1.8, "dash": item.dash},
        "connectgaps": False,
    }
    if item.fill:
        trace |= {"fill": "tozeroy", "fillcolor": _veil(chosen)}
    return trace


def _veil(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


def _span(row: AlertRow, since: float, until: float) -> dict[str, Any]:
    """The time an alert fired, as a band behind the lines."""
    start = max(row.fired_at or since, since)
    end = min(row.resolved_at or until, until)
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": start * 1000, "x1": max(end, start) * 1000, "y0": 0, "y1": 1,
        "fillcolor": "rgba(220,91,72,0.10)", "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _log10(level: float) -> float:
    return log10(level) if level > 0 else 0.0
