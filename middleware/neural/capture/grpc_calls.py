"""One gRPC call seen from between core and behaviour. Each call gets a handler of its own, which is the record keeper too.

A call begins when its first message arrives (or its behaviour is called) and ends exactly once: when a unary response is
serialised, a stream is exhausted or given up, the behaviour raises, or, where another interceptor never let it come so far,
when the handler is let go of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from time import perf_counter_ns
from typing import Any, Final

from neural.capture.account import INTERNAL, Account
from neural.capture.settings import Settings
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


def behaviour_of(handler: Any) -> Any:
    """The one of a handler's four functions that is set."""
    if handler.request_streaming:
        return handler.stream_stream if handler.response_streaming else handler.stream_unary
    return handler.unary_stream if handler.response_streaming else handler.unary_unary


class GrpcRecord(Underway):
    """A call under way."""

    __slots__ = ("grpc_status",)

    protocol = int(Protocol.GRPC)


class Call:
    """Handler and record of one call. Subclasses add the behaviour in the form that their server looks for."""

    __slots__ = (
        "_behaviour",
        "_came_back",
        "_context",
        "_deserialise",
        "_id_key",
        "_open",
        "_returns_id",
        "_serialise",
        "record",
        "request_streaming",
        "response_streaming",
    )

    def __init__(self, handler: Any, details: Any, account: Account, settings: Settings) -> None:
        self.request_streaming = handler.request_streaming
        self.response_streaming = handler.response_streaming
        self._behaviour = behaviour_of(handler)
        self._deserialise = handler.request_deserializer
        self._serialise = handler.response_serializer
        self._context: Any = None
        self._id_key = settings.id_header.lower()
        self._returns_id = settings.grpc_id
        self._open = self._came_back = False
        record = self.record = GrpcRecord()
        record.account = account
        record.method, record.path, record.query = "POST", details.method, b""
        record.model, record.version = settings.model, settings.version
        record.request_headers, record.response_headers = details.invocation_metadata or (), ()
        record.request_chunks = record.response_chunks = None
        record.request_room = record.request_granted = account.request_room
        record.response_room = record.response_granted = account.response_room
        record.flags = account.flags
        if self.request_streaming:
            record.flags |= _REQUEST_STREAMED
        if self.response_streaming:
            record.flags |= _STREAMED
        record.outcome = record.status = record.grpc_status = record.request_size = record.response_size = 0
        record.first_byte_ns = record.ended_ns = record.reserved = 0
        record.refused = False
        record.started_ns = perf_counter_ns()

    # The core asks for these by name.
    def request_deserializer(self, data: bytes) -> Any:
        if not self._open:
            self._begin()
        self._note_request(data)
        if self._deserialise is None:
            return data
        try:
            return self._deserialise(data)
        except BaseException:
            if not self.request_streaming:
                self.end(_INTERNAL, Outcome.EXCEPTION)
            raise

    def response_serializer(self, response: Any) -> bytes:
        try:
            data: bytes = response if self._serialise is None else self._serialise(response)
        except BaseException:
            self.end(_INTERNAL, Outcome.EXCEPTION)
            raise
        self._note_response(data)
        if not self.response_streaming:
            self._end_of_response()
        return data

    def _begin(self) -> None:
        """Count the call and name it."""
        record = self.record
        number = record.account.begin()
        self._open = True
        key = self._id_key
        for name, value in record.request_headers:
            if name == key and 0 < len(value) <= _MAX_ID:
                record.prediction_id = value if isinstance(value, bytes) else value.encode()
                return
        record.prediction_id = b"%b%08x" % (record.account.id_prefix, number)

    def entered(self, context: Any) -> None:
        """The behaviour is about to run. The id goes into the trailing metadata if asked for; the behaviour's own replaces it."""
        self._context = context
        if not self._open:
            self._begin()
        if self._returns_id:
            context.set_trailing_metadata(((self._id_key, self.record.prediction_id.decode("latin-1")),))

    def _note_request(self, data: bytes) -> None:
        if self.request_streaming:
            self.record.keep_request(_prefix(data))
        self.record.keep_request(data)

    def _note_response(self, data: bytes) -> None:
        record = self.record
        if not record.first_byte_ns:
            record.first_byte_ns = perf_counter_ns()
        if self.response_streaming:
            record.keep_response(_prefix(data))
        record.keep_response(data)

    def _end_of_response(self) -> None:
        """Served to the end; but the client may have gone, and the behaviour may have set a code."""
        code = self._code()
        if not code and self._client_has_gone():
            self._end_cancelled()
        else:
            self.end(code or _OK, Outcome.COMPLETED)

    def _end_cancelled(self) -> None:
        if self._deadline_passed():
            self.end(_DEADLINE_EXCEEDED, Outcome.TIMEOUT)
        else:
            self.end(_CANCELLED, Outcome.DISCONNECTED)

    def raised(self, error: BaseException) -> None:
        """The behaviour raised. With a code that it set (as ``abort`` does) that is its answer, not an accident."""
        code = self._code()
        if type(error).__name__ in _CANCELLATIONS or (code is None and self._client_has_gone()):
            self._end_cancelled()
        elif code:
            self.end(code, Outcome.COMPLETED)
        else:
            self.end(_UNKNOWN, Outcome.EXCEPTION)

    def returned(self) -> None:
        """A unary behaviour came back. With a code that is not OK the core may leave the response out."""
        self._came_back = True
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
        except Exception:  # asyncio contexts have no such question: there the behaviour is cancelled, a little later
            return self._deadline_passed(slack_seconds=0.0)

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
        record = self.record
        try:
            record.grpc_status = code
            record.outcome = int(outcome)
            record.ended_ns = perf_counter_ns()
            record.hand_over()
        except Exception:
            record.account.drop_started(INTERNAL, record)

    def __del__(self) -> None:
        if self._open:
            # Behaviour done but nothing serialised: it set a code on a context that can't be asked for it.
            self.end(_UNKNOWN, Outcome.COMPLETED if self._came_back else Outcome.NO_RESPONSE)


def _prefix(data: bytes) -> bytes:
    """gRPC's own framing of a message, which keeps the messages of a stream apart."""
    return b"\0" + len(data).to_bytes(4, "big")


class ThreadedUnary(Call):
    """A plain function that returns a response."""

    __slots__ = ()

    def unary_unary(self, request: Any, context: Any) -> Any:
        self.entered(context)
        try:
            response = self._behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self.returned()
        return response

    stream_unary = unary_unary
    unary_stream = stream_stream = None


class ThreadedStream(Call):
    """A generator function, or one that returns an iterator."""

    __slots__ = ()

    def unary_stream(self, request: Any, context: Any) -> Iterator[Any]:
        self.entered(context)
        try:
            yield from self._behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None


class AioUnary(Call):
    """A coroutine function that returns a response."""

    __slots__ = ()

    async def unary_unary(self, request: Any, context: Any) -> Any:
        self.entered(context)
        try:
            response = await self._behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self.returned()
        return response

    stream_unary = unary_unary
    unary_stream = stream_stream = None


class AioGenerator(Call):
    """An async generator function."""

    __slots__ = ()

    async def unary_stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.entered(context)
        try:
            async for response in self._behaviour(request, context):
                yield response
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None


class AioWriter(Call):
    """A coroutine function that writes its responses to the context."""

    __slots__ = ()

    async def unary_stream(self, request: Any, context: Any) -> None:
        self.entered(context)
        try:
            await self._behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None
