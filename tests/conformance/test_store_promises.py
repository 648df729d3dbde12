"""What every store promises, asked of each kind."""

from __future__ import annotations

import threading

import pytest

from neural.monitoring.errors import StoreError
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import AlertRow, MemoryStore, OutboxRow, Report, Silence, Store, open_store

FRAUD = {"model": "fraud", "version": "3"}


@pytest.fixture(params=["sqlite", "memory"])
def store(request, tmp_path):
    made: Store = open_store(tmp_path) if request.param == "sqlite" else MemoryStore()
    yield made
    made.close()


def point(time, value=0.5, name="drift.score", verdict=None, **labels):
    return Signal(name, value, time, {**FRAUD, **labels}, verdict)


def verdict(outcome=Outcome.OK, **evidence):
    return Verdict(outcome, "PSI 0.31 over 0.2", 0.31, 0.2, 500, 0.001, 0.4, "psi", evidence)


def alert(number, **more):
    base = {
        "alert_id": f"a{number}",
        "fingerprint": "f",
        "rule": "drift",
        "severity": "critical",
        "state": "firing",
        "title": "Drift",
        "message": "moved",
        "source": "drift",
        "started_at": float(number),
        "updated_at": float(number),
    }
    return AlertRow(**{**base, **more})


class TestSignals:
    def test_what_is_written_is_read_in_time_order(self, store):
        store.write_signals([point(3.0, 0.3), point(1.0, 0.1), point(2.0, None)])
        assert [(s.time, s.value) for s in store.read_signals()] == [(1.0, 0.1), (2.0, None), (3.0, 0.3)]

    def test_series_are_told_apart_by_every_label(self, store):
        store.write_signals([point(1.0, 0.1, feature="age"), point(1.0, 0.2, feature="temp"), point(1.0, 0.3)])
        assert [s.value for s in store.read_signals(labels={"feature": "temp"})] == [0.2]
        assert len(store.latest_signals(["drift.score"], labels={"model": "fraud"})) == 3
        assert store.read_signals(labels={"model": "other"}) == []

    def test_names_bounds_and_limit_select_the_newest(self, store):
        store.write_signals([point(float(t), float(t)) for t in range(10)] + [point(5.0, 9.0, name="error_rate")])
        assert [s.time for s in store.read_signals(["drift.score"], since=2.0, until=6.0)] == [2.0, 3.0, 4.0, 5.0, 6.0]
        assert [s.time for s in store.read_signals(["drift.score"], limit=3)] == [7.0, 8.0, 9.0]
        assert store.read_signals([]) == []
        assert [s.name for s in store.read_signals(["error_rate", "nothing"])] == ["error_rate"]

    def test_a_long_stretch_can_be_sampled(self, store):
        store.write_signals([point(float(t), float(t), feature=f) for t in range(100) for f in "ab"])
        found = store.read_signals(["drift.score"], labels={"feature": "a"}, since=5.0, until=57.0, every=20.0)
        assert [(s.time, s.value) for s in found] == [(19.0, 19.0), (39.0, 39.0), (57.0, 57.0)]
        assert len(store.read_signals(["drift.score"], every=50.0)) == 4
        assert [s.time for s in store.read_signals(labels={"feature": "b"}, every=10.0, limit=2)] == [89.0, 99.0]
        assert store.read_signals(["nothing"], every=10.0) == []
        assert store.read_signals(since=500.0, every=10.0) == []

    def test_writing_a_point_again_replaces_it(self, store):
        store.write_signals([point(1.0, 0.1)])
        store.write_signals([point(1.0, 0.2)])
        assert [s.value for s in store.read_signals()] == [0.2]

    def test_the_latest_is_the_newest_in_time_with_its_whole_verdict(self, store):
        store.write_signals([point(2.0, 0.2, verdict=verdict(top=["age"])), point(1.0, 0.1)])
        store.write_signals([point(0.5, 0.9)])
        (newest,) = store.latest_signals()
        assert newest == point(2.0, 0.2, verdict=verdict(top=["age"]))

    def test_an_unchanged_good_verdict_is_kept_with_the_latest_only(self, store):
        store.write_signals([point(float(t), verdict=verdict()) for t in range(3)])
        assert [s.verdict is not None for s in store.read_signals()] == [True, False, False]
        assert store.latest_signals()[0].verdict == verdict()

    def test_bad_verdicts_are_kept_with_the_evidence_where_they_begin(self, store):
        store.write_signals([point(0.0, verdict=verdict())])
        for t in (1.0, 2.0):
            store.write_signals([point(t, verdict=verdict(Outcome.BAD, bins=[1, 2]))])
        store.write_signals([point(3.0, verdict=verdict())])
        kept = [s.verdict for s in store.read_signals()]
        assert [v.outcome for v in kept] == [Outcome.OK, Outcome.BAD, Outcome.BAD, Outcome.OK]
        assert [dict(v.evidence) for v in kept] == [{}, {"bins": [1, 2]}, {}, {}]
        assert kept[2].reason == "PSI 0.31 over 0.2"

    def test_numbers_that_are_no_numbers_do_not_enter(self, store):
        store.write_signals(
            [point(1.0, float("nan"), verdict=Verdict(Outcome.UNKNOWN, "none", evidence={"ratio": float("inf")}))]
        )
        (found,) = store.latest_signals()
        assert found.value is None
        assert found.verdict.evidence == {"ratio": None}

    def test_odd_names_survive(self, store):
        odd = "a\"b'; DROP TABLE points; -- λ\n$.x"
        store.write_signals([point(1.0, name=odd, feature=odd)])
        assert store.read_signals([odd], labels={"feature": odd})[0].labels["feature"] == odd

    def test_nothing_written_is_nothing_read(self, store):
        store.write_signals([])
        assert store.read_signals() == store.latest_signals() == []


