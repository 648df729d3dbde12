"""Drift: which features moved, since when, how far, and how sure that is."""

from __future__ import annotations

from typing import Any

from dash import html

from neural.monitoring.dashboard.bins import bins_from
from neural.monitoring.dashboard.components import badge, empty, facts, grid, panel, ranking, remark, segments, table, tile
from neural.monitoring.dashboard.features import Feature, features
from neural.monitoring.dashboard.figures import Line, distribution, graph, heatmap, lines
from neural.monitoring.dashboard.figures.heatmap import height as heatmap_height
from neural.monitoring.dashboard.headline import level_of
from neural.monitoring.dashboard.pages.feature_rank import as_rank
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.words import NOTHING, column_name, date_time, number, p_value, plural, with_column_names
from neural.monitoring.signal import Signal, Verdict

MAX_ROWS, MAX_EMBEDDED = 40, 8
BIN_SOURCES = ("drift.feature_score", "drift.evidence", "drift.psi")
DEFAULT_THRESHOLD = 1.0  # of the evidence: e-value over its threshold
MEASURES = {
    "score": "drift.feature_score",
    "evidence": "drift.evidence",
    "ks": "drift.ks",
    "psi": "drift.psi",
    "wasserstein": "drift.wasserstein",
}
SCORES = (
    ("Inputs", "drift.score"),
    ("Predictions", "drift.prediction_score"),
    ("Performance", "drift.performance_score"),
    ("Concept", "drift.concept_score"),
)


def render(view: View) -> list[Any]:
    reader = view.reader
    found = features(reader, with_peaks=True)
    if not found:
        return [html.H1("Drift"), _nothing(view)]
    names = [item.name for item in found]
    chosen = view.selection.feature if view.selection.feature in names else names[0]
    return [
        html.H1("Drift"),
        _alarm(view),
        _tiles(view),
        grid(_ranking(view, found, chosen), _detail(view, chosen), columns=3),
        _map(view, names),
        grid(_evidence(view, chosen), _tests(view, chosen), _distance(view, chosen), columns=3),
        grid(_together(view), _rows(view)),
    ]


def _nothing(view: View) -> Any:
    alarm = view.reader.one("drift.alarm")
    if alarm is not None and alarm.verdict is not None:
        return empty("Drift can't be judged yet.", alarm.verdict.reason)
    return empty(
        "No feature is compared with a reference yet.",
        "Set reference: {source: reference.parquet} or {learn: 24h} in the configuration.",
    )


def _alarm(view: View) -> Any:
    alarm = view.reader.one("drift.alarm")
    if alarm is None or alarm.verdict is None:
        return remark("There is no verdict at this time.")
    word = {"ok": "no drift", "bad": "drift", "unknown": "not enough data"}[level_of(alarm)]
    names = [s.labels.get("feature", "") for s in view.reader.state.get("drift.feature_score", ())]
    return html.P([badge(level_of(alarm), word), " ", with_column_names(alarm.verdict.reason, names)], className="reason")


def _tiles(view: View) -> Any:
    tiles = []
    for label, name in SCORES:
        signal = view.reader.one(name)
        if signal is not None:
            series = next(iter(view.reader.series(name)), None)
            note = (
                f"threshold {number(signal.verdict.threshold)}" if signal.verdict and signal.verdict.threshold is not None else ""
            )
            tiles.append(tile(f"{label} score", number(signal.value), level=level_of(signal), series=series, note=note))
    return html.Div(tiles, className="tiles")


def _ranking(view: View, found: list[Feature], chosen: str) -> Any:
    lines_ = [as_rank(view, item, found, chosen=item.name == chosen) for item in found]
    return panel(
        "Ranking", html.Div(ranking(lines_), className="scroll"), hint=f"{plural(len(found), 'feature')}, most drifted first"
    )


