"""A row of links of which one is in force: ranges, filters, measures. Links, so that they work by keyboard and can be copied."""

from __future__ import annotations

from collections.abc import Iterable

from dash import dcc, html

from neural.monitoring.dashboard.components.aria import aria


def segments(label: str, choices: Iterable[tuple[str, str, bool]]) -> html.Nav:
    """``choices``: (text, href, whether it is in force)."""
    links = [dcc.Link(text, href=href, className="segment segment-on" if on else "segment") for text, href, on in choices]
    return html.Nav(links, className="segments", **aria(label=label))
