"""Errors as RFC 9457 problem documents: one shape for every mistake."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):
    """What went wrong with a request. ``detail`` is one sentence that says how to mend it."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers, self.more = status, detail, dict(headers or {}), more

    def document(self, request_id: str) -> dict[str, Any]:
        """type, title, status, detail, request_id, and what else is known."""
        title = HTTPStatus(self.status).phrase
        return {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
            **self.more,
        }
