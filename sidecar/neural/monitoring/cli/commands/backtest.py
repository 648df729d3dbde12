"""``neural monitor backtest``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from neural.monitoring.cli.configuration import load_configuration
from neural.monitoring.cli.moments import Moment
from neural.monitoring.cli.reading import Reading, format_option, storage_option
from neural.monitoring.store import open_store

_EPILOG = """\b
Examples:
  neural monitor backtest --config new.yaml --since 7d
  neural monitor backtest --since 2026-11-01 --until 2026-11-08 --format json
"""


@click.command(epilog=_EPILOG)
@click.option("--config", type=click.Path(path_type=Path), envvar="NEURAL_MONITOR_CONFIG", help="The configuration to try.")
@storage_option
@click.option("--since", type=Moment(), default="7d", show_default=True, help="From when: 7d (ago), 2026-11-01.")
@click.option("--until", type=Moment(), default="0s", show_default="now", help="Until when.")
@format_option
def backtest(config: Path | None, storage_path: Path, since: float, until: float, output: str) -> int:
    """What this configuration's rules would have sent over the stored history, beside what was sent.

    Nothing is sent and nothing is changed.
    """
    if since >= until:
        raise click.UsageError("--since must be before --until")
    settings = load_configuration(config, storage_path)
    from neural.monitoring.alerts import backtest as play
    from neural.monitoring.alerts import build_channels, build_rules
    from neural.monitoring.settings.check_rules import KNOWN

    store = open_store(storage_path, read_only=True)
    channels = build_channels(settings.channels)
    try:
        found = play(
            build_rules(settings.alerts),
            store,
            since=since,
            until=until,
            channels=channels,
            specs=KNOWN.values(),
            evaluate_every=settings.windows.evaluate_every,
        ).to_dict()
    finally:
        store.close()
        for channel in channels.values():
            channel.close()
    if output == "json":
        click.echo(
            json.dumps(
                {"status": "ok" if found["evaluations"] else "no_data", **found}, indent=2, ensure_ascii=False, allow_nan=False
            )
        )
    else:
        _print(found)
    return 0


def _print(found: dict[str, Any]) -> None:
    from neural.monitoring.cli.render.backtest import render_backtest
    from neural.monitoring.reports.words import printable

    Reading.print_text(lambda console: render_backtest(console, printable(found)))
