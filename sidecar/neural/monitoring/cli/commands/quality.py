"""``neural monitor quality``."""

from __future__ import annotations

import click

from neural.monitoring.cli.reading import Reading, reading_options

_EPILOG = """\b
Examples:
  neural monitor quality --window 100
  neural monitor quality --format json | jq .current.score
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
def quality(reading: Reading, window: int) -> int:
    """Is the data sound: missing, outlying, invalid, unseen and stale values; schema, stuck and shifted columns, repeats, freshness.

    Exit code 1 while anything is found: in the rates, the score, a column or the rows.
    """
    from neural.monitoring.cli.render.quality import render_quality
    from neural.monitoring.views.quality import has_findings

    return reading.show("quality", render_quality, lambda answer: has_findings(answer["current"]), wanted={"window": window})
