"""Calibration: what was called 80 % sure, and how often it came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neural.monitoring.dashboard.theme import BLUE, GREY, axis, figure


def calibration(points: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """``points``: confidence, hit_rate with its interval low to high, and n, one a cell. On the diagonal, confidence is what happens."""
    rates = [point["hit_rate"] for point in points]
    curve = {
        "type": "scatter", "mode": "lines+markers", "name": "came true",
        "x": [point["confidence"] for point in points], "y": rates, "customdata": [point["n"] for point in points],
        "line": {"color": BLUE, "width": 1.8}, "marker": {"size": 6},
        "error_y": {
            "type": "data", "symmetric": False, "color": BLUE, "thickness": 1, "width": 3,
            "array": [point["high"] - rate for point, rate in zip(points, rates, strict=True)],
            "arrayminus": [rate - point["low"] for point, rate in zip(points, rates, strict=True)],
        },
        "hovertemplate": "called %{x:.1%}, came true %{y:.1%}<br>%{customdata:,.0f} labels<extra></extra>",
    }  # fmt: skip
    ideal = {
        "type": "scatter", "mode": "lines", "name": "perfect", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip",
        "line": {"color": GREY, "width": 1, "dash": "dash"},
    }  # fmt: skip
    edge = {"range": [0, 1], "tickformat": ".0%", "nticks": 6}
    return figure(
        [ideal, curve],
        hovermode="closest",
        showlegend=True,
        margin={"l": 52, "r": 12, "t": 28, "b": 40},
        xaxis=axis(**edge, title={"text": "predicted probability", "font": {"size": 11}}),
        yaxis=axis(**edge),
    )
