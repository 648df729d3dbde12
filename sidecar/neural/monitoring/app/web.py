"""The apps behind the doors: ingest, pages (dashboard, API, metrics), and metrics alone."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from neural.monitoring.api import Problem, api_routes, probe_routes
from neural.monitoring.app.guard import TokenGuard
from neural.monitoring.app.reload import Reloader
from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.export import metrics_routes
from neural.monitoring.ingest import Refused, ingest_routes


def ingest_app(sidecar: Sidecar, *, local: bool) -> ASGIApp:
    """Where captured traffic and labels come in. Strangers (not ``local``) need a token, or have shown a certificate."""
    app = Starlette(routes=ingest_routes(sidecar.ingest))
    return app if local or sidecar.settings.capture.by_certificate else TokenGuard(app, sidecar.settings.capture.tokens)


def metrics_app(sidecar: Sidecar) -> ASGIApp:
    """/metrics, and /health and /ready for the kubelet."""
    return Starlette(routes=[*metrics_routes(sidecar.metrics), *probe_routes(sidecar.reading_store, sidecar.board)])


def pages_app(sidecar: Sidecar, reload: Reloader | None) -> ASGIApp:
    """API, health and metrics, and the dashboard for everything else."""
    dashboard = sidecar.settings.dashboard
    token = dashboard.token.get_secret_value() if dashboard.token else None
    routes: list[BaseRoute] = [
        *api_routes(
            sidecar.reading_store,
            sidecar.board,
            writer=sidecar.store,
            token=token,
            config=sidecar.settings.model_dump(mode="json"),
            predictions=sidecar.storage_path / "predictions",
            labels=lambda body: _take_labels(sidecar, body),
            reload=reload,
            objectives=sidecar.settings.slos,
        )
    ]
    if sidecar.settings.export.prometheus.enabled:
        routes += metrics_routes(sidecar.metrics)
    routes.append(_dashboard(sidecar))
    return Starlette(routes=routes)


def _take_labels(sidecar: Sidecar, body: bytes) -> int:
    """Labels by way of the API: the same as on the capture socket."""
    try:
        return sidecar.ingest.accept_labels(body).accepted
    except Refused as refused:
        wait = {"retry-after": str(refused.retry_after_seconds)} if refused.retry_after_seconds else None
        raise Problem(refused.status, refused.detail or refused.reason, headers=wait) from None


def _dashboard(sidecar: Sidecar) -> BaseRoute:
    try:
        from neural.monitoring.dashboard import build_dashboard
    except ModuleNotFoundError:
        # Installed without [dashboard]: the API and /metrics work all the same.
        return Route("/", lambda _: RedirectResponse("/api/v1/status"))
    refresh = sidecar.settings.dashboard.refresh
    app = build_dashboard(
        sidecar.reading_store,
        sidecar.board,
        silences_url="/api/v1/silences",
        alerts_url="/api/v1/alerts",
        refresh_seconds=refresh,
        objectives=sidecar.settings.slos,
    )
    return Mount("/", app)
