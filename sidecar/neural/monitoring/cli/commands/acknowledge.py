"""``neural monitor alerts ack``."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from neural.monitoring.cli.reading import format_option, sidecar_options, storage_option
from neural.monitoring.cli.source import SidecarSource, existing_folder
from neural.monitoring.clock import system_clock
from neural.monitoring.errors import NeuralError
from neural.monitoring.store import open_store

_FIRING = ("firing", "suppressed")


@click.command(epilog='\b\nExample:\n  neural monitor alerts ack "Data drift" --note "the new sensor; looking at it"\n')
@click.argument("alert")
@click.option("--author", default=getpass.getuser, show_default="you", help="Who has it.")
@click.option("--note", default="", help="A word for the colleagues.")
@storage_option
@sidecar_options
@format_option
def ack(alert: str, author: str, note: str, storage_path: Path, sidecar: str | None, token: str, output: str) -> int:
    """Say that you have ALERT: no more reminders until it is over.

    ALERT is an alert's id, the beginning of one, or the name of a rule that fires.
    """
    answer = _in_folder(storage_path, alert, author, note) if sidecar is None else _over(sidecar, token, alert, author, note)
    text = f"{answer['title']}: {answer['acknowledged_by']} has it ({answer['alert_id']})"
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if output == "json" else text)
    return 0


def _in_folder(folder: Path, alert: str, author: str, note: str) -> dict[str, Any]:
    from neural.monitoring.alerts import acknowledge, open_alerts
    from neural.monitoring.views import alert_dict

    store = open_store(existing_folder(folder))
    try:
        found = _the_one(alert, [alert_dict(row) for row in open_alerts(store, alert)])
        return alert_dict(acknowledge(store, found, author=author, note=note, now=system_clock()))
    finally:
        store.close()


def _over(sidecar: str, token: str, alert: str, author: str, note: str) -> dict[str, Any]:
    source = SidecarSource(sidecar, token)
    try:
        rows = [one for one in source.ask("alerts", {})["alerts"] if one["state"] in _FIRING]
        meant = [one for one in rows if one["alert_id"] == alert] or [
            one for one in rows if one["rule"] == alert or one["alert_id"].startswith(alert)
        ]
        path = f"/api/v1/alerts/{quote(_the_one(alert, meant), safe='')}/acknowledge"
        answer: dict[str, Any] = source.request("POST", path, json={"author": author, "note": note})
        return answer
    finally:
        source.close()


def _the_one(wanted: str, found: list[Mapping[str, Any]]) -> str:
    """The id of the only alert meant. Raises NeuralError when there is none, or more than one."""
    if not found:
        raise NeuralError(f"no alert {wanted!r} is firing: see neural monitor alerts")
    if len(found) > 1:
        ids = ", ".join(str(one["alert_id"]) for one in found[:5])
        raise NeuralError(f"{wanted!r} means {len(found)} firing alerts: give an id ({ids})")
    return str(found[0]["alert_id"])
