"""``performance`` as text."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from neural.monitoring.cli.render.console import MOST_ROWS, heading, model_name, more, sentence, spark, state, table
from neural.monitoring.reports.words import (
    between,
    number,
    percent,
    seconds,
    with_interval,
)
from neural.monitoring.views.performance import CLASS_METRICS, segment_metrics, worst


def render_performance(console: Console, answer: dict[str, Any]) -> None:
    heading(console, "Performance", detail=model_name(answer))
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
            between(one["interval"], 4),
            state(one["outcome"]) if one["outcome"] != "unknown" else "",
            spark(console, one["history"]),
            _why(one),
        )
        for name, one in answer["metrics"].items()
    ]
    table(console, ("metric", "value", "interval", "state", "trend", "why"), rows, right=("value",))
    _classes(console, answer["classes"])
    _segments(console, answer["segments"])


def _classes(console: Console, found: list[dict[str, Any]]) -> None:
    names = [name for name in CLASS_METRICS if any(name in row["metrics"] for row in found)]
    rows = [
        (
            row["class"],
            number(row["labels"]),
            number(row["predictions"]),
            *(with_interval(row["metrics"].get(name)) for name in names),
        )
        for row in found[:MOST_ROWS]
    ]
    if rows:
        console.print()
        table(console, ("class", "labels", "predictions", *names), rows, right=("labels", "predictions"))


def _segments(console: Console, found: list[dict[str, Any]]) -> None:
    names = segment_metrics(found)
    rows = [
        (
            row["segment"],
            state(row["outcome"]),
            number(row["labels"]),
            *(with_interval(row["metrics"].get(name)) for name in names),
            worst(row),
        )
        for row in found[:MOST_ROWS]
    ]
    if rows:
        console.print()
        table(console, ("segment", "state", "labels", *names, "why"), rows, right=("labels",))
        more(console, len(found))


def _why(metric: dict[str, Any]) -> str:
    return str(metric["verdict"]["reason"]) if metric["verdict"] else ""
