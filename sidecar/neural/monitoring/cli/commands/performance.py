"""``neural monitor performance``."""

from __future__ import annotations

import click

from neural.monitoring.cli.reading import Reading, reading_options


@click.command(epilog="\b\nExample:\n  neural monitor performance --format json | jq .metrics.accuracy.value\n")
@reading_options
def performance(reading: Reading) -> int:
    """How good the model is, as far as labels are known: over all, by class, by segment, with intervals.

    Exit code 1 when a metric's or a segment's verdict is bad.
    """
    from neural.monitoring.cli.render.performance import render_performance

    return reading.show(
        "performance",
        render_performance,
        lambda answer: any(one["outcome"] == "bad" for one in (*answer["metrics"].values(), *answer["segments"])),
    )
