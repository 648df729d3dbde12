"""``neural monitor rules``."""

from __future__ import annotations

from pathlib import Path

import click

from neural.monitoring.cli.configuration import load_configuration
from neural.monitoring.cli.reading import storage_option


@click.group()
def rules() -> None:
    """Rules for other systems, out of the same configuration."""


@rules.command(epilog="\b\nExample:\n  neural monitor rules prometheus > slo-rules.yaml && promtool check rules slo-rules.yaml\n")
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="NEURAL_MONITOR_CONFIG", help="The configuration with the objectives."
)
@storage_option
def prometheus(config: Path | None, storage_path: Path) -> int:
    """Recording and alerting rules for Prometheus: the same objectives and burn rates, judged over all pods."""
    settings = load_configuration(config, storage_path)
    from neural.monitoring.export.totals import LATENCY_BOUNDS
    from neural.monitoring.slo import prometheus_rules_yaml

    bounds = LATENCY_BOUNDS
    click.echo(
        prometheus_rules_yaml(
            settings.slos, settings.model.name, latency_bounds=bounds, slot_seconds=settings.windows.pane_seconds
        ),
        nl=False,
    )
    return 0


@rules.command()
def predefined() -> int:
    """The alert rules that are in force without being written: read, copy, override by name."""
    from importlib.resources import files

    click.echo(files("neural.monitoring.alerts").joinpath("predefined.yaml").read_text("utf-8"), nl=False)
    return 0
