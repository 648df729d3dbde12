"""What stands between the network and Dash: known paths only, bounded bodies, and headers that forbid foreign content.

Dash's FastAPI backend compares the whole path with its prefix, while a mounting application hands over a path relative to
``root_path``: the guard makes them agree, so that the dashboard can be mounted anywhere or served alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 256 * 1024  # a callback's body is a URL and a few ids
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Guard:
    """ASGI application around Dash's. ``pages`` are the names whose paths show the index page."""

    def __init__(self, app: ASGIApp, *, prefix: str, pages: Iterable[str], script_hashes: Iterable[str]) -> None:
        self._app, self._prefix = app, prefix
        self._page_paths = {prefix + name for name in pages}
        self._policy = content_policy(script_hashes).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, self._with_headers(scope, send))
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == self._prefix.rstrip("/") != "":
            await RedirectResponse(self._prefix, 307)(scope, receive, send)
            return
        inner = {**scope, "root_path": ""}
        if path in self._page_paths:  # every page is the same document; the browser's path picks the content
            inner |= {"path": self._prefix, "raw_path": self._prefix.encode()}
        body = await _body(receive) if scope["method"] == "POST" else b""
        if body is None:
            await PlainTextResponse("the request's body is too large", 413)(scope, receive, send)
            return
        await self._app(inner, _again(body, receive), send)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        fresh = "/_dash-component-suites/" not in scope["path"] and "/assets/" not in scope["path"]

        async def wrapped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS, (b"content-security-policy", self._policy)]
                if fresh:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        return wrapped


def content_policy(script_hashes: Iterable[str]) -> str:
    """A Content-Security-Policy: everything from this origin. Plotly writes style attributes, pictures are data URIs."""
    scripts = " ".join(["'self'", *script_hashes])
    parts = (
        "default-src 'self'", f"script-src {scripts}", "style-src 'self' 'unsafe-inline'", "img-src 'self' data: blob:",
        "connect-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'",
    )  # fmt: skip
    return "; ".join(parts)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is over the limit."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body as one message, then whatever comes after it (a disconnect)."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def wrapped() -> Message:
        return messages.pop() if messages else await receive()

    return wrapped


async def _lifespan(receive: Receive, send: Send) -> None:
    """Nothing to start or stop. Dash's own handler would add a route to whichever app was made last."""
    while True:
        message: dict[str, Any] = dict(await receive())
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
