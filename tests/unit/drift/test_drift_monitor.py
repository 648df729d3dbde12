from __future__ import annotations

import json
import math

import numpy as np
import pytest

from neural.monitoring.clock import ManualClock
from neural.monitoring.drift import METHODS, DriftMonitor, DriftSettings
from neural.monitoring.records import PREDICTION, PROBABILITY_PREFIX, RecordBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.windows import Monitor, PaneStore, Stateful, WindowSettings, columns_from


def weather(random, n, celsius=False):
    temp = random.normal(45.0, 15.0, n).round(1)
    dewp = (temp - random.gamma(3.0, 4.0, n)).round(1)
    if celsius:
        temp, dewp = ((fahrenheit - 32) / 1.8 for fahrenheit in (temp, dewp))
    return {
        "temp": temp,
        "dewp": dewp,
        "visib": random.choice([10.0, 9.0, 7.0, 3.0, 0.5], n, p=[0.85, 0.08, 0.04, 0.02, 0.01]),
        "precip": np.where(random.random(n) < 0.93, 0.0, random.exponential(0.03, n).round(2)),
        "carrier": random.choice(
            list("ABCDEFGHIJ"), n, p=[0.4, 0.3, 0.2, 0.05, 0.03, 0.01, 0.008, 0.001, 0.0008, 0.0002]
        ).tolist(),
        "tail": [f"N{k}" for k in random.integers(0, 4000, n)],
    }


def weather_stream(stream, seed=0, rows=10_000):
    random = np.random.default_rng(seed)
    return stream(weather(random, rows)), random


def test_a_change_of_unit_alarms_at_once_and_the_alarm_goes_when_it_ends(stream):
    watched, random = weather_stream(stream)
    assert not any(watched.alarm(weather(random, 500)) for _ in range(10))
    found = watched.second(weather(random, 500, celsius=True))
    alarm = found["drift.alarm", ""]
    assert alarm.value == 1.0
    assert alarm.verdict.outcome is Outcome.BAD
    assert {item["feature"] for item in alarm.verdict.evidence["features"]} == {"temp", "dewp"}
    assert "temp" in alarm.verdict.reason
    assert all(watched.alarm(weather(random, 500, celsius=True)) for _ in range(5))
    after = [watched.alarm(weather(random, 500)) for _ in range(6)]
    assert after[-1] is False
    assert not any(watched.alarm(weather(random, 500)) for _ in range(5))


@pytest.mark.parametrize("seed", range(10))
def test_exchangeable_traffic_raises_no_alarm(stream, seed):
    watched, random = weather_stream(stream, seed)
    for _ in range(25):
        found = watched.second(weather(random, 800))
        assert found["drift.alarm", ""].value == 0.0, found["drift.alarm", ""].verdict.reason
        assert found["drift.score", ""].value == 0.0, found["drift.score", ""].verdict.reason


def test_after_an_alarm_it_re_arms_by_itself(stream):
    watched, random = weather_stream(stream)
    for _ in range(3):
        assert not any(watched.alarm(weather(random, 400)) for _ in range(8))
        assert any(watched.alarm(weather(random, 400, celsius=True)) for _ in range(3))
        assert not [watched.alarm(weather(random, 400)) for _ in range(8)][-1]


def test_the_window_score_names_and_ranks_what_moved(stream):
    watched, random = weather_stream(stream)
    for _ in range(6):
        found = watched.second(weather(random, 500, celsius=True))
    assert found["drift.score", ""].value > 0.5
    assert found["drift.features", ""].value == 2.0
    assert found["drift.feature_score", "temp"].value > 0.5
    assert found["drift.feature_score", "visib"].value == 0.0
    ranking = found["drift.score", ""].verdict.evidence["ranking"]
    assert {ranking[0]["feature"], ranking[1]["feature"]} == {"temp", "dewp"}
    moved = found["drift.feature_score", "temp"].verdict.evidence["moved"]
    assert moved[0]["current"] > moved[0]["reference"]
    assert found["drift.evidence", "temp"].value >= 1.0
    assert found["drift.evidence", "carrier"].value < 1.0


def test_an_unknown_category_is_drift_of_that_column(stream):
    random = np.random.default_rng(0)
    watched = stream({"carrier": random.choice(["AA", "UA", "DL"], 5000).tolist()})
    assert not any(watched.alarm({"carrier": random.choice(["AA", "UA", "DL"], 300).tolist()}) for _ in range(5))
    found = [watched.second({"carrier": random.choice(["AA", "UA", "DL", "ZZ"], 300).tolist()}) for _ in range(2)][-1]
    assert found["drift.alarm", ""].value == 1.0
    assert found["drift.alarm", ""].verdict.evidence["features"][0]["moved"][0]["bin"] == "unseen"


def test_one_row_of_a_category_the_reference_lacks_is_no_alarm(stream):
    random = np.random.default_rng(1)
    watched = stream({"carrier": random.choice(["AA", "UA"], 5000).tolist()})
    for at in range(30):
        words = random.choice(["AA", "UA"], 300).tolist()
        if at % 10 == 0:
            words[0] = "rare"
        assert not watched.alarm({"carrier": words})


