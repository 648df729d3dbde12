"""The commented YAML that ``init`` writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

_SOCKET = "capture.sock"
_MOST_SOCKET_BYTES = 107  # sun_path of Linux, without its closing zero
_TCP = "tcp://127.0.0.1:4319"

_SLOS = """\
slos:
  - {name: available, type: availability, target: 99.9%, window: 28d}
  - {name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}
  - {name: right, type: accuracy, target: 95%, window: 24h}
  - {name: errors, type: error_rate, threshold: 1%, window: 24h}
"""
_NO_SLOS = """\
# Objectives and their error budgets:
# slos:
#   - {name: fast, type: latency, threshold: 100ms, target: 99%, window: 28d}
"""
_ALERTS = """\
# Rules for drift, poor data quality, failing accuracy, slow answers and burning budgets come predefined.
alerts:
  - name: High Error Rate
    when: error_rate > 0.05
    for: 5m
    severity: critical
    cooldown: 10m
    message: "Error rate is {error_rate:.2%}"
"""
_NO_ALERTS = """\
# Rules of your own, beside the predefined ones (drift, data quality, accuracy, latency, error budgets):
# alerts:
#   - {name: High Error Rate, when: error_rate > 0.05, for: 5m, severity: critical}
"""


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What ``init`` was told. State goes to ``storage_path``; ``apart`` when the file is written elsewhere."""

    model_name: str
    model_version: str
    storage_path: Path
    prometheus: bool = False
    alerting: bool = False
    slo: bool = False
    slack_webhook: str | None = None
    email_smtp: str | None = None
    email_user: str | None = None
    email_to: tuple[str, ...] = ()
    apart: bool = False

    @property
    def has_secrets(self) -> bool:
        return self.slack_webhook is not None


def config_text(options: InitOptions) -> str:
    """The file. Every value that was given is quoted, so that nothing in it is read as YAML or as ${NAME}."""
    template = (resources.files("neural.monitoring.cli") / "templates" / "neural-monitor.yaml").read_text(encoding="utf-8")
    return template.format(
        start="--config THIS_FILE" if options.apart else f"--storage-path {quoted(str(options.storage_path))}",
        state=quoted(str(options.storage_path.absolute())) if options.apart else ".   # this folder",
        name=quoted(options.model_name),
        version=quoted(options.model_version),
        listen=quoted(listen_address(options.storage_path)),
        slos=_SLOS if options.slo else _NO_SLOS,
        alerts=_ALERTS if options.alerting else _NO_ALERTS,
        channels=_channels(options),
        prometheus=str(options.prometheus).lower(),
    )


def quoted(text: str) -> str:
    """A YAML scalar: JSON's quotes, and ``${`` written so that it stays as it is."""
    return json.dumps(text.replace("${", "$${"), ensure_ascii=False)


def listen_address(storage_path: Path) -> str:
    """Where the written file lets the sidecar listen: a socket in the storage path, or TCP where that path is too long for one."""
    socket = str(storage_path.absolute() / _SOCKET)
    return f"unix://{socket}" if len(socket.encode()) <= _MOST_SOCKET_BYTES else _TCP


def _channels(options: InitOptions) -> str:
    if not options.alerting:
        return '# channels:   # where alerts are sent\n#   slack: {webhook: "${SLACK_WEBHOOK}"}\n'
    lines = ["channels:", "  log: {}"]
    if options.slack_webhook:
        lines += ["  slack:", f"    webhook: {quoted(options.slack_webhook)}   # a secret: better as ${{SLACK_WEBHOOK}}"]
    if options.email_smtp:
        lines += ["  email:", *_email(options)]
    return "\n".join(lines) + "\n"


def _email(options: InitOptions) -> list[str]:
    host, _, port = (options.email_smtp or "").partition(":")
    lines = [f"    smtp_server: {quoted(host)}", f"    smtp_port: {port if port.isdigit() else 587}"]
    if options.email_user:
        lines += [
            f"    username: {quoted(options.email_user)}",
            '    password: "${NEURAL_SMTP_PASSWORD:-}"',
        ]
    sender = options.email_user or options.email_to[0]
    to = options.email_to or ((options.email_user,) if options.email_user else ())
    return [*lines, f"    from_addr: {quoted(sender)}", f"    to_addrs: [{', '.join(quoted(address) for address in to)}]"]
