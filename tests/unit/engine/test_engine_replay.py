"""The engine on a journal: evaluations in their place among the data, checkpoints, replay, mishaps."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.decode import Decoding
from neural.monitoring.engine import BATCH, TICK, Checkpointer, Engine, EngineSettings, EntryClock, Evaluator, Processor
from neural.monitoring.engine.checkpoint import PIECE_BYTES
from neural.monitoring.engine.engine import FIRST_EVALUATION_SECONDS
from neural.monitoring.ingest import Deduplicator, IngestService, Journal, Refused
from neural.monitoring.performance import LabelJoiner, PerformanceMonitor
from neural.monitoring.signal import Signal, SignalSpec
from neural.monitoring.store import MemoryStore
from neural.monitoring.traffic import TrafficMonitor
from neural.monitoring.windows import PaneStore, Stateful, WindowSettings
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch

NOW = 1_700_000_000.0


class Counting:
    """A stateful monitor that notes the time and size of every evaluation."""

    name = "counting"
    specs = (SignalSpec("counting.rows", "rows of the latest increment", "count"),)

    def __init__(self) -> None:
        self.seen: list[list[float]] = []

    def evaluate(self, evaluation):
        self.seen.append([evaluation.now, evaluation.latest.rows])
        yield Signal("counting.rows", float(evaluation.latest.rows), evaluation.now, evaluation.labels())

    def snapshot(self):
        return {"seen": self.seen}

    def restore(self, state):
        self.seen = [list(one) for one in state["seen"]]


class Broken:
    name = "broken"
    specs = ()

    def evaluate(self, evaluation):
        raise RuntimeError("out of order")


class NoAlerts:
    def evaluate(self, signals, now):
        return []

    def acknowledged(self, model, version, now):
        return {}


class House:
    """An engine put together as ``app`` does it, without threads: entries are applied as they are appended."""

    def __init__(
        self,
        folder: Path,
        store: MemoryStore,
        clock: ManualClock,
        *,
        threaded: bool = False,
        every: float = 1.0,
        journal_bytes: int = 2**30,
    ) -> None:
        self.store, self.clock, self.counting = store, clock, Counting()
        self.journal = Journal(folder, max_bytes=journal_bytes, clock=clock)
        entry_clock = EntryClock(clock)
        panes = PaneStore(WindowSettings(pane=1, length=60, evaluate_every=1), entry_clock)
        monitors = [TrafficMonitor(), Broken(), self.counting, PerformanceMonitor()]
        self.processor = Processor(Decoding(), panes, monitors, LabelJoiner(), None, None)
        self.evaluator = Evaluator(panes, monitors, self.processor, store, NoAlerts(), ("m", "1"))
        parts: dict[str, Stateful] = {
            "counters": self.processor.totals,
            "counting": self.counting,
            "joiner": self.processor.joiner,
        }
        self.checkpointer = Checkpointer(store, panes, parts, None)
        self.published: list[float] = []
        self.engine = Engine(
            EngineSettings(every, 1_000.0),
            clock,
            entry_clock,
            journal=self.journal,
            processor=self.processor,
            evaluator=self.evaluator,
            checkpointer=self.checkpointer,
            panes=panes,
            publish=lambda signals, now: self.published.append(now),
            upkeep=lambda now: None,
        )
        submit = self.engine.submit if threaded else lambda entry: self.engine._apply(entry, replay=False)
        self.ingest = IngestService(self.journal, Deduplicator(), clock, None, submit, self.engine.pressure)

    def send(self, sequence: int, events: int = 3) -> None:
        begun = int(self.clock() * 1e9)
        one = {"instances": [{"x": 1.0 * sequence}]}
        made = [
            CaptureEvent(
                f"{sequence}-{i}", begun, 1_000_000, status=200, path="/v1/models/m:predict", model="m", version="1",
                request_body=json.dumps(one).encode(), response_body=b'{"predictions": [1.5]}',
            )
            for i in range(events)
        ]  # fmt: skip
        self.ingest.accept_batch(encode_batch(CaptureBatch("s", sequence, made, Ledger(seen=events, shipped=events))))

    def tick(self) -> None:
        self.ingest.append(TICK, json.dumps({"now": self.clock()}).encode())

    def crash(self) -> None:
        """The process is gone; its lock with it."""
        self.journal.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def _live(house: House, first: int, last: int) -> None:
    for sequence in range(first, last + 1):
        house.send(sequence)
        house.clock.advance(0.4)
        if sequence % 2 == 0:
            house.tick()


def test_a_replay_sees_the_same_evaluations_at_the_same_times_with_the_same_rows(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    _live(first, 1, 7)
    first.crash()
    clock.advance(500)  # nobody was there for a while
    second = House(tmp_path, store, clock)
    assert second.engine.recover(lambda: None) == 10  # seven batches and three ticks
    assert second.counting.seen == first.counting.seen
    assert second.processor.totals.snapshot() == first.processor.totals.snapshot()
    assert second.published == []  # nothing is published, stored or alerted a second time
    second.crash()


def test_an_evaluation_that_a_kill_cut_short_is_stored_when_it_is_replayed(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    _live(first, 1, 4)
    clock.advance(1.0)
    first.journal.append(TICK, json.dumps({"now": clock()}).encode())  # journalled, and killed before it was done
    first.crash()
    assert max(one.time for one in store.read_signals()) < clock()
    second = House(tmp_path, store, clock)
    second.engine.recover(lambda: None)
    stored = [one.time for one in store.read_signals(["counting.rows"])]
    assert stored == [one[0] for one in second.counting.seen]
    assert stored[-1] == clock()
    second.crash()


def test_after_a_checkpoint_only_what_came_later_is_replayed(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    _live(first, 1, 4)
    first.engine._checkpoint(clock())
    _live(first, 5, 6)
    first.crash()
    second = House(tmp_path, store, clock)
    assert second.engine.recover(lambda: None) == 3
    assert second.counting.seen == first.counting.seen
    assert second.processor.totals.counts["rows"] == first.processor.totals.counts["rows"] == 18
    second.crash()


def test_a_long_checkpoint_is_stored_in_pieces_and_leaves_none_behind(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    house = House(tmp_path, store, clock)
    _live(house, 1, 4)

    def pieces() -> list[str]:
        return [key for key, *_ in store.blobs("checkpoint") if key.startswith("engine.")]

    counts = house.processor.totals.counts
    counts.update({f"{'x' * 1_000}{number}": number for number in range(2_000)})
    house.engine._checkpoint(clock())
    assert len(pieces()) > 2
    assert max(len(data) for *_, data in store.blobs("checkpoint")) < 2 * PIECE_BYTES
    house.crash()
    second = House(tmp_path, store, clock)
    second.engine.recover(lambda: None)
    assert second.processor.totals.counts == counts
    second.processor.totals.counts.clear()
    clock.advance(1.0)
    second.engine._checkpoint(clock())
    assert pieces() == ["engine.0"]
    second.crash()


def test_a_checkpoint_in_one_blob_as_it_once_was_is_read(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    _live(first, 1, 4)
    first.engine._checkpoint(clock())
    state = json.loads(store.blob("checkpoint", "engine.0") or b"")
    store.delete_blobs("checkpoint", before=clock())
    store.put_blob("checkpoint", "engine", json.dumps({**state, "format": 1}).encode(), time=clock())
    first.crash()
    second = House(tmp_path, store, clock)
    assert second.engine.recover(lambda: None) == 0
    assert second.counting.seen == first.counting.seen
    second.crash()


def test_what_was_replayed_is_checkpointed_at_once_so_that_a_sidecar_killed_over_and_over_gets_ahead(
    tmp_path: Path, clock: ManualClock
) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    _live(first, 1, 4)
    first.crash()
    second = House(tmp_path, store, clock, threaded=True)
    assert second.engine.recover(lambda: None) == 6
    second.engine.start(second.ingest)
    deadline = time.monotonic() + 10
    while store.blob("checkpoint", "engine") is None and time.monotonic() < deadline:
        time.sleep(0.01)
    second.crash()  # long before a checkpoint was due
    third = House(tmp_path, store, clock)
    assert third.engine.recover(lambda: None) == 0
    assert third.processor.totals.counts["rows"] == 12
    third.crash()


def test_a_batch_sent_again_after_a_crash_counts_once(tmp_path: Path, clock: ManualClock) -> None:
    store = MemoryStore()
    first = House(tmp_path, store, clock)
    first.send(1)
    first.crash()
    second = House(tmp_path, store, clock)
    second.engine.recover(lambda: None)
    second.send(1)
    assert second.processor.totals.counts["events"] == 3
    second.crash()


def test_a_broken_monitor_is_counted_and_the_others_go_on(tmp_path: Path, clock: ManualClock) -> None:
    house = House(tmp_path, MemoryStore(), clock)
    _live(house, 1, 2)
    assert house.evaluator.monitor_errors == {"broken": 1}
    names = {signal.name for signal in house.store.latest_signals()}
    assert {"requests.rate", "counting.rows", "capture.seen", "sidecar.memory_bytes"} <= names
    house.crash()


def test_an_entry_that_makes_no_sense_is_counted_and_skipped(tmp_path: Path, clock: ManualClock) -> None:
    house = House(tmp_path, MemoryStore(), clock)
    house.ingest.append(BATCH, b"\xff\xff\xff")
    house.send(1)
    counts = house.processor.totals.counts
    assert counts["events"] == 3
    assert sum(count for name, count in counts.items() if name.startswith("bad_entries.")) == 1
    house.crash()


def test_the_thread_asks_for_evaluations_by_the_clock_and_stops_with_a_checkpoint(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    house = House(tmp_path, MemoryStore(), clock, threaded=True)
    house.engine.start(house.ingest)
    house.send(1)
    clock.advance(1.5)
    deadline = time.monotonic() + 10
    while not house.published and time.monotonic() < deadline:
        time.sleep(0.01)
    assert house.published == [NOW + 1.5]
    assert house.engine.stop(10)
    assert house.store.blob("checkpoint", "engine") is not None
    assert house.processor.totals.counts["events"] == 3
    house.crash()


def test_a_new_state_is_evaluated_soon_after_its_first_request_and_then_by_the_clock(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    house = House(tmp_path, MemoryStore(), clock, threaded=True, every=60.0)
    house.engine.start(house.ingest)
    house.send(1)
    deadline = time.monotonic() + 10
    while not house.published and time.monotonic() < deadline:
        if house.processor.totals.counts["events"]:
            clock.advance(0.5)
        time.sleep(0.01)
    assert NOW + FIRST_EVALUATION_SECONDS <= house.published[0] < NOW + 30
    clock.advance(NOW + 60.0 - clock())
    while len(house.published) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert house.published[1:] == [NOW + 60.0], "the clock of evaluations is not moved by the early one"
    house.engine.stop(10)
    house.crash()


def test_a_journal_half_full_is_freed_before_the_checkpoints_time(tmp_path: Path) -> None:
    """Otherwise everything would be refused until then: here for a thousand seconds."""
    clock = ManualClock(NOW)
    house = House(tmp_path, MemoryStore(), clock, threaded=True, journal_bytes=20_000)
    house.engine.start(house.ingest)
    for sequence in range(1, 81):  # several times what the journal can hold
        deadline = time.monotonic() + 10
        while True:
            try:
                house.send(sequence)
                break
            except Refused:
                assert time.monotonic() < deadline
                time.sleep(0.001)
                clock.advance(0.1)
    assert house.engine.stop(10)
    assert house.processor.totals.counts["events"] == 240
    house.crash()


def test_evaluations_go_on_after_the_journal_has_refused_one(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    house = House(tmp_path, MemoryStore(), clock, threaded=True)

    class Inlet:
        refusals = 1

        def append(self, kind: int, payload: bytes) -> object:
            if self.refusals:
                self.refusals -= 1
                raise OSError("no space left")
            return house.ingest.append(kind, payload)

    house.engine.start(Inlet())
    deadline = time.monotonic() + 10
    while not house.published and time.monotonic() < deadline:
        clock.advance(1.5)
        time.sleep(0.02)
    assert house.published
    assert house.engine.stop(10)
    house.crash()


def test_a_clock_set_back_does_not_stop_evaluations(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    house = House(tmp_path, MemoryStore(), clock, threaded=True)
    house.engine.start(house.ingest)
    clock.advance(-86_400)
    deadline = time.monotonic() + 10
    while not house.published and time.monotonic() < deadline:
        clock.advance(0.5)
        time.sleep(0.01)
    assert house.published
    assert house.published[0] < NOW - 80_000
    house.engine.stop(10)
    house.crash()
