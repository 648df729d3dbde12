"""One process's ring and its books: every request that began is shipped, sampled out, dropped for a reason, or still under way."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from itertools import count, product
from operator import itemgetter
from typing import Any, Final

from neural.capture.ladder import Rung
from neural.capture.meter import Meter
from neural.capture.record import PLACE_BYTES, SMALL_BODY, Record, weight
from neural.capture.sampling import make_sampler
from neural.capture.settings import Settings
from neural.wire.event import Flag, Ledger

RING_FULL: Final = "ring_full"  # more waits to be shipped than the settings allow
DEGRADED: Final = "degraded"  # the ladder stood at counts_only
SHUTDOWN: Final = "shutdown"  # the process ended before it could be shipped
REJECTED: Final = "rejected"  # the sidecar answered that it will never take this batch
INTERNAL: Final = "internal"  # a mistake of capture itself
PRESSED_SHARE: Final = 0.1
"""Of what would be kept otherwise, at the rung ``sampled``: its weight goes with it, so rates and quantiles stay right."""
_BODIES_OFF: Final = int(Flag.BODIES_OFF)
_NO_ROOM: Final = 2**62  # more than can ever be given back
_CHARGED: Final = itemgetter(0)
_OCTETS: Final = [b"%02x" % octet for octet in range(256)]
_SAMPLED: Final = 32  # records that are weighed of those that wait
_WORTH_WEIGHING: Final = 8  # while the ring is emptier than an eighth nothing is weighed
_ID_OCTETS: Final = 6  # 2**48 requests: for ever

Row = tuple[Any, ...]
"""What ``Record`` holds, in its order."""


class Account:
    """Requests of one process. Begun by ``begin``, ended by exactly one of ``finish``, ``skip`` and ``drop_started``.

    The request path takes no lock where a request has small bodies: it steps ``begin``, compares the ring's length with
    ``places`` and appends, each of which is one atomic operation. Threads that meet there may overshoot ``places`` by one
    record each. What is counted is counted under one re-entrant lock, held for a few integer operations: exact under threads,
    and a signal handler or finaliser that runs in the middle of them can't deadlock.
    """

    def __init__(self, settings: Settings, wake: threading.Event) -> None:
        self.source = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self.ring: deque[Row] = deque()
        self.wake, self.wake_at = wake, settings.batch_events - 1
        self.places = settings.ring_events  # how many records may wait, given what is taken up elsewhere
        self.rung = Rung.FULL
        self.meter = Meter()
        self.closed = False
        self._begun = count()
        prefix = os.urandom(8).hex().encode()
        ids = map(b"".join, product([prefix], *[_OCTETS] * _ID_OCTETS))
        self.begin = zip(self._begun, ids, strict=False).__next__
        """Counts a request that begins; its number from 0, and an id for it. Iterators in C: one step, no lock."""
        self._settings = settings
        # What the settings allow, less what long bodies are charged for: under way, waiting, being sent.
        self._free, self._free_places = settings.ring_bytes, settings.ring_events
        self._place_bytes = PLACE_BYTES
        self._lock = threading.RLock()
        self._acquire, self._release = self._lock.acquire, self._lock.release
        self._sending = self._settled = self._shipped = self._sampled_out = 0
        self._dropped: dict[str, int] = {}
        self.set_rung(Rung.FULL)
        self._find_places()

    def __len__(self) -> int:
        return len(self.ring)

    @property
    def used(self) -> int:
        """Bytes that are charged: places of what waits and is being sent, and long bodies under way or kept."""
        with self._lock:
            free = self._free + _NO_ROOM if self.closed else self._free
            return self._settings.ring_bytes - free + self.waiting * self._place_bytes

    @property
    def fill(self) -> float:
        """Used share of the memory or of the places, whichever is scarcer."""
        return max(self.used / self._settings.ring_bytes, self.waiting / self._settings.ring_events)

    @property
    def waiting(self) -> int:
        """Events in the ring or being sent."""
        return len(self.ring) + self._sending

    @property
    def accepted(self) -> int:
        """Events that ever came into the ring."""
        with self._lock:
            return self._settled + self.waiting

    @property
    def settled(self) -> int:
        """Events that left the ring for good."""
        return self._settled

    def _find_places(self) -> None:
        """Under the lock."""
        self.places = min(self._free_places, self._free // self._place_bytes) - self._sending

    def weigh(self) -> None:
        """Charge for a place what one takes, where clients send far more in headers than is foreseen. A sample tells."""
        ring = self.ring
        number = len(ring)
        if number and number * _WORTH_WEIGHING < self.places:
            return
        weights = [weight(ring[at]) for at in range(0, number, max(1, number // _SAMPLED))]
        self._place_bytes = max(PLACE_BYTES, sum(weights) // len(weights)) if weights else PLACE_BYTES
        with self._lock:
            self._find_places()

    def finish(self, row: Row) -> None:
        """The request is over: sampled out, dropped, or put in the ring."""
        fraction = 1.0
        if self._sampler is not None:
            fraction = self._sampler(Record._make(row))
            row = (row[0], fraction, *row[2:])
        with self._lock:
            waiting = len(self.ring)
            if not fraction:
                self._turn_away(row, None)
            elif waiting >= self.places:
                self._turn_away(row, SHUTDOWN if self.closed else RING_FULL)
            else:
                self.ring.append(row)
        if waiting == self.wake_at:
            self.wake.set()

    def _turn_away(self, row: Row, reason: str | None) -> None:
        """Under the lock: dropped for a reason, or sampled out."""
        self._free += row[0]
        self._find_places()
        if reason is None:
            self._sampled_out += 1
        else:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1

    def shut(self) -> None:
        """The process ends: requests that finish from now on are dropped."""
        with self._lock:
            self.closed = True
            self._free -= _NO_ROOM
            self._free_places -= _NO_ROOM
            self._find_places()

    def skip(self) -> None:
        """Count a request that nothing was captured of."""
        self.begin()
        self.drop_started(DEGRADED)

    def drop_started(self, reason: str) -> None:
        """A request that has begun ends here."""
        with self._lock:
            self._dropped[reason] = self._dropped.get(reason, 0) + 1

    def reserve(self, size: int) -> bool:
        """Charge ``size`` bytes for a long body. False when there is no room."""
        self._acquire()
        try:
            free, sending = self._free - size, self._sending
            fits = free >= (len(self.ring) + sending) * self._place_bytes
            if fits:  # _find_places, written out: large requests pay for each call
                self._free = free
                places, bound = free // self._place_bytes, self._free_places
                self.places = (places if places < bound else bound) - sending  # noqa: FURB136
        finally:
            self._release()
        return fits

    def release(self, size: int) -> None:
        """What was charged and is not needed."""
        with self._lock:
            self._free += size
            self._find_places()

    def take(self, max_events: int, max_bytes: int) -> list[Row]:
        """The oldest records, for one batch: of no more than ``max_bytes`` in long bodies, but at least one. They stay charged
        until ``settle``.
        """
        ring = self.ring
        pop = ring.popleft
        with self._lock:
            rows = [pop() for _ in range(min(max_events, len(ring)))]
            if sum(map(_CHARGED, rows)) > max_bytes:
                self._put_back(rows, max_bytes)
            self._send(len(rows))
        return rows

    def _put_back(self, rows: list[Row], max_bytes: int) -> None:
        """Under the lock. What is more than one batch holds returns to the ring's front."""
        size = 0
        for number, row in enumerate(rows):
            size += row[0]
            if size > max_bytes and number:
                self.ring.extendleft(reversed(rows[number:]))
                del rows[number:]
                return

    def _send(self, number: int) -> None:
        """Under the lock: so many more are being sent."""
        self._sending += number
        self._find_places()

    def settle(self, rows: list[Row], reason: str | None = None) -> None:
        """A batch's end: acknowledged, or dropped for ``reason``. The list is emptied, so that it can't be settled twice.

        The records themselves are freed outside of the lock: a request must not wait for that.
        """
        with self._lock:
            mine, rows[:] = rows[:], []
            number = len(mine)
            if not number:
                return
            self._free += sum(map(_CHARGED, mine))
            self._settled += number
            self._send(-number)
            if reason is None:
                self._shipped += number
            else:
                self._dropped[reason] = self._dropped.get(reason, 0) + number

    def write_off(self, reason: str) -> None:
        """Everything that still waits is dropped."""
        while rows := self.take(1_000, self._settings.ring_bytes):
            self.settle(rows, reason)

    def set_rung(self, rung: Rung) -> None:
        """What the requests that begin from now on keep of their bodies, and which of those that end are kept at all."""
        self.request_cap, self.response_cap = (0, 0)
        if rung is Rung.FULL:
            self.request_cap, self.response_cap = self._settings.max_request_body, self._settings.max_response_body
        self.request_room = min(self.request_cap, SMALL_BODY)
        self.response_room = min(self.response_cap, SMALL_BODY)
        share = self._settings.sample * (PRESSED_SHARE if rung is Rung.SAMPLED else 1.0)
        self._sampler, self.keeps_all = make_sampler(self._settings, share), share >= 1.0
        self.flags = _BODIES_OFF if rung else 0
        self.rung = rung
        self.meter.forget()

    def ledger(self) -> Ledger:
        """The books now. ``in_flight`` is what has begun and not ended, by subtraction: nothing can be lost between the lines."""
        with self._lock:
            dropped = dict(self._dropped)
            shipped, sampled_out = self._shipped, self._sampled_out
            # Read last, so that in_flight is never negative. "count(n)": reading without stepping.
            seen = int(repr(self._begun)[6:-1])
        return Ledger(seen, shipped, sampled_out, dropped, seen - shipped - sampled_out - sum(dropped.values()))
