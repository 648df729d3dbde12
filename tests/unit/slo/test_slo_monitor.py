"""SLOMonitor: what counts as good for each type, and what becomes of it over restarts and silence."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.records import LabelledBatch, TrafficBatch
from neural.monitoring.signal import Outcome, Signal
from neural.monitoring.slo import SLOMonitor, SLOSettings, sla_report, slo_key
from neural.monitoring.store import MemoryStore

START = 1_700_000_040.0  # the beginning of a minute


def settings(**fields):
    return SLOSettings.model_validate({"name": "x", "window": "1h", **fields})


def traffic(times, latency=0.01, failed=False, model="m", weights=None):
    n = len(times)
    failed = np.broadcast_to(np.asarray(failed), n).copy()
    return TrafficBatch(
        model, "1", np.asarray(times, float), np.broadcast_to(np.asarray(latency, float), n).copy(), np.where(failed, 500, 200).astype(np.int32),
        failed, np.ones(n) if weights is None else np.asarray(weights, float),
    )  # fmt: skip


def labelled(times, predictions, labels, **more):
    times = np.asarray(times, float)
    dtype = float if isinstance(labels[0], float) else object
    return LabelledBatch(
        "m",
        "1",
        times,
        times,
        [str(i) for i in range(len(times))],
        np.asarray(predictions, dtype),
        np.asarray(labels, dtype),
        **more,
    )


class Bench:
    def __init__(self, *slos, store=None, clock=None, slot=60.0):
        self.clock = clock or ManualClock(START)
        self.store = store or MemoryStore()
        self.monitor = SLOMonitor(slos, self.store, self.clock, slot_seconds=slot)

    def evaluate(self, earlier=(), version="1"):
        signals = self.monitor.evaluate(SimpleNamespace(model="m", version=version, now=self.clock(), earlier=earlier))
        mine = [s for s in signals if s.labels["slo"] == "x"]
        return {(s.name, *[v for k, v in s.labels.items() if k not in ("model", "version", "slo")]): s for s in mine}

    def value(self, *key, **more):
        return self.evaluate(**more)[key].value


def test_availability_counts_requests_the_server_did_not_fail():
    bench = Bench(settings(type="availability", target=0.9))
    bench.monitor.observe_traffic(traffic([START] * 10, failed=[True] + [False] * 9))
    found = bench.evaluate()
    assert found["slo.compliance",].value == pytest.approx(0.9)
    assert found["slo.budget_remaining",].value == pytest.approx(0.0)
    assert found["slo.compliance",].verdict.outcome is Outcome.OK
    assert found["slo.target",].value == 0.9


def test_a_missed_target_says_so_with_the_numbers():
    bench = Bench(settings(type="availability", target=0.95))
    bench.monitor.observe_traffic(traffic([START] * 10, failed=[True] + [False] * 9))
    verdict = bench.evaluate()["slo.compliance",].verdict
    assert verdict.outcome is Outcome.BAD
    assert verdict.reason == "90% of 10 requests in the last 1h were good: misses the target of 95%"


def test_latency_counts_answered_requests_in_time_and_a_fast_failure_is_not_good():
    bench = Bench(settings(type="latency", threshold="100ms"))
    bench.monitor.observe_traffic(traffic([START] * 4, latency=[0.05, 0.1, 0.2, 0.001], failed=[False, False, False, True]))
    assert bench.value("slo.compliance") == pytest.approx(2 / 3)


def test_sampled_requests_weigh_what_they_stand_for():
    bench = Bench(settings(type="error_rate"))
    bench.monitor.observe_traffic(traffic([START] * 2, failed=[True, False], weights=[1, 9]))
    assert bench.value("slo.compliance") == pytest.approx(0.9)


def test_accuracy_counts_labelled_predictions():
    bench = Bench(settings(type="accuracy"))
    bench.monitor.observe_labels(labelled([START] * 4, ["a", "b", "a", "a"], ["a", "a", "a", "b"]))
    assert bench.value("slo.compliance") == pytest.approx(0.5)


def test_accuracy_of_numbers_allows_the_threshold():
    bench = Bench(settings(type="accuracy", threshold=1.0))
    bench.monitor.observe_labels(labelled([START] * 3, [1.0, 2.0, 5.0], [1.5, 3.0, 9.0]))
    assert bench.value("slo.compliance") == pytest.approx(2 / 3)


def test_a_corrected_label_takes_back_the_earlier_one():
    bench = Bench(settings(type="accuracy"))
    bench.monitor.observe_labels(labelled([START] * 2, ["a", "a"], ["b", "a"]))
    again = {"corrected": np.array([True]), "previous_labels": np.array(["b"], object)}
    bench.monitor.observe_labels(labelled([START], ["a"], ["a"], **again))
    assert bench.value("slo.compliance") == pytest.approx(1.0)


def test_no_events_are_no_data_never_met():
    bench = Bench(settings(type="availability"))
    found = bench.evaluate()
    assert found["slo.compliance",].value is None
    assert found["slo.compliance",].verdict.outcome is Outcome.UNKNOWN
    assert found["slo.budget_remaining",].value is None
    assert found["slo.burn_alert", "page"].value is None


def test_throughput_judges_closed_slots_and_idle_ones_are_bad():
    bench = Bench(settings(type="throughput", threshold=0.1))  # 6 a minute
    bench.evaluate()
    for requests in [6, 6, 10, 0, 5]:
        bench.monitor.observe_traffic(traffic([bench.clock()] * requests))
        bench.clock.advance(60)
    bench.clock.advance(60)
    bench.evaluate()
    rows = bench.store.slo_counts(slo_key("m", "x"), since=0, until=2e9)
    assert [(int((slot - START) // 60), good) for slot, good, _ in rows] == [(1, 1), (2, 1), (3, 0), (4, 0)]


def test_a_late_request_can_mend_a_slot():
    bench = Bench(settings(type="throughput", threshold=0.1))
    bench.evaluate()
    bench.clock.advance(60)
    slot = bench.clock()
    bench.monitor.observe_traffic(traffic([slot] * 5))
    bench.clock.advance(120)
    bench.evaluate()
    before = bench.store.slo_counts(slo_key("m", "x"), since=slot, until=slot + 1)
    bench.monitor.observe_traffic(traffic([slot]))
    bench.clock.advance(1)
    bench.evaluate()
    after = bench.store.slo_counts(slo_key("m", "x"), since=slot, until=slot + 1)
    assert (before, after) == ([(slot, 0.0, 1.0)], [(slot, 1.0, 1.0)])


def test_time_in_which_the_sidecar_was_away_is_no_data_for_throughput():
    bench = Bench(settings(type="throughput", threshold=0.1))
    bench.evaluate()
    bench.clock.advance(3600)
    assert bench.evaluate()["slo.compliance",].value is None


def test_drift_free_takes_the_worst_of_a_slot():
    bench = Bench(settings(type="drift_free"))
    alarm = lambda value: [Signal("drift.alarm", value, bench.clock(), {"model": "m", "version": "1"})]  # noqa: E731
    bench.evaluate(alarm(0.0))
    bench.clock.advance(10)
    bench.evaluate(alarm(1.0))
    bench.clock.advance(10)
    assert bench.value("slo.compliance", earlier=alarm(0.0)) == 0.0
    bench.clock.advance(60)
    assert bench.value("slo.compliance", earlier=alarm(0.0)) == 0.5
    bench.clock.advance(60)
    assert bench.value("slo.compliance", earlier=alarm(None)) == 0.5


def test_quality_needs_its_score():
    bench = Bench(settings(type="quality", threshold=0.8))
    score = lambda value: [Signal("quality.score", value, bench.clock(), {"model": "m", "version": "1"})]  # noqa: E731
    assert bench.value("slo.compliance", earlier=score(0.9)) == 1.0
    bench.clock.advance(60)
    assert bench.value("slo.compliance", earlier=score(0.5)) == 0.5


def test_two_versions_share_one_budget_and_one_set_of_signals():
    bench = Bench(settings(type="availability"))
    bench.monitor.observe_traffic(traffic([START] * 10))
    one, two = bench.evaluate(version="1"), bench.evaluate(version="2")
    assert {key: signal.value for key, signal in one.items()} == {key: signal.value for key, signal in two.items()}
    assert one["slo.compliance",].labels == {"model": "m", "version": "1", "slo": "x"}


def test_models_have_budgets_of_their_own():
    bench = Bench(settings(type="availability"), settings(name="only", type="availability", model="other"))
    bench.monitor.observe_traffic(traffic([START] * 4, model="other", failed=True))
    bench.monitor.observe_traffic(traffic([START] * 4))
    found = bench.monitor.evaluate(SimpleNamespace(model="m", version="1", now=START, earlier=()))
    assert {signal.labels["slo"] for signal in found} == {"x"}
    assert next(signal for signal in found if signal.name == "slo.compliance").value == 1.0


def test_an_outage_pages_and_the_page_ends_soon_after_it():
    bench = Bench(settings(type="availability", window="28d"))
    for minute in range(120):
        failed = 60 <= minute < 70
        bench.clock.now = START + 60 * minute
        bench.monitor.observe_traffic(traffic(np.full(100, bench.clock()), failed=failed))
        value = bench.value("slo.burn_alert", "page")
        if minute < 60 or minute >= 100:  # the slow page looks back half an hour
            assert value == 0.0, minute
        elif 62 <= minute < 70:
            assert value == 1.0, minute


def test_a_restart_from_a_snapshot_continues_exactly():
    slos = [settings(type="availability", target=0.9), settings(name="t", type="throughput", threshold=0.1)]
    one = Bench(*slos)
    one.evaluate()
    for minute in range(300):
        one.clock.advance(60)
        one.monitor.observe_traffic(
            traffic([one.clock() - 30] * (7 if minute % 3 else 2), failed=[minute % 5 == 0] * (7 if minute % 3 else 2))
        )
        one.evaluate()
    saved = json.loads(json.dumps(one.monitor.snapshot()))
    other = Bench(*slos, store=one.store, clock=one.clock)
    other.monitor.restore(saved)
    one.clock.advance(60)
    assert {k: s.value for k, s in other.evaluate().items()} == {k: s.value for k, s in one.evaluate().items()}


def test_a_crash_after_the_snapshot_replays_to_the_same_counts():
    """What was written after the checkpoint is replayed from the journal: it must not count twice."""
    one = Bench(settings(type="availability"))
    one.monitor.observe_traffic(traffic([START] * 10, failed=[True] + [False] * 9))
    saved = json.loads(json.dumps(one.monitor.snapshot()))
    after = traffic([START + 1] * 10)
    one.monitor.observe_traffic(after)
    one.evaluate()  # writes the slot with 20 requests
    other = Bench(settings(type="availability"), store=one.store, clock=one.clock)
    other.monitor.restore(saved)
    other.monitor.observe_traffic(after)
    assert other.value("slo.compliance") == pytest.approx(0.95)


def test_a_breach_is_an_episode_with_start_and_end():
    bench = Bench(settings(type="availability", target=0.9, window="10m"))
    bench.monitor.observe_traffic(traffic([START] * 10, failed=[True] * 2 + [False] * 8))
    bench.evaluate()
    bench.clock.advance(300)
    objective = bench.monitor._settings[0]
    [now] = sla_report(bench.store, objective, "m", start=START - 60, end=START + 300).breaches
    assert (now.start, now.end, now.duration_seconds) == (START, None, 300.0)
    bench.monitor.observe_traffic(traffic([bench.clock()] * 100))
    bench.evaluate()
    report = sla_report(bench.store, objective, "m", start=START - 60, end=START + 600)
    assert [(one.start, one.end) for one in report.breaches] == [(START, START + 300)]
    assert (report.total_measurements, report.is_meeting) == (110, True)
    [report] = bench.store.reports("slo_breach")
    assert report.body == {"slo": "x", "started_at": START, "ended_at": START + 300, "duration_seconds": 300.0}


def test_times_from_the_future_and_nonsense_times_count_as_now():
    bench = Bench(settings(type="availability"))
    bench.monitor.observe_traffic(traffic([START + 1e9, float("nan"), float("inf"), START, -1e300]))
    assert bench.value("slo.compliance") == 1.0
    assert bench.store.slo_counts(slo_key("m", "x"), since=0, until=4e9) == [(START, 4.0, 4.0)], (
        "and what is older than all that is kept is left out"
    )


def test_a_calendar_month_starts_anew():
    from datetime import UTC, datetime

    end = datetime(2024, 2, 29, 23, 59, tzinfo=UTC).timestamp()
    bench = Bench(settings(type="availability", window="month"), clock=ManualClock(end))
    bench.monitor.observe_traffic(traffic([end] * 10, failed=True))
    assert bench.value("slo.compliance") == 0.0
    bench.clock.advance(60)
    assert bench.value("slo.compliance") is None


def test_a_clock_that_jumps_a_year_ahead_and_back_costs_nothing():
    bench = Bench(settings(type="availability", window="1d"), settings(name="t", type="throughput", threshold=0.1))
    bench.monitor.observe_traffic(traffic([START] * 10, failed=[True] + [False] * 9))
    bench.evaluate()
    bench.clock.advance(365 * 86400)
    bench.monitor.observe_traffic(traffic([bench.clock()] * 50, failed=True))
    bench.evaluate()
    bench.clock.now = START + 120
    bench.evaluate()
    bench.monitor.observe_traffic(traffic([bench.clock()] * 10))
    assert bench.value("slo.compliance") == pytest.approx(0.95)
