"""``kill -9`` in the middle of appending: what was acknowledged is there afterwards, and the journal opens."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys

import pytest

from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.wire.decode import decode_batch

SENDER = """
import sys, time
from neural.monitoring.ingest import Deduplicator, IngestService, Journal
from neural.wire import CaptureBatch, CaptureEvent, encode_batch
journal = Journal(sys.argv[1], segment_bytes=20_000)
service = IngestService(journal, Deduplicator(), time.time)
sequence = max((batch.sequence for batch in service.sources().values()), default=0)
while True:
    sequence += 1
    events = [CaptureEvent(f"{sequence}-{i}", 1, 1, status=200, request_body=b"x" * (sequence % 300)) for i in range(5)]
    service.accept_batch(encode_batch(CaptureBatch("pod:1", sequence, events)))
    print(sequence, flush=True)
"""


def run_and_kill(folder, acknowledgements: int) -> int:
    """The last sequence the sender saw acknowledged before it was killed."""
    process = subprocess.Popen([sys.executable, "-c", SENDER, str(folder)], stdout=subprocess.PIPE, env=os.environ)
    seen = b""
    try:
        while seen.count(b"\n") < acknowledgements:
            assert select.select([process.stdout], [], [], 30)[0], "the sender is silent"
            seen += os.read(process.stdout.fileno(), 65536)
    finally:
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
    return int((seen + rest).rpartition(b"\n")[0].rpartition(b"\n")[2])


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_and_nothing_comes_twice(tmp_path):
    rng = random.Random(3)
    for _ in range(5):
        last = run_and_kill(tmp_path, rng.randint(3, 120))
        journal = Journal(tmp_path, segment_bytes=20_000)
        sequences = [decode_batch(entry.payload).sequence for entry in journal.read_from()]
        assert sequences == list(range(1, len(sequences) + 1))
        assert last <= len(sequences) <= last + 1  # one may be written and not yet acknowledged
        service = IngestService(journal, Deduplicator(), lambda: 0.0)
        assert service.accept_batch(next(journal.read_from()).payload).duplicate
        journal.close()