def test_more_missing_values_alone_are_not_drift(stream):
    random = np.random.default_rng(2)
    watched = stream({"x": random.normal(size=5000), "c": random.choice(["a", "b"], 5000).tolist()})
    for _ in range(20):
        x = np.where(random.random(400) < 0.7, np.nan, random.normal(size=400))
        c = [None if gone else word for gone, word in zip(random.random(400) < 0.7, random.choice(["a", "b"], 400), strict=True)]
        assert not watched.alarm({"x": x, "c": c})


def test_predictions_and_probabilities_drift_too(stream):
    random = np.random.default_rng(3)

    def rows(n, rate):
        p = np.clip(random.beta(2, 2, n) * 0.6 + rate * 0.4, 0, 1)
        return {"x": random.normal(size=n), PREDICTION: np.where(p > 0.5, "yes", "no").tolist(), PROBABILITY_PREFIX + "yes": p}

    watched = stream(rows(5000, 0.5))
    for _ in range(5):
        found = watched.second(rows(400, 0.5))
    assert found["drift.prediction_score", ""].value == 0.0
    for _ in range(6):
        found = watched.second(rows(400, 0.9))
    assert found["drift.alarm", ""].value == 1.0
    assert found["drift.prediction_score", ""].value > 0.2
    assert found["drift.score", ""].value == 0.0
    assert found["drift.concept_score", ""].value > 0.1


def test_without_a_reference_it_says_so():
    clock = ManualClock()
    panes = PaneStore(WindowSettings(), clock)
    panes.add_rows(RecordBatch("m", "1", np.full(3, clock()), ["", "", ""], columns_from({"x": [1.0, 2.0, 3.0]})))
    signal, *_ = DriftMonitor(DriftSettings()).evaluate(panes.evaluation("m", "1", clock()))
    assert signal.value is None
    assert signal.verdict.outcome is Outcome.UNKNOWN
    assert "no reference" in signal.verdict.reason


def test_without_rows_it_does_not_know(stream):
    found = stream({"x": np.arange(100.0)}).second()
    assert found["drift.alarm", ""].verdict.outcome is Outcome.UNKNOWN
    assert found["drift.score", ""].value is None
    assert found["drift.feature_score", "x"].verdict.outcome is Outcome.UNKNOWN


def test_too_few_rows_are_not_enough_data(stream):
    random = np.random.default_rng(4)
    found = stream({"x": random.normal(size=1000)}).second({"x": random.normal(size=10)})
    verdict = found["drift.feature_score", "x"].verdict
    assert verdict.outcome is Outcome.UNKNOWN
    assert "at least 30" in verdict.reason


def test_awkward_columns_give_findings_and_no_nan(stream):
    random = np.random.default_rng(5)
    reference = {
        "constant": np.ones(500),
        "nothing": np.full(500, np.nan),
        "huge": random.normal(size=500) * 1e300,
        "normal": random.normal(size=500),
        "one": ["a"] * 500,
    }
    watched = stream(reference)
    for data in (
        {
            "constant": np.zeros(50),
            "nothing": np.ones(50),
            "huge": np.full(50, 1e308),
            "normal": np.full(50, np.inf),
            "one": ["b"] * 50,
        },
        {"constant": ["word"] * 3, "normal": [None] * 3, "other": [1.0] * 3},
        {"normal": [0.5]},
    ):
        for signal in watched.second(data).values():
            assert signal.value is None or math.isfinite(signal.value)
            assert signal.verdict is None or signal.verdict.reason
            json.dumps([dict(signal.verdict.evidence) if signal.verdict else {}], allow_nan=False)


def test_what_moved_by_less_than_matters_is_named_and_no_alarm(stream):
    random = np.random.default_rng(2)
    watched = stream({"x": random.normal(size=50_000)}, smallest_effect="50%")
    found = [watched.second({"x": random.normal(0.5, 1.0, 500)})["drift.alarm", ""] for _ in range(12)][-1]
    assert found.value == 0.0
    assert found.verdict.outcome is Outcome.OK
    assert found.verdict.statistic < 1.0
    assert "x moved by" in found.verdict.reason
    assert "less than 50%" in found.verdict.reason
    assert 0.1 < found.verdict.evidence["too_small"]["x"] < 0.3


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_the_least_float_as_a_mark_for_missing_is_a_value_like_any_other(stream, share):
    least, random = -np.finfo(float).max, np.random.default_rng(5)

    def rows(n):
        return {"x": np.where(random.random(n) < share, least, random.normal(size=n))}

    watched = stream(rows(2_000))
    assert not any(watched.alarm(rows(200)) for _ in range(20))
    assert any(watched.alarm({"x": random.normal(size=200)}) for _ in range(3))


