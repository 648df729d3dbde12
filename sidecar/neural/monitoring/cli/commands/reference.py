"""``neural monitor reference``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click
import yaml

from neural.monitoring.cli.reading import format_option

_EPILOG = """\b
Examples:
  neural monitor reference january.parquet > features.yaml
  neural monitor reference statistics.json --constraints constraints.json
  neural monitor reference monitoring_data/predictions/model=fraud --format json
"""


@click.command(epilog=_EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--constraints",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A SageMaker constraints.json: what it says of a feature counts.",
)
@format_option
def reference(path: Path, constraints: Path | None, output: str) -> int:
    """What reference data says of the features, as YAML to review and put into the configuration.

    PATH is a Parquet, CSV or NPZ file, a folder of the prediction log, or a SageMaker statistics.json.
    """
    from neural.monitoring.windows import build_reference, infer_features, load_reference_file, sagemaker_features

    built = build_reference(load_reference_file(path), source=path.name, created_at=time.time())
    inferred = infer_features(built)
    given = sagemaker_features(constraints) if constraints is not None else {}
    features = {item.name: {**item.settings, **given.get(item.name, {})} for item in inferred}
    if output == "json":
        body = {"hash": built.hash, "rows": built.rows, "features": features, "seen": {item.name: item.seen for item in inferred}}
        click.echo(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False, default=str))
        return 0
    click.echo(
        f"# Inferred from {built.rows} rows of {path.name}, reference {built.hash}. Review it: a draft knows only what it has seen."
    )
    click.echo(f"reference: {_flow({'source': str(path)})}")
    click.echo("features:")
    for item in inferred:
        name = _flow({item.name: None})[1:].removesuffix(": null}")
        click.echo(f"  {name}: {_flow(features[item.name])}  # {' '.join(item.seen.split())}")
    return 0


def _flow(body: dict[str, Any]) -> str:
    """One line of YAML."""
    return yaml.safe_dump(body, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000_000).strip()
