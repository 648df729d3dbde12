"""``neural monitor slo``."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from neural.monitoring.cli.configuration import load_configuration
from neural.monitoring.cli.moments import Moment
from neural.monitoring.cli.reading import Reading, reading_options, storage_option
from neural.monitoring.errors import DataError, NeuralError

_EPILOG = """\b
Examples:
  neural monitor slo
  neural monitor slo --name fast --format json
  neural monitor slo --report --from 2026-10-01 --to 2026-11-01 --format markdown
  neural monitor slo --report --from 30d --format html > sla.html
  neural monitor slo --report --sidecar http://localhost:8052 --format csv
"""
REPORT_FORMATS = ("text", "json", "markdown", "html", "csv")


@click.group(invoke_without_command=True, epilog=_EPILOG)
@reading_options(formats=REPORT_FORMATS)
@click.option("--name", help="Specific SLO name.")
@click.option("--report", is_flag=True, help="An SLA report: month by month, with every breach.")
@click.option(
    "--from", "start", type=Moment(), default="30d", show_default=True, help="The report's begin: 7d (ago), 2026-11-01."
)
@click.option("--to", "end", type=Moment(), default="0s", show_default="now", help="The report's end.")
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="NEURAL_MONITOR_CONFIG", help="The configuration with the objectives."
)
def slo(reading: Reading, name: str | None, report: bool, start: float, end: float, config: Path | None) -> int:
    """Objectives: compliance, error budget left, burn rates.

    Exit code 1 when one is breached, or burns its budget fast enough to alert. Markdown, HTML and CSV are for --report.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return 0
    if report:
        return _report(reading, name, start, end, config)
    if reading.output not in {"text", "json"}:
        raise click.UsageError(f"--format {reading.output} is for --report")
    from neural.monitoring.cli.render.slo import render_slo

    def found(answer: dict[str, Any]) -> bool:
        if answer["status"] == "unknown_slo":
            raise NeuralError(_unknown(name or "", list(answer["known"])))
        return any(one["status"] in {"breached", "at_risk"} for one in answer["slos"].values())

    return reading.show("slo", render_slo, found, wanted={"name": name})


@slo.command("export", epilog="\b\nExample:\n  neural monitor slo export --config neural-monitor.yaml > slos.yaml\n")
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="NEURAL_MONITOR_CONFIG", help="The configuration with the objectives."
)
@storage_option
@click.option("--service", default="", help="The service's name; without it the model's.")
def export_slos(config: Path | None, storage_path: Path, service: str) -> int:
    """The objectives as OpenSLO v1 documents."""
    settings = load_configuration(config, storage_path)
    from neural.monitoring.slo import export_openslo

    click.echo(export_openslo(settings.slos, service=service or settings.model.name), nl=False)
    return 0


@slo.command("import", epilog="\b\nExample:\n  neural monitor slo import slos.yaml >> neural-monitor.yaml\n")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))
def import_slos(file: Path) -> int:
    """The objectives of OpenSLO v1 documents as the `slos:` part of a configuration."""
    import yaml

    from neural.monitoring.slo import import_openslo

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: {error}") from None
    found = [one.model_dump(mode="json", exclude_defaults=True) for one in import_openslo(text)]
    click.echo(yaml.safe_dump({"slos": found}, sort_keys=False, allow_unicode=True), nl=False)
    return 0


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"no objective named {name!r}{f' (did you mean {near[0]}?)' if near else ''}"


def _report(reading: Reading, name: str | None, start: float, end: float, config: Path | None) -> int:
    if reading.watch is not None or reading.at is not None:
        raise click.UsageError("a report has its time: --from and --to, without --watch and --at")
    if start >= end:
        raise click.UsageError("--from must be before --to")
    from neural.monitoring.cli.render.sla import print_reports
    from neural.monitoring.cli.sla import asked_reports, stored_reports
    from neural.monitoring.reports import sla
    from neural.monitoring.reports.words import printable

    if reading.sidecar:
        reports = asked_reports(reading.sidecar, reading.token, name, start, end)
    else:
        reports = stored_reports(reading.storage_path, config, name, start, end)
    if reading.output == "text":
        reading.print_text(lambda console: print_reports(console, printable(reports)))
    elif reading.output == "json":
        click.echo(json.dumps({"status": "ok", "reports": reports}, indent=2, ensure_ascii=False, allow_nan=False))
    elif reading.output == "markdown":
        click.echo(sla.markdown(printable(reports)))
    elif reading.output == "csv":
        click.echo(sla.csv_text(reports), nl=False)
    else:
        click.echo(sla.sla_html(reports, start, end), nl=False)
    return 1 if any(one["is_meeting"] is False for one in reports) else 0
