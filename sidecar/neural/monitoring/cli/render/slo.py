"""``slo`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import heading, sentence, state, table
from neural.monitoring.reports.words import percent

BAR_CELLS = 10
USUAL_WINDOWS = ("5m", "1h", "6h", "3d")
MOST_WINDOWS = 4


def render_slo(console: Console, answer: dict[str, Any]) -> None:
    heading(console, "Objectives", detail=f"{answer['model']['name']} {answer['model']['version']}".strip())
    if not answer["slos"]:
        known = f": {', '.join(answer['known'])}" if answer["known"] else ""
        sentence(
            console,
            f"  No such objective; there {'are' if known else 'is none'}{known}"
            if answer["status"] == "unknown_slo"
            else "  None yet",
        )
        return
    slo_table(console, answer["slos"], details=True)
    for name, one in answer["slos"].items():
        if one["status"] in {"breached", "at_risk"} and one["reason"]:
            sentence(console, f"  {name}: {one['reason']}", "red" if one["status"] == "breached" else "yellow")


def slo_table(console: Console, found: dict[str, dict[str, Any]], *, details: bool = False) -> None:
    rows = []
    for name, one in found.items():
        burns = burn_words(one["burn_rates"]) if details else ""
        budget = one["error_budget_remaining"]
        rows.append(
            (
                name,
                state(one["status"]),
                percent(one["compliance_rate"], 3),
                percent(one["target"], 3),
                percent(budget, 1),
                budget_bar(budget),
                burns,
            )
        )
    table(
        console,
        ("objective", "state", "compliance", "target", "budget left", "", "burn rate"),
        rows,
        right=("compliance", "target", "budget left"),
    )


def burn_words(rates: dict[str, float | None]) -> str:
    """The burn rates people look at, where they are among those known; else the first few."""
    known = {window: rate for window, rate in rates.items() if rate is not None}
    chosen = [window for window in USUAL_WINDOWS if window in known] or list(known)[:MOST_WINDOWS]
    return "  ".join(f"{window} {known[window]:.2g}×" for window in chosen)


def budget_bar(left: float | None) -> str:
    """What is left of the error budget as ten cells."""
    if left is None:
        return ""
    full = round(max(0.0, min(1.0, left)) * BAR_CELLS)
    return "#" * full + "." * (BAR_CELLS - full)
