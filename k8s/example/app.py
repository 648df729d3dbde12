"""A model server small enough to read: logistic scores over three numbers, with the middleware around it.

It runs in the sidecar's own image, which has Starlette and uvicorn: ``uvicorn app:app --port 8080``.
"""

from __future__ import annotations

import math

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from neural.capture import CaptureMiddleware

WEIGHTS = {"income": 0.8, "debt": -1.2, "years": 0.3}


def score(row: dict[str, float]) -> float:
    return 1 / (1 + math.exp(-sum(weight * float(row[name]) for name, weight in WEIGHTS.items())))


async def predict(request: Request) -> JSONResponse:
    body = await request.json()
    return JSONResponse({"predictions": [score(row) for row in body["instances"]]})


async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "alive"})


app = CaptureMiddleware(
    Starlette(routes=[Route("/v1/models/my-model:predict", predict, methods=["POST"]), Route("/health", health)])
)
