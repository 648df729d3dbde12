"""Applications as users write them, for the servers of test_real_servers.py. They run in an environment of their own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from neural.capture import CaptureMiddleware


async def predict(request):
    body = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    rows = json.loads(body)["instances"]
    return JSONResponse({"predictions": [float(len(row)) for row in rows]})


async def events(request):
    """Server-sent events."""

    async def stream():
        for i in range(5):
            yield f"data: {i}\n\n"
            await asyncio.sleep(0.02)

    return StreamingResponse(stream(), media_type="text/event-stream")


async def endless(request):
    async def stream():
        while True:
            yield b"tick\n"
            await asyncio.sleep(0.01)

    return StreamingResponse(stream())


async def stubborn(request):
    """Does not let itself be interrupted: ends its response as if the client were still there."""

    async def stream():
        with contextlib.suppress(asyncio.CancelledError):
            async for chunk in (await endless(request)).body_iterator:
                yield chunk

    return StreamingResponse(stream())


async def upload(request):
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
    except ClientDisconnect:
        return Response(status_code=400)
    return JSONResponse({"size": size})


async def nothing(request):
    return Response(status_code=204)


async def broken(request):
    raise RuntimeError("boom")


async def large(request):
    return JSONResponse({"words": ["neural"] * 5000})


async def state(request):
    return JSONResponse({"model": request.state.model})


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text.upper())


@contextlib.asynccontextmanager
async def lifespan(app):
    yield {"model": "loaded"}


plain = Starlette(
    routes=[
        Route("/v1/models/fraud:predict", predict, methods=["POST"]),
        Route("/events", events),
        Route("/endless", endless),
        Route("/stubborn", stubborn),
        Route("/upload", upload, methods=["POST"]),
        Route("/nothing", nothing, methods=["GET", "DELETE"]),
        Route("/broken", broken),
        Route("/large", large),
        Route("/state", state),
        Route("/healthz", nothing),
        WebSocketRoute("/echo", echo),
    ],
    middleware=[Middleware(GZipMiddleware, minimum_size=1000)],
    lifespan=lifespan,
)
"""Knows nothing of capture."""

wrapped = CaptureMiddleware(plain)


class Row(BaseModel):
    amount: float
    country: str


fast = FastAPI()
fast.add_middleware(CaptureMiddleware, model="fraud", version="7")


@fast.middleware("http")  # Starlette's BaseHTTPMiddleware, which takes receive and send into its own hands
async def timed(request, call_next):
    response = await call_next(request)
    response.headers["x-timed"] = "yes"
    return response


@fast.post("/predict")
def score(row: Row) -> dict[str, object]:  # a plain function: FastAPI runs it on a thread
    if row.amount < 0:
        raise HTTPException(409, "negative")
    return {"label": "fraud" if row.amount > 100 else "fine", "probability": 0.75}
