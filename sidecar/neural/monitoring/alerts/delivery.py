"""From the outbox to the channels: at least once, in order, a thread a channel so that a stuck one delays no other.

A row is marked "sending" before the attempt. What is found in that state at start-up was cut off by a crash: the receiver may have
it, so it counts as ambiguous and is sent again.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from neural.monitoring.alerts.backoff import GIVE_UP_AFTER_SECONDS, next_wait
from neural.monitoring.alerts.channels.protocol import Channel, DeliveryResult
from neural.monitoring.clock import Clock
from neural.monitoring.store.protocol import Store
from neural.monitoring.store.rows import OutboxRow

SENDING = "sending"
_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.25
_BATCH = 32
_MOST_LOOKED_AT = 256
"""Messages of one channel among which the next is chosen while its oldest waits to be tried again."""
_ERROR_CHARACTERS = 300


@dataclass(slots=True)
class DeliveryCounters:
    """Totals since start, of one channel."""

    delivered: int = 0
    failed_attempts: int = 0
    dead: int = 0
    ambiguous: int = 0


class Delivery:
    """Empties the outbox. ``start`` and ``stop`` run threads; ``deliver_due`` does one round in the caller's."""

    def __init__(
        self, store: Store, channels: Mapping[str, Channel], clock: Clock, *, generator: random.Random | None = None
    ) -> None:
        self._store = store
        self._channels = dict(channels)
        self._clock = clock
        self._generator = generator or random.Random()  # noqa: S311  # jitter, not cryptography
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._not_before = dict.fromkeys(self._channels, 0.0)
        self.counters = {name: DeliveryCounters() for name in self._channels}
        self._idle = threading.Condition()
        self._wake = {name: threading.Event() for name in self._channels}
        self._recover()

    def wake(self) -> None:
        """There may be something new in the outbox: don't wait for the next look."""
        for event in self._wake.values():
            event.set()

    def start(self) -> None:
        """One thread a channel."""
        if self._threads:
            return
        self._stopping.clear()
        for name in self._channels:
            thread = threading.Thread(target=self._run, args=(name,), name=f"neural-deliver-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> bool:
        """Ask the threads to end after the message they are at. False when one is still stuck; its row is found again at the next start."""
        self._stopping.set()
        self.wake()
        share = timeout_seconds / max(len(self._threads), 1)
        for thread in self._threads:
            thread.join(share)
        alive = [thread for thread in self._threads if thread.is_alive()]
        self._threads = alive
        if not alive:
            for channel in self._channels.values():
                channel.close()
        return not alive

    def stats(self) -> dict[str, float]:
        """ "<channel>_delivered", "_failed_attempts", "_dead", "_ambiguous" since start."""
        return {
            f"{channel}_{item.name}": float(getattr(counters, item.name))
            for channel, counters in self.counters.items()
            for item in fields(counters)
        }

    def drain(self, timeout_seconds: float) -> bool:
        """Wait until nothing is due or being sent. False on time-out, or when no threads run."""
        if not self._threads:
            return self._nothing_due()
        with self._idle:
            return self._idle.wait_for(self._nothing_due, timeout_seconds)

    def deliver_due(self, now: float) -> int:
        """Send what is due on every channel; returns how many messages were delivered."""
        return sum(self._round(name, now) for name in self._channels)

    def _nothing_due(self) -> bool:
        busy = self._store.outbox(state=SENDING, limit=1) or self._store.outbox(state="queued", due_at=self._clock(), limit=1)
        return not busy

    def _recover(self) -> None:
        for row in self._store.outbox(state=SENDING):
            self._store.put_outbox(
                replace(row, state="queued", ambiguous=row.ambiguous + 1, error="interrupted: the receiver may have it")
            )
            if row.channel in self.counters:
                self.counters[row.channel].ambiguous += 1
        now = self._clock()
        for row in self._store.outbox(state="queued"):
            if row.next_attempt_at > now + GIVE_UP_AFTER_SECONDS:  # the clock had been ahead
                self._store.put_outbox(replace(row, created_at=min(row.created_at, now), next_attempt_at=now))
            elif row.channel not in self._channels and now - row.created_at > GIVE_UP_AFTER_SECONDS:
                self._store.put_outbox(replace(row, state="dead", error=f"there is no channel {row.channel!r} any more"))

    def _run(self, name: str) -> None:
        while not self._stopping.is_set():
            try:
                sent = self._round(name, self._clock())
            except Exception:  # the store may be busy or full: the rows are still there
                _LOG.exception("delivery to %s stumbled", name)
                sent = 0
            with self._idle:
                self._idle.notify_all()
            if not sent:
                self._wake[name].wait(_POLL_SECONDS)
                self._wake[name].clear()

    def _round(self, name: str, now: float) -> int:
        delivered = 0
        for _ in range(_BATCH):
            is_held = now < self._not_before[name] <= now + GIVE_UP_AFTER_SECONDS
            row = None if is_held or self._stopping.is_set() else self._claim(name, now)
            if row is None:
                break
            delivered += self._attempt(self._channels[name], row, now)
        return delivered

    def _claim(self, name: str, now: float) -> OutboxRow | None:
        """Take the oldest message that is due. Reading and marking are one transaction: nobody adds to a message that is being sent."""
        if not self._store.outbox(state="queued", due_at=now, channel=name, limit=1):
            return None  # the usual case, seen without the writer's lock
        with self._store.transaction():
            row = self._next(name, now)
            if row is None:
                return None
            claimed = replace(row, state=SENDING, attempts=row.attempts + 1)
            self._store.put_outbox(claimed)
            return claimed

    def _next(self, name: str, now: float) -> OutboxRow | None:
        """The oldest due message that tells of no alert of which an older one waits to be tried again: no "resolved" before its "firing"."""
        due = self._store.outbox(state="queued", due_at=now, channel=name, limit=1)
        oldest = self._store.outbox(state="queued", channel=name, limit=1) if due else []
        if not due or due[0].message_id == oldest[0].message_id:
            return due[0] if due else None
        held: set[str] = set()
        for row in self._store.outbox(state="queued", channel=name, limit=_MOST_LOOKED_AT):
            told = {str(entry.get("fingerprint", "")) for entry in row.payload.get("alerts", ())}
            if row.next_attempt_at <= now and not told & held:
                return row
            held |= told
        return None

    def _attempt(self, channel: Channel, row: OutboxRow, now: float) -> bool:
        try:
            result = channel.send(row.payload)
        except Exception as error:  # a channel must not raise; if one does, its message is not lost
            _LOG.exception("channel %s raised", channel.name)
            result = DeliveryResult(ok=False, detail=f"{type(error).__name__}", retryable=True, ambiguous=True)
        ended = max(self._clock(), now)
        if channel.policy.min_interval:
            self._not_before[channel.name] = ended + channel.policy.min_interval
        self._store.put_outbox(self._after(row, result, ended))
        return result.ok

    def _after(self, row: OutboxRow, result: DeliveryResult, now: float) -> OutboxRow:
        counters = self.counters[row.channel]
        if result.ok:
            counters.delivered += 1
            return replace(row, state="delivered", delivered_at=now, error="")
        counters.failed_attempts += 1
        counters.ambiguous += result.ambiguous
        row = replace(row, ambiguous=row.ambiguous + result.ambiguous, error=result.detail[:_ERROR_CHARACTERS])
        if not result.retryable or now - row.created_at > GIVE_UP_AFTER_SECONDS:
            counters.dead += 1
            _LOG.error("message %s to %s is dead after %d attempts: %s", row.message_id, row.channel, row.attempts, row.error)
            return replace(row, state="dead")
        wait = next_wait(row.attempts, result.retry_after_seconds, self._generator)
        if result.retry_after_seconds is not None:
            self._not_before[row.channel] = max(self._not_before[row.channel], now + result.retry_after_seconds)
        return replace(row, state="queued", next_attempt_at=now + wait)
