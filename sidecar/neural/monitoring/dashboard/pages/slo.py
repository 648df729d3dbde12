"""SLO: what was promised, what is left of the budget, and how fast it burns."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from neural.monitoring.dashboard.components import badge, empty, facts, grid, panel, table
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.words import date_time, number, percent, seconds
from neural.monitoring.section import parse_duration_seconds
from neural.monitoring.signal import Signal
from neural.monitoring.views.slos import slos_now


def render(view: View) -> list[Any]:
    names = _names(view)
    if not names:
        return [html.H1("SLOs"), empty("No SLO is defined.", "Add a list under slos: in the configuration.")]
    chosen = view.selection.slo if view.selection.slo in names else names[0]
    return [
        html.H1("SLOs"),
        panel("All SLOs", _overview(view, names, chosen), action=_download(view)),
        html.H2(chosen, className="section"),
        grid(_burn_down(view, chosen), _compliance(view, chosen)),
        grid(_burn_rates(view, chosen), _breaches(view, chosen)),
    ]


def _names(view: View) -> list[str]:
    """Every objective, the one with least budget left first."""
    state = view.reader.state
    found = {s.labels.get("slo", "?") for name in ("slo.compliance", "slo.budget_remaining") for s in state.get(name, ())}
    left = {name: view.reader.value("slo.budget_remaining", slo=name) for name in found}
    return sorted(found, key=lambda name: (value if (value := left[name]) is not None else 2.0, name))


def _overview(view: View, names: list[str], chosen: str) -> Any:
    rows, judged = [], slos_now(view.reader.current)
    for name in names:
        compliance, budget = view.reader.one("slo.compliance", slo=name), view.reader.one("slo.budget_remaining", slo=name)
        worst = max((s.value or 0.0 for s in _burns(view, name)), default=None)
        left = budget.value if budget else None
        state, word = _state(judged.get(name, {}).get("status", "no_data"), left)
        link = dcc.Link(name, href=view.href(slo=name), className="strong" if name == chosen else "")
        rows.append([
            link, badge(state, word), percent(view.reader.value("slo.target", slo=name)),
            percent(compliance.value if compliance else None), _left(left), number(worst),
        ])  # fmt: skip
    head = ("SLO", "State", "Target", "Compliance", "Budget left", "Burn rate")
    return table(head, rows, numeric=(2, 3, 4, 5), label="Service level objectives")


def _state(status: str, left: float | None) -> tuple[str, str]:
    """The badge of an objective: its level and its word."""
    if left is not None and left <= 0:
        return "bad", "spent"
    return {"met": ("ok", "kept"), "at_risk": ("warn", "burning"), "breached": ("bad", "missed")}.get(
        status, ("unknown", "no data")
    )


def _left(value: float | None) -> str:
    return percent(value) if value is None or value >= 0 else f"{percent(-value)} over"


def _download(view: View) -> Any:
    links = [
        html.A(text, href=view.export_href(file), className="more", download=file)
        for text, file in (("SLA report", "sla.html"), ("as a table (CSV)", "slo-report.csv"))
    ]
    return html.Span(links, className="files")


def _burn_down(view: View, name: str) -> Any:
    series = _named(view, "slo.budget_remaining", name)
    if not series:
        return panel("Budget left", empty("No budget in this stretch of time."))
    chart = lines(
        [Line("budget left", series[0], fill=True)],
        since=view.reader.since,
        until=view.reader.until,
        unit="share",
        thresholds={"spent": 0.0},
    )
    return panel(
        "Budget left", graph("slo-budget", chart, f"Error budget left of {name}"), hint="Share of the error budget that is left"
    )


def _compliance(view: View, name: str) -> Any:
    series = _named(view, "slo.compliance", name)
    if not series:
        return panel("Compliance", empty("No measurement in this stretch of time."))
    target = view.reader.value("slo.target", slo=name)
    limits = {"target": target} if target is not None else {}
    chart = lines(
        [Line("compliance", series[0])],
        since=view.reader.since,
        until=view.reader.until,
        unit="share",
        thresholds=limits,
        zero=False,
    )
    signal = view.reader.one("slo.compliance", slo=name)
    reason = [html.P(signal.verdict.reason, className="reason")] if signal and signal.verdict else []
    return panel("Compliance", graph("slo-compliance", chart, f"Compliance of {name} with its target"), *reason)


def _burn_rates(view: View, name: str) -> Any:
    found = sorted(_named(view, "slo.burn_rate", name), key=lambda s: _length(s.labels.get("window", "")))
    if not found:
        return panel("Burn rates", empty("No burn rate in this stretch of time."))
    items = [Line(s.labels.get("window", "?"), s) for s in found]
    chart = lines(items, since=view.reader.since, until=view.reader.until, thresholds={"just lasts": 1.0})
    return panel(
        "Burn rates", graph("slo-burn", chart, f"Burn rates of {name}"), hint="1 spends exactly the budget over its period"
    )


def _breaches(view: View, name: str) -> Any:
    rows = [row for row in view.reader.alerts if row.fired_at is not None and row.labels.get("slo") == name]
    alerts = [s for s in view.reader.state.get("slo.burn_alert", ()) if s.labels.get("slo") == name]
    state = facts([(s.labels.get("severity", "?"), _burn_state(s)) for s in alerts])
    if not rows:
        return panel("Breaches", state, empty("No alert of this SLO fired in this stretch of time."))
    cells = [
        [
            row.title or row.rule,
            date_time(row.fired_at),
            seconds((row.resolved_at or view.reader.until) - (row.fired_at or 0.0)),
            row.state,
        ]
        for row in rows
    ]
    return panel("Breaches", state, table(("Alert", "Since (UTC)", "Lasted", "State"), cells, label="Breaches"))


def _burn_state(signal: Signal) -> Any:
    word = badge("bad", "burning") if signal.value else badge("ok", "calm")
    return [word, f" {signal.verdict.reason}" if signal.verdict else ""]


def _burns(view: View, name: str) -> list[Any]:
    return [s for s in view.reader.state.get("slo.burn_rate", ()) if s.labels.get("slo") == name]


def _named(view: View, signal: str, name: str) -> list[Series]:
    return [s for s in view.reader.series(signal) if s.labels.get("slo") == name and s.has_data]


def _length(window: str) -> float:
    try:
        return parse_duration_seconds(window)
    except ValueError:
        return float("inf")


PAGE = Page("slo", "SLOs", render)
