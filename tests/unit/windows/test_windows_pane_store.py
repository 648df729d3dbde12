from __future__ import annotations

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.records import Column, Kind, RecordBatch, TrafficBatch
from neural.monitoring.windows import PaneStore, ReferenceSettings, WindowSettings, build_reference, columns_from

START = 1_700_000_000.0


def batch(columns, times=None, model="m", version="1", **more):
    cols = columns_from(columns)
    n = len(next(iter(cols.values())))
    times = np.full(n, START) if times is None else np.asarray(times, dtype=float)
    return RecordBatch(model, version, times, [str(i) for i in range(n)], cols, **more)


def traffic(times, latency=0.01, status=200):
    n = len(times)
    codes = np.full(n, status, dtype=np.int32)
    return TrafficBatch("m", "1", np.asarray(times, float), np.full(n, latency), codes, codes >= 500, np.ones(n))


@pytest.fixture
def clock():
    return ManualClock(START)


@pytest.fixture
def reference():
    rng = np.random.default_rng(1)
    return build_reference(
        columns_from({"x": rng.normal(size=2000), "c": rng.choice(["a", "b"], 2000)}), source="test", created_at=START
    )


def store(clock, **settings):
    return PaneStore(WindowSettings(**{"pane": "1m", "length": "10m", **settings}), clock)


