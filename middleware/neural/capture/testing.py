"""For tests of servers that capture: a sidecar in memory behind a real socket, and a plain collector without one.

with MemorySidecar() as sidecar:
    app = CaptureMiddleware(my_app, endpoint=sidecar.endpoint)
    ...requests...
    app.flush()
    assert sidecar.events[0].status == 200

collector = Collector()
app = CaptureMiddleware(my_app, transport=collector)
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from neural.capture.transport import Reply
from neural.wire.columns import Buffer
from neural.wire.decode import decode_batch
from neural.wire.event import CaptureBatch, CaptureEvent, Ledger

_CHUNK: Final = 65_536
_REASONS: Final = {200: "OK", 400: "Bad Request", 429: "Too Many Requests", 503: "Service Unavailable"}

Answer = Callable[[CaptureBatch], Reply]


def accept(_batch: CaptureBatch) -> Reply:
    return Reply(200)


class Collector:
    """A transport that keeps what it is given. ``answer`` decides the reply; batches that are not acknowledged are not kept."""

    def __init__(self, answer: Answer = accept) -> None:
        self.answer = answer
        self.batches: list[CaptureBatch] = []
        self._arrived = threading.Condition()

    @property
    def events(self) -> list[CaptureEvent]:
        """Every event once, also when its batch came twice."""
        batches = {(batch.source, batch.sequence): batch for batch in self.batches.copy()}
        return [event for batch in batches.values() for event in batch.events]

    @property
    def ledgers(self) -> dict[str, Ledger]:
        """The latest ledger of each source."""
        return {batch.source: batch.ledger for batch in self.batches.copy()}

    def send(self, parts: Sequence[Buffer]) -> Reply:
        return self.receive(b"".join(parts))

    def receive(self, data: bytes) -> Reply:
        batch = decode_batch(data)
        reply = self.answer(batch)
        if reply.status < 300:
            with self._arrived:
                self.batches.append(batch)
                self._arrived.notify_all()
        return reply

    def close(self) -> None:
        """Nothing to close."""

    def wait_for(self, condition: Callable[[Collector], bool], timeout_seconds: float = 10.0) -> bool:
        """Wait until ``condition(self)`` holds, looking after each batch."""
        with self._arrived:
            return self._arrived.wait_for(lambda: condition(self), timeout_seconds)


class MemorySidecar(Collector):
    """A collector that listens: on a Unix socket in a folder of its own, or on TCP at ``host`` (an unused port)."""

    def __init__(self, *, host: str = "", path: str = "", answer: Answer = accept) -> None:
        super().__init__(answer)
        self._host, self._path, self._folder = host, path, ""
        self._connections: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.endpoint = ""

    def start(self) -> Self:
        if self._host:
            listener = socket.create_server((self._host, 0))
            self.endpoint = f"http://{self._host}:{listener.getsockname()[1]}"
        else:
            if not self._path:
                self._folder = tempfile.mkdtemp(prefix="neural-")
                self._path = f"{self._folder}/capture.sock"
            Path(self._path).unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(self._path)
            listener.listen(64)
            self.endpoint = f"unix://{self._path}"
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="memory-sidecar", daemon=True).start()
        return self

    def stop(self) -> None:
        """Hang up on everybody. ``start`` may be called again."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = self._path = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._connections.add(connection)
                threading.Thread(target=self._serve, args=(connection,), name="memory-sidecar-peer", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    buffer += _some(connection)
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = _content_length(head)
                body = bytearray(buffer)
                while len(body) < length:
                    body += _some(connection)
                buffer = bytes(body[length:])
                connection.sendall(_reply(self.receive(bytes(body[:length]))))
        self._connections.discard(connection)


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(_CHUNK)
    if not data:
        raise ConnectionError("hung up")
    return data


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0


def _reply(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}", "Content-Length: 0"]
    if reply.retry_after is not None:
        lines.append(f"Retry-After: {reply.retry_after:g}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
