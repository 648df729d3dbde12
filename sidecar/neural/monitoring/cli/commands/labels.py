"""``neural monitor labels``."""

from __future__ import annotations

from pathlib import Path

import click

from neural.monitoring.cli.configuration import CONFIG_FILE, load_configuration
from neural.monitoring.cli.label_file import read_labels
from neural.monitoring.cli.reading import format_option, sidecar_options, storage_option
from neural.monitoring.errors import NeuralError

BATCH_LABELS = 1000
"""Labels in one request."""
_EPILOG = """\b
Examples:
  neural monitor labels import outcomes.csv
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
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="NEURAL_MONITOR_CONFIG",
    help="The sidecar's configuration: says where it listens.",
)
@storage_option
@sidecar_options
@format_option
def import_labels(file: Path, config: Path | None, storage_path: Path, sidecar: str | None, token: str, output: str) -> int:
    """Send the labels in FILE (CSV, JSON, JSON Lines; - is standard input) to the sidecar.

    Where it listens is said by --sidecar, or read from its configuration (capture.listen).
    """
    from neural.monitoring.cli.source import SidecarSource

    address = sidecar or _listening(config, storage_path)
    source, sent = SidecarSource(address, token), 0
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


def _listening(config: Path | None, storage_path: Path) -> str:
    """The first address of the configuration's capture.listen, as a URL."""
    if config is None and not (storage_path / CONFIG_FILE).is_file():
        raise NeuralError(
            f"{storage_path}: no configuration here: say which sidecar with --sidecar URL (its capture.listen), or --config FILE"
        )
    address = load_configuration(config, storage_path).capture.addresses[0]
    if address.is_unix:
        return f"unix://{address.path}"
    return f"http://{f'[{address.host}]' if ':' in address.host else address.host}:{address.port}"


def _send(source: object, batch: list[dict[str, object]]) -> int:
    from neural.monitoring.cli.source import SidecarSource

    assert isinstance(source, SidecarSource)
    if batch:
        source.request("POST", "/v1/labels", json={"labels": batch})
    count = len(batch)
    batch.clear()
    return count
