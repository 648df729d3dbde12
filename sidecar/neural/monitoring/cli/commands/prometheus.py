"""``neural monitor prometheus``."""

from __future__ import annotations

from pathlib import Path

import click

from neural.monitoring.cli.reading import storage_option

_EPILOG = """\b
Examples:
  neural monitor prometheus --port 9090
  curl -s localhost:9090/metrics | grep neural_drift_score
"""


@click.command(epilog=_EPILOG)
@storage_option
@click.option("--port", type=click.IntRange(1, 65535), default=9090, show_default=True, help="Metrics port.")
@click.option("--host", default="localhost", show_default=True, help="Metrics host.")
def prometheus(storage_path: Path, port: int, host: str) -> int:
    """Serve /metrics over stored data. A running sidecar serves its own, with exemplars and histograms."""
    from neural.monitoring.export import serve_stored_metrics

    def announce() -> None:
        click.echo(f"Metrics: http://{host}:{port}/metrics (Ctrl-C ends it)", err=True)

    serve_stored_metrics(storage_path, port=port, host=host, announce=announce)
    return 0
