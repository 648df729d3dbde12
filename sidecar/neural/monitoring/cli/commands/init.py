"""``neural monitor init``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from neural.monitoring.cli.configuration import CONFIG_FILE
from neural.monitoring.cli.reading import format_option, storage_option
from neural.monitoring.cli.template import InitOptions, config_text, listen_address
from neural.monitoring.errors import NeuralError

_EPILOG = """\b
Examples:
  neural monitor init --model-name fraud --model-version 3 --enable-slo
  neural monitor init --enable-alerting --slack-webhook https://hooks.slack.com/services/…
  neural monitor run
"""


@click.command(epilog=_EPILOG)
@click.option("--model-name", default="default", show_default=True, help="Model name.")
@click.option("--model-version", default="1.0", show_default=True, help="Model version.")
@storage_option
@click.option("--enable-prometheus", is_flag=True, help="Enable Prometheus metrics.")
@click.option("--enable-alerting", is_flag=True, help="Enable alerting.")
@click.option("--enable-slo", is_flag=True, help="Enable SLO tracking.")
@click.option("--slack-webhook", metavar="URL", help="Slack webhook URL.")
@click.option("--email-smtp", metavar="HOST[:PORT]", help="SMTP server.")
@click.option("--email-user", help="Email username.")
@click.option("--email-to", multiple=True, metavar="ADDRESS", help="Email recipients (repeat for several).")
@click.option(
    "--output",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Where to write.  [default: {CONFIG_FILE} in the storage path]",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@format_option
def init(
    model_name: str,
    model_version: str,
    storage_path: Path,
    enable_prometheus: bool,
    enable_alerting: bool,
    enable_slo: bool,
    slack_webhook: str | None,
    email_smtp: str | None,
    email_user: str | None,
    email_to: tuple[str, ...],
    target: Path | None,
    force: bool,
    output: str,
) -> int:
    """Write a commented configuration file that `neural monitor run` starts at once. Asks nothing."""
    if email_smtp and not (email_user or email_to):
        raise click.UsageError("--email-smtp needs --email-to (or --email-user)")
    options = InitOptions(
        model_name,
        model_version,
        storage_path,
        prometheus=enable_prometheus,
        alerting=enable_alerting or bool(slack_webhook or email_smtp),
        slo=enable_slo,
        slack_webhook=slack_webhook,
        email_smtp=email_smtp,
        email_user=email_user,
        email_to=email_to,
        apart=target is not None,
    )
    file = target or storage_path / CONFIG_FILE
    _write(file, config_text(options), force=force, private=options.has_secrets)
    start = f"neural monitor run --config {file}" if target else f"neural monitor run --storage-path {storage_path}"
    endpoint = listen_address(storage_path)
    if output == "json":
        answer = {"status": "ok", "config": str(file), "storage_path": str(storage_path), "next": start, "endpoint": endpoint}
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(f"Wrote {file}\nNext:  {start}\nand start your model server with NEURAL_CAPTURE_ENDPOINT={endpoint}")
    return 0


def _write(file: Path, text: str, *, force: bool, private: bool) -> None:
    """A new file, never over an old one without ``force``; with a secret inside, readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(file, flags, 0o600 if private else 0o644)
    except FileExistsError:
        raise NeuralError(f"{file} exists: --force overwrites it, --output writes elsewhere") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        if private:
            file.chmod(0o600)
        handle.write(text)
