"""The outbox: at least once, in order, and what happens when a receiver fails."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

import pytest

from neural.monitoring.alerts.backoff import GIVE_UP_AFTER_SECONDS, next_wait
from neural.monitoring.alerts.channels import DeliveryResult, Policy
from neural.monitoring.alerts.delivery import SENDING, Delivery
from neural.monitoring.clock import ManualClock
from neural.monitoring.store import MemoryStore, OutboxRow, open_store


class Scripted:
    kind = "scripted"

    def __init__(self, name="a", results=(), policy=None, gate=None):
        self.name, self.results, self.policy, self.gate, self.sent = name, list(results), policy or Policy(), gate, []

    def send(self, notification):
        if self.gate is not None:
            assert self.gate.wait(10)
        self.sent.append(notification["id"])
        result = self.results.pop(0) if self.results else DeliveryResult(ok=True)
        if isinstance(result, Exception):
            raise result
        return result

    def close(self):
        pass


def message(i, channel="a", at=1000.0):
    return OutboxRow(
        f"m{i:04}",
        f"al{i}",
        channel,
        {"id": f"m{i:04}", "alerts": [{"severity": "info"}]},
        created_at=at + i * 1e-6,
        next_attempt_at=at,
    )


def outbox(store, state=None):
    return {row.message_id: row for row in store.outbox(state=state)}


FAILED = DeliveryResult(ok=False, detail="HTTP 503", retryable=True)
LOST = DeliveryResult(ok=False, detail="timeout", retryable=True, ambiguous=True)
REFUSED = DeliveryResult(ok=False, detail="HTTP 400", retryable=False)


@pytest.fixture
def clock():
    return ManualClock(1000.0)


def bench(clock, *channels, rows=1, store=None):
    store = store or MemoryStore()
    for i in range(rows):
        store.put_outbox(message(i))
    return store, Delivery(store, {channel.name: channel for channel in channels}, clock, generator=random.Random(1))


def test_what_is_due_is_sent_in_order_and_once(clock):
    channel = Scripted()
    store, delivery = bench(clock, channel, rows=3)
    assert delivery.deliver_due(1000.0) == 3
    assert delivery.deliver_due(1001.0) == 0
    assert channel.sent == ["m0000", "m0001", "m0002"]
    assert {row.state for row in outbox(store).values()} == {"delivered"}


def test_what_is_not_due_waits(clock):
    channel = Scripted()
    _, delivery = bench(clock, channel)
    assert delivery.deliver_due(999.0) == 0
    assert channel.sent == []


def test_a_failure_is_tried_again_later_and_later(clock):
    channel = Scripted(results=[FAILED, FAILED])
    store, delivery = bench(clock, channel)
    delivery.deliver_due(clock())
    [row] = outbox(store).values()
    assert (row.state, row.attempts, row.error) == ("queued", 1, "HTTP 503")
    first = row.next_attempt_at - clock()
    assert 4 <= first <= 6
    clock.now = row.next_attempt_at
    delivery.deliver_due(clock())
    [row] = outbox(store).values()
    assert 8 <= row.next_attempt_at - clock() <= 12
    clock.now = row.next_attempt_at
    assert delivery.deliver_due(clock()) == 1
    assert delivery.counters["a"].failed_attempts == 2


def test_a_refusal_is_dead_at_once_and_visible(clock):
    store, delivery = bench(clock, Scripted(results=[REFUSED]))
    delivery.deliver_due(clock())
    [row] = outbox(store, "dead").values()
    assert row.error == "HTTP 400"
    assert delivery.counters["a"].dead == 1


def test_old_news_is_dead(clock):
    store, delivery = bench(clock, Scripted(results=[FAILED]))
    clock.advance(GIVE_UP_AFTER_SECONDS + 1)
    delivery.deliver_due(clock())
    assert len(outbox(store, "dead")) == 1


def test_ambiguous_attempts_are_counted(clock):
    store, delivery = bench(clock, Scripted(results=[LOST]))
    delivery.deliver_due(clock())
    assert next(iter(outbox(store).values())).ambiguous == 1
    assert delivery.counters["a"].ambiguous == 1


def test_retry_after_holds_the_whole_channel(clock):
    channel = Scripted(results=[replace(FAILED, retry_after_seconds=60.0)])
    store, delivery = bench(clock, channel)
    delivery.deliver_due(clock())
    store.put_outbox(message(5))
    clock.advance(59)
    assert delivery.deliver_due(clock()) == 0
    clock.advance(2)
    assert delivery.deliver_due(clock()) == 2


def test_a_rate_limit_lets_one_through_at_a_time(clock):
    channel = Scripted(policy=Policy(min_interval=1.0))
    _, delivery = bench(clock, channel, rows=3)
    counts = []
    for _ in range(4):
        counts.append(delivery.deliver_due(clock()))
        clock.advance(1.0)
    assert counts == [1, 1, 1, 0]


def test_a_channel_that_raises_loses_nothing(clock, caplog):
    store, delivery = bench(clock, Scripted(results=[RuntimeError("bug")]))
    delivery.deliver_due(clock())
    [row] = outbox(store).values()
    assert (row.state, row.ambiguous) == ("queued", 1)
    assert "bug" in caplog.text


def test_an_interrupted_attempt_is_ambiguous_and_sent_again(clock):
    store = MemoryStore()
    store.put_outbox(replace(message(0), state=SENDING, attempts=1))
    channel = Scripted()
    _, delivery = bench(clock, channel, rows=0, store=store)
    [row] = outbox(store).values()
    assert (row.state, row.ambiguous) == ("queued", 1)
    assert delivery.deliver_due(clock()) == 1


def test_a_message_dated_by_a_wrong_clock_is_not_held_for_a_year(clock):
    store = MemoryStore()
    store.put_outbox(message(0, at=1000.0 + 365 * 86400))
    _, delivery = bench(clock, Scripted(), rows=0, store=store)
    assert delivery.deliver_due(clock()) == 1


def test_a_stuck_channel_delays_no_other(tmp_path):
    store = open_store(tmp_path)
    gate = threading.Event()
    stuck, quick = Scripted("stuck", gate=gate), Scripted("quick")
    clock = ManualClock(1000.0)
    delivery = Delivery(store, {"stuck": stuck, "quick": quick}, clock)
    for i in range(5):
        store.put_outbox(message(i, "stuck"))
        store.put_outbox(replace(message(i, "quick"), message_id=f"q{i}"))
    delivery.start()
    arrived = threading.Event()
    original = quick.send

    def watch(notification):
        result = original(notification)
        if len(quick.sent) == 5:
            arrived.set()
        return result

    quick.send = watch
    if len(quick.sent) < 5:
        assert arrived.wait(10)
    assert stuck.sent == []
    gate.set()
    assert delivery.drain(10)
    assert len(stuck.sent) == 5
    assert delivery.stop(5)
    store.close()


def test_stopping_says_when_a_channel_is_stuck():
    gate = threading.Event()
    store, delivery = bench(ManualClock(1000.0), Scripted(gate=gate))
    delivery.start()
    while not outbox(store, SENDING):
        pass
    assert not delivery.stop(0.05)
    assert len(outbox(store, SENDING)) == 1
    gate.set()
    assert delivery.stop(5)


def test_waiting_doubles_to_a_ceiling_and_obeys_the_receiver():
    generator = random.Random(0)
    waits = [next_wait(attempts, None, generator) for attempts in range(1, 12)]
    assert all(0.8 * min(5 * 2**i, 300) <= wait <= 1.2 * min(5 * 2**i, 300) for i, wait in enumerate(waits))
    assert next_wait(1, 1000.0, generator) == 1000.0
    assert next_wait(10_000, None, generator) <= 360
