"""``neural monitor drift``."""

from __future__ import annotations

import click

from neural.monitoring.cli.reading import Reading, reading_options

_EPILOG = """\b
Examples:
  neural monitor drift --window 100
  neural monitor drift --format json | jq '.current.features[0]'
"""


@click.command(epilog=_EPILOG)
@reading_options
@click.option(
    "--window",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    help="Number of samples (evaluations) to analyze.",
)
def drift(reading: Reading, window: int) -> int:
    """Has the data drifted, which features, and why.

    Exit code 1 while the verdict is drift.
    """
    from neural.monitoring.cli.render.drift import render_drift

    return reading.show("drift", render_drift, lambda answer: bool(answer["current"]["is_drifting"]), wanted={"window": window})
