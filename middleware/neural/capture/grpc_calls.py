"""One gRPC call seen from between core and behaviour. Each call gets a handler of its own, which is the record keeper too.

A call begins when gRPC asks who handles it and ends exactly once: when a unary response is serialised, a stream is exhausted or
given up, the behaviour raises, or, where it never came so far, when the handler is let go of. The behaviours' forms stand in
``grpc_kinds.py``.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any, Final, NamedTuple

from neural.capture.account import Account
from neural.capture.exchange import ANY
from neural.capture.record import Origin
from neural.capture.settings import Settings
from neural.capture.spans import MODULES, TRACER, span_id
from neural.capture.underway import Underway
from neural.wire.event import Flag, Outcome, Protocol

_OK: Final = 0
_CANCELLED: Final = 1
_UNKNOWN: Final = 2
_DEADLINE_EXCEEDED: Final = 4
_INTERNAL: Final = 13
_REQUEST_STREAMED: Final = int(Flag.REQUEST_STREAMED)
_STREAMED: Final = int(Flag.STREAMED)
_MAX_ID: Final = 256
# The server's deadline lies a little after the client's, who hangs up at his: with so little left, time was what ended the call.
_DEADLINE_SLACK_SECONDS: Final = 0.1
_CANCELLATIONS: Final = frozenset({"CancelledError", "GeneratorExit"})
_new: Final = object.__new__


def behaviour_of(handler: Any) -> Any:
    """The one of a handler's four functions that is set."""
    if handler.request_streaming:
        return handler.stream_stream if handler.response_streaming else handler.stream_unary
    return handler.unary_stream if handler.response_streaming else handler.unary_unary


class Method(NamedTuple):
    """What the calls of one method have in common: found out once."""

    handler: Any
    kind: type[Call]
    behaviour: Any
    deserialise: Any
    serialise: Any
    origin: Origin
    streams: tuple[bool, bool]  # its requests, its responses
    flags: int
    id_wanted: tuple[str, object]  # the metadata's key that carries the prediction id, and ANY
    returns_id: bool

    @classmethod
    def of(cls, handler: Any, kind: type[Call], settings: Settings) -> Method:
        origin = Origin(int(Protocol.GRPC), settings.model, settings.version)
        streams = bool(handler.request_streaming), bool(handler.response_streaming)
        flags = (_REQUEST_STREAMED if streams[0] else 0) | (_STREAMED if streams[1] else 0)
        serialisers = handler.request_deserializer, handler.response_serializer
        wanted = (settings.id_header.lower(), ANY)
        return cls(handler, kind, behaviour_of(handler), *serialisers, origin, streams, flags, wanted, settings.grpc_id)


