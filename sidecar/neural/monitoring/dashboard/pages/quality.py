"""Quality: what is missing, invalid, unseen or far out, and in which feature."""

from __future__ import annotations

from typing import Any

from dash import html

from neural.monitoring.dashboard.components import badge, empty, grid, panel, table, tile
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.headline import level_of
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.pages.quality_checks import checks_panel, findings_panel
from neural.monitoring.dashboard.words import number, percent
from neural.monitoring.views.quality import quality_now

KINDS = ("missing", "invalid", "unseen", "outlier", "stale")
MAX_LINES = 6
SEARCH_POINTS = 24  # enough to see which features had trouble


def render(view: View) -> list[Any]:
    reader = view.reader
    if not any(name.startswith("quality.") for name in reader.state):
        return [
            html.H1("Data quality"),
            empty("No row has been checked yet.", "Quality is measured as soon as rows can be decoded."),
        ]
    return [
        html.H1("Data quality"),
        _alarm(view),
        _tiles(view),
        grid(_score(view), _rates(view)),
        findings_panel(view),
        checks_panel(view),
        _features(view),
        _worst(view),
    ]


def _alarm(view: View) -> Any:
    signal = view.reader.one("quality.alarm") or view.reader.one("quality.score")
    if signal is None or signal.verdict is None:
        return None
    return html.P([badge(level_of(signal)), " ", signal.verdict.reason], className="reason")


def _tiles(view: View) -> Any:
    reader = view.reader
    score = reader.one("quality.score")
    tiles = [
        tile(
            "Score",
            number(score.value if score else None),
            level=quality_now(reader.current)["outcome"],
            series=_only(view, "quality.score"),
            note="1 is flawless",
        )
    ]
    for kind in KINDS:
        name = f"quality.{kind}_rate"
        if kind == "stale" and reader.value(name) is None:
            continue  # only columns with a max_age can be stale
        tiles.append(tile(kind.capitalize(), percent(reader.value(name)), series=_only(view, name), note="of all values"))
    return html.Div(tiles, className="tiles")


def _score(view: View) -> Any:
    series = _only(view, "quality.score")
    if series is None or not series.has_data:
        return panel("Score over time", empty("No score in this stretch of time."))
    signal = view.reader.one("quality.score")
    threshold = signal.verdict.threshold if signal and signal.verdict else None
    limits = {"threshold": threshold} if threshold is not None else {}
    bounds = (0.0, 1.02) if max(v for v in series.values if v is not None) <= 1 else None
    chart = lines([Line("score", series)], since=view.reader.since, until=view.reader.until, thresholds=limits, bounds=bounds)
    return panel("Score over time", graph("quality-score", chart, "Quality score over time"))


def _rates(view: View) -> Any:
    found = [(kind, _only(view, f"quality.{kind}_rate")) for kind in KINDS]
    items = [Line(kind, series) for kind, series in found if series is not None and series.has_data]
    if not items:
        return panel("Shares over time", empty("No share in this stretch of time."))
    chart = lines(items, since=view.reader.since, until=view.reader.until, unit="share")
    return panel("Shares over time", graph("quality-rates", chart, "Missing, invalid, unseen and outlying values over time"))


def _features(view: View) -> Any:
    """One row a feature, one column a kind of trouble, the most troubled first."""
    rates: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        for signal in view.reader.state.get(f"quality.feature_{kind}_rate", ()):
            rates.setdefault(signal.labels.get("feature", "?"), {})[kind] = signal
    if not rates:
        return panel("By feature", empty("No feature has been checked at this time."))
    kinds = [kind for kind in KINDS if any(kind in one for one in rates.values())]
    order = sorted(rates, key=lambda name: (-sum(s.value or 0.0 for s in rates[name].values()), name))
    cells = [[name, *(_cell(rates[name].get(kind)) for kind in kinds)] for name in order]
    head = ("Feature", *(kind.capitalize() for kind in kinds))
    return panel(
        "By feature",
        table(head, cells, numeric=range(1, len(head)), label="Data quality by feature"),
        hint="Share of values, now",
    )


def _cell(signal: Any) -> Any:
    if signal is None:
        return percent(None)
    text = percent(signal.value)
    if level_of(signal) != "bad":
        return text
    return html.Span(text, className="cell-bad", title=signal.verdict.reason)


def _worst(view: View) -> Any:
    """The troubled features over time, whatever their trouble is."""
    found = [
        (max((v for v in s.values if v is not None), default=0.0), kind, s.labels.get("feature", "?"))
        for kind in KINDS
        for s in view.reader.series(f"quality.feature_{kind}_rate", points=SEARCH_POINTS)
    ]
    troubled = sorted((item for item in found if item[0] > 0), key=lambda item: (-item[0], *item[1:]))[:MAX_LINES]
    if not troubled:
        return panel("Troubled features", empty("No feature had trouble in this stretch of time."))
    series = [
        Line(f"{feature} · {kind}", s)
        for _, kind, feature in troubled
        for s in view.reader.series(f"quality.feature_{kind}_rate", feature=feature)
    ]
    chart = lines(series, since=view.reader.since, until=view.reader.until, unit="share")
    return panel("Troubled features", graph("quality-features", chart, "The features with most trouble over time", 260))


def _only(view: View, name: str) -> Any:
    return next(iter(view.reader.series(name)), None)


PAGE = Page("quality", "Quality", render)