class TestTransactions:
    def test_an_exception_undoes_all_of_it(self, store):
        with pytest.raises(RuntimeError), store.transaction():  # noqa: PT012 - the block is what is undone
            store.write_signals([point(1.0)])
            with store.transaction():
                store.put_value("x", 1)
            raise RuntimeError
        assert store.read_signals() == []
        assert store.value("x") is None
        store.write_signals([point(2.0)])
        assert len(store.read_signals()) == 1

    def test_one_sees_ones_own_writes_inside(self, store):
        with store.transaction():
            store.put_value("x", [1, {"a": None}])
            assert store.value("x") == [1, {"a": None}]

    def test_other_threads_see_all_or_nothing(self, store):
        begun, looked = threading.Event(), []

        def look():
            begun.wait()
            looked.append((store.value("a"), store.value("b")))

        thread = threading.Thread(target=look)
        thread.start()
        with store.transaction():
            store.put_value("a", 1)
            begun.set()
            store.put_value("b", 2)
        thread.join()
        assert looked[0] in {(None, None), (1, 2), (None, 2)}  # never a without b: the two reads are two moments
        assert (store.value("a"), store.value("b")) == (1, 2)

    def test_many_threads_write_at_once_and_lose_nothing(self, store):
        def write(number):
            for i in range(20):
                with store.transaction():
                    store.put_value("count", store.value("count", 0) + 1)
                    store.write_signals([point(float(i), feature=str(number))])

        threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.value("count") == 120
        assert len(store.read_signals()) == 120


