"""Features against time: where a drift began, and which features it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import axis, figure, time_axis
from neural.monitoring.dashboard.words import plain, shortened

ROW_PIXELS = 22
MIN_PIXELS = 150
_SCALE = (
    (0.0, "rgba(120,140,165,0.10)"),
    (0.49, "rgba(120,150,190,0.42)"),
    (0.5, "rgba(229,160,60,0.75)"),
    (1.0, "rgba(214,69,48,0.95)"),
)


def heatmap(rows: Sequence[tuple[str, Series]], *, since: float, until: float, threshold: float, unit: str) -> dict[str, Any]:
    """``rows``: (feature, series), the most important first. Colour turns warm at ``threshold`` and is full at twice that."""
    times = sorted({moment for _, series in rows for moment in series.times})
    cells = [_row(series, times) for _, series in rows]
    names = [name for name, _ in rows]
    trace = {
        "type": "heatmap",
        "x": [moment * 1000 for moment in times],
        "y": list(range(len(names))),
        "z": cells,
        "zmin": 0,
        "zmax": 2 * threshold,
        "colorscale": [list(stop) for stop in _SCALE],
        "showscale": False,
        "xgap": 0,
        "ygap": 2,
        "hoverongaps": False,
        "text": [[plain(name)] * len(times) for name in names],
        "customdata": [[name] * len(times) for name in names],
        "hovertemplate": "%{text}<br>%{x|%-d %b %H:%M:%S} UTC<br>" + plain(unit) + " %{z:.3~g}<extra></extra>",
    }
    ticks = {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": [plain(shortened(n, 18)) for n in names]}
    vertical = axis(autorange="reversed", showgrid=False, ticks="", **ticks)
    return figure(
        [trace], xaxis=time_axis(since, until), yaxis=vertical, hovermode="closest", margin={"l": 60, "r": 8, "t": 28, "b": 24}
    )


def height(rows: int) -> int:
    return max(MIN_PIXELS, 56 + ROW_PIXELS * rows)


def _row(series: Series, times: Sequence[float]) -> list[float | None]:
    at = dict(zip(series.times, series.values, strict=True))
    return [at.get(moment) for moment in times]