def _detail(view: View, feature: str) -> Any:
    signal = view.reader.one("drift.feature_score", feature=feature) or view.reader.one("drift.evidence", feature=feature)
    title = f"Reference against now: {column_name(feature)}"
    if signal is None or signal.verdict is None:
        return panel(title, empty("No verdict for this feature at this time."), wide=True)
    verdict = signal.verdict
    words = html.P([badge(level_of(signal), str(verdict.outcome)), " ", verdict.reason], className="reason")
    return panel(title, words, *_histogram(view, signal.time, feature), _facts(verdict), wide=True)


def _histogram(view: View, now: float, feature: str) -> list[Any]:
    for name in BIN_SOURCES:
        kept = view.reader.kept_evidence(name, feature=feature)
        bins = bins_from(kept[1]) if kept else []
        if kept and bins:
            chart = graph("drift-distribution", distribution(bins), f"Shares of {feature} by bin, reference and now", height=270)
            moved = sum(item.moved for item in bins)
            words = f"{moved} of {plural(len(bins), 'bin')} moved." if moved else "No bin moved noticeably."
            old = f" This is how it was at {date_time(kept[0])} UTC, the last that was kept." if kept[0] < now else ""
            return [chart, remark(words + old)]
    return [empty("No histogram is kept for this time.", "It is kept with the newest verdict, and whenever a verdict changes.")]


def _facts(verdict: Verdict) -> Any:
    pairs = [
        ("Method", verdict.method or None),
        ("Statistic", number(verdict.statistic) if verdict.statistic is not None else None),
        ("Threshold", number(verdict.threshold) if verdict.threshold is not None else None),
        ("p-value", p_value(verdict.p_value) if verdict.p_value is not None else None),
        ("Effect size", number(verdict.effect_size) if verdict.effect_size is not None else None),
        ("Rows", number(verdict.sample_size) if verdict.sample_size is not None else None),
    ]
    return facts([(name, value) for name, value in pairs if value is not None], row=True)


def _map(view: View, names: list[str]) -> Any:
    reader = view.reader
    measure = view.selection.measure if view.selection.measure in MEASURES else "score"
    found = {series.labels.get("feature", "?"): series for series in reader.series(MEASURES[measure])}
    rows = [(name, found[name]) for name in names if name in found][:MAX_ROWS]
    if not rows:
        return panel("Features over time", empty("Nothing was measured in this stretch of time."))
    chart = heatmap(
        rows,
        since=reader.since,
        until=reader.until,
        threshold=_map_threshold(view, measure),
        unit=measure,
        log=measure == "evidence",
    )
    rest = len(found) - len(rows)
    notes = [remark(f"{plural(rest, 'calmer feature')} not shown.")] if rest > 0 else []
    label = "Drift of each feature over time; choose a feature in the ranking for its detail"
    return panel(
        "Features over time",
        graph("drift-heatmap", chart, label, heatmap_height(len(rows))),
        *notes,
        hint="Warm colours are over the threshold. Click a cell for the feature's detail.",
        action=_measure_links(view, measure),
    )


def _measure_links(view: View, current: str) -> Any:
    measured = [name for name, signal in MEASURES.items() if signal in view.reader.state]
    return segments("Measure", [(name, view.href(measure=name), name == current) for name in measured])


def _evidence(view: View, feature: str) -> Any:
    reader = view.reader
    series = _of(view, "drift.evidence", feature)
    if not series:
        return panel("Sequential evidence", empty("No sequential evidence for this feature in this stretch of time."))
    chart = lines(
        [Line(feature, series[0], fill=False)],
        since=reader.since,
        until=reader.until,
        log=True,
        thresholds={"alarm": DEFAULT_THRESHOLD},
    )
    hint = "e-value over its threshold, logarithmic. At 1 the false-alarm budget allows the alarm."
    return panel("Sequential evidence", graph("drift-evidence", chart, f"Evidence for drift of {feature}"), hint=hint)


def _together(view: View) -> Any:
    """All columns at once: the evidence the alarm is raised by."""
    series = [s for s in view.reader.series("drift.model_evidence") if s.has_data]
    title = "All columns together"
    if not series:
        return panel(title, empty("No evidence over all columns in this stretch of time."))
    chart = lines(
        [Line("all columns", series[0])],
        since=view.reader.since,
        until=view.reader.until,
        log=True,
        thresholds={"alarm": DEFAULT_THRESHOLD},
    )
    hint = "The sequential detector over every column, logarithmic. At 1 it has used up the false-alarm budget"
    return panel(title, graph("drift-together", chart, "Evidence for drift over all columns"), hint=hint)


