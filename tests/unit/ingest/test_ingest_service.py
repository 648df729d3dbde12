from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.ingest import Deduplicator, EntryKind, IngestService, Journal, Refused
from neural.wire import CaptureBatch, CaptureEvent, Ledger, encode_batch
from neural.wire.decode import decode_batch


@dataclass
class House:
    path: object
    clock: ManualClock
    journal: Journal
    dedup: Deduplicator
    entries: list
    pressure: float = 0.0

    def service(self, **more) -> IngestService:
        return IngestService(self.journal, self.dedup, self.clock, None, self.entries.append, lambda: self.pressure, **more)


@pytest.fixture
def house(tmp_path):
    clock = ManualClock()
    made = House(tmp_path, clock, Journal(tmp_path, clock=clock), Deduplicator(), [])
    yield made
    made.journal.close()


def batch(sequence: int = 1, source: str = "pod:1", events: int = 2) -> bytes:
    return encode_batch(
        CaptureBatch(
            source,
            sequence,
            [CaptureEvent(f"p{i}", 1_700_000_000_000_000_000, 1000, status=200) for i in range(events)],
            Ledger(seen=sequence * events, shipped=sequence * events),
        )
    )


def test_a_batch_is_journalled_before_it_is_acknowledged_and_then_handed_on(house):
    service = house.service()
    receipt = service.accept_batch(batch())
    assert (receipt.accepted, receipt.duplicate) == (2, False)
    assert [e.payload for e in house.journal.read_from()] == [batch()]
    assert [e.payload for e in house.entries] == [batch()]
    assert house.entries[0].kind is EntryKind.BATCH
    assert decode_batch(house.entries[0].payload).source == "pod:1"


def test_a_repeat_is_acknowledged_and_counted_once(house):
    service = house.service()
    service.accept_batch(batch())
    again = service.accept_batch(batch())
    assert again.duplicate
    assert len(house.entries) == 1
    assert service.stats()["duplicates"] == 1
    assert service.stats()["events"] == 2


def test_repeats_are_known_after_a_restart_from_the_journal(house):
    house.service().accept_batch(batch())
    house.dedup = Deduplicator()
    service = house.service()
    assert service.accept_batch(batch()).duplicate
    assert service.sources()["pod:1"].ledger.seen == 2


def test_repeats_are_known_after_a_restart_from_a_checkpoint_that_freed_the_journal(house):
    service = house.service()
    service.accept_batch(batch())
    state = json.loads(json.dumps(service.snapshot()))
    house.journal.truncate_before(house.entries[-1].position)
    house.dedup = Deduplicator()
    again = house.service()
    again.restore(state)
    assert again.accept_batch(batch()).duplicate
    assert again.sources()["pod:1"].ledger == Ledger(seen=2, shipped=2)


def test_under_pressure_the_sender_is_asked_to_wait_longer_the_higher_it_is(house):
    service = house.service()
    waits = []
    for house.pressure in (1.0, 1.5, 2.0, 9.0):
        with pytest.raises(Refused) as refused:
            service.accept_batch(batch())
        assert refused.value.status == 429
        waits.append(refused.value.retry_after_seconds)
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert waits[-1] == 30
    house.pressure = 0.99
    assert service.accept_batch(batch()).accepted == 2
    assert service.stats()["refused.back_pressure"] == 4


def test_garbage_is_refused_for_good_and_counted_by_reason(house):
    service = house.service()
    with pytest.raises(Refused) as refused:
        service.accept_batch(b"\x00\xffgarbage")
    assert refused.value.status == 400
    assert refused.value.retry_after_seconds == 0
    assert service.stats()[f"refused.{refused.value.reason}"] == 1
    assert house.entries == []


def test_a_batch_over_the_configured_size_is_refused(house):
    class Small:
        max_batch = 1024

    service = IngestService(house.journal, house.dedup, house.clock, Small())
    with pytest.raises(Refused) as refused:
        service.accept_batch(batch(events=500))
    assert refused.value.status == 413


def test_a_full_journal_is_a_reason_to_wait_not_to_lose(house, tmp_path):
    sequence = 4
    journal = Journal(tmp_path / "small", max_bytes=(sequence - 1) * (len(batch()) + 40))
    service = IngestService(journal, Deduplicator(), house.clock)
    for earlier in range(1, sequence):
        service.accept_batch(batch(earlier))
    with pytest.raises(Refused) as refused:
        service.accept_batch(batch(sequence))
    assert refused.value.status == 503
    assert refused.value.retry_after_seconds > 0
    journal.truncate_before(journal.end)
    assert not service.accept_batch(batch(sequence)).duplicate


def test_the_newest_ledger_of_a_source_is_kept_without_events(house):
    service = house.service()
    service.accept_batch(batch(2))
    service.accept_batch(batch(1))
    kept = service.sources()["pod:1"]
    assert kept.sequence == 2
    assert kept.events == ()
    assert kept.ledger.seen == 4


def test_labels_are_one_entry_in_canonical_form(house):
    service = house.service()
    assert service.accept_labels(b'{"id":"a","label":[1,0]}').accepted == 2
    (entry,) = house.entries
    assert entry.kind is EntryKind.LABELS
    assert json.loads(entry.payload) == {
        "labels": [{"id": "a:0", "label": 1, "time": house.clock.now}, {"id": "a:1", "label": 0, "time": house.clock.now}]
    }


def test_the_engines_ticks_stand_among_the_data(house):
    service = house.service()
    service.accept_batch(batch(1))
    service.append(3, b'{"now": 1}')
    service.accept_batch(batch(2))
    assert [e.kind for e in house.journal.read_from()] == [EntryKind.BATCH, EntryKind.TICK, EntryKind.BATCH]
    assert [e.kind for e in house.entries] == [EntryKind.BATCH, EntryKind.TICK, EntryKind.BATCH]


def test_a_heartbeat_without_events_renews_the_ledger(house):
    service = house.service()
    service.accept_batch(encode_batch(CaptureBatch("pod:1", 1, (), Ledger(seen=5, dropped={"queue_full": 5}))))
    assert service.sources()["pod:1"].ledger.dropped == {"queue_full": 5}


def test_an_entry_that_can_no_longer_be_read_does_not_stop_the_start(house):
    house.journal.append(EntryKind.BATCH, b"\xff\xff")
    service = house.service()
    assert service.stats()["unreadable_entries"] == 1
    assert service.accept_batch(batch()).accepted == 2


def test_a_disk_that_refuses_is_a_reason_to_wait(house, monkeypatch):
    from neural.monitoring.errors import StoreError

    def refuse(*_, **__):
        raise StoreError("No space left on device")

    service = house.service()
    with monkeypatch.context() as patch:
        patch.setattr(house.journal, "append", refuse)
        with pytest.raises(Refused) as refused:
            service.accept_batch(batch())
    assert (refused.value.status, refused.value.reason) == (503, "journal_error")
    assert refused.value.retry_after_seconds >= 1
    assert not service.accept_batch(batch()).duplicate
