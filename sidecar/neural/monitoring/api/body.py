"""Request bodies: JSON only, bounded in size."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request

from neural.monitoring.api.problems import Problem

MAX_BODY_BYTES = 64 * 1024


async def read_json(request: Request) -> Any:
    """The body. Raises Problem 400 (no JSON), 413 (too large) or 415 (not declared as JSON)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "send JSON: Content-Type: application/json")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