class TestAlertsAndSilences:
    def test_alerts_come_newest_started_first_and_replace_by_id(self, store):
        for number in (1, 3, 2):
            store.put_alert(alert(number))
        store.put_alert(alert(1, state="resolved", updated_at=9.0, labels={"feature": "age"}, evidence={"top": [1]}))
        assert [a.alert_id for a in store.alerts()] == ["a3", "a2", "a1"]
        assert store.alerts(states=["resolved"]) == [
            alert(1, state="resolved", updated_at=9.0, labels={"feature": "age"}, evidence={"top": [1]})
        ]

    def test_alerts_are_chosen_by_touch_state_and_severity(self, store):
        store.put_alert(alert(1, updated_at=50.0))
        store.put_alert(alert(2, severity="info", updated_at=60.0))
        assert [a.alert_id for a in store.alerts(since=55.0)] == ["a2"]
        assert [a.alert_id for a in store.alerts(severity="critical")] == ["a1"]
        assert store.alerts(states=[]) == []
        assert len(store.alerts(limit=1)) == 1

    def test_a_silence_is_active_from_its_start_until_before_its_end(self, store):
        silence = Silence("s1", {"rule": "drift"}, 10.0, 20.0, "ada", "deploy")
        store.put_silence(silence)
        assert [store.silences(active_at=t) for t in (9.9, 10.0, 19.9, 20.0)] == [[], [silence], [silence], []]
        assert store.silences() == [silence]


class TestOutbox:
    def test_due_messages_are_found_oldest_first(self, store):
        rows = [
            OutboxRow(f"m{i}", "a1", "slack", {"text": "hello"}, created_at=float(i), next_attempt_at=float(10 * i))
            for i in range(3)
        ]
        for row in reversed(rows):
            store.put_outbox(row)
        assert store.outbox(state="queued", due_at=10.0) == rows[:2]
        store.put_outbox(OutboxRow("m0", "a1", "slack", {}, state="delivered", delivered_at=4.0))
        assert [r.message_id for r in store.outbox(state="queued")] == ["m1", "m2"]
        assert store.outbox(channel="email") == []
        assert [r.state for r in store.outbox(message_id="m0")] == ["delivered"]
        assert store.outbox(message_id="m0", state="queued") == store.outbox(message_id="nothing") == []

    def test_messages_of_one_moment_stay_in_the_order_they_were_written(self, store):
        rows = [OutboxRow(name, "a1", "slack", {}, created_at=5.0) for name in ("z", "a", "m")]
        for row in rows:
            store.put_outbox(row)
        store.put_outbox(OutboxRow("z", "a1", "slack", {}, created_at=5.0, attempts=1))  # tried once: keeps its place
        assert [row.message_id for row in store.outbox(channel="slack")] == ["z", "a", "m"]

    def test_a_limit_is_kept(self, store):
        for i in range(3):
            store.put_outbox(OutboxRow(f"m{i}", "a1", "slack", {}, created_at=float(i)))
        assert len(store.outbox(limit=1)) == 1


class TestSLOCounts:
    def test_the_last_word_on_a_slot_wins_and_until_is_exclusive(self, store):
        for slot, good in ((60.0, 1), (0.0, 5), (60.0, 9), (120.0, 2)):
            store.add_slo_counts("fast", slot, good, 10)
        store.add_slo_counts("right", 0.0, 1, 1)
        assert store.slo_counts("fast", since=0.0, until=120.0) == [(0.0, 5.0, 10.0), (60.0, 9.0, 10.0)]


class TestReportsBlobsValues:
    def test_the_newest_reports_come_oldest_first(self, store):
        for t in range(5):
            store.add_report(Report("drift", float(t), "fraud" if t % 2 else "other", "3", {"n": t, "bad": float("nan")}))
        assert [r.body["n"] for r in store.reports("drift", limit=2)] == [3, 4]
        assert [r.time for r in store.reports("drift", since=2.0, model="fraud")] == [3.0]
        assert [r.time for r in store.reports("drift", limit=2, until=2.0)] == [1.0, 2.0]
        assert store.reports("quality") == []
        assert store.reports("drift")[0].body["bad"] is None

    def test_blobs_are_bytes_by_kind_and_key(self, store):
        store.put_blob("pane", "b", b"\0\xff", time=2.0)
        store.put_blob("pane", "a", b"", time=1.0)
        store.put_blob("pane", "b", b"new", time=3.0)
        assert store.blob("pane", "b") == b"new"
        assert store.blob("pane", "x") is None
        assert store.blob("other", "b") is None
        assert store.blobs("pane") == [("a", 1.0, b""), ("b", 3.0, b"new")]
        assert store.blobs("pane", since=2.0) == [("b", 3.0, b"new")]
        assert store.delete_blobs("pane", before=3.0) == 1

    def test_values_are_json_and_have_defaults(self, store):
        store.put_value("model", {"name": "fraud", "tags": ("a", "b")})
        assert store.value("model") == {"name": "fraud", "tags": ["a", "b"]}
        store.put_value("model", None)
        assert store.value("model", "default") is None
        assert store.value("nothing", 7) == 7


