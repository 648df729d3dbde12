"""Binding the doors before anything else starts, so that a port in use is one clear line and not a half-started sidecar."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from neural.monitoring.errors import NeuralError
from neural.monitoring.settings import Address

_BACKLOG = 2048


def bind(address: Address, *, socket_mode: int = 0o660, setting: str) -> socket.socket:
    """A listening socket. ``setting`` names the key to change. Raises NeuralError: in use, not permitted, no such folder."""
    return (
        _bind_unix(Path(address.path), socket_mode, setting)
        if address.is_unix
        else bind_tcp(address.host, address.port, setting=setting)
    )


def bind_tcp(host: str, port: int, *, setting: str) -> socket.socket:
    """A listening TCP socket. Raises NeuralError naming the setting to change."""
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=_BACKLOG)
    except OSError as error:
        raise NeuralError(f"can't listen on {host}:{port}: {_why(error)} (choose another with {setting})") from None
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, which these don't: every reply would wait
    # 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _bind_unix(path: Path, mode: int, setting: str) -> socket.socket:
    """A Unix socket file left by a killed sidecar is replaced; one that somebody still answers on is not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(path, setting)
        return _listening(path, mode)
    except OSError as error:
        raise NeuralError(f"can't listen on unix://{path}: {_why(error)} (choose another with {setting})") from None


def _listening(path: Path, mode: int) -> socket.socket:
    """Never open wider than ``mode``, not even between bind and chmod."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    previous = os.umask(0o777 & ~mode)
    try:
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(previous)
    return listener


def _remove_stale(path: Path, setting: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            raise NeuralError(f"{path} exists and is not a socket (choose another with {setting})")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
                return
        raise NeuralError(f"another sidecar listens on unix://{path} already (choose another with {setting})")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
