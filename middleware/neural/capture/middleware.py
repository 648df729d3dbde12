"""CaptureMiddleware: wraps any ASGI application and is never noticed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Unpack

from neural.capture.account import INTERNAL
from neural.capture.exchange import Exchange, Receive, Scope, Send, open_exchange, open_metered
from neural.capture.ladder import Rung
from neural.capture.lifespan import flush_at_shutdown
from neural.capture.meter import METER_EVERY
from neural.capture.options import Options
from neural.capture.recorder import Recorder, recorder_for
from neural.capture.settings import Settings, load_settings
from neural.capture.transport import Transport
from neural.wire.event import Ledger

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_METER_MASK: Final = METER_EVERY - 1
_MAX_ID: Final = 256  # bytes of a prediction id that a client sends
_COUNTS_ONLY: Final = Rung.COUNTS_ONLY


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
        self._excluded = frozenset(self.settings.exclude)
        self._id_header = self.settings.id_header.lower().encode()
        self._model, self._version = self.settings.model, self.settings.version
        self._enabled, self._query = self.settings.enabled, self.settings.query

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._excluded or not self._enabled:
            if scope["type"] == "lifespan" and self._enabled:
                send = flush_at_shutdown(send, self._recorder)
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
            exchange.finish()

    def _begin(self, scope: Scope, receive: Receive, send: Send) -> Exchange | None:
        """None when nothing is to be captured of this request; it has been counted then."""
        recorder = self._recorder
        account = recorder.account
        if recorder.asleep:
            recorder.start()
        if account.rung is _COUNTS_ONLY:
            account.skip()
            return None
        number = account.begin()
        try:
            if number & _METER_MASK:
                exchange = open_exchange(Exchange, account, scope, receive, send)
            else:
                exchange = open_metered(account, scope, receive, send)
            wanted = self._id_header
            for name, value in scope["headers"]:
                if name == wanted and 0 < len(value) <= _MAX_ID:
                    prediction_id = value
                    break
            else:
                prediction_id = b"%b%08x" % (account.id_prefix, number)
            exchange.id_header = (wanted, prediction_id) if wanted else None
            exchange.prediction_id = prediction_id
            exchange.model = self._model
            exchange.version = self._version
            if self._query:
                exchange.query = scope.get("query_string", b"")
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
