"""Bearer tokens before a door that strangers can reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from neural.monitoring.ingest import is_allowed


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """Lets requests with one of the tokens through to ``app``; answers others 401. Compares in constant time."""

    app: ASGIApp
    tokens: Sequence[SecretStr]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_allowed(Headers(scope=scope).get("authorization", ""), self.tokens):
            reply = JSONResponse({"error": "unauthorized"}, 401, {"www-authenticate": "Bearer"})
            await reply(scope, receive, send)
            return
        await self.app(scope, receive, send)
