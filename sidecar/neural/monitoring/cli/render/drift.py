"""``drift`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import MOST_ROWS, facts, heading, model_name, more, sentence, state, table, trend
from neural.monitoring.reports.words import number, percent

WIDE = 110
"""Columns of a terminal from which the methods' numbers are shown too."""
_NUMBERS = ("score", "threshold", "ks", "psi", "wasserstein", "evidence")


def render_drift(console: Console, answer: dict[str, Any]) -> None:
    now = answer["current"]
    title = {"bad": "Drift detected", "ok": "No drift"}.get(now["outcome"], "Drift not known")
    heading(console, title, now["drift_severity"] if now["is_drifting"] else "", model_name(answer))
    if now["reason"]:
        sentence(console, f"  {now['reason']}", "red" if now["is_drifting"] else "dim")
    facts(
        console,
        [
            ("Score", trend(console, now["score"], now["history"])),
            ("Predictions", number(now["prediction_score"])),
            ("Performance", number(now["performance_score"])),
            ("Concept", number(now["concept_score"])),
            (
                f"Last {answer['total_samples']} evaluations",
                f"{answer['drift_detected']} with drift ({percent(answer['drift_rate'], 1)})",
            ),
        ],
    )
    if now["features"]:
        console.print()
        table(
            console,
            ("feature", "state", "score", "over", "n", "KS", "PSI", "Wasserstein", "evidence", "why"),
            [_drift_row(row, wide=console.width >= WIDE) for row in now["features"][:MOST_ROWS]],
            right=("score", "over", "n", "KS", "PSI", "Wasserstein", "evidence"),
        )
        more(console, len(now["features"]))


def _drift_row(row: dict[str, Any], *, wide: bool) -> tuple[Any, ...]:
    """``over``: the threshold of the score. Narrow terminals show the verdict and leave the methods' numbers to JSON."""
    shown = {key: number(row[key]) if row.get(key) is not None else "" for key in _NUMBERS}
    n = row.get("sample_size")
    methods = (shown[key] if wide else "" for key in ("ks", "psi", "wasserstein"))
    return (
        row["feature"],
        state(row["outcome"]),
        shown["score"],
        shown["threshold"],
        f"{n:,}" if n is not None else "",
        *methods,
        shown["evidence"],
        row["reason"] if row["outcome"] == "bad" else "",
    )
