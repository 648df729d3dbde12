"""/metrics over stored data: every scrape reads the store as it is then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neural.monitoring.clock import system_clock
from neural.monitoring.errors import NeuralError
from neural.monitoring.store import open_store
from neural.monitoring.views import SnapshotBoard


def serve_metrics(storage_path: Path, host: str, port: int, started: Callable[[], None]) -> None:
    """Serve until interrupted; ``started`` is called once the port is bound. Raises NeuralError, in one line, when it can't be."""
    import socket

    import uvicorn
    from starlette.applications import Starlette

    from neural.monitoring.export import SidecarMetrics, metrics_routes

    store = open_store(storage_path, read_only=True)
    try:
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise NeuralError(
                f"{host}:{port}: can't listen there ({(error.strerror or str(error)).lower()}): choose another with --port"
            ) from None
        with listener:
            started()
            app = Starlette(routes=metrics_routes(SidecarMetrics(SnapshotBoard.over(store, system_clock))))
            uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")).run(sockets=[listener])
    finally:
        store.close()
