"""``drift``, ``quality`` and ``performance`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from neural.monitoring.cli.render.console import facts, heading, sentence, spark, state, table
from neural.monitoring.cli.render.words import NOTHING, number, percent, seconds

MOST_FEATURES = 20
"""Rows of the feature table in text; JSON has them all."""


def render_drift(console: Console, answer: dict[str, Any]) -> None:
    now = answer["current"]
    title = {"bad": "Drift detected", "ok": "No drift"}.get(now["outcome"], "Drift not known")
    heading(console, title, now["drift_severity"] if now["is_drifting"] else "", _model(answer))
    if now["reason"]:
        sentence(console, f"  {now['reason']}", "red" if now["is_drifting"] else "dim")
    facts(
        console,
        [
            ("Score", _trend(console, now["score"], now["history"])),
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
            [_drift_row(row) for row in now["features"][:MOST_FEATURES]],
            right=("score", "KS", "PSI", "Wasserstein", "evidence"),
        )
        _more(console, len(now["features"]))


def _drift_row(row: dict[str, Any]) -> tuple[Any, ...]:
    values = (number(row[key]) if row[key] is not None else "" for key in ("score", "ks", "psi", "wasserstein", "evidence"))
    return (row["feature"], state(row["outcome"]), *values, row["reason"] if row["outcome"] == "bad" else "")


def render_quality(console: Console, answer: dict[str, Any]) -> None:
    now = answer["current"]
    title = {True: "Data quality is good", False: "Data quality is poor"}.get(now["is_healthy"], "Data quality not known")
    heading(console, title, detail=_model(answer))
    if now["reason"]:
        sentence(console, f"  {now['reason']}", "red" if now["is_healthy"] is False else "dim")
    facts(
        console,
        [
            ("Score", _trend(console, now["score"], now["history"])),
            ("Missing", percent(now["missing_rate"])),
            ("Outliers", percent(now["outlier_rate"])),
            ("Invalid", percent(now["invalid_rate"])),
            ("Unseen categories", percent(now["unseen_rate"])),
            (
                f"Last {answer['total_reports']} evaluations",
                f"{percent(answer['healthy_rate'], 1)} healthy, {answer['total_warnings']} warnings",
            ),
        ],
    )
    worth = [
        row
        for row in now["features"]
        if row["outcome"] == "bad" or any(row[f"{rate}_rate"] for rate in ("missing", "outlier", "invalid", "unseen"))
    ]
    if worth:
        console.print()
        table(
            console,
            ("feature", "state", "missing", "outliers", "invalid", "unseen", "why"),
            [_quality_row(row) for row in worth[:MOST_FEATURES]],
            right=("missing", "outliers", "invalid", "unseen"),
        )
        _more(console, len(worth))


def _quality_row(row: dict[str, Any]) -> tuple[Any, ...]:
    rates = (
        percent(row[f"{rate}_rate"]) if row[f"{rate}_rate"] is not None else ""
        for rate in ("missing", "outlier", "invalid", "unseen")
    )
    return (row["feature"], state(row["outcome"]), *rates, row["reason"] if row["outcome"] == "bad" else "")


def render_performance(console: Console, answer: dict[str, Any]) -> None:
    heading(console, "Performance", detail=_model(answer))
    guesses = " · ".join(f"{name} {one['value']:.3f}" for name, one in answer["estimated"].items())
    if guesses:
        sentence(console, f"  Estimated without labels: {guesses}", "dim")
    if not answer["metrics"]:
        sentence(console, "  Not known: no labels have come in (neural monitor labels import FILE)", "dim")
        return
    delay = f", usually {seconds(answer['label_delay_seconds'])} later" if answer["label_delay_seconds"] is not None else ""
    sentence(
        console, f"  {number(answer['labels'])} labels, for {percent(answer['coverage'], 1)} of the predictions{delay}", "dim"
    )
    rows = [
        (
            name,
            number(one["value"], 4),
            state(one["outcome"]) if one["outcome"] != "unknown" else "",
            spark(console, one["history"]),
            _why(one),
        )
        for name, one in answer["metrics"].items()
    ]
    table(console, ("metric", "value", "state", "trend", "why"), rows, right=("value",))


def _why(metric: dict[str, Any]) -> str:
    return str(metric["verdict"]["reason"]) if metric["verdict"] else ""


def _trend(console: Console, value: float | None, past: list[list[float | None]]) -> Text:
    line = spark(console, past)
    return Text.assemble(number(value) if value is not None else NOTHING, (f"  {line}" if line else "", "blue"))


def _model(answer: dict[str, Any]) -> str:
    return f"{answer['model']['name']} {answer['model']['version']}".strip()


def _more(console: Console, count: int) -> None:
    if count > MOST_FEATURES:
        sentence(console, f"  … and {count - MOST_FEATURES} more (--format json has them all)", "dim")
