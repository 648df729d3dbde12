"""Reference against current, with the bins that moved marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.dashboard.bins import Bin
from neural.monitoring.dashboard.theme import BLUE, GREY, RED, axis, figure
from neural.monitoring.dashboard.words import plain, shortened

MAX_LABELS = 12


def distribution(bins: Sequence[Bin]) -> dict[str, Any]:
    """Paired bars of shares, bin by bin; a moved bin is red and says by how much."""
    places = list(range(len(bins)))
    labels = [plain(item.label) for item in bins]
    traces = [
        _bars("reference", places, [item.reference for item in bins], [GREY] * len(bins), labels, 0.45),
        _bars("now", places, [item.current for item in bins], [RED if item.moved else BLUE for item in bins], labels, 0.9),
    ]
    every = -(-len(bins) // MAX_LABELS)
    ticks = {
        "tickmode": "array",
        "tickvals": places[::every],
        "ticktext": [plain(shortened(item.label, 14)) for item in bins[::every]],
    }
    return figure(
        traces,
        barmode="group",
        bargap=0.18,
        bargroupgap=0.04,
        hovermode="closest",
        showlegend=True,
        annotations=[_note(i, item) for i, item in enumerate(bins) if item.moved and _worth_saying(item)],
        margin={"l": 52, "r": 12, "t": 30, "b": 56},
        xaxis=axis(showgrid=False, tickangle=-35 if len(bins) > 4 else 0, **ticks),
        yaxis=axis(tickformat=".0%", rangemode="tozero"),
    )


def _bars(name: str, x: list[int], y: list[float], colours: list[str], labels: list[str], opacity: float) -> dict[str, Any]:
    return {
        "type": "bar", "name": name, "x": x, "y": y, "opacity": opacity, "marker": {"color": colours},
        "text": labels, "textposition": "none",
        "hovertemplate": "%{text}<br>" + name + " %{y:.2%}<extra></extra>",
    }  # fmt: skip


def _worth_saying(item: Bin) -> bool:
    return abs(item.current - item.reference) >= 0.05


def _note(place: int, item: Bin) -> dict[str, Any]:
    change = item.current - item.reference
    return {
        "x": place, "y": max(item.current, item.reference), "text": f"{'+' if change > 0 else '−'}{abs(change) * 100:.0f} pts",
        "showarrow": False, "yanchor": "bottom", "font": {"size": 10, "color": RED},
    }  # fmt: skip
