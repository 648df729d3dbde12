"""SLA reports as Markdown, HTML and CSV, and the rows of which they are made."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from typing import Any

from neural.monitoring.reports.page import page
from neural.monitoring.reports.tables import html_table
from neural.monitoring.reports.words import clock_time, number, percent, printable, seconds

Reports = Sequence[dict[str, Any]]
MONTHS = ("month", "events", "good", "compliance", "budget left", "met")
BREACHES = ("began (UTC)", "ended (UTC)", "lasted")


def verdict(report: dict[str, Any]) -> str:
    return {True: "met", False: "breached", None: "no_data"}[report["is_meeting"]]


def title(report: dict[str, Any]) -> str:
    return f"{report['slo_name']} ({report['slo_type']})" + (f" of {report['model']}" if report["model"] else "")


def figures(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("From", clock_time(report["start_time"])),
        ("To", clock_time(report["end_time"])),
        ("Target", number(report["target"], 4)),
        ("Compliance", percent(report["compliance_rate"], 3)),
        ("Error budget left", percent(report["error_budget_remaining"], 1)),
        ("Events", number(report["total_measurements"])),
        (
            "Breaches",
            f"{report['total_breaches']}, {seconds(report['total_breach_duration'])} in all, longest {seconds(report['max_breach_duration'])}",
        ),
    ]


def month_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (one["name"], number(one["total"]), number(one["good"]), percent(one["compliance"], 3), percent(one["budget_remaining"], 1),
         {True: "yes", False: "no", None: "no data"}[one["met"]])
        for one in report["months"]
    ]  # fmt: skip


def breach_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(clock_time(one["start"]), clock_time(one["end"]), seconds(one["duration_seconds"])) for one in report["breaches"]]


def markdown(reports: Reports) -> str:
    """A document with a section for each objective."""
    lines = ["# SLA report", ""]
    for report in reports:
        lines += [f"## {_cell(title(report))}: {verdict(report).replace('_', ' ')}", ""]
        lines += [f"- {name}: {value}" for name, value in figures(report)]
        lines += ["", *_markdown_table(MONTHS, month_rows(report)), ""]
        if report["breaches"]:
            lines += ["### Breaches", "", *_markdown_table(BREACHES, breach_rows(report)), ""]
    return "\n".join(lines)


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in cells]


def _cell(text: str) -> str:
    """Names come from outside: nothing in them is read as Markdown or HTML."""
    return "".join(f"\\{one}" if one in "|*_`[]<>#\\" and text != "---" else one for one in text.replace("\n", " "))


def csv_text(reports: Reports) -> str:
    """A row a month; the whole time is the row whose month is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["slo", "type", "model", "target", "month", "start", "end", "good", "total", "compliance", "budget_remaining", "met"]
    )
    for report in reports:
        head = [_safe(report["slo_name"]), report["slo_type"], _safe(report["model"]), report["target"]]
        whole = [report["start_time"], report["end_time"], "", report["total_measurements"], report["compliance_rate"]]
        writer.writerow([*head, "", *whole, report["error_budget_remaining"], report["is_meeting"]])
        for one in report["months"]:
            writer.writerow(
                [*head, *(one[key] for key in ("name", "start", "end", "good", "total", "compliance", "budget_remaining", "met"))]
            )
    return out.getvalue()


def _safe(text: str) -> str:
    """A spreadsheet runs a cell that begins like a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text


def sla_html(reports: Reports, start: float, end: float) -> str:
    """One self-contained page; times are Unix seconds."""
    body = "\n".join(_html(report) for report in printable(reports)) or "<p>No objectives are set.</p>"
    return page("SLA report", f"{clock_time(start)} to {clock_time(end)} UTC", body)


def _html(report: dict[str, Any]) -> str:
    facts = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in figures(report))
    word = verdict(report)
    parts = [
        f'<section><h2>{html.escape(title(report))} <span class="{word}">{word.replace("_", " ")}</span></h2><dl>{facts}</dl>'
    ]
    parts.append(html_table(MONTHS, month_rows(report)))
    if report["breaches"]:
        parts += ["<h3>Breaches</h3>", html_table(BREACHES, breach_rows(report))]
    return "".join([*parts, "</section>"])
