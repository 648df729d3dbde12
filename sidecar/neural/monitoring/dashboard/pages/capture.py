"""Capture: where every request went, what could not be decoded, and what watching costs."""

from __future__ import annotations

import json
from typing import Any

from dash import html

from neural.monitoring.dashboard.components import badge, empty, facts, grid, panel, remark, table
from neural.monitoring.dashboard.figures import Line, graph, lines
from neural.monitoring.dashboard.ledger import ledger
from neural.monitoring.dashboard.pages.page import Page, View
from neural.monitoring.dashboard.series import Series
from neural.monitoring.dashboard.theme import BLUE, ORANGE
from neural.monitoring.dashboard.words import date_time, number, percent, seconds, size_bytes
from neural.monitoring.store.rows import Report

MAX_FAILURES = 20
MAX_DETAIL_CHARACTERS = 300
OWN = ("sidecar.memory_bytes", "sidecar.evaluation_seconds", "sidecar.backlog")


def render(view: View) -> list[Any]:
    return [html.H1("Capture"), grid(_ledger(view), _sidecar(view)), grid(_losses(view), _unparsed(view)), _failures(view)]


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


def _sidecar(view: View) -> Any:
    latest = {s.name: s for s in view.reader.latest(OWN)}
    if not latest:
        return panel("The sidecar itself", empty("The sidecar has not reported on itself."))
    memory, spent, backlog = (latest[name].value if name in latest else None for name in OWN)
    pairs = [("Memory", size_bytes(memory)), ("Last evaluation took", seconds(spent)), ("Waiting to be read", number(backlog))]
    series = _any(view, "sidecar.evaluation_seconds")
    chart: list[Any] = []
    if series is not None:
        figure = lines([Line("evaluation", series, BLUE, fill=True)], since=view.reader.since, until=view.reader.until, unit="s")
        chart = [graph("capture-evaluation", figure, "Time an evaluation takes", 150)]
    return panel("The sidecar itself", facts(pairs), *chart)


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
    hint = "Examples as the sidecar kept them: bodies are redacted before they are stored."
    return panel("Decode failures", table(("Time (UTC)", "Reason", "Detail"), rows, label="Decode failures"), remark(hint))


def _failure(report: Report) -> list[Any]:
    reason = str(report.body.get("reason", "unknown"))
    rest = {key: value for key, value in report.body.items() if key not in ("reason", "detail")}
    detail = str(report.body.get("detail", "")) or json.dumps(rest, ensure_ascii=False, default=str)
    return [html.Code(reason), detail[:MAX_DETAIL_CHARACTERS]]


def _any(view: View, name: str) -> Series | None:
    """The series of the chosen model, else of the sidecar as a whole."""
    choices: tuple[dict[str, str] | None, ...] = (None, {})
    for labels in choices:
        found = next((s for s in view.reader.series(name, labels=labels) if s.has_data), None)
        if found is not None:
            return found
    return None


PAGE = Page("capture", "Capture", render)
