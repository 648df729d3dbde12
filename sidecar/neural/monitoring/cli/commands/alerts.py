"""``neural monitor alerts``."""

from __future__ import annotations

from typing import Any

import click

from neural.monitoring.cli.commands import acknowledge, silences
from neural.monitoring.cli.reading import Reading, reading_options

_EPILOG = """\b
Examples:
  neural monitor alerts --hours 24 --severity critical
  neural monitor alerts silence --match rule=drift --for 2h --reason "new model" --author ada
  neural monitor alerts ack "Data drift" --note "looking at it"
  neural monitor alerts test --channel slack
"""


@click.group(invoke_without_command=True, epilog=_EPILOG)
@reading_options
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), default=24.0, show_default=True, help="Time window in hours."
)
@click.option("--severity", type=click.Choice(["info", "warning", "critical"]), help="Filter by severity.")
def alerts(reading: Reading, hours: float, severity: str | None) -> int:
    """What fired, and what fires now.

    Exit code 1 while an alert fires, and when a message of those hours can't be delivered.
    """
    context = click.get_current_context()
    context.obj = reading
    if context.invoked_subcommand is not None:
        return 0
    from neural.monitoring.cli.render.alerts import render_alerts

    def found(answer: dict[str, Any]) -> bool:
        since = answer["timestamp"] - hours * 3600.0
        return bool(answer["firing"]) or any(letter["created_at"] >= since for letter in answer["dead_letters"])

    return reading.show("alerts", render_alerts, found, wanted={"hours": hours, "severity": severity})


alerts.add_command(acknowledge.ack)
alerts.add_command(silences.silence)
alerts.add_command(silences.unsilence)
alerts.add_command(silences.test)
