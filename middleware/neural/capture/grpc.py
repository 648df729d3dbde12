"""Capture for gRPC servers, threaded and asyncio: ``grpc.server(…, interceptors=[CaptureInterceptor(model="fraud")])`` and
``grpc.aio.server(interceptors=[AioCaptureInterceptor(model="fraud")])``. The only file of capture that imports grpc.

Bytes are taken where gRPC turns them into messages and back, so nothing is serialised twice. Behaviours that use gRPC's
experimental attributes (a thread pool of their own, non-blocking responses) are served, but not captured.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final, Unpack

import grpc
import grpc.aio

from neural.capture import grpc_kinds as kinds
from neural.capture.grpc_calls import Call, Method, behaviour_of, open_call
from neural.capture.ladder import Rung
from neural.capture.options import Options
from neural.capture.recorder import Recorder, recorder_for
from neural.capture.settings import Settings, load_settings
from neural.capture.transport import Transport
from neural.wire.event import Ledger

_PROBES: Final = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
_EXPERIMENTAL: Final = ("experimental_non_blocking", "experimental_thread_pool")
_COUNTS_ONLY: Final = Rung.COUNTS_ONLY
Choose = Callable[[Any, bool], type[Call]]
"""(behaviour, whether its responses stream) → how the call is recorded."""


class _Interceptor:
    """What both interceptors share."""

    def __init__(
        self,
        *,
        model: str | None = None,
        version: str | None = None,
        endpoint: str | None = None,
        settings: Settings | None = None,
        transport: Transport | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.settings = settings or load_settings({"model": model, "version": version, "endpoint": endpoint, **options})
        self._recorder = recorder_for(self.settings, transport)
        self._excluded = _PROBES | frozenset(self.settings.exclude)
        self._methods: dict[str, Method | None] = {}
        self._enabled = self.settings.enabled

    def _wrap(self, handler: Any, details: Any, choose: Choose) -> Any:
        """A handler for this one call; the same handler when nothing is captured of it."""
        name = details.method
        if handler is None or name in self._excluded or not self._enabled:
            return handler
        method = self._methods.get(name)
        if method is None or method.handler is not handler:
            method = self._method(name, handler, choose)
            if method is None:
                return handler
        recorder = self._recorder
        if recorder.asleep:
            recorder.start()
        account = recorder.account
        if account.rung is _COUNTS_ONLY:
            account.skip()
            return handler
        return open_call(method, details, account)

    def _method(self, name: str, handler: Any, choose: Choose) -> Method | None:
        """None for one that is not captured."""
        behaviour = behaviour_of(handler)
        if behaviour is None or any(hasattr(behaviour, attribute) for attribute in _EXPERIMENTAL):
            return None
        method = Method.of(handler, choose(behaviour, handler.response_streaming), self.settings)
        if len(self._methods) < _MAX_METHODS:
            self._methods[name] = method
        return method

    def ledger(self) -> Ledger:
        """Where every call of this process went."""
        return self._recorder.ledger()

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything finished so far is settled. False when the sidecar did not take it in time."""
        return self._recorder.flush(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Ship what is left, for a bounded time. For after ``server.stop()``; else the process's end does it."""
        self._recorder.close(timeout_seconds)


_MAX_METHODS: Final = 10_000  # a generic handler may answer to any name


def _threaded(_: Any, streams: bool) -> type[Call]:
    return kinds.ThreadedStream if streams else kinds.ThreadedUnary


def _asyncio(behaviour: Any, streams: bool) -> type[Call]:
    if not inspect.iscoroutinefunction(behaviour) and not inspect.isasyncgenfunction(behaviour):
        return kinds.PlainStream if streams else kinds.PlainUnary  # run in the server's thread pool
    if not streams:
        return kinds.AioUnary
    return kinds.AioGenerator if inspect.isasyncgenfunction(behaviour) else kinds.AioWriter


class CaptureInterceptor(_Interceptor, grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """For ``grpc.server``. Takes what CaptureMiddleware takes."""

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        return self._wrap(continuation(handler_call_details), handler_call_details, _threaded)


class AioCaptureInterceptor(_Interceptor, grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """For ``grpc.aio.server``. Takes what CaptureMiddleware takes."""

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        return self._wrap(await continuation(handler_call_details), handler_call_details, _asyncio)
