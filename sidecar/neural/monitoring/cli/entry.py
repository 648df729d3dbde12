"""The way in: what to run, what to say when it fails, and with which exit code to end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from neural.monitoring.cli.lazy import LazyGroup
from neural.monitoring.errors import NeuralError

WELL, FINDINGS, FAILED, INTERRUPTED = 0, 1, 2, 130
_COMMANDS = "neural.monitoring.cli.commands"
_HELP = """Monitor a model server: drift, quality, performance, SLOs, alerts.

\b
Exit codes: 0 all is well · 1 something was found (drift, an alert firing, an objective missed …)
            2 wrong usage, or the question could not be answered
"""
_EPILOG = """\b
Examples:
  neural monitor demo                              see it work, on real flights
  neural monitor init --model-name fraud           write monitoring_data/neural-monitor.yaml
  neural monitor run                               start the sidecar with that file
  neural monitor status                            is it well?
  neural monitor drift --format json | jq .current
"""


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        from neural.capture.version import __version__  # loads the whole of capture: a probe does without

        click.echo(f"neural-monitoring, version {__version__}")
        context.exit()


def _lazy(name: str, attribute: str, text: str) -> tuple[str, str, str]:
    return (f"{_COMMANDS}.{name}", attribute, text)


monitor = LazyGroup(
    "monitor",
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    lazy={
        "demo": _lazy("demo", "demo", "See the main job on real flights, with three incidents"),
        "init": _lazy("init", "init", "Write a configuration file to start from"),
        "run": _lazy("run", "run", "Run the sidecar"),
        "status": _lazy("status", "status", "Everything on one page"),
        "drift": _lazy("drift", "drift", "Has the data drifted, which features, and why"),
        "quality": _lazy("quality", "quality", "Is the data sound"),
        "performance": _lazy("performance", "performance", "How good the model is, as far as labels are known"),
        "alerts": _lazy("alerts", "alerts", "What fired; silence it, test a channel"),
        "slo": _lazy("slo", "slo", "Objectives, error budgets and burn rates"),
        "capture": _lazy("capture", "capture", "Where every request went: the loss ledger"),
        "health": _lazy("health", "health", "One word and the reasons; fits an exec probe"),
        "report": _lazy("report", "report", "One self-contained HTML file for stakeholders"),
        "dashboard": _lazy("dashboard", "dashboard", "Serve the dashboard over stored data"),
        "prometheus": _lazy("prometheus", "prometheus", "Serve /metrics over stored data"),
        "labels": _lazy("labels", "labels", "Hand in true outcomes"),
        "config": _lazy("config", "config", "Check, show or document the configuration"),
        "reference": _lazy("reference", "reference", "What reference data says of the features, as YAML to review"),
        "schema": _lazy("schema", "schema", "The JSON Schema of a command's JSON"),
        "rules": _lazy("rules", "rules", "Rules for Prometheus, and the predefined alert rules"),
        "backtest": _lazy("backtest", "backtest", "What a configuration would have sent"),
        "analyze": _lazy("analyze", "analyze", "What a prediction log holds, whole or a part of it"),
        "completion": _lazy("completion", "completion", "Print the shell completion script"),
    },
)
neural = click.Group(
    "neural",
    help="Neural: monitoring for model servers.",
    commands={"monitor": monitor},
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in (neural, monitor):
    click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version.")(
        _group
    )


def main() -> int:
    """``neural monitor …``; returns the exit code."""
    return run(neural, "neural")


def monitor_main() -> int:
    """``neural-monitor …``; returns the exit code."""
    return run(monitor, "neural-monitor")


def run(group: click.Group, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run a command. What goes wrong on purpose is one line on stderr; a bug keeps its traceback."""
    try:
        code = group.main(args=None if arguments is None else list(arguments), prog_name=name, standalone_mode=False)
        return code if isinstance(code, int) else WELL
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return FAILED
    except click.ClickException as error:
        error.show()
        return FAILED
    except NeuralError as error:
        click.echo(f"{name}: {error}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader (head, a pager) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WELL
    except OSError as error:
        click.echo(f"{name}: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        return FAILED
