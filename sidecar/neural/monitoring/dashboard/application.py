"""The dashboard as one ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State
from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp

from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.dashboard.documents import DOCUMENTS
from neural.monitoring.dashboard.exports import export
from neural.monitoring.dashboard.guard import Guard
from neural.monitoring.dashboard.layout import shell
from neural.monitoring.dashboard.pages import PAGES
from neural.monitoring.dashboard.rendering import Renderer
from neural.monitoring.slo import SLOSettings
from neural.monitoring.store.protocol import Store
from neural.monitoring.views import SnapshotBoard

ASSETS = Path(__file__).parent / "assets"
REFRESH_SECONDS = 15.0
META = [
    {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    {"name": "color-scheme", "content": "light dark"},
]


def build_dashboard(
    store: Store,
    board: SnapshotBoard | None = None,
    *,
    prefix: str = "/",
    clock: Clock = system_clock,
    refresh_seconds: float = REFRESH_SECONDS,
    silences_url: str = "",
    alerts_url: str = "",
    objectives: Sequence[SLOSettings] = (),
) -> ASGIApp:
    """An ASGI application that shows what the store holds; it only reads.

    ``prefix``: the whole path it is reached under ("/" or "/dashboard/"): mount it there, or serve it alone.
    ``board``: with one, the state of now comes from its snapshot, and only history from the store.
    ``refresh_seconds``: how often at least an open page asks again; more often where evaluations are more frequent.
    ``silences_url``: where the sidecar's API takes silences ("/api/v1/silences"); with it the browser offers to silence an alert, and
    the API decides who may. ``alerts_url`` ("/api/v1/alerts"): the same for acknowledging one.
    ``objectives``: what the SLA report is about, beside those in the store.
    """
    prefix = "/" + prefix.strip("/") + "/" if prefix.strip("/") else "/"
    renderer = Renderer(
        store,
        board,
        prefix=prefix,
        clock=clock,
        refresh_seconds=refresh_seconds,
        silences_url=silences_url,
        alerts_url=alerts_url,
    )
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app = _dash(server, prefix)
    app.layout = shell(refresh_seconds)
    _register(app, renderer)
    _add_exports(server, renderer, prefix, objectives)
    return Guard(server, prefix=prefix, pages=PAGES, script_hashes=app.csp_hashes())


def _dash(server: FastAPI, prefix: str) -> dash.Dash:
    """Dash on ``server``, with nothing from outside and no socket beside HTTP."""
    app = dash.Dash(
        __name__,
        server=False,
        backend="fastapi",
        assets_folder=str(ASSETS),
        routes_pathname_prefix=prefix,
        requests_pathname_prefix=prefix,
        title="Neural Monitoring",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,  # pages come and go: not every id is there at all times
        add_log_handler=False,
        use_pages=False,
        meta_tags=META,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">', 1)
    app.backend.websocket_capability = False  # else every browser tries, in vain, to open one
    app.init_app(server)
    return app


def _register(app: dash.Dash, renderer: Renderer) -> None:
    @app.callback(
        Output("made", "data"),
        Output("tick", "disabled"),
        Output("tick", "interval"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("tick", "n_intervals"),
    )
    async def show(pathname: str | None, search: str | None, _ticks: int | None) -> tuple[Any, ...]:
        # Dash runs plain functions on the event loop, where they would hold up ingest.
        made = await asyncio.to_thread(renderer.render, pathname, search)
        return made.to_dict(), not made.live, round(made.refresh_seconds * 1000)

    in_browser: Any = app.clientside_callback  # Any: it has no annotations upstream
    # Not straight into the page: Dash makes all components under new children anew, and with them go focus, scroll and open details.
    in_browser(
        ClientsideFunction("neural", "apply"),
        Output("sink", "children"),
        Input("made", "data"),
        State("slots", "data"),
    )
    in_browser(
        ClientsideFunction("neural", "pick_feature"),
        Output("url", "search"),
        Input("drift-heatmap", "clickData"),
        State("drift-heatmap", "figure"),
        State("url", "search"),
        prevent_initial_call=True,
    )
    in_browser(
        ClientsideFunction("neural", "switch_theme"),
        Output("theme", "title"),
        Input("theme", "n_clicks"),
        prevent_initial_call=True,
    )


def _add_exports(server: FastAPI, renderer: Renderer, prefix: str, objectives: Sequence[SLOSettings]) -> None:
    def table(name: str, request: Request) -> Response:  # a plain function: FastAPI runs it on a worker thread
        view = renderer.view(prefix, request.url.query)
        text = export(view.reader, name)
        if text is None:
            return Response("there is no such table", 404, media_type="text/plain")
        headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    def document(name: str, request: Request) -> Response:
        write = DOCUMENTS.get(name)
        if write is None:
            return Response("there is no such report", 404, media_type="text/plain")
        text = write(renderer.view(prefix, request.url.query).reader, objectives)
        return Response(text, media_type="text/html; charset=utf-8")

    # Dash registers no catch-all here, so the order of routes does not matter. Annotations are passed as objects: they are strings
    # in this module, and FastAPI would look for them in the module's globals only.
    server.add_api_route(f"{prefix}export/{{name}}.csv", table, methods=["GET"], response_class=Response)
    server.add_api_route(f"{prefix}export/{{name}}.html", document, methods=["GET"], response_class=Response)
