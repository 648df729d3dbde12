"""The boxes a page is made of: panels with a title, and figures with a name."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from neural.monitoring.dashboard.components.sparkline import sparkline
from neural.monitoring.dashboard.series import Series


def panel(title: str, *children: Any, hint: str = "", wide: bool = False, action: Any = None) -> dbc.Card:
    """A titled box. ``hint`` is a quiet sentence under the title; ``action`` a link at its right."""
    head = html.Div([html.H2(title), action] if action is not None else [html.H2(title)], className="panel-head")
    quiet = [html.P(hint, className="hint")] if hint else []
    return dbc.Card([head, *quiet, *children], class_name="panel panel-wide" if wide else "panel")


def grid(*children: Any, columns: int = 2) -> html.Div:
    return html.Div(list(children), className=f"grid grid-{columns}")


def tile(
    label: str, value: str, *, note: Any = "", level: str = "", series: Series | None = None, href: str = ""
) -> html.Div | dcc.Link:
    """One figure to read at a glance, with the way it came."""
    mark = [html.Span(className=f"dot dot-{level}", title=level)] if level else []
    line = [sparkline(series, label)] if series is not None and series.has_data else []
    body = [
        html.Div([*mark, html.Span(label)], className="tile-label"),
        html.Div(value, className="tile-value"),
        *line,
        html.Div(note, className="tile-note"),
    ]
    if not href:
        return html.Div(body, className="tile")
    return dcc.Link(body, href=href, className="tile tile-link")
