"""``alerts`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import heading, sentence, state, table
from neural.monitoring.reports.words import clock_time, number, seconds

_SHOWN_LETTERS = 5


def render_alerts(console: Console, answer: dict[str, Any]) -> None:
    hours = number(answer["time_period_hours"])
    heading(console, f"Alerts of the last {hours} h", "firing" if answer["firing"] else "", _counts(answer))
    if answer["alerts"]:
        table(
            console,
            ("severity", "state", "fired (UTC)", "lasted", "alert", "message"),
            [_row(one, answer["timestamp"]) for one in answer["alerts"]],
        )
    else:
        sentence(console, "  None fired")
    _footnotes(console, answer)


def _counts(answer: dict[str, Any]) -> str:
    return ", ".join(f"{count} {severity}" for severity, count in answer["by_severity"].items() if count)


def _row(one: dict[str, Any], now: float) -> tuple[Any, ...]:
    end = one["resolved_at"] if one["resolved_at"] is not None else now
    lasted = seconds(max(0.0, end - one["fired_at"]))
    return (
        state(one["severity"]),
        _state(one),
        clock_time(one["fired_at"]),
        lasted,
        one["title"] or one["rule"],
        one["message"],
    )


def _state(one: dict[str, Any]) -> Any:
    """The state, and who has it."""
    told = state(one["state"])
    author = one.get("acknowledged_by")
    return told.append(f" ({author})", "dim") if author else told


def _footnotes(console: Console, answer: dict[str, Any]) -> None:
    for silence in answer["silences"]:
        what = ", ".join(f"{key}={value}" for key, value in silence["matchers"].items())
        when = f"{silence['every']} until" if silence.get("every") else "until"
        text = f"  Silenced {when} {clock_time(silence['ends_at'])} by {silence['author']}: {what} ({silence['reason']})"
        sentence(console, text, "dim")
    undelivered = answer["undelivered"]
    if undelivered["dead"]:
        sentence(console, f"  {undelivered['dead']} messages could not be delivered", "red")
        for one in answer["dead_letters"][:_SHOWN_LETTERS]:
            why = f"{one['channel']}, {one['attempts']} attempts: {one['error']}"
            sentence(console, f"    {clock_time(one['created_at'])} {', '.join(one['alerts'])} to {why}", "red")
    if undelivered["queued"]:
        sentence(console, f"  {undelivered['queued']} messages wait to be delivered", "yellow")
