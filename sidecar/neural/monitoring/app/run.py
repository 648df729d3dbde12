"""``neural monitor run``: bind the doors, put the sidecar together, serve until told to stop, drain."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from neural.monitoring.app.build import Sidecar, build
from neural.monitoring.app.serve import Door, serve
from neural.monitoring.app.sockets import bind, bind_tcp
from neural.monitoring.app.web import ingest_app, metrics_app, pages_app
from neural.monitoring.settings import Settings

log = logging.getLogger(__name__)
DRAIN_TIMEOUT_SECONDS = 20.0
"""For what is queued when SIGTERM comes: within a pod's default grace period of 30 s, with serve's own 5 s."""


@dataclass(frozen=True, slots=True)
class _Listeners:
    ingest: tuple[socket.socket, ...]
    pages: socket.socket | None
    metrics: socket.socket | None


def run_sidecar(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code. Raises NeuralError in one line for what the user can mend."""
    with ExitStack() as stack:
        listeners = _bind(settings, stack)
        sidecar = build(settings)
        sidecar.start()
        try:
            asyncio.run(_serve(sidecar, listeners))
        finally:
            finished = sidecar.stop(DRAIN_TIMEOUT_SECONDS)
    if not finished:
        log.error("the engine did not finish within %.0f s; the journal has what is left", DRAIN_TIMEOUT_SECONDS)
    return 0 if finished else 1


def _bind(settings: Settings, stack: ExitStack) -> _Listeners:
    """All doors, before any state is touched."""
    capture, dashboard, prometheus = settings.capture, settings.dashboard, settings.export.prometheus
    mode = int(capture.socket_mode, 8)
    ingest = tuple(stack.enter_context(bind(one, socket_mode=mode, setting="capture.listen")) for one in capture.addresses)
    pages = metrics = None
    if dashboard.enabled:
        pages = stack.enter_context(bind_tcp(dashboard.host, dashboard.port, setting="dashboard.port"))
    if prometheus.enabled and not (dashboard.enabled and prometheus.port == dashboard.port):
        metrics = stack.enter_context(bind_tcp(prometheus.host, prometheus.port, setting="export.prometheus.port"))
    return _Listeners(ingest, pages, metrics)


async def _serve(sidecar: Sidecar, listeners: _Listeners) -> None:
    doors = [Door(ingest_app(sidecar), listener) for listener in listeners.ingest]
    if listeners.pages is not None:
        doors.append(Door(pages_app(sidecar), listeners.pages))
    if listeners.metrics is not None:
        doors.append(Door(metrics_app(sidecar), listeners.metrics))
    _announce(sidecar, listeners)
    await serve(doors, asyncio.Event())


def _announce(sidecar: Sidecar, listeners: _Listeners) -> None:
    settings = sidecar.settings
    log.info(
        "model %s version %s; state in %s; %d journal entries replayed",
        settings.model.name,
        settings.model.version,
        sidecar.storage_path,
        sidecar.replayed,
    )
    log.info("captured traffic: %s", ", ".join(settings.capture.listen))
    for name, listener in (("dashboard and API", listeners.pages), ("metrics", listeners.metrics)):
        if listener is not None:
            host, port = listener.getsockname()[:2]
            log.info("%s: http://%s:%d/%s", name, host, port, "metrics" if name == "metrics" else "")
