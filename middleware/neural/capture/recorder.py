"""The process's side of capture: who records into which account, and the one thread that ships it. Survives forks."""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
import weakref
from collections.abc import Mapping

from neural.capture.account import Account
from neural.capture.batching import Batcher
from neural.capture.redact import make_redactor
from neural.capture.settings import Settings
from neural.capture.shipper import Shipper
from neural.capture.transport import Transport, transport_of
from neural.capture.version import __version__
from neural.wire.event import Ledger

_shared: weakref.WeakValueDictionary[Settings, Recorder] = weakref.WeakValueDictionary()
_all: weakref.WeakSet[Recorder] = weakref.WeakSet()


class Recorder:
    """Where middleware and interceptors put finished requests. ``account`` is this process's: read it anew for each request."""

    def __init__(self, settings: Settings, transport: Transport | None = None) -> None:
        self.settings = settings
        self.asleep = True  # no thread yet: it starts with the first request, after any fork
        self._given_transport = transport
        if transport is None:
            transport_of(settings)  # a wrong endpoint is told now, not on the shipper's thread
        self._redactor = make_redactor(settings)
        self._open()
        _all.add(self)

    def _open(self) -> None:
        """Books, lock and connection of a new process."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self.asleep = True
        self.account = Account(self.settings, threading.Event())
        transport = self._given_transport or transport_of(self.settings)
        batcher = Batcher(self.settings, self._redactor)
        self._shipper = Shipper(self.account, self.settings, transport, batcher, _resource(self.settings))

    def reopen(self) -> None:
        """In a forked child: what the parent counted, queued and connected stays the parent's."""
        self._shipper.abandon()
        self._open()

    def start(self) -> None:
        """Start the shipper's thread if it does not run. Never raises: without a thread events wait in the bounded ring."""
        with self._starting:
            if not self.asleep or self.account.closed:
                return
            shipper = self._shipper
            shipper.stopping = False
            # The thread knows the shipper, not the recorder: a recorder nobody uses any more ends it.
            thread = threading.Thread(target=shipper.run, name="neural-capture", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # out of threads, or the interpreter is ending
                return
            weakref.finalize(self, shipper.stop).atexit = False
            self._thread = thread
            self.asleep = False

    def flush(self, timeout_seconds: float = 5.0) -> bool:
        """Wait until everything finished so far is settled. False when the sidecar did not take it in time."""
        if self.asleep:
            if not self.account.waiting:
                return True
            self.start()
        told = threading.Event()
        outcome: list[bool] = []

        def then(settled: bool) -> None:
            outcome.append(settled)
            told.set()

        self._shipper.hurry(then)
        told.wait(timeout_seconds)
        return bool(outcome and outcome[0])

    def close(self, timeout_seconds: float | None = None) -> None:
        """Ship what is left, for at most that long (the settings' shutdown_timeout by default), and end the thread.

        What could not be shipped is dropped{shutdown}. A request that ends later starts a new thread.
        """
        thread = self._thread
        if thread is None:
            self._shipper.write_off()
            return
        self._shipper.stop()
        thread.join(self.settings.shutdown_timeout if timeout_seconds is None else timeout_seconds)
        if thread.is_alive():  # wedged in a send: the books are closed without it
            self._shipper.write_off()
        else:
            with self._starting:
                self._thread, self.asleep = None, True

    def ledger(self) -> Ledger:
        return self.account.ledger()


def recorder_for(settings: Settings, transport: Transport | None = None) -> Recorder:
    """The process's recorder for these settings: middleware and interceptors that ship alike share one thread and one ledger."""
    common = settings._replace(model="", version="", exclude=(), id_header="", service=settings.service or settings.model)
    if transport is not None:
        return Recorder(common, transport)
    recorder = _shared.get(common)
    if recorder is None:
        recorder = _shared[common] = Recorder(common)
    return recorder


def ledgers() -> dict[str, Ledger]:
    """The ledger of every source in this process."""
    return {recorder.account.source: recorder.ledger() for recorder in list(_all)}


def flush(timeout_seconds: float = 5.0) -> bool:
    """Wait until everything captured so far in this process is settled. False when a sidecar did not take it in time."""
    deadline = time.monotonic() + timeout_seconds
    results = [recorder.flush(max(0.0, deadline - time.monotonic())) for recorder in list(_all)]
    return all(results)


def _resource(settings: Settings) -> Mapping[str, str]:
    """Who this process is, in OpenTelemetry's words."""
    named = {key: value for key, _, value in (item.partition("=") for item in settings.resource)}
    service = settings.service or os.environ.get("OTEL_SERVICE_NAME", "")
    return {
        **({"service.name": service} if service else {}),
        "host.name": socket.gethostname(),
        "process.pid": str(os.getpid()),
        "telemetry.sdk.name": "neural-capture",
        "telemetry.sdk.version": __version__,
        **named,
    }


def _after_fork_in_child() -> None:
    for recorder in list(_all):
        recorder.reopen()


def _at_exit() -> None:
    recorders = list(_all)
    for recorder in recorders:
        recorder.account.shut()
    for recorder in recorders:
        recorder.close()


os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
