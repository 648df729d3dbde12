"""The shipper's thread: every batch ends somewhere, whatever the sidecar does."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from types import SimpleNamespace

import pytest

from neural.capture import Recorder, Reply, Settings, ledgers
from neural.capture.record import Origin, Record
from neural.capture.testing import Collector, MemorySidecar


def finished(recorder: Recorder, number: int = 1) -> None:
    for _ in range(number):
        if recorder.asleep:
            recorder.start()
        recorder.account.begin()
        recorder.account.finish(a_record())


def a_record(**fields) -> Record:
    made = Record(0, 1.0, Origin(0, "", ""), "POST", "/", b"", (), (), b"id", b"", 1, 2, 3, 200, 0, 0, b"abc", b"")
    return made._replace(**fields)


@pytest.fixture
def recorder():
    made = []

    def make(transport, **options):
        made.append(Recorder(Settings(**{"max_backoff": 0.05, **options}), transport))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Script(Collector):
    """Does what it is told for each batch in turn, then accepts."""

    def __init__(self, *script):
        super().__init__()
        self.script = list(script)
        self.attempts = []

    def send(self, parts):
        data = b"".join(parts)
        self.attempts.append(data)
        act = self.script.pop(0) if self.script else Reply(200)
        if isinstance(act, Reply):
            if act.status < 300:
                return self.receive(data)
            return act
        raise act


def test_events_arrive_in_order_and_are_acknowledged(recorder):
    collector = Collector()
    shipping = recorder(collector, batch_events=10)
    finished(shipping, 35)
    assert shipping.flush()
    assert len(collector.events) == 35
    assert [batch.sequence for batch in collector.batches] == [*range(1, len(collector.batches) + 1)]
    assert max(len(batch.events) for batch in collector.batches) == 10
    assert (shipping.ledger().shipped, shipping.ledger().in_flight) == (35, 0)


def test_after_a_flush_both_ledgers_agree(recorder):
    collector = Collector()
    shipping = recorder(collector)
    finished(shipping, 3)
    assert shipping.flush()
    assert collector.ledgers[shipping.account.source] == shipping.ledger() == ledgers()[shipping.account.source]


def test_a_batch_that_fails_is_sent_again_the_same(recorder):
    script = Script(ConnectionError(), TimeoutError(), Reply(503), Reply(429, 0.0), Reply(408))
    shipping = recorder(script)
    finished(shipping)
    assert script.wait_for(lambda seen: seen.events)
    assert shipping.flush()
    assert len(set(script.attempts[:6])) == 1
    assert shipping.ledger().shipped == 1


@pytest.mark.parametrize("status", [400, 404, 413, 415])
def test_a_batch_refused_for_good_is_dropped_and_the_next_goes_on(recorder, status):
    script = Script(Reply(status))
    shipping = recorder(script)
    finished(shipping)
    shipping.flush()
    finished(shipping, 2)
    assert shipping.flush()
    ledger = shipping.ledger()
    assert (dict(ledger.dropped), ledger.shipped) == ({"rejected": 1}, 2)


def test_flush_says_when_the_sidecar_is_away(recorder):
    away = Script(*[ConnectionRefusedError()] * 10_000)
    shipping = recorder(away)
    finished(shipping)
    assert not shipping.flush(0.1)
    assert shipping.ledger().in_flight == 1
    away.script.clear()
    assert shipping.flush(10)


def test_flush_cuts_a_back_off_short(recorder):
    script = Script(Reply(429, 60.0))
    shipping = recorder(script)
    finished(shipping)
    while not script.attempts:
        shipping.account.wake.set()
    assert shipping.flush(20)


def test_flush_without_traffic_has_nothing_to_do(recorder):
    shipping = recorder(Collector())
    assert shipping.flush()
    assert shipping.asleep


def test_flush_gives_up_after_its_time(recorder):
    class Wedged(Collector):
        release = threading.Event()

        def send(self, parts):
            self.release.wait(10)
            raise TimeoutError

    wedged = Wedged()
    shipping = recorder(wedged)
    finished(shipping)
    assert not shipping.flush(0.05)
    wedged.release.set()


def test_close_ships_what_is_left_and_the_next_request_starts_again(recorder):
    collector = Collector()
    shipping = recorder(collector, flush_interval=60)
    finished(shipping, 5)
    shipping.close()
    assert len(collector.events) == 5
    assert collector.ledgers[shipping.account.source].shipped == 5
    assert shipping.asleep
    finished(shipping)
    assert shipping.flush()
    assert len(collector.events) == 6
    assert [batch.sequence for batch in collector.batches] == [*range(1, len(collector.batches) + 1)]


def test_close_without_a_sidecar_writes_off(recorder):
    shipping = recorder(Script(*[ConnectionRefusedError()] * 1000), batch_events=2)
    finished(shipping, 7)
    shipping.close()
    ledger = shipping.ledger()
    assert (dict(ledger.dropped), ledger.in_flight, shipping.account.used) == ({"shutdown": 7}, 0, 0)


def test_close_does_not_wait_for_a_wedged_sidecar(recorder):
    entered, release = threading.Event(), threading.Event()

    class Wedged(Collector):
        def send(self, parts):
            entered.set()
            release.wait(10)
            return Reply(200)

    shipping = recorder(Wedged(), batch_events=2)
    finished(shipping, 5)
    assert entered.wait(10)
    shipping.close(0.05)
    ledger = shipping.ledger()
    assert (dict(ledger.dropped), ledger.in_flight) == ({"shutdown": 5}, 0)
    release.set()
    thread = shipping._thread
    thread.join(10)
    assert shipping.ledger() == ledger, "an acknowledgement that comes too late changes nothing"


def test_a_mistake_of_ours_costs_one_batch_not_the_thread(recorder):
    collector = Collector()
    shipping = recorder(collector)
    shipping.start()
    shipping.account.begin()
    shipping.account.finish(a_record(path=5))
    shipping.flush()
    finished(shipping, 2)
    assert shipping.flush()
    ledger = shipping.ledger()
    assert (dict(ledger.dropped), ledger.shipped, ledger.in_flight) == ({"internal": 1}, 2, 0)


def test_a_heartbeat_brings_the_ledger_without_events(recorder):
    collector = Collector()
    shipping = recorder(collector, heartbeat_interval=0.01, flush_interval=0.01)
    finished(shipping)
    assert shipping.flush()
    seen = len(collector.batches)
    assert collector.wait_for(lambda kept: len(kept.batches) > seen + 2)
    assert collector.batches[-1].events == ()
    assert collector.batches[-1].ledger.shipped == 1


def test_push_back_turns_bodies_off_and_says_so(recorder):
    script = Script(Reply(429, 0.0))
    shipping = recorder(script)
    finished(shipping)
    assert shipping.flush()
    finished(shipping)
    assert shipping.flush()
    assert script.batches[-1].degraded == "bodies_off"


def test_a_recorder_nobody_uses_any_more_ends_its_thread():
    collector = Collector()
    shipping = Recorder(Settings(), collector)
    finished(shipping, 3)
    thread = shipping._thread
    gone = weakref.ref(shipping)
    del shipping
    gc.collect()
    assert gone() is None
    thread.join(10)
    assert not thread.is_alive()
    assert len(collector.events) == 3


def test_threads_are_daemons_one_for_a_recorder_and_none_before_the_first_request(recorder):
    before = threading.active_count()
    shipping = recorder(Collector())
    assert threading.active_count() == before
    finished(shipping, 100)
    assert threading.active_count() == before + 1
    assert shipping._thread.daemon


def test_middleware_that_ships_alike_shares_one_recorder():
    from neural.capture import CaptureMiddleware

    with MemorySidecar() as sidecar:
        first = CaptureMiddleware(None, model="a", endpoint=sidecar.endpoint, service="s")
        second = CaptureMiddleware(None, model="b", endpoint=sidecar.endpoint, service="s", exclude="/x")
        other = CaptureMiddleware(None, endpoint=sidecar.endpoint, service="s", ring_events=7)
        assert first.recorder is second.recorder is not other.recorder


def test_batches_say_who_sent_them(recorder, monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "fraud-api")
    collector = Collector()
    shipping = recorder(collector, resource=("zone=b", "team=a=b"))
    finished(shipping)
    assert shipping.flush()
    resource = collector.batches[0].resource
    assert (resource["service.name"], resource["zone"], resource["team"]) == ("fraud-api", "b", "a=b")
    assert resource["telemetry.sdk.name"] == "neural-capture"
    assert resource["process.pid"].isdigit()


def test_between_stretches_of_work_a_busy_event_loop_gets_the_interpreter_and_at_the_end_nobody_waits(recorder, monkeypatch):
    pauses = []
    told = SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append)
    monkeypatch.setattr("neural.capture.shipper.time", told)
    shipping = recorder(Collector(), batch_events=10, flush_interval=60.0)
    finished(shipping, 9)
    assert shipping.flush()
    assert len(pauses) == 3  # columns, bytes, sending
    assert min(pauses) > 0  # after a pause of no length the interpreter is mostly taken again before a loop is awake
    finished(shipping, 5)
    shipping.close()
    assert shipping.ledger().shipped == 14
    assert len(pauses) <= 4
