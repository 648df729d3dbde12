"""One HTTP request seen from between server and application: every message passes at once, what is needed is noted.

``receive`` and ``send`` never await, raise or wait on their own behalf. Bodies are kept as the chunks they came in:
nothing is joined, copied or parsed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import Any, Final

from neural.capture.account import INTERNAL, Account
from neural.capture.record import Record
from neural.wire.event import Flag, Outcome

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_UNCHARGED: Final = 4_096  # bytes of bodies a running request may hold before it is charged for them
_BODIES_OFF: Final = int(Flag.BODIES_OFF)
_STREAMED: Final = int(Flag.STREAMED)
_EXCEPTION: Final = int(Outcome.EXCEPTION)
_DISCONNECTED: Final = int(Outcome.DISCONNECTED)
_TIMEOUT: Final = int(Outcome.TIMEOUT)
_NO_RESPONSE: Final = int(Outcome.NO_RESPONSE)
# By name: importing asyncio, anyio or a framework for one class each would weigh more than the whole of capture.
_WHOLE_FILES: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})
_CANCELLED: Final = frozenset({"CancelledError", "Cancelled", "GeneratorExit"})
_DISCONNECTS: Final = frozenset({"ClientDisconnect", "ClientDisconnected"})


class Exchange(Record):
    """A request under way. ``finish`` must be called once, whatever happens."""

    allowance: int = _UNCHARGED
    gone: bool = False  # the client went away before the response was complete
    complete: bool = False
    cost_ns: int = 0
    id_header: tuple[bytes, bytes] | None = None  # what is added to the response

    def __init__(self, account: Account, scope: Scope, receive: Receive, send: Send) -> None:
        self.method = scope["method"]
        self.path = scope["path"]
        self.query = scope.get("query_string", b"")
        self.request_headers = scope["headers"]
        self.request_chunks = []
        self.response_chunks = []
        self.request_cap = account.request_cap
        self.response_cap = account.response_cap
        self.account = account
        if account.rung:
            self.flags = _BODIES_OFF
        self._receive = receive
        self._send = send
        self.started_ns = perf_counter_ns()

    async def receive(self) -> Message:
        message = await self._receive()
        try:
            self.note_received(message)
        except Exception:
            self.lose_bodies()
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Not a coroutine: the server's own awaitable is handed on, which saves a frame for every message."""
        try:
            message = self.note_sent(message)
        except Exception:
            self.lose_bodies()
        return self._send(message)

    def note_received(self, message: Message) -> None:
        if message["type"] == "http.request":
            body = message.get("body")
            if body:
                size = self.request_size
                self.request_size = size + len(body)
                if size < self.request_cap:
                    self.request_chunks.append(body if type(body) is bytes else bytes(body))
                    self.held = held = self.held + len(body)
                    if held > self.allowance:
                        self.charge()
        elif message["type"] == "http.disconnect" and not self.complete:
            self.gone = True

    def note_sent(self, message: Message) -> Message:
        kind = message["type"]
        if kind == "http.response.body":
            if not self.first_byte_ns:
                self.first_byte_ns = perf_counter_ns()
            body = message.get("body")
            if body:
                size = self.response_size
                self.response_size = size + len(body)
                if size < self.response_cap:
                    self.response_chunks.append(body if type(body) is bytes else bytes(body))
                    self.held = held = self.held + len(body)
                    if held > self.allowance:
                        self.charge()
            if message.get("more_body"):
                self.flags |= _STREAMED
            else:
                self.complete = True
                self.ended_ns = perf_counter_ns()
        elif kind == "http.response.start":
            self.status = message["status"]
            message = self.with_id(message)
        elif kind in _WHOLE_FILES:
            self.complete = True
            self.first_byte_ns = self.ended_ns = perf_counter_ns()
        return message

    def with_id(self, message: Message) -> Message:
        """The response's start with the prediction id added; the application's own id, where it sets one, wins."""
        headers = [*message.get("headers", ())]
        self.response_headers = headers
        if self.id_header is None:
            return message
        name = self.id_header[0]
        for header in headers:
            if header[0] == name:
                self.prediction_id = header[1]
                return {**message, "headers": headers}
        return {**message, "headers": [*headers, self.id_header]}

    def charge(self) -> None:
        """The bodies have outgrown what was charged: charge twice as much at once, so that it happens rarely."""
        wanted = max(self.held, 2 * self.reserved)
        if self.account.reserve(self, wanted):
            self.allowance = wanted
        else:
            self.lose_bodies()

    def lose_bodies(self) -> None:
        """Let go of the bodies; sizes go on being counted."""
        self.request_chunks = []
        self.response_chunks = []
        self.request_cap = self.response_cap = self.held = 0
        self.flags |= _BODIES_OFF

    def fail(self, error: BaseException) -> None:
        """The application raised."""
        name = type(error).__name__
        if name in _DISCONNECTS:
            self.outcome = _DISCONNECTED
        elif name in _CANCELLED:
            self.outcome = _DISCONNECTED if self.gone else _TIMEOUT
        else:
            self.outcome = _EXCEPTION

    def finish(self) -> None:
        """Hand the record over. Server and framework are let go of: their finalisers must not run on the shipper's thread."""
        try:
            if not self.ended_ns:
                self.ended_ns = perf_counter_ns()
            if not self.complete and not self.outcome:
                self.outcome = _DISCONNECTED if self.gone else _NO_RESPONSE
            del self._receive, self._send
            self.account.finish(self)
        except Exception:
            self.account.drop_started(INTERNAL, self)


class MeteredExchange(Exchange):
    """An exchange that times its own share. One request in METER_EVERY is one; the rest pay nothing for the measurement."""

    async def receive(self) -> Message:
        message = await self._receive()
        begun = perf_counter_ns()
        try:
            self.note_received(message)
        except Exception:
            self.lose_bodies()
        self.cost_ns += perf_counter_ns() - begun
        return message

    def send(self, message: Message) -> Awaitable[None]:
        begun = perf_counter_ns()
        try:
            message = self.note_sent(message)
        except Exception:
            self.lose_bodies()
        self.cost_ns += perf_counter_ns() - begun
        return self._send(message)

    def finish(self) -> None:
        begun = perf_counter_ns()
        super().finish()
        self.account.meter.add(self.cost_ns + perf_counter_ns() - begun)
