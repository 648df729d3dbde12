"""``neural monitor run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from neural.monitoring.cli.configuration import configuration_file, load_configuration
from neural.monitoring.cli.lean import leave_out
from neural.monitoring.cli.reading import storage_option

if TYPE_CHECKING:
    from neural.monitoring.settings import Settings

_EPILOG = """\b
Examples:
  neural monitor run                                        monitoring_data/neural-monitor.yaml
  neural monitor run --config /etc/neural/neural-monitor.yaml
  neural monitor run --config neural-monitor.yaml --storage-path /var/lib/neural
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="NEURAL_MONITOR_CONFIG",
    help="The configuration file.  [default: the storage path's]",
)
@storage_option
@click.pass_context
def run(context: click.Context, config: Path | None, storage_path: Path) -> int:
    """Run the sidecar until SIGTERM or Ctrl-C.

    Without --config it takes neural-monitor.yaml in the storage path, as `init` writes it. With both, state goes to the
    storage path given here instead of the file's store.path. When the file changes, alert rules and silences change over at
    once, and the log says what waits for the next start; a file with a mistake changes nothing.
    """
    given = context.get_parameter_source("storage_path") is not click.core.ParameterSource.DEFAULT

    leave_out()

    def load() -> Settings:
        return load_configuration(config, storage_path, override_path=config is not None and given)

    settings = load()
    from neural.monitoring.app.run import run_sidecar

    return run_sidecar(settings, file=configuration_file(config, storage_path).absolute(), load=load)
