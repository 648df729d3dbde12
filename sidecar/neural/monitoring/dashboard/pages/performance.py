"""Performance: how right the model was, as far as labels have come."""

from __future__ import annotations

from typing import Any

from dash import html

from neural.monitoring.dashboard.components import badge, empty, grid, panel, remark, segments, table, tile
from neural.monitoring.dashboard.figures import Line, calibration, graph, lines
from neural.monitoring.dashboard.headline import level_of
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.pages.performance_parts import classes_panel, segments_panel
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BLUE, ORANGE
from neural.monitoring.dashboard.words import NOTHING, date_time, number, percent, seconds
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
MAX_CHOICES = 5
_POINT = {"confidence", "hit_rate", "low", "high", "n"}
FULL_COVERAGE = 0.9  # below this share of labels the figures are called provisional


def render(view: View) -> list[Any]:
    measured = [n for n in (*SHARES, *LOSSES, *OTHERS) if f"performance.{n}" in view.reader.state]
    if not measured:
        estimated = [_estimates(view)] if _estimated(view) else []
        return [html.H1("Performance"), _nothing(), *estimated]
    groups = [_chart(view, "Higher is better", [n for n in measured if n in SHARES + OTHERS], "performance-shares")]
    groups.append(_chart(view, "Lower is better", [n for n in measured if n in LOSSES], "performance-losses"))
    charts = [group for group in groups if group is not None]
    return [
        html.H1("Performance"),
        _coverage_note(view),
        _tiles(view, measured),
        grid(*charts),
        grid(_estimates(view), _calibration(view)),
        grid(_labels(view), _table(view, measured)),
        *(part for part in (classes_panel(view), segments_panel(view)) if part is not None),
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


def _provisional_since(view: View) -> float | None:
    """From when on labels are still to come: the values there will change."""
    coverage = view.reader.one("performance.coverage")
    evidence = coverage.verdict.evidence if coverage and coverage.verdict else {}
    delay = evidence.get("label_delay_p90")
    if not isinstance(delay, int | float):
        delay = view.reader.value("performance.label_delay")
    return view.reader.until - delay if delay else None


def _estimated(view: View) -> list[str]:
    return [n for n in (*SHARES, *LOSSES, *OTHERS) if f"performance.estimated_{n}" in view.reader.state]


def _estimates(view: View) -> Any:
    """What was estimated before the labels came, beside what they said."""
    names = _estimated(view)
    chosen = view.selection.measure if view.selection.measure in names else next(iter(names), "")
    items = [Line(f"{_title(chosen)}, estimated", s, ORANGE, dash=True) for s in _all(view, f"estimated_{chosen}") if s.has_data]
    items += [Line(f"{_title(chosen)}, from labels", s, BLUE) for s in _all(view, chosen) if s.has_data]
    if not items:
        why = "An estimate needs probabilities that were calibrated on labels, or a labelled reference."
        return panel("Estimated and realised", empty("Nothing is estimated yet.", why))
    share = chosen in SHARES
    chart = lines(
        items,
        since=view.reader.since,
        until=view.reader.until,
        unit="share" if share else "1",
        zero=False,
        provisional_since=_provisional_since(view),
    )
    signal = view.reader.one(f"performance.estimated_{chosen}")
    reason = [html.P(signal.verdict.reason, className="reason")] if signal and signal.verdict else []
    links = segments("Measure", [(_title(n), view.href(measure=n), n == chosen) for n in names[:MAX_CHOICES]])
    return panel(
        "Estimated and realised",
        graph("performance-estimates", chart, f"{_title(chosen)} estimated before labels, and as they said", 240),
        *reason,
        hint="Dotted: estimated from all predictions, before their labels. Shaded: labels are still to come",
        action=links if len(names) > 1 else None,
    )


def _calibration(view: View) -> Any:
    for name in ("ece", *SHARES, *LOSSES):
        kept = view.reader.kept_evidence(f"performance.{name}")
        points = [point for point in (kept[1].get("calibration") or [] if kept else []) if point.keys() >= _POINT]
        if kept and points:
            error = view.reader.value("performance.ece")
            signal = view.reader.one(f"performance.{name}")
            words = f"Expected calibration error {number(error)}." if error is not None else ""
            if signal is not None and kept[0] < signal.time:
                words += f" The curve is of {date_time(kept[0])} UTC, the last that was kept."
            chart = graph(
                "performance-calibration", calibration(points), "Predicted probability against how often it came true", 280
            )
            return panel(
                "Calibration", chart, remark(words), hint="Bars are 95% intervals. Below the diagonal the model is too sure"
            )
    if not view.selection.live:
        why = "It is kept with the newest verdict, and whenever a verdict changes."
        return panel("Calibration", empty("No calibration is kept for this time.", why))
    why = "Calibration needs probabilities in the answers, and labels."
    return panel("Calibration", empty("No probability has met its label yet.", why))


def _chart(view: View, title: str, names: list[str], identity: str) -> Any:
    items = [Line(_title(n), s) for n in names if (s := _only(view, n)) is not None and s.has_data]
    if not items:
        return None
    share = all(n in SHARES for n in names)
    chart = lines(
        items,
        since=view.reader.since,
        until=view.reader.until,
        unit="share" if share else "1",
        zero=not share,
        provisional_since=_provisional_since(view),
    )
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
    """'76% to 79%': the confidence interval in the evidence, if it is there."""
    bounds = verdict.evidence.get("interval")
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not all(isinstance(b, int | float) for b in bounds):
        return ""
    return f"{_value(name, bounds[0])} to {_value(name, bounds[1])}"


def _title(name: str) -> str:
    return NAMES.get(name, name.capitalize())


def _value(name: str, value: float | None) -> str:
    return percent(value) if name in ("accuracy", "precision", "recall") else number(value)


def _only(view: View, name: str) -> Any:
    return next(iter(_all(view, name)), None)


def _all(view: View, name: str) -> list[Series]:
    return view.reader.series(f"performance.{name}") if name else []


PAGE = Page("performance", "Performance", render)
