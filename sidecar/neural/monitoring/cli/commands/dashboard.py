"""``neural monitor dashboard``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from neural.monitoring.cli.configuration import configured_objectives
from neural.monitoring.cli.reading import storage_option
from neural.monitoring.errors import NeuralError

_EPILOG = """\b
Examples:
  neural monitor dashboard --port 8052
  neural monitor dashboard --storage-path /var/lib/neural --host 0.0.0.0
"""


@click.command(epilog=_EPILOG)
@storage_option
@click.option("--port", type=click.IntRange(1, 65535), default=8052, show_default=True, help="Dashboard port.")
@click.option("--host", default="localhost", show_default=True, help="Dashboard host.")
def dashboard(storage_path: Path, port: int, host: str) -> int:
    """Serve the dashboard over stored data, while a sidecar writes it or after it has ended. It changes nothing."""
    if any(importlib.util.find_spec(name) is None for name in ("dash", "plotly", "dash_bootstrap_components")):
        raise NeuralError("the dashboard needs its dependencies: pip install 'neural-monitoring[dashboard]'")
    from neural.monitoring.dashboard import serve_dashboard

    def announce() -> None:
        click.echo(f"Dashboard: http://{host}:{port}/ (Ctrl-C ends it)", err=True)

    serve_dashboard(storage_path, host=host, port=port, objectives=configured_objectives(storage_path), announce=announce)
    return 0
