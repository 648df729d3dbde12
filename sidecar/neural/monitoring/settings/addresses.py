"""Where the sidecar listens: ``unix:///path`` or ``tcp://host:port``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_UNIX_PATH_MOST_BYTES = 107  # sun_path of Linux, without its closing zero
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed listen address: either ``path`` (Unix socket) or ``host`` and ``port``."""

    path: str = ""
    host: str = ""
    port: int = 0

    @property
    def is_unix(self) -> bool:
        return bool(self.path)

    @property
    def is_local(self) -> bool:
        """True where nobody outside the pod can connect: a Unix socket or loopback."""
        return self.is_unix or self.host in _LOOPBACK


def parse_address(text: str) -> Address:
    """The parts of a listen address. Raises ValueError with an example."""
    wrong = f"{text!r} is not an address: write unix:///var/run/neural/capture.sock or tcp://127.0.0.1:4319"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme == "unix" and not parts.netloc and parts.path.startswith("/"):
        if len(parts.path.encode()) > _UNIX_PATH_MOST_BYTES:
            raise ValueError(f"the socket path is longer than {_UNIX_PATH_MOST_BYTES} bytes, the most Linux takes")
        return Address(path=parts.path)
    if parts.scheme == "tcp" and parts.hostname and port is not None and parts.path in {"", "/"}:
        return Address(host=parts.hostname, port=port)
    raise ValueError(wrong)


def is_loopback(host: str) -> bool:
    return host in _LOOPBACK


def _checked(text: str) -> str:
    parse_address(text)
    return text


ListenAddress = Annotated[str, AfterValidator(_checked)]
"""unix:///path or tcp://host:port."""
