"""The frame around every page: brand, navigation, toolbar, theme switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from neural.monitoring.dashboard.components import aria, segments
from neural.monitoring.dashboard.pages import PAGES, View
from neural.monitoring.dashboard.selection import RANGES_SECONDS
from neural.monitoring.dashboard.words import clock_time, date_time, seconds

SLOTS = ("nav", "toolbar", "page")


def shell(refresh_seconds: float) -> html.Div:
    """What is sent once; the slots are filled in by the first callback."""
    parts = _frame(refresh_seconds)
    paths = dict(_slot_paths(html.Div(parts), []))
    return html.Div([*parts, dcc.Store(id="slots", data=paths)])


def _slot_paths(node: Any, path: list[str | int]) -> Iterator[tuple[str, list[str | int]]]:
    """Where in the layout each slot is, as Dash's renderer counts: the browser updates parts of a slot by their path."""
    if getattr(node, "id", None) in SLOTS:
        yield node.id, path
    children = getattr(node, "children", None)
    for i, child in enumerate(children if isinstance(children, list) else []):
        yield from _slot_paths(child, [*path, "props", "children", i])


def _frame(refresh_seconds: float) -> list[Any]:
    return [
        dcc.Location(id="url", refresh=False),
        dcc.Interval(id="tick", interval=int(refresh_seconds * 1000)),
        html.A("Skip to the page", href="#page", className="skip"),
        html.Header([html.Span("Neural Monitoring", className="brand"), html.Div(id="nav"), _theme_switch()], className="top"),
        html.Section(id="toolbar", className="toolbar", **aria(label="What is shown")),
        html.Div("No answer from the server. What you see is old.", id="offline", className="offline", hidden=True, role="alert"),
        html.Main(loading(), id="page", tabIndex="-1"),
        dcc.Store(id="made"),
        html.Div(id="sink", hidden=True),
    ]


def _theme_switch() -> html.Button:
    return html.Button("◐", id="theme", className="theme", title="Light or dark", **aria(label="Switch between light and dark"))


def loading() -> html.Div:
    return html.Div(
        [html.Div(className="bone bone-wide"), html.Div(className="bone"), html.Div(className="bone")],
        role="status",
        **aria(label="Loading"),
    )


def navigation(view: View) -> html.Nav:
    current = view.selection.page
    links = [
        dcc.Link(
            [page.title, html.Span(" (this page)", className="unseen")] if page.name == current else page.title,
            href=view.href(page=page.name, feature="", slo="", severity="", state="", measure=""),
            className="nav-on" if page.name == current else "",
        )
        for page in PAGES.values()
    ]
    return html.Nav(links, className="pages", **aria(label="Pages"))


def toolbar(view: View, refresh_seconds: float) -> list[Any]:
    return [_model_choice(view), _ranges(view), _files(view), _moment(view, refresh_seconds)]


def _model_choice(view: View) -> Any:
    options: Any = [
        {"label": f"{model} · {version}" if version else model, "value": choice(model, version)}
        for model, version in view.reader.models
    ]
    if not options:
        return html.Span("no model yet", className="quiet")
    current = choice(*view.reader.model)
    select = dbc.Select(id="model", options=options, value=current, html_size="1")
    return html.Label([html.Span("Model and version", className="unseen"), select])


def choice(model: str, version: str) -> str:
    """One option's value; the browser splits it again at the separator."""
    return f"{model}\x1f{version}"


def _files(view: View) -> Any:
    """What can be taken away: this page's figures, and all pages as one that can be sent to somebody."""
    table, report = f"{view.selection.page}.csv", "report.html"
    links = [
        html.A("CSV", href=view.export_href(table), download=table, className="more", title="This page's figures as a table"),
        html.A("Report", href=view.export_href(report), download=report, className="more", title="Everything on one page, to be sent to somebody"),
    ]  # fmt: skip
    return html.Span(links, className="files")


def _ranges(view: View) -> Any:
    current = view.selection.range
    choices = [(name or "auto", view.href(range=name), name == current) for name in ("", *RANGES_SECONDS)]
    return segments("Stretch of time", choices)


def _moment(view: View, refresh_seconds: float) -> Any:
    """What moment is shown, and how to leave it."""
    reader = view.reader
    steps = [("‹ earlier", view.href(until=reader.since), False)]
    if view.selection.live:
        text = f"{clock_time(reader.until)} UTC · every {seconds(refresh_seconds)}"
        steps.append(("pause", view.href(until=reader.until), False))
        return html.Div([html.Span(className="pulse"), html.Span(text), segments("Moment", steps)], className="moment")
    later = reader.until + reader.range_seconds
    steps.append(("later ›", view.href(until=later if later < reader.now else None), False))
    steps.append(("resume", view.href(until=None), True))
    return html.Div([html.Span(f"paused at {date_time(reader.until)} UTC"), segments("Moment", steps)], className="moment")
