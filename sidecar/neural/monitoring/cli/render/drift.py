"""``drift`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import MOST_ROWS, facts, heading, model_name, more, sentence, state, table, trend
from neural.monitoring.cli.render.words import number, percent


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
            ("feature", "state", "score", "KS", "PSI", "Wasserstein", "evidence", "why"),
            [_drift_row(row) for row in now["features"][:MOST_ROWS]],
            right=("score", "KS", "PSI", "Wasserstein", "evidence"),
        )
        more(console, len(now["features"]))


def _drift_row(row: dict[str, Any]) -> tuple[Any, ...]:
    values = (number(row[key]) if row[key] is not None else "" for key in ("score", "ks", "psi", "wasserstein", "evidence"))
    return (row["feature"], state(row["outcome"]), *values, row["reason"] if row["outcome"] == "bad" else "")
