"""Evidence: examples of rows and requests, what moved, versions before and after, the ledger, where to look."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from neural.monitoring.alerts import AlertEngine, Examples, RuleSettings, Surroundings, build_rule
from neural.monitoring.alerts.moved_rows import rows_in_bin
from neural.monitoring.alerts.pointers import command, dashboard_link
from neural.monitoring.alerts.subject import subject_of
from neural.monitoring.alerts.versions import VersionHistory
from neural.monitoring.clock import ManualClock
from neural.monitoring.dashboard.pages.registry import PAGES
from neural.monitoring.dashboard.selection import Selection
from neural.monitoring.drift.bins import bins_of
from neural.monitoring.records import Column, Kind, LabelledBatch, RecordBatch, TrafficBatch
from neural.monitoring.signal import Outcome, Signal, Verdict
from neural.monitoring.store import MemoryStore
from neural.monitoring.windows import build_reference

TRACE = "0af7651916cd43dd8448eb211c80319c"


def numbers(name, *values):
    return Column(name, Kind.NUMERIC, np.array(values, dtype=float), np.isnan(np.array(values, dtype=float)))


def words(name, *values):
    return Column(name, Kind.CATEGORICAL, np.array(values, dtype=object), np.array([value is None for value in values]))


def traffic(latency, status, traces=(), version="3"):
    n = len(latency)
    status = np.array(status, dtype=np.int32)
    return TrafficBatch(
        "flights", version, np.zeros(n), np.array(latency), status, status >= 500, np.ones(n), trace_ids=traces,
        request_ids=[f"q{i}" for i in range(n)],
    )  # fmt: skip


def rows(*columns, traces=()):
    n = len(columns[0])
    return RecordBatch(
        "flights", "3", np.zeros(n), [f"r{i}" for i in range(n)], {one.name: one for one in columns}, trace_ids=traces
    )


class TestExamples:
    def test_failing_requests_newest_first_with_their_traces(self):
        examples = Examples()
        examples.observe_traffic(traffic([0.1, 0.1, 0.1], [500, 200, 503], ["", "", TRACE]))
        assert examples.of(["error_rate"], "flights", "3", {}) == [
            {"row_id": "q2", "trace_id": TRACE, "why": "status 503"}, {"row_id": "q0", "why": "status 500"}]  # fmt: skip

    def test_slow_requests_slowest_first(self):
        examples = Examples()
        examples.observe_traffic(traffic([0.1, 2.0, 0.3], [200, 200, 200]))
        assert [one["row_id"] for one in examples.of(["latency"], "flights", "3", {})] == ["q1", "q2", "q0"]

    @pytest.mark.parametrize(("kind", "first"), [("availability", "q0"), ("latency", "q1"), ("throughput", None)])
    def test_an_objective_shows_what_it_counts(self, kind, first):
        examples = Examples()
        examples.observe_traffic(traffic([0.1, 2.0], [500, 200]))
        found = examples.of([subject_of("slo", {"type": kind})], "flights", "", {"type": kind})
        assert (found[0]["row_id"] if found else None) == first

    def test_wrong_predictions(self):
        examples = Examples()
        labels, said = np.array(["1", "0"], dtype=object), np.array(["1", "1"], dtype=object)
        examples.observe_labels(LabelledBatch("flights", "3", np.zeros(2), np.zeros(2), ["a", "b"], said, labels))
        assert examples.of(["performance"], "flights", "3", {}) == [{"row_id": "b", "why": "predicted 1, was 0"}]

    def test_rows_that_quality_names_with_their_traces(self):
        examples = Examples()
        examples.observe_rows(rows(numbers("humid", 1.0, np.nan), traces=["", TRACE]))
        finding = {"column": "humid", "kind": "missing", "row_ids": ["r1", "gone"]}
        assert examples.of(["quality"], "flights", "3", {"findings": [finding]}) == [
            {"row_id": "r1", "trace_id": TRACE, "why": "humid: missing"}, {"row_id": "gone", "why": "humid: missing"}]  # fmt: skip

    def test_rows_in_the_bin_that_grew_most(self):
        examples = Examples()
        examples.observe_rows(rows(numbers("temp", 40.0, 3.0, 50.0, -2.0)))
        moved = [{"bin": "40 to 60", "change": -0.2}, {"bin": "<= 10.94", "change": 0.2}]
        found = examples.of(["drift"], "flights", "3", {"features": [{"feature": "temp", "moved": moved}]})
        assert [one["row_id"] for one in found] == ["r3", "r1"]

    def test_other_models_and_versions_are_left_out_and_a_sidecar_wide_alert_sees_all(self):
        examples = Examples()
        examples.observe_traffic(traffic([0.1], [500]))
        assert examples.of(["error_rate"], "flights", "4", {}) == []
        assert examples.of(["error_rate"], "other", "", {}) == []
        assert len(examples.of(["error_rate"], "", "", {})) == 1

    def test_memory_is_bounded_by_rows_and_models(self):
        examples = Examples()
        for _ in range(100):
            examples.observe_rows(rows(numbers("x", *range(500))))
            examples.observe_traffic(traffic([1.0] * 50, [500] * 50))
        for number in range(200):
            examples.observe_traffic(traffic([1.0], [500], version=str(number)))
        held = examples._recent["flights", "3"]
        assert sum(map(len, held.batches)) <= 2000
        assert len(held.failed) == len(held.slow) == 32
        assert len(examples._recent) == 64


@pytest.mark.parametrize("values", [np.random.default_rng(0).normal(size=3000), np.arange(3000) % 20, np.ones(500)])
def test_every_numeric_bin_that_drift_can_name_finds_its_rows(values):
    reference = build_reference({"x": numbers("x", *values)}, source="test", created_at=0.0).columns["x"]
    bins = bins_of(reference)
    assert bins is not None
    known = np.unique(values)
    probe = numbers("x", *known, values.min() - 5, values.max() + 5, 0.5)
    found = np.sum([rows_in_bin(probe, label, reference) for label in bins.labels], axis=0)
    assert (found[:-1] == 1).all(), "each value lies in one bin"
    assert found[-1] >= 1, "what lies between known values does so by both names"


def test_every_categorical_bin_that_drift_can_name_finds_its_rows():
    column = words("c", *(["a", "b", "c", "a"] * 100))
    reference = build_reference({"c": column}, source="test", created_at=0.0).columns["c"]
    probe = words("c", "a", "b", "zz", None)
    bins = bins_of(reference)
    assert bins is not None
    found = {label: np.flatnonzero(rows_in_bin(probe, label, reference)).tolist() for label in bins.labels}
    assert found == {"unseen": [2], "a": [0], "b": [1], "c": []}


class TestVersions:
    def test_before_and_after_a_release_and_a_rollback(self):
        history = VersionHistory()
        history.see([("m", "1")], 10.0)
        assert history.told("m", ["1"]) == {"before": "1", "after": "1", "serving": ["1"]}
        history.see([("m", "1"), ("m", "2")], 20.0)
        assert history.told("m", ["2", "1"]) == {"before": "1", "after": "2", "changed_at": 20.0, "serving": ["1", "2"]}
        history.see([("m", "2")], 30.0)
        history.see([("m", "1"), ("m", "2")], 40.0)
        assert history.told("m", ["1"])["after"] == "1"
        assert history.told("m", ["1"])["before"] == "2"

    def test_a_restart_is_no_release(self):
        history = VersionHistory()
        history.see([("m", "1")], 10.0)
        history.see([("m", "1"), ("m", "2")], 20.0)
        again = VersionHistory(history.known)
        again.see([("m", "1"), ("m", "2")], 30.0)
        assert again.told("m", ["2"])["changed_at"] == 20.0

    def test_it_is_bounded(self):
        history = VersionHistory()
        for number in range(100):
            history.see([("m", str(number)), (f"m{number}", "1")], float(number))
        assert len(history.known["m"]) == 8
        assert len(history.known) == 64


class TestPointers:
    def test_the_command_is_quoted_for_a_shell(self):
        line = command("drift", ("a model; rm -rf", "3"), {}, ("--storage-path", "/var/lib/my data"), 1e9)
        assert shlex.split(line) == [
            "neural", "monitor", "drift", "--model", "a model; rm -rf", "--model-version", "3",
            "--at", "2001-09-09T01:46:40Z", "--storage-path", "/var/lib/my data"]  # fmt: skip
        assert command("slo", ("m", ""), {"slo": "fast"}, (), 0.5) == (
            "neural monitor slo --model m --name fast --at 1970-01-01T00:00:01Z"
        )
        assert command("latency", ("m", ""), {}, (), 0.0) == "neural monitor status --model m --at 1970-01-01T00:00:00Z"

    @pytest.mark.parametrize("family", ["drift", "quality", "performance", "slo", "capture", "latency", "custom"])
    def test_the_link_is_a_page_that_the_dashboard_knows(self, family):
        link = dashboard_link("https://mon.example/", family, ("m", "3"), {"slo": "fast"}, "temp", 1000.5)
        path, _, query = link.removeprefix("https://mon.example").partition("?")
        chosen = Selection.parse(path, query)
        assert chosen.page in PAGES
        assert (chosen.model, chosen.version, chosen.until, chosen.slo, chosen.feature) == ("m", "3", 1001.0, "fast", "temp")

    def test_without_a_dashboard_there_is_no_link(self):
        assert dashboard_link("", "drift", ("m", "3"), {}, "", 1.0) == ""


def test_a_fired_alert_carries_all_of_it():
    examples, store, clock = Examples(), MemoryStore(), ManualClock(1000.0)
    examples.observe_rows(rows(numbers("temp", 3.0), traces=[TRACE]))
    around = Surroundings("http://127.0.0.1:8052", ("--storage-path", "/state"), examples.of)
    rule = build_rule(RuleSettings.model_validate({"name": "Data drift", "metric": "drift.alarm", "above": 0}))
    engine = AlertEngine([rule], store, {}, clock, around=around)
    moved = [{"bin": "<= 10.94", "reference": 0.0, "current": 0.2, "change": 0.2, "rows": 9}]
    details = {"features": [{"feature": "temp", "moved": moved}]}
    labels = {"model": "flights", "version": "3"}

    def signal(name, value, verdict=None, **more):
        return Signal(name, value, clock(), {**labels, **more}, verdict)

    calm = [signal("drift.alarm", 0.0), Signal("drift.alarm", 0.0, 0.0, {"model": "flights", "version": "2"})]
    engine.evaluate(calm[1:], clock())
    clock.advance(60)
    engine.evaluate(calm, clock())
    clock.advance(60)
    [row] = engine.evaluate(
        [
            signal("drift.alarm", 1.0, Verdict(Outcome.BAD, "temp drifted", sample_size=99, evidence=details)),
            signal("drift.evidence", 1e12, Verdict(Outcome.BAD, "temp drifted"), feature="temp"),
            signal("drift.evidence", 1e-7, feature="dest"),
            signal("capture.seen", 1200.0), signal("capture.shipped", 1190.0), signal("capture.loss_ratio", 0.001),
            signal("capture.dropped", 10.0, reason="memory"), signal("unparsed_rate", 0.0),
        ],
        clock(),
    )  # fmt: skip
    assert row.evidence["top_features"] == [
        {"feature": "temp", "signal": "drift.evidence", "value": 1e12, "reason": "temp drifted", "moved": moved}]  # fmt: skip
    assert row.evidence["examples"] == [{"row_id": "r0", "trace_id": TRACE, "why": "temp: <= 10.94"}]
    assert row.evidence["versions"] == {"before": "2", "after": "3", "changed_at": 1060.0, "serving": ["3"]}
    assert row.evidence["ledger"] == {
        "seen": 1200.0, "shipped": 1190.0, "loss_ratio": 0.001, "dropped": {"memory": 10.0}, "unparsed_rate": 0.0}  # fmt: skip
    assert row.evidence["command"] == (
        "neural monitor drift --model flights --model-version 3 --at 1970-01-01T00:18:40Z --storage-path /state"
    )
    assert row.evidence["dashboard"] == "http://127.0.0.1:8052/drift?model=flights&version=3&until=1120&feature=temp"
    assert (row.evidence["n"], row.evidence["value"], row.evidence["threshold"]) == (99, 1.0, 0.0)


def test_an_objective_on_drift_and_an_expression_on_it_carry_what_drifted():
    """Neither is told by the verdict that names columns; both are about it."""
    examples, clock = Examples(), ManualClock(1000.0)
    examples.observe_rows(rows(numbers("temp", 3.0), traces=[TRACE]))
    told = {"metric": "slo.burn_alert", "where": {"severity": "page"}, "for_each": ["slo"], "above": 0}
    rules = [
        build_rule(RuleSettings.model_validate({"name": "burn", **told})),
        build_rule(RuleSettings.model_validate({"name": "score", "when": "drift.score > 0.5"})),
    ]
    engine = AlertEngine(rules, MemoryStore(), {}, clock, around=Surroundings("http://d", (), examples.of))
    labels = {"model": "flights", "version": "3"}
    moved = [{"bin": "<= 10.94", "reference": 0.0, "current": 0.2, "change": 0.2, "rows": 9}]
    named = {"features": [{"feature": "temp", "moved": moved}]}
    burning = Verdict(Outcome.BAD, "burns", evidence={"type": "drift_free", "bad": 3.0})
    found = engine.evaluate(
        [
            Signal("drift.alarm", 1.0, 0.0, labels, Verdict(Outcome.BAD, "temp drifted", evidence=named)),
            Signal("drift.score", 0.9, 0.0, labels),
            Signal("drift.evidence", 1e12, 0.0, {**labels, "feature": "temp"}, Verdict(Outcome.BAD, "temp drifted")),
            Signal("slo.burn_alert", 1.0, 0.0, {**labels, "slo": "still", "severity": "page"}, burning),
        ],
        clock(),
    )
    assert {row.rule for row in found} == {"burn", "score"}
    for row in found:
        assert [(one["feature"], one["moved"]) for one in row.evidence["top_features"]] == [("temp", moved)]
        assert row.evidence["examples"] == [{"row_id": "r0", "trace_id": TRACE, "why": "temp: <= 10.94"}]
    links = {row.rule: row.evidence["dashboard"] for row in found}
    assert links["burn"] == "http://d/slo?model=flights&until=1000&slo=still"
    assert "feature=temp" in links["score"]


def test_quality_says_how_far_each_rate_has_risen_and_a_request_rule_counts_requests():
    engine = AlertEngine(
        [
            build_rule(RuleSettings.model_validate({"name": "q", "metric": "quality.alarm", "above": 0})),
            build_rule(RuleSettings.model_validate({"name": "e", "when": "error_rate > 0.1"})),
        ],
        MemoryStore(), {}, ManualClock(1000.0),
    )  # fmt: skip
    labels = {"model": "flights", "version": "3"}
    finding = {"column": "humid", "kind": "missing", "rate": 0.25, "reference_rate": 0.001, "row_ids": []}
    found = engine.evaluate(
        [
            Signal("quality.alarm", 1.0, 0.0, labels, Verdict(Outcome.BAD, "humid", evidence={"findings": [finding]})),
            Signal("quality.feature_missing_rate", 0.2, 0.0, {**labels, "feature": "humid"}, Verdict(Outcome.BAD, "humid")),
            Signal("error_rate", 0.5, 0.0, labels), Signal("requests.count", 83.0, 0.0, labels), Signal("rows.count", 368.0, 0.0, labels),
        ],
        1000.0,
    )  # fmt: skip
    evidence = {row.rule: row.evidence for row in found}
    assert evidence["q"]["top_features"][0]["moved"] == [{"bin": "missing", "reference": 0.001, "current": 0.25}]
    assert evidence["e"]["n"] == 83
