"""SLA reports for a terminal."""

from __future__ import annotations

from rich.console import Console

from neural.monitoring.cli.render.console import facts, heading, sentence, table
from neural.monitoring.reports import sla


def print_reports(console: Console, reports: sla.Reports) -> None:
    """For a terminal."""
    for report in reports:
        heading(console, sla.title(report), sla.verdict(report))
        if report["description"]:
            sentence(console, f"  {report['description']}", "dim")
        facts(console, sla.figures(report))
        table(console, sla.MONTHS, sla.month_rows(report), right=sla.MONTHS[1:5])
        if report["breaches"]:
            table(console, sla.BREACHES, sla.breach_rows(report))
        console.print()
