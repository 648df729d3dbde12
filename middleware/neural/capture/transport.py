"""Bytes to the sidecar: HTTP/1.1 over a Unix socket or TCP, on plain sockets. Every wait has a deadline, every reply a ceiling."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from neural.capture.certificates import SYSTEM, TLSFiles
from neural.capture.settings import Settings, SettingsError
from neural.wire.columns import Buffer
from neural.wire.encode import CONTENT_TYPE

PATH: Final = "/v1/capture"
DEFAULT_PORT: Final = 4319
_HOST_PORT: Final = re.compile(r"//(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^/:@\[\]\s]+))(?::(?P<port>[0-9]{1,5}))?/?")
_TCP_SCHEMES: Final = frozenset({"http", "https", "tcp", "grpc", "grpcs"})
_GRPC_SCHEMES: Final = frozenset({"grpc", "grpcs", "grpc+unix"})
_COALESCE: Final = 256 * 1024  # smaller parts are joined up to here: one call instead of hundreds
_MAX_HEAD: Final = 16 * 1024
_MAX_BODY: Final = 64 * 1024
_MAX_RETRY_AFTER: Final = 60.0


class Reply(NamedTuple):
    """The sidecar's answer. ``retry_after``: seconds, None when it named none."""

    status: int
    retry_after: float | None = None


class Transport(Protocol):
    """Where the shipper puts batches."""

    def send(self, parts: Sequence[Buffer]) -> Reply:
        """One batch; returns the answer. Raises OSError (also TimeoutError) when there is none."""
        ...

    def close(self) -> None: ...


class Endpoint(NamedTuple):
    """Where the sidecar listens. ``path`` is a Unix socket's, else host and port count."""

    path: str = ""
    host: str = ""
    port: int = DEFAULT_PORT
    tls: bool = False
    grpc: bool = False

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Raises SettingsError."""
        scheme, _, rest = text.partition(":")
        grpc = scheme in _GRPC_SCHEMES
        if scheme in {"unix", "grpc+unix"}:
            path = rest.removeprefix("//")
            if path.startswith("/"):
                return cls(path=path, grpc=grpc)
        elif scheme in _TCP_SCHEMES and (match := _HOST_PORT.fullmatch(rest)):
            port = int(match["port"] or DEFAULT_PORT)
            if 0 < port < 2**16:
                return cls(host=match["v6"] or match["host"], port=port, tls=scheme in {"https", "grpcs"}, grpc=grpc)
        raise SettingsError(
            f"endpoint: {text!r} is none; write unix:///path, http://host:port or https://host:port, grpc:// or grpcs:// for gRPC"
        )


def transport_of(settings: Settings) -> Transport:
    """What the endpoint asks for. Raises SettingsError: no such endpoint, or gRPC is asked for and grpcio is not there."""
    endpoint = Endpoint.parse(settings.endpoint)
    tls = TLSFiles(settings.ca_file, settings.cert_file, settings.key_file)
    if not endpoint.grpc:
        return HTTPTransport(endpoint, timeout=settings.timeout, tls=tls, token=settings.token)
    try:
        from neural.capture.transport_grpc import GRPCTransport  # only where asked for
    except ModuleNotFoundError:
        raise SettingsError(f"endpoint: {settings.endpoint} needs grpcio: pip install 'neural-monitoring[grpc]'") from None
    return GRPCTransport(endpoint, timeout=settings.timeout, tls=tls, token=settings.token)


class HTTPTransport:
    """A keep-alive connection, opened when needed. Not thread-safe: it belongs to the shipper."""

    def __init__(self, endpoint: Endpoint, *, timeout: float, tls: TLSFiles = SYSTEM, token: str = "") -> None:
        self._endpoint, self._timeout, self._tls = endpoint, timeout, tls
        self._socket: socket.socket | None = None
        host = endpoint.host or "localhost"
        allowed = f"Authorization: {bearer(token)}\r\n" if token else ""
        head = f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\n{allowed}Content-Type: {CONTENT_TYPE}\r\nContent-Length: "
        self._head = head.encode()

    def send(self, parts: Sequence[Buffer]) -> Reply:
        """A connection that the sidecar closed while idle is opened again once. Raises OSError."""
        deadline = time.monotonic() + self._timeout
        reused = self._socket is not None
        try:
            return self._exchange(parts, deadline)
        except TimeoutError:
            self.close()
            raise
        except OSError:
            self.close()
            if not reused:
                raise
        try:
            return self._exchange(parts, deadline)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, parts: Sequence[Buffer], deadline: float) -> Reply:
        connection = self._socket
        if connection is None:
            connection = self._socket = self._connect(deadline)
        length = sum(map(len, parts))
        head = self._head + b"%d\r\n\r\n" % length
        for block in _coalesce([head, *parts]):
            _send_all(connection, block, deadline)
        reply, keep = _read_reply(connection, deadline)
        if not keep:
            self.close()
        return reply

    def _connect(self, deadline: float) -> socket.socket:
        if self._endpoint.path:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.settimeout(_left(deadline))
                connection.connect(self._endpoint.path)
            except BaseException:
                connection.close()
                raise
            return connection
        connection = socket.create_connection((self._endpoint.host, self._endpoint.port), timeout=_left(deadline))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._wrap(connection) if self._endpoint.tls else connection

    def _wrap(self, connection: socket.socket) -> socket.socket:
        import ssl  # only where asked for: 10 ms to import

        try:
            context = ssl.create_default_context(cafile=self._tls.ca or None)
            if self._tls.certificate:
                context.load_cert_chain(self._tls.certificate, self._tls.key or None)
            return context.wrap_socket(connection, server_hostname=self._endpoint.host)
        except BaseException:
            connection.close()
            raise


def bearer(token: str) -> str:
    """The value of the Authorization header. Raises SettingsError for what is no token."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError("token: only printable ASCII without spaces is a bearer token")
    return f"Bearer {token}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the sidecar took too long")
    return left


