"""Bearer tokens before a door that strangers can reach."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX = "Bearer "


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """Lets requests with one of the tokens through to ``app``; answers others 401. Compares in constant time."""

    app: ASGIApp
    tokens: Sequence[SecretStr]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._allowed(Headers(scope=scope).get("authorization", "")):
            reply = JSONResponse({"error": "unauthorized"}, 401, {"www-authenticate": "Bearer"})
            await reply(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _allowed(self, header: str) -> bool:
        given = header.removeprefix(_PREFIX).encode() if header.startswith(_PREFIX) else b""
        # Every token is compared, so that the time taken does not tell which one came close.
        matches = [hmac.compare_digest(given, token.get_secret_value().encode()) for token in self.tokens]
        return any(matches)
