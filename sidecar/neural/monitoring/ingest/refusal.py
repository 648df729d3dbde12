"""Why a request to the ingest endpoints was not accepted."""

from __future__ import annotations


class Refused(Exception):
    """``status`` is the HTTP reply, ``reason`` one stable word for counters. ``retry_after_seconds`` > 0: the same bytes may be sent again."""

    def __init__(self, status: int, reason: str, detail: str = "", *, retry_after_seconds: int = 0) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.status, self.reason, self.detail, self.retry_after_seconds = status, reason, detail, retry_after_seconds
