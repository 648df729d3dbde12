"""The log channel: one structured line an alert."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from neural.monitoring.alerts.channels.protocol import DELIVERED, DeliveryResult, Policy
from neural.monitoring.alerts.notification import headline, one_line

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


class LogChannel:
    """Writes to the logger ``neural.alerts``; the record's ``alert`` attribute holds the entry as a dict."""

    kind = "log"

    def __init__(self, name: str = "log", *, logger: logging.Logger | None = None) -> None:
        self.name = name
        self.policy = Policy(group_wait=0.0, group_interval=0.0, grouped=False)
        self._logger = logger or logging.getLogger("neural.alerts")

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        for entry in notification["alerts"]:
            level = logging.INFO if entry["status"] == "resolved" else _LEVELS.get(entry["severity"], logging.WARNING)
            one = {
                **notification,
                "alerts": [entry],
                "status": notification["status"] if notification["status"] == "test" else entry["status"],
            }
            line = one_line(f"{headline(one)}: {entry['message']}")
            facts = {key: entry[key] for key in ("alert_id", "rule", "severity", "status", "model", "version")}
            self._logger.log(level, "%s %s", line, json.dumps(facts, sort_keys=True), extra={"alert": dict(entry)})
        return DELIVERED

    def close(self) -> None:
        """Nothing to close."""
