"""Alerts: what fired, when, for how long, and on what evidence."""

from __future__ import annotations

import json
from typing import Any

from dash import html

from neural.monitoring.dashboard.components import (
    acknowledge_button,
    badge,
    empty,
    end_button,
    facts,
    panel,
    remark,
    segments,
    silence_buttons,
)
from neural.monitoring.dashboard.figures import alert_timeline, graph
from neural.monitoring.dashboard.figures.alert_timeline import height as timeline_height
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.reading import fires_at
from neural.monitoring.dashboard.theme import SEVERITY_LEVELS
from neural.monitoring.dashboard.words import date_time, plural, seconds
from neural.monitoring.store.rows import AlertRow, Silence

SEVERITIES = ("critical", "warning", "info")
STATES = ("firing", "pending", "suppressed", "resolved")
MAX_CARDS = 50
MAX_EVIDENCE_CHARACTERS = 4000


def render(view: View) -> list[Any]:
    rows = [row for row in view.reader.alerts if _wanted(view, row)]
    head = [html.H1("Alerts"), _filters(view)]
    if not rows:
        chosen = view.selection.severity or view.selection.state
        return [
            *head,
            empty("No such alert in this stretch of time." if chosen else "No alert in this stretch of time.", _silences(view)),
        ]
    chart = alert_timeline(rows, since=view.reader.since, until=view.reader.until)
    timeline = panel("Timeline", graph("alerts-timeline", chart, "Alerts over time", timeline_height(rows)))
    cards = [_card(view, row) for row in rows[:MAX_CARDS]]
    rest = [remark(f"{plural(len(rows) - MAX_CARDS, 'older alert')} not shown.")] if len(rows) > MAX_CARDS else []
    return [*head, timeline, panel(plural(len(rows), "alert"), html.Div(cards, className="alert-cards"), *rest), _silences(view)]


def _wanted(view: View, row: AlertRow) -> bool:
    severity, state = view.selection.severity, view.selection.state
    return severity in ("", row.severity) and state in ("", _state(view, row))


def _state(view: View, row: AlertRow) -> str:
    """The state at the right edge of the view, which may lie before the alert was resolved."""
    if fires_at(row, view.reader.until):
        return "firing"
    return "pending" if row.state == "firing" else row.state


def _filters(view: View) -> Any:
    groups = [("severity", SEVERITIES), ("state", STATES)]
    return html.Div([_filter(view, name, options) for name, options in groups], className="filters")


def _filter(view: View, name: str, options: tuple[str, ...]) -> Any:
    current = getattr(view.selection, name)
    choices = [(option or "all", view.href(**{name: option}), option == current) for option in ("", *options)]
    return segments(name.capitalize(), choices)


def _card(view: View, row: AlertRow) -> Any:
    end = min(row.resolved_at or view.reader.until, view.reader.until)
    lasted = seconds(max(end - row.fired_at, 0.0)) if row.fired_at is not None else "not fired"
    state = _state(view, row)
    summary = html.Summary([
        badge(SEVERITY_LEVELS.get(row.severity, "unknown"), row.severity),
        html.Span(row.title or row.rule, className="alert-title"),
        html.Span(f"{row.acknowledged_by} has it", className="alert-owner") if row.acknowledged_by else None,
        html.Span(f"{state} · {lasted}", className=f"alert-state state-{state}"),
        html.Span(f"{date_time(row.fired_at or row.started_at)} UTC", className="alert-time"),
        html.Span(row.message, className="alert-message"),
    ])  # fmt: skip
    body = [facts(_facts(row)), _labels(row), html.Div(_silencing(view, row, state)), _evidence(row)]
    return html.Details([summary, *body], className="alert-card", id={"kind": "alert", "id": row.alert_id})


def _silencing(view: View, row: AlertRow, state: str) -> Any:
    if not view.silences_url or not view.selection.live or state not in ("firing", "pending"):
        return None
    silence = silence_buttons(view.silences_url, {**row.labels, "rule": row.rule})
    can_acknowledge = view.alerts_url and state == "firing" and not row.acknowledged_by
    return [acknowledge_button(view.alerts_url, row.alert_id), silence] if can_acknowledge else silence


def _facts(row: AlertRow) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [
        ("Rule", row.rule),
        ("Source", row.source),
        ("Condition true since", f"{date_time(row.started_at)} UTC"),
        ("Fired", f"{date_time(row.fired_at)} UTC" if row.fired_at is not None else ""),
        ("Resolved", f"{date_time(row.resolved_at)} UTC" if row.resolved_at is not None else ""),
        ("Acknowledged by", row.acknowledged_by),
    ]
    return [(name, value) for name, value in pairs if value]


def _labels(row: AlertRow) -> Any:
    return html.P([html.Code(f"{key}={value}") for key, value in sorted(row.labels.items())], className="labels")


def _evidence(row: AlertRow) -> Any:
    if not row.evidence:
        return None
    text = json.dumps(row.evidence, indent=2, ensure_ascii=False, default=str)
    if len(text) > MAX_EVIDENCE_CHARACTERS:
        text = text[:MAX_EVIDENCE_CHARACTERS] + "\n…"
    return html.Div([html.H3("Evidence"), html.Pre(text, tabIndex="0")])


def _silences(view: View) -> Any:
    active = view.reader.store.silences(active_at=view.reader.until)
    if not active:
        return None
    items = [html.Li(_silence(view, silence)) for silence in active]
    return panel("Silences", html.Ul(items), hint="Alerts that match are judged, but not delivered")


def _silence(view: View, silence: Silence) -> list[Any]:
    codes = [html.Code(f"{key}={value}") for key, value in sorted(silence.matchers.items())]
    words = f" until {date_time(silence.ends_at)} UTC, by {silence.author or 'unknown'}: {silence.reason or 'no reason given'} "
    can_end = view.silences_url and view.selection.live
    return [html.Span(codes, className="labels"), words, end_button(view.silences_url, silence.silence_id) if can_end else ""]


PAGE = Page("alerts", "Alerts", render)
