"""Performance by class and by segment, each value with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dash import html

from neural.monitoring.dashboard.components import badge, panel, remark, table
from neural.monitoring.dashboard.pages.page import View
from neural.monitoring.dashboard.words import NOTHING, number, percent, plural
from neural.monitoring.views.performance import CLASS_METRICS, classes_now, segment_metrics, segments_now, worst

MOST_ROWS: Final = 20
_PERCENT: Final = frozenset({"accuracy", "precision", "recall"})
_TITLES: Final = {"f1": "F1", "mae": "MAE", "rmse": "RMSE", "r2": "R²"}


def classes_panel(view: View) -> Any:
    """None where the model does not classify, or no label has come."""
    found = classes_now(view.reader.current)
    if not found:
        return None
    rows = [
        [one["class"], number(one["labels"]), number(one["predictions"]), *_values(one["metrics"], CLASS_METRICS)]
        for one in found[:MOST_ROWS]
    ]
    head = ("Class", "Labels", "Predicted", *map(_title, CLASS_METRICS))
    return panel(
        "By class",
        table(head, rows, numeric=range(1, len(head)), label="Performance by class"),
        _rest(len(found), "class", "classes"),
        hint="The value, and between which bounds it lies once chance is allowed for",
    )


def segments_panel(view: View) -> Any:
    """None where no segments are asked for (``performance: {segments: [carrier]}``)."""
    found = segments_now(view.reader.current)
    if not found:
        return None
    shown = segment_metrics(found)
    rows = [[one["segment"], _state(one), number(one["labels"]), *_values(one["metrics"], shown)] for one in found[:MOST_ROWS]]
    head = ("Segment", "State", "Labels", *map(_title, shown))
    return panel(
        "By segment",
        table(head, rows, numeric=range(2, len(head)), label="Performance by segment"),
        _rest(len(found), "segment", "segments"),
        hint="Those that are worse than the whole first",
    )


def _rest(count: int, one: str, many: str) -> Any:
    left = count - MOST_ROWS
    return remark(f"And {plural(left, one, many)} more: neural monitor performance --format json has all.") if left > 0 else None


def _state(row: Mapping[str, Any]) -> Any:
    words = {"ok": "as the whole", "bad": "worse"}.get(row["outcome"], "too few labels")
    return html.Span(badge(row["outcome"], words), title=worst(row))


def _values(metrics: Mapping[str, Any], names: Iterable[str]) -> list[Any]:
    return [_value(name, metrics.get(name)) for name in names]


def _value(name: str, measured: Mapping[str, Any] | None) -> Any:
    if measured is None:
        return NOTHING
    say = percent if name in _PERCENT else number
    span = measured["interval"]
    bounds = f"{say(span[0])} to {say(span[1])}" if span is not None else ""
    bad = measured["outcome"] == "bad"
    value = html.Span(say(measured["value"]), className="cell-bad" if bad else "", title=measured["reason"])
    return [value, html.Small(f" {bounds}", className="bounds")] if bounds else value


def _title(name: str) -> str:
    return _TITLES.get(name, name.capitalize())
