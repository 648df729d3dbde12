"""SLA reports as text, Markdown, HTML and CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import STYLES, facts, heading, sentence, table
from neural.monitoring.cli.render.words import clock_time, number, percent, seconds

Reports = Sequence[dict[str, Any]]
_MONTHS = ("month", "events", "good", "compliance", "budget left", "met")
_BREACHES = ("began (UTC)", "ended (UTC)", "lasted")


def verdict(report: dict[str, Any]) -> str:
    return {True: "met", False: "breached", None: "no_data"}[report["is_meeting"]]


def _title(report: dict[str, Any]) -> str:
    return f"{report['slo_name']} ({report['slo_type']})" + (f" of {report['model']}" if report["model"] else "")


def _figures(report: dict[str, Any]) -> list[tuple[str, str]]:
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


def _month_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (one["name"], number(one["total"]), number(one["good"]), percent(one["compliance"], 3), percent(one["budget_remaining"], 1),
         {True: "yes", False: "no", None: "no data"}[one["met"]])
        for one in report["months"]
    ]  # fmt: skip


def _breach_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(clock_time(one["start"]), clock_time(one["end"]), seconds(one["duration_seconds"])) for one in report["breaches"]]


def print_reports(console: Console, reports: Reports) -> None:
    """For a terminal."""
    for report in reports:
        heading(console, _title(report), verdict(report))
        if report["description"]:
            sentence(console, f"  {report['description']}", "dim")
        facts(console, _figures(report))
        table(console, _MONTHS, _month_rows(report), right=_MONTHS[1:5])
        if report["breaches"]:
            table(console, _BREACHES, _breach_rows(report))
        console.print()


def markdown(reports: Reports) -> str:
    """A document with a section for each objective."""
    lines = ["# SLA report", ""]
    for report in reports:
        lines += [f"## {_cell(_title(report))}: {verdict(report).replace('_', ' ')}", ""]
        lines += [f"- {name}: {value}" for name, value in _figures(report)]
        lines += ["", *_markdown_table(_MONTHS, _month_rows(report)), ""]
        if report["breaches"]:
            lines += ["### Breaches", "", *_markdown_table(_BREACHES, _breach_rows(report)), ""]
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


def html_sections(reports: Reports) -> str:
    """The reports as HTML sections, for a page."""
    return "\n".join(_html(report) for report in reports)


def _html(report: dict[str, Any]) -> str:
    figures = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in _figures(report))
    word = verdict(report)
    parts = [
        f'<section><h2>{html.escape(_title(report))} <span class="{word}">{word.replace("_", " ")}</span></h2><dl>{figures}</dl>'
    ]
    parts.append(html_table(_MONTHS, _month_rows(report)))
    if report["breaches"]:
        parts += ["<h3>Breaches</h3>", html_table(_BREACHES, _breach_rows(report))]
    return "".join([*parts, "</section>"])


def html_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in columns)
    body = "".join(f"<tr>{''.join(_html_cell(str(cell)) for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _html_cell(text: str) -> str:
    word = text.replace(" ", "_")
    return f'<td class="{word}">{html.escape(text)}</td>' if word in STYLES else f"<td>{html.escape(text)}</td>"
