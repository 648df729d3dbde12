"""Request bodies: JSON only, bounded in size."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request

from neural.monitoring.api.problems import Problem


async def read_json(request: Request, max_bytes: int) -> Any:
    """The body. Raises Problem 400 (no JSON), 413 (too large) or 415 (not declared as JSON)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "send JSON: Content-Type: application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise Problem(413, f"the body is larger than {max_bytes} bytes")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is no JSON: {error}") from None
