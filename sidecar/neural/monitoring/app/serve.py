"""Several doors, one event loop: a uvicorn server for each, stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import ssl
from collections.abc import Generator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from neural.monitoring.app.tls import TLSFiles

GRACE_SECONDS = 5
"""How long open requests may go on after SIGTERM: well within a pod's 30 s."""


@dataclass(frozen=True, slots=True)
class Door:
    """An app and the listening socket it answers on, encrypted where there is a certificate."""

    app: ASGIApp
    listener: socket.socket
    tls: TLSFiles | None = None


class _Server(uvicorn.Server):
    """Leaves the signals to us: with several servers in one loop each would steal them from the others."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(doors: list[Door], stop: asyncio.Event) -> None:
    """Serve all doors until ``stop`` is set (by SIGTERM or SIGINT, or by the caller)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread: the caller sets ``stop``
            loop.add_signal_handler(number, stop.set)
    servers = [_Server(_config(door)) for door in doors]
    tasks = [asyncio.create_task(server.serve([door.listener])) for server, door in zip(servers, doors, strict=True)]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    stopping.cancel()
    await asyncio.gather(*tasks)


def _config(door: Door) -> uvicorn.Config:
    return uvicorn.Config(
        door.app,
        ssl_certfile=door.tls.certificate if door.tls is not None else None,
        ssl_keyfile=door.tls.key if door.tls is not None else None,
        ssl_ca_certs=str(door.tls.client_ca) if door.tls is not None and door.tls.client_ca is not None else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if door.tls is not None and door.tls.client_ca is not None else ssl.CERT_NONE,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        ws="none",
    )
