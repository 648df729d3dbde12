"""The gRPC door: bound before any state is touched, served beside the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neural.monitoring.app.sidecar import Sidecar
from neural.monitoring.app.sockets import bind, bind_tcp
from neural.monitoring.app.tls import TLSFiles
from neural.monitoring.errors import ConfigError, NeuralError
from neural.monitoring.ingest import build_grpc_server
from neural.monitoring.settings import Address, Settings

GRACE_SECONDS = 5.0
"""How long open calls may go on after SIGTERM."""


@dataclass(frozen=True, slots=True)
class GrpcDoor:
    """Where the door will be: ``target`` in gRPC's words. ``path`` is a Unix socket's, to set its permissions."""

    target: str
    local: bool
    path: Path | None = None

    @property
    def url(self) -> str:
        """As people write it."""
        return f"unix://{self.path}" if self.path is not None else f"grpc://{self.target}"


def find_grpc_door(settings: Settings) -> GrpcDoor | None:
    """Checks that grpcio is there and that the address is free. Raises NeuralError in one line for what the user can mend."""
    address = settings.capture.grpc_address
    if address is None:
        return None
    try:
        import grpc.aio  # noqa: F401 - is it installed?
    except ModuleNotFoundError:
        raise ConfigError(
            "capture.grpc needs grpcio",
            where=settings.where("capture.grpc"),
            key="capture.grpc",
            hint="pip install 'neural-monitoring[grpc]'",
        ) from None
    return _free(address)


def _free(address: Address) -> GrpcDoor:
    """gRPC binds by itself, and says little when it can't: so the address is tried before."""
    if address.is_unix:
        bind(address, setting="capture.grpc").close()
        Path(address.path).unlink(missing_ok=True)
        return GrpcDoor(f"unix:{address.path}", local=True, path=Path(address.path))
    with bind_tcp(address.host, address.port, setting="capture.grpc") as probe:
        port = int(probe.getsockname()[1])
    host = f"[{address.host}]" if ":" in address.host else address.host
    return GrpcDoor(f"{host}:{port}", local=address.is_local)


async def open_grpc(door: GrpcDoor, sidecar: Sidecar, tls: TLSFiles | None) -> Any:
    """The server, started; stop it with ``stop(GRACE_SECONDS)``. Raises NeuralError when somebody else took the address meanwhile."""
    capture = sidecar.settings.capture
    server = build_grpc_server(sidecar.ingest, tokens=() if door.local or capture.by_certificate else capture.tokens)
    try:
        _add_port(server, door, tls)
    except RuntimeError as error:
        raise NeuralError(f"can't listen on {door.url}: {error} (choose another with capture.grpc)") from None
    await server.start()
    if door.path is not None:
        door.path.chmod(int(capture.socket_mode, 8))
    return server


def _add_port(server: Any, door: GrpcDoor, tls: TLSFiles | None) -> None:
    import grpc

    if tls is None or door.path is not None:
        server.add_insecure_port(door.target)
    else:
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        authority = None if tls.client_ca is None else tls.client_ca.read_bytes()
        credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=authority is not None)
        server.add_secure_port(door.target, credentials)
