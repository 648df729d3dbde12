"""What is checked of whole columns and rows: schema, stuck and shifted columns, repeats, freshness; and what was found."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from neural.monitoring.dashboard.components import badge, empty, panel, remark, table
from neural.monitoring.dashboard.pages.page import View
from neural.monitoring.dashboard.words import NOTHING, column_name, date_time, number, percent, plural, seconds
from neural.monitoring.views.quality import checks_now, findings_in, quality_now

NAMES: Final = {
    "schema_violations": "Schema and column order",
    "stuck_columns": "Stuck columns",
    "shifted_columns": "Shifted columns",
    "duplicate_rate": "Repeated rows",
    "freshness": "Age of the newest row",
}
MOST_FINDINGS: Final = 30


def checks_panel(view: View) -> Any:
    """A row for each check that is made."""
    found = checks_now(view.reader.current)
    if not found:
        return panel("Columns and rows", empty("No check of whole columns has been made at this time."))
    rows = [[NAMES[name], _now(check), _state(check["outcome"]), check["reason"] or NOTHING] for name, check in found.items()]
    return panel(
        "Columns and rows",
        table(("Check", "Now", "State", "Why"), rows, numeric=(1,), label="Checks of whole columns and rows"),
        hint="Schema, order, stuck and shifted columns, repeated rows, freshness",
    )


def findings_panel(view: View) -> Any:
    """Everything that was found, the bad first: where, what, how often, since when, an example with what must not be shown blanked."""
    found, moment = _found(view)
    if not found and quality_now(view.reader.current)["is_healthy"] is False:
        return panel("Findings", empty("What was found is not kept for this time.", "It is kept whenever a verdict changes."))
    if not found:
        return panel("Findings", empty("Nothing was found.", "Columns and rows are as the reference and the rules say."))
    rows = [_finding(one) for one in found[:MOST_FINDINGS]]
    head = ("Column", "Finding", "State", "Rows", "Share", "Since (UTC)", "Example")
    more = len(found) - MOST_FINDINGS
    rest = remark(f"And {plural(more, 'more finding')}: neural monitor quality --format json has all.") if more > 0 else None
    old = remark(f"This is what was found at {date_time(moment)} UTC, the last that was kept.") if moment is not None else None
    return panel("Findings", table(head, rows, numeric=(3, 4), label="Findings in the data"), rest, old)


def _found(view: View) -> tuple[list[dict[str, Any]], float | None]:
    """What is found now; at an earlier moment what was found when the verdict last changed, and when that was."""
    found, alarm = quality_now(view.reader.current)["findings"], view.reader.one("quality.alarm")
    kept = view.reader.kept_evidence("quality.alarm") if alarm is not None and not found else None
    if kept is None or alarm is None or kept[0] >= alarm.time:
        return found, None
    return findings_in(kept[1], view.reader.current), kept[0]


def _finding(one: dict[str, Any]) -> list[Any]:
    what = html.Span(str(one["kind"]).replace("_", " "), title=one["text"])
    example = one.get("example")
    return [
        column_name(str(one["column"])) or "whole rows", what, _state(one["outcome"]), number(one["count"]), percent(one["rate"]),
        date_time(one.get("first_seen")), NOTHING if example is None else html.Code(str(example)),
    ]  # fmt: skip


def _state(outcome: str) -> Any:
    return badge(
        {"ok": "ok", "bad": "bad"}.get(outcome, "unknown"), {"ok": "as it should be", "bad": "bad"}.get(outcome, "counted")
    )


def _now(check: dict[str, Any]) -> str:
    value, unit = check["value"], check["unit"]
    if unit == "s":
        return seconds(value)
    return percent(value) if unit == "1" else number(value)
