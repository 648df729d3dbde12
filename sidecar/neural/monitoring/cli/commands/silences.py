"""``neural monitor alerts silence``, ``unsilence`` and ``test``."""

from __future__ import annotations

import getpass
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from neural.monitoring.cli.configuration import load_configuration
from neural.monitoring.cli.moments import Moment
from neural.monitoring.cli.reading import Reading, format_option, sidecar_options, storage_option
from neural.monitoring.cli.source import SidecarSource, existing_folder
from neural.monitoring.clock import system_clock
from neural.monitoring.errors import NeuralError
from neural.monitoring.reports.words import clock_time
from neural.monitoring.store import Silence, open_store
from neural.monitoring.views import silence_dict


def _matchers(pairs: tuple[str, ...]) -> Mapping[str, str]:
    found = {}
    for pair in pairs:
        label, equals, value = pair.partition("=")
        if not (label and equals and value):
            raise click.BadParameter(f"{pair!r}: write label=value, such as rule=drift or severity=warning", param_hint="--match")
        found[label] = value
    return found


def _duration(_: click.Context, __: click.Parameter, value: str) -> float:
    from neural.monitoring.section import parse_duration_seconds

    try:
        return parse_duration_seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_EPILOG = """\b
Examples:
  neural monitor alerts silence --match rule=drift --for 2h --reason "new model"
  neural monitor alerts silence --match severity=warning --every "sat 22:00" --for 4h --until 2027-01-01
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--match",
    "pairs",
    multiple=True,
    required=True,
    metavar="LABEL=VALUE",
    help="What to silence; every match must hold. * is any text.",
)
@click.option("--for", "seconds", default="1h", show_default=True, callback=_duration, help="How long, such as 30m, 2h, 1d.")
@click.option("--every", default="", metavar="DAYS HH:MM", help="Again and again: 'sat,sun 22:00', 'daily 02:00', '1,15 03:00'.")
@click.option("--until", type=Moment(), help="With --every: when it has come for the last time, such as 2027-01-01.")
@click.option("--time-zone", default="UTC", show_default=True, help="With --every: whose wall clock.")
@click.option("--reason", default="", help="Why, for the colleagues.")
@click.option("--author", default=getpass.getuser, show_default="you", help="Who.")
@storage_option
@sidecar_options
@format_option
def silence(
    pairs: tuple[str, ...],
    seconds: float,
    every: str,
    until: float | None,
    time_zone: str,
    reason: str,
    author: str,
    storage_path: Path,
    sidecar: str | None,
    token: str,
    output: str,
) -> int:
    """Deliver no alert that matches, for a while. It still shows, and still counts.

    With --every a maintenance window that comes again until --until; --for is then the length of each.
    """
    now = system_clock()
    if bool(every) != (until is not None):
        raise click.UsageError("--every and --until go together")
    made = Silence(uuid.uuid4().hex, _matchers(pairs), now, now + seconds, author, reason)
    if until is not None:
        _check_recurrence(every, time_zone, seconds)
        made = replace(made, ends_at=until, every=every, lasts=seconds, time_zone=time_zone)
        if until <= now:
            raise click.BadParameter("must lie ahead", param_hint="--until")
    if sidecar is None:
        _put(storage_path, made)
        answer = silence_dict(made)
    else:
        answer = _post(SidecarSource(sidecar, token), made)
    text = f"Silenced {every + ' ' if every else ''}until {clock_time(answer['ends_at'])} UTC: {answer['silence_id']}"
    click.echo(json.dumps(answer, indent=2) if output == "json" else text)
    return 0


@click.command()
@click.argument("silence_id")
@storage_option
@sidecar_options
def unsilence(silence_id: str, storage_path: Path, sidecar: str | None, token: str) -> int:
    """End the silence SILENCE_ID now."""
    if sidecar is not None:
        source = SidecarSource(sidecar, token)
        try:
            source.request("DELETE", f"/api/v1/silences/{silence_id}")
        finally:
            source.close()
        return 0
    now = system_clock()
    with_store = open_store(existing_folder(storage_path))
    try:
        found = [one for one in with_store.silences(active_at=now) if one.silence_id == silence_id]
        if not found:
            raise NeuralError(f"no silence {silence_id} is in force")
        with_store.put_silence(replace(found[0], ends_at=now))
    finally:
        with_store.close()
    return 0


@click.command()
@click.option("--channel", required=True, help="The channel's name in the configuration.")
@click.option("--config", type=click.Path(path_type=Path), envvar="NEURAL_MONITOR_CONFIG", help="The configuration file.")
@storage_option
@format_option
@click.pass_obj
def test(reading: Reading | None, channel: str, config: Path | None, storage_path: Path, output: str) -> int:
    """Send a test message over CHANNEL and say what happened."""
    del reading
    from neural.monitoring.cli.channel_test import send_test

    outcome = send_test(load_configuration(config, storage_path), channel)
    click.echo(json.dumps(outcome, indent=2) if output == "json" else outcome["message"])
    return 0 if outcome["delivered"] else 1


def _check_recurrence(every: str, time_zone: str, seconds: float) -> None:
    from neural.monitoring.alerts import LONGEST_SECONDS, parse_recurrence, zone

    try:
        parse_recurrence(every)
        zone(time_zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if seconds > LONGEST_SECONDS:
        raise click.BadParameter("one opening lasts a week at most", param_hint="--for")


def _put(storage_path: Path, made: Silence) -> None:
    store = open_store(existing_folder(storage_path))
    try:
        store.put_silence(made)
    finally:
        store.close()


def _post(source: SidecarSource, made: Silence) -> dict[str, Any]:
    try:
        body = {
            "matchers": dict(made.matchers),
            "seconds": made.ends_at - made.starts_at,
            "author": made.author,
            "reason": made.reason,
        }
        if made.every:
            body |= {
                "seconds": made.lasts,
                "every": made.every,
                "time_zone": made.time_zone,
                "ends_in_seconds": made.ends_at - made.starts_at,
            }
        answer: dict[str, Any] = source.request("POST", "/api/v1/silences", json=body)
        return answer
    finally:
        source.close()
