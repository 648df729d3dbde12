"""The one thread that carries batches to the sidecar. It may be slow, wedged or absent: only this thread notices."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from neural.capture.account import INTERNAL, REJECTED, SHUTDOWN, Account, Row
from neural.capture.batching import Batcher
from neural.capture.ladder import Ladder
from neural.capture.settings import Settings
from neural.capture.transport import Reply, Transport
from neural.wire.columns import Buffer, Columns
from neural.wire.encode import encode_columns
from neural.wire.event import CaptureBatch, Ledger

_FIRST_BACKOFF: Final = 0.05  # seconds; doubled after each failure, with full jitter
_NOT_NOW: Final = frozenset({408, 425, 429})  # with 5xx: answers after which the same batch is worth sending again
_DEFAULT_RETRY_AFTER: Final = 1.0
_PAUSE: Final = 0.0002  # seconds: an event loop with 16 requests waiting needs about as long for them
_NOBODY: Final = CaptureBatch("", 0)


class Waiter(NamedTuple):
    """Somebody who flushed: ``then(True)`` when ``target`` events are settled, ``then(False)`` when the thread ends before."""

    target: int
    then: Callable[[bool], None]


class Shipper:
    """Drains an account into a transport. All state but the events belongs to the thread that runs ``run``.

    ``hurry`` and ``stop`` may be called from any thread.
    """

    def __init__(
        self, account: Account, settings: Settings, transport: Transport, batcher: Batcher, resource: Mapping[str, str]
    ) -> None:
        self.account = account
        self.stopping = False
        self._settings, self._transport, self._batcher, self._resource = settings, transport, batcher, resource
        self._wake = account.wake
        self._urgent = threading.Event()
        self._waiters: list[Waiter] = []
        self._pending: list[Row] = []
        self._ladder = Ladder(round(settings.overhead_budget * 1e9))
        self._sequence = 0
        self._failures = 0
        self._pushed_back = False
        self._last_sent = 0.0
        self._last_ledger = Ledger()

    def run(self) -> None:
        """Until ``stop``; then ships what is left, as long as the sidecar takes it. What it does not take is written off."""
        try:
            while not self.stopping:
                self._wake.wait(self._settings.flush_interval)
                self._wake.clear()
                self._urgent.clear()
                self._round()
            self._round()
        finally:
            self.write_off()
            self._transport.close()
            self._tell_waiters(self._waiters.copy())

    def stop(self) -> None:
        self.stopping = True
        self._urgent.set()
        self._wake.set()

    def write_off(self) -> None:
        """Drop what waits and what is being sent: the end has come."""
        self.account.settle(self._pending, SHUTDOWN)
        self.account.write_off(SHUTDOWN)

    def abandon(self) -> None:
        """Close our copy of the connection, without a word on it: it belongs to the process we were forked from."""
        abandon = getattr(self._transport, "abandon", self._transport.close)  # a plain socket's end says nothing by itself
        abandon()

    def hurry(self, then: Callable[[bool], None]) -> None:
        """Ship now; a back-off under way is cut short. ``then`` is called when all that waits now is settled, or the thread ends."""
        self._waiters.append(Waiter(self.account.accepted, then))
        self._urgent.set()
        self._wake.set()

    def _round(self) -> None:
        waiters = self._waiters.copy()  # those who asked before the drain
        try:
            self._drain()
            due = time.monotonic() - self._last_sent >= self._settings.heartbeat_interval
            if due or ((waiters or self.stopping) and self.account.ledger() != self._last_ledger):
                self._heartbeat()
        except Exception:  # a mistake of ours must not end the thread; the batch has been settled as such
            self._failures += 1
        self._step_ladder()
        self._tell_waiters([waiter for waiter in waiters if waiter.target <= self.account.settled])

    def _tell_waiters(self, waiters: list[Waiter]) -> None:
        for waiter in waiters:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                waiter.then(self.account.settled >= waiter.target)

    def _drain(self) -> None:
        """Sends batch after batch until the ring is empty, or the end has come and the sidecar has not."""
        while records := self.account.take(self._settings.batch_events, self._settings.batch_bytes):
            self._pending = records
            parts = self._written(records)
            if parts is None:
                continue
            self._pause()
            if not self._deliver(records, parts):
                return
            self._step_ladder()
            self._pause()
            served = [waiter for waiter in self._waiters if waiter.target <= self.account.settled]
            if served:
                self._heartbeat()  # the sidecar's ledger shall show what they waited for
                self._tell_waiters(served)

    def _written(self, records: list[Row]) -> list[Buffer] | None:
        """The batch's bytes; None when nothing of it can be written."""
        try:
            return self._encode_records(records)
        except Exception:  # an application broke ASGI's rules, or a mistake of ours
            self._drop_unwritable(records)
        try:
            return self._encode_records(records) if records else None
        except Exception:
            self.account.settle(records, INTERNAL)
            raise

    def _encode_records(self, records: list[Row]) -> list[Buffer]:
        columns = self._batcher.columns(records)
        self._pause()
        return self._encode(columns)

    def _pause(self) -> None:
        """Between two stretches of work an event loop under full load gets the interpreter for itself. It must be a real pause:
        after one of no length the interpreter is mostly ours again before the loop is awake.
        """
        if not self.stopping:
            time.sleep(_PAUSE)

    def _drop_unwritable(self, records: list[Row]) -> None:
        """Each is tried alone: one that can't be written must not take its neighbours along."""
        for record in records.copy():
            try:
                encode_columns(_NOBODY, self._batcher.columns([record]))
            except Exception:
                with suppress(ValueError):  # all were written off in between
                    records.remove(record)
                    self.account.settle([record], INTERNAL)

    def _encode(self, columns: Columns) -> list[Buffer]:
        self._last_ledger = self.account.ledger()
        head = CaptureBatch(
            source=self.account.source,
            sequence=self._sequence + 1,
            ledger=self._last_ledger,
            resource=self._resource,
            degraded=self.account.rung.label,
            overhead_ns=self.account.meter.median_ns(),
        )
        parts = encode_columns(head, columns)
        self._sequence += 1
        return parts

    def _deliver(self, records: list[Row], parts: list[Buffer]) -> bool:
        """Until it is acknowledged or refused for good. False when it was given up because the end has come."""
        while True:
            reply = self._attempt(parts)
            if reply is not None and reply.status < 300:
                self.account.settle(records)
                return True
            if reply is not None and reply.status < 500 and reply.status not in _NOT_NOW:
                self.account.settle(records, REJECTED)
                return True
            self._step_ladder()
            if self.stopping:
                self.account.settle(records, SHUTDOWN)
                return False
            self._back_off(reply)

    def _attempt(self, parts: list[Buffer]) -> Reply | None:
        try:
            reply = self._transport.send(parts)
        except OSError:
            self._failures += 1
            return None
        self._last_sent = time.monotonic()
        if reply.status < 400:
            self._failures = 0
        else:
            self._pushed_back = self._pushed_back or reply.status in _NOT_NOW
            self._failures += 1
        return reply

    def _back_off(self, reply: Reply | None) -> None:
        """Waits; a flush or the end cuts it short."""
        if reply is not None and reply.status in _NOT_NOW:
            seconds = _DEFAULT_RETRY_AFTER if reply.retry_after is None else reply.retry_after
            seconds *= 1.0 + _chance() / 4  # so that workers don't come back in step
        else:
            ceiling = min(_FIRST_BACKOFF * 2 ** min(self._failures, 16), self._settings.max_backoff)
            seconds = ceiling * (0.5 + _chance() / 2)
        self._urgent.wait(seconds)
        self._urgent.clear()

    def _heartbeat(self) -> None:
        """The ledger alone."""
        with suppress(OSError):
            self._transport.send(self._encode(Columns()))
        self._last_sent = time.monotonic()

    def _step_ladder(self) -> None:
        self.account.weigh()
        if not self._settings.degrade:
            return
        account = self.account
        rung = self._ladder.step(
            now=time.monotonic(), fill=account.fill, overhead_ns=account.meter.proven_ns(), pushed_back=self._pushed_back
        )
        self._pushed_back = False
        if rung is not account.rung:
            account.set_rung(rung)


def _chance() -> float:
    """In [0, 1). Not ``random``: importing it costs more than it gives, and forked workers would share its state."""
    return os.urandom(1)[0] / 256
