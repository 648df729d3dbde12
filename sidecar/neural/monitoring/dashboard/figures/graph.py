"""A figure on a page: its height, its name for screen readers and for the saved picture."""

from __future__ import annotations

import re
from typing import Any

from dash import dcc, html

from neural.monitoring.dashboard.components.aria import aria
from neural.monitoring.dashboard.theme import GRAPH_CONFIG


def graph(identity: str, figure: dict[str, Any], label: str, height: int = 220) -> html.Figure:
    """``identity`` must be unique on its page and the same at every refresh: then Plotly redraws instead of starting over."""
    name = re.sub(r"[^\w-]+", "-", f"neural-{identity}")
    config: Any = {**GRAPH_CONFIG, "toImageButtonOptions": {**GRAPH_CONFIG["toImageButtonOptions"], "filename": name}}
    chart = dcc.Graph(id=identity, figure=figure, config=config, style={"height": f"{height}px"}, className="graph")
    return html.Figure(chart, style={"minHeight": f"{height}px"}, **aria(label=label))