def _rows(view: View) -> Any:
    """Drift of whole rows, where it was asked for: columns that each look as before, and no longer go together."""
    title = "Whole rows"
    watched = view.reader.state.get("drift.mmd", [])
    if watched:
        return _embedded(view, watched)
    found = next((r.body["multivariate"] for r in reversed(view.reader.reports("drift")) if r.body.get("multivariate")), None)
    if not isinstance(found, dict):
        how = [
            "Set ",
            html.Code("reference: {whole_rows: true}"),
            ", or in Python ",
            html.Code('DriftDetector(multivariate=["mmd", "pca"])'),
            ".",
        ]
        return panel(title, empty("Whole rows are not watched.", how))
    cells = [
        [
            name,
            number(one.get("statistic")),
            p_value(one["p_value"]) if isinstance(one.get("p_value"), float) else NOTHING,
            badge("bad" if one.get("is_drifting") else "ok"),
            one.get("reason", ""),
        ]
        for name, one in found.items()
        if isinstance(one, dict)
    ]
    head = ("Method", "Statistic", "p-value", "Verdict", "Why")
    return panel(title, table(head, cells, numeric=(1, 2), label="Multivariate drift"), hint="Whether columns still go together")


def _embedded(view: View, watched: list[Signal]) -> Any:
    """Whole rows and embeddings, by how far their mean moved: MMD over time, and the verdicts."""
    series = [s for s in view.reader.series("drift.mmd") if s.has_data]
    items = [Line(column_name(s.labels.get("feature", "?")), s) for s in series]
    chart = lines(items, since=view.reader.since, until=view.reader.until)
    rows = [
        html.P(
            [badge(level_of(s), column_name(s.labels.get("feature", "?"))), " ", s.verdict.reason if s.verdict else ""],
            className="reason",
        )
        for s in watched[:MAX_EMBEDDED]
    ]
    drawn = [graph("drift-rows", chart, "How far whole rows and embeddings have moved")] if items else []
    return panel(
        "Whole rows and embeddings",
        *drawn,
        *rows,
        hint="MMD: how far the mean embedding moved. It also sees columns that no longer go together",
    )


def _tests(view: View, feature: str) -> Any:
    items = [Line(name.upper(), s) for name in ("ks", "psi") for s in _of(view, MEASURES[name], feature)]
    if not items:
        return panel("KS and PSI", empty("No test was run on this feature in this stretch of time."))
    chart = lines(items, since=view.reader.since, until=view.reader.until)
    return panel(
        "KS and PSI", graph("drift-tests", chart, f"KS and PSI of {feature} over time"), hint="Distance from the reference"
    )


def _distance(view: View, feature: str) -> Any:
    series = _of(view, "drift.wasserstein", feature)
    if not series:
        return panel("Wasserstein", empty("No distance was measured for this feature in this stretch of time."))
    chart = lines([Line("Wasserstein", series[0])], since=view.reader.since, until=view.reader.until)
    hint = "How far values have moved from the reference"
    return panel("Wasserstein", graph("drift-distance", chart, f"Wasserstein distance of {feature} over time"), hint=hint)


def _of(view: View, name: str, feature: str) -> list[Series]:
    return [s for s in view.reader.series(name, feature=feature) if s.has_data]


def _threshold(signals: list[Signal]) -> float:
    return next((s.verdict.threshold for s in signals if s.verdict and s.verdict.threshold), 0.0)


def _map_threshold(view: View, measure: str) -> float:
    if measure == "evidence":
        return DEFAULT_THRESHOLD
    threshold = _threshold(view.reader.state.get(MEASURES[measure], []))
    top = max((s.value or 0.0 for s in view.reader.state.get(MEASURES[measure], [])), default=0.0)
    return threshold or top / 2 or 1.0


PAGE = Page("drift", "Drift", render)
