"""What a page says when there is nothing to show, or when it could not be shown."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import html


def empty(what: str, why: Any = "") -> html.Div:
    """An honest blank: what is missing, and what would fill it."""
    return html.Div([html.P(what, className="empty-what"), html.P(why, className="empty-why")], className="empty")


def failure(what: str, detail: str) -> dbc.Alert:
    """An error in plain words. Nothing is shown in place of what could not be read."""
    return dbc.Alert([html.Strong(what), html.P(detail)], color="", class_name="alert-bad")


def remark(text: Any) -> html.P:
    return html.P(text, className="remark")
