"""``neural monitor analyze``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from neural.monitoring.cli.moments import Moment
from neural.monitoring.cli.reading import Reading, format_option
from neural.monitoring.cli.source import NO_DATA

_EPILOG = """\b
Examples:
  neural monitor analyze monitoring_data/predictions
  neural monitor analyze monitoring_data/predictions --since 7d --model fraud
  neural monitor analyze /lake --since 2026-11-01 --until 2026-11-08 --format json | jq .features.amount
"""


@click.command(epilog=_EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--since", type=Moment(), help="From when: 7d (ago), 2026-11-01.  [default: all]")
@click.option("--until", type=Moment(), help="Until when.  [default: all]")
@click.option("--model", help="Which model; without it all are taken together.")
@click.option("--model-version", "version", help="Which version of it.")
@format_option
def analyze(path: Path, since: float | None, until: float | None, model: str | None, version: str | None, output: str) -> int:
    """What the prediction log in PATH holds: rows, features, predictions, latency, accuracy.

    Reads Parquet and the hours that are still open, beside a sidecar that may be writing them. Needs neural-monitoring[lake].
    """
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be before --until")
    from neural.monitoring.lake import profile

    found = profile(path, model=model, version=version, since=since, until=until)
    if output == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(found)
    return 0


def _print(found: dict[str, Any]) -> None:
    from neural.monitoring.cli.render.analyze import render_profile
    from neural.monitoring.cli.render.words import printable

    plain = printable(found)
    if plain["status"] == NO_DATA:
        Reading.print_text(lambda console: console.print(f"no_data: {plain['message']}", style="yellow", markup=False))
    else:
        Reading.print_text(lambda console: render_profile(console, plain))
