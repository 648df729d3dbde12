"""A ranking as links with bars: readable without Plotly, and by keyboard and screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html


@dataclass(frozen=True, slots=True)
class Rank:
    """One line: ``share`` (0 to 1) is the bar's length, ``chosen`` marks the line whose detail is shown."""

    name: str
    value: str
    share: float
    level: str
    href: str
    title: str = ""
    chosen: bool = False


def ranking(lines: Sequence[Rank]) -> html.Ol:
    return html.Ol([html.Li(_line(line)) for line in lines], className="ranking")


def _line(line: Rank) -> Any:
    width = f"{100 * min(max(line.share, 0.0), 1.0):.1f}%"
    children = [
        html.Span(line.name, className="rank-name"),
        html.Span(html.Span(className=f"rank-fill fill-{line.level}", style={"width": width}), className="rank-bar"),
        html.Span(line.value, className="rank-value"),
    ]
    return dcc.Link(
        children, href=line.href, title=line.title or line.name, className="rank rank-chosen" if line.chosen else "rank"
    )
