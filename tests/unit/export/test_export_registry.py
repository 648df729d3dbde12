"""The registry users write to, on prometheus_client and without it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families as parse_text

from neural.monitoring.errors import DataError
from neural.monitoring.export import MetricsRegistry, PrometheusExporter, SimpleMetricsCollector
from neural.monitoring.export.catalogue import SEED


def values(text: str) -> dict[str, float]:
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in parse_text(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def fill(registry: MetricsRegistry) -> str:
    registry.counter("jobs", "Jobs done", ["queue"]).labels("a").inc(2)
    registry.counter("jobs_total", "Jobs done", ["queue"]).labels(queue="b").inc()
    registry.gauge("depth", "Depth").set(5)
    registry.gauge("depth", "Depth").dec(2)
    histogram = registry.histogram("wait_seconds", "Wait", ["queue"], buckets=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 9.0):
        histogram.labels("a").observe(value)
    return registry.get_metrics_text()


def test_both_registries_write_the_same_numbers():
    real, simple = fill(MetricsRegistry(simple=False)), fill(MetricsRegistry(simple=True))
    assert values(real) == values(simple)
    assert values(simple)["wait_seconds_bucket[('le', '0.1'), ('queue', 'a')]"] == 2
    assert values(simple)["depth[]"] == 3


@pytest.mark.parametrize("simple", [False, True], ids=["prometheus_client", "simple"])
class TestBoth:
    def test_a_name_asked_for_twice_is_the_same_metric(self, simple):
        registry = MetricsRegistry(simple=simple)
        assert registry.gauge("a", "A") is registry.gauge("a", "A")

    def test_a_name_asked_for_as_something_else_is_refused(self, simple):
        registry = MetricsRegistry(simple=simple)
        registry.gauge("a", "A")
        with pytest.raises(DataError, match="a is already a gauge with the labels none"):
            registry.gauge("a", "A", ["x"])

    @pytest.mark.parametrize(("name", "labels"), [("9a", ()), ("a b", ()), ("a", ("le",)), ("a", ("__x",)), ("a", ("é",))])
    def test_names_prometheus_would_refuse_are_refused(self, simple, name, labels):
        with pytest.raises(DataError):
            MetricsRegistry(simple=simple).gauge(name, "A", labels)

    def test_the_exporter_fills_the_seeds_twelve(self, simple):
        exporter = PrometheusExporter(registry=MetricsRegistry(simple=simple), model_name="m", model_version="2")
        exporter.record_prediction(0.02)
        exporter.record_prediction()
        exporter.record_error("timeout")
        exporter.set_performance({"accuracy": 0.9, "precision": 0.8, "recall": 0.7, "f1": 0.6, "other": 1.0})
        exporter.set_drift({"distribution": 0.3, "prediction": None})
        exporter.set_quality(0.95, 0.01, 0.02)
        exporter.set_active_models(1)
        found = values(exporter.get_metrics_text())
        me = "('model', 'm'), ('version', '2')"
        assert found[f"neural_predictions_total[{me}]"] == 2
        assert found[f"neural_prediction_latency_seconds_count[{me}]"] == 1
        assert found[f"neural_errors_total[('error_type', 'timeout'), {me}]"] == 1
        assert found[f"neural_model_f1[{me}]"] == 0.6
        assert found[f"neural_drift_score[('drift_type', 'distribution'), {me}]"] == 0.3
        assert found[f"neural_outlier_rate[{me}]"] == 0.02
        text = exporter.get_metrics_text()
        assert all(f"# TYPE {spec.name}" in text for spec in SEED)


def test_the_exporter_takes_a_prometheus_clients_registry():
    shared = CollectorRegistry()
    exporter = PrometheusExporter(registry=shared)
    exporter.record_prediction(0.1)
    assert shared.get_sample_value("neural_predictions_total", {"model": "default", "version": "1.0"}) == 1


def test_the_simple_collector_is_taken_where_prometheus_client_is_missing():
    code = (
        "from importlib.machinery import PathFinder\n"
        "real = PathFinder.find_spec\n"
        "PathFinder.find_spec = classmethod(lambda cls, name, *a: None if name == 'prometheus_client' else real(name, *a))\n"
        "from neural.monitoring.export import PrometheusExporter\n"
        "exporter = PrometheusExporter()\n"
        "exporter.record_prediction(0.1)\n"
        "assert exporter.registry.simple is not None\n"
        "print(exporter.get_metrics_text())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert values(done.stdout)["neural_predictions_total[('model', 'default'), ('version', '1.0')]"] == 1


def test_the_simple_collector_refuses_what_makes_no_sense():
    collector = SimpleMetricsCollector()
    counter = collector.counter("a", "A")
    with pytest.raises(DataError, match="can't go down"):
        counter.inc(-1)
    with pytest.raises(DataError, match="is a counter"):
        counter.set(1)
    with pytest.raises(DataError, match="finite"):
        collector.gauge("g", "G").set(float("nan"))
    with pytest.raises(DataError, match="needs its labels first"):
        collector.gauge("l", "L", ["x"]).set(1)
    with pytest.raises(DataError, match="has the labels x"):
        collector.gauge("l", "L", ["x"]).labels("1", "2")
    with pytest.raises(DataError, match="has the labels x"):
        collector.gauge("l", "L", ["x"]).labels(y="2")
    with pytest.raises(DataError, match="rising"):
        collector.histogram("h", "H", buckets=(2, 1))


def test_a_stray_id_in_a_label_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("neural.monitoring.export.simple.MAX_SERIES", 3)
    gauge = SimpleMetricsCollector().gauge("g", "G", ["id"])
    for index in range(10):
        gauge.labels(index).set(index)
    assert len(gauge.family().samples) == 3


def test_threads_lose_no_count():
    counter = SimpleMetricsCollector().counter("a", "A", ["x"])

    def work():
        for _ in range(2000):
            counter.labels("1").inc()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.family().samples[0].value == 8000
