"""One HTTP request seen from between server and application: every message passes at once, what is needed is noted.

``receive`` and ``send`` never await, raise or wait on their own behalf. Bodies are kept as the chunks they came in:
nothing is joined, copied or parsed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import Any, Final

from neural.capture.account import INTERNAL, Account
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


class Exchange(Underway):
    """A request under way. ``finish`` must be called once, whatever happens."""

    __slots__ = ("_receive", "_send", "gone", "id_header")

    id_header: tuple[bytes, bytes] | None  # what is added to the response
    gone: bool  # the client went away before the response was complete
    _receive: Receive
    _send: Send

    async def receive(self) -> Message:
        message = await self._receive()
        try:
            body = message["body"]
            room = self.request_room - len(body)
            if room >= 0:
                self.request_room = room
                chunks = self.request_chunks
                if chunks is None:
                    self.request_chunks = body
                elif type(chunks) is list:
                    chunks.append(body)
                else:
                    self.request_chunks = [chunks, body]  # type: ignore[list-item]  # it is bytes
            else:
                self.outgrown_request(body)
        except Exception:  # no body in it
            if message.get("type") == "http.disconnect" and not self.ended_ns:
                self.gone = True
        return message

    def send(self, message: Message) -> Awaitable[None]:
        """Not a coroutine: the server's own awaitable is handed on, which saves a frame for every message."""
        try:
            kind = message["type"]
            if kind == "http.response.body":
                body = message.get("body", b"")
                room = self.response_room - len(body)
                if room >= 0:
                    self.response_room = room
                    chunks = self.response_chunks
                    if chunks is None:
                        self.response_chunks = body
                    elif type(chunks) is list:
                        chunks.append(body)
                    else:
                        self.response_chunks = [chunks, body]  # type: ignore[list-item]  # it is bytes
                else:
                    self.outgrown_response(body)
                now = perf_counter_ns()
                if not self.first_byte_ns:
                    self.first_byte_ns = now
                if message.get("more_body"):
                    self.flags |= _STREAMED
                else:
                    self.ended_ns = now
            elif kind == "http.response.start":
                self.status = message["status"]
                message = self._with_id(message)
            elif kind in _WHOLE_FILES:
                self.first_byte_ns = self.ended_ns = perf_counter_ns()
        except Exception:  # a message that is not as ASGI says: the server will tell the application
            self.lose_bodies()
        return self._send(message)

    def _with_id(self, message: Message) -> Message:
        """The response's start with the prediction id added; the application's own id, where it sets one, wins.

        A copy: an application may send the same message again for its next request.
        """
        ours = self.id_header
        if ours is None:
            headers = [*message.get("headers", ())]
        else:
            name, prediction_id = ours
            headers = [*message.get("headers", ()), ours]
            given = prediction_id
            for header in headers:
                if header[0] == name:
                    given = header[1]
                    break
            if given is not prediction_id:
                self.prediction_id = given
                headers.pop()
        self.response_headers = headers
        changed = {**message}
        changed["headers"] = headers
        return changed

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
            if self.gone and not self.outcome:  # whatever the application went on to send
                self.outcome = _DISCONNECTED
            if not self.ended_ns:
                self.ended_ns = perf_counter_ns()
                if not self.outcome:
                    self.outcome = _NO_RESPONSE
            self._receive = self._send = _let_go
            self.hand_over()
        except Exception:
            self.account.drop_started(INTERNAL, self)


async def _let_go(*_: object) -> Any:
    """What a message meets that comes after the application has returned."""
    raise RuntimeError("the request is over")


_new: Final = object.__new__


def open_exchange(kind: type[Exchange], account: Account, scope: Scope, receive: Receive, send: Send) -> Exchange:
    """An exchange with everything set but the id, the model and the version.

    A function, not a constructor: calling a class costs CPython 3.11 three times as much. Raises KeyError for a scope that
    is not as ASGI says.
    """
    exchange = _new(kind)
    exchange.account = account
    exchange._receive = receive  # noqa: SLF001 - in place of a constructor
    exchange._send = send  # noqa: SLF001
    exchange.method = scope["method"]
    exchange.path = scope["path"]
    exchange.request_headers = scope["headers"]
    exchange.response_headers = ()
    exchange.request_chunks = exchange.response_chunks = None
    exchange.request_room = exchange.request_granted = account.request_room
    exchange.response_room = exchange.response_granted = account.response_room
    exchange.flags = account.flags
    exchange.outcome = exchange.status = exchange.request_size = exchange.response_size = 0
    exchange.first_byte_ns = exchange.ended_ns = exchange.reserved = 0
    exchange.gone = exchange.refused = False
    exchange.started_ns = perf_counter_ns()
    return exchange


class MeteredExchange(Exchange):
    """An exchange that times its own share. One request in METER_EVERY is one; the rest pay nothing for the measurement."""

    __slots__ = ("_cost_ns", "_elsewhere_ns", "_server_receive")

    def begin_metering(self, cost_ns: int) -> None:
        """``cost_ns``: what opening the exchange took."""
        self._cost_ns = cost_ns
        self._elsewhere_ns = 0  # spent in the server's own receive
        self._server_receive, self._receive = self._receive, self._timed_receive

    async def _timed_receive(self) -> Message:
        begun = perf_counter_ns()
        try:
            return await self._server_receive()
        finally:
            self._elsewhere_ns += perf_counter_ns() - begun

    async def receive(self) -> Message:
        begun, elsewhere = perf_counter_ns(), self._elsewhere_ns
        try:
            return await super().receive()
        finally:
            self._cost_ns += perf_counter_ns() - begun - (self._elsewhere_ns - elsewhere)

    def send(self, message: Message) -> Awaitable[None]:
        """The server's send is called inside, but as a coroutine function it does nothing yet."""
        begun = perf_counter_ns()
        try:
            return super().send(message)
        finally:
            self._cost_ns += perf_counter_ns() - begun

    def finish(self) -> None:
        begun = perf_counter_ns()
        super().finish()
        self._server_receive = _let_go
        self.account.meter.add(self._cost_ns + perf_counter_ns() - begun)


def open_metered(account: Account, scope: Scope, receive: Receive, send: Send) -> Exchange:
    begun = perf_counter_ns()
    exchange = open_exchange(MeteredExchange, account, scope, receive, send)
    assert isinstance(exchange, MeteredExchange)
    exchange.begin_metering(perf_counter_ns() - begun)
    return exchange
