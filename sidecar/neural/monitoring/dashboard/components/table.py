"""Tables that scroll sideways on a phone instead of breaking the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import html

from neural.monitoring.dashboard.components.aria import aria


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, numeric: Sequence[int] = (), label: str = "") -> html.Div:
    """``numeric`` are the columns set flush right. The box can take the focus, so the keyboard can scroll it."""
    kinds = ["number" if i in numeric else "" for i in range(len(headers))]
    head = html.Thead(html.Tr([html.Th(text, className=kind, scope="col") for text, kind in zip(headers, kinds, strict=True)]))
    body = html.Tbody([html.Tr([html.Td(cell, className=kind) for cell, kind in zip(row, kinds, strict=True)]) for row in rows])
    return html.Div(
        dbc.Table([head, body]), className="table-box", tabIndex="0", role="region", **aria(label=label or headers[0])
    )


def facts(pairs: Sequence[tuple[str, Any]], *, row: bool = False) -> html.Dl:
    """Names and values, one under the other, or side by side."""
    groups = [html.Div([html.Dt(name), html.Dd(value)], className="fact") for name, value in pairs]
    return html.Dl(groups, className="facts facts-row" if row else "facts")
