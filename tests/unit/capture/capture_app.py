"""An application with a route for every kind of answer, and ways to call it."""

from __future__ import annotations

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def predict(request: Request) -> Response:
    body = await request.body()
    return JSONResponse({"size": len(body)}, status_code=int(request.query_params.get("status", "200")))


async def stream(request: Request) -> Response:
    async def chunks():
        for i in range(3):
            yield f"data: {i}\n\n"

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def explode(request: Request) -> Response:
    raise RuntimeError("boom")


async def empty(request: Request) -> Response:
    return Response(status_code=204)


async def own_id(request: Request) -> Response:
    return Response(b"x", headers={"X-Prediction-Id": "mine"})


class TestClient:
    """Requests against an application in process, one event loop each."""

    __test__ = False

    def __init__(self, app):
        self.app = app

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def request(self, method, path, **kwargs):
        async def send():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://test") as client:
                return await client.request(method, path, **kwargs)

        return asyncio.run(send())

    def get(self, path, **kwargs):
        return self.request("GET", path, **kwargs)

    def head(self, path, **kwargs):
        return self.request("HEAD", path, **kwargs)

    def post(self, path, **kwargs):
        return self.request("POST", path, **kwargs)


async def echo(websocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


APP = Starlette(
    routes=[
        Route("/predict", predict, methods=["POST"]),
        Route("/stream", stream),
        Route("/explode", explode),
        Route("/empty", empty),
        Route("/own-id", own_id),
        Route("/health", empty),
        WebSocketRoute("/ws", echo),
    ]
)


async def call(app, *, body=(b"",), scope=None, after=None):
    """One request by hand. Returns the messages the application sent; ``after`` is what receive gives once the body is over."""
    queue = [{"type": "http.request", "body": part, "more_body": i < len(body) - 1} for i, part in enumerate(body)]
    sent = []

    async def receive():
        if queue:
            return queue.pop(0)
        if after is None:
            await asyncio.Event().wait()
        return after

    async def send(message):
        sent.append(message)

    base = {"type": "http", "method": "POST", "path": "/predict", "headers": [], "query_string": b""}
    await app({**base, **(scope or {})}, receive, send)
    return sent
