"""A drift answer as a figure, where plotly is installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neural.monitoring.errors import DataError

MAX_FEATURES = 40  # the worst ones; more bars can't be read


def drift_figure(feature_drift: Mapping[str, float], severity: str) -> Any:
    """Bars of the share of rows that moved by feature, worst first. Raises DataError where plotly is not installed."""
    try:
        import plotly.graph_objects as go
    except ModuleNotFoundError:
        raise DataError("plots need plotly: pip install 'neural-monitoring[dashboard]'") from None
    worst = sorted(feature_drift.items(), key=lambda item: (-item[1], item[0]))[:MAX_FEATURES]
    figure = go.Figure(go.Bar(x=[name for name, _ in worst], y=[score for _, score in worst]))
    figure.update_layout(
        title=f"Drift by feature (severity {severity})", yaxis={"title": "share of rows moved", "tickformat": ".0%"}
    )
    return figure
