"""``capture`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import facts, heading, sentence, table
from neural.monitoring.reports.words import clock_time, number, percent


def render_capture(console: Console, answer: dict[str, Any]) -> None:
    ledger = answer["ledger"]
    heading(
        console,
        "Capture",
        "ok" if ledger["balanced"] else "bad",
        "the ledger adds up" if ledger["balanced"] else "the ledger does not add up",
    )
    dropped = ", ".join(f"{reason} {count:,}" for reason, count in ledger["dropped"].items())
    overhead = answer["overhead_us_p50"]
    facts(
        console,
        [
            ("Seen", f"{ledger['seen']:,}"),
            ("Shipped", f"{ledger['shipped']:,}"),
            ("Sampled out", f"{ledger['sampled_out']:,}"),
            ("Dropped", f"{ledger['lost']:,}" + (f" ({dropped})" if dropped else "")),
            ("In flight", f"{ledger['in_flight']:,}"),
            ("Lost", percent(ledger["loss_ratio"], 3)),
            ("Not decoded", percent(answer["unparsed_rate"], 3)),
            ("Cost a request", f"{overhead:.1f} µs" if overhead is not None else ""),
            ("Waiting", number(answer["backlog"])),
        ],
    )
    if len(answer["sources"]) > 1:
        console.print()
        rows = [
            (name, *(f"{one[key]:,}" for key in ("seen", "shipped", "sampled_out", "lost")))
            for name, one in answer["sources"].items()
        ]
        table(
            console, ("source", "seen", "shipped", "sampled out", "lost"), rows, right=("seen", "shipped", "sampled out", "lost")
        )
    if answer["failures"]:
        sentence(console, "\nNewest bodies that could not be decoded", "bold")
        table(console, ("time (UTC)", "reason", "path", "detail"), [_failure(one) for one in answer["failures"][-5:]])


def _failure(one: dict[str, Any]) -> tuple[str, ...]:
    return (clock_time(one["time"]), str(one.get("reason", "")), str(one.get("path", "")), str(one.get("detail", "")))
