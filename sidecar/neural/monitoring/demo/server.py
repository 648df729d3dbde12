"""The demo's model server: Starlette under uvicorn, speaking Open Inference V2 and KServe V1.

It knows nothing of monitoring but the one line that wraps it in ``CaptureMiddleware``. Run as
``python -m neural.monitoring.demo.server --port 8080 --endpoint unix:///tmp/capture.sock --reference reference.parquet``.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from neural.capture import CaptureMiddleware
from neural.monitoring.demo.data import CATEGORICAL, FEATURES, NUMERIC, Flights, load_flights, split_flights
from neural.monitoring.demo.model import FlightModel, train_model
from neural.monitoring.demo.reference import write_reference

MODEL_NAME, MODEL_VERSION = "flights", "1"
DECISION_THRESHOLD = 0.5
WARM_UP_PREDICTIONS = 20


class Dependency:
    """A service the model server calls on every request (think of a feature store). The demo's second incident makes it slow."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0

    async def call(self) -> None:
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)


class FlightServer:
    """The handlers. ``model`` is trained before the server starts."""

    def __init__(self, model: FlightModel) -> None:
        self.model = model
        self.dependency = Dependency()

    async def infer_v2(self, request: Request) -> Response:
        body = await request.json()
        columns = {tensor["name"]: _tensor(tensor) for tensor in body["inputs"]}
        late = await self._predict(columns)
        outputs = [
            {
                "name": "label",
                "datatype": "INT64",
                "shape": [len(late)],
                "data": (late > DECISION_THRESHOLD).astype(int).tolist(),
            },
            {"name": "probability", "datatype": "FP64", "shape": [len(late)], "data": late.round(6).tolist()},
        ]
        reply = {"model_name": MODEL_NAME, "model_version": MODEL_VERSION, "outputs": outputs}
        return JSONResponse(reply | ({"id": body["id"]} if "id" in body else {}))

    async def predict_v1(self, request: Request) -> Response:
        instances = (await request.json())["instances"]
        columns = {name: _column(name, [row[name] for row in instances]) for name in FEATURES}
        late = await self._predict(columns)
        predictions = [{"label": int(p > DECISION_THRESHOLD), "probability": round(float(p), 6)} for p in late]
        return JSONResponse({"predictions": predictions})

    async def _predict(self, columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        await self.dependency.call()
        return await run_in_threadpool(self.model.probability, columns)

    async def set_dependency(self, request: Request) -> Response:
        self.dependency.delay_seconds = float((await request.json())["delay_seconds"])
        return Response(status_code=204)

    def routes(self) -> list[Route]:
        base = f"/v2/models/{MODEL_NAME}"
        return [
            Route("/v2/health/ready", _ready),
            Route(f"{base}/infer", self.infer_v2, methods=["POST"]),
            Route(f"/v1/models/{MODEL_NAME}:predict", self.predict_v1, methods=["POST"]),
            Route("/dependency", self.set_dependency, methods=["POST"]),
        ]


async def _missing_feature(_: Request, error: Exception) -> Response:
    """What model servers answer when a request breaks them."""
    return JSONResponse({"error": f"missing feature {error}"}, status_code=500)


async def _ready(_: Request) -> Response:
    return JSONResponse({"ready": True})


def _tensor(tensor: dict[str, Any]) -> NDArray[Any]:
    return _column(tensor["name"], tensor["data"])


def _column(name: str, values: list[Any]) -> NDArray[Any]:
    if name in CATEGORICAL:
        return np.asarray(values, dtype=object)
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)


def build_app(model: FlightModel, endpoint: str) -> CaptureMiddleware:
    """The server as its owner wrote it, and the one line that makes it monitored."""
    app = Starlette(routes=FlightServer(model).routes(), exception_handlers={KeyError: _missing_feature})
    return CaptureMiddleware(
        app, model=MODEL_NAME, version=MODEL_VERSION, endpoint=endpoint, exclude=["/v2/health/ready", "/dependency"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--endpoint", required=True, help="where the sidecar listens")
    parser.add_argument(
        "--reference", type=Path, required=True, help="write the reference rows and the model's answers to this Parquet file"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    split = split_flights(load_flights(), options.seed)
    model = train_model(split.train, options.seed)
    write_reference(options.reference, split.reference, model.probability(split.reference.columns), DECISION_THRESHOLD)
    _warm_up(model, split.train)
    del split
    uvicorn.run(
        build_app(model, options.endpoint),
        host="127.0.0.1",
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
    )


def _warm_up(model: FlightModel, flights: Flights) -> None:
    """A model's first predictions are slow; servers make them before they call themselves ready."""
    for size in range(1, WARM_UP_PREDICTIONS + 1):
        model.probability(flights.take(np.arange(size)).columns)


if __name__ == "__main__":
    main()


__all__ = ["MODEL_NAME", "MODEL_VERSION", "NUMERIC", "FlightServer", "build_app", "main"]
