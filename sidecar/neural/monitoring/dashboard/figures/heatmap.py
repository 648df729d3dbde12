"""Features against time: where a drift began, and which features it took."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import axis, figure, time_axis
from neural.monitoring.dashboard.words import column_name, plain, shortened

ROW_PIXELS = 22
MIN_PIXELS = 150
LOG_SPAN = 4.0  # decades shown on either side of the threshold: beyond, more says nothing new
MOST_FACTOR, LEAST_FACTOR = 20.0, 2.0  # full colour is between these times the threshold, depending on the data
CALM, NEAR, OVER, FULL = "rgba(120,140,165,0.10)", "rgba(120,150,190,0.45)", "rgba(229,160,60,0.75)", "rgba(214,69,48,0.95)"


def heatmap(
    rows: Sequence[tuple[str, Series]], *, since: float, until: float, threshold: float, unit: str, log: bool = False
) -> dict[str, Any]:
    """``rows``: (feature, series), the most important first. Colours turn warm at ``threshold``. ``log``: colour by order of magnitude.

    The names stand once in ``meta``, in the order of ``y``: the browser finds there which feature was clicked.
    """
    times = sorted({moment for _, series in rows for moment in series.times})
    low, turn, high = _bounds(rows, threshold, log=log)
    names = [name for name, _ in rows]
    trace = {
        "type": "heatmap",
        "x": [moment * 1000 for moment in times],
        "y": [plain(column_name(name)) for name in names],
        "z": [_row(series, times, (low, high) if log else None) for _, series in rows],
        "zmin": low,
        "zmax": high,
        "colorscale": _scale((turn - low) / (high - low)),
        "showscale": False,
        "ygap": 2,
        "hoverongaps": False,
        "meta": names,
        "hovertemplate": "%{y}<br>%{x|%-d %b %H:%M:%S} UTC<br>"
        + plain(f"log10 {unit}" if log else unit)
        + " %{z:.3~g}<extra></extra>",
    }
    ticks = {
        "tickmode": "array",
        "tickvals": list(range(len(names))),
        "ticktext": [plain(shortened(column_name(n), 18)) for n in names],
    }
    vertical = axis(type="category", autorange="reversed", showgrid=False, ticks="", **ticks)
    margin = {"l": 60, "r": 8, "t": 10, "b": 24}
    return figure([trace], xaxis=time_axis(since, until, most_ticks=4), yaxis=vertical, hovermode="closest", margin=margin)


def height(rows: int) -> int:
    return max(MIN_PIXELS, 56 + ROW_PIXELS * rows)


def _bounds(rows: Sequence[tuple[str, Series]], threshold: float, *, log: bool) -> tuple[float, float, float]:
    """(no colour, where it turns warm, full colour)."""
    if log:
        turn = log10(threshold)
        return turn - LOG_SPAN, turn, turn + LOG_SPAN
    top = max((value for _, series in rows for value in series.values if value is not None), default=0.0)
    return 0.0, threshold, min(max(top, LEAST_FACTOR * threshold), MOST_FACTOR * threshold)


def _scale(turn: float) -> list[list[Any]]:
    return [[0.0, CALM], [turn * 0.99, NEAR], [turn, OVER], [1.0, FULL]]


def _row(series: Series, times: Sequence[float], bounds: tuple[float, float] | None) -> list[float | None]:
    at = dict(zip(series.times, series.values, strict=True))
    values = [at.get(moment) for moment in times]
    if bounds is None:
        return [None if value is None else round(value, 5) for value in values]
    low, high = bounds
    return [None if v is None else round(min(max(log10(v), low), high), 2) if v > 0 else low for v in values]
