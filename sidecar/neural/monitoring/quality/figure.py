"""A quality report as a figure, where plotly is installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from neural.monitoring.errors import DataError

MAX_COLUMNS = 40  # the worst ones; more bars can't be read


def quality_figure(
    columns: Iterable[str], rows: int, missing: Mapping[str, int], outliers: Mapping[str, int], invalid: Mapping[str, int]
) -> Any:
    """Stacked bars by column, worst first: share of missing, outlying and invalid values."""
    try:
        import plotly.graph_objects as go
    except ModuleNotFoundError:
        raise DataError("plots need plotly: pip install 'neural-monitoring[dashboard]'") from None
    kinds = {"missing": missing, "outliers": outliers, "invalid": invalid}
    names = sorted(columns, key=lambda name: (-sum(counts.get(name, 0) for counts in kinds.values()), name))[:MAX_COLUMNS]
    bars = [
        go.Bar(name=kind, x=names, y=[counts.get(name, 0) / max(rows, 1) for name in names]) for kind, counts in kinds.items()
    ]
    figure = go.Figure(bars)
    figure.update_layout(barmode="stack", title="Bad values by column", yaxis={"title": "share of rows", "tickformat": ".0%"})
    return figure
