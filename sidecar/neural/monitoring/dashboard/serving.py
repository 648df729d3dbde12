"""`neural monitor dashboard`: the dashboard over stored data, in its own process."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import uvicorn

from neural.monitoring.dashboard.application import build_dashboard
from neural.monitoring.errors import NeuralError
from neural.monitoring.slo import SLOSettings
from neural.monitoring.store import open_store

BACKLOG = 128


def serve_dashboard(
    storage_path: Path,
    host: str = "localhost",
    port: int = 8052,
    *,
    objectives: Sequence[SLOSettings] = (),
    announce: Callable[[], None] = lambda: None,
) -> None:
    """Serve until interrupted. The store is opened read-only, so a sidecar may write to it meanwhile.

    ``announce`` is called once the port is ours. ``objectives``: what the SLA report is about, beside those in the store.

    Raises StoreError when there is no store, NeuralError when the address can't be listened on.
    """
    store = open_store(Path(storage_path), read_only=True)
    try:
        with closing(listen(host, port)) as listener:
            announce()
            config = uvicorn.Config(
                build_dashboard(store, objectives=objectives),
                log_level="warning",
                access_log=False,
                lifespan="off",
                ws="none",
                server_header=False,
            )
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        store.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a port in use is one clear line and not a traceback from a server."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, OverflowError) as error:
        raise NeuralError(f"{host}:{port}: not an address to listen on ({error})") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise NeuralError(
            f"{host}:{port}: can't listen there ({(error.strerror or str(error)).lower()}): choose another with --port"
        ) from error
    return listener
