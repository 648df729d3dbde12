"""Custom alert rules: conditions of your own, a webhook, cooldowns, and a condition that breaks.

Run it with ``python -m neural.monitoring.examples.custom_alerts``: the webhook's receiver is a server in this process.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from neural.monitoring import AlertChannel, AlertManager, AlertRule, AlertSeverity, create_drift_alert_rule

MAX_BODY_BYTES = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    """Stands for the system that is told."""

    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length", 0)), MAX_BODY_BYTES)
        body = json.loads(self.rfile.read(length))
        print(f"   webhook received: {json.dumps(body)[:110]} …")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Quiet: what matters is printed above."""


def main(arguments: Sequence[str] | None = None) -> None:
    del arguments  # takes none
    logging.basicConfig(level=logging.INFO, format="   log: %(message)s", stream=sys.stdout)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # its own requests are not the story
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            run(f"http://127.0.0.1:{server.server_address[1]}/alerts")
        finally:
            server.shutdown()


def run(webhook_url: str) -> None:
    manager = AlertManager(alert_config={"webhook_url": webhook_url})
    manager.add_rule(
        AlertRule(
            name="High Error Rate",
            condition=lambda data: data.get("error_rate", 0) > 0.05,
            severity=AlertSeverity.CRITICAL,
            channels=[AlertChannel.WEBHOOK, AlertChannel.LOG],
            cooldown_seconds=600,
            message_template="Error rate is {error_rate:.2%}",
        )
    )
    manager.add_rule(
        AlertRule(
            name="Slow and wrong",
            condition=lambda data: data["latency_p95"] > 500 and data["accuracy"] < 0.9,
            severity=AlertSeverity.WARNING,
            channels=[AlertChannel.LOG],
            message_template="p95 is {latency_p95:.0f} ms at an accuracy of {accuracy:.0%}",
        )
    )
    manager.add_rule(
        AlertRule(
            name="Too few decisions",
            condition=lambda data: data["decisions_per_minute"] < 10,
            severity=AlertSeverity.WARNING,
            channels=[AlertChannel.LOG],
        )
    )
    manager.add_rule(create_drift_alert_rule(threshold=0.2))

    usual = {"error_rate": 0.001, "latency_p95": 80.0, "accuracy": 0.95, "drift_score": 0.03, "decisions_per_minute": 50}
    moments = {
        "all is well": usual,
        "errors": {**usual, "error_rate": 0.12},
        "still errors: the cooldown keeps quiet": {**usual, "error_rate": 0.15},
        "slow and wrong, and drifting": {**usual, "latency_p95": 900.0, "accuracy": 0.81, "drift_score": 0.4},
        "the data lacks a key: a condition that raises is itself an alert": {"latency_p95": 80.0},
    }
    for name, data in moments.items():
        print(f"{name}:")
        sent = manager.check_rules(data)
        manager.flush()
        if not sent:
            print("   nothing to tell")
    summary = manager.get_alert_summary(hours=1)
    print(f"{summary['total_alerts']} alerts: {summary['by_severity']}")
    manager.close()


if __name__ == "__main__":
    main()
