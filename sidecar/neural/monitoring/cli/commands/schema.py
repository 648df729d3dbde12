"""``neural monitor schema``."""

from __future__ import annotations

import json

import click

_NAMES = {
    "status": "Status", "drift": "Drift", "quality": "Quality", "performance": "Performance", "slo": "SLOs", "alerts": "Alerts",
    "capture": "Capture", "health": "Health",
}  # fmt: skip


@click.command(epilog="\b\nExample:\n  neural monitor schema drift > drift.schema.json\n")
@click.argument("command", type=click.Choice(list(_NAMES)))
def schema(command: str) -> int:
    """The JSON Schema of what COMMAND prints with --format json.

    Keys are only ever added. Without data, "status" is "no_data" and "message" says why.
    """
    from neural.monitoring.api.schemas import SCHEMAS

    definitions = json.loads(json.dumps(dict(SCHEMAS)).replace("#/components/schemas/", "#/$defs/"))
    own = definitions[_NAMES[command]]
    own["properties"]["message"] = {"type": "string"}
    words = own["properties"]["status"]["enum"]
    own["properties"]["status"]["enum"] = sorted({*words, "no_data"})
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"neural monitor {command}",
        **own,
        "$defs": definitions,
    }
    click.echo(json.dumps(document, indent=2))
    return 0
