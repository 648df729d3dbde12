"""``backtest`` as text: a table by rule, and what happened in time order."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from neural.monitoring.cli.render.console import heading, sentence, table
from neural.monitoring.reports.words import clock_time, seconds

MOST_EVENTS = 40
_COLUMNS = ("rule", "would fire", "for", "did fire", "for then")


def render_backtest(console: Console, found: dict[str, Any]) -> None:
    heading(
        console,
        f"{clock_time(found['since'])} to {clock_time(found['until'])} UTC",
        detail=f"{found['evaluations']:,} evaluations replayed",
    )
    if not found["evaluations"]:
        sentence(console, "  No history in this time")
        return
    sentence(console, f"  {found['messages']} messages would be sent; {found['messages_then']} were")
    if not found["rules"]:
        sentence(console, "  No rule fires, and none did")
        return
    rows = [
        (
            one["rule"],
            str(one["alerts"]),
            seconds(one["firing_seconds"]),
            str(one["alerts_then"]),
            seconds(one["firing_seconds_then"]),
        )
        for one in found["rules"]
    ]
    console.print()
    table(console, _COLUMNS, rows, right=_COLUMNS[1:])
    console.print()
    events = found["timeline"]
    table(console, ("time (UTC)", "side", "what", "text"), [_event(one) for one in events[:MOST_EVENTS]])
    if len(events) > MOST_EVENTS:
        sentence(console, f"  … and {len(events) - MOST_EVENTS} more (--format json has them all)", "dim")


def _event(one: dict[str, Any]) -> tuple[Any, ...]:
    return (clock_time(one["time"]), Text(one["side"], "cyan" if one["side"] == "would" else "dim"), one["what"], one["text"])
