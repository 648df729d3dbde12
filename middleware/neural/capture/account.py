"""One process's ring and its books: every request that began is shipped, sampled out, dropped for a reason, or still under way."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from itertools import count
from typing import Final

from neural.capture.ladder import Rung
from neural.capture.meter import Meter
from neural.capture.record import FIXED_BYTES, Record
from neural.capture.sampling import make_sampler
from neural.capture.settings import Settings
from neural.wire.event import Flag, Ledger

RING_FULL: Final = "ring_full"  # more waits to be shipped than the settings allow
DEGRADED: Final = "degraded"  # the ladder stood at counts_only
SHUTDOWN: Final = "shutdown"  # the process ended before it could be shipped
REJECTED: Final = "rejected"  # the sidecar answered that it will never take this batch
INTERNAL: Final = "internal"  # a mistake of capture itself
_BODIES_OFF: Final = int(Flag.BODIES_OFF)
_UNCHARGED: Final = 4_096  # bytes a running request may hold of each body before it is charged for them


class Account:
    """Requests of one process. Begun by ``begin``, ended by exactly one of ``finish``, ``skip`` and ``drop_started``.

    One re-entrant lock, held for a few integer operations only: exact under threads, and a signal handler or finaliser that
    runs in the middle of them can't deadlock. ``begin`` takes no lock: ``itertools.count`` steps atomically.
    """

    def __init__(self, settings: Settings, wake: threading.Event) -> None:
        self.source = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self.id_prefix = os.urandom(8).hex().encode()
        self._begun = count()
        self.begin = self._begun.__next__
        self.rung = Rung.FULL
        self.meter = Meter()
        self.used = 0  # bytes charged: waiting, being sent, and large bodies under way
        self.closed = False
        self._settings = settings
        self.set_rung(Rung.FULL)
        self._sampler = make_sampler(settings)
        self._limit = settings.ring_bytes
        self._places = settings.ring_events  # free ones
        self.wake, self._wake_at = wake, settings.batch_events
        self._lock = threading.RLock()
        self._acquire, self._release = self._lock.acquire, self._lock.release
        self._ring: deque[Record] = deque()
        self.accepted = self.settled = 0  # events that ever came into the ring, and that left it for good
        self._shipped = self._sampled_out = 0
        self._dropped: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ring)

    @property
    def fill(self) -> float:
        """Used share of the memory or of the places, whichever is scarcer."""
        return max(self.used / self._settings.ring_bytes, self.waiting / self._settings.ring_events)

    def finish(self, record: Record) -> None:
        """The request is over: sampled out, dropped, or put in the ring. ``record.held`` must be right."""
        record.fraction = fraction = 1.0 if self._sampler is None else self._sampler(record)
        size = record.held + FIXED_BYTES
        self._acquire()  # not "with": that costs twice as much
        try:
            used = self.used + size - record.reserved
            if used > self._limit or not self._places or not fraction:
                self._turn_away(record, fraction)
                return
            record.reserved = size
            self.used = used
            self._places -= 1
            self.accepted += 1
            self._ring.append(record)
            waiting = len(self._ring)
        finally:
            self._release()
        if waiting == self._wake_at:
            self.wake.set()

    def _turn_away(self, record: Record, fraction: float) -> None:
        """Under the lock."""
        self.used -= record.reserved
        if not fraction:
            self._sampled_out += 1
        else:
            reason = SHUTDOWN if self.closed else RING_FULL
            self._dropped[reason] = self._dropped.get(reason, 0) + 1

    def shut(self) -> None:
        """The process ends: requests that finish from now on are dropped."""
        with self._lock:
            self.closed = True
            self._limit = 0

    def skip(self) -> None:
        """Count a request that nothing was captured of."""
        self.begin()
        self.drop_started(DEGRADED)

    def drop_started(self, reason: str, record: Record | None = None) -> None:
        """A request that has begun ends here."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1
            if record is not None:
                self.used -= record.reserved

    def reserve(self, record: Record, size: int) -> bool:
        """Charge a running request for ``size`` more bytes. False when there is no room: let go of its bodies."""
        with self._lock:
            if self.used + size > self._limit:
                self.used -= record.reserved
                record.reserved = 0
                return False
            self.used += size
            record.reserved += size
            return True

    def take(self, max_events: int, max_bytes: int) -> list[Record]:
        """The oldest records, for one batch. They stay charged until ``settle``.

        No lock: ``popleft`` is atomic, and a request must not wait while hundreds are taken.
        """
        records: list[Record] = []
        ring, size = self._ring, 0
        while ring and len(records) < max_events and (size < max_bytes or not records):
            try:
                record = ring.popleft()
            except IndexError:  # written off by another thread in between
                break
            size += record.held
            records.append(record)
        return records

    def settle(self, records: list[Record], reason: str | None = None) -> None:
        """A batch's end: acknowledged, or dropped for ``reason``. The list is emptied, so that it can't be settled twice.

        Adding up and freeing happen outside of the lock: a request must not wait for them.
        """
        with self._lock:
            mine, records[:] = records[:], []
        number, charged = len(mine), sum([record.reserved for record in mine])
        if not number:
            return
        with self._lock:
            self.used -= charged
            self._places += number
            self.settled += number
            if reason is None:
                self._shipped += number
            else:
                self._dropped[reason] = self._dropped.get(reason, 0) + number

    def write_off(self, reason: str) -> None:
        """Everything that still waits is dropped."""
        while records := self.take(1_000, self._settings.ring_bytes):
            self.settle(records, reason)

    def set_rung(self, rung: Rung) -> None:
        """What the requests that begin from now on keep of their bodies."""
        self.request_cap, self.response_cap = (0, 0)
        if rung is Rung.FULL:
            self.request_cap, self.response_cap = self._settings.max_request_body, self._settings.max_response_body
        self.request_room = min(self.request_cap, _UNCHARGED)
        self.response_room = min(self.response_cap, _UNCHARGED)
        self.flags = _BODIES_OFF if rung else 0
        self.rung = rung
        self.meter.forget()

    def ledger(self) -> Ledger:
        """The books now. ``in_flight`` is what has begun and not ended, by subtraction: nothing can be lost between the lines."""
        with self._lock:
            dropped = dict(self._dropped)
            shipped, sampled_out = self._shipped, self._sampled_out
            seen = int(
                repr(self._begun)[6:-1]
            )  # "count(n)": reading without stepping; read last, so that in_flight is never negative
        return Ledger(seen, shipped, sampled_out, dropped, seen - shipped - sampled_out - sum(dropped.values()))

    @property
    def waiting(self) -> int:
        """Events in the ring or being sent, counted one by one."""
        return self.accepted - self.settled
