"""The page in protobuf, read by Google's protobuf: the same as the text, and native histograms beside the classic ones."""

from __future__ import annotations

import numpy as np
import pytest
from client_model import families
from export_fakes import board, totals, traffic
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse

from neural.monitoring.export import SidecarMetrics, TrafficTotals
from neural.monitoring.export.native import CELLS, ZERO_THRESHOLD, cells_of, dense, native_histogram, spans_of, sparse
from neural.monitoring.export.protobuf import PROTOBUF
from neural.monitoring.export.registry import MetricsRegistry
from neural.monitoring.export.text import OPENMETRICS, TEXT, preferred

ASKED_BY_PROMETHEUS = (  # 2.42 with --enable-feature=native-histograms
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


def test_every_series_of_the_text_is_in_the_protobuf_page():
    metrics = SidecarMetrics(board(3), totals(), stats={"ingest": lambda: {"batches": 4.0}})
    kind, body = metrics.scrape(ASKED_BY_PROMETHEUS)
    assert kind == PROTOBUF
    said = {
        (name, frozenset((pair.name, pair.value) for pair in metric.label)): metric
        for name, family in families(body).items()
        for metric in family.metric
    }
    text = metrics.page("application/openmetrics-text")[1]
    compared = 0
    for family in parse(text):
        for sample in family.samples:
            labels = frozenset((key, value) for key, value in sample.labels.items() if key != "le")
            if sample.name.endswith("_bucket"):
                buckets = said[sample.name.removesuffix("_bucket"), labels].histogram.bucket
                bound = float(sample.labels["le"])
                assert [one.cumulative_count_float for one in buckets if one.upper_bound == bound] == [sample.value]
            elif (sample.name, labels) in said:
                metric = said[sample.name, labels]
                if "cpu" not in sample.name and "scrape" not in sample.name:
                    value = metric.counter.value if metric.HasField("counter") else metric.gauge.value
                    assert value == sample.value, sample
            else:
                assert sample.name.endswith(("_sum", "_count")), sample
            compared += 1
    assert compared > 90


def test_latencies_are_a_native_histogram_that_adds_up_to_the_classic_one():
    made = TrafficTotals()
    latencies = np.random.default_rng(3).lognormal(-4, 1, 500)
    made.observe_traffic_at_once(traffic([0.0, 1e-9, *latencies, 1e9], weights=[2.5] * 503))
    body = SidecarMetrics(board(), made).scrape(ASKED_BY_PROMETHEUS)[1]
    histogram = families(body)["neural_prediction_latency_seconds"].metric[0].histogram
    assert histogram.schema == 3
    assert histogram.zero_count_float == 5.0
    assert histogram.zero_threshold == ZERO_THRESHOLD
    assert sum(histogram.positive_count) + histogram.zero_count_float == histogram.sample_count_float == 503 * 2.5
    assert sum(span.length for span in histogram.positive_span) == len(histogram.positive_count)
    assert histogram.bucket[-1].upper_bound == np.inf


def test_an_empty_histogram_is_still_a_native_one():
    made = TrafficTotals()
    made.observe_traffic_at_once(traffic([]))
    histogram = (
        families(SidecarMetrics(board(), made).scrape(ASKED_BY_PROMETHEUS)[1])["neural_prediction_latency_seconds"]
        .metric[0]
        .histogram
    )
    assert [(span.offset, span.length) for span in histogram.positive_span] == [(0, 0)]


@given(st.lists(st.floats(1e-6, 4000), min_size=1, max_size=50))
def test_a_value_is_in_the_bucket_whose_bounds_hold_it(values):
    cells = np.bincount(cells_of(np.array(values)), minlength=CELLS)
    found = native_histogram(cells)
    assert sum(count for _, count in found.buckets) + found.zero == len(values)
    for index, count in found.buckets:
        low, high = 2 ** ((index - 1) / 8), 2 ** (index / 8)
        assert sum(low < value <= high for value in values) == pytest.approx(count)
    assert np.array_equal(dense(sparse(cells.astype(float))), cells)
    spans, walked, at = spans_of(found.buckets), [], 0
    for gap, length in spans:
        at += gap
        walked += range(at, at + length)
        at += length
    assert walked == [index for index, _ in found.buckets]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (ASKED_BY_PROMETHEUS, PROTOBUF),
        ("", TEXT),
        ("*/*", TEXT),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", OPENMETRICS),
        ("application/vnd.google.protobuf;encoding=text", TEXT),
        ("application/vnd.google.protobuf; encoding=delimited; q=0.2, text/plain", TEXT),
        ("application/vnd.google.protobuf;encoding=delimited;q=0", TEXT),
    ],
)
def test_the_form_is_the_one_asked_for(accept, kind):
    assert preferred(accept, protobuf=True) == kind
    assert SidecarMetrics(board(), totals()).scrape(accept)[0] == kind


def test_with_metrics_of_the_users_own_the_page_is_text():
    registry = MetricsRegistry(simple=True)
    registry.counter("jobs").inc()
    kind, body = SidecarMetrics(board(), totals(), pages=[registry]).scrape(ASKED_BY_PROMETHEUS)
    assert kind == OPENMETRICS
    assert b"jobs_total 1.0" in body
