"""``neural monitor capture``."""

from __future__ import annotations

import click

from neural.monitoring.cli.reading import Reading, reading_options


@click.command(epilog="\b\nExample:\n  neural monitor capture --format json | jq .ledger\n")
@reading_options
def capture(reading: Reading) -> int:
    """Where every request went: the loss ledger, and bodies that could not be decoded.

    Exit code 1 when requests were lost or the ledger does not add up.
    """
    from neural.monitoring.cli.render.capture import render_capture

    return reading.show(
        "ledger", render_capture, lambda answer: bool(answer["ledger"]["lost"]) or not answer["ledger"]["balanced"]
    )
