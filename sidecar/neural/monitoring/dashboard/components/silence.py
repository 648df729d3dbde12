"""Buttons that ask the sidecar's API for a silence, for the end of one, or to note who has an alert.

The API decides who may: the browser asks for a token if it must.

The dashboard itself changes nothing. What a button asks for stands in its data attributes; ``assets/dashboard.js`` does the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from dash import html

LENGTHS_SECONDS = {"1 h": 3600, "8 h": 28800, "24 h": 86400}


def silence_buttons(url: str, matchers: Mapping[str, str]) -> html.Div:
    """One button a length of time. The last element says what came of it."""
    buttons = [
        _button(text, "POST", url, {"matchers": dict(matchers), "seconds": length}) for text, length in LENGTHS_SECONDS.items()
    ]
    return html.Div(["Silence for ", *buttons, html.Span(className="said", role="status")], className="actions")


def acknowledge_button(url: str, alert_id: str) -> html.Div:
    """The browser asks who it is once, and remembers it."""
    where = f"{url}/{quote(alert_id, safe='')}/acknowledge"
    button = _button("I have this", "POST", where, {"note": ""})
    return html.Div([button, "Reminders stop. ", html.Span(className="said", role="status")], className="actions")


def end_button(url: str, silence_id: str) -> html.Span:
    return html.Span([_button("End now", "DELETE", f"{url}/{silence_id}", None), html.Span(className="said", role="status")])


def _button(text: str, method: str, url: str, body: Any) -> html.Button:
    data: Any = {"data-method": method, "data-url": url, "data-body": json.dumps(body) if body is not None else ""}
    return html.Button(text, className="action", **data)
