"""``neural monitor status``."""

from __future__ import annotations

import click

from neural.monitoring.cli.reading import Reading, reading_options

_EPILOG = """\b
Examples:
  neural monitor status
  neural monitor status --watch
  neural monitor status --sidecar http://localhost:8052 --format json
"""


@click.command(epilog=_EPILOG)
@reading_options
def status(reading: Reading) -> int:
    """Everything on one page: traffic, latency, errors, drift, quality, objectives, alerts.

    Exit code 1 when something is wrong.
    """
    from neural.monitoring.cli.render.status import render_status

    return reading.show("status", render_status, lambda answer: answer["status"] in {"warning", "critical"})
