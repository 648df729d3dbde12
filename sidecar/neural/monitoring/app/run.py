"""``neural monitor run``: bind the doors, put the sidecar together, serve until told to stop, drain."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from neural.monitoring.app.build import build
from neural.monitoring.app.grpc_door import GRACE_SECONDS, GrpcDoor, find_grpc_door, open_grpc
from neural.monitoring.app.logs import set_up_logging
from neural.monitoring.app.memory import keep_small, settled
from neural.monitoring.app.reload import Load, Reloader
from neural.monitoring.app.serve import Door, serve
from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.app.sockets import bind, bind_tcp
from neural.monitoring.app.tls import TLSFiles, tls_files
from neural.monitoring.app.web import ingest_app, metrics_app, pages_app
from neural.monitoring.clock import Clock, system_clock
from neural.monitoring.errors import ConfigError
from neural.monitoring.settings import Settings

log = logging.getLogger(__name__)
DRAIN_TIMEOUT_SECONDS = 20.0
"""For what is queued when SIGTERM comes: within a pod's default grace period of 30 s, with serve's own 5 s."""


@dataclass(frozen=True, slots=True)
class _Listeners:
    ingest: tuple[socket.socket, ...]
    pages: socket.socket | None
    metrics: socket.socket | None
    grpc: GrpcDoor | None
    tls: TLSFiles | None


def run_sidecar(settings: Settings, *, file: Path | None = None, load: Load | None = None, clock: Clock = system_clock) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code. Raises NeuralError in one line for what the user can mend.

    With ``load`` the configuration can be read again, on request and when ``file`` changes. ``clock`` is that of all rooms: history can be
    played through a sidecar at the pace of its own time.
    """
    with ExitStack() as stack:
        listeners = _bind(settings, stack)
        set_up_logging(settings.log)
        keep_small()
        sidecar = build(settings, clock)
        reloader = Reloader(settings, load, sidecar.engine, sidecar.alerting) if load is not None else None
        settled()
        sidecar.start()
        if reloader is not None and file is not None:
            reloader.watch(file)
        try:
            asyncio.run(_serve(sidecar, listeners, reloader))
        finally:
            if reloader is not None:
                reloader.stop()
            finished = sidecar.stop(DRAIN_TIMEOUT_SECONDS)
    if not finished:
        log.error("the engine did not finish within %.0f s; the journal has what is left", DRAIN_TIMEOUT_SECONDS)
    return 0 if finished else 1


def _bind(settings: Settings, stack: ExitStack) -> _Listeners:
    """All doors, before any state is touched."""
    capture, dashboard, prometheus = settings.capture, settings.dashboard, settings.export.prometheus
    _require_tokens(settings)
    mode = int(capture.socket_mode, 8)
    ingest = tuple(stack.enter_context(bind(one, socket_mode=mode, setting="capture.listen")) for one in capture.addresses)
    pages = metrics = None
    if dashboard.enabled:
        pages = stack.enter_context(bind_tcp(dashboard.host, dashboard.port, setting="dashboard.port"))
    if prometheus.enabled and not (dashboard.enabled and prometheus.port == dashboard.port):
        metrics = stack.enter_context(bind_tcp(prometheus.host, prometheus.port, setting="export.prometheus.port"))
    return _Listeners(ingest, pages, metrics, find_grpc_door(settings), tls_files(settings))


def _require_tokens(settings: Settings) -> None:
    """A door that strangers can reach needs a token: their traffic would decide what the verdicts say."""
    capture = settings.capture
    doors = [("listen", text, address) for text, address in zip(capture.listen, capture.addresses, strict=True)]
    if capture.grpc is not None and capture.grpc_address is not None:
        doors.append(("grpc", capture.grpc, capture.grpc_address))
    open_doors = [(f"capture.{name}", text) for name, text, address in doors if not address.is_local]
    if open_doors and not capture.tokens and not capture.by_certificate:
        key, text = open_doors[0]
        raise ConfigError(
            f"{text} can be reached from outside, and there is no token",
            where=settings.where(key),
            key=key,
            hint='write tokens: ["${CAPTURE_TOKEN}"] or tls: {client_ca: …} beside it, or listen on a Unix socket',
        )


async def _serve(sidecar: Sidecar, listeners: _Listeners, reloader: Reloader | None) -> None:
    addresses = zip(sidecar.settings.capture.addresses, listeners.ingest, strict=True)
    doors = [
        Door(ingest_app(sidecar, local=address.is_local), listener, None if address.is_unix else listeners.tls)
        for address, listener in addresses
    ]
    if listeners.pages is not None:
        doors.append(Door(pages_app(sidecar, reloader), listeners.pages))
    if listeners.metrics is not None:
        doors.append(Door(metrics_app(sidecar), listeners.metrics))
    _announce(sidecar, listeners)
    server = await open_grpc(listeners.grpc, sidecar, listeners.tls) if listeners.grpc is not None else None
    try:
        await serve(doors, asyncio.Event())
    finally:
        if server is not None:
            await server.stop(GRACE_SECONDS)


def _announce(sidecar: Sidecar, listeners: _Listeners) -> None:
    settings = sidecar.settings
    log.info(
        "model %s version %s; state in %s; %d journal entries replayed",
        settings.model.name,
        settings.model.version,
        sidecar.storage_path,
        sidecar.replayed,
    )
    log.info("captured traffic: %s", ", ".join([*settings.capture.listen, *([listeners.grpc.url] if listeners.grpc else [])]))
    for name, listener in (("dashboard and API", listeners.pages), ("metrics", listeners.metrics)):
        if listener is not None:
            host, port = listener.getsockname()[:2]
            log.info("%s: http://%s:%d/%s", name, host, port, "metrics" if name == "metrics" else "")
