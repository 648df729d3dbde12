"""``neural monitor labels``."""

from __future__ import annotations

from pathlib import Path

import click

from neural.monitoring.cli.label_file import read_labels
from neural.monitoring.cli.reading import format_option, sidecar_options
from neural.monitoring.errors import NeuralError

BATCH_LABELS = 1000
"""Labels in one request."""
_EPILOG = """\b
Examples:
  neural monitor labels import outcomes.csv --sidecar unix:///var/run/neural/capture.sock
  neural monitor labels import outcomes.jsonl --sidecar http://localhost:4319
\b
A line of JSON Lines: {"id": "pred_001", "label": 1, "time": "2026-11-23T15:04:05Z"}; "time" may be left out.
CSV has the columns id and label, and may have time. A row of a request with several rows is "id:row".
"""


@click.group()
def labels() -> None:
    """Hand in true outcomes, late or early, in any order."""


@labels.command("import", epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
@sidecar_options
@format_option
def import_labels(file: Path, sidecar: str | None, token: str, output: str) -> int:
    """Send the labels in FILE (CSV, JSON, JSON Lines; - is standard input) to the sidecar's capture address."""
    if sidecar is None:
        raise NeuralError("say which sidecar: --sidecar unix:///path/capture.sock or http://host:port (its capture.listen)")
    from neural.monitoring.cli.source import SidecarSource

    source, sent = SidecarSource(sidecar, token), 0
    try:
        batch: list[dict[str, object]] = []
        for label in read_labels(file):
            batch.append(label)
            if len(batch) == BATCH_LABELS:
                sent += _send(source, batch)
        sent += _send(source, batch)
    finally:
        source.close()
    click.echo(f'{{"labels": {sent}}}' if output == "json" else f"{sent:,} labels handed in")
    return 0


def _send(source: object, batch: list[dict[str, object]]) -> int:
    from neural.monitoring.cli.source import SidecarSource

    assert isinstance(source, SidecarSource)
    if batch:
        source.request("POST", "/v1/labels", json={"labels": batch})
    count = len(batch)
    batch.clear()
    return count
