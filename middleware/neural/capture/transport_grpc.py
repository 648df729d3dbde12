"""Bytes to the sidecar over gRPC: one stream, one batch under way, one receipt a batch. Imported only where an endpoint asks for it.

A refusal ends the stream with a status; the next batch opens a new one. The channel reconnects by itself, so a sidecar that restarts is
found again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from neural.capture.certificates import SYSTEM, TLSFiles
from neural.capture.transport import Endpoint, Reply, bearer, retry_after_seconds
from neural.wire.columns import Buffer

METHOD: Final = "/neural.capture.v1.CaptureService/CaptureStream"
_STATUS: Final = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 413,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.UNIMPLEMENTED: 404,
}
"""What the shipper does with an answer is decided once, in HTTP's words."""
_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),  # a connection of our own: not one that the application has marked as broken
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
_inherited: list[Any] = []  # channels of the process we were forked from: closing them would talk on its connections


class GRPCTransport:
    """A stream, opened when needed. Not thread-safe: it belongs to the shipper."""

    def __init__(self, endpoint: Endpoint, *, timeout: float, tls: TLSFiles = SYSTEM, token: str = "") -> None:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        self._target = f"unix:{endpoint.path}" if endpoint.path else f"{host}:{endpoint.port}"
        self._encrypted, self._timeout, self._tls = endpoint.tls, timeout, tls
        self._metadata = (("authorization", bearer(token)),) if token else ()
        self._channel: Any = None
        self._call: Any = None
        self._batches: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def send(self, parts: Sequence[Buffer]) -> Reply:
        """Raises OSError (also TimeoutError) when there is no answer."""
        call = self._call if self._call is not None else self._open()
        late = threading.Event()
        watch = threading.Timer(self._timeout, _give_up, (call, late))
        watch.daemon = True
        watch.start()
        try:
            self._batches.put(b"".join(parts))
            next(call)
        except grpc.RpcError as error:
            self._end_stream()
            return self._refusal(error, late=late.is_set())
        except StopIteration:
            self._end_stream()
            raise ConnectionError("the sidecar ended the stream") from None
        finally:
            watch.cancel()
        return Reply(200)

    def close(self) -> None:
        self._end_stream()
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def abandon(self) -> None:
        """Forget the connection without a word on it: it belongs to the process we were forked from."""
        _inherited.append((self._channel, self._call))
        self._channel = self._call = None

    def _open(self) -> Any:
        if self._channel is None:
            self._channel = self._connect()
        batches = self._batches = queue.SimpleQueue()
        stream = self._channel.stream_stream(METHOD)
        self._call = stream(_until_none(batches), metadata=self._metadata)
        return self._call

    def _connect(self) -> Any:
        if not self._encrypted:
            return grpc.insecure_channel(self._target, options=_OPTIONS)
        roots, chain, key = (Path(one).read_bytes() if one else None for one in self._tls)
        credentials = grpc.ssl_channel_credentials(roots, key or chain, chain)  # a key that stands in the certificate's file
        return grpc.secure_channel(self._target, credentials, options=_OPTIONS)

    def _end_stream(self) -> None:
        self._batches.put(None)
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _refusal(self, error: Any, *, late: bool) -> Reply:
        """The refusal of a sidecar; an error of the connection is raised as what it would be over HTTP."""
        if late:
            raise TimeoutError("the sidecar took too long")
        named = dict(error.trailing_metadata() or ())
        status = _STATUS.get(error.code(), 500)
        if error.code() is grpc.StatusCode.UNAVAILABLE and "retry-after" not in named:
            raise ConnectionError(f"no sidecar: {error.details()}")
        return Reply(status, retry_after_seconds(named.get("retry-after")))


def _give_up(call: Any, late: threading.Event) -> None:
    late.set()
    call.cancel()


def _until_none(batches: queue.SimpleQueue[bytes | None]) -> Iterator[bytes]:
    """gRPC reads this on a thread of its own; None ends it."""
    while (batch := batches.get()) is not None:
        yield batch
