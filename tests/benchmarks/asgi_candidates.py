"""Who wraps the application in the benches of the request path: nothing, the least, capture, and its peers where they are installed."""

from __future__ import annotations

import importlib
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from neural.capture import CaptureMiddleware

PATH = "/v1/models/m:predict"
ANSWER = b'{"predictions": [1.0, 2.0, 3.0]}'.ljust(100)


async def predict(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


def bare() -> Any:
    return Starlette(routes=[Route(PATH, predict, methods=["POST"])])


class PassThrough:
    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


class DequeFloor:
    """The least that capture can cost: chunks appended to lists, lists to a deque."""

    def __init__(self, app: Any) -> None:
        self.app, self.kept = app, deque(maxlen=65_536)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received, sent, started = [], [], time.perf_counter_ns()

        async def keep_received() -> Any:
            message = await receive()
            received.append(message.get("body"))
            return message

        async def keep_sent(message: Any) -> None:
            sent.append(message)
            await send(message)

        await self.app(scope, keep_received, keep_sent)
        self.kept.append((started, received, sent))


def _correlation_id() -> Any:
    return importlib.import_module("asgi_correlation_id").CorrelationIdMiddleware(bare())


def _starlette_exporter() -> Any:
    app = bare()
    app.add_middleware(importlib.import_module("starlette_exporter").PrometheusMiddleware)
    return app


def _prometheus_instrumentator() -> Any:
    app = bare()
    importlib.import_module("prometheus_fastapi_instrumentator").Instrumentator().instrument(app)
    return app


def _opentelemetry() -> Any:
    """As ``opentelemetry-instrument`` does it, with spans that are made and thrown away."""
    module = importlib.import_module("opentelemetry.instrumentation.asgi")
    provider = importlib.import_module("opentelemetry.sdk.trace").TracerProvider()
    return module.OpenTelemetryMiddleware(bare(), tracer_provider=provider)


def _sentry() -> Any:
    """With tracing, all of it kept and nothing sent; without its integrations, which would patch the other candidates too."""
    sentry = importlib.import_module("sentry_sdk")
    asgi = importlib.import_module("sentry_sdk.integrations.asgi")

    class Sink(sentry.transport.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            pass

    options = {"traces_sample_rate": 1.0, "default_integrations": False, "auto_enabling_integrations": False, "transport": Sink}
    sentry.init(dsn="http://key@127.0.0.1:9/1", **options)
    return asgi.SentryAsgiMiddleware(bare())


def _elastic() -> Any:
    """All transactions kept, nothing sent, no library instrumented."""
    module = importlib.import_module("elasticapm.contrib.starlette")
    settings = {
        "SERVICE_NAME": "bench",
        "DISABLE_SEND": True,
        "INSTRUMENT": False,
        "CENTRAL_CONFIG": False,
        "CLOUD_PROVIDER": "none",
    }
    app = bare()
    app.add_middleware(module.ElasticAPM, client=module.make_apm_client(settings))
    return app


PEERS: dict[str, Callable[[], Any]] = {
    "asgi-correlation-id": _correlation_id,
    "starlette-exporter": _starlette_exporter,
    "prometheus-fastapi-instrumentator": _prometheus_instrumentator,
    "opentelemetry asgi": _opentelemetry,
    "elastic-apm": _elastic,
    "sentry": _sentry,
}


def peers(names: tuple[str, ...] = tuple(PEERS)) -> dict[str, Any]:
    """Those that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = PEERS[name]()
        except ImportError:
            continue
    return found


def capture(endpoint: str, **options: Any) -> CaptureMiddleware:
    return CaptureMiddleware(bare(), model="m", endpoint=endpoint, **options)