def test_a_constant_that_changes_is_drift(stream):
    watched = stream({"k": np.ones(2000)})
    assert not any(watched.alarm({"k": np.ones(200)}) for _ in range(5))
    assert any(watched.alarm({"k": np.full(200, 2.0)}) for _ in range(2))


def test_ignored_columns_are_not_watched(stream):
    random = np.random.default_rng(6)
    watched = stream({"row": np.arange(5000.0), "x": random.normal(size=5000)}, ignore=("row",))
    for at in range(5):
        found = watched.second({"row": np.arange(300.0) + 5000 + at * 300, "x": random.normal(size=300)})
        assert found["drift.alarm", ""].value == 0.0
    assert ("drift.feature_score", "row") not in found


def test_a_restart_in_between_changes_nothing(stream):
    one, random = weather_stream(stream)
    two, _ = weather_stream(stream)
    days = [weather(random, 200, celsius=at in (6, 7, 8)) for at in range(14)]
    for at, day in enumerate(days):
        if at in (3, 7, 10):
            state = json.loads(json.dumps(two.monitor.snapshot(), allow_nan=False))
            two.monitor = DriftMonitor(DriftSettings())
            two.monitor.restore(state)
        a, b = one.second(day), two.second(day)
        assert {key: signal.value for key, signal in a.items()} == {key: signal.value for key, signal in b.items()}


def test_a_state_that_was_never_asked_for_is_kept(stream):
    watched, random = weather_stream(stream)
    watched.second(weather(random, 100))
    again = DriftMonitor(DriftSettings())
    again.restore(watched.monitor.snapshot())
    assert again.snapshot() == watched.monitor.snapshot()


def test_performance_lost_against_the_reference_is_scored_beyond_chance(stream):
    random = np.random.default_rng(7)
    watched = stream({"x": random.normal(size=500)}, performance={"accuracy": 0.9})

    def accuracy(value, labels):
        verdict = Verdict(Outcome.OK, "labelled", sample_size=labels)
        return (Signal("performance.accuracy", value, 0.0, {}, verdict),)

    watched.earlier = accuracy(0.88, 100)
    assert watched.second({"x": [0.0]})["drift.performance_score", ""].value == 0.0
    watched.earlier = accuracy(0.5, 1000)
    found = watched.second({"x": [0.0]})
    assert 0.3 < found["drift.performance_score", ""].value < 0.5


MODEL_SCORES = ("model_evidence", "score", "prediction_score", "performance_score", "concept_score", "features", "alarm")


@pytest.mark.parametrize("celsius", [False, True])
def test_every_score_of_the_model_has_a_verdict_a_person_can_check(stream, celsius):
    random = np.random.default_rng(7)
    watched = stream(weather(random, 10_000), performance={"accuracy": 0.9})
    now = 0.6 if celsius else 0.9
    watched.earlier = (Signal("performance.accuracy", now, 0.0, {}, Verdict(Outcome.OK, "labelled", sample_size=1000)),)
    for _ in range(4):
        found = watched.second(weather(random, 500, celsius=celsius))
    for name in MODEL_SCORES:
        signal = found[f"drift.{name}", ""]
        verdict = signal.verdict
        assert verdict.outcome is not Outcome.UNKNOWN or name == "prediction_score", name
        assert verdict.reason, name
        assert verdict.threshold is not None, name
        assert verdict.sample_size is not None, name
        if name != "alarm":
            assert verdict.statistic == signal.value, name
        if name != "prediction_score":
            assert (verdict.outcome is Outcome.BAD) is celsius, (name, verdict.reason)
    assert found["drift.alarm", ""].verdict.evidence["reference_version"] == 1
    score = found["drift.concept_score", ""]
    parts = score.verdict.evidence["parts"]
    weights = score.verdict.evidence["weights"]
    assert score.value == pytest.approx(sum(weights[name] * parts[name] for name in parts) / sum(weights.values()))


def test_a_score_that_is_not_known_says_why(stream):
    watched = stream({"x": np.random.default_rng(1).normal(size=500)})
    verdict = watched.second({"x": [0.0]})["drift.performance_score", ""].verdict
    assert verdict.outcome is Outcome.UNKNOWN
    assert "label" in verdict.reason


def test_every_method_can_be_asked_for(stream):
    random = np.random.default_rng(8)
    unordered = [name for name, method in METHODS.items() if not method.ordered]
    watched = stream(weather(random, 500), methods={"numeric": list(METHODS), "categorical": unordered})
    found = watched.second(weather(random, 200))
    for name in METHODS:
        signal = found[f"drift.{name}", "temp"]
        assert math.isfinite(signal.value)
        assert signal.verdict.method == name
    assert ("drift.ks", "carrier") not in found


def test_its_signals_are_those_it_promises(stream):
    watched, random = weather_stream(stream, rows=500)
    promised = {spec.name: spec for spec in DriftMonitor.specs}
    for signal in watched.second(weather(random, 100)).values():
        assert set(signal.labels) == {"model", "version", *promised[signal.name].labels}
    assert isinstance(watched.monitor, Monitor)
    assert isinstance(watched.monitor, Stateful)
