"""Sends one protobuf message to a collector, over HTTP or gRPC. For metrics and logs; spans go through OTel's own exporter."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Protocol

from neural.monitoring.errors import ConfigError
from neural.monitoring.export.otlp_transport import OTLPSignal, Transport

_METHOD = {
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_RETRYABLE_HTTP = frozenset({429, 502, 503, 504})  # OTLP/HTTP's list
_RETRYABLE_GRPC = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS", "RESOURCE_EXHAUSTED"}
)


class SendError(Exception):
    """The collector didn't take the message. ``retryable``: it might, later."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class Client(Protocol):
    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


def otlp_client(transport: Transport, signal: OTLPSignal) -> Client:
    """A client for one signal. Raises ConfigError where a package is missing or a certificate can't be read."""
    try:
        return _GRPCClient(transport, signal) if transport.protocol == "grpc" else _HTTPClient(transport)
    except ImportError as error:
        raise ConfigError(f"{transport.protocol} needs the package {error.name}", key="export.otlp.protocol") from None
    except OSError as error:
        raise ConfigError(f"{error.filename} can't be read: {error.strerror}", key="export.otlp.certificate") from None


class _HTTPClient:
    def __init__(self, transport: Transport) -> None:
        import ssl

        import httpx  # loaded only where metrics or logs are pushed

        context = ssl.create_default_context(cafile=transport.certificate)
        if transport.client_certificate:
            context.load_cert_chain(transport.client_certificate, transport.client_key)
        self._transport = transport
        self._errors: type[Exception] = httpx.HTTPError
        headers = {**transport.headers, "content-type": "application/x-protobuf"}
        if transport.compression == "gzip":
            headers["content-encoding"] = "gzip"
        self._http = httpx.Client(headers=headers, timeout=transport.timeout_seconds, verify=context, trust_env=False)

    def send(self, data: bytes) -> None:
        body = gzip.compress(data) if self._transport.compression == "gzip" else data
        try:
            answer = self._http.post(self._transport.endpoint, content=body)
        except self._errors as error:
            raise SendError(str(error) or type(error).__name__, retryable=True) from None
        if answer.is_error:
            raise SendError(f"HTTP {answer.status_code}", retryable=answer.status_code in _RETRYABLE_HTTP)

    def close(self) -> None:
        self._http.close()


class _GRPCClient:
    def __init__(self, transport: Transport, signal: OTLPSignal) -> None:
        import grpc  # optional: the extra "grpc"

        compression = grpc.Compression.Gzip if transport.compression == "gzip" else grpc.Compression.NoCompression
        target = transport.endpoint.partition("://")[2] or transport.endpoint
        if transport.secure:
            files = (transport.certificate, transport.client_key, transport.client_certificate)
            credentials = grpc.ssl_channel_credentials(*(Path(name).read_bytes() if name else None for name in files))
            self._channel: Any = grpc.secure_channel(target, credentials, compression=compression)
        else:
            self._channel = grpc.insecure_channel(target, compression=compression)
        self._transport, self._error = transport, grpc.RpcError
        self._call = self._channel.unary_unary(_METHOD[signal])  # bytes in, bytes out

    def send(self, data: bytes) -> None:
        try:
            self._call(data, timeout=self._transport.timeout_seconds, metadata=tuple(self._transport.headers.items()))
        except self._error as error:
            name = error.code().name  # an RpcError of a call is a Call too
            raise SendError(name, retryable=name in _RETRYABLE_GRPC) from None

    def close(self) -> None:
        self._channel.close()
