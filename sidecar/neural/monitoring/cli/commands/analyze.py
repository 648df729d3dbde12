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
  neural monitor analyze monitoring_data/predictions --since 1d --reference training-sample.parquet
  neural monitor analyze 's3://bucket/predictions?region=eu-central-1' --since 2026-11-01 --until 2026-11-08 --format json | jq .drift
  neural monitor analyze s3://bucket/predictions --engine spark --reference training-sample.parquet
"""


@click.command(epilog=_EPILOG)
@click.argument("path", metavar="PATH_OR_URL")
@click.option("--since", type=Moment(), help="From when: 7d (ago), 2026-11-01.  [default: all]")
@click.option("--until", type=Moment(), help="Until when.  [default: all]")
@click.option("--model", help="Which model; without it all are taken together.")
@click.option("--model-version", "version", help="Which version of it.")
@click.option(
    "--reference", type=click.Path(path_type=Path), help="Rows to compare with: a Parquet, CSV or NPZ file, or a part of a log."
)
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="What reads and counts."
)
@click.option("--spark-master", help="Spark's master, where its own configuration does not name one.  [default: local[*]]")
@format_option
def analyze(
    path: str,
    since: float | None,
    until: float | None,
    model: str | None,
    version: str | None,
    reference: Path | None,
    engine: str,
    spark_master: str | None,
    output: str,
) -> int:
    """What the prediction log in a folder or an object store (s3://, gs://, abfss://) holds: rows, features, predictions, latency,
    accuracy; and beside a reference, drift and quality.

    Reads Parquet and the hours that are still open, beside a sidecar that may be writing them. Needs neural-monitoring[lake], or
    neural-monitoring[spark] and Java.
    """
    if since is not None and until is not None and since >= until:
        raise click.UsageError("--since must be before --until")
    from neural.monitoring.views.past import analyze_past

    found = analyze_past(
        path,
        reference=reference,
        model=model,
        version=version,
        since=since,
        until=until,
        engine=engine,
        spark_master=spark_master,
    )
    if output == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(found)
    return int(_has_findings(found))


def _has_findings(found: dict[str, Any]) -> bool:
    drift, quality = found.get("drift"), found.get("quality")
    return bool(drift and drift["is_drifting"]) or bool(quality and not quality["is_healthy"])


def _print(found: dict[str, Any]) -> None:
    from neural.monitoring.cli.render.analyze import render_profile
    from neural.monitoring.reports.words import printable

    plain = printable(found)
    if plain["status"] == NO_DATA:
        Reading.print_text(lambda console: console.print(f"no_data: {plain['message']}", style="yellow", markup=False))
    else:
        Reading.print_text(lambda console: render_profile(console, plain))
