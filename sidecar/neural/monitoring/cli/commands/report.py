"""``neural monitor report``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from neural.monitoring.cli.reading import Reading, reading_options
from neural.monitoring.cli.source import Answer

_EPILOG = """\b
Examples:
  neural monitor report --html --output report.html
  neural monitor report --html --sidecar http://localhost:8052 > report.html
"""


@click.command(epilog=_EPILOG)
@reading_options(formats=("html", "json"))
@click.option("--html", "as_html", is_flag=True, help="Write HTML (the default).")
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    help="Where to write.  [default: stdout]",
)
@click.option(
    "--hours", type=click.FloatRange(min=0, min_open=True), default=168.0, show_default=True, help="How far back alerts go."
)
def report(reading: Reading, as_html: bool, target: Path, hours: float) -> int:
    """One self-contained HTML file that a stakeholder can read: no script, nothing loaded from anywhere."""
    if reading.watch is not None:
        raise click.UsageError("a report is written once: without --watch")
    from neural.monitoring.reports.stakeholder import questions, report_html

    asked = questions(model=reading.model, version=reading.version, at=reading.at, hours=hours)
    source = reading.source()
    try:
        answers: dict[str, Answer] = {name: source.ask(name, wanted) for name, wanted in asked.items()}
    finally:
        source.close()
    if reading.output == "json" and not as_html:
        text = json.dumps(answers, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    else:
        text = report_html(answers)
    if str(target) == "-":
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")
        click.echo(f"Wrote {target}", err=True)
    return 2 if source.missing else 0
