"""``neural monitor config``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from neural.monitoring.cli.configuration import load_configuration
from neural.monitoring.cli.entry import FAILED, FINDINGS, WELL
from neural.monitoring.cli.reading import format_option, storage_option


def _file_argument(command: click.decorators.FC) -> click.decorators.FC:
    return click.argument("file", type=click.Path(path_type=Path), required=False)(command)


@click.group()
def config() -> None:
    """Check, show or document the configuration."""


@config.command(epilog="\b\nExample:\n  neural monitor config check neural-monitor.yaml\n")
@_file_argument
@storage_option
@format_option
def check(file: Path | None, storage_path: Path, output: str) -> int:
    """Is FILE right? Names every mistake with its line. With state in the storage path, thresholds are held against its traffic.

    Exit code 0 when nothing was found, 1 for warnings (it works, and probably not as meant), 2 when it can't work.
    """
    settings = load_configuration(file, storage_path)
    from neural.monitoring.cli.findings import found_in

    found = found_in(settings, storage_path)
    if output == "json":
        click.echo(json.dumps({"status": "findings" if found else "ok", "findings": found}, indent=2, ensure_ascii=False))
    for one in found if output == "text" else ():
        click.echo(one["text"])
    if output == "text" and not found:
        click.echo(f"{file or storage_path}: nothing to object to")
    if any(one["weight"] == "error" for one in found):
        return FAILED
    return FINDINGS if found else WELL


@config.command()
@_file_argument
@storage_option
@format_option
def show(file: Path | None, storage_path: Path, output: str) -> int:
    """The settings in force: FILE with every default filled in. Secrets are not shown."""
    document = load_configuration(file, storage_path).model_dump(mode="json")
    if output == "json":
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return WELL
    import yaml

    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
    return WELL


@config.command()
def schema() -> int:
    """The JSON Schema of the file, for editors."""
    from neural.monitoring.settings import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return WELL


@config.command()
def full() -> int:
    """A file with every key, its default and what it is for."""
    from neural.monitoring.settings import full_yaml

    click.echo(full_yaml(), nl=False)
    return WELL
