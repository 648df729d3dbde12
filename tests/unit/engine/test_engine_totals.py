from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from neural.monitoring.clock import ManualClock
from neural.monitoring.engine import EntryClock, Totals
from neural.wire import CaptureBatch, Ledger

counts = st.integers(0, 10**9)
ledgers = st.builds(
    Ledger,
    seen=counts,
    shipped=counts,
    sampled_out=counts,
    in_flight=counts,
    dropped=st.dictionaries(st.sampled_from(["ring", "shutdown"]), counts),
)
batches = st.builds(
    CaptureBatch, source=st.sampled_from(["a", "b", "c"]), sequence=counts, ledger=ledgers, overhead_ns=st.integers(0, 10**6)
)


@given(st.lists(batches, max_size=20))
def test_totals_survive_json_and_add_up_over_sources(sent: list[CaptureBatch]) -> None:
    totals = Totals()
    for batch in sent:
        totals.observe(batch)
    restored = Totals()
    restored.restore(json.loads(json.dumps(totals.snapshot())))
    assert restored.snapshot() == totals.snapshot()
    newest = {batch.source: batch.ledger for batch in sent}
    assert totals.ledger().seen == sum(ledger.seen for ledger in newest.values())
    assert sum(totals.ledger().dropped.values()) == sum(sum(ledger.dropped.values()) for ledger in newest.values())
    json.dumps(totals.account(), allow_nan=False)


def test_overhead_is_the_median_of_the_sources_in_microseconds() -> None:
    totals = Totals()
    assert totals.overhead_us() is None
    for source, cost in (("a", 1000), ("b", 3000), ("c", 9000), ("d", 0)):
        totals.observe(CaptureBatch(source, 1, overhead_ns=cost))
    assert totals.overhead_us() == 3.0


def test_the_entry_clock_stands_at_the_entry_in_hand() -> None:
    real = ManualClock(100.0)
    clock = EntryClock(real)
    assert clock() == 100.0
    clock.set(42.0)
    real.advance(5)
    assert clock() == 42.0
