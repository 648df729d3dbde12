"""Performance: how right the model was, as far as labels have come."""

from __future__ import annotations

from typing import Any

from dash import html

from neural.monitoring.dashboard.components import badge, empty, grid, panel, remark, table, tile
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.headline import level_of
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.words import NOTHING, number, percent, seconds
from neural.monitoring.signal import Verdict

SHARES = ("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc")
LOSSES = ("log_loss", "brier", "ece", "mae", "rmse")
OTHERS = ("r2",)
NAMES = {
    "pr_auc": "PR AUC",
    "ece": "Calibration error",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
}
FULL_COVERAGE = 0.9  # below this share of labels the figures are called provisional


def render(view: View) -> list[Any]:
    measured = [n for n in (*SHARES, *LOSSES, *OTHERS) if f"performance.{n}" in view.reader.state]
    if not measured:
        return [html.H1("Performance"), _nothing()]
    groups = [_chart(view, "Higher is better", [n for n in measured if n in SHARES + OTHERS], "performance-shares")]
    groups.append(_chart(view, "Lower is better", [n for n in measured if n in LOSSES], "performance-losses"))
    charts = [group for group in groups if group is not None]
    return [
        html.H1("Performance"),
        _coverage_note(view),
        _tiles(view, measured),
        grid(*charts),
        grid(_labels(view), _table(view, measured)),
    ]


def _nothing() -> Any:
    return empty(
        "No label has arrived yet.",
        ["Send outcomes when they are known: ", html.Code("POST /v1/labels"), " or ", html.Code("neural monitor labels"), "."],
    )


def _coverage_note(view: View) -> Any:
    coverage = view.reader.value("performance.coverage")
    if coverage is None:
        return None
    if coverage < FULL_COVERAGE:
        text = f"Provisional: labels are known for {percent(coverage)} of the predictions in the window."
        return html.P([badge("unknown", "provisional"), " ", text], className="reason")
    return html.P([badge("ok", "settled"), f" Labels are known for {percent(coverage)} of the predictions."], className="reason")


def _tiles(view: View, measured: list[str]) -> Any:
    tiles = []
    for name in measured:
        signal = view.reader.one(f"performance.{name}")
        value = signal.value if signal else None
        note = _interval(name, signal.verdict) if signal and signal.verdict else ""
        level = level_of(signal) if signal and signal.verdict else ""
        tiles.append(tile(_title(name), _value(name, value), series=_only(view, name), level=level, note=note))
    return html.Div(tiles, className="tiles")


def _chart(view: View, title: str, names: list[str], identity: str) -> Any:
    items = [Line(_title(n), s) for n in names if (s := _only(view, n)) is not None and s.has_data]
    if not items:
        return None
    share = all(n in SHARES for n in names)
    chart = lines(items, since=view.reader.since, until=view.reader.until, unit="share" if share else "1", zero=not share)
    return panel(title, graph(identity, chart, f"Performance measures over time, {title.lower()}", 240))


def _labels(view: View) -> Any:
    coverage = _only(view, "coverage")
    if coverage is None or not coverage.has_data:
        return panel("Coverage", empty("Coverage is not measured."))
    chart = lines(
        [Line("labelled", coverage, fill=True)],
        since=view.reader.since,
        until=view.reader.until,
        unit="share",
        bounds=(0.0, 1.02),
    )
    count, delay = number(view.reader.value("performance.labels")), view.reader.value("performance.label_delay")
    late = f" Half of them came within {seconds(delay)}." if delay is not None else ""
    return panel(
        "Coverage",
        graph("performance-coverage", chart, "Share of predictions with a label"),
        remark(f"{count} labels in the window.{late}"),
    )


def _table(view: View, measured: list[str]) -> Any:
    rows = []
    for name in measured:
        signal = view.reader.one(f"performance.{name}")
        verdict = signal.verdict if signal else None
        size = number(verdict.sample_size) if verdict and verdict.sample_size is not None else NOTHING
        limit = _value(name, verdict.threshold) if verdict and verdict.threshold is not None else NOTHING
        span = (_interval(name, verdict) if verdict else "") or NOTHING
        rows.append([_title(name), _value(name, signal.value if signal else None), span, limit, size])
    head = ("Measure", "Now", "Interval", "Threshold", "Labels")
    hint = "Interval: where the value lies once chance is allowed for"
    return panel("Measures", table(head, rows, numeric=(1, 2, 3, 4), label="Performance measures"), hint=hint)


def _interval(name: str, verdict: Verdict) -> str:
    """'76 % to 79 %': the confidence interval in the evidence, if it is there."""
    bounds = verdict.evidence.get("interval")
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not all(isinstance(b, int | float) for b in bounds):
        return ""
    return f"{_value(name, bounds[0])} to {_value(name, bounds[1])}"


def _title(name: str) -> str:
    return NAMES.get(name, name.capitalize())


def _value(name: str, value: float | None) -> str:
    return percent(value) if name in ("accuracy", "precision", "recall") else number(value)


def _only(view: View, name: str) -> Any:
    return next(iter(view.reader.series(f"performance.{name}")), None)


PAGE = Page("performance", "Performance", render)
