"""``quality`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from neural.monitoring.cli.render.console import (
    MOST_ROWS,
    facts,
    heading,
    model_name,
    more,
    sentence,
    state,
    style_of,
    table,
    trend,
)
from neural.monitoring.reports.words import CHECKS, checked, clock_time, percent
from neural.monitoring.views.quality import has_findings

RATES = ("missing", "outlier", "invalid", "unseen", "stale")


def render_quality(console: Console, answer: dict[str, Any]) -> None:
    now = answer["current"]
    title = {True: "Data quality is good", False: "Data quality is poor"}.get(now["is_healthy"], "Data quality not known")
    if now["is_healthy"] is not False and has_findings(now):
        title += ", with findings"
    heading(console, title, detail=model_name(answer))
    if now["reason"]:
        sentence(console, f"  {now['reason']}", "red" if now["is_healthy"] is False else "dim")
    facts(
        console,
        [
            ("Score", trend(console, now["score"], now["history"])),
            ("Missing", percent(now["missing_rate"])),
            ("Outliers", percent(now["outlier_rate"])),
            ("Invalid", percent(now["invalid_rate"])),
            ("Unseen categories", percent(now["unseen_rate"])),
            *_stale(now),
            *((CHECKS[name][0], _checked(name, check)) for name, check in now["checks"].items()),
            (
                f"Last {answer['total_reports']} evaluations",
                f"{percent(answer['healthy_rate'], 1)} healthy, {answer['total_warnings']} warnings",
            ),
        ],
    )
    worth = [row for row in now["features"] if row["outcome"] == "bad" or any(row[f"{rate}_rate"] for rate in RATES)]
    if worth:
        console.print()
        table(
            console,
            ("feature", "state", "missing", "outliers", "invalid", "unseen", "stale", "why"),
            [_quality_row(row) for row in worth[:MOST_ROWS]],
            right=("missing", "outliers", "invalid", "unseen", "stale"),
        )
        more(console, len(worth))
    whole = [row for row in now["findings"] if row["kind"] not in RATES]
    if whole:
        console.print()
        table(
            console,
            ("finding", "column", "state", "rows", "since", "what"),
            [_finding_row(row) for row in whole[:MOST_ROWS]],
            right=("rows",),
        )
        more(console, len(whole))


def _stale(now: dict[str, Any]) -> list[tuple[str, str]]:
    """Only columns with a max_age can be stale."""
    return [("Stale", percent(now["stale_rate"]))] if now["stale_rate"] is not None else []


def _checked(name: str, check: dict[str, Any]) -> Text:
    return Text.assemble((checked(name, check), style_of("bad") if check["outcome"] == "bad" else ""))


def _finding_row(row: dict[str, Any]) -> tuple[Any, ...]:
    kind = str(row["kind"]).replace("_", " ")
    since = clock_time(row["first_seen"]) if row["first_seen"] is not None else ""
    return (kind, row["column"], state(row["outcome"]), percent(row["rate"], 1), since, row["text"])


def _quality_row(row: dict[str, Any]) -> tuple[Any, ...]:
    rates = (percent(row[f"{rate}_rate"]) if row[f"{rate}_rate"] is not None else "" for rate in RATES)
    return (row["feature"], state(row["outcome"]), *rates, row["reason"] if row["outcome"] == "bad" else "")
