from __future__ import annotations

import os

import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import StoreError
from neural.monitoring.ingest import EntryKind, Journal, JournalFull


def payloads(journal: Journal, after: int | None = None) -> list[bytes]:
    return [entry.payload for entry in journal.read_from(after)]


def test_entries_come_back_in_order_with_kind_and_time(tmp_path):
    clock = ManualClock(100.0)
    journal = Journal(tmp_path, clock=clock)
    journal.append(EntryKind.BATCH, b"one")
    clock.advance(5)
    journal.append(EntryKind.LABELS, b"")
    assert [(e.kind, e.payload, e.received_at) for e in journal.read_from()] == [
        (EntryKind.BATCH, b"one", 100.0),
        (EntryKind.LABELS, b"", 105.0),
    ]


def test_reading_goes_on_behind_the_position_of_the_last_entry_dealt_with(tmp_path):
    journal = Journal(tmp_path, segment_bytes=64)
    positions = [journal.append(EntryKind.BATCH, b"%d" % i * 20) for i in range(9)]
    assert positions == sorted(set(positions))
    assert payloads(journal, positions[3]) == [b"%d" % i * 20 for i in range(4, 9)]
    assert payloads(journal, positions[-1]) == []
    assert [e.position for e in journal.read_from()] == positions


def test_a_reopened_journal_has_the_same_entries_and_positions(tmp_path):
    journal = Journal(tmp_path, segment_bytes=100)
    positions = [journal.append(EntryKind.BATCH, os.urandom(40)) for _ in range(7)]
    before = payloads(journal)
    journal.close()
    again = Journal(tmp_path, segment_bytes=100)
    assert payloads(again) == before
    assert again.append(EntryKind.BATCH, b"x") > positions[-1]


@pytest.mark.parametrize("cut", range(1, 25))
def test_a_torn_tail_is_cut_off_and_appending_goes_on(tmp_path, cut):
    journal = Journal(tmp_path)
    journal.append(EntryKind.BATCH, b"whole")
    journal.append(EntryKind.BATCH, b"torn off")
    journal.close()
    (segment,) = tmp_path.glob("*.journal")
    os.truncate(segment, segment.stat().st_size - cut)
    again = Journal(tmp_path)
    assert payloads(again) == [b"whole"]
    assert again.damaged_bytes > 0
    again.append(EntryKind.BATCH, b"next")
    again.close()
    assert payloads(Journal(tmp_path)) == [b"whole", b"next"]


def test_a_tail_of_zeros_is_no_entry(tmp_path):
    journal = Journal(tmp_path)
    journal.append(EntryKind.BATCH, b"whole")
    journal.close()
    (segment,) = tmp_path.glob("*.journal")
    with segment.open("ab") as file:
        file.write(bytes(4096))
    assert payloads(Journal(tmp_path)) == [b"whole"]


def test_a_flipped_bit_costs_the_rest_of_its_segment_only(tmp_path):
    journal = Journal(tmp_path, segment_bytes=80)
    for i in range(6):
        journal.append(EntryKind.BATCH, b"%d" % i * 40)
    first = min(tmp_path.glob("*.journal"))
    raw = bytearray(first.read_bytes())
    raw[30] ^= 1
    first.write_bytes(raw)
    assert payloads(journal) == [b"%d" % i * 40 for i in range(1, 6)]
    assert journal.damaged_bytes == len(raw)


def test_truncation_frees_what_is_dealt_with_and_keeps_the_rest(tmp_path):
    journal = Journal(tmp_path, segment_bytes=100)
    positions = [journal.append(EntryKind.BATCH, b"%d" % i * 30) for i in range(10)]
    size = journal.size_bytes
    journal.truncate_before(positions[4])
    assert payloads(journal, positions[4]) == [b"%d" % i * 30 for i in range(5, 10)]
    assert journal.size_bytes < size


