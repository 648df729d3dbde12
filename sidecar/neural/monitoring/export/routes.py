"""GET /metrics for Starlette."""

from __future__ import annotations

import gzip

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from neural.monitoring.export.collector import SidecarMetrics

_GZIP_LEVEL = 1  # the page is read once: speed before size


def metrics_routes(metrics: SidecarMetrics, *, path: str = "/metrics") -> list[Route]:
    """One route. The page is written on a worker thread, so that ingest on the event loop never waits for a scrape."""

    async def get(request: Request) -> Response:
        kind, body = await run_in_threadpool(metrics.scrape, request.headers.get("accept", ""))
        headers = {"Content-Type": kind, "Vary": "Accept, Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = await run_in_threadpool(gzip.compress, body, _GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers)

    return [Route(path, get, methods=["GET"])]
