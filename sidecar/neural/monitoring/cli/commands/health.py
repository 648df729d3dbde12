"""``neural monitor health``."""

from __future__ import annotations

import click

from neural.monitoring.cli.entry import FINDINGS
from neural.monitoring.cli.reading import Reading, reading_options

_EPILOG = """\b
Exit codes: 0 healthy · 1 warning, critical, or no evaluation yet · 2 no such storage path, or it can't be read
\b
As a Kubernetes probe:
  readinessProbe: {exec: {command: [neural-monitor, health, --storage-path, /var/lib/neural]}}
"""


@click.command(epilog=_EPILOG)
@reading_options
def health(reading: Reading) -> int:
    """One word and the reasons: is it well?"""
    from neural.monitoring.cli.render.status import render_health

    return reading.show("health", render_health, lambda answer: answer["status"] != "healthy", code_without_data=FINDINGS)
