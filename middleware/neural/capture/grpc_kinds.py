"""The kinds of gRPC calls: the behaviour in the form that a server looks for, threaded or asyncio, one response or a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from threading import Lock
from typing import Any

from neural.capture.grpc_calls import Call
from neural.capture.spans import MODULES, TRACER
from neural.wire.event import Outcome


class ThreadedUnary(Call):
    """A plain function that returns a response."""

    __slots__ = ()

    def unary_unary(self, request: Any, context: Any) -> Any:
        method = self._method
        if method.returns_id or TRACER in MODULES:
            self.entered(context)
        else:
            self._context = context
        try:
            response = method.behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._came_back = True
        return response

    stream_unary = unary_unary
    unary_stream = stream_stream = None


class ThreadedStream(Call):
    """A generator function, or one that returns an iterator."""

    __slots__ = ()

    def unary_stream(self, request: Any, context: Any) -> Iterator[Any]:
        self.entered(context)
        try:
            yield from self._method.behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None


class AioCall(Call):
    """Of the asyncio server, which cancels a behaviour whose client has gone, and whose context can't be asked whether he has."""

    __slots__ = ()

    def _client_has_gone(self) -> bool:
        return self._deadline_passed(slack_seconds=0.0)

    def served(self) -> bool:
        context = self._context
        try:
            return context.time_remaining() != 0  # type: ignore[no-any-return]
        except Exception:  # not a context of gRPC's own
            return False


class _PlainContext:
    """The context of a plain function in the asyncio server, which can't be asked for the code: it is noted as it is set."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._code: Any = None
        self.aborted = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def set_code(self, code: Any) -> None:
        self._code = code
        self._context.set_code(code)

    def abort(self, code: Any, *details: Any, **more: Any) -> None:
        self._code = code
        self.aborted = True
        self._context.abort(code, *details, **more)

    def code(self) -> Any:
        return self._code


class PlainUnary(ThreadedUnary):
    """A plain function in the asyncio server. It is not told when its client goes, nor cancelled: it comes back, and nobody
    serialises what it returns.
    """

    __slots__ = ()

    def unary_unary(self, request: Any, context: Any) -> Any:
        response = ThreadedUnary.unary_unary(self, request, _PlainContext(context))
        self.end_if_coded()
        return response

    stream_unary = unary_unary

    def _client_has_gone(self) -> bool:
        return self._deadline_passed(slack_seconds=0.0)

    served = AioCall.served

    def let_go(self) -> None:
        if self._came_back and not self._code():
            self._end_cancelled()
        else:
            ThreadedUnary.let_go(self)


class PlainStream(ThreadedStream):
    """A plain generator function in the asyncio server, which closes the generator when its client has gone.

    The generator runs on a thread, up to two messages ahead of the loop that serialises them: a call is over when the last of
    them is serialised, also where the behaviour has raised by then.
    """

    __slots__ = ("_exhausted", "_failure", "_lock", "_serialised", "_yielded")

    _exhausted: bool
    _failure: tuple[int, Outcome] | None
    _serialised: int
    _yielded: int

    def unary_stream(self, request: Any, context: Any) -> Iterator[Any]:
        self._lock, self._exhausted, self._failure, self._serialised, self._yielded = Lock(), False, None, 0, 0
        return self._responses(request, _PlainContext(context))

    stream_stream = unary_stream

    def _responses(self, request: Any, context: _PlainContext) -> Iterator[Any]:
        self.entered(context)
        try:
            for response in self._method.behaviour(request, context):
                self._yielded += 1
                yield response
        except Exception as error:
            if context.aborted:  # the server has sent its status, and serialises nothing any more
                self.raised(error)
            else:
                self._exhaust(self.failure(error))
            raise
        except BaseException as error:  # closed from outside: nothing is serialised any more
            self.raised(error)
            raise
        self._exhaust(None)

    def _exhaust(self, failure: tuple[int, Outcome] | None) -> None:
        with self._lock:
            self._exhausted, self._failure = True, failure
            is_over = self._serialised >= self._yielded
        if is_over:
            self._end_of_stream()

    def _end_of_stream(self) -> None:
        if self._failure:
            self.end(*self._failure)
        else:
            self._end_of_response()

    def response_serializer(self, response: Any) -> bytes:
        data = ThreadedStream.response_serializer(self, response)
        with self._lock:
            self._serialised += 1
            is_over = self._exhausted and self._serialised >= self._yielded
        if is_over:
            self._end_of_stream()
        return data

    def let_go(self) -> None:
        if self._context is None or not self._exhausted:
            ThreadedStream.let_go(self)
        else:  # the last messages were never serialised
            self.end(*(self._failure or self._cancelled()))

    def _client_has_gone(self) -> bool:
        return self._deadline_passed(slack_seconds=0.0)


class AioUnary(AioCall):
    """A coroutine function that returns a response."""

    __slots__ = ()

    async def unary_unary(self, request: Any, context: Any) -> Any:
        method = self._method
        if method.returns_id or TRACER in MODULES:
            self.entered(context)
        else:
            self._context = context
        try:
            response = await method.behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._came_back = True
        self.end_if_coded()
        return response

    stream_unary = unary_unary
    unary_stream = stream_stream = None


class AioGenerator(AioCall):
    """An async generator function."""

    __slots__ = ()

    async def unary_stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.entered(context)
        try:
            async for response in self._method.behaviour(request, context):
                yield response
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None


class AioWriter(AioCall):
    """A coroutine function that writes its responses to the context."""

    __slots__ = ()

    async def unary_stream(self, request: Any, context: Any) -> None:
        self.entered(context)
        try:
            await self._method.behaviour(request, context)
        except BaseException as error:
            self.raised(error)
            raise
        self._end_of_response()

    stream_stream = unary_stream
    unary_unary = stream_unary = None
