"""Colours and the bones of a figure.

The page's colours are CSS variables in ``assets/dashboard.css``. Figures use colours that stand on light and on dark
ground alike, so that the theme can change without asking the server for anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#4c86e0", "#dd8a3e", "#3aa374", "#dc5b48", "#9a7fe0", "#8a94a0"
SEQUENCE = (BLUE, ORANGE, GREEN, PURPLE, "#3fa9b8", "#c06fa8", "#a8933f", GREY)
SEVERITY_COLOURS = {"critical": RED, "warning": ORANGE, "info": BLUE}
SEVERITY_LEVELS = {"critical": "bad", "warning": "warn", "info": "unknown"}
INK = "#7c8691"  # axis text when a figure is saved as PNG; on screen the stylesheet sets it
GRID = "rgba(128,140,155,0.18)"
VEIL = "rgba(128,140,155,0.12)"  # under what may still change
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

MARGIN: dict[str, int] = {"l": 52, "r": 12, "t": 28, "b": 24}
BARE_TOP = 12  # without a legend
GRAPH_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "responsive": True,
    "scrollZoom": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "png", "scale": 2},
    "showTips": False,
}


def layout(**more: Any) -> dict[str, Any]:
    """A figure's layout: transparent, quiet, with room for nothing but the data."""
    base: dict[str, Any] = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": INK},
        "margin": MARGIN,
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "#22272e", "bordercolor": "#22272e", "font": {"color": "#f2f4f6", "size": 12}},
        "showlegend": False,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "colorway": list(SEQUENCE),
        "dragmode": False,
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": INK, "activecolor": BLUE},
        "uirevision": "keep",
    }
    base.update(more)
    return base


def axis(**more: Any) -> dict[str, Any]:
    return {"gridcolor": GRID, "zeroline": False, "linecolor": GRID, "automargin": True, "fixedrange": True, **more}


def time_axis(since: float, until: float, *, most_ticks: int = 5, **more: Any) -> dict[str, Any]:
    """An x axis of time (Unix seconds in, UTC shown)."""
    length = until - since
    ticks = "%H:%M:%S" if length <= 600 else "%H:%M" if length <= 100_000 else "%-d %b"
    bounds = [since * 1000, until * 1000]
    return axis(
        type="date",
        range=bounds,
        showgrid=False,
        hoverformat="%-d %b %H:%M:%S UTC",
        tickformat=ticks,
        nticks=most_ticks,
        tickangle=0,
        **more,
    )


def level_line(y: float, colour: str, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A dashed line across the figure at ``y`` and its caption: (shape, annotation)."""
    shape = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": y,
        "y1": y,
        "line": {"color": colour, "width": 1.2, "dash": "dash"},
    }
    note = {
        "xref": "paper", "x": 1, "xanchor": "right", "y": y, "yanchor": "bottom", "text": text, "showarrow": False,
        "font": {"size": 11, "color": colour}, "bgcolor": "rgba(128,128,128,0.01)", "borderpad": 1,
    }  # fmt: skip
    return shape, note


def figure(traces: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Plain dicts: plotly's own figure classes check every property, which costs more CPU than all the rest of a page."""
    return {"data": list(traces), "layout": layout(**more)}
