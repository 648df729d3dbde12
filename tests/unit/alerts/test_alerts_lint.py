"""The maths over rules: each mistake is found by name, and sound rules are left in peace."""

from __future__ import annotations

import pytest

from neural.monitoring.alerts import LintContext, RuleSettings, build_rule, build_rules, lint_rules

SIGNALS = {
    "error_rate": (), "client_error_rate": (), "unparsed_rate": (), "requests.count": (), "requests.rate": (), "latency.p95": (), "latency.p50": (),
    "drift.score": (), "drift.alarm": (), "drift.psi": ("feature",), "drift.feature_score": ("feature",), "quality.alarm": (), "performance.accuracy": (),
    "performance.labels": (), "performance.coverage": (), "slo.burn_alert": ("slo", "severity"), "slo.burn_rate": ("slo", "window"),
    "slo.budget_remaining": ("slo",), "traffic.staleness": (), "capture.loss_ratio": (), "sidecar.backlog": (), "sidecar.evaluation_seconds": (),
}  # fmt: skip
CONTEXT = LintContext(SIGNALS, channels=("log", "slack"), requests_per_window=1000)


def lint(*rules, slos=("fast",), context=CONTEXT):
    built = [build_rule(RuleSettings.model_validate({"name": f"r{i}", **fields})) for i, fields in enumerate(rules)]
    return [(finding.weight, finding.key, finding.message, finding.hint) for finding in lint_rules(built, slos, context)]


@pytest.mark.parametrize(
    ("fields", "weight", "words"),
    [
        ({"when": "eror_rate > 0.05"}, "error", "no signal 'eror_rate'"),
        ({"metric": "drift.scor", "above": 0.1}, "error", "no signal 'drift.scor'"),
        ({"when": "error_rate > 1"}, "error", "can't fire"),
        ({"when": "error_rate > 0.1 && error_rate < 0.05"}, "error", "can't fire"),
        ({"when": "error_rate >= 0"}, "error", "always fires"),
        ({"when": "error_rate > 0.5 || error_rate < 0.6"}, "error", "always fires"),
        ({"when": "error_rate * 100 > 100"}, "error", "can't fire"),
        ({"metric": "drift.score", "above": 1}, "error", "can't fire"),
        ({"metric": "drift.score", "below": 2}, "error", "always fires"),
        ({"when": "latency.p95 < 0"}, "error", "can't fire"),
        ({"when": "error_rate"}, "error", "can't be evaluated"),
        ({"when": "error_rate + 'x' > 1"}, "error", "can't be evaluated"),
        ({"when": "error_rate > 0.2", "for": "2h"}, "warning", "longer than the window"),
        ({"when": "error_rate > 0.2", "for": "60d"}, "error", "longer than signals are kept"),
        ({"when": "error_rate > 0.2", "for": "10s"}, "warning", "shorter than the time between evaluations"),
        ({"when": "error_rate > 0.2", "cooldown": "1h", "repeat": "5m"}, "warning", "shorter than cooldown"),
        ({"when": "error_rate > 0.0005"}, "warning", "one request of 1,000"),
        ({"metric": "error_rate", "above": 0}, "warning", "one request of 1,000"),
        ({"when": "error_rate > 0.2", "channels": ["pager"]}, "error", "nobody hears it"),
        ({"when": "error_rate > 0.2", "channels": ["pager", "log"]}, "warning", "no channel pager"),
        ({"when": "error_rate > 0.2", "channels": []}, "warning", "nobody hears it"),
        ({"when": "error_rate > 0.2", "message": "{eror_rate:.2%}"}, "warning", "always read 'no data'"),
        ({"when": "error_rate > 0.2", "inhibits": ["Dat*"]}, "warning", "no other rule"),
        ({"when": 'slo.burn_rate["fats"]["1h"] > 2'}, "error", "no SLO 'fats'"),
        ({"when": 'drift.psi["age"]["x"] > 2'}, "error", "has 1 label (feature), not 2"),
        ({"metric": "slo.burn_alert", "above": 0, "for_each": ["sol"]}, "error", "no label 'sol'"),
    ],
)
def test_each_mistake_is_found_and_only_it(fields, weight, words):
    [found] = lint(fields)
    assert found[0] == weight
    assert words in found[2]


def test_the_nearest_name_is_offered():
    assert lint({"when": "eror_rate > 0.05"})[0][3] == "did you mean error_rate?"
    assert lint({"when": 'slo.burn_rate["fats"]["1h"] > 2'})[0][3] == "did you mean fast?"


@pytest.mark.parametrize(
    "fields",
    [
        {"when": "error_rate > 0.05"},
        {"when": "error_rate > 0.0005 && requests.count >= 5000"},
        {"when": "error_rate > 0.3 && error_rate < 0.31"},
        {"when": "performance.accuracy < 0.8 && performance.labels >= 100"},
        {"when": 'drift.psi["age"] > 25.0'},
        {"when": "drift.psi.exists(k, drift.psi[k] > 0.3)"},
        {"when": "has(drift.score) && drift.score > 0.2"},
        {"metric": "slo.budget_remaining", "below": -1},
        {
            "metric": "slo.burn_alert",
            "above": 0,
            "where": {"severity": "page"},
            "for_each": ["slo"],
            "message": "{slo}: {reason}",
        },
        {"when": "latency_p95 > 0.5", "message": "{latency_p95:.3f} s, {value}"},
    ],
)
def test_a_sound_rule_is_left_in_peace(fields):
    assert lint(fields) == []


def test_two_rules_saying_the_same_are_named():
    [found] = lint({"when": "error_rate > 0.2"}, {"when": "error_rate > 0.2"})
    assert "says the same as 'r0'" in found[2]
    assert lint({"when": "error_rate > 0.2"}, {"when": "error_rate > 0.2", "severity": "critical"}) == []


def test_errors_come_first():
    assert [weight for weight, *_ in lint({"when": "error_rate > 0.0005"}, {"when": "error_rate > 1"})] == ["error", "warning"]


def test_the_predefined_rules_are_sound():
    assert lint_rules(build_rules([]), (), CONTEXT) == []


def test_a_python_condition_is_not_judged():
    from neural.monitoring.alerts.condition import CallableCondition
    from neural.monitoring.alerts.rule import Rule

    assert lint_rules([Rule("x", CallableCondition(lambda data: True))], (), CONTEXT) == []
