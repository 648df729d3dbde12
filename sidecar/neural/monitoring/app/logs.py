"""What the sidecar says about itself, on standard error: text for people, JSON for log collectors."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from neural.monitoring.settings import LogSettings

_QUIET = ("uvicorn.error", "uvicorn.access", "httpx", "httpcore", "opentelemetry", "watchfiles")
"""Libraries that talk about every connection or every file: warnings only."""


def set_up_logging(settings: LogSettings) -> None:
    """Replace the root logger's handlers."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter() if settings.format == "json" else TextFormatter())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


class TextFormatter(logging.Formatter):
    """``2026-01-31 12:00:00Z INFO engine: message``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(short)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        record.short = record.name.removeprefix("neural.monitoring.").removeprefix("neural.")
        return super().format(record)


class JSONFormatter(logging.Formatter):
    """One object a line: time (Unix seconds), level, logger, message, and what the record carries as ``alert``."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        alert = getattr(record, "alert", None)
        if alert is not None:
            body["alert"] = alert
        if record.exc_info:
            body["exception"] = self.formatException(record.exc_info)
        return json.dumps(body, default=str)
