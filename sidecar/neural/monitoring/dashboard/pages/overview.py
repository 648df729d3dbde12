"""Overview: is it well?"""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from neural.monitoring.dashboard.components import Rank, aria, badge, empty, grid, panel, ranking, table, tile
from neural.monitoring.dashboard.features import features
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.headline import ORDER, headline, level_of
from neural.monitoring.dashboard.ledger import ledger
from neural.monitoring.dashboard.pages.feature_rank import as_rank
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BLUE, GREY, ORANGE, RED, SEVERITY_LEVELS
from neural.monitoring.dashboard.words import date_time, number, percent, plural, seconds
from neural.monitoring.signal import Signal

TOP_FEATURES = 8
TOP_ALERTS = 6
PERCENTILES = (("p50", GREY), ("p95", BLUE), ("p99", ORANGE))


def render(view: View) -> list[Any]:
    if view.reader.newest_time is None:
        return [_verdict(view), _first_steps()]
    charts = [_traffic(view), _latency(view), _errors(view)]
    rest = [_ranking(view), _budgets(view), _fired(view), _ledger(view)]
    return [_verdict(view), _tiles(view), grid(*charts, columns=3), grid(*rest)]


def _verdict(view: View) -> html.Section:
    found = headline(view.reader)
    notes = [
        html.Li([badge(item.level, item.topic), " ", dcc.Link(item.text, href=view.href(page=item.page))])
        for item in found.findings
    ]
    return html.Section(
        [badge(found.level, found.topic) if found.topic else None, html.H1(found.sentence), html.Ul(notes) if notes else None],
        className=f"verdict verdict-{found.level}",
        **aria(live="polite"),
    )


def _first_steps() -> Any:
    steps = [
        html.Li(["Start the sidecar: ", html.Code("neural monitor run")]),
        html.Li(["Wrap the model server: ", html.Code('app = CaptureMiddleware(app, model="…")')]),
        html.Li("Send a request. The first figures are here within a minute."),
    ]
    return empty("This store is empty.", html.Ol(steps))


def _tiles(view: View) -> html.Div:
    reader = view.reader
    p95 = reader.value("latency.p95")
    error_rate, drift, quality = reader.one("error_rate"), reader.one("drift.score"), reader.one("quality.score")
    alarm = reader.one("drift.alarm")
    drifting = reader.value("drift.features")
    tiles = [
        tile("Requests", f"{number(reader.value('requests.rate'))} /s", series=_only(view, "requests.rate"),
             note=f"{number(reader.value('requests.count'))} in the window"),
        tile("Latency p95", seconds(p95), series=_only(view, "latency.p95"), note=f"median {seconds(reader.value('latency.p50'))}"),
        tile("Errors", percent(error_rate.value if error_rate else None), level=_level(error_rate),
             series=_only(view, "error_rate"), note=f"client errors {percent(reader.value('client_error_rate'))}"),
        tile("Drift", number(drift.value if drift else None), level=_worst(alarm, drift), series=_only(view, "drift.score"),
             note=f"{plural(int(drifting), 'feature')} drifting" if drifting is not None else "no reference",
             href=view.href(page="drift")),
        tile("Data quality", number(quality.value if quality else None), level=_worst(reader.one("quality.alarm"), quality),
             series=_only(view, "quality.score"), note=f"{percent(reader.value('quality.missing_rate'))} missing",
             href=view.href(page="quality")),
        _budget_tile(view),
    ]  # fmt: skip
    return html.Div(tiles, className="tiles")


def _budget_tile(view: View) -> Any:
    budgets = [s for s in view.reader.state.get("slo.budget_remaining", ()) if s.value is not None]
    if not budgets:
        return tile("Error budget", "–", note="no SLO", href=view.href(page="slo"))
    least = min(budgets, key=lambda s: s.value or 0.0)
    name, left = least.labels.get("slo", "?"), least.value or 0.0
    series = next((s for s in view.reader.series("slo.budget_remaining") if s.labels.get("slo") == name), None)
    note = f"least left: {name}" if left > 0 else f"{name}, {percent(-left)} over" if left < 0 else name
    value = percent(left) if left > 0 else "spent"
    return tile("Error budget", value, level=_budget_level(left), series=series, note=note, href=view.href(page="slo", slo=name))


