"""The store against a model of it: any sequence of writes, rollbacks and retention leaves what a dictionary would hold."""

from __future__ import annotations

import contextlib

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from neural.monitoring.signal import Signal
from neural.monitoring.store import MemoryStore, OutboxRow

NAMES = st.sampled_from(["drift.score", "error_rate"])
FEATURES = st.sampled_from(["", "age", "temp"])
TIMES = st.integers(0, 50).map(float)
VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)


class Undo(Exception):
    pass


class StoreMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.store = MemoryStore()
        self.points: dict = {}
        self.latest: dict = {}
        self.values: dict = {}
        self.messages: dict = {}

    def teardown(self):
        self.store.close()

    def _write(self, batch):
        for name, feature, time, value in sorted(batch, key=lambda row: row[2]):
            key = (name, feature)
            self.points[key, time] = value
            if key not in self.latest or time >= self.latest[key][0]:
                self.latest[key] = (time, value)

    def _signals(self, batch):
        return [Signal(name, value, time, {"feature": feature} if feature else {}) for name, feature, time, value in batch]

    @rule(batch=st.lists(st.tuples(NAMES, FEATURES, TIMES, VALUES), max_size=8))
    def write(self, batch):
        self.store.write_signals(self._signals(batch))
        self._write(batch)

    @rule(batch=st.lists(st.tuples(NAMES, FEATURES, TIMES, VALUES), max_size=8), key=st.sampled_from("ab"))
    def write_and_undo(self, batch, key):
        with contextlib.suppress(Undo), self.store.transaction():
            self.store.write_signals(self._signals(batch))
            self.store.put_value(key, "undone")
            raise Undo

    @rule(
        key=st.sampled_from("ab"),
        value=st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.lists(st.integers(0, 3), max_size=2),
    )
    def put_value(self, key, value):
        self.store.put_value(key, value)
        self.values[key] = value

    @rule(number=st.integers(0, 3), state=st.sampled_from(["queued", "delivered", "dead"]), created=TIMES, due=TIMES)
    def put_message(self, number, state, created, due):
        row = OutboxRow(f"m{number}", "a", "log", {}, state, created_at=created, next_attempt_at=due)
        self.store.put_outbox(row)
        self.messages[row.message_id] = row

    @rule(before=TIMES)
    def forget_signals(self, before):
        deleted = self.store.apply_retention({"signals": 0.0, "signals_full": 1e9}, now=before)
        gone = [key for key in self.points if key[1] < before]
        assert deleted == len(gone)
        for key in gone:
            del self.points[key]
        self.latest = {key: value for key, value in self.latest.items() if value[0] >= before}

    @rule(before=TIMES)
    def forget_messages(self, before):
        self.store.apply_retention({"outbox": 0.0}, now=before)
        self.messages = {key: row for key, row in self.messages.items() if row.state == "queued" or row.created_at >= before}

    @rule(since=TIMES, until=TIMES, limit=st.none() | st.integers(0, 5), name=NAMES)
    def read(self, since, until, limit, name):
        found = self.store.read_signals([name], since=since, until=until, limit=limit)
        expected = sorted(time for (key, time) in self.points if key[0] == name and since <= time <= until)
        kept = expected if limit is None else expected[len(expected) - min(limit, len(expected)) :]
        assert [signal.time for signal in found] == kept

    @rule(every=st.sampled_from([1.0, 7.0, 100.0]), name=NAMES)
    def read_sampled(self, every, name):
        newest: dict = {}
        for key, time in self.points:
            if key[0] == name:
                slot = (key, time // every)
                newest[slot] = max(newest.get(slot, time), time)
        found = self.store.read_signals([name], every=every)
        assert sorted((s.labels.get("feature", ""), s.time) for s in found) == sorted(
            (key[1], time) for (key, _), time in newest.items()
        )

    @rule(due=TIMES)
    def read_due_messages(self, due):
        expected = sorted(
            (r for r in self.messages.values() if r.state == "queued" and r.next_attempt_at <= due),
            key=lambda r: (r.created_at, r.message_id),
        )
        assert self.store.outbox(state="queued", due_at=due) == expected

    @invariant()
    def everything_is_as_the_model_says(self):
        found = {((s.name, s.labels.get("feature", "")), s.time): s.value for s in self.store.read_signals()}
        assert found == self.points
        assert {(s.name, s.labels.get("feature", "")): (s.time, s.value) for s in self.store.latest_signals()} == self.latest
        assert {key: self.store.value(key) for key in self.values} == self.values


TestStoreModel = StoreMachine.TestCase
TestStoreModel.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