class TestRetention:
    def test_each_kind_goes_at_its_own_age_and_open_things_stay(self, store):
        store.write_signals([point(float(t)) for t in (0, 50, 100)])
        for kind in ("drift", "quality"):
            store.add_report(Report(kind, 0.0, "m", "1", {}))
        store.put_alert(alert(1))
        store.put_alert(alert(2, state="resolved"))
        store.put_outbox(OutboxRow("m1", "a1", "log", {}, state="dead"))
        store.put_outbox(OutboxRow("m2", "a1", "log", {}))
        store.add_slo_counts("fast", 0.0, 1, 1)
        store.put_blob("pane", "old", b"x", time=0.0)
        store.put_blob("checkpoint", "old", b"x", time=0.0)
        keep = {
            "signals": 50.0,
            "reports": 10.0,
            "report:drift": 1000.0,
            "alerts": 10.0,
            "outbox": 10.0,
            "slo": 10.0,
            "blob:pane": 10.0,
            "predictions": 1.0,
        }
        assert store.apply_retention(keep, now=100.0) == 6
        assert [s.time for s in store.read_signals()] == [50.0, 100.0]
        assert len(store.reports("drift")) == 1
        assert store.reports("quality") == []
        assert [a.alert_id for a in store.alerts()] == ["a1"]
        assert [m.message_id for m in store.outbox()] == ["m2"]
        assert store.slo_counts("fast", since=0.0, until=1.0) == []
        assert store.blob("checkpoint", "old") == b"x"

    def test_a_series_that_ended_long_ago_is_forgotten(self, store):
        store.write_signals([point(0.0, feature="gone"), point(100.0, feature="alive")])
        store.apply_retention({"signals": 50.0}, now=100.0)
        assert [s.labels["feature"] for s in store.latest_signals()] == ["alive"]
        store.write_signals([point(101.0, feature="gone")])
        assert len(store.latest_signals()) == 2

    def test_old_signals_are_thinned_but_what_was_judged_stays(self, store):
        day = 86400.0
        store.write_signals([point(60.0 * i) for i in range(24 * 60)])
        store.write_signals([point(7 * 60.0, verdict=verdict(Outcome.BAD, bins=[1]))])
        assert store.apply_retention({"signals": 90 * day, "signals_full": 0.5 * day}, now=day) > 0
        times = [s.time for s in store.read_signals()]
        assert times[:4] == [240.0, 420.0, 540.0, 840.0]
        assert [t for t in times if t >= day / 2] == [60.0 * i for i in range(720, 1440)]
        assert len(times) == 720 + 144 + 1
        assert store.apply_retention({"signals": 90 * day, "signals_full": 0.5 * day}, now=day + 60) == 0
        assert store.apply_retention({"signals": 90 * day, "signals_full": 0.0}, now=day) == 720 - 144
        assert len(store.latest_signals()) == 1

    def test_the_oldest_go_until_the_rest_fits(self, store):
        store.write_signals([point(float(t), float(t), feature=f) for t in range(4000) for f in "abc"])
        before = store.size_bytes()
        assert store.apply_retention({}, now=4000.0, max_bytes=before // 2) > 0
        left = store.read_signals(labels={"feature": "a"})
        assert store.size_bytes() <= before // 2
        assert left[-1].time == 3999.0
        assert left[0].time > 1000.0
        assert [s.time for s in left] == [float(t) for t in range(int(left[0].time), 4000)]

    def test_a_ceiling_nothing_can_meet_ends(self, store):
        store.put_value("x", "y" * 10_000)
        assert store.apply_retention({}, now=0.0, max_bytes=1) == 0


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.value("x")
    store.close()
