"""The apps behind the doors: ingest, pages (dashboard, API, metrics), and metrics alone."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from neural.monitoring.api import api_routes
from neural.monitoring.app.build import Sidecar
from neural.monitoring.export import metrics_routes
from neural.monitoring.ingest import ingest_routes


def ingest_app(sidecar: Sidecar) -> ASGIApp:
    """Where captured traffic and labels come in."""
    return Starlette(routes=ingest_routes(sidecar.ingest))


def metrics_app(sidecar: Sidecar) -> ASGIApp:
    """What Prometheus scrapes."""
    return Starlette(routes=metrics_routes(sidecar.board, sidecar.settings.export.prometheus))


def pages_app(sidecar: Sidecar) -> ASGIApp:
    """API, health and metrics, and the dashboard for everything else."""
    routes: list[BaseRoute] = [*api_routes(sidecar.reading_store, sidecar.board)]
    if sidecar.settings.export.prometheus.enabled:
        routes += metrics_routes(sidecar.board, sidecar.settings.export.prometheus)
    routes.append(_dashboard(sidecar))
    return Starlette(routes=routes)


def _dashboard(sidecar: Sidecar) -> BaseRoute:
    try:
        from neural.monitoring.dashboard import build_dashboard
    except ModuleNotFoundError:
        # Installed without [dashboard]: the API and /metrics work all the same.
        return Route("/", lambda _: RedirectResponse("/api/v1/status"))
    return Mount("/", build_dashboard(sidecar.reading_store, sidecar.board))
