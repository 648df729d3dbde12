"""``neural monitor health``."""

from __future__ import annotations

import click

from neural.monitoring.cli.entry import FINDINGS, WELL
from neural.monitoring.cli.reading import Reading, reading_options
from neural.monitoring.cli.source import NO_DATA, Answer

_EPILOG = """\b
Exit codes: 0 healthy · 1 warning, critical, or no evaluation yet · 2 no such storage path, or it can't be read.
With --probe: 0 the sidecar evaluates, or has not begun · 1 it stopped or is silent · 2 as above.
\b
As a Kubernetes probe (--probe: a model that drifts must not take its pod out of service):
  livenessProbe: {exec: {command: [neural-monitor, health, --probe, --storage-path, /var/lib/neural]}}
\b
Example:
  neural monitor health || echo "look at the dashboard"
"""


@click.command(epilog=_EPILOG)
@click.option("--probe", is_flag=True, help="Exit by the sidecar's own state alone, whatever the model's.")
@reading_options
def health(reading: Reading, *, probe: bool) -> int:
    """One word and the reasons: is it well?"""
    from neural.monitoring.cli.render.status import render_health

    found, without_data = (_sidecar_ails, WELL) if probe else (_ails, FINDINGS)
    return reading.show("health", render_health, found, code_without_data=without_data)


def _ails(answer: Answer) -> bool:
    return bool(answer["status"] != "healthy")


def _sidecar_ails(answer: Answer) -> bool:
    return any(check["name"] == "sidecar" and check["status"] not in {"healthy", NO_DATA} for check in answer["checks"])