def test_rows_are_counted_on_the_grid_of_the_reference(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": [0.0, -100.0, 100.0, None], "c": ["a", "zz", None, "b"]}))
    window = panes.evaluation("m", "1", clock()).window
    x, c = window.columns["x"], window.columns["c"]
    assert window.rows == 4
    assert (x.n, x.missing, x.total) == (3, 1, 4)
    assert x.counts[0] == 1  # below the reference's range
    assert x.counts[-1] == 1  # above it
    assert x.counts.sum() == 3
    assert (c.n, c.missing, c.unseen) == (3, 1, 1)
    assert c.unseen_values == {"zz": 1}
    assert c.counts.tolist()[-1] == 1
    assert x.mean == pytest.approx(0.0)
    assert (x.minimum, x.maximum) == (-100.0, 100.0)


def test_every_row_is_in_one_latest_only_late_ones_too(clock, reference):
    panes = store(clock, lateness="1m")
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": [1.0, 2.0]}))
    assert panes.evaluation("m", "1", clock()).latest.rows == 2
    panes.add_rows(batch({"x": [3.0]}, times=[START - 3600]))
    second = panes.evaluation("m", "1", clock())
    assert second.latest.rows == 1
    assert second.window.rows == 2
    assert panes.late_rows == 1
    assert panes.evaluation("m", "1", clock()).latest.rows == 0


def test_old_panes_leave_the_window_and_then_memory(clock, reference):
    panes = store(clock, lateness=0)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": [1.0]}))
    clock.advance(5 * 60)
    panes.add_rows(batch({"x": [2.0, 3.0]}, times=[clock(), clock()]))
    assert panes.evaluation("m", "1", clock()).window.rows == 3
    clock.advance(7 * 60)
    panes.expire(clock())
    assert panes.evaluation("m", "1", clock()).window.rows == 2
    assert len(panes._models["m", "1"].panes) == 1


def test_one_batch_over_several_panes_is_split_by_time(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": np.arange(6.0), "c": list("ababab")}, times=START - 60.0 * np.arange(6)))
    assert len(panes._models["m", "1"].panes) == 6
    assert panes.evaluation("m", "1", clock()).window.columns["c"].n == 6


def test_predictions_probabilities_and_latency_are_columns(clock):
    panes = store(clock)
    predictions = Column("@prediction", Kind.CATEGORICAL, np.array(["yes", "no"], dtype=object), np.zeros(2, dtype=bool))
    panes.add_rows(
        batch(
            {"x": [1.0, 2.0]},
            predictions=predictions,
            probabilities={"yes": np.array([0.7, 0.2])},
            latency_seconds=np.array([0.01, 0.01]),
        )
    )
    columns = panes.evaluation("m", "1", clock()).window.columns
    assert set(columns) == {"x", "@prediction", "@probability:yes", "@latency"}
    assert columns["@probability:yes"].mean == pytest.approx(0.45)


def test_a_reference_is_learnt_from_the_first_rows(clock):
    panes = PaneStore(WindowSettings(), clock, ReferenceSettings(learn="300 rows"))
    rng = np.random.default_rng(0)
    panes.add_rows(batch({"x": rng.normal(size=200), "c": rng.choice(["a", "b"], 200)}))
    assert panes.reference("m", "1") is None
    panes.add_rows(batch({"x": rng.normal(size=200), "c": rng.choice(["a", "b"], 200)}))
    learnt = panes.reference("m", "1")
    assert learnt is not None
    assert learnt.rows == 400
    assert set(learnt.columns) == {"x", "c"}
    assert learnt.source == "learnt from 400 rows of traffic"
    panes.add_rows(batch({"x": [0.1], "c": ["a"]}))
    assert panes.evaluation("m", "1", clock()).window.columns["x"].counts.sum() == 1


def test_a_reference_is_learnt_for_a_time(clock):
    panes = PaneStore(WindowSettings(), clock, ReferenceSettings(learn="1h"))
    panes.add_rows(batch({"x": np.arange(150.0)}, times=np.linspace(START - 7200, START - 4000, 150)))
    assert panes.reference("m", "1") is None
    panes.add_rows(batch({"x": [1.0]}))
    assert panes.reference("m", "1").rows == 151


def test_learning_holds_a_bounded_uniform_sample(clock):
    panes = PaneStore(WindowSettings(), clock, ReferenceSettings(learn="50_000 rows", max_rows=1000))
    for at in range(50):
        panes.add_rows(batch({"x": np.arange(1000.0) + 1000 * at}))
        learner = panes._models["m", "1"].learner
        assert learner is None or learner.held <= 3000
    reference = panes.reference("m", "1")
    assert reference.rows == 1000
    assert reference.columns["x"].mean == pytest.approx(25_000, rel=0.1)


def test_a_default_reference_serves_models_that_have_none(clock, reference):
    panes = store(clock)
    panes.add_rows(batch({"x": [1.0]}))
    panes.set_default_reference(reference)
    panes.add_rows(batch({"x": [1.0]}, version="2"))
    assert panes.reference("m", "1") is reference
    assert panes.reference("m", "2") is reference
    assert panes.models() == [("m", "1"), ("m", "2")]


def test_columns_the_reference_does_not_have_are_counted_without_a_grid(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": [1.0], "extra": [5.0]}))
    panes.add_rows(batch({"x": [1.0], "word": ["hm"]}))
    columns = panes.evaluation("m", "1", clock()).window.columns
    assert len(columns["extra"].counts) == 0
    assert columns["extra"].mean == 5.0
    assert columns["extra"].total == 1
    assert columns["word"].n == 1
    assert columns["c"].total == 0


def test_words_in_a_numeric_column_are_read_or_invalid(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": ["abc", "1.5", None, "inf"]}))
    x = panes.evaluation("m", "1", clock()).window.columns["x"]
    assert (x.total, x.n, x.invalid, x.missing) == (4, 1, 2, 1)


def test_infinities_are_counted_apart(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.add_rows(batch({"x": np.array([np.inf, -np.inf, 1.0, np.nan])}))
    x = panes.evaluation("m", "1", clock()).window.columns["x"]
    assert (x.n, x.non_finite, x.missing) == (1, 2, 1)
    assert x.mean == 1.0


def test_models_and_columns_are_bounded_and_that_is_said_once(clock, caplog):
    panes = store(clock, max_models=2, max_columns=3)
    for version in "1233":
        panes.add_rows(batch({"x": [1.0, 2.0]}, version=version))
    assert panes.models() == [("m", "1"), ("m", "2")]
    assert panes.refused_rows == 4
    assert caplog.messages == ["windows.max_models is 2: m version 3 and those that come after it are not watched"]
    assert panes.unwatched_columns == 0
    panes.add_rows(batch({f"x{i}": [1.0] for i in range(10)}))
    assert len(panes.evaluation("m", "1", clock()).window.columns) == 3
    assert panes.unwatched_columns == 3  # of the eight as many are told apart as there is room for


def test_restore_continues_as_if_never_stopped(clock, reference):
    def feed(panes, part):
        rng = np.random.default_rng(part)
        for at in range(5):
            times = clock() - rng.uniform(0, 300, 50)
            panes.add_rows(batch({"x": rng.normal(size=50), "c": rng.choice(["a", "b", "q"], 50), "e": np.ones(50)}, times=times))
            panes.add_traffic(traffic(times, latency=0.01 * (at + 1), status=200 + 100 * at))

    one, two = store(clock), store(clock)
    for panes in (one, two):
        panes.set_reference("m", "1", reference)
        feed(panes, 1)
    three = store(clock)
    three.restore(two.snapshot())
    for panes in (one, three):
        feed(panes, 2)
    a, b = (panes.evaluation("m", "1", clock()) for panes in (one, three))
    for shown in ("window", "latest"):
        for name, pane in getattr(a, shown).columns.items():
            again = getattr(b, shown).columns[name]
            assert again.counts.tolist() == pane.counts.tolist()
            assert again.unseen_values == pane.unseen_values
            assert (again.n, again.mean, again.std, again.maximum) == (pane.n, pane.mean, pane.std, pane.maximum)
    assert a.traffic.by_status == b.traffic.by_status
    assert a.traffic.quantile(0.95) == b.traffic.quantile(0.95)
    assert b.reference.hash == reference.hash


def test_each_reference_that_takes_the_place_of_another_has_the_next_number(clock, reference):
    panes = store(clock)
    panes.set_reference("m", "1", reference)
    panes.set_reference("m", "1", reference)
    assert panes.reference("m", "1").version == 1
    other = build_reference(columns_from({"x": [1.0, 2.0]}), source="other", created_at=0.0)
    panes.set_reference("m", "1", other)
    again = store(clock)
    again.restore(panes.snapshot())
    for one in (panes, again):
        found = one.reference("m", "1")
        assert found.named == {"reference": other.hash, "reference_version": 2}
        assert one.evaluation("m", "1", clock()).reference.version == 2


def test_restore_keeps_rows_held_for_learning(clock):
    learning = ReferenceSettings(learn="300 rows")
    one = PaneStore(WindowSettings(), clock, learning)
    one.add_rows(batch({"x": np.arange(200.0), "c": ["a", None] * 100}))
    two = PaneStore(WindowSettings(), clock, learning)
    two.restore(one.snapshot())
    two.add_rows(batch({"x": np.arange(200.0), "c": ["b"] * 200}))
    reference = two.reference("m", "1")
    assert reference.rows == 400
    assert reference.columns["c"].categories == {"b": 200, "a": 100}
    assert reference.columns["c"].missing == 100


def test_bytes_that_are_no_snapshot_are_refused(clock):
    with pytest.raises(ValueError):
        store(clock).restore(b"\x05\0\0\0\0\0\0\0hello there")


def test_traffic_adds_up(clock):
    panes = store(clock)
    panes.add_traffic(traffic(START - np.arange(100.0) * 5, latency=0.02))
    panes.add_traffic(traffic([START] * 10, latency=0.2, status=503))
    panes.add_traffic(traffic([START] * 5, status=404))
    seen = panes.evaluation("m", "1", clock()).traffic
    assert (seen.requests, seen.failed, seen.client_errors, seen.events) == (115, 10, 5, 115)
    assert seen.by_status == {200: 100, 503: 10, 404: 5}
    assert seen.quantile(0.5) == pytest.approx(0.02, rel=0.05)
    assert seen.quantile(0.99) == pytest.approx(0.2, rel=0.05)
    assert seen.share_up_to(0.1) == pytest.approx(105 / 115, abs=0.001)
    assert seen.last_time == START


def test_a_pane_too_narrow_is_widened_and_one_too_wide_refused():
    assert WindowSettings(pane="1s", length="1h").pane_seconds == 30
    with pytest.raises(ValueError, match="longer than length"):
        WindowSettings(pane="2h", length="1h")


def test_a_window_of_many_panes_is_the_sum_of_its_rows_also_when_rows_come_late():
    random = np.random.default_rng(0)
    clock = ManualClock(1_700_000_000.0)
    panes = PaneStore(WindowSettings(pane="1s", length="40s", evaluate_every="1s", lateness="60s"), clock)
    panes.set_default_reference(build_reference(columns_from({"x": random.normal(size=500)}), source="test", created_at=0.0))
    sent = []
    for second in range(120):
        late = float(random.integers(0, 30)) if second % 3 == 0 else 0.0
        values = random.normal(size=int(random.integers(1, 20)))
        when = clock() - late
        panes.add_rows(RecordBatch("m", "1", np.full(len(values), when), [""] * len(values), columns_from({"x": values})))
        sent.append((when, values))
        clock.advance(1.0)
        window = panes.evaluation("m", "1", clock()).window
        inside = np.concatenate([part for at, part in sent if int(at) + 1 > clock() - 40.0])
        pane = window.columns["x"]
        assert window.rows == pane.n == pane.counts.sum() == len(inside)
        assert pane.maximum == inside.max()
        assert pane.mean == pytest.approx(inside.mean())
        panes.expire(clock())
