"""CaptureMiddleware: wraps any ASGI application and is never noticed."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Final, Unpack

from neural.capture.account import INTERNAL
from neural.capture.exchange import ANY, Exchange, MeteredExchange, Receive, Scope, Send
from neural.capture.ladder import Rung
from neural.capture.lifespan import App, run_lifespan
from neural.capture.meter import METER_EVERY
from neural.capture.options import Options
from neural.capture.record import Origin, RawHeaders
from neural.capture.recorder import Recorder, recorder_for
from neural.capture.settings import Settings, load_settings
from neural.capture.spans import MODULES, TRACER, span_id
from neural.capture.transport import Transport
from neural.wire.event import Ledger, Protocol

_METER_MASK: Final = METER_EVERY - 1
_MAX_ID: Final = 256  # bytes of a prediction id that a client sends
_COUNTS_ONLY: Final = Rung.COUNTS_ONLY
_new: Final = object.__new__


class CaptureMiddleware:
    """Captures the HTTP requests of an ASGI application and ships them to the sidecar.

    ``app = CaptureMiddleware(app, model="fraud", version="3")``. Every other setting is a keyword too (the README has the
    table); what is not given is taken from ``NEURAL_CAPTURE_*``. Raises SettingsError for a mistake in them, and never
    anything afterwards.

    ``transport`` replaces the connection to the sidecar, for tests: see ``neural.capture.testing``.
    """

    def __init__(
        self,
        app: App,
        *,
        model: str | None = None,
        version: str | None = None,
        endpoint: str | None = None,
        settings: Settings | None = None,
        transport: Transport | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.app = app
        self.settings = settings or load_settings({"model": model, "version": version, "endpoint": endpoint, **options})
        self._recorder = recorder_for(self.settings, transport)
        self._captured = "http" if self.settings.enabled else ""  # the type of scope that is
        self._excluded = frozenset(self.settings.exclude)
        self._id_wanted = (self.settings.id_header.lower().encode(), ANY) if self.settings.id_header else None
        self._origin = Origin(int(Protocol.HTTP), self.settings.model, self.settings.version)
        self._query = self.settings.query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != self._captured or scope["path"] in self._excluded:
            if scope["type"] == "lifespan" and self._captured:
                await run_lifespan(self.app, scope, receive, send, self._recorder)
            else:
                await self.app(scope, receive, send)
            return
        exchange = self._begin(scope, receive, send)
        if exchange is None:
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            if exchange.ended_ns:
                exchange.finish()
            else:
                exchange.end()

    def _begin(self, scope: Scope, receive: Receive, send: Send) -> Exchange | None:
        """None when nothing is to be captured of this request; it has been counted then.

        Every attribute of an exchange is set here. Not in a constructor: calling a class costs CPython 3.11 more than all of it.
        """
        recorder = self._recorder
        account = recorder.account
        if recorder.asleep:
            recorder.start()
        if account.rung is _COUNTS_ONLY:
            account.skip()
            return None
        number, prediction_id = account.begin()
        try:
            if number & _METER_MASK:
                exchange = _new(Exchange)
            else:
                exchange = _new(MeteredExchange)
                exchange.begun_ns = perf_counter_ns()
            exchange.account = account
            exchange._receive = receive  # noqa: SLF001
            exchange._send = send  # noqa: SLF001
            exchange.method = scope["method"]
            exchange.path = scope["path"]
            exchange.request_headers = headers = scope["headers"]
            wanted = self._id_wanted
            if wanted in headers or (headers and type(headers[0]) is not tuple):
                prediction_id = _given_id(headers, wanted) or prediction_id
            exchange.prediction_id = prediction_id
            exchange.id_wanted = wanted
            exchange.origin = self._origin
            exchange.query = scope.get("query_string", b"") if self._query else b""
            exchange.span_id = span_id() if TRACER in MODULES else b""
            exchange.response_headers = ()
            exchange.request_body = exchange.response_body = b""
            exchange.request_long = exchange.response_long = None
            exchange.request_room = account.request_room
            exchange.response_room = account.response_room
            exchange.flags = account.flags
            exchange.outcome = exchange.status = exchange.first_byte_ns = exchange.ended_ns = 0
            exchange.started_ns = perf_counter_ns()
            if type(exchange) is MeteredExchange:
                exchange.cost_ns = perf_counter_ns() - exchange.begun_ns
                exchange.stretches = 1
        except Exception:  # a scope that is not as ASGI says
            account.drop_started(INTERNAL)
            return None
        return exchange

    def ledger(self) -> Ledger:
        """Where every request of this process went."""
        return self._recorder.ledger()

    @property
    def overhead_ns(self) -> int:
        """What capture costs a request, median of the last measured ones; 0 when unknown."""
        return self._recorder.account.meter.median_ns()

    @property
    def recorder(self) -> Recorder:
        return self._recorder

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything finished so far is settled. False when the sidecar did not take it in time."""
        return self._recorder.flush(timeout_seconds)

    def close(self, timeout_seconds: float | None = None) -> None:
        """Ship what is left, for a bounded time."""
        self._recorder.close(timeout_seconds)


def _given_id(headers: RawHeaders, wanted: tuple[bytes, object] | None) -> bytes | None:
    """The prediction id that the client sent; None when it sent none that is fit to be one."""
    for header, value in headers:
        if wanted is not None and header == wanted[0] and 0 < len(value) <= _MAX_ID:
            return bytes(value)
    return None
