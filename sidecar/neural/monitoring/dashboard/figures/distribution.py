"""Reference against current, with the bins that moved marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neural.monitoring.dashboard.bins import Bin
from neural.monitoring.dashboard.theme import BLUE, GREY, RED, axis, figure
from neural.monitoring.dashboard.words import plain, shortened

MAX_LABELS = 12
MAX_NOTES = 4
NOTES_ACROSS = 6  # so many fit side by side on a phone
UNBROKEN = "\u00a0"  # Plotly would break a label at its spaces and turn it as well
LEAST_NOTED = 0.05  # five points of a hundred


def distribution(bins: Sequence[Bin]) -> dict[str, Any]:
    """Paired bars of shares, bin by bin; a moved bin is red and says by how much."""
    places = list(range(len(bins)))
    colours = [RED if item.moved else BLUE for item in bins]
    labels = [plain(item.label) for item in bins]
    shared = {"type": "bar", "x": places, "text": labels, "textposition": "none"}
    traces = [
        {**shared, **_side("reference"), "y": [item.reference for item in bins], "marker": {"color": GREY}, "opacity": 0.45},
        {**shared, **_side("now"), "y": [item.current for item in bins], "marker": {"color": colours}, "opacity": 0.9},
    ]
    every = -(-len(bins) // MAX_LABELS)
    ticks = {
        "tickmode": "array",
        "tickvals": places[::every],
        "ticktext": [plain(shortened(item.label, 14)).replace(" ", UNBROKEN) for item in bins[::every]],
        "autotickangles": [0, 45, 90],
    }
    return figure(
        traces,
        barmode="group",
        bargap=0.18,
        bargroupgap=0.04,
        hovermode="closest",
        showlegend=True,
        annotations=[_note(i, bins[i]) for i in _largest_moves(bins)],
        margin={"l": 52, "r": 12, "t": 30, "b": 24},
        xaxis=axis(showgrid=False, **ticks),
        yaxis=axis(tickformat=".0%", rangemode="tozero"),
    )


def _side(name: str) -> dict[str, Any]:
    return {"name": name, "hovertemplate": "%{text}<br>" + name + " %{y:.2%}<extra></extra>"}


def _largest_moves(bins: Sequence[Bin]) -> list[int]:
    """Where to write how far a bin moved: a few places, else the words would run into each other on a phone."""
    moved = [i for i, item in enumerate(bins) if item.moved and abs(item.current - item.reference) >= LEAST_NOTED]
    noted: list[int] = []
    for place in sorted(moved, key=lambda i: -abs(bins[i].current - bins[i].reference)):
        if all(abs(place - other) * NOTES_ACROSS >= len(bins) for other in noted):
            noted.append(place)
    return noted[:MAX_NOTES]


def _note(place: int, item: Bin) -> dict[str, Any]:
    change = item.current - item.reference
    return {
        "x": place, "y": max(item.current, item.reference), "text": f"{'+' if change > 0 else '−'}{abs(change) * 100:.0f} pts",
        "showarrow": False, "yanchor": "bottom", "font": {"size": 10, "color": RED},
    }  # fmt: skip
