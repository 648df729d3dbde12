"""The sidecar's page: the seed's twelve, and the family."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from export_fakes import NOW, alert, board, judge, rows, signal, totals, traffic
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from neural.monitoring.export import CATALOGUE, Budget, MetricsRegistry, SidecarMetrics, TrafficTotals
from neural.monitoring.export.catalogue import SEED
from neural.monitoring.export.from_signals import METRIC_OF
from neural.monitoring.export.totals import LATENCY_BOUNDS, MAX_MODELS
from neural.monitoring.signal import Outcome
from neural.monitoring.views import Snapshot, SnapshotBoard

SEED_NAMES = [
    "neural_predictions_total", "neural_prediction_latency_seconds", "neural_model_accuracy", "neural_model_precision", "neural_model_recall",
    "neural_model_f1", "neural_drift_score", "neural_data_quality_score", "neural_missing_values_rate", "neural_outlier_rate", "neural_errors_total",
    "neural_active_models",
]  # fmt: skip


def samples(metrics: SidecarMetrics) -> dict[str, float]:
    """Each line of the page: 'name{labels}' → value."""
    text = metrics.page()[1]
    found = {}
    for family in parse_text(text):
        for sample in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in sample.labels.items())
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert key not in found
            found[key] = sample.value
    return found


def test_the_seeds_twelve_are_there_by_name_with_model_and_version():
    assert [spec.name for spec in SEED] == SEED_NAMES
    found = samples(SidecarMetrics(board(), totals()))
    me = 'model="flights",version="3"'
    assert found[f"neural_predictions_total{{{me}}}"] == 5
    assert found[f"neural_prediction_latency_seconds_count{{{me}}}"] == 3
    assert found[f"neural_prediction_latency_seconds_sum{{{me}}}"] == pytest.approx(2.023)
    assert found[f'neural_prediction_latency_seconds_bucket{{{me},le="0.005"}}'] == 1
    assert found[f"neural_model_accuracy{{{me}}}"] == 0.9
    assert found[f"neural_model_precision{{{me}}}"] == 0.8
    assert found[f"neural_model_recall{{{me}}}"] == 0.7
    assert found[f"neural_model_f1{{{me}}}"] == 0.75
    assert found[f'neural_drift_score{{{me},drift_type="distribution"}}'] == 0.31
    assert found[f'neural_drift_score{{{me},drift_type="prediction"}}'] == 0.1
    assert found[f'neural_drift_score{{{me},drift_type="feature"}}'] == 0.02
    assert f'neural_drift_score{{{me},drift_type="performance"}}' not in found  # no data
    assert found[f"neural_data_quality_score{{{me}}}"] == 0.97
    assert found[f"neural_missing_values_rate{{{me}}}"] == 0.02
    assert found[f"neural_outlier_rate{{{me}}}"] == 0.01
    assert found[f'neural_errors_total{{{me},error_type="server"}}'] == 1
    assert found[f'neural_errors_total{{{me},error_type="client"}}'] == 1
    assert found["neural_active_models"] == 1


def test_the_family_stands_beside_them():
    found = samples(SidecarMetrics(board(), totals()))
    me = 'model="flights",version="3"'
    assert found["neural_capture_seen_total"] == 100
    assert found["neural_capture_shipped_total"] == 90
    assert found["neural_capture_sampled_out_total"] == 4
    assert found['neural_capture_dropped_total{reason="ring_full"}'] == 5
    assert found["neural_capture_in_flight"] == 1
    assert found["neural_capture_sources"] == 2
    assert found["neural_capture_unbalanced_sources"] == 0
    assert found[f'neural_requests_total{{{me},status="404"}}'] == 1
    assert found[f'neural_feature_drift{{{me},feature="f1",method="ks"}}'] == 0.02
    assert found[f'neural_feature_drift_evidence{{{me},feature="f0"}}'] == 0.01
    assert found[f'neural_feature_quality_ratio{{{me},feature="f0",check="unseen"}}'] == 0.001
    assert found[f'neural_model_performance{{{me},metric="roc_auc"}}'] == 0.85
    assert found[f'neural_slo_burn_rate{{{me},slo="fast",window="1h"}}'] == 14.5
    assert found[f'neural_slo_burn_alert{{{me},slo="fast",severity="page"}}'] == 1
    assert found[f'neural_window_latency_seconds{{{me},percentile="95"}}'] == 0.12
    assert found['neural_alerts{rule="High Error Rate",severity="critical",state="firing"}'] == 2
    assert found[f"neural_signals_bad{{{me}}}"] == 1
    assert found["neural_sidecar_memory_bytes"] == 1e8
    assert found['neural_sidecar_events_total{kind="events"}'] == 90
    assert found["neural_sidecar_last_evaluation_timestamp_seconds"] == NOW


def test_a_signal_without_a_metric_of_its_own_stands_in_neural_signal():
    found = samples(SidecarMetrics(board()))
    assert found['neural_signal{model="flights",version="3",signal="my.own",tier="gold"}'] == 7
    assert not [name for name in found if name.startswith("neural_signal{") and "capture" in name]


@pytest.mark.parametrize(
    ("label", "exported"),
    [("my-label", "my_label"), ("9lives", "label_9lives"), ("__x", "label___x"), ("signal", "label_signal"), ("é", "_")],
)
def test_a_custom_label_name_is_made_fit(label, exported):
    snapshot = Snapshot(time=NOW, started_at=NOW, signals=(signal("a.b", 1.0, **{label: "v"}),))
    assert f'{exported}="v"' in SidecarMetrics(SnapshotBoard(snapshot)).page()[1]


def test_every_signal_in_the_table_has_a_metric_with_fitting_labels():
    for name, (metric, fixed) in METRIC_OF.items():
        own = CATALOGUE[metric].labels[2:]
        assert len(fixed) <= len(own), name


def test_before_the_first_evaluation_the_page_still_parses():
    found = samples(SidecarMetrics(SnapshotBoard(), TrafficTotals()))
    assert "neural_build_info" in " ".join(found)
    assert not [name for name in found if name.startswith("neural_drift")]


def test_openmetrics_comes_with_trace_ids_on_latency():
    kind, text = SidecarMetrics(board(), totals()).page("application/openmetrics-text")
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in parse_openmetrics(text)}
    traced = [sample.exemplar for sample in families["neural_prediction_latency_seconds"].samples if sample.exemplar]
    assert [(one.labels["trace_id"][0], one.value) for one in traced] == [("a", 0.003), ("b", 2.0)]
    without = SidecarMetrics(board(), totals(), exemplars=False).page("application/openmetrics-text")[1]
    assert "trace_id" not in without


def test_parts_and_users_add_to_the_page():
    registry = MetricsRegistry()
    registry.gauge("shop_price", "The price").set(3)
    metrics = SidecarMetrics(board(), stats={"ingest": lambda: {"batches": 4.0}}, pages=[registry])
    assert samples(metrics)['neural_sidecar_stat{component="ingest",stat="batches"}'] == 4
    assert samples(metrics)["shop_price"] == 3
    text = metrics.page("application/openmetrics-text")[1]
    assert text.count("# EOF") == 1
    assert {"shop_price", "neural_drift_score"} <= {family.name for family in parse_openmetrics(text)}


def test_too_many_features_are_folded_and_counted():
    metrics = SidecarMetrics(board(features=50), budget=Budget(max_label_values=10))
    found = samples(metrics)
    kept = {name for name in found if name.startswith("neural_feature_drift_evidence")}
    assert len(kept) == 11
    assert (
        found['neural_feature_drift_evidence{model="flights",version="3",feature="_other"}'] == 0.5
    )  # the worst of those folded
    assert found["neural_metrics_folded_series"] == 40 + 4 * 40 + 4 * 40 - 9


def test_who_was_there_first_keeps_its_line():
    snapshots, budget = SnapshotBoard(), Budget(max_label_values=1)
    metrics = SidecarMetrics(snapshots, budget=budget)
    snapshots.publish(Snapshot(time=NOW, started_at=NOW, signals=(signal("drift.ks", 0.1, feature="old"),)))
    assert any('feature="old"' in name for name in samples(metrics))
    snapshots.publish(
        Snapshot(
            time=NOW, started_at=NOW, signals=(signal("drift.ks", 0.9, feature="new"), signal("drift.ks", 0.2, feature="old"))
        )
    )
    found = samples(metrics)
    assert found['neural_feature_drift{model="flights",version="3",feature="old",method="ks"}'] == 0.2
    assert found['neural_feature_drift{model="flights",version="3",feature="_other",method="ks"}'] == 0.9


def test_the_page_never_grows_beyond_its_budget():
    metrics = SidecarMetrics(board(features=400), totals(), budget=Budget(max_series=300, max_label_values=10_000))
    found = samples(metrics)
    assert len(found) <= 300
    assert found["neural_metrics_folded_series"] > 3000
    assert 'neural_predictions_total{model="flights",version="3"}' in found


def test_folded_counters_add_up():
    many = TrafficTotals()
    many.observe_traffic_at_once(traffic([0.1] * 30, statuses=list(range(400, 430))))
    found = samples(SidecarMetrics(SnapshotBoard(), many, budget=Budget(max_label_values=5)))
    lines = {name: value for name, value in found.items() if name.startswith("neural_requests_total")}
    assert len(lines) == 6
    assert sum(lines.values()) == 30


def test_totals_add_up_and_weigh_samples():
    made = TrafficTotals()
    made.observe_traffic_at_once(traffic([0.002, float("nan"), -1.0], weights=[10.0, 10.0, 10.0], unparsed={"not_json": 2}))
    made.observe_traffic_at_once(traffic([100.0]))
    (one,) = made.models().values()
    assert sum(one.latency_counts) == 11
    assert one.latency_counts[-1] == 1
    assert one.by_status == {"200": 31.0}
    assert one.unparsed == {"not_json": 2.0}


def test_a_latency_on_a_bound_belongs_to_that_bucket():
    made = TrafficTotals()
    made.observe_traffic_at_once(traffic(list(LATENCY_BOUNDS)))
    (one,) = made.models().values()
    assert one.latency_counts == (1.0,) * len(LATENCY_BOUNDS) + (0.0,)


def test_totals_survive_a_restart():
    before = totals()
    after = TrafficTotals()
    after.restore(before.snapshot())
    assert after.snapshot() == before.snapshot()
    after.observe_rows_at_once(rows(1))
    assert after.models()["flights", "3"].predictions == 6


def test_totals_of_another_release_start_again():
    made = TrafficTotals()
    made.restore({"models": [["a", "1", {"predictions": 3.0, "latency_counts": [1.0]}]]})
    assert made.models()["a", "1"].predictions == 3


def test_models_beyond_the_most_share_other():
    made = TrafficTotals()
    for index in range(MAX_MODELS + 10):
        made.observe_rows_at_once(rows(1, model=f"m{index}"))
    assert len(made.models()) == MAX_MODELS + 1
    assert made.models()["_other", "_other"].predictions == 10


def test_a_scrape_of_a_hundred_features_is_cheap_in_steps():
    """Not timed: the page of 100 features has about 1,000 lines, and each label pair is escaped once."""
    text = SidecarMetrics(board(features=100), totals()).page()[1]
    assert 900 < len(text.splitlines()) < 1500


def test_alerts_are_counted_by_rule_and_state():
    snapshot = Snapshot(time=NOW, started_at=NOW, alerts=(alert("a"), alert("a", "pending"), alert("b")))
    found = samples(SidecarMetrics(SnapshotBoard(snapshot)))
    assert {name: value for name, value in found.items() if name.startswith("neural_alerts")} == {
        'neural_alerts{rule="a",severity="critical",state="firing"}': 1,
        'neural_alerts{rule="a",severity="critical",state="pending"}': 1,
        'neural_alerts{rule="b",severity="critical",state="firing"}': 1,
    }


def test_evaluations_are_counted_by_drift_verdict_and_those_with_drift_name_a_trace():
    made = TrafficTotals()
    judge(made, Outcome.BAD, 0.9)  # no traffic was traced yet
    text = SidecarMetrics(board(), made).page("application/openmetrics-text")[1]
    assert 'neural_drift_evaluations_total{model="flights",version="3",outcome="bad"} 1.0\n' in text
    made.observe_traffic_at_once(traffic([0.1, 0.2, 0.3], trace_ids=["", "c" * 32, ""]))
    judge(made, Outcome.BAD, 0.5)
    judge(made, Outcome.OK, 0.01)
    made.evaluate(SimpleNamespace(model="flights", version="3", earlier=()))  # drift was not judged
    text = SidecarMetrics(board(), made).page("application/openmetrics-text")[1]
    line = f'outcome="bad"}} 2.0 # {{trace_id="{"c" * 32}"}} 0.5 {NOW + 1:.3f}\n'
    assert line in text
    assert 'outcome="ok"} 1.0\n' in text
    assert "c" * 32 not in SidecarMetrics(board(), made, exemplars=False).page("application/openmetrics-text")[1]
    again = TrafficTotals()
    again.restore(made.snapshot())
    assert again.models()["flights", "3"].verdicts == {"bad": 2.0, "ok": 1.0}


def test_folding_is_counted_over_all_scrapes():
    metrics = SidecarMetrics(board(features=10), budget=Budget(max_label_values=4))
    once = samples(metrics)
    twice = samples(metrics)
    assert once["neural_metrics_folded_series"] == twice["neural_metrics_folded_series"] > 0
    assert twice["neural_metrics_folded_samples_total"] == 2 * once["neural_metrics_folded_series"]
