"""True outcomes in the Python API: early, late, repeated, corrected; what the model is worth follows, also for CLI and dashboard."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sk

from neural.monitoring import ModelMonitor, send_labels
from neural.monitoring.clock import ManualClock
from neural.monitoring.errors import DataError, NeuralError
from neural.monitoring.performance import PerformanceSettings
from neural.monitoring.store import open_store
from neural.monitoring.views import performance


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def monitor(tmp_path, clock):
    made = ModelMonitor(
        "m", "2", storage_path=tmp_path, clock=clock, performance=PerformanceSettings(segments=("town",), window=86_400)
    )
    yield made
    made.close()


def log(monitor, n=200, seed=0):
    """n predictions with a probability; returns scores, predicted classes and outcomes."""
    random = np.random.default_rng(seed)
    scores = random.random(n)
    truth = (random.random(n) < scores).astype(int)
    for at in range(n):
        made = int(scores[at] >= 0.5)
        monitor.log_prediction(
            f"p{at}", {"x": float(at), "town": "left" if at % 2 else "right"}, made, {"0": 1 - scores[at], "1": scores[at]}
        )
    return scores, (scores >= 0.5).astype(int), truth


def test_labels_give_every_metric_with_its_interval(monitor, clock):
    scores, made, truth = log(monitor)
    clock.advance(60)
    counts = monitor.log_labels({f"p{at}": int(label) for at, label in enumerate(truth)})
    assert counts["matched"] == 200
    clock.advance(60)  # what was asked a minute and a bit ago is due
    report = monitor.get_performance()
    metrics = {name: one["value"] for name, one in report["metrics"].items()}
    assert metrics["accuracy"] == pytest.approx(sk.accuracy_score(truth, made))
    assert metrics["roc_auc"] == pytest.approx(sk.roc_auc_score(truth, scores))
    assert metrics["f1_macro"] == pytest.approx(sk.f1_score(truth, made, average="macro"))
    assert all(one["interval"][0] <= one["value"] <= one["interval"][1] for one in report["metrics"].values())
    assert report["classes"]["1"]["recall"]["value"] == pytest.approx(sk.recall_score(truth, made))
    left = np.arange(200) % 2 == 1
    assert report["segments"]["town=left"]["accuracy"]["value"] == pytest.approx(sk.accuracy_score(truth[left], made[left]))
    assert report["segments"]["town=left"]["roc_auc"]["value"] == pytest.approx(sk.roc_auc_score(truth[left], scores[left]))
    assert (report["status"], report["labels"], report["coverage"], report["state"]) == ("ok", 200, 1.0, "provisional")
    assert report["label_delay_seconds"] == pytest.approx(60, rel=0.2)
    assert report["estimated"]["accuracy"]["record"]["labels"] == 200


def test_labels_may_come_before_twice_and_be_corrected(monitor):
    monitor.log_labels([("early", 1)])
    for name in ("early", "late"):
        monitor.log_prediction(name, {"x": 1.0}, 1)
    monitor.log_labels([{"id": "late", "label": 0}])
    assert monitor.get_performance()["metrics"]["accuracy"]["value"] == 0.5
    counts = monitor.log_labels([{"id": "late", "label": 0}])
    assert (counts["matched"], counts["repeated"]) == (2, 1)
    counts = monitor.log_labels([("late", True)])
    assert counts["corrected"] == 1
    assert monitor.get_performance()["metrics"]["accuracy"]["value"] == 1.0


def test_a_ground_truth_given_with_the_prediction_is_its_label(monitor):
    for at in range(4):
        monitor.log_prediction(f"p{at}", {"x": 1.0}, 1, ground_truth=int(at > 0))
    assert monitor.get_performance()["metrics"]["accuracy"]["value"] == 0.75


def test_numbers_with_fractions_are_a_regression(monitor):
    truth, made = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    for at, value in enumerate(made):
        monitor.log_prediction(f"p{at}", {"x": 1.0}, float(value))
    monitor.log_labels({f"p{at}": value for at, value in enumerate(truth)})
    metrics = monitor.get_performance()["metrics"]
    assert metrics["mae"]["value"] == pytest.approx(sk.mean_absolute_error(truth, made))
    assert metrics["r2"]["value"] == pytest.approx(sk.r2_score(truth, made))


def test_store_metrics_objectives_and_alerts_hear_of_it(monitor, tmp_path, clock):
    for at in range(20):
        monitor.log_prediction(f"p{at}", {"x": 1.0}, 1)
    monitor.log_labels({f"p{at}": int(at < 10) for at in range(20)})
    reader = open_store(tmp_path, read_only=True)
    assert performance(reader, clock())["metrics"]["accuracy"]["value"] == 0.5
    reader.close()
    assert 'neural_model_accuracy{model="m",version="2"} 0.5' in monitor.prometheus_exporter.get_metrics_text()
    assert monitor.slo_tracker.get_slo_status("model_accuracy")["compliance_rate"] == 0.5
    assert any("ccuracy" in alert.title or "erformance" in alert.title for alert in monitor.alert_manager.get_recent_alerts())


def test_the_verdict_is_against_the_reference_performance(monitor):
    monitor.set_reference_data(np.random.default_rng(0).normal(size=(50, 2)), performance={"accuracy": 0.95})
    _, _, truth = log(monitor)
    monitor.log_labels({f"p{at}": int(1 - label) for at, label in enumerate(truth)})
    found = monitor.get_performance()["metrics"]["accuracy"]
    assert found["outcome"] == "bad"
    assert "reference's 0.95" in found["reason"]


def test_predictions_wait_for_their_labels_over_a_restart(tmp_path, clock):
    first = ModelMonitor("m", storage_path=tmp_path, clock=clock)
    first.log_prediction("p0", {"x": 1.0}, 1)
    first.log_labels({"p1": 0})
    first.close()
    second = ModelMonitor("m", storage_path=tmp_path, clock=clock)
    second.log_prediction("p1", {"x": 1.0}, 0)
    second.log_labels({"p0": 1})
    report = second.get_performance()
    second.close()
    assert (report["labels"], report["metrics"]["accuracy"]["value"]) == (2, 1.0)


def test_without_labels_there_is_no_data(monitor):
    report = monitor.get_performance()
    assert (report["status"], report["labels"], report["metrics"]) == ("no_data", 0, {})


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([{"id": "p"}], "needs"),
        (["p1"], "is .id, label."),
        ([("p", None)], "not NoneType"),
        ({"p": [1, 2]}, "not list"),
    ],
)
def test_what_is_no_label_is_one_line(monitor, labels, text):
    with pytest.raises(DataError, match=text):
        monitor.log_labels(labels)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # httpcore leaves a refused socket to the garbage collector
def test_sending_to_a_sidecar_that_is_away_is_tried_again_and_then_one_line(tmp_path):
    waits = []
    with pytest.raises(NeuralError, match="can't be reached"):
        send_labels({"p": 1}, f"unix://{tmp_path}/nobody.sock", sleep=waits.append)
    assert waits == [0.2, 0.4, 0.8, 1.6]
