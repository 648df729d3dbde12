"""``neural monitor slo``."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from neural.monitoring.cli.reading import Reading, reading_options
from neural.monitoring.errors import NeuralError

_EPILOG = """\b
Examples:
  neural monitor slo
  neural monitor slo --name fast --format json
"""


@click.command(epilog=_EPILOG)
@reading_options
@click.option("--name", help="Specific SLO name.")
def slo(reading: Reading, name: str | None) -> int:
    """Objectives: compliance, error budget left, burn rates.

    Exit code 1 when one is breached, or burns its budget fast enough to alert.
    """
    from neural.monitoring.cli.render.slo import render_slo

    def found(answer: dict[str, Any]) -> bool:
        if answer["status"] == "unknown_slo":
            raise NeuralError(_unknown(name or "", list(answer["known"])))
        return any(one["status"] in {"breached", "at_risk"} for one in answer["slos"].values())

    return reading.show("slo", render_slo, found, wanted={"name": name})


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"no objective named {name!r}{f' (did you mean {near[0]}?)' if near else ''}"