def test_truncating_everything_leaves_an_empty_journal_whose_positions_go_on(tmp_path):
    journal = Journal(tmp_path)
    last = [journal.append(EntryKind.BATCH, b"x" * 50) for _ in range(3)][-1]
    journal.truncate_before(last)
    assert journal.size_bytes == 0
    assert payloads(journal) == []
    journal.close()
    again = Journal(tmp_path)
    assert again.end == last
    position = again.append(EntryKind.BATCH, b"next")
    assert position > last
    assert payloads(again, last) == [b"next"]


def test_a_full_journal_refuses_instead_of_dropping_what_was_acknowledged(tmp_path):
    journal = Journal(tmp_path, segment_bytes=200, max_bytes=400)
    accepted = [journal.append(EntryKind.BATCH, b"%02d" % i * 20) for i in range(7)]
    with pytest.raises(JournalFull, match="ceiling is 400"):
        journal.append(EntryKind.BATCH, b"one too many" * 4)
    assert len(payloads(journal)) == len(accepted)
    assert journal.size_bytes <= 400
    journal.truncate_before(accepted[-1])
    journal.append(EntryKind.BATCH, b"room again")
    assert payloads(journal)[-1] == b"room again"


def test_two_processes_cannot_share_a_journal(tmp_path):
    first = Journal(tmp_path)
    with pytest.raises(StoreError, match="in use by another sidecar"):
        Journal(tmp_path)
    first.close()
    Journal(tmp_path).close()


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be opened"):
        Journal(tmp_path / "file" / "journal")


def test_what_a_full_disk_took_of_an_entry_is_cut_off_again(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.append(EntryKind.BATCH, b"before")

    def half_then_full(file, buffers):
        os.write(file, b"".join(buffers)[:9])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", half_then_full)
        with pytest.raises(StoreError, match="No space left"):
            journal.append(EntryKind.BATCH, b"never")
    journal.append(EntryKind.BATCH, b"after")
    assert payloads(journal) == [b"before", b"after"]


def test_fsync_batch_syncs_every_append_and_never_syncs_none(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    Journal(tmp_path / "a", fsync="never").append(EntryKind.BATCH, b"x")
    assert synced == []
    Journal(tmp_path / "b", fsync="batch").append(EntryKind.BATCH, b"x")
    assert len(synced) == 1


def test_an_entry_larger_than_a_segment_gets_its_own(tmp_path):
    journal = Journal(tmp_path, segment_bytes=50)
    big = os.urandom(500)
    journal.append(EntryKind.BATCH, b"a")
    journal.append(EntryKind.BATCH, big)
    journal.append(EntryKind.BATCH, b"b")
    assert payloads(journal) == [b"a", big, b"b"]
    assert len(list(tmp_path.glob("*.journal"))) == 3


def test_positions_are_not_given_twice_after_a_power_cut_behind_the_checkpoint(tmp_path):
    journal = Journal(tmp_path)
    journal.append(EntryKind.BATCH, b"one")
    checkpoint = journal.append(EntryKind.BATCH, b"two")
    journal.close()
    (segment,) = tmp_path.glob("*.journal")
    os.truncate(segment, 0)  # never synced, though the checkpoint was
    again = Journal(tmp_path)
    assert payloads(again, checkpoint) == []
    assert again.append(EntryKind.BATCH, b"three") > checkpoint
    again.close()
    assert payloads(Journal(tmp_path), checkpoint) == [b"three"]


def test_a_closed_journal_refuses_in_words(tmp_path):
    journal = Journal(tmp_path)
    journal.close()
    journal.close()
    with pytest.raises(StoreError, match="is closed"):
        journal.append(EntryKind.BATCH, b"late")


def test_a_segment_that_cannot_be_begun_is_a_refusal_and_loses_nothing(tmp_path, monkeypatch):
    journal = Journal(tmp_path, segment_bytes=60)
    journal.append(EntryKind.BATCH, b"x" * 40)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(StoreError, match="No space left"):
            journal.append(EntryKind.BATCH, b"y" * 40)
    journal.append(EntryKind.BATCH, b"z" * 40)
    assert payloads(journal) == [b"x" * 40, b"z" * 40]