class Call(Underway):
    """Handler and record of one call. Subclasses add the behaviour in the form that their server looks for."""

    __slots__ = ("_came_back", "_context", "_method", "_open", "request_streaming", "response_streaming")

    _method: Method
    _context: Any
    _open: bool  # counted, and not ended
    _came_back: bool  # the behaviour has returned
    request_streaming: bool
    response_streaming: bool

    # The core asks for these by name. What a unary call needs is written out in them: on a server that is not busy every
    # function is cold when it is called, and costs a microsecond.
    def request_deserializer(self, data: bytes) -> Any:
        if self.request_streaming:
            self.keep_request(_prefix(data))
            self.keep_request(data)
        elif len(data) <= self.request_room:
            self.request_body = data
        else:
            self.keep_request(data)
        deserialise = self._method.deserialise
        if deserialise is None:
            return data
        try:
            return deserialise(data)
        except BaseException:
            if not self.request_streaming:
                self.end(_INTERNAL, Outcome.EXCEPTION)
            raise

    def response_serializer(self, response: Any) -> bytes:
        serialise = self._method.serialise
        try:
            data: bytes = response if serialise is None else serialise(response)
        except BaseException:
            self.end(_INTERNAL, Outcome.EXCEPTION)
            raise
        now = perf_counter_ns()
        if not self.first_byte_ns:
            self.first_byte_ns = now
        if self.response_streaming:
            self.keep_response(_prefix(data))
            self.keep_response(data)
            return data
        if len(data) <= self.response_room:
            self.response_body = data
        else:
            self.keep_response(data)
        if self._open:
            if self.served():
                self._open, self._context = False, None
                self.ended_ns = now
                self.finish()
            else:
                self._end_of_response()
        return data

    def served(self) -> bool:
        """Nothing stood in the way of the answer: no code was set, and the client is still there."""
        context = self._context
        try:
            return context.code() is None and context.is_active()
        except Exception:  # not a context of gRPC's own
            return False

    def given_id(self) -> bytes | None:
        key = self._method.id_wanted[0]
        for name, value in self.request_headers:
            if name == key and 0 < len(value) <= _MAX_ID:
                return value if isinstance(value, bytes) else value.encode()
        return None

    def entered(self, context: Any) -> None:
        """The behaviour is about to run. The id goes into the trailing metadata if asked for; the behaviour's own replaces it."""
        self._context = context
        if TRACER in MODULES:
            self.span_id = span_id()
        if self._method.returns_id:
            context.set_trailing_metadata(((self._method.id_wanted[0], self.prediction_id.decode("latin-1")),))

    def _end_of_response(self) -> None:
        """Served to the end; but the client may have gone, and the behaviour may have set a code."""
        code = self._code()
        if code:
            self.end(code, Outcome.COMPLETED)
        elif self._client_has_gone():
            self._end_cancelled()
        else:
            self.end(_OK, Outcome.COMPLETED)

    def _end_cancelled(self) -> None:
        self.end(*self._cancelled())

    def _cancelled(self) -> tuple[int, Outcome]:
        if self._deadline_passed():
            return _DEADLINE_EXCEEDED, Outcome.TIMEOUT
        return _CANCELLED, Outcome.DISCONNECTED

    def raised(self, error: BaseException) -> None:
        """The behaviour raised."""
        self.end(*self.failure(error))

    def failure(self, error: BaseException) -> tuple[int, Outcome]:
        """What ``error`` makes of the call. With a code that the behaviour set (as ``abort`` does) that is its answer, not an accident."""
        code = self._code()
        if type(error).__name__ in _CANCELLATIONS or (code is None and self._client_has_gone()):
            return self._cancelled()
        return (code, Outcome.COMPLETED) if code else (_UNKNOWN, Outcome.EXCEPTION)

    def end_if_coded(self) -> None:
        """A unary behaviour came back. With a code that is not OK the asyncio server leaves the response out."""
        code = self._code()
        if code:
            self.end(code, Outcome.COMPLETED)

    def _code(self) -> int | None:
        """The code the behaviour has set; None when it has not, or the context can't tell."""
        try:
            code = self._context.code()
        except Exception:
            return None
        if code is None:
            return None
        value = getattr(code, "value", code)
        return int(value[0] if isinstance(value, tuple) else value)

    def _client_has_gone(self) -> bool:
        try:
            return not self._context.is_active() or self._deadline_passed(slack_seconds=0.0)
        except Exception:  # not a context of gRPC's own
            return False

    def _deadline_passed(self, slack_seconds: float = _DEADLINE_SLACK_SECONDS) -> bool:
        try:
            left = self._context.time_remaining()
        except Exception:
            return False
        return left is not None and left <= slack_seconds

    def end(self, code: int, outcome: Outcome) -> None:
        """Into the books, once. Never raises."""
        if not self._open:
            return
        self._open = False
        self._context = None
        self.status, self.outcome = code, int(outcome)
        self.ended_ns = perf_counter_ns()
        self.finish()

    def __del__(self) -> None:
        if self._open:
            self.let_go()

    def let_go(self) -> None:
        """Nobody will ask any more, and nothing was serialised: another interceptor held the call back, or changed its code."""
        code = self._code()
        if code:
            self.end(code, Outcome.COMPLETED)
        else:
            self.end(_UNKNOWN, Outcome.COMPLETED if self._came_back else Outcome.NO_RESPONSE)


def open_call(method: Method, details: Any, account: Account) -> Call:
    """A call begins. A function, not a constructor: calling a class costs CPython 3.11 more."""
    call = _new(method.kind)
    call._method = method  # noqa: SLF001 - in place of a constructor
    call._context = None  # noqa: SLF001
    call._open, call._came_back = False, False  # noqa: SLF001
    call.request_streaming, call.response_streaming = method.streams
    call.account = account
    call.origin, call.method, call.path, call.query = method.origin, "POST", details.method, b""
    call.request_headers, call.response_headers = details.invocation_metadata or (), ()
    _, call.prediction_id = account.begin()
    call._open = True  # noqa: SLF001
    if method.id_wanted in call.request_headers:
        call.prediction_id = call.given_id() or call.prediction_id
    call.span_id = b""
    call.request_body = call.response_body = b""
    call.request_long = call.response_long = None
    call.request_room, call.response_room = account.request_room, account.response_room
    call.flags = account.flags | method.flags
    call.status = call.outcome = call.first_byte_ns = call.ended_ns = 0
    call.started_ns = perf_counter_ns()
    return call


def _prefix(data: bytes) -> bytes:
    """gRPC's own framing of a message, which keeps the messages of a stream apart."""
    return b"\0" + len(data).to_bytes(4, "big")