def _coalesce(parts: Iterable[Buffer]) -> Iterator[Buffer]:
    """The same bytes in fewer pieces; what is large goes by itself, without a copy."""
    small: list[Buffer] = []
    size = 0
    for part in parts:
        if size + len(part) > _COALESCE and small:
            yield b"".join(small)
            small, size = [], 0
        if len(part) > _COALESCE:
            yield part
        else:
            small.append(part)
            size += len(part)
    if small:
        yield b"".join(small)


def _send_all(connection: socket.socket, block: Buffer, deadline: float) -> None:
    """sendall, but one deadline for the whole block: a reader that takes a byte a second doesn't hold us."""
    view = memoryview(block)
    while view:
        connection.settimeout(_left(deadline))
        view = view[connection.send(view) :]


def _read_reply(connection: socket.socket, deadline: float) -> tuple[Reply, bool]:
    """(reply, whether the connection can be used again). Raises OSError for anything that is no HTTP reply."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _MAX_HEAD:
            raise ConnectionError("the reply's head has no end")
        data += _receive(connection, deadline)
    status_line, *lines = data[:end].split(b"\r\n")
    words = status_line.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit() or len(words[1]) != 3:
        raise ConnectionError("not an HTTP reply")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    length = headers.get(b"content-length", b"")
    keep = length.isdigit() and int(length) <= _MAX_BODY and headers.get(b"connection", b"").lower() != b"close"
    left = int(length) - (len(data) - end - 4) if keep else 0
    while left > 0:
        left -= len(_receive(connection, deadline))
    return Reply(int(words[1]), retry_after_seconds(headers.get(b"retry-after"))), keep and left == 0


def _receive(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(_left(deadline))
    data = connection.recv(_MAX_HEAD)
    if not data:
        raise ConnectionError("the sidecar closed the connection")
    return data


def retry_after_seconds(value: bytes | str | None) -> float | None:
    """Seconds; a date, which the sidecar never sends, counts as unnamed."""
    try:
        seconds = float(value) if value is not None else None
    except ValueError:
        return None
    return None if seconds is None or seconds != seconds else min(max(seconds, 0.0), _MAX_RETRY_AFTER)  # noqa: PLR0124 - NaN
