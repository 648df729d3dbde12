"""Alerts over time: one lane a rule, a bar from firing to resolved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.dashboard.theme import GREY, SEVERITY_COLOURS, axis, figure, time_axis
from neural.monitoring.dashboard.words import date_time, plain, seconds, shortened
from neural.monitoring.store.rows import AlertRow

LANE_PIXELS = 30
THIN_SECONDS_SHARE = 0.004  # a bar is at least this share of the axis wide, else it can't be seen


def alert_timeline(rows: Sequence[AlertRow], *, since: float, until: float) -> dict[str, Any]:
    lanes = list(dict.fromkeys(row.rule for row in rows))
    traces = [_bar(row, lanes.index(row.rule), since, until) for row in rows]
    ticks = {"tickmode": "array", "tickvals": list(range(len(lanes))), "ticktext": [plain(shortened(n, 18)) for n in lanes]}
    vertical = axis(autorange="reversed", range=[len(lanes) - 0.5, -0.5], showgrid=False, **ticks)
    vertical.pop("autorange")
    return figure(
        traces, barmode="overlay", hovermode="closest", xaxis=time_axis(since, until), yaxis=vertical,
        margin={"l": 60, "r": 8, "t": 28, "b": 24},
    )  # fmt: skip


def height(rows: Sequence[AlertRow]) -> int:
    return 64 + LANE_PIXELS * max(1, len({row.rule for row in rows}))


def _bar(row: AlertRow, lane: int, since: float, until: float) -> dict[str, Any]:
    start = max(row.fired_at or row.started_at, since)
    end = min(row.resolved_at or until, until)
    width = max(end - start, (until - since) * THIN_SECONDS_SHARE)
    colour = SEVERITY_COLOURS.get(row.severity, GREY) if row.fired_at and row.state != "suppressed" else GREY
    words = f"{plain(row.title or row.rule)}<br>{date_time(start)} UTC, {seconds(max(end - start, 0))}, {row.state}"
    return {
        "type": "bar", "orientation": "h", "y": [lane], "x": [width * 1000], "base": [start * 1000], "width": 0.5,
        "marker": {"color": colour, "opacity": 0.55 if row.resolved_at else 0.95}, "text": [words], "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>", "name": "",
    }  # fmt: skip
