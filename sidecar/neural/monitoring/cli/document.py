"""Writes docs/cli.md out of the commands themselves: ``python -m neural.monitoring.cli.document docs/cli.md``."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from neural.monitoring.cli.entry import monitor

_HEAD = """\
# The command line

Written by `python -m neural.monitoring.cli.document docs/cli.md` from the commands themselves. `neural-monitor …` is the same as
`neural monitor …`, for hosts where another `neural` exists.

- **Exit codes**: 0 all is well; 1 something was found (drift, an alert firing, an objective missed …); 2 wrong usage, or the
  question could not be answered. An existing storage path without data answers `no_data` with 0 (`health`: 1); a missing one with 2.
- **JSON** (`--format json`) is one document on standard output, the same as the HTTP API's; `neural monitor schema COMMAND` prints
  its JSON Schema. Errors are one line on standard error.
- **Text** has colours and sparklines on a terminal and neither in a pipe; `NO_COLOR` is honoured.
- **Environment**: `NEURAL_MONITOR_STORAGE_PATH`, `NEURAL_MONITOR_CONFIG`, `NEURAL_MONITOR_SIDECAR`, `NEURAL_MONITOR_TOKEN` stand for
  the options of those names.
"""


def document() -> str:
    """The text of docs/cli.md."""
    context = click.Context(monitor, info_name="neural monitor")
    return _HEAD + "".join(_command(monitor, name, context, 2) for name in monitor.list_commands(context))


def _command(group: click.Group, name: str, above: click.Context, level: int) -> str:
    command = group.get_command(above, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=above)
    parts = [f"\n{'#' * level} `{context.command_path}`\n", _prose(command.help), _options(command, context)]
    if command.epilog:
        parts.append(f"\n```text\n{_prose(command.epilog).strip()}\n```\n")
    if isinstance(command, click.Group):
        parts += [_command(command, one, context, level + 1) for one in command.list_commands(context)]
    return "".join(parts)


def _prose(text: str | None) -> str:
    plain = inspect.cleandoc(text or "").replace("\b\n", "").replace("\b", "")
    return f"\n{plain.strip()}\n" if plain.strip() else ""


def _options(command: click.Command, context: click.Context) -> str:
    rows = list(_rows(command, context))
    return "\n| | |\n|---|---|\n" + "".join(f"| `{name}` | {text} |\n" for name, text in rows) if rows else ""


def _rows(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield parameter.make_metavar(context), "required" if parameter.required else "optional"
        elif isinstance(parameter, click.Option):
            record = parameter.get_help_record(context)
            if record is not None:
                yield record[0].replace("|", "\\|"), record[1].replace("|", "\\|")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