def _traffic(view: View) -> Any:
    reader = view.reader
    rate = _only(view, "requests.rate")
    if rate is None or not rate.has_data:
        return panel("Traffic", empty("No request in this stretch of time."))
    chart = lines([Line("requests", rate, BLUE, fill=True)], since=reader.since, until=reader.until, unit="1/s")
    return panel("Traffic", graph("overview-traffic", chart, "Requests per second over time"), hint="Requests per second")


def _latency(view: View) -> Any:
    reader = view.reader
    found = [(p, colour, _only(view, f"latency.{p}")) for p, colour in PERCENTILES]
    items = [Line(p, series, colour) for p, colour, series in found if series is not None and series.has_data]
    if not items:
        return panel("Latency", empty("No latency in this stretch of time."))
    chart = lines(items, since=reader.since, until=reader.until, unit="s")
    return panel("Latency", graph("overview-latency", chart, "Latency percentiles over time"), hint="Percentiles over the window")


def _errors(view: View) -> Any:
    reader = view.reader
    found = [("server", RED, _only(view, "error_rate")), ("client", GREY, _only(view, "client_error_rate"))]
    items = [Line(name, series, colour) for name, colour, series in found if series is not None and series.has_data]
    if not items:
        return panel("Errors", empty("No request in this stretch of time."))
    chart = lines(items, since=reader.since, until=reader.until, unit="share")
    return panel(
        "Errors", graph("overview-errors", chart, "Share of failed requests over time"), hint="Share of requests that failed"
    )


def _ranking(view: View) -> Any:
    found = features(view.reader)
    more = dcc.Link("All features", href=view.href(page="drift"), className="more")
    if not found:
        return panel("Drift by feature", empty("No feature is compared with a reference yet."), action=more)
    lines_ = [as_rank(view, item, found) for item in found[:TOP_FEATURES]]
    return panel("Drift by feature", ranking(lines_), action=more)


def _budgets(view: View) -> Any:
    more = dcc.Link("All SLOs", href=view.href(page="slo"), className="more")
    budgets = sorted(view.reader.state.get("slo.budget_remaining", ()), key=lambda s: s.value if s.value is not None else 2)
    if not budgets:
        return panel("Error budgets", empty("No SLO is defined."), action=more)
    ranks = [
        Rank(
            name=s.labels.get("slo", "?"),
            value=percent(s.value) if s.value is None or s.value > 0 else "spent",
            share=s.value or 0.0,
            level=_budget_level(s.value),
            href=view.href(page="slo", slo=s.labels.get("slo", "")),
            title="share of the error budget that is left",
        )
        for s in budgets[:TOP_FEATURES]
    ]
    return panel("Error budgets left", ranking(ranks), action=more)


def _fired(view: View) -> Any:
    rows = [row for row in view.reader.alerts if row.fired_at is not None][:TOP_ALERTS]
    more = dcc.Link("All alerts", href=view.href(page="alerts"), className="more")
    if not rows:
        return panel("What fired", empty("No alert fired in this stretch of time."), action=more)
    cells = [
        [
            badge(SEVERITY_LEVELS.get(row.severity, "unknown"), row.severity),
            row.title or row.rule,
            date_time(row.fired_at),
            "still firing" if row in view.reader.firing else row.state,
        ]
        for row in rows
    ]
    return panel("What fired", table(("Severity", "Alert", "Since (UTC)", "State"), cells, label="Alerts"), action=more)


def _ledger(view: View) -> Any:
    more = dcc.Link("Capture", href=view.href(page="capture"), className="more")
    found = ledger(view.reader)
    if found is None:
        return panel("Where every request went", empty("No capture client has reported yet."), action=more)
    cells = [[name, number(count), percent(share)] for name, count, share in found.lines()]
    word = badge("ok", "adds up") if found.balanced else badge("warn", "does not add up")
    return panel(
        "Where every request went",
        table(("", "Requests", "Share"), cells, numeric=(1, 2), label="Loss ledger"),
        word,
        action=more,
    )


def _only(view: View, name: str) -> Series | None:
    return next(iter(view.reader.series(name)), None)


def _level(signal: Signal | None) -> str:
    return level_of(signal) if signal is not None and signal.verdict is not None else ""


def _worst(*signals: Signal | None) -> str:
    levels = [level_of(signal) for signal in signals if signal is not None and signal.verdict is not None]
    return min(levels, key=ORDER.index, default="")


def _budget_level(value: float | None) -> str:
    if value is None:
        return "unknown"
    return "bad" if value <= 0 else "warn" if value < 0.25 else "ok"


PAGE = Page("overview", "Overview", render)
