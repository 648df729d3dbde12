"""One HTTP request seen from between server and application: every message passes at once, what is needed is noted.

``receive`` and ``send`` never await, raise or wait on their own behalf. Bodies are kept as the chunks they came in:
nothing is joined, copied or parsed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import Any, Final

from neural.capture.spans import MODULES, TRACER, span_id
from neural.capture.underway import Underway
from neural.wire.event import Flag, Outcome

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_STREAMED: Final = int(Flag.STREAMED)
_EXCEPTION: Final = int(Outcome.EXCEPTION)
_DISCONNECTED: Final = int(Outcome.DISCONNECTED)
_TIMEOUT: Final = int(Outcome.TIMEOUT)
_NO_RESPONSE: Final = int(Outcome.NO_RESPONSE)
# By name: importing asyncio, anyio or a framework for one class each would weigh more than the whole of capture.
_CANCELLED: Final = frozenset({"CancelledError", "Cancelled", "GeneratorExit"})
_DISCONNECTS: Final = frozenset({"ClientDisconnect", "ClientDisconnected"})
_WHOLE_FILES: Final = frozenset({"http.response.pathsend", "http.response.zerocopysend"})


class _Any:
    """Equals everything: ``(name, ANY) in headers`` looks for a name without a loop in Python."""

    __slots__ = ()

    def __eq__(self, _other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]  # nothing that equals everything has a hash


ANY: Final = _Any()


class Exchange(Underway):
    """A request under way. ``end``, or ``finish`` where ``ended_ns`` is set, must be called once, whatever happens."""

    __slots__ = ("_receive", "_send", "id_wanted")

    id_wanted: tuple[bytes, object] | None  # the name of the header that carries the prediction id, and ANY
    _receive: Receive
    _send: Send

    async def receive(self) -> Message:
        receive = self._receive  # called as a method it is looked up in the class first, every time
        message = await receive()
        try:
            body = message["body"]
            long = self.request_long
            if long is not None:
                chunks = long.chunks
                if len(body) <= long.fit and len(chunks) < long.paid:
                    chunks.append(body)
                else:
                    long.keep(body)
            elif not self.request_body and len(body) <= self.request_room:
                self.request_body = body
            else:
                self.keep_request(body)
        except Exception:
            self.note_no_body(message)
        return message

    def note_no_body(self, message: Message) -> None:
        """The client has gone, if it is not just an odd message. Whatever the application goes on to send."""
        if message.get("type") == "http.disconnect" and not self.ended_ns:
            self.outcome = _DISCONNECTED

    def send(self, message: Message) -> Awaitable[None]:
        """Not a coroutine: the server's own awaitable is handed on, which saves a frame for every message."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                body = message.get("body", b"")
                long = self.response_long
                if long is not None:
                    chunks = long.chunks
                    if len(body) <= long.fit and len(chunks) < long.paid:
                        chunks.append(body)
                    else:
                        long.keep(body)
                elif not self.response_body and len(body) <= self.response_room:
                    self.response_body = body
                else:
                    self.keep_response(body)
                now = perf_counter_ns()
                if not self.first_byte_ns:
                    self.first_byte_ns = now
                if message.get("more_body"):
                    self.flags |= _STREAMED
                else:
                    self.ended_ns = now
            elif kind == "http.response.start":
                self.status = message["status"]
                # Copies: an application may send the same message again for its next request.
                headers = [*message.get("headers", ())]
                wanted = self.id_wanted
                if wanted is not None:
                    if wanted in headers or (headers and type(headers[0]) is not tuple):
                        self._take_id(headers, wanted[0])
                    else:
                        headers.append((wanted[0], self.prediction_id))
                if TRACER in MODULES and not self.span_id:  # the tracer sits between us and the application
                    self.span_id = span_id()
                message = message.copy()  # type: ignore[attr-defined]  # messages are dicts
                message["headers"] = self.response_headers = headers
            elif kind in _WHOLE_FILES:
                self.first_byte_ns = self.ended_ns = perf_counter_ns()
        except Exception:  # a message that is not as ASGI says: the server will tell the application
            self.lose_bodies()
        send = self._send
        return send(message)

    def _take_id(self, headers: list[tuple[bytes, bytes]], name: bytes) -> None:
        """The application's own prediction id, where it sets one, wins; else ours is added."""
        for header in headers:
            if header[0] == name:
                self.prediction_id = header[1]
                return
        headers.append((name, self.prediction_id))

    def fail(self, error: BaseException) -> None:
        """The application raised."""
        name = type(error).__name__
        if name in _DISCONNECTS:
            self.outcome = _DISCONNECTED
        elif name not in _CANCELLED:
            self.outcome = _EXCEPTION
        elif self.outcome != _DISCONNECTED:
            self.outcome = _TIMEOUT

    def end(self) -> None:
        """The application has returned or raised."""
        if not self.ended_ns:
            self.ended_ns = perf_counter_ns()
            if not self.outcome:
                self.outcome = _NO_RESPONSE
        self.finish()


class MeteredExchange(Exchange):
    """An exchange that times its own share. One request in METER_EVERY is one; the rest pay nothing for the measurement.

    By the wall clock: a thread's CPU time is a call to the kernel, dearer than what is to be measured. Nothing in the timed
    stretches waits; a stretch in which the interpreter switches threads is an outlier, which the median leaves out.
    """

    __slots__ = ("begun_ns", "cost_ns", "stretches")

    begun_ns: int  # when opening the exchange began
    cost_ns: int
    stretches: int

    async def receive(self) -> Message:
        message = await self._receive()
        begun = perf_counter_ns()
        try:
            self.keep_request(message["body"])
        except Exception:
            self.note_no_body(message)
        self.cost_ns += perf_counter_ns() - begun
        self.stretches += 1
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """The server's send is called inside, but as a coroutine function it does nothing yet."""
        begun = perf_counter_ns()
        try:
            return Exchange.send(self, message)
        finally:
            self.cost_ns += perf_counter_ns() - begun
            self.stretches += 1

    def finish(self) -> None:
        begun, meter = perf_counter_ns(), self.account.meter
        Exchange.finish(self)
        meter.add(self.cost_ns + perf_counter_ns() - begun, self.stretches + 1)
