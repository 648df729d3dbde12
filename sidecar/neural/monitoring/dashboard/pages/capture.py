"""Capture: where every request went, what could not be decoded, and what watching costs."""

from __future__ import annotations

from typing import Any

from dash import html

from neural.monitoring.dashboard.components import badge, empty, facts, grid, panel, table
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.ledger import ledger
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BLUE, ORANGE
from neural.monitoring.dashboard.words import NOTHING, date_time, number, percent, seconds, shortened, size_bytes
from neural.monitoring.store.rows import Report
from neural.monitoring.views.capture import capture

MAX_FAILURES = 20
MAX_DETAIL_CHARACTERS = 300
MAX_SOURCES, MANY = 50, 2
OWN = ("sidecar.memory_bytes", "sidecar.evaluation_seconds", "sidecar.backlog")


def render(view: View) -> list[Any]:
    return [
        html.H1("Capture"),
        grid(_ledger(view), _cost(view)),
        grid(_losses(view), _unparsed(view), columns=2),
        _sources(view),
        _failures(view),
    ]


def _ledger(view: View) -> Any:
    found = ledger(view.reader)
    if found is None:
        return panel(
            "Where every request went", empty("No capture client has reported yet.", "The ledger comes with the first batch.")
        )
    rows = [[name, f"{count:,.0f}", percent(share)] for name, count, share in found.lines()]
    word = badge("ok", "adds up") if found.balanced else badge("warn", "does not add up")
    text = "Every request seen is in exactly one line." if found.balanced else "Some requests are in no line, or in two."
    body = table(("", "Requests", "Share"), rows, numeric=(1, 2), label="Loss ledger")
    return panel(
        "Where every request went", body, html.P([word, " ", text], className="reason"), hint="Since the model server started"
    )


def _cost(view: View) -> Any:
    """What watching costs: in the model server a request, and in the sidecar."""
    latest = {s.name: s for s in view.reader.latest(OWN)}
    overhead = capture(view.reader.store, view.reader.now)["overhead_us_p50"] if view.selection.live else None
    if not latest and overhead is None:
        return panel("What watching costs", empty("The sidecar has not reported on itself."))
    memory, spent, backlog = (latest[name].value if name in latest else None for name in OWN)
    added = f"{number(overhead)} µs" if overhead is not None else NOTHING
    pairs = [
        *([("Added to a request", added)] if view.selection.live else []),  # of an earlier moment it is not kept
        ("Sidecar's memory", size_bytes(memory)),
        ("Last evaluation took", seconds(spent)),
        ("Waiting to be read", number(backlog)),
    ]
    series = _any(view, "sidecar.evaluation_seconds")
    chart: list[Any] = []
    if series is not None:
        figure = lines([Line("evaluation", series, BLUE, fill=True)], since=view.reader.since, until=view.reader.until, unit="s")
        chart = [graph("capture-evaluation", figure, "Time an evaluation takes", 150)]
    return panel(
        "What watching costs", facts(pairs), *chart, hint="On the request path, by the middleware's own clock; below, evaluations"
    )


def _sources(view: View) -> Any:
    """Each process that captures, where there are several."""
    sources = capture(view.reader.store, view.reader.now)["sources"] if view.selection.live else {}
    if len(sources) < MANY:
        return None
    rows = [
        [
            shortened(name, 40),
            f"{one['seen']:,}",
            f"{one['shipped']:,}",
            f"{one['sampled_out']:,}",
            f"{one['lost']:,}",
            percent(one["loss_ratio"]),
        ]
        for name, one in list(sources.items())[:MAX_SOURCES]
    ]
    head = ("Process", "Seen", "Shipped", "Sampled out", "Lost", "Share lost")
    return panel("By process", table(head, rows, numeric=(1, 2, 3, 4, 5), label="Ledger by process"))


def _losses(view: View) -> Any:
    series = _any(view, "capture.loss_ratio")
    if series is None:
        return panel("Loss", empty("Loss was not measured in this stretch of time."))
    chart = lines([Line("lost", series, ORANGE, fill=True)], since=view.reader.since, until=view.reader.until, unit="share")
    return panel(
        "Loss", graph("capture-loss", chart, "Share of requests not captured over time"), hint="Share of requests dropped"
    )


def _unparsed(view: View) -> Any:
    series = next(iter(view.reader.series("unparsed_rate")), None)
    if series is None or not series.has_data:
        return panel("Not decoded", empty("No request in this stretch of time."))
    chart = lines(
        [Line("not decoded", series, ORANGE, fill=True)], since=view.reader.since, until=view.reader.until, unit="share"
    )
    return panel(
        "Not decoded",
        graph("capture-unparsed", chart, "Share of bodies that could not be decoded"),
        hint="Counted as traffic, with status and latency",
    )


def _failures(view: View) -> Any:
    reports = view.reader.reports("decode_failure", limit=MAX_FAILURES)
    if not reports:
        return panel("Decode failures", empty("No decode failure is kept for this stretch of time."))
    rows = [[date_time(report.time), *_failure(report)] for report in reversed(reports)]
    hint = "Bodies are kept as their shape: keys and brackets, no values."
    head = ("Time (UTC)", "Reason", "Detail", "Body")
    return panel("Decode failures", table(head, rows, label="Decode failures"), hint=hint)


def _failure(report: Report) -> list[Any]:
    body = report.body
    detail = str(body.get("detail", ""))[:MAX_DETAIL_CHARACTERS]
    path = str(body.get("path", ""))[:MAX_DETAIL_CHARACTERS]
    example = str(body.get("example", ""))
    return [
        html.Code(str(body.get("reason", "unknown"))),
        [detail, html.Div(path, className="quiet small")] if path else detail,
        html.Code(example, className="example") if example else NOTHING,
    ]


def _any(view: View, name: str) -> Series | None:
    """The series of the chosen model, else of the sidecar as a whole."""
    choices: tuple[dict[str, str] | None, ...] = (None, {})
    for labels in choices:
        found = next((s for s in view.reader.series(name, labels=labels) if s.has_data), None)
        if found is not None:
            return found
    return None


PAGE = Page("capture", "Capture", render)
